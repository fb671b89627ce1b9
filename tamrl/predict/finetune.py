"""The shift that adaptation finds: a point on a line away from the zero-shot member, and how it is fitted.

Dimensions: T days, D drivers, Z code.
"""

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from tamrl import timestep
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord
from tamrl.model.network import Modulation
from tamrl.predict.ensemble import Forward, run_forward
from tamrl.timestep import TimeStep

#: Days before the support that the forward model runs through first.
SPIN_UP = 120
#: Days until residuals forget each other: so many neighbouring days count as one observation. Lag-1
#: autocorrelations r of daily residuals of .84 (GPP), .97 (RECO) and .76 (NEE) make (1 + r) / (1 - r) =
#: 11, 59 and 7 days; one value for all did no worse (docs/decisions/adaptation.md). A month is longer than that: each
#: counts, once, as the noise of a monthly model is that of monthly means.
CORRELATION_DAYS = 10.0
#: Prior standard deviation of a scale or shift once a whole year is seen. It grows with the square
#: root of the days: a month says little about the other seasons (docs/decisions/adaptation.md has the figures).
MODULATION_SPREAD = 0.4
#: Prior standard deviation of a weight under ``all``, relative to the spread of its matrix.
WEIGHT_SPREAD = 0.02
#: Residual, in units of the flux scale, beyond which the loss grows linearly.
HUBER = 1.5
#: Days, or months of a monthly record, of support that have held-back ones of their own. Five months do not divide a
#: year, so that the held-back ones are not the same month every year.
HELD_BACK_BLOCK: dict[str, int] = {TimeStep.DAILY: 30, TimeStep.MONTHLY: 5}
#: Shrinkages tried, largest first, when a full adaptation does harm on the held-back days.
SHRINKAGES = (1.0, 0.75, 0.5, 0.25, 0.0)


class FineTune:
    """The straight line from the zero-shot member (0) to the adapted one (1).

    All parameters are in units of their prior standard deviation, so that one learning rate and a
    unit penalty fit them all. Several shifts of one member (V variants) are fitted at once, as rows
    of a batch: a recurrent step costs about the same for two rows as for one.

    Args:
        member: the member that is adapted, not changed.
        code: (1, Z) zero-shot.
        factor: (Z, Z) what a unit of the code's parameters is.
        spread: prior standard deviation of the scales and shifts themselves; 0 leaves them to the code.
        weights: whether the forward model and the modulator move, too; then there is one variant.
        variants: V.
    """

    def __init__(
        self, member: Member, code: Tensor, factor: Tensor, spread: float, weights: bool, variants: int = 1
    ) -> None:
        if weights:
            # functional_call swaps weights inside the module, which other threads are using.
            member = dataclasses.replace(member, model=copy.deepcopy(member.model))
        self.member, self.code, self.factor, self.spread = member, code, factor, spread
        self.of_code = torch.zeros_like(code).repeat(variants, 1)
        self.of_modulation: list[Tensor] = []
        if spread:
            with torch.no_grad():
                modulation = member.model.modulator(code)
            self.of_modulation = [torch.zeros_like(part).repeat(variants, 1) for part in modulation]
        self.of_weights: dict[tuple[str, str], Tensor] = {}
        if weights:
            for part in ("forward_model", "modulator"):
                for name, value in getattr(member.model, part).named_parameters():
                    self.of_weights[part, name] = torch.zeros_like(value)

    @property
    def parameters(self) -> list[Tensor]:
        """The tensors that are fitted."""
        return [self.of_code, *self.of_modulation, *self.of_weights.values()]

    def flat(self) -> Tensor:
        """Return (V, Z + 2 E + 2 H) the parameters of the code and of the modulation, a row a variant."""
        return torch.cat([self.of_code, *self.of_modulation], 1)

    def take(self, flat: Tensor) -> None:
        """Take on parameters in the order of ``flat``."""
        widths = [part.shape[1] for part in (self.of_code, *self.of_modulation)]
        self.of_code, *self.of_modulation = flat.split(widths, 1)

    def at(self, flat: Tensor) -> "FineTune":
        """Return the same shift with other parameters, in the order of ``flat``."""
        other = copy.copy(self)
        other.take(flat)
        return other

    def variant(self, index: int) -> "FineTune":
        """Return one of the variants as a shift of its own."""
        one = copy.copy(self)
        one.of_code = self.of_code[index : index + 1]
        one.of_modulation = [part[index : index + 1] for part in self.of_modulation]
        return one

    def state(self, shrinkage: float) -> dict[str, Tensor]:
        """Return a shift of one variant and the point on its line by name, so that it can be made again."""
        kept = {"code": self.code, "factor": self.factor, "of_code": self.of_code}
        kept |= {f"of_modulation.{i}": part for i, part in enumerate(self.of_modulation)}
        kept |= {f"of_weights.{part}.{name}": value for (part, name), value in self.of_weights.items()}
        # In 64 bits: products with Python numbers must round as they did.
        numbers = torch.tensor([self.spread, shrinkage], dtype=torch.float64)
        return kept | {"spread_and_shrinkage": numbers}

    @classmethod
    def of_state(cls, member: Member, state: dict[str, Tensor]) -> "tuple[FineTune, float]":
        """Return the shift of ``state`` and the point on its line.

        Raises:
            KeyError: the state is not whole.
        """
        spread, shrinkage = state["spread_and_shrinkage"].tolist()
        weights = any(name.startswith("of_weights.") for name in state)
        shift = cls(member, state["code"], state["factor"], spread, weights)
        shift.of_code = state["of_code"]
        shift.of_modulation = [state[f"of_modulation.{i}"] for i in range(len(shift.of_modulation))]
        shift.of_weights = {(part, name): state[f"of_weights.{part}.{name}"] for part, name in shift.of_weights}
        return shift, shrinkage

    def _weights(self, part: str, shrinkage: float) -> dict[str, Tensor]:
        """Return the moved weights of one part of the model."""
        own = dict(getattr(self.member.model, part).named_parameters())
        return {
            name: own[name] + shrinkage * WEIGHT_SPREAD * own[name].std().clamp(min=1e-3) * change
            for (owner, name), change in self.of_weights.items()
            if owner == part
        }

    def fluxes(self, drivers: Tensor, mask: Tensor, shrinkage: float, window: int) -> Tensor:
        """Return (V, T, 3) fluxes in gC m-2 d-1 at a point of the line: 0 zero-shot, 1 adapted.

        Args:
            drivers: (1, T, D).
            mask: (1, T, D).
            shrinkage: the point.
            window: of the model's sliding windows; 0 for none.
        """
        model = self.member.model
        forward: Forward = model.forward_model
        modulator: Callable[[Tensor], Modulation] = model.modulator
        if self.of_weights:
            forward = _with_weights(model.forward_model, self._weights("forward_model", shrinkage))
            modulator = _with_weights(model.modulator, self._weights("modulator", shrinkage))
        return run_forward(forward, drivers, mask, self.modulation(shrinkage, modulator), window)

    def modulation(self, shrinkage: float, modulator: Callable[[Tensor], Modulation] | None = None) -> Modulation:
        """Return the scales and shifts of V variants at a point of the line; the modulator may be another."""
        made = (modulator or self.member.model.modulator)(self.code + shrinkage * self.of_code @ self.factor.T)
        if not self.spread:
            return made
        step = shrinkage * self.spread
        return Modulation(*(m + step * p for m, p in zip(made, self.of_modulation, strict=True)))

    def units(self) -> Tensor:
        """Return (Z + 2 E + 2 H, 2 E + 2 H) what a unit of each parameter of ``flat`` does to scales and shifts."""
        modulator = self.member.model.modulator
        # The modulator is linear.
        of_code = torch.cat(modulator(self.code + self.factor.T), 1) - torch.cat(modulator(self.code), 1)
        own = self.spread * torch.eye(of_code.shape[1], dtype=of_code.dtype, device=of_code.device)
        return torch.cat([of_code, own])

    def losses(self, task: "AdaptationWindow", fluxes: Tensor, weight: Tensor) -> Tensor:
        """Return (2,) the first variant's loss on the days that it is fitted to and on those held back."""
        scale = self.member.model.forward_model.flux_scale
        return torch.cat([_loss(fluxes[:1], task.observed, w, scale) for w in (weight[:1], task.held)])

    def penalty(self) -> Tensor:
        """Return minus the log density of the prior, up to a constant, of each variant (V,)."""
        rows = self.of_code.square().sum(1)
        for p in self.of_modulation:
            rows = rows + p.square().sum(1)
        return 0.5 * (rows + sum(p.square().sum() for p in self.of_weights.values()))


def _with_weights(module: nn.Module, weights: dict[str, Tensor]) -> Callable[..., Any]:
    """Return the module as a function with other weights."""
    return lambda *inputs: functional_call(module, weights, inputs)


@dataclass(frozen=True, kw_only=True)
class AdaptationWindow:
    """The stretch of a record that adaptation runs over, and its days (1, T, 3) to fit and to hold back.

    ``independent`` says as how many independent observations a day, or month, counts.
    """

    drivers: Tensor
    mask: Tensor
    observed: Tensor
    fit: Tensor
    held: Tensor
    window: int
    independent: float


def _loss(fluxes: Tensor, observed: Tensor, weight: Tensor, scale: Tensor, noise: Tensor | float = 1.0) -> Tensor:
    """Return the mean loss of each variant (V,)."""
    target = (observed / scale).expand(len(fluxes), -1, -1)
    loss = functional.huber_loss(fluxes / scale, target, reduction="none", delta=HUBER)
    return (loss / noise**2 * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)


def held_back_days(count: int, share: float, step: TimeStep = TimeStep.DAILY) -> np.ndarray:
    """Return which of ``count`` support days are held back: the end of each month of support.

    Of support months the end of each five.

    Spread over the support, so that a year is judged in every season; at the end of each block, since
    the task is to say what comes after. At least one day is held back and at least one is left.

    Args:
        count: number of support days, at least 2.
        share: of each block.
        step: of the record, days or months.

    Returns:
        (count,) bool.
    """
    held = np.zeros(count, bool)
    for block in np.array_split(np.arange(count), max(1, round(count / HELD_BACK_BLOCK[step]))):
        held[block[len(block) - max(1, round(share * len(block))) :]] = True
    held[0] = False
    return held


def cut_window(
    ensemble: Ensemble, record: TowerRecord, support: pd.DatetimeIndex, held_back: float
) -> AdaptationWindow:
    """Cut the record to the support and its spin-up, and hold some days of the support back."""
    chosen = np.flatnonzero(record.time.isin(support))
    step = ensemble.config.model.step
    first, last = max(0, chosen[0] - timestep.steps(SPIN_UP, step)), chosen[-1] + 1
    apart = held_back_days(len(chosen), held_back, step)
    split = np.zeros((2, len(record.time), 1), np.float32)
    split[0, chosen[~apart]] = 1
    split[1, chosen[apart]] = 1
    seen = (record.weight > 0).float()
    fit, held = (seen * torch.from_numpy(part) for part in split)
    parts = dict(drivers=record.drivers, mask=record.driver_mask, observed=record.fluxes, fit=fit, held=held)
    return AdaptationWindow(
        **{name: x[None, first:last].to(ensemble.device) for name, x in parts.items()},
        window=ensemble.config.train.window,
        independent=min(1.0, timestep.days(1, step) / CORRELATION_DAYS),
    )


def misfit(shift: FineTune, task: AdaptationWindow, fluxes: Tensor, weight: Tensor) -> Tensor:
    """Return minus the log likelihood, up to a constant, of each variant (V,), see ``fit_offset``."""
    scale, noise = shift.member.model.forward_model.flux_scale, shift.member.prior.noise
    return weight.sum((1, 2)) * task.independent * _loss(fluxes, task.observed, weight, scale, noise)


@torch.no_grad()
def backtrack(shift: FineTune, task: AdaptationWindow, most: float = 1.0) -> tuple[float, float, float]:
    """Return the largest shrinkage that does no harm on the held-back days, and the losses there.

    Returns:
        (shrinkage, zero-shot loss, loss at that shrinkage).
    """
    scale = shift.member.model.forward_model.flux_scale

    def held(shrinkage: float) -> float:
        return _loss(
            shift.fluxes(task.drivers, task.mask, shrinkage, task.window), task.observed, task.held, scale
        ).item()

    before = held(0.0)
    for shrinkage in SHRINKAGES:
        if shrinkage <= most and ((after := held(shrinkage)) <= before or shrinkage == 0):
            return shrinkage, before, after
    return 0.0, before, before
