"""Times of files as days of their own calendar: from numbers since an epoch, codes, decimal years, dates or text.

Days are float64 since 2000-01-01 of the calendar that the file counts in. The mixed Julian and Gregorian calendar of
CF (``standard``) is the Gregorian one from 1582-10-15 on, and all data are later.
"""

import re
from dataclasses import dataclass
from typing import Any

import cftime
import numpy as np
import pandas as pd

from tamrl.errors import TamrlError

GREGORIAN = "proleptic_gregorian"
_CALENDARS = {
    **dict.fromkeys(("", "standard", "gregorian", "mixed", "utc", "tai"), "standard"),
    **dict.fromkeys(("proleptic_gregorian", "proleptic", "gregorian_proleptic"), GREGORIAN),
    **dict.fromkeys(("noleap", "365_day", "365", "no_leap", "nolp", "365day"), "noleap"),
    **dict.fromkeys(("all_leap", "366_day", "366", "allleap", "366day"), "all_leap"),
    **dict.fromkeys(("360_day", "360", "360day"), "360_day"),
    "julian": "julian",
}
_ORIGIN = "days since 2000-01-01"
_UNITS: dict[str, float] = {
    **dict.fromkeys(("week", "weeks"), 7.0),
    **dict.fromkeys(("day", "days", "d"), 1.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 1 / 24),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 1 / 1440),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1 / 86_400),
    **dict.fromkeys(("millisecond", "milliseconds", "millis", "msec", "msecs", "ms"), 1 / 86_400e3),
    **dict.fromkeys(("microsecond", "microseconds", "us"), 1 / 86_400e6),
    **dict.fromkeys(("nanosecond", "nanoseconds", "ns"), 1 / 86_400e9),
}
_MONTHS: dict[str, int] = {
    **dict.fromkeys(("month", "months", "mon", "mons"), 1),
    **dict.fromkeys(("year", "years", "yr", "yrs", "common_year", "common_years", "calendar_years"), 12),
}
_SINCE = re.compile(
    r"^\s*(?P<unit>[A-Za-z_]+)\s+(?:since|after|from)\s+(?P<year>\d{1,4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
    r"(?:[T\s]+(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}(?:\.\d*)?))?)?)?"
    r"\s*(?:Z|UTC|GMT|(?P<zone>[+-]\d{1,2}(?::?\d{2})?))?\s*$",
    re.IGNORECASE,
)
#: What the unit of dates that are written as numbers may be.
_CODED = re.compile(
    r"\s*(1|-|(days?|months?|years?) as .*|%Y.*|Y{4}.*|(decimal )?(calendar )?y(ea)?rs?|months?|days?|dates?|none)?\s*",
    re.IGNORECASE,
)
_CODE = re.compile(r"^(1[5-9]|2[0-2])\d{2}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])([01]\d|2[0-3])?)?)?$")
#: Numbers that stand for a missing time although the file does not say so; all beyond the last are.
_FILLS, _BEYOND = (-999, -9999, -99999, -32768, -32767, -2147483648, -2147483647), 1e12
#: Times are told apart by a tenth of a second.
_DIGITS = 6


@dataclass(frozen=True)
class Clock:
    """How a file counts time.

    Attributes:
        calendar: ``proleptic_gregorian``, ``noleap``, ``all_leap``, ``360_day`` or ``julian``.
        epoch: days that it counts from, since 2000-01-01 of the calendar.
        unit: days of one unit; 0 where it counts months.
        months: calendar months of one unit; 0 where it counts days.
        said: remark on how its epoch was read, empty where it is unambiguous.
    """

    calendar: str
    epoch: float = 0.0
    unit: float = 1.0
    months: int = 0
    said: str = ""

    def days(self, values: np.ndarray) -> np.ndarray:
        """Return the time values of a file, (T,), as days of its calendar; NaN stays NaN."""
        values = np.asarray(values)
        step = np.spacing(np.abs(values).max(initial=1)) if values.dtype == np.float32 else 0.0
        numbers = values.astype(np.float64)
        if self.months:
            return rounded(
                from_months(month_of(np.array([self.epoch]), self.calendar) + numbers * self.months, self.calendar)
            )
        days = rounded(self.epoch + numbers * self.unit)
        # Single precision is too coarse for midnight.
        near = np.round(days)
        return np.where(np.abs(days - near) <= 2 * float(step) * self.unit, near, days)


def rounded(days: np.ndarray) -> np.ndarray:
    """Return days (T,) without rounding noise."""
    return np.round(days, _DIGITS)


def calendar_named(text: Any, where: str) -> str:
    """Return the calendar of a file under one name: ``standard`` or one of those of ``Clock``.

    Raises:
        TamrlError: it is not a calendar of CF.
    """
    name = str(text or "").strip().lower()
    if name not in _CALENDARS:
        raise TamrlError(
            f"The calendar {text!r} of time is not known",
            where,
            "Write one of CF: standard, proleptic_gregorian, noleap, all_leap, 360_day or julian",
        )
    return _CALENDARS[name]


def split(days: np.ndarray, calendar: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return year, month, day of the month and the fraction of the day that has passed, each (T,)."""
    whole = np.floor(days).astype(np.int64)
    if calendar == GREGORIAN:
        date = np.datetime64("2000-01-01", "D") + whole
        month = date.astype("datetime64[M]")
        index = month.astype(np.int64)
        parts = (index // 12 + 1970, index % 12 + 1, (date - month).astype(np.int64) + 1)
    else:
        dates = np.atleast_1d(cftime.num2date(whole, _ORIGIN, calendar=calendar)).ravel()
        year, month, day = (np.array([getattr(d, name) for d in dates]) for name in ("year", "month", "day"))
        parts = (year, month, day)
    return *parts, days - whole


def month_lengths(year: np.ndarray, month: np.ndarray, calendar: str) -> np.ndarray:
    """Return the days of each month (T,) in a calendar."""
    if calendar == "360_day":
        return np.full(np.shape(month), 30)
    length = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.asarray(month) - 1]
    leap = np.asarray(year) % 4 == 0
    if calendar == GREGORIAN:
        leap = leap & ((np.asarray(year) % 100 != 0) | (np.asarray(year) % 400 == 0))
    leap = {"noleap": np.zeros_like(leap), "all_leap": np.ones_like(leap)}.get(calendar, leap)
    return length + (leap & (np.asarray(month) == 2))


def month_of(days: np.ndarray, calendar: str) -> np.ndarray:
    """Return days (T,) as months since 1970-01, with the fraction of the month that has passed."""
    year, month, day, fraction = split(days, calendar)
    return (year - 1970) * 12 + month - 1 + (day - 1 + fraction) / month_lengths(year, month, calendar)


def from_months(months: np.ndarray, calendar: str) -> np.ndarray:
    """Return the days (T,) of months (T,) as ``month_of`` returns them."""
    whole = np.floor(rounded(months)).astype(np.int64)
    year, month = whole // 12 + 1970, whole % 12 + 1
    return first_of(year, month, calendar) + (rounded(months) - whole) * month_lengths(year, month, calendar)


def first_of(year: np.ndarray, month: np.ndarray, calendar: str) -> np.ndarray:
    """Return the days (T,) at which months begin, of years (T,) and months (T,) 1-12."""
    if calendar == GREGORIAN:
        month = ((np.asarray(year) - 1970) * 12 + np.asarray(month) - 1).astype("datetime64[M]").astype("datetime64[D]")
        return (month - np.datetime64("2000-01-01", "D")).astype(np.float64)
    dates = [cftime.datetime(int(y), int(m), 1, calendar=calendar) for y, m in zip(year, month, strict=True)]
    return np.asarray(cftime.date2num(dates, _ORIGIN, calendar=calendar), np.float64)


def year_of(days: np.ndarray, calendar: str) -> np.ndarray:
    """Return days (T,) as calendar years with the fraction of the year that has passed."""
    year = split(days, calendar)[0]
    first, after = (first_of(y, np.ones_like(y), calendar) for y in (year, year + 1))
    return year + (days - first) / (after - first)


def clocks(unit: str, calendar: str) -> list[Clock]:
    """Return the ways in which ``UNIT since DATE`` can be read, that of CF first; none where it is not such a text.

    An epoch before 1582-10-15 is Julian in the mixed calendar of CF, but many programs count proleptically; one that
    does not exist in the mixed calendar (1582-10-14, year 0) can only be proleptic.
    """
    found = _SINCE.match(unit)
    word = found["unit"] if found else ""
    word = word if word in _UNITS else word.lower()
    if found is None or (word not in _UNITS and word not in _MONTHS):
        return []
    year, month, day = (int(found[name] or 1) for name in ("year", "month", "day"))
    seconds = sum(float(found[n] or 0) * s for n, s in (("hour", 3600), ("minute", 60), ("second", 1)))
    if found["zone"]:
        zone = found["zone"].replace(":", "")
        sign, digits = (-1 if zone[0] == "-" else 1), zone[1:].rjust(2, "0")
        seconds -= sign * (int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60)
    # Day 0 of MATLAB is the day before the first.
    before, day = (1, 1) if day == 0 else (0, day)
    ways = [calendar] if calendar != "standard" else ["standard", GREGORIAN]
    epochs = [(way, _epoch(year, month, day, way)) for way in ways if not (before and way == "standard")]
    starts = [(way, start - before) for way, start in epochs if start is not None]
    told = calendar != "standard"
    if len(starts) == 2 and starts[0][1] == starts[1][1]:
        starts, told = starts[1:], True
    return [
        Clock(
            GREGORIAN if way == "standard" else way,
            start + seconds / 86_400,
            _UNITS.get(word, 0.0),
            _MONTHS.get(word, 0),
            "" if told else way,
        )
        for way, start in starts
    ]


def _epoch(year: int, month: int, day: int, calendar: str) -> float | None:
    """Return the days of a date, None where the calendar does not have it; a mixed one as days of the Gregorian."""
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    if calendar == GREGORIAN:
        start = first_of(np.array([year]), np.array([month]), calendar)[0]
        inside = day <= month_lengths(np.array([year]), np.array([month]), calendar)[0]
        return float(start + day - 1) if inside else None
    if calendar == "standard" and year == 0:
        return None
    try:
        # Years before 1 count on in the calendars of models.
        date = cftime.datetime(year, month, day, calendar=calendar)
        return float(cftime.date2num(date, _ORIGIN, calendar=calendar))
    except ValueError:
        return None


def missing(values: np.ndarray) -> np.ndarray:
    """Return which times of a file are missing, (T,) bool: NaN, NaT and fill values, declared or not."""
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind in "OSU":
        return np.array([v is None or v != v or str(v).strip() in ("", "NaT", "nan") for v in values.ravel()], bool)
    numbers = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        odd = ~np.isfinite(numbers) | (np.abs(numbers) > (_BEYOND if values.dtype.kind == "f" else np.inf))
    rest = numbers[~odd]
    # A fill is far from everything else, which ascends.
    filled = np.isin(numbers, _FILLS) if rest.size > 1 and (np.isin(rest, _FILLS).sum() < rest.size / 2) else odd
    return odd | (filled & ~_regular(numbers))


def _regular(numbers: np.ndarray) -> bool:
    """Return whether numbers are one step after the other."""
    steps = np.diff(numbers)
    return bool(np.isfinite(steps).all() and steps.size and np.ptp(steps) <= 0.2 * np.abs(np.median(steps)))


def coded(values: np.ndarray, unit: str) -> np.ndarray | None:
    """Return days of dates that are written as numbers or text, in the Gregorian calendar; None where they are not.

    YYYY, YYYYMM, YYYYMMDD, YYYYMMDDHH with a fraction of the day, decimal years, and ISO text.
    """
    if values.dtype.kind in "OSU":
        texts = [v.decode("ascii", "replace") if isinstance(v, bytes) else str(v) for v in values.ravel()]
        texts = [text.strip() for text in texts]
        if not all(_CODE.match(text) for text in texts):
            stamps = pd.to_datetime(texts, format="ISO8601", errors="coerce")
            return None if stamps.isna().any() else from_datetimes(stamps.tz_localize(None).to_numpy())
        values = np.array([int(text) for text in texts])
    if not _CODED.fullmatch(unit):
        return None
    numbers = values.astype(np.float64)
    whole = np.floor(numbers + 1e-9)
    codes = [str(int(v)) for v in whole]
    if len({len(code) for code in codes}) != 1 or not all(_CODE.match(code) for code in codes):
        return None
    if len(codes[0]) == 4 and re.search("(?i)day|month", unit):
        return None
    if len(codes[0]) == 4:
        year = whole.astype(int)
        first, after = (first_of(y, np.ones_like(y), GREGORIAN) for y in (year, year + 1))
        return rounded(first + (numbers - whole) * (after - first))
    texts = [f"{c[:4]}-{c[4:6]}-{c[6:8] or '01'}T{c[8:] or '00'}" for c in codes]
    try:
        dates = np.array(texts, dtype="datetime64[h]")
    except ValueError:
        return None
    return rounded(from_datetimes(dates) + (numbers - whole) * (len(codes[0]) == 8))


def from_datetimes(values: np.ndarray) -> np.ndarray:
    """Return datetime64 (T,) as days, float64."""
    return rounded((values.astype("datetime64[us]") - np.datetime64("2000-01-01", "us")) / np.timedelta64(1, "D"))


def from_objects(values: np.ndarray) -> np.ndarray:
    """Return cftime dates (T,) of one calendar as days of that calendar, float64."""
    return rounded(np.asarray(cftime.date2num(values, _ORIGIN, calendar=values.flat[0].calendar), np.float64))
