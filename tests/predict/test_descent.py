"""The steps of the gradient descent are those of torch's own optimiser."""

import torch

from tamrl.predict.descent import _Adam


def test_each_step_is_that_of_torch():
    start = [torch.linspace(-1, 1, 6).reshape(2, 3), torch.tensor([0.5])]
    moved, ours = ([p.clone().requires_grad_(True) for p in start] for _ in range(2))
    theirs, own = torch.optim.Adam(moved, lr=0.1), _Adam(ours)
    for step in range(5):
        rate = 0.1 / (1 + step)
        for parameters in (moved, ours):
            sum(((p - 0.3) ** 4).sum() for p in parameters).backward()
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        theirs.zero_grad()
        own.step(rate)
        assert all(torch.equal(one, other) for one, other in zip(moved, ours, strict=True))
    assert all(p.grad is None for p in ours)
