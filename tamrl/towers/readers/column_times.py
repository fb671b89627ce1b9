"""Times of a tidy table, in one column or in several, as days or as beginnings and ends of half-hours and hours."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers.date_forms import read
from tamrl.towers.readers.dates import read_dates
from tamrl.towers.readers.sites import plain
from tamrl.towers.readers.stamps import END, START

#: Part of a time -> names of its column, as ``sites.plain`` writes them.
PARTS = {
    "year": ("year", "yr", "yyyy"),
    "month": ("month", "mon", "mo"),
    "day": ("day", "dd", "day_of_month", "dom"),
    "doy": ("doy", "day_of_year", "dayofyear", "julian_day", "jday"),
    "hour": ("hour", "hr", "hh"),
    "date": ("date", "datum"),
    "time": ("time", "clock", "hhmm"),
}
#: Sets of columns that make a time, the fuller first.
SETS = (
    ("date", "time"),
    ("year", "month", "day", "hour"),
    ("year", "doy", "hour"),
    ("year", "month", "day"),
    ("year", "doy"),
)
#: Names of a column that is a time by itself, best first.
WHOLE = ("timestamp_start", "timestamp_end", "timestamp", "datetime", "date_time", "date", "datum", "time", "day")
#: Stamps that a table of half-hours has at least in a day, and values that are looked at to tell what a column holds.
_CLOCKS, _LOOK = 3, 200
_DIGITS = re.compile(r"\d{12}")
_CLOCK = r"^(?P<date>.*?\d)(?:T|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2}(?:\.0+)?)?$"
_TODO = "Name one column of times, or year and doy, year, month and day (and hour), or date and time"


def part(column: str) -> str:
    """Return which part of a time a column holds, judged by its name; empty for none."""
    return next((key for key, names in PARTS.items() if plain(column) in names), "")


def find(columns: Sequence[str], sample: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that give the time, by their names and then by their first values; empty where none do.

    Args:
        columns: of the table.
        sample: rows of it.
    """
    parts = {key: column for column in reversed(columns) if (key := part(column))}
    for names in SETS:
        if all(name in parts for name in names) and (names[0] != "date" or _are_clocks(sample[parts["time"]])):
            return tuple(parts[name] for name in names)
    named = {plain(column): column for column in reversed(columns)}
    ordered = [named[name] for name in WHOLE if name in named]
    like = [c for c in columns if c not in ordered and any(w in plain(c) for w in ("date", "time"))]
    for column in (*ordered, *like, *(c for c in columns if c not in like)):
        if is_time(sample[column]):
            return (column,)
    return ()


def is_time(cells: pd.Series) -> bool:
    """Return whether nine of ten values of a column are dates, with or without a time of the day."""
    known = [text for text in _texts(cells.dropna().head(_LOOK)) if text]
    dated = [text for text in known if _DIGITS.fullmatch(text) or read(text).kind in ("day", "order")]
    return bool(known) and len(dated) >= 0.9 * len(known)


def _are_clocks(cells: pd.Series) -> bool:
    known = _texts(cells.dropna().head(_LOOK))
    return bool(len(known)) and bool(known.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?").mean() > 0.9)


def check(time: Sequence[str], where: str) -> None:
    """Make sure that the named columns make a time.

    Raises:
        TamrlError: no column of time is named, or those named do not make a date.
    """
    if not time:
        raise TamrlError("The map names no column of dates", where, _TODO)
    if len(time) > 1 and {part(column) for column in time} not in [set(names) for names in SETS]:
        raise TamrlError(f"The columns {', '.join(time)} do not make a date", where, _TODO)


def compose(table: pd.DataFrame, time: Sequence[str]) -> pd.Series:
    """Return the times of a table as one column: as written where it is one, otherwise as text.

    Args:
        table: cells as read.
        time: columns that ``check`` passed.
    """
    if len(time) == 1:
        return table[time[0]]
    cells = {part(column): table[column] for column in time}
    if "date" in cells:
        return _texts(cells["date"]) + " " + _texts(cells["time"])
    numbers = {key: pd.to_numeric(values, errors="coerce") for key, values in cells.items()}
    known = pd.concat(list(numbers.values()), axis=1).notna().all(axis=1) & numbers["year"].between(1000, 9999)
    whole = {key: values.where(known, 1).astype(int) for key, values in numbers.items() if key != "hour"}
    if "doy" in whole:
        days = pd.to_datetime((whole["year"] * 1000 + whole["doy"]).astype(str), format="%Y%j", errors="coerce")
    else:
        days = pd.to_datetime(pd.DataFrame(whole), errors="coerce")
    if "hour" not in numbers:
        return days.dt.strftime("%Y-%m-%d").where(known & days.notna(), "")
    minutes = pd.to_timedelta((numbers["hour"].where(known, 0) * 60).round(), unit="min")
    return (days + minutes).dt.strftime("%Y-%m-%d %H:%M").where(known & days.notna(), "")


def within_days(times: pd.Series) -> bool:
    """Return whether a column has several times of the day, as half-hours and hours have."""
    texts = _texts(pd.Series(times.dropna().unique()).head(_LOOK))
    clocks = texts.str.slice(8).where(texts.str.fullmatch(_DIGITS.pattern), texts.str.extract(_CLOCK)["hour"])
    return bool(clocks.dropna().nunique() >= _CLOCKS)


def to_stamps(times: pd.Series, ends: bool, where: str) -> pd.DataFrame:
    """Return times of steps in the single column that ``stamps.read_stamps`` reads.

    Args:
        times: as ``compose`` gives them.
        ends: they are ends of steps.
        where: file and column, for messages.

    Raises:
        TamrlError: they have a time zone; the order of day and month cannot be told, see ``dates.read_dates``.
    """
    if getattr(times.dtype, "tz", None) is not None:
        what = f"The times have a time zone, {times.dtype}"
        raise TamrlError(what, where, "Give them in local standard time of the tower, without a zone")
    texts = _texts(times)
    digits = texts.str.fullmatch(_DIGITS.pattern)
    parts = texts[~digits].str.extract(_CLOCK)
    written = texts.where(digits, "")
    alone = parts["date"].isna()
    # Midnight is written without its time by some programs.
    dates = parts["date"].where(~alone, texts[~digits])
    if len(dates):
        days = read_dates(dates, where, passes=True).days
        clock = pd.to_numeric(parts["hour"]).fillna(0) * 60 + pd.to_numeric(parts["minute"]).fillna(0)
        stamps = days + pd.to_timedelta(clock.where(clock <= 24 * 60), unit="min")
        written.loc[dates.index] = stamps.dt.strftime("%Y-%m-%d %H:%M").fillna("")
    return pd.DataFrame({(END if ends else START).upper(): written})


def first_is_end(times: pd.Series) -> bool:
    """Return whether the first time of a table lies one step past midnight, as ends of steps do."""
    texts = _texts(times.dropna().head(1))
    clock = texts.str.slice(8, 12).where(texts.str.fullmatch(_DIGITS.pattern), "")
    found = texts.str.extract(_CLOCK)
    clock = clock.where(clock != "", found["hour"].str.zfill(2) + found["minute"])
    return bool(clock.isin(("0030", "0100")).any())


def _texts(cells: pd.Series) -> pd.Series:
    """Return cells as text, missing ones empty."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return cells.dt.strftime("%Y-%m-%d %H:%M").fillna("").astype(object)
    if pd.api.types.is_float_dtype(cells.dtype):
        whole = cells.dropna()
        if np.all(whole == whole.round()):
            cells = cells.astype("Int64")
    return cells.astype(object).map(lambda cell: "" if pd.isna(cell) else str(cell).strip()).astype(object)
