"""The time step of an archive or a model: days, or calendar months that are dated by their first day.

Lengths in settings of training and protocol are in days where a user meets them; ``steps`` turns them into steps.
"""

from enum import StrEnum

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError

#: Attribute of archives and records that names their step; absent means daily.
ATTRIBUTE = "frequency"
DAYS_PER_MONTH = 365.25 / 12


class TimeStep(StrEnum):
    """The step of an archive, a record or a model; its value is the code kept in files.

    Attributes:
        word: of one step.
        short: as a part of a file name.
        adjective: of what comes in such steps.
    """

    DAILY = "1D", "day", "d", "daily"
    MONTHLY = "1MS", "month", "mo", "monthly"

    word: str
    short: str
    adjective: str

    def __new__(cls, code: str, word: str, short: str, adjective: str) -> "TimeStep":
        """Keep the code as the value."""
        step = str.__new__(cls, code)
        step._value_ = code
        step.word, step.short, step.adjective = word, short, adjective
        return step


def time_step(code: object, where: str) -> TimeStep:
    """Return the step of a code that a file or a setting holds.

    Raises:
        TamrlError: no step has this code.
    """
    known = {step.value: step for step in TimeStep}
    if not isinstance(code, str) or code not in known:
        raise TamrlError(f"Unknown time step {code!r}", where, f"Known steps: {', '.join(known)}")
    return known[code]


def step_of(ds: xr.Dataset) -> TimeStep:
    """Return the time step of an archive or of one tower's record.

    Raises:
        TamrlError: its attribute names a step that is not known.
    """
    return time_step(str(ds.attrs.get(ATTRIBUTE, TimeStep.DAILY.value)), ATTRIBUTE)


def steps(days: float, step: TimeStep) -> int:
    """Return how many steps a number of days is, at least one; none is none."""
    if not days:
        return 0
    return max(1, round(days if step == TimeStep.DAILY else days / DAYS_PER_MONTH))


def days(count: int, step: TimeStep) -> int:
    """Return how many days a number of steps is."""
    return count if step == TimeStep.DAILY else round(count * DAYS_PER_MONTH)


def axis(first: np.datetime64 | pd.Timestamp, last: np.datetime64 | pd.Timestamp, step: TimeStep) -> pd.DatetimeIndex:
    """Return every step from the one of ``first`` to the one of ``last``."""
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    return pd.date_range(
        first if step == TimeStep.DAILY else first.replace(day=1), last, freq="D" if step == TimeStep.DAILY else "MS"
    )


def is_regular(time: np.ndarray, step: TimeStep) -> bool:
    """Return whether a time axis (T,) has one step after the other, without a gap."""
    index = pd.DatetimeIndex(time)
    return len(index) > 0 and index.equals(axis(index[0], index[-1], step))


def season_angle(time: pd.DatetimeIndex, step: TimeStep) -> np.ndarray:
    """Return the place of each step in the year (T,), radians; of a month its middle."""
    day = time.day_of_year.to_numpy().astype(float)
    middle = day if step == TimeStep.DAILY else day + (time.days_in_month.to_numpy() - 1) / 2
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
