"""The posterior mode of a modulation by Gauss-Newton: a handful of steps in place of some sixty of descent.

The Jacobian of the fluxes serves several steps: scales and shifts of the input by forward differences, rows of one
batch of the recurrence; those of the output without a recurrence. Gradients are exact at every step and the Jacobian
only shapes the step, so that the mode is that of the objective itself (a chord method: Kelley 2003,
doi:10.1137/1.9780898718898, chapter 2). Parameters are in units of their prior standard deviation.

Dimensions: V variants, T days, N = 3 T residuals, E embedding, H hidden, M = 2 E + 2 H scales and shifts,
P = Z + M parameters.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from tamrl.model.network import Modulation
from tamrl.predict.ensemble import run_forward
from tamrl.predict.finetune import HUBER, AdaptationWindow, FineTune, misfit

#: Steps between two looks at how far a fit has come, and looks at most. A month of support needs one or two looks, a
#: year whose fluxes are far from zero-shot some ten (docs/experiments.md).
STEPS, LOOKS = 3, 12
#: The Jacobian is taken again where the steps of a look have not lowered the gain that is left by this factor.
SLOW = 3.0
#: A fit ends where another step would lower no objective by more [nats]; the posterior is one nat wide.
TOLERANCE = 2e-3
#: Difference of a scale or shift that its derivative is taken from.
DIFFERENCE = 1e-2


def fit_mode(shift: FineTune, task: AdaptationWindow, weight: Tensor, report: Callable[[float, float], None]) -> None:
    """Move the shift to the posterior mode; the device is waited for at each look alone.

    Args:
        shift: moved in place; of the modulation, without weights.
        task: what it is fitted to.
        weight: (V, T, 3) 1 on the days and fluxes that each variant is fitted to.
        report: called for each step with the first variant's loss on its days and on the held-back ones.
    """
    best = shift.flat()
    objective, slope, losses = _look(shift, task, weight, best)
    least, gradient, seen = objective, slope, [losses]
    factor = _factor(shift, task, weight)
    last = left = [torch.inf] * len(best)
    for _ in range(LOOKS):
        # No variant knows of another: each ends by itself and has a Jacobian of its own.
        length = torch.tensor([[float(gain >= TOLERANCE)] for gain in left], device=best.device)
        for _ in range(STEPS):
            tried = best - length * torch.cholesky_solve(gradient[..., None], factor)[..., 0]
            objective, slope, losses = _look(shift, task, weight, tried)
            # A step that makes a variant worse is taken back, and a quarter as long the next time.
            better = objective <= least
            best, gradient = torch.where(better, tried, best), torch.where(better, slope, gradient)
            least, length = torch.where(better, objective, least), torch.where(better, length, length / 4)
            seen.append(losses)
        gains = 0.5 * (gradient[:, None] @ torch.cholesky_solve(gradient[..., None], factor)).flatten()
        read = torch.cat([*seen, gains]).tolist()
        if left[0] >= TOLERANCE:
            for loss, held_back in zip(read[: 2 * len(seen) : 2], read[1 : 2 * len(seen) : 2], strict=True):
                report(loss, held_back)
        shift.take(best)
        left, seen = read[-len(best) :], []
        if max(left) < TOLERANCE:
            return
        for row in range(len(best)):
            if left[row] >= TOLERANCE and left[row] > last[row] / SLOW:
                factor[row] = _factor(shift.variant(row), task, weight[row : row + 1])[0]
                left[row] = torch.inf
        last = left


def _look(shift: FineTune, task: AdaptationWindow, weight: Tensor, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return objective (V, 1), its gradient (V, P) and the losses (2,) at parameters (V, P)."""
    flat = flat.detach().requires_grad_(True)
    fluxes = shift.at(flat).fluxes(task.drivers, task.mask, 1.0, task.window)
    objective = misfit(shift, task, fluxes, weight) + 0.5 * flat.square().sum(1)
    (slope,) = torch.autograd.grad(objective.sum(), flat)
    with torch.no_grad():
        return objective.detach()[:, None], slope, shift.losses(task, fluxes, weight)


@torch.no_grad()
def _factor(shift: FineTune, task: AdaptationWindow, weight: Tensor) -> Tensor:
    """Return (V, P, P) Cholesky factor of the curvature under V weights (V, T, 3), where the first variant is."""
    fluxes, jacobian = _jacobian(shift.variant(0), task)
    # Far residuals count by Huber's weight, as in iterated least squares.
    far = HUBER / (fluxes - task.observed / shift.member.model.forward_model.flux_scale).abs().clamp(min=HUBER)
    counted = (task.independent * weight * far / shift.member.prior.noise**2).flatten(1)
    curvature = (jacobian * counted[:, None]) @ jacobian.T
    return torch.linalg.cholesky(curvature + torch.eye(len(jacobian), dtype=fluxes.dtype, device=fluxes.device))


def _jacobian(shift: FineTune, task: AdaptationWindow) -> tuple[Tensor, Tensor]:
    """Return the fluxes (T, 3) of one variant in units of the flux scale, and their derivatives (P, N)."""
    forward = shift.member.model.forward_model
    here, units = shift.modulation(1.0), shift.units()
    inputs, hidden = 2 * here.gamma_in.shape[1], here.gamma_out.shape[1]
    moved = torch.cat([here.gamma_in, here.beta_in], 1).repeat(inputs + 1, 1)
    moved[1:].diagonal().add_(DIFFERENCE)
    plain = torch.zeros_like(here.gamma_out).expand(inputs + 1, -1)
    gamma, beta = moved.chunk(2, 1)
    rows = Modulation(gamma, beta, plain, plain)
    raw = run_forward(forward.states, task.drivers, task.mask, rows, task.window)
    states = raw * (1 + here.gamma_out[:, None]) + here.beta_out[:, None]
    scales = torch.diag_embed(raw[0]).transpose(0, 1)  # (H, T, H)
    shifts = torch.eye(hidden, dtype=raw.dtype, device=raw.device)[:, None].expand_as(scales)
    rows_of_output = states[0] + DIFFERENCE * torch.cat([scales, shifts])
    fluxes = forward.raw_fluxes(torch.cat([states, rows_of_output])) / forward.flux_scale
    return fluxes[0], units @ ((fluxes[1:] - fluxes[0]) / DIFFERENCE).flatten(1)
