"""The site effect: what its own fluxes teach beyond its task embedding, in closed form.

A mixed-effects model (Laird and Ware 1982, doi:10.2307/2529876) on learned features: the residual of
GPP and of RECO at one site is linear in the forward model's modulated states and in harmonics of the
year, with a Gaussian prior of the coefficients. The posterior given a few days is a linear solve, so
training differentiates through it and learns features, prior and noise such that a few days help on
the other days (Harrison, Sharma and Pavone 2018, arXiv:1807.08912; Bertinetto et al. 2019,
arXiv:1805.08136).

Dimensions: B batch, T days, H hidden, P features, F fluxes with a head of their own.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

#: Harmonics of the year among the features.
HARMONICS = 5
#: Prior standard deviations at the start of training, in units of the flux scale: of the constant, of
#: the first harmonic (the j-th has 1/j of it), and of the coefficient of a state.
START_CONSTANT, START_HARMONIC, START_STATE = 0.32, 0.32, 0.45
#: Residual standard deviation, in units of the flux scale, and days until residuals forget each other,
#: at the start of training: together the weight of one day.
START_NOISE, START_MEMORY = 0.4, 10.0
#: Observed days between which the shrinkage is interpolated, in log1p of their number.
SHRINKAGE_DAYS = (7.0, 30.0, 90.0, 365.0)


class Effect(NamedTuple):
    """Gaussian distribution of a site's coefficients.

    Attributes:
        mean: (B, F, P), in units of the flux scale.
        factor: (B, F, P, P) lower Cholesky factor of the precision, in units of the prior standard deviations.
            No gradient flows through it.
    """

    mean: Tensor
    factor: Tensor


def season_features(season: Tensor) -> Tensor:
    """Return (B, T, 1 + 2 HARMONICS) constant and harmonics of sine and cosine of the day of year (B, T, 2)."""
    angle = torch.atan2(season[..., 0], season[..., 1])
    waves = [wave(j * angle) / j for j in range(1, HARMONICS + 1) for wave in (torch.sin, torch.cos)]
    return torch.stack([torch.ones_like(angle), *waves], dim=-1)


class _Posterior(torch.autograd.Function):
    """Mean (B, F, P) and Cholesky factors (B, F, P, P) of the posterior, in units of the prior standard deviations.

    The mean solves (1 + w S X'X S) m = w S X'r with the features X and residuals r of the support days, the weight w of
    a day and the prior standard deviations S. Differentiated as a whole its gradient takes one more solution and thin
    products; step by step it took three times as long as the mean. With u the solution for the gradient of m, a = S u
    and b = S m, that of X is w ((r - X b) a' - X a b'), of r w X a, of w the sum of a (X'r - X'X b) over places and
    features, of S that of w (u (X'r - X'X b) - m X'X a) over places. No gradient flows through the factors.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, residual: Tensor, seen: Tensor, sd: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return both; on a GPU a failed factorisation is not looked for, since the answer would be waited for."""
        shown = _shown(features, seen)
        # The mask is 0 or 1, and so its own square.
        gram = torch.stack([x.transpose(1, 2) @ x for x in shown], 1)
        told = torch.cat([x.transpose(1, 2) @ r for x, r in zip(shown, _parts(residual, shown), strict=True)], 2)
        told = told.transpose(1, 2)
        identity = torch.eye(features.shape[-1], dtype=features.dtype, device=features.device)
        precision = torch.addcmul(identity, weight[:, None, None] * sd[:, :, None] * sd[:, None], gram)
        factor = torch.linalg.cholesky_ex(precision, check_errors=features.device.type == "cpu")[0]
        mean = torch.cholesky_solve((weight[:, None] * sd * told)[..., None], factor)[..., 0]
        ctx.save_for_backward(residual, seen, sd, weight, mean, factor, gram, told, *shown)
        ctx.mark_non_differentiable(factor)
        return mean, factor

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients."""
        residual, seen, sd, weight, mean, factor, gram, told, *shown = ctx.saved_tensors
        solved = torch.cholesky_solve(grad[..., None], factor)[..., 0]
        left, right = sd * solved, sd * mean
        of_left, of_right = (gram @ torch.stack([left, right], -1)).unbind(-1)
        to_sd = (weight[:, None] * (solved * (told - of_right) - mean * of_left)).sum(0)
        to_weight = (left * (told - of_right)).sum((0, 2))
        to_features, to_residual, first = torch.zeros_like(shown[0]), [], 0
        for x, own in zip(shown, _parts(residual, shown), strict=True):
            fluxes = slice(first, first + own.shape[-1])
            first = fluxes.stop
            one, other = weight[fluxes, None] * left[:, fluxes], right[:, fluxes]
            by_one, by_other = (x @ torch.cat([one, other], 1).transpose(1, 2)).tensor_split(2, -1)
            columns = torch.cat([(own - by_other) * seen[..., fluxes], -by_one], -1)
            to_features.baddbmm_(columns, torch.cat([one, other], 1))
            to_residual.append(by_one)
        return to_features, torch.cat(to_residual, -1), None, to_sd, to_weight


def _shown(features: Tensor, seen: Tensor) -> list[Tensor]:
    """Return the features (B, T, P), 0 on other than support days: once where all fluxes have the same, else of each.

    The fluxes of a tower nearly always come together. Whether they do is not asked of a GPU: to wait for its answer
    takes longer than what it saves.
    """
    each = seen.split(1, -1)
    together = features.device.type == "cpu" and all(torch.equal(each[0], days) for days in each[1:])
    return [features * days for days in (each[:1] if together else each)]


def _parts(residual: Tensor, shown: list[Tensor]) -> tuple[Tensor, ...]:
    """Return the residuals (B, T, F) of the fluxes that each of ``_shown`` is of."""
    return (residual,) if len(shown) == 1 else residual.split(1, -1)


class SiteEffect(nn.Module):
    """Prior of the site effect, and its posterior given some of its days.

    Args:
        hidden: H.
        fluxes: F, fluxes with a head of their own.
        step_days: days of one time step.

    Attributes:
        shrinkage: (F, 4) what the posterior mean is multiplied by at ``SHRINKAGE_DAYS``. The prior is learnt on towers
            that the network fits, whose residuals are smaller and more alike than those of a new place, so the
            posterior of a new place trusts its days too much; one where nothing was fitted
            (``tamrl.training.shrinkage``).
    """

    shrinkage: Tensor

    def __init__(self, hidden: int, fluxes: int, step_days: float = 1.0) -> None:
        super().__init__()
        self.step_days = step_days
        # Not among the weights: it belongs to the ensemble and is kept in its manifest.
        self.register_buffer("shrinkage", torch.ones(fluxes, len(SHRINKAGE_DAYS)), persistent=False)
        start = [START_CONSTANT] + [START_HARMONIC] * (2 * HARMONICS) + [START_STATE] * hidden
        self.log_sd = nn.Parameter(torch.tensor(start).log().repeat(fluxes, 1))
        self.log_day_weight = nn.Parameter(torch.full((fluxes,), -math.log(START_MEMORY * START_NOISE**2)))

    def features(self, states: Tensor, season: Tensor) -> Tensor:
        """Return (B, T, P) features of modulated states (B, T, H) and season (B, T, 2)."""
        return torch.cat([season_features(season), states], dim=-1)

    def posterior(self, features: Tensor, residual: Tensor, seen: Tensor) -> Effect:
        """Return what the support days say of the effect; without any day, the prior.

        Args:
            features: (B, T, P).
            residual: (B, T, F) observed minus predicted, in units of the flux scale; any number where not seen.
            seen: (B, T, F) 1 on support days with that flux observed, else 0.

        Raises:
            torch.linalg.LinAlgError: on a CPU, where a number of the support is NaN.
        """
        sd, weight = self.log_sd.exp(), self.log_day_weight.exp()
        mean, factor = _Posterior.apply(features, residual, seen, sd, weight)
        return Effect(mean * sd * self._shrunk(seen)[..., None], factor)

    def _shrunk(self, seen: Tensor) -> Tensor:
        """Return (B, F) the shrinkage for the days of each place with that flux observed."""
        days = torch.log1p(seen.sum(1) * self.step_days)
        knots = torch.log1p(torch.tensor(SHRINKAGE_DAYS, dtype=days.dtype, device=days.device))
        days = days.clamp(knots[0], knots[-1])
        right = torch.searchsorted(knots, days).clamp(1, len(knots) - 1)
        part = (days - knots[right - 1]) / (knots[right] - knots[right - 1])
        flux = torch.arange(len(self.shrinkage), device=days.device)
        return torch.lerp(self.shrinkage[flux, right - 1], self.shrinkage[flux, right], part)

    @staticmethod
    def coefficients(effect: Effect) -> tuple[Tensor, Tensor]:
        """Return the expected coefficients of the season (B, 1 + 2 HARMONICS, F) and of the states (B, H, F).

        Both in units of the flux scale.
        """
        mean, waves = effect.mean.transpose(1, 2), 1 + 2 * HARMONICS
        return mean[:, :waves], mean[:, waves:]

    @staticmethod
    def correction(states: Tensor, season: Tensor, effect: Effect) -> Tensor:
        """Return the expected residual (B, T, F), in units of the flux scale.

        Args:
            states: (B, T, H) modulated.
            season: (B, T, 2).
            effect: of their site.
        """
        of_season, of_states = SiteEffect.coefficients(effect)
        return season_features(season) @ of_season + states @ of_states

    def variance(self, features: Tensor, effect: Effect) -> Tensor:
        """Return the variance (B, T, F) of the expected residual, in units of the squared flux scale.

        What it owes to the support has no gradient.
        """
        each = []
        # As they lie in memory when read from a file: the last bits depend on it.
        factors = effect.factor.contiguous().unbind(1)
        for sd, factor in zip(self.log_sd.exp(), factors, strict=True):
            unit = torch.linalg.solve_triangular(factor, (features * sd).transpose(1, 2), upper=False)
            each.append(unit.square().sum(1))
        return torch.stack(each, dim=-1)
