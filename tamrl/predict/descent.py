"""The posterior mode of all weights, by gradient descent."""

from collections.abc import Callable

import torch
from torch import Tensor

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
    optimizer = torch.optim.Adam([flat], lr=learning_rate)
    independent = weight.sum((1, 2)) / 3 * task.independent
    losses = []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * min(1, 2 * (1 - step / steps))
        fluxes = shift.at(flat).fluxes(task.drivers, task.mask, 1.0, task.window)
        objective = ((misfit(shift, task, fluxes, weight) + 0.5 * flat.square().sum(1)) / (1 + independent)).sum()
        (flat.grad,) = torch.autograd.grad(objective, flat)
        optimizer.step()
        with torch.no_grad():
            losses.append(shift.losses(task, fluxes, weight))
        if len(losses) == BLOCK or step == steps - 1:
            read_losses(losses, report)
            losses = []
    shift.take(flat.detach())


def read_losses(losses: list[Tensor], report: Callable[[float, float], None]) -> None:
    """Report the losses (2,) of some steps, read from the device at once."""
    for loss, held_back in torch.stack(losses).tolist():
        report(loss, held_back)
