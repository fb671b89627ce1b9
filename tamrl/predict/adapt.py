"""Few-shot adaptation of an ensemble to one tower, from a few days of its fluxes, or months of a monthly model.

A member is never changed. What adaptation finds is the site effect, in closed form, or a shift away from
the zero-shot prediction (of the task embedding, or of the weights as well), which can be shrunk back towards nothing.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl import timestep, wording
from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.predict.ensemble import add_intervals, member_records, over_members, to_predictions
from tamrl.predict.methods import METHODS, AdaptSettings, Method, Reached, Task
from tamrl.system.device import describe
from tamrl.towers.quality import valid_days


class Cancelled(Exception):  # noqa: N818 - an outcome that the user asked for, not an error
    """Raised inside an adaptation when the user has cancelled it."""


@dataclass(frozen=True, kw_only=True)
class GradientStep:
    """One step of a fit: the fit on the support days, and on those held back.

    Attributes:
        member: index in the ensemble.
        members: K.
        step: steps done by this member.
        steps: steps it will do, about where the fit ends by itself.
        loss: mean Huber loss of the fitted days, in units of the flux scale.
        held_back: the same on the held-back days; NaN in a second fit (``all``), which uses them.
    """

    member: int
    members: int
    step: int
    steps: int
    loss: float
    held_back: float


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """An ensemble adapted to one tower.

    Attributes:
        tower: Dataset(time), the record that it was adapted to.
        zero_shot: Dataset(member, time) of fluxes in gC m-2 d-1 before.
        adapted: the same after.
        history: one row a step of a fit: ``member``, ``step``, ``loss``, ``held_back``.
        support: valid days, or months, that were used.
        scored: bool (time,), the valid days, or months, that were not.
        settings: how.
        shrinkage: of each member: 1 full adaptation, 0 fell back to zero-shot; site-effect needs none.
        held_back_loss: of each member, (zero-shot, adapted without the held-back days).
        seconds: wall time.
        device: in words.
        notes: what the user should know.
        states: what adapting found, of each member, see ``tamrl.predict.saved``; empty where the method keeps nothing.
    """

    tower: xr.Dataset
    zero_shot: xr.Dataset
    adapted: xr.Dataset
    history: pd.DataFrame
    support: pd.DatetimeIndex
    scored: np.ndarray
    settings: AdaptSettings
    shrinkage: tuple[float, ...]
    held_back_loss: tuple[tuple[float, float], ...]
    seconds: float
    device: str
    notes: list[str] = field(default_factory=list)
    states: tuple[dict[str, torch.Tensor], ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory that the predictions, and what was found, hold [bytes]."""
        found = sum(part.nbytes for state in self.states for part in state.values())
        return self.zero_shot.nbytes + self.adapted.nbytes + found


def usable_support(tower: xr.Dataset, support: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the support days that are valid: in the record, observed, quality of at least 0.7."""
    time_axis = pd.DatetimeIndex(tower.time.values)
    return time_axis[valid_days(tower) & time_axis.isin(support)]


def _partitioned(tower: xr.Dataset, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the support days with GPP or RECO: the site effect is one of these two.

    Raises:
        TamrlError: there is none.
    """
    gross = np.isfinite(tower["GPP"].values) | np.isfinite(tower["RECO"].values)
    kept = days[gross[pd.DatetimeIndex(tower.time.values).isin(days)]]
    if not len(kept):
        raise TamrlError(
            f"The support {wording.unit(timestep.step_of(tower), 0)} have NEE alone; "
            "the site effect is learnt from GPP or RECO",
            str(tower.site.item()),
            "Choose the method modulation, or ingest partitioned fluxes",
        )
    return kept


def _notes(shrinkage: tuple[float, ...], method: Method, days: pd.DatetimeIndex, wanted: int, units: str) -> list[str]:
    notes = []
    if wanted > len(days):
        notes.append(
            f"{wanted - len(days)} of {wanted} support {units} are missing or of low quality and were left out."
        )
    if not method.guarded:
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
    on_step: Callable[[GradientStep], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Adaptation:
    """Adapt an ensemble to one tower; the ensemble itself is not changed.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: days whose fluxes may be used; those that are not valid are left out and counted.
        settings: how; the default is the site effect.
        on_step: called for each step of a fit, one call at a time, from a worker thread.
        cancelled: asked at each step.

    Raises:
        TamrlError: no support day is valid (unless zero-shot), or the tower has no drivers.
        Cancelled: ``cancelled`` returned true.
    """
    settings = settings or AdaptSettings()
    began, method = time.perf_counter(), METHODS[settings.method]
    days, records = _labelled(tower, support, method), member_records(ensemble, tower)
    progress = _Progress(len(ensemble.members), method.steps(settings), on_step, cancelled)

    def one(index: int, member: Member) -> Reached:
        progress.check()
        record, report = records[index], progress.reporter(index)
        task = Task(ensemble=ensemble, member=member, record=record, days=days, settings=settings, report=report)
        return method.run(task)

    reached = over_members(ensemble, one)
    shrinkage = tuple(member.shrinkage for member in reached)
    return Adaptation(
        tower=tower,
        zero_shot=predictions(ensemble, tower, [(m.before, m.before_variance) for m in reached], 0),
        adapted=predictions(ensemble, tower, [(m.after, m.after_variance) for m in reached], len(days)),
        history=progress.history(),
        support=days,
        scored=valid_days(tower) & ~pd.DatetimeIndex(tower.time.values).isin(days),
        settings=settings,
        shrinkage=shrinkage,
        held_back_loss=tuple(member.losses for member in reached),
        seconds=time.perf_counter() - began,
        device=describe(ensemble.device),
        notes=_notes(shrinkage, method, days, len(support), wording.unit(timestep.step_of(tower), 0)),
        states=tuple({name: part.cpu() for name, part in m.state.items()} for m in reached if m.state is not None),
    )


class _Progress:
    """The gradient steps of all members: kept, passed on one at a time, and ended when the user cancels."""

    def __init__(
        self,
        members: int,
        steps: int,
        on_step: Callable[[GradientStep], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.members, self.steps, self.on_step, self.cancelled = members, steps, on_step, cancelled
        self._lock = threading.Lock()
        self._rows: list[tuple[int, int, float, float]] = []

    def check(self) -> None:
        """Raise ``Cancelled`` when the user has cancelled."""
        if self.cancelled and self.cancelled():
            raise Cancelled

    def reporter(self, index: int) -> Callable[[float, float], None]:
        """Return what one member calls after each of its steps."""
        done = 0

        def report(loss: float, held_back: float) -> None:
            nonlocal done
            done += 1
            self.check()
            with self._lock:
                self._rows.append((index, done, loss, held_back))
                if self.on_step:
                    self.on_step(
                        GradientStep(
                            member=index,
                            members=self.members,
                            step=done,
                            steps=max(self.steps, done),
                            loss=loss,
                            held_back=held_back,
                        )
                    )

        return report

    def history(self) -> pd.DataFrame:
        """Return one row a step."""
        frame = pd.DataFrame(self._rows, columns=["member", "step", "loss", "held_back"])
        return frame.sort_values(["member", "step"], ignore_index=True)


def _labelled(tower: xr.Dataset, support: pd.DatetimeIndex, method: Method) -> pd.DatetimeIndex:
    """Return the support days that a method can use.

    Raises:
        TamrlError: it needs some, and there is none.
    """
    days, units = usable_support(tower, support), wording.unit(timestep.step_of(tower), 0)
    if not len(days) and method.labels:
        raise TamrlError(
            f"None of the support {units} has a valid observation",
            str(tower.site.item()),
            f"Choose {units} that have data",
        )
    return _partitioned(tower, days) if method.partitioned else days


def predictions(
    ensemble: Ensemble, tower: xr.Dataset, members: list[tuple[np.ndarray, np.ndarray | None]], shots: int
) -> xr.Dataset:
    """Return the fluxes of all members (T, 3) and their variances as a Dataset, with intervals where these are known.

    Fine-tuning finds a mode: how uncertain it leaves the site effect is not known.
    """
    variances = [variance for _, variance in members if variance is not None]
    made = to_predictions([f for f, _ in members], pd.DatetimeIndex(tower.time.values), variances or None)
    return add_intervals(ensemble, made, shots, tower_static(tower))
