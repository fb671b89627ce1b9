"""Holes in the drivers of a tower: steps at which one is missing that the tower otherwise has.

A driver that a tower has not at all is masked as in training, which the model has learnt to do without. One that fails
for some days is another matter: what is predicted there jumps to what the model makes of the others alone. Those steps
are left out of predictions unless the user wants them.
"""

import dataclasses

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.adapt import Adaptation
from tamrl.data.steps import step_of
from tamrl.wording import counted


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


def describe(gaps: dict[str, np.ndarray], tower: xr.Dataset, allowed: bool) -> list[str]:
    """Return in words which drivers are missing when, and what becomes of those steps.

    Args:
        gaps: of ``driver_gaps``.
        tower: Dataset(time), one tower's record.
        allowed: those steps are predicted all the same.
    """
    if not gaps:
        return []
    time, step = pd.DatetimeIndex(tower.time.values), step_of(tower)
    form = "%Y-%m" if step == "1MS" else "%Y-%m-%d"
    said = []
    for name, lacking in gaps.items():
        when = time[lacking]
        span = when[0].strftime(form) + (f" to {when[-1].strftime(form)}" if len(when) > 1 else "")
        said.append(f"{name} is missing on {len(when)} of {len(time)} ({span})")
    total = int(np.logical_or.reduce(list(gaps.values())).sum())
    done = (
        "are predicted without these drivers, masked as in training"
        if allowed
        else "are left without a prediction; --allow-gaps on the command line predicts them without these drivers"
    )
    return [f"Gaps in the drivers: {'; '.join(said)}. {counted(total, step)} {done}."]


def leave_out(predictions: xr.Dataset, gaps: dict[str, np.ndarray]) -> xr.Dataset:
    """Return predictions (..., time) that are missing at the steps with gaps."""
    if not gaps:
        return predictions
    lacking = np.logical_or.reduce(list(gaps.values()))
    return predictions.where(xr.DataArray(~lacking, dims="time"))


def leave_out_adapted(result: Adaptation, gaps: dict[str, np.ndarray]) -> Adaptation:
    """Return an adaptation whose predictions before and after are missing at the steps with gaps."""
    both = {name: leave_out(getattr(result, name), gaps) for name in ("zero_shot", "adapted")}
    return dataclasses.replace(result, **both)
