"""Lesson 4: how many labelled days are enough, and which. Four weeks of one year, scored on all other years."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.teaching.marks import Mark
from tamrl.towers.quality import valid_days

#: Tower -> the place in words, the flux that is asked for, and the year whose days may be labelled.
TOWERS = {
    "US-Ne1": ("irrigated maize at Mead, Nebraska", "GPP", 2007),
    "DK-Sor": ("beech forest at Sorø, Denmark", "GPP", 2005),
    "RU-Fyo": ("spruce forest on wet soil at Fyodorovskoye, Russia", "RECO", 2006),
}
#: Weeks that a student may label, days of one, and how many weeks a year is cut into.
WEEKS, WEEK_DAYS, OF_YEAR = 4, 7, 52
#: Days of a month that the student competes with, and how many of the twelve are to be beaten.
MONTH_DAYS, BEAT = WEEKS * WEEK_DAYS, 10
#: Weeks whose errors differ by less than this share are as good as each other.
SAME = 0.01
#: Month of the first question, and how much the error falls [%], as (least, answer).
JANUARY = 1
FALLS = {"much": "by more than 30 %", "some": "by 5 to 30 %", "none": "by less than 5 %, or it rises"}
#: Where the four weeks lie before they are moved.
FIRST_WEEKS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Benchmark:
    """RMSE on the other years [gC m-2 d-1] without labels, with four weeks from the first of each month, with a year.

    Attributes:
        zero: without labels.
        months: (12,) January to December.
        year: with all valid days of the labelled year.
    """

    zero: float
    months: np.ndarray
    year: float


def week_start(year: int, week: int) -> pd.Timestamp:
    """Return the first day of a week of the year, 0-51, counted from the first of January."""
    return pd.Timestamp(year, 1, 1) + pd.Timedelta(days=WEEK_DAYS * week)


def valid_between(tower: xr.Dataset, first: pd.Timestamp, days: int) -> pd.DatetimeIndex:
    """Return the valid days of a span."""
    time = pd.DatetimeIndex(tower["time"].values)
    return time[valid_days(tower) & (time >= first) & (time < first + pd.Timedelta(days=days))]


def months(tower: xr.Dataset, year: int) -> list[pd.DatetimeIndex]:
    """Return the valid ones of the first 28 days of each month of a year."""
    return [valid_between(tower, pd.Timestamp(year, month, 1), MONTH_DAYS) for month in range(1, 13)]


def whole_year(tower: xr.Dataset, year: int) -> pd.DatetimeIndex:
    """Return the valid days of a year."""
    return valid_between(
        tower, pd.Timestamp(year, 1, 1), (pd.Timestamp(year + 1, 1, 1) - pd.Timestamp(year, 1, 1)).days
    )


def scored(tower: xr.Dataset, year: int) -> np.ndarray:
    """Return the days that all supports are scored on, (T,) bool: the valid ones of all other years."""
    return valid_days(tower) & (pd.DatetimeIndex(tower["time"].values).year != year)


def growing(tower: xr.Dataset, year: int, weeks: Sequence[int]) -> list[pd.DatetimeIndex]:
    """Return the valid days of the first week, of the first two, and so on."""
    parts = alone(tower, year, weeks)
    return [pd.DatetimeIndex(np.unique(np.concatenate(parts[: i + 1]))) for i in range(len(parts))]


def alone(tower: xr.Dataset, year: int, weeks: Sequence[int]) -> list[pd.DatetimeIndex]:
    """Return the valid days of each week by itself."""
    return [valid_between(tower, week_start(year, week), WEEK_DAYS) for week in weeks]


def mark_january(found: Benchmark, chosen: str) -> Mark:
    """Return whether the student foresees what four weeks of January do to the error."""
    fall = 100 * (1 - found.months[JANUARY - 1] / found.zero)
    truth = "much" if fall > 30 else "some" if fall >= 5 else "none"
    said = f"The RMSE goes from {found.zero:.2f} to {found.months[JANUARY - 1]:.2f} gC m⁻² d⁻¹: {_percent(-fall)}."
    return Mark(answer=FALLS[chosen], correct=chosen == truth, value=fall, said=said)


def mark_weeks(found: Benchmark, weeks: Sequence[str], error: float) -> Mark:
    """Return whether four weeks do better than enough of the twelve months.

    Args:
        found: what they compete with.
        weeks: first days of the student's weeks, in words.
        error: RMSE with all of them [gC m-2 d-1].
    """
    beaten = int((error < found.months).sum())
    change = 100 * (error / found.zero - 1)
    said = (
        f"RMSE {error:.2f} gC m⁻² d⁻¹, {_percent(change)} from zero-shot. Better than {beaten} of the 12 months; the "
        f"best month has {found.months.min():.2f}, a whole year {found.year:.2f}."
    )
    return Mark(answer=", ".join(weeks), correct=beaten >= BEAT, value=change, said=said)


def mark_best_week(names: Sequence[str], errors: np.ndarray, chosen: str) -> Mark:
    """Return whether the student names the week that teaches most on its own.

    Args:
        names: of the weeks.
        errors: RMSE with each week alone [gC m-2 d-1].
        chosen: one of the names.
    """
    least = float(errors.min())
    mine = float(errors[list(names).index(chosen)])
    listed = "; ".join(f"{name} {error:.2f}" for name, error in zip(names, errors, strict=True))
    said = f"RMSE with one week alone, in gC m⁻² d⁻¹: {listed}."
    if (errors <= least * (1 + SAME)).all():
        said += " None of these weeks teaches more than another; move them, and ask again."
    return Mark(answer=chosen, correct=mine <= least * (1 + SAME), value=mine, said=said)


def _percent(value: float) -> str:
    return f"{value:+.0f} %".replace("-", "−") if abs(value) >= 0.5 else "0 %"
