"""Gaps in the drivers of a tower: steps at which one is missing that the tower otherwise has.

A driver that a tower lacks altogether is masked as in training, where the model has learnt to do without it. One that
is missing for some days is another matter: the prediction jumps there to what the model makes of the others alone. Such
steps are reported, and those without weather are left out of predictions unless the user wants them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.schema import variable
from tamrl.timestep import step_of
from tamrl.wording import counted, date

if TYPE_CHECKING:
    from tamrl.predict.adapt import Adaptation


def driver_gaps(tower: xr.Dataset, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return driver -> steps (T,) at which it is missing, of the drivers that have values at some steps.

    Args:
        tower: Dataset(time), one tower's record.
        names: drivers of the model.
    """
    found = {}
    for name in (n for n in names if n in tower and tower[n].dims == ("time",)):
        there = np.isfinite(tower[name].values)
        if there.any() and not there.all():
            found[name] = ~there
    return found


def left_out(gaps: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the steps (T,) without a prediction; None where there are none.

    Gaps in satellite vegetation variables (clouds, polar night) occur at most training towers: these variables are
    masked, as they were in training.
    """
    chosen = [lacking for name, lacking in gaps.items() if not variable(name).state]
    return np.logical_or.reduce(chosen) if chosen else None


#: What predicts the steps that are left out, on the command line.
OPTION = "--allow-gaps on the command line"


def describe(gaps: dict[str, np.ndarray], tower: xr.Dataset, allowed: bool, option: str = OPTION) -> list[str]:
    """Return in words which drivers are missing when, and what becomes of those steps.

    Args:
        gaps: of ``driver_gaps``.
        tower: Dataset(time), one tower's record.
        allowed: all steps are predicted all the same.
        option: what predicts them, where they are not, in words.
    """
    if not gaps:
        return []
    time, step = pd.DatetimeIndex(tower.time.values), step_of(tower)
    said = []
    for name, lacking in gaps.items():
        when = time[lacking]
        span = date(when[0], step) + (f" to {date(when[-1], step)}" if len(when) > 1 else "")
        said.append(f"{name} is missing on {len(when)} of {counted(len(time), step)} ({span})")
    out = None if allowed else left_out(gaps)
    masked = "predicted without the driver, masked as in training"
    if out is None:
        return [f"Gaps in the drivers: {'; '.join(said)}: {masked}."]
    return [
        f"Gaps in the drivers: {'; '.join(said)}. {counted(int(out.sum()), step).capitalize()} without weather are "
        f"left without a prediction ({option} predicts them); other gaps are {masked}."
    ]


def leave_out(predictions: xr.Dataset, gaps: dict[str, np.ndarray]) -> xr.Dataset:
    """Return predictions (..., time) that are missing at the steps that are left out."""
    lacking = left_out(gaps)
    return predictions if lacking is None else predictions.where(xr.DataArray(~lacking, dims="time"))


def leave_out_adapted(result: Adaptation, gaps: dict[str, np.ndarray]) -> Adaptation:
    """Return an adaptation whose predictions before and after are missing at the steps that are left out."""
    zero_shot, adapted = leave_out(result.zero_shot, gaps), leave_out(result.adapted, gaps)
    return dataclasses.replace(result, zero_shot=zero_shot, adapted=adapted)
