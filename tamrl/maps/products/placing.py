"""Which month, day or year each time step covers, by its bounds or label; or why that cannot be determined."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tamrl.errors import TamrlError
from tamrl.maps.products import naming
from tamrl.maps.products.calendars import Clock, month_lengths, month_of, split, year_of
from tamrl.system.account import IngestReport

Step = Literal["month", "day", "year", "other", "sub"]
#: Steps of a length in days, from and to.
_LENGTHS: tuple[tuple[Step, float, float], ...] = (
    ("sub", 0, 0.9),
    ("day", 0.9, 1.1),
    ("month", 27.5, 31.5),
    ("year", 359.0, 367.0),
)
#: Share of a month, day or year that bounds must cover, and how far they may be off before it is said.
_COVERED = {"day": 0.6, "month": 0.6, "year": 0.9}
_OFF = 0.03
#: How far from the middle of its step a label may lie and still be in the middle.
_MIDDLE = {"month": 0.25, "year": 0.006}
#: Steps of equal length begin this share of a month off the first day at most.
_EQUAL = 0.14
_WORDS = {"end": ("end of", "interval end", "ending"), "start": ("start of", "begin", "first day")}


@dataclass(frozen=True)
class Labels:
    """The times of a file.

    Attributes:
        days: (T,) of its calendar.
        clock: how they are counted.
        where: name of the file.
        words: its attributes about time, in small letters.
        lost: whether it names bounds that are absent or cannot be used.
    """

    days: np.ndarray
    clock: Clock
    where: str
    words: str = ""
    lost: bool = False

    @property
    def spread(self) -> float:
        """The usual spacing of labels in days."""
        return float(np.median(np.diff(np.unique(self.days))))

    def day_of_month(self) -> np.ndarray:
        """Return the day of the month of each label, (T,)."""
        return split(self.days, self.clock.calendar)[2]


def class_of(lengths: np.ndarray) -> Step | None:
    """Return the step that the median of lengths (N,) [days] corresponds to, or ``other``; None where none is known."""
    known = lengths[np.isfinite(lengths)]
    if not known.size:
        return None
    middle = float(np.median(known))
    return next((step for step, low, high in _LENGTHS if low <= middle <= high), "other")


def position(days: np.ndarray, step: Step, calendar: str) -> np.ndarray:
    """Return days (T,) counted in months since 1970-01, in calendar years or in days, by the step."""
    return month_of(days, calendar) if step == "month" else year_of(days, calendar) if step == "year" else days


def tidy(days: np.ndarray, clock: Clock) -> int:
    """Return how well labels, days (T,), fit whole months, as correctly read ones do: 0 (poorly) to 2."""
    year, month, day, fraction = split(days, clock.calendar)
    length = month_lengths(year, month, clock.calendar)
    if class_of(np.diff(np.unique(days))) == "month":
        if (day == 1).all() or (day == length).all():
            return 2
        return int((np.abs((day - 1 + fraction) / length - 0.5) < 0.06).all())
    first, last = np.argmin(days), np.argmax(days)
    return int(day[first] == 1 and (day[last] == length[last] or (day[last] == 1 and fraction[last] == 0)))


def unlike(labels: Labels, step: Step, only_middle: bool = False) -> str:
    """Return why labels without bounds do not determine their month or year; empty where they do.

    They lie in the middle of it, on one day of all months, or on its first or last day; or they are a month of equal
    length apart, from the first.
    """
    at = position(labels.days, step, labels.clock.calendar)
    part = at - np.floor(at)
    _, month, day, _ = split(labels.days, labels.clock.calendar)
    if (np.abs(part - 0.5) <= _MIDDLE[step]).all():
        return ""
    if step == "year":
        edge = (part == 0) | (part >= 1 - 1.01 / 360)
        return "" if edge.all() and not only_middle else f"they are dated {day[0]}/{month[0]} (day/month) of each year"
    year = split(labels.days, labels.clock.calendar)[0]
    length = month_lengths(year, month, labels.clock.calendar)
    if (day == np.minimum(day.max(), length)).all():
        return ""
    if (np.abs(at - np.round(at)) <= _EQUAL).all() and np.unique(np.round(at)).size == at.size:
        return ""
    return f"their labels lie on days {day.min()} to {day.max()} of the month"


def place(labels: Labels, bounds: np.ndarray | None, step: Step, report: IngestReport) -> np.ndarray:
    """Return the month since 1970-01, the year or the day that each step covers, (T,) int.

    Args:
        labels: of the steps.
        bounds: (T, 2) days, NaN where unknown; None where there are none.
        step: how long they are.
        report: assumptions are added.

    Raises:
        TamrlError: bounds do not cover a single month, day or year.
    """
    if bounds is None:
        return _by_label(labels, step, report)
    known = np.isfinite(bounds).all(axis=1)
    if step == "other":
        begin = np.where(known, bounds[:, 0], labels.days)
        return np.round(begin).astype(np.int64)
    calendar = labels.clock.calendar
    low, high = (position(bounds[known, k], step, calendar) for k in (0, 1))
    # The middle in time, not in months: a leap day more does not move it.
    index = np.floor(position(bounds[known].mean(axis=1), step, calendar)).astype(np.int64)
    _check_cover(low, high, index, step, labels.where, report)
    out = np.zeros(len(known), np.int64)
    out[known] = index
    if not known.all():
        # What labels are in the steps that have bounds, they are in the others.
        part = np.median((labels.days[known] - bounds[known, 0]) / (bounds[known, 1] - bounds[known, 0]))
        out[~known] = np.floor(position(labels.days[~known], step, calendar) - np.clip(part, 0, 1) + 0.5)
    return out


def _check_cover(
    low: np.ndarray, high: np.ndarray, index: np.ndarray, step: Step, where: str, report: IngestReport
) -> None:
    """Raise where bounds (in units of the step) do not cover one step for the most part; note what they are off by."""
    share = np.minimum(high, index + 1) - np.maximum(low, index)
    inside = share >= 0.95 * (high - low)
    if (bad := np.flatnonzero((share < _COVERED[step]) & ~inside)).size:
        raise TamrlError(
            f"Step {bad[0] + 1} covers {100 * share[bad[0]]:.0f} % of one {step} and the rest of it another",
            where,
            f"Average by whole {step}s first, or correct the bounds of time",
        )
    off = np.maximum(np.abs(low - index), np.abs(high - index - 1))
    if (off > _OFF).any():
        size = {"day": "{:.1f} hours", "month": "{:.0f} days", "year": "{:.0f} days"}[step]
        far = size.format(float(off.max()) * {"day": 24, "month": 30.4, "year": 365.25}[step])
        report.assumed(where, f"The bounds of time are up to {far} off: each step is the {step} of its middle.")


def _by_label(labels: Labels, step: Step, report: IngestReport) -> np.ndarray:
    """Return what steps without bounds cover, and say what was assumed."""
    at = position(labels.days, step, labels.clock.calendar)
    index = np.floor(at).astype(np.int64)
    part = at - index
    if (
        step == "month"
        and np.unique(index).size < np.unique(labels.days).size
        and (
            np.unique(np.round(at)).size == np.unique(labels.days).size and (np.abs(at - np.round(at)) <= _EQUAL).all()
        )
    ):
        report.assumed(labels.where, "The labels are months of equal length apart: each is the month nearest to it.")
        return np.round(at).astype(np.int64)
    if (part == 0).all() and step != "other":
        ends, words = _ends(labels, index, step)
        if words:
            report.assumed(labels.where, words)
        return index - 1 if ends else index
    if step == "day" and ((part > 0.8) & (part < 0.99)).any():
        report.assumed(labels.where, "The days are dated late in the evening and have no bounds: taken as that day.")
    return index


def _ends(labels: Labels, index: np.ndarray, step: Step) -> tuple[bool, str]:
    """Return whether labels on the first instant of a step are the end of the step before, and why, in words."""
    dates = [date for kind, date in naming.dates_named(labels.where) if kind == step]
    first, last = int(index.min()), int(index.max())
    as_ends = f"Time has no bounds and is dated by the end of each {step}"
    if any(word in labels.words for word in _WORDS["end"]):
        return True, f"{as_ends}, as its attributes say."
    if any(word in labels.words for word in _WORDS["start"]):
        return False, ""
    days = 0 if step != "day" else int((np.datetime64("2000-01-01") - np.datetime64("1970-01-01")).astype(int))
    if dates and (min(dates), max(dates)) == (first + days, last + days):
        return False, ""
    if dates and (min(dates), max(dates)) == (first + days - 1, last + days - 1):
        return True, f"{as_ends}, as the name of the file says."
    whole_ends, whole_starts = (_whole(first - k, last - k, step, labels.clock.calendar) for k in (1, 0))
    years = {date for kind, date in naming.dates_named(labels.where) if kind == "year"}
    of_years = bool(years) and years == _years(first - 1, last - 1, step, labels.clock.calendar)
    if step != "year" and whole_ends and not whole_starts and (labels.lost or of_years):
        why = "it has lost its bounds" if labels.lost else "its name says the years"
        return True, f"{as_ends}: so its steps are whole years, and {why}."
    if whole_starts and not labels.lost:
        if years and years == _years(first, last, step, labels.clock.calendar):
            return False, ""
        return False, f"Time has no bounds: each {step} is taken to begin at its label, which makes whole years."
    doubt = f"Time has no bounds: each {step} is taken to begin, not to end, at its label."
    if labels.lost or (whole_ends and not whole_starts):
        doubt += f" It may be the end: then every {step} here is one too late."
    return False, doubt


def _whole(first: int, last: int, step: Step, calendar: str) -> bool:
    """Return whether steps from one to another are whole years."""
    if step == "month":
        return first % 12 == 0 and last % 12 == 11
    _, month, day, _ = split(np.array([first, last + 1.0]), calendar)
    return step == "day" and bool((month == 1).all() and (day == 1).all())


def _years(first: int, last: int, step: Step, calendar: str) -> set[int]:
    """Return the first and the last year of steps."""
    if step == "month":
        return {first // 12 + 1970, last // 12 + 1970}
    return set(split(np.array([first, last], float), calendar)[0].tolist())
