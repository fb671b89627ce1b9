"""The steps of the gradient descent are those of torch's own optimiser."""

import torch

from tamrl.predict.descent import _Adam


def test_each_step_is_that_of_torch():
    start = torch.linspace(-1, 1, 7)[None]
    moved, ours = (start.clone().requires_grad_(True) for _ in range(2))
    theirs, own = torch.optim.Adam([moved], lr=0.1), _Adam(ours)
    for step in range(5):
        rate = 0.1 / (1 + step)
        gradients = [torch.autograd.grad(((p - 0.3) ** 4).sum(), p)[0] for p in (moved, ours)]
        theirs.param_groups[0]["lr"] = rate
        moved.grad = gradients[0]
        theirs.step()
        own.step(gradients[1], rate)
        assert torch.equal(moved, ours)
    assert not torch.equal(ours, start)
