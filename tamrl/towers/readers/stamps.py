"""Times of half-hours and hours as tower files write them: where each step begins, in local standard time."""

from dataclasses import dataclass, field

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.checks import FIRST_DAY, last_day
from tamrl.towers.readers.dates import set_aside

#: Lengths of steps that are read, minutes.
STEPS = {30: "half-hours", 60: "hours"}
#: Columns that give the time, in small letters: beginning and end of FLUXNET and AmeriFlux; end of REddyProc, at once
#: or as year, day of the year and decimal hour.
START, END, DATE_TIME, PARTS = "timestamp_start", "timestamp_end", "datetime", ("year", "doy", "hour")
_DIGITS, _ISO = r"\d{12}", r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.0+)?)?)?"
_TODO = "Give times as YYYYMMDDHHMM, every half-hour or hour, local standard time without summer time"


@dataclass
class Stamps:
    """Where the steps of a file begin.

    Attributes:
        starts: datetime64[ns], index of the rows; NaT where the time cannot be read.
        minutes: length of a step, 30 or 60.
        first_bad: the first time that cannot be read, empty where all can.
        notes: assumptions.
    """

    starts: pd.Series
    minutes: int
    first_bad: str = ""
    notes: list[str] = field(default_factory=list)


def time_columns(columns: list[str]) -> list[str]:
    """Return the columns that give the time of a step; empty where a file has none."""
    small = {column.lower().replace(" ", "").replace("_", ""): column for column in reversed(columns)}
    edges = [small[key] for key in (START.replace("_", ""), END.replace("_", "")) if key in small]
    if edges:
        return edges
    if DATE_TIME in small:
        return [small[DATE_TIME]]
    return [small[key] for key in PARTS] if all(key in small for key in PARTS) else []


def read_stamps(raw: pd.DataFrame, label: str) -> Stamps:
    """Read the times of steps.

    Args:
        raw: the columns of ``time_columns``, as text.
        label: file, for messages.

    Raises:
        TamrlError: no time can be read, steps are neither half-hours nor hours, or begin within one, or a time is
            in the future.
    """
    columns = time_columns([str(column) for column in raw.columns])
    first = columns[0].lower()
    ends = first != START
    if len(columns) == len(PARTS):
        times, written = _from_parts(raw[columns]), raw[columns].agg(" ".join, axis=1)
    else:
        written = raw[columns[0]].astype(str).str.strip()
        times = _parse(written)
    times = times.where(times >= FIRST_DAY)
    if not times.notna().any():
        seen = str(written.iloc[0])[:40] if len(written) else ""
        raise TamrlError(f"No row has a time that can be read, the first is {seen!r}", label, _TODO)
    if (times > last_day()).any():
        what = f"A row has a time that is still to come, {written[times > last_day()].iloc[0]!r}"
        raise TamrlError(what, label, "Correct the times, or remove the row")
    minutes = _length(times.dropna(), label)
    if first == START and len(columns) == 2:
        _check_ends(times, _parse(raw[columns[1]].astype(str).str.strip()), minutes, label)
    starts, notes = _begin(times, minutes, ends, label)
    bad = written[starts.isna()]
    return Stamps(starts.astype("datetime64[ns]"), minutes, "" if bad.empty else str(bad.iloc[0])[:40], notes)


def by_step(values: pd.DataFrame, stamps: Stamps, label: str, site: str, ragged: tuple[int, str]) -> pd.DataFrame:
    """Index rows by the beginnings of their steps, ascending; rows without one, or with a repeated one, are rejected.

    Args:
        values: rows in the order of ``stamps.starts``.
        stamps: where they begin; rejected rows are added to its notes.
        label: file, for messages.
        site: tower, for messages.
        ragged: rows that were left out while reading, and why.

    Raises:
        TamrlError: more than 5 % of the rows are rejected.
    """
    good = stamps.starts.notna().to_numpy()
    starts = pd.DatetimeIndex(stamps.starts[good], name="start")
    rows = values[good].set_index(starts)
    repeated = rows.index.duplicated()
    differing = int((repeated & ~rows.reset_index().duplicated().to_numpy()).sum())
    unread, count = int((~good).sum()), len(values) + ragged[0]
    if words := set_aside({site: (ragged[0], count)}, label, ragged[1]):
        raise TamrlError(words, "", "Check the separators of the file")
    first = f" (the first: {stamps.first_bad!r})" if unread else ""
    why = f"have no time that can be read{first}, or one that another row has"
    if words := set_aside({site: (unread + differing + ragged[0], count)}, label, why):
        raise TamrlError(words, "", _TODO)
    if ragged[0]:
        stamps.notes.append(f"{ragged[0]} rows rejected, which {ragged[1]}")
    if unread:
        stamps.notes.append(f"{unread} rows without a readable time rejected, the first has {stamps.first_bad!r}")
    if repeated.any():
        stamps.notes.append(f"{int(repeated.sum())} repeated steps rejected, the first of each kept")
    return rows[~repeated].sort_index()


def _parse(text: pd.Series) -> pd.Series:
    """Read YYYYMMDDHHMM and ISO 8601; a date alone is its midnight, which some programs write so."""
    text = text.str.replace(r"\.0+$", "", regex=True).str.replace(r"\s*(?:Z|UTC|GMT)$", "", regex=True)
    digits, iso = text.str.fullmatch(_DIGITS), text.str.fullmatch(_ISO)
    times = pd.Series(pd.NaT, index=text.index, dtype="datetime64[s]")
    if digits.any():
        times[digits] = pd.to_datetime(text[digits], format="%Y%m%d%H%M", errors="coerce").astype(times.dtype)
    if iso.any():
        times[iso] = pd.to_datetime(text[iso], format="ISO8601", errors="coerce").astype(times.dtype)
    return times


def _from_parts(parts: pd.DataFrame) -> pd.Series:
    """Return the time of year, day of the year and decimal hour."""
    year, day, hour = (pd.to_numeric(parts[column], errors="coerce") for column in parts)
    known = year.between(FIRST_DAY.year, last_day().year) & day.between(1, 366) & hour.between(0, 24)
    begin = pd.to_datetime(year.where(known).astype("Int64").astype(str) + "0101", format="%Y%m%d", errors="coerce")
    since = pd.to_timedelta((day - 1).where(known), unit="D") + pd.to_timedelta(hour.where(known), unit="h")
    return (begin + since).dt.round("min")


def _length(times: pd.Series, label: str) -> int:
    """Return the length of steps in minutes, from what most of them are apart."""
    apart = pd.Series(times.drop_duplicates().sort_values()).diff().dropna()
    if apart.empty:
        raise TamrlError("The file has a single step", label, "Give whole days of half-hours or hours")
    minutes = int(apart.mode().iloc[0] / pd.Timedelta(minutes=1))
    if minutes not in STEPS:
        raise TamrlError(f"Most steps are {minutes} minutes apart", label, _TODO)
    return minutes


def _check_ends(starts: pd.Series, ends: pd.Series, minutes: int, label: str) -> None:
    """Refuse steps that do not end when the next one begins: one of the two columns is wrong."""
    there = starts.notna() & ends.notna()
    right = (ends[there] - starts[there]) == pd.Timedelta(minutes=minutes)
    if there.any() and right.mean() < 0.95:
        what = f"Steps begin every {minutes} minutes, but TIMESTAMP_END is not {minutes} minutes after TIMESTAMP_START"
        raise TamrlError(what, label, "Correct the times")


def _begin(times: pd.Series, minutes: int, ends: bool, label: str) -> tuple[pd.Series, list[str]]:
    """Return where steps begin: stamps on the grid of steps begin or end them, those half a step off are middles.

    The few that lie elsewhere are NaT.
    """
    past = (times - times.dt.normalize()) / pd.Timedelta(minutes=1) % minutes
    offset = float(past.mode().iloc[0])
    if offset not in (0.0, minutes / 2):
        raise TamrlError(f"Steps of {minutes} minutes begin {offset:g} minutes off their grid", label, _TODO)
    times = times.where(past == offset)
    if offset:
        return times - pd.Timedelta(minutes=offset), ["times are taken as middles of steps"]
    return (times - pd.Timedelta(minutes=minutes) if ends else times), []
