"""The posterior mode of all weights, by gradient descent."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from tamrl.predict.finetune import AdaptationWindow, FineTune, misfit

#: Steps whose losses are read from the device at once: reading waits for it.
BLOCK = 10


def fit_offset(
    shift: FineTune,
    task: AdaptationWindow,
    weight: Tensor,
    steps: int,
    learning_rate: float,
    report: Callable[[float, float], None],
) -> None:
    """Move the shift to the posterior mode by Adam; the learning rate falls over the second half.

    Args:
        shift: moved in place.
        task: what it is fitted to.
        weight: (V, T, 3) 1 on the days and fluxes that each variant is fitted to.
        steps: gradient steps.
        learning_rate: in prior standard deviations.
        report: called after each step with the first variant's loss on its days and on the held-back ones.
    """
    for p in shift.parameters:
        p.requires_grad_(True)
    optimizer = _Adam(shift.parameters)
    independent = weight.sum((1, 2)) / 3 * task.independent
    losses = []
    for step in range(steps):
        fluxes = shift.fluxes(task.drivers, task.mask, 1.0, task.window)
        objective = ((misfit(shift, task, fluxes, weight) + shift.penalty()) / (1 + independent)).sum()
        objective.backward()
        optimizer.step(learning_rate * min(1, 2 * (1 - step / steps)))
        with torch.no_grad():
            losses.append(shift.losses(task, fluxes, weight))
        if len(losses) == BLOCK or step == steps - 1:
            read_losses(losses, report)
            losses = []
    for p in shift.parameters:
        p.requires_grad_(False)


class _Adam:
    """What ``torch.optim.Adam`` does by default; the class itself brings torch's compiler: 70 MB and a second.

    Args:
        parameters: moved in place.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means, self._squares = ([torch.zeros_like(p) for p in self._parameters] for _ in range(2))
        self._steps = [torch.tensor(0.0) for _ in self._parameters]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the parameters by their gradients, and forget these."""
        adam(
            self._parameters,
            [p.grad for p in self._parameters if p.grad is not None],  # the objective reads all of them
            self._means,
            self._squares,
            [],
            self._steps,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        for p in self._parameters:
            p.grad = None


def read_losses(losses: list[Tensor], report: Callable[[float, float], None]) -> None:
    """Report the losses (2,) of some steps, read from the device at once."""
    for loss, held_back in torch.stack(losses).tolist():
        report(loss, held_back)
