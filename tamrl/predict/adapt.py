"""Few-shot adaptation of an ensemble to one tower, from a few days of its fluxes, or months of a monthly model.

A member is never changed. What adaptation finds is the effect of the site, in closed form, or a shift away from
the zero-shot prediction (of the task code, or of the weights as well), which can be shrunk back towards nothing.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from tamrl import timestep, wording
from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord
from tamrl.predict.ensemble import (
    add_intervals,
    member_code,
    member_record,
    member_states,
    over_members,
    to_predictions,
    with_effect,
)
from tamrl.predict.finetune import MODULATION_SPREAD, Shift, Stretch, cut_stretch, fit_shift, harmless, held_back_days
from tamrl.system.device import describe
from tamrl.towers.quality import valid_days

METHODS = {
    "zero-shot": "No labels: what is known of the place alone",
    "site-effect": "A linear correction on the model's states: its posterior in closed form, nothing iterated",
    "encode": "Labels read by the task encoder, without a gradient step",
    "modulation": "The task code and the modulation are fine-tuned; all else is frozen",
    "all": "The modulation and every weight of the forward model are fine-tuned",
}


#: Fits that a method makes one after the other.
FITS = {"modulation": 1, "all": 2}


class Cancelled(Exception):  # noqa: N818 - an outcome that the user asked for, not an error
    """Raised inside an adaptation when the user has cancelled it."""


@dataclass(frozen=True)
class AdaptSettings:
    """How to adapt.

    Attributes:
        method: a key of ``METHODS``.
        steps: gradient steps of a fit.
        learning_rate: of Adam, in prior standard deviations a step.
        held_back: share of the support days kept out of the first fit to catch harm.
    """

    method: str = "site-effect"
    steps: int = 60
    learning_rate: float = 0.1
    held_back: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            TamrlError: a setting is unknown or out of range.
        """
        if self.method not in METHODS:
            raise TamrlError(f"Unknown method {self.method!r}", "method", f"Known methods: {', '.join(METHODS)}")
        if self.steps < 1 or not 0 < self.learning_rate <= 10 or not 0 < self.held_back < 1:
            raise TamrlError(
                "Steps must be at least 1, the learning rate above 0 and at most 10, "
                "and the held-back share between 0 and 1",
                "adapt",
            )


@dataclass(frozen=True)
class Step:
    """One gradient step: the fit on the support days, and on those held back.

    Attributes:
        member: index in the ensemble.
        members: K.
        step: steps done by this member.
        steps: steps it will do.
        loss: mean Huber loss of the fitted days, in units of the flux scale.
        held_back: the same on the held-back days; NaN in a second fit (``all``), which uses them.
    """

    member: int
    members: int
    step: int
    steps: int
    loss: float
    held_back: float


@dataclass(frozen=True)
class Adaptation:
    """An ensemble adapted to one tower.

    Attributes:
        zero_shot: Dataset(member, time) of fluxes in gC m-2 d-1 before.
        adapted: the same after.
        history: one row a gradient step: ``member``, ``step``, ``loss``, ``held_back``.
        support: valid days that were used.
        settings: how.
        shrinkage: of each member: 1 full adaptation, 0 fell back to zero-shot; site-effect needs none.
        held_back_loss: of each member, (zero-shot, adapted without the held-back days).
        seconds: wall time.
        device: in words.
        notes: what the user should know.
    """

    zero_shot: xr.Dataset
    adapted: xr.Dataset
    history: pd.DataFrame
    support: pd.DatetimeIndex
    settings: AdaptSettings
    shrinkage: tuple[float, ...]
    held_back_loss: tuple[tuple[float, float], ...]
    seconds: float
    device: str
    notes: list[str] = field(default_factory=list)


class Reached(NamedTuple):
    """One member before and after: fluxes and their variances (T, 3), shrinkage, held-back losses."""

    before: np.ndarray
    after: np.ndarray
    before_variance: np.ndarray | None
    after_variance: np.ndarray | None
    shrinkage: float
    losses: tuple[float, float]


def _site_effect(ensemble: Ensemble, member: Member, record: TowerRecord, days: pd.DatetimeIndex) -> Reached:
    """Return one member before and after it has seen the effect of the site.

    Nothing is held back: how far to trust a few days is what the prior was trained for.
    """
    states = member_states(ensemble, member, record)
    (before, prior), (after, posterior) = (with_effect(member, record, states, d) for d in (None, days))
    return Reached(before, after, prior, posterior, 1.0, (np.nan, np.nan))


def _reach(
    ensemble: Ensemble,
    member: Member,
    record: TowerRecord,
    days: pd.DatetimeIndex,
    settings: AdaptSettings,
    report: Callable[[float, float], None],
) -> tuple[Shift, float, tuple[float, float]]:
    """Return the shift of one member, how much of it does no harm, and the held-back losses.

    The first fit leaves the held-back days out and so measures harm honestly; the second uses all
    days and keeps the shrinkage of the first.
    """
    zero = member_code(ensemble, member, record, None)
    identity = torch.eye(zero.shape[1], device=zero.device)
    if settings.method == "zero-shot" or len(days) < 2:
        return Shift(member, zero, identity, 0.0, weights=False), 0.0, (np.nan, np.nan)
    task = cut_stretch(ensemble, record, days, settings.held_back)
    step = ensemble.config.model.step
    fitted = days[~held_back_days(len(days), settings.held_back, step)]
    if settings.method == "encode":

        def shifted(labels: pd.DatetimeIndex) -> Shift:
            shift = Shift(member, zero, identity, 0.0, weights=False)
            shift.of_code = member_code(ensemble, member, record, labels) - zero
            return shift

        first, final = shifted(fitted), shifted(days)
    else:
        first, final = _tune(member, zero, task, timestep.days(len(days), step), settings, report)
    shrinkage, before, after = harmless(first, task)
    if shrinkage > 0:
        shrinkage = harmless(final, task, shrinkage)[0]
    return final, shrinkage, (before, after)


def _tune(
    member: Member,
    zero: Tensor,
    task: Stretch,
    days: int,
    settings: AdaptSettings,
    report: Callable[[float, float], None],
) -> tuple[Shift, Shift]:
    """Return the shift fitted without the held-back days, and the one fitted to all ``days`` [d]."""
    spread = MODULATION_SPREAD * math.sqrt(min(1, days / 365))
    factor, all_days = member.prior.shift, task.fit + task.held
    if settings.method == "modulation":
        both = Shift(member, zero, factor, spread, weights=False, variants=2)
        fit_shift(both, task, torch.cat([task.fit, all_days]), settings.steps, settings.learning_rate, report)
        return both.variant(0), both.variant(1)
    # Moved weights cannot be rows of one batch: one fit after the other.
    first, final = (Shift(member, zero, factor, spread, weights=True) for _ in range(2))
    fit_shift(first, task, task.fit, settings.steps, settings.learning_rate, report)
    fit_shift(final, task, all_days, settings.steps, settings.learning_rate, lambda loss, _: report(loss, np.nan))
    return first, final


def usable_support(tower: xr.Dataset, support: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the support days that are valid: in the record, observed, quality of at least 0.7."""
    time_axis = pd.DatetimeIndex(tower.time.values)
    return time_axis[valid_days(tower) & time_axis.isin(support)]


def _partitioned(tower: xr.Dataset, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the support days with GPP or RECO: the effect of the site is one of these two.

    Raises:
        TamrlError: there is none.
    """
    gross = np.isfinite(tower["GPP"].values) | np.isfinite(tower["RECO"].values)
    kept = days[gross[pd.DatetimeIndex(tower.time.values).isin(days)]]
    if not len(kept):
        raise TamrlError(
            f"The support {wording.unit(timestep.step_of(tower), 0)} have NEE alone; "
            "the effect of the site is learnt from GPP or RECO",
            str(tower.site.item()),
            "Choose the method modulation, or ingest partitioned fluxes",
        )
    return kept


def _notes(
    shrinkage: tuple[float, ...], settings: AdaptSettings, days: pd.DatetimeIndex, wanted: int, units: str
) -> list[str]:
    notes = []
    if wanted > len(days):
        notes.append(
            f"{wanted - len(days)} of {wanted} support {units} are missing or of low quality and were left out."
        )
    if settings.method in ("zero-shot", "site-effect"):
        return notes
    if len(days) < 2:
        notes.append(f"Fewer than two valid support {units}: nothing can be held back, so the result is zero-shot.")
    elif any(s < 1 for s in shrinkage):
        shrunk = ", ".join(f"{s:g}" for s in shrinkage)
        notes.append(
            f"On the held-back {units} full adaptation did worse than zero-shot for some members; "
            f"they were shrunk towards zero-shot (share of the shift kept, by member: {shrunk})."
        )
    return notes


def adapt(
    ensemble: Ensemble,
    tower: xr.Dataset,
    support: pd.DatetimeIndex,
    settings: AdaptSettings | None = None,
    on_step: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Adaptation:
    """Adapt an ensemble to one tower; the ensemble itself is not changed.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: days whose fluxes may be used; those that are not valid are left out and counted.
        settings: how; the default is the effect of the site.
        on_step: called after each gradient step, one call at a time, from a worker thread.
        cancelled: asked at each step.

    Raises:
        TamrlError: no support day is valid (unless zero-shot), or the tower has no drivers.
        Cancelled: ``cancelled`` returned true.
    """
    settings = settings or AdaptSettings()
    began, lock, rows = time.perf_counter(), threading.Lock(), []
    days, units = usable_support(tower, support), wording.unit(timestep.step_of(tower), 0)
    if not len(days) and settings.method != "zero-shot":
        raise TamrlError(
            f"None of the support {units} has a valid observation",
            str(tower.site.item()),
            f"Choose {units} that have data",
        )
    if settings.method == "site-effect":
        days = _partitioned(tower, days)
    steps = settings.steps * FITS.get(settings.method, 0)

    def one(index: int, member: Member) -> Reached:
        done = 0

        def report(loss: float, held: float) -> None:
            nonlocal done
            done += 1
            if cancelled and cancelled():
                raise Cancelled
            with lock:
                rows.append((index, done, loss, held))
                if on_step:
                    on_step(Step(index, len(ensemble.members), done, steps, loss, held))

        record = member_record(ensemble, member, tower)
        if settings.method == "site-effect":
            if cancelled and cancelled():
                raise Cancelled
            return _site_effect(ensemble, member, record, days)
        shift, shrinkage, losses = _reach(ensemble, member, record, days, settings, report)
        drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
        with torch.no_grad():
            # One by one: rows of a batch round differently, and a shrinkage of 0 must be zero-shot exactly.
            before, after = (
                shift.fluxes(drivers, mask, s, ensemble.config.train.window)[0].cpu().numpy() for s in (0.0, shrinkage)
            )
        return Reached(before, after, None, None, shrinkage, losses)

    results = over_members(ensemble, one)
    time_axis = pd.DatetimeIndex(tower.time.values)
    before, after, before_variance, after_variance, shrinkage, losses = zip(*results, strict=True)
    # Fine-tuning finds a mode: how uncertain it leaves the effect of the site is not known.
    known = before_variance[0] is not None

    def with_ends(fluxes: Iterable[np.ndarray], variances: Iterable[np.ndarray], shots: int) -> xr.Dataset:
        made = to_predictions(list(fluxes), time_axis, list(variances) if known else None)
        return add_intervals(ensemble, made, shots, tower_static(tower))

    history = pd.DataFrame(rows, columns=["member", "step", "loss", "held_back"])
    return Adaptation(
        with_ends(before, before_variance, 0),
        with_ends(after, after_variance, len(days)),
        history.sort_values(["member", "step"], ignore_index=True),
        days,
        settings,
        shrinkage,
        losses,
        time.perf_counter() - began,
        describe(ensemble.device),
        _notes(shrinkage, settings, days, len(support), units),
    )


def warm_up() -> None:
    """Import what the first adaptation would wait for: an optimizer brings torch's compiler (1 s), pvlib 1.5 s."""
    from tamrl.solar import extraterrestrial_radiation

    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()
    torch.optim.Adam([weight]).step()
    extraterrestrial_radiation(0.0, pd.date_range("2001-01-01", periods=1))
