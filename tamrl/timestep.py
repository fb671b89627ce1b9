"""The time step of an archive or a model: days, or calendar months that are dated by their first day.

Lengths in settings of training and protocol are in days where a user meets them; ``steps`` turns them into steps.
"""

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError

Step = Literal["1D", "1MS"]
STEPS: dict[Step, str] = {"1D": "daily", "1MS": "monthly"}
#: Attribute of archives and records that names their step; absent means daily.
ATTRIBUTE = "frequency"
DAYS_PER_MONTH = 365.25 / 12


def step_of(ds: xr.Dataset) -> Step:
    """Return the time step of an archive or of one tower's record.

    Raises:
        TamrlError: its attribute names a step that is not known.
    """
    name = str(ds.attrs.get(ATTRIBUTE, "1D"))
    for step in STEPS:
        if step == name:
            return step
    raise TamrlError(f"Unknown time step {name!r}", ATTRIBUTE, f"Known steps: {', '.join(STEPS)}")


def steps(days: float, step: Step) -> int:
    """Return how many steps a number of days is, at least one; none is none."""
    if not days:
        return 0
    return max(1, round(days if step == "1D" else days / DAYS_PER_MONTH))


def days(count: int, step: Step) -> int:
    """Return how many days a number of steps is."""
    return count if step == "1D" else round(count * DAYS_PER_MONTH)


def axis(first: np.datetime64 | pd.Timestamp, last: np.datetime64 | pd.Timestamp, step: Step) -> pd.DatetimeIndex:
    """Return every step from the one of ``first`` to the one of ``last``."""
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    return pd.date_range(first if step == "1D" else first.replace(day=1), last, freq="D" if step == "1D" else "MS")


def is_regular(time: np.ndarray, step: Step) -> bool:
    """Return whether a time axis (T,) has one step after the other, without a gap."""
    index = pd.DatetimeIndex(time)
    return len(index) > 0 and index.equals(axis(index[0], index[-1], step))


def season_angle(time: pd.DatetimeIndex, step: Step) -> np.ndarray:
    """Return the place of each step in the year (T,), radians; of a month its middle."""
    day = time.day_of_year.to_numpy().astype(float)
    middle = day if step == "1D" else day + (time.days_in_month.to_numpy() - 1) / 2
    return 2 * np.pi * middle / 365.25


def time_ends(start: pd.DatetimeIndex, step: str | None = None) -> pd.DatetimeIndex:
    """Return the end of each step that begins at ``start`` (T,); years may be missing between months.

    Args:
        start: first instants.
        step: of ``step_of_maps``; None to see it from the dates.
    """
    if step in ("year", "month", "day"):
        return (
            start
            + {"year": pd.offsets.YearBegin(), "month": pd.offsets.MonthBegin(), "day": pd.Timedelta(days=1)}[step]
        )
    shortest = np.diff(start.values).min() / np.timedelta64(1, "D") if len(start) > 1 else 28
    if (start.day == 1).all() and 28 <= shortest <= 31:
        return start + pd.offsets.MonthBegin()
    last = start[-1] + (start[-1] - start[-2] if len(start) > 1 else pd.Timedelta(days=1))
    return start[1:].append(pd.DatetimeIndex([last]))
