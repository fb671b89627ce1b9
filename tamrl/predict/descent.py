"""The posterior mode of all weights, by gradient descent."""

from collections.abc import Callable

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
    flat = shift.flat().requires_grad_(True)
    optimizer = _Adam(flat)
    independent = weight.sum((1, 2)) / 3 * task.independent
    losses = []
    for step in range(steps):
        fluxes = shift.at(flat).fluxes(task.drivers, task.mask, 1.0, task.window)
        objective = ((misfit(shift, task, fluxes, weight) + 0.5 * flat.square().sum(1)) / (1 + independent)).sum()
        optimizer.step(torch.autograd.grad(objective, flat)[0], learning_rate * min(1, 2 * (1 - step / steps)))
        with torch.no_grad():
            losses.append(shift.losses(task, fluxes, weight))
        if len(losses) == BLOCK or step == steps - 1:
            read_losses(losses, report)
            losses = []
    shift.take(flat.detach())


class _Adam:
    """What ``torch.optim.Adam`` does by default; the class itself brings torch's compiler: 70 MB and a second.

    Args:
        parameters: moved in place.
    """

    def __init__(self, parameters: Tensor) -> None:
        self._parameters = parameters
        self._mean, self._square, self._steps = (
            torch.zeros_like(parameters),
            torch.zeros_like(parameters),
            torch.tensor(0.0),
        )

    @torch.no_grad()
    def step(self, gradient: Tensor, learning_rate: float) -> None:
        """Move the parameters by the gradient of the objective."""
        adam(
            [self._parameters],
            [gradient],
            [self._mean],
            [self._square],
            [],
            [self._steps],
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )


def read_losses(losses: list[Tensor], report: Callable[[float, float], None]) -> None:
    """Report the losses (2,) of some steps, read from the device at once."""
    for loss, held_back in torch.stack(losses).tolist():
        report(loss, held_back)
