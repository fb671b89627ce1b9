"""The one strict reader of columns of dates: the form is decided over the whole column, or refused with the reason.

A date is the local day of the tower. Every table goes through here: daily and monthly tables, satellite series and the
TIMESTAMP of tower files. What a single value can mean is in ``tamrl.towers.readers.date_forms``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, Literal

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.checks import FIRST_DAY, last_day
from tamrl.towers.readers.date_forms import NONE, REFUSED, YEAR_LAST, Written, read
from tamrl.towers.readers.text import REJECTED_SHARE

#: The todo of every refusal.
TODO = "Write each date as YYYYMMDD or YYYY-MM-DD, the local day of the tower"
_HALF_DAY, _LAST_MINUTE = 12 * 3600, 86_340
# A 32-bit number holds 24 bits: eight digits lose the last one.
_FLOAT32_EXACT = 2**24
_UNREAD = "There is no row with a day in a form that is read"


@dataclass
class Dates:
    """A column of dates as read.

    Attributes:
        days: datetime64[ns] at midnight, index of the column; NaT where there is no readable date.
        form: how the dates are written, in words.
        first_bad: the first value that is not a date (``an empty cell`` for an empty one); empty where all are dates.
        notes: assumptions, whole sentences without the full stop.
        future: rows with a day in the future, bool; NaT in ``days``. No date of such a record can be trusted.
    """

    days: pd.Series
    form: str = ""
    first_bad: str = ""
    notes: list[str] = field(default_factory=list)
    future: pd.Series = field(default_factory=lambda: pd.Series(dtype=bool))


@dataclass
class _Column:
    """The distinct values of a column: as text, what each can mean, and in how many rows."""

    texts: list[str]
    written: list[Written]
    rows: np.ndarray
    where: str

    def refuse(self, what: str, value: str = "") -> TamrlError:
        seen = f"; the first value is {value!r}" if value else ""
        return TamrlError(f"{what}{seen}", self.where, TODO)

    def count(self, *kinds: str) -> int:
        return sum(int(n) for n, written in zip(self.rows, self.written, strict=True) if written.kind in kinds)

    def first(self, *kinds: str) -> str:
        return next(text for text, written in zip(self.texts, self.written, strict=True) if written.kind in kinds)

    def drop(self, at: Sequence[int]) -> None:
        for i in at:
            self.written[i] = NONE

    def at(self, *kinds: str) -> list[int]:
        return [i for i, written in enumerate(self.written) if written.kind in kinds]

    def few(self, at: Sequence[int]) -> bool:
        """Whether these values are so few rows that they can be rejected as faults of single rows."""
        return self.rows[list(at)].sum() <= REJECTED_SHARE * (self.rows.sum() - self.count("blank"))


def read_dates(column: pd.Series, where: str, step: Literal["day", "month"] = "day", passes: bool = False) -> Dates:
    """Read a column of dates.

    Args:
        column: whole numbers of any dtype, text, dates or times, with or without a zone.
        where: file and column, for messages.
        step: what a row of the table stands for; months are dated by any one day in them, or as YYYYMM or YYYY-MM.
        passes: times of the day may differ, as those of satellite passes do; the day they lie in is taken.

    Returns:
        The days (first days of months for ``month``). Single values that are not a date, or lie before 1950 or in
        the future, are NaT: the caller counts them.

    Raises:
        TamrlError: the column as a whole is in a form that is not read, ambiguous, of several forms, or of another
            step; the message has the first value seen.
    """
    codes, values = pd.factorize(column, use_na_sentinel=False)
    _check_precision(column, values, where)
    texts = [_text(value) for value in values]
    found = _Column(texts, [read(text) for text in texts], np.bincount(codes, minlength=len(texts)), where)
    notes: list[str] = []
    if found.count("blank") < len(column):
        _reread_short(found)
        _check_kinds(found, step)
        _check_mix(found)
        _settle_order(found, notes)
        _check_even(found)
        _check_clock(found, passes, _zone(column), notes)
        if step == "month":
            _check_months(found)
    return _result(column, codes, found, step, notes)


def _result(column: pd.Series, codes: np.ndarray, found: _Column, step: str, notes: list[str]) -> Dates:
    """Put the days of the distinct values on the rows."""
    kinds = ("day", "month") if step == "month" else ("day",)
    days = pd.Series(
        [pd.Timestamp(w.day) if w.kind in kinds else pd.NaT for w in found.written], dtype="datetime64[ns]"
    )
    if step == "month":
        days = days.dt.to_period("M").dt.to_timestamp()
    future = days > last_day()
    days = days.where((days >= FIRST_DAY) & ~future)
    bad = next((text or "an empty cell" for text, day in zip(found.texts, days, strict=True) if pd.isna(day)), "")
    forms = dict.fromkeys(w.form for w, day in zip(found.written, days, strict=True) if pd.notna(day))
    spread = pd.Series(days.to_numpy("datetime64[ns]")[codes], index=column.index, name=column.name)
    return Dates(spread, " and ".join(forms), bad, notes, pd.Series(future.to_numpy()[codes], index=column.index))


def _text(value: Any) -> str:
    """Return one value as text that ``date_forms.read`` understands; a missing one as empty."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, (date, datetime, np.datetime64)):  # a Timestamp is a datetime, NaT too
        return "" if pd.isna(value) else str(pd.Timestamp(value) if isinstance(value, np.datetime64) else value)
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else str(int(value)) if float(value).is_integer() else repr(float(value))
    return "" if value is None or value is pd.NA else str(value)


def _zone(column: pd.Series) -> tzinfo | None:
    return getattr(column.dtype, "tz", None)


def _check_precision(column: pd.Series, values: Any, where: str) -> None:
    """Refuse eight digits in 32-bit numbers: they have lost the last one."""
    dtype = getattr(column.dtype, "numpy_dtype", column.dtype)
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize < 8:
        numbers = np.asarray(pd.Series(values).dropna(), dtype=float)
        if numbers.size and np.nanmax(np.abs(numbers)) >= _FLOAT32_EXACT:
            what = f"The dates are {8 * dtype.itemsize}-bit floating-point numbers, which cannot hold eight digits"
            raise TamrlError(f"{what}: days are off by one; the first value is {_text(numbers[0])}", where, TODO)


def _reread_short(found: _Column) -> None:
    """Read seven digits as eight without the leading zero where others have the year last."""
    if any(written.form == YEAR_LAST for written in found.written):
        found.written = [read(text, padded=True) for text in found.texts]


def _check_kinds(found: _Column, step: str) -> None:
    """Refuse a column most of whose values are in a form that is not read."""
    good = ("day", "order", "month") if step == "month" else ("day", "order")
    words = REFUSED | ({"month": "months, not days"} if step == "day" else {})
    worst = max((*words, "none"), key=lambda kind: found.count(kind))
    if found.count(worst) > found.count(*good):
        raise found.refuse(f"The dates are {words[worst]}" if worst in words else _UNREAD, found.first(worst))


def _check_mix(found: _Column) -> None:
    """Refuse a column of two kinds of forms; a few rows of the other are faults of theirs."""
    for some, rest in (("order", "day"), ("month", "day"), ("month", "order")):
        one, other = found.at(some), found.at(rest)
        if not one or not other:
            continue
        fewer = min(one, other, key=lambda at: found.rows[at].sum())
        if not found.few(fewer):
            what = f"The dates are written in two forms, {found.texts[one[0]]!r} and {found.texts[other[0]]!r}"
            raise found.refuse(f"{what}: what one of them means cannot be told")
        found.drop(fewer)


def _settle_order(found: _Column, notes: list[str]) -> None:
    """Decide over the whole column whether day or month comes first."""
    at = found.at("order")
    if not at:
        return
    day_only = [i for i in at if found.written[i].other is None]
    month_only = [i for i in at if found.written[i].day is None]
    if day_only and month_only:
        one, other = found.texts[day_only[0]], found.texts[month_only[0]]
        raise found.refuse(f"In some dates the day comes first ({one!r}), in others the month ({other!r})")
    if not day_only and not month_only:
        open_ones = [i for i in at if found.written[i].day != found.written[i].other]
        if open_ones:
            what = "Whether day or month comes first cannot be told: no date of the column has a day above 12"
            raise found.refuse(what, found.texts[open_ones[0]])
    first = "month" if month_only else "day"
    for i in at:
        w = found.written[i]
        form = f"{w.form}, the {first} first"
        found.written[i] = Written("day", form, w.other if month_only else w.day, None, w.seconds, offset=w.offset)
    example = found.texts[(month_only or day_only or at)[0]]
    notes.append(f"dates such as {example!r} are read with the {first} first, as the whole column says")


def _check_even(found: _Column) -> None:
    """Refuse dates that went through 32-bit numbers on their way: all are even, as no real series of days is."""
    days = [w.day for w in found.written if w.form == "YYYYMMDD" and w.day is not None]
    if len(days) >= 20 and len({d.day for d in days}) >= 10 and all(d.day % 2 == 0 for d in days):
        what = "Every date is an even number, as eight digits become when they pass through 32-bit numbers"
        raise found.refuse(f"{what}: days are off by one", found.first("day"))


def _check_clock(found: _Column, passes: bool, zone: tzinfo | None, notes: list[str]) -> None:
    """Refuse times of the day that leave the local day open, or that make the table one of hours."""
    at = found.at("day")
    zoned = [i for i in at if found.written[i].offset is not None]
    if zoned and len(zoned) < len(at):
        raise found.refuse("Some dates have a time zone and others have none", found.texts[zoned[0]])
    counts: dict[int, int] = {}
    for i in at:
        seconds = found.written[i].seconds
        counts[seconds] = counts.get(seconds, 0) + int(found.rows[i])
    if not counts:
        return
    example = found.texts[at[0]]
    utc = bool(zoned) and all(found.written[i].offset == 0 for i in zoned) and (zone is None or _is_utc(zone))
    usual = max(counts, key=lambda seconds: counts[seconds])
    odd = [i for i in at if found.written[i].seconds != usual]
    if zoned and not utc and set(counts) <= {0, 3600}:
        return  # local midnight; 01:00 where summer time skips midnight
    if passes:
        if odd or usual:
            notes.append(f"dates such as {example!r} have a time; the day that each lies in is taken")
        return
    if odd and not found.few(odd):
        other = found.texts[odd[0]]
        what = f"The dates have different times of the day ({found.texts[_other(found, at, usual)]!r}, {other!r})"
        raise found.refuse(f"{what}: the table has several rows a day, or its days begin in another time zone")
    found.drop(odd)
    if utc and usual not in (0, _HALF_DAY):
        raise found.refuse("The dates are instants in UTC, not local days, and which day is meant is open", example)
    if _HALF_DAY < usual < _LAST_MINUTE:
        raise found.refuse("The dates have a time late in the day, so that the day they stand for is open", example)
    if utc:
        notes.append(f"dates such as {example!r} are in UTC; they are taken as the local days of the tower")
    elif 0 < usual < _LAST_MINUTE and usual != _HALF_DAY:
        what = "The dates have a time of the day, as half-hours and hours have"
        raise found.refuse(f"{what}: the table is not one of days, or its days begin in another time zone", example)
    elif usual >= _LAST_MINUTE:
        notes.append(f"dates such as {example!r} have a time; the day that it lies in is taken")


def _other(found: _Column, at: list[int], seconds: int) -> int:
    return next(i for i in at if found.written[i].seconds == seconds)


def _is_utc(zone: tzinfo) -> bool:
    return str(zone).upper() in ("UTC", "ETC/UTC", "GMT", "ETC/GMT", "ZULU", "UTC+00:00", "+00:00")


def _check_months(found: _Column) -> None:
    """Refuse a table of months with several days in one month."""
    seen: dict[tuple[int, int], date] = {}
    for text, written in zip(found.texts, found.written, strict=True):
        day = written.day
        if written.kind == "day" and day is not None and seen.setdefault((day.year, day.month), day) != day:
            raise found.refuse("The dates are days where months are meant: one month has several", text)


def set_aside(counts: dict[str, tuple[int, int]], label: str, reason: str) -> str:
    """Return in words which towers fail since too many of their rows were rejected; empty where none does.

    Args:
        counts: tower -> (rejected rows, all rows).
        label: file.
        reason: what is wrong with the rows, with the first value seen.
    """
    failing = {site: n for site, n in counts.items() if n[0] > REJECTED_SHARE * n[1]}
    if not failing:
        return ""
    named = ", ".join(f"{site} ({bad} of {rows})" for site, (bad, rows) in list(failing.items())[:6])
    more = f" and {len(failing) - 6} more" if len(failing) > 6 else ""
    return f"{label}: more than {100 * REJECTED_SHARE:.0f} % of the rows {reason} at {named}{more}: not ingested"
