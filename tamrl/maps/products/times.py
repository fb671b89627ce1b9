"""When the steps of a product or of drivers begin, whatever calendar, label, bounds or unit their files use.

A step is placed by what it covers: by the middle of its bounds, which must lie in one month (day, year) for the most
part; without bounds by its label, where it is clear from the label and from what the file says which month that is.
Assumptions are noted in the report.
"""

import dataclasses
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import month_starts
from tamrl.maps.products import bounds as bounding
from tamrl.maps.products import naming
from tamrl.maps.products.calendars import (
    GREGORIAN,
    Clock,
    calendar_named,
    clocks,
    coded,
    first_of,
    from_datetimes,
    from_objects,
    missing,
    split,
)
from tamrl.maps.products.lengths import step_of
from tamrl.maps.products.placing import Labels, Step, class_of, place, tidy
from tamrl.system.account import IngestReport

_FIRST, _LAST = 1678, 2261


def step_starts(
    ds: xr.Dataset,
    where: str,
    from_name: pd.DatetimeIndex | None = None,
    expected: Step | None = None,
    report: IngestReport | None = None,
) -> tuple[np.ndarray, Step]:
    """Return the start of each step of a file, and how long its steps are.

    Months begin on their first day, days at midnight, years on 1 January, in the Gregorian calendar.

    Args:
        ds: opened file.
        where: its name, for messages; it may give dates and steps that the file itself does not.
        from_name: steps in the file's name, used where the file has none itself.
        expected: length of a single step where neither the file nor its name gives it.
        report: assumptions and rejected steps are added.

    Returns:
        (T,) datetime64[ns], NaT for a day that the Gregorian calendar does not have, and the step.

    Raises:
        TamrlError: no time axis and none in the name, times that are missing or cannot be understood, steps shorter
            than a day, steps that do not cover a single month, day or year, days of a 360-day calendar, years outside
            1678 to 2261.
    """
    report = IngestReport() if report is None else report
    if "time" not in ds.dims or "time" not in ds.variables:
        if from_name is None or len(from_name) != ds.sizes.get("time", 1):
            raise TamrlError("The file has no time axis", where, "Give files whose fields are dated")
        return _from_name(from_name)
    if not ds.sizes["time"]:
        raise TamrlError("The file has no time step", where, "Download it again")
    labels = read_labels(ds, where, report)
    if labels is None:
        if from_name is not None and len(from_name) == ds.sizes["time"]:
            return _from_name(from_name)
        unit = _attr(ds, "units") or "no unit"
        raise TamrlError(f"The times cannot be understood ({unit})", where, "Give CF times such as 'days since'")
    if is_climatological(ds):
        return _climatology(ds, labels, where), "month"
    bounds, odd = bounding.read_bounds(ds, labels.days, labels.clock, where)
    if bounds is None and bounding.named(ds):
        labels = dataclasses.replace(labels, lost=True)
    for words in odd:
        report.assumed(where, f"Time: {words}; such steps are placed by their labels.")
    step = step_of(ds, labels, bounds, where, from_name, expected, report)
    return _dates(place(labels, bounds, step, report), labels.clock.calendar, step, where, report), step


def _from_name(steps: pd.DatetimeIndex) -> tuple[np.ndarray, Step]:
    step: Step = "month" if len(steps) == 1 or (steps[1] - steps[0]).days > 27 else "day"
    return steps.to_numpy().astype("datetime64[ns]"), step


def _attr(ds: xr.Dataset, name: str) -> str:
    """Return an attribute of time, also where xarray has taken it out."""
    return str(ds["time"].attrs.get(name) or ds["time"].encoding.get(name) or "").strip()


# Labels ----------------------------------------------------------------------


def read_labels(ds: xr.Dataset, where: str, report: IngestReport | None = None) -> Labels | None:
    """Return the times of a file as days of its calendar; None where they cannot be understood.

    Raises:
        TamrlError: a time is missing, or the calendar is not known.
    """
    values = np.atleast_1d(ds["time"].values)
    if (gone := np.flatnonzero(missing(values))).size:
        more = f" and {gone.size - 1} more" if gone.size > 1 else ""
        raise TamrlError(
            f"The time of step {gone[0] + 1} of {values.size}{more} is missing",
            where,
            "Correct the time axis, or remove these steps",
        )
    found = _understood(ds, values, where)
    if found is None:
        return None
    days, clock = found
    if clock.said and report is not None:
        named = "mixed Julian and Gregorian calendar of CF" if clock.said == "standard" else "Gregorian calendar alone"
        report.assumed(
            where, f"Time is counted from before 15 October 1582 ({_attr(ds, 'units')}): read in the {named}."
        )
    return Labels(days, clock, where, f"{_attr(ds, 'long_name')} {_attr(ds, 'comment')}".lower())


def _understood(ds: xr.Dataset, values: np.ndarray, where: str) -> tuple[np.ndarray, Clock] | None:
    if values.dtype.kind == "M":
        return from_datetimes(values), Clock(GREGORIAN)
    if values.dtype == object and hasattr(values.flat[0], "calendar"):
        calendar = calendar_named(values.flat[0].calendar, where)
        return from_objects(values), Clock(GREGORIAN if calendar == "standard" else calendar)
    unit = _attr(ds, "units")
    try:
        if values.dtype.kind in "iuf" and (ways := clocks(unit, calendar_named(_attr(ds, "calendar"), where))):
            read = [(way.days(values), way) for way in ways]
            # Of two ways the one of CF, unless the labels fall into place in the other alone.
            return max(read, key=lambda one: tidy(*one))
        if (days := coded(values, unit)) is None and values.dtype.kind in "iuf":
            days = _within_year(ds, values, where)
    except (ValueError, OverflowError):
        return None
    return None if days is None else (days, Clock(GREGORIAN))


def _within_year(ds: xr.Dataset, values: np.ndarray, where: str) -> np.ndarray | None:
    """Return days of months 1 to 12, or of days of the year, where the file or its name says the year."""
    said = [str(ds.attrs[key]) for key in ("year", "Year", "YEAR") if key in ds.attrs]
    years = {int(v) for v in said if re.fullmatch(r"\d{4}", v)} or {
        date if kind == "year" else int(date // 12 + 1970) if kind == "month" else pd.Timestamp(date, unit="D").year
        for kind, date in naming.dates_named(where)
    }
    names = f"{_attr(ds, 'units')} {_attr(ds, 'long_name')}".lower()
    whole = values.astype(np.int64)
    if (whole != values).any() or len(years) != 1 or len(set(whole.tolist())) != whole.size:
        return None
    year = np.array([years.pop()])
    start = float(first_of(year, np.array([1]), GREGORIAN)[0])
    if re.search(r"day.?of.?(the.)?year|doy|julian day|yday", names) and whole.min() >= 1 and whole.max() <= 366:
        return start + whole - 1.0
    if "month" in names and whole.min() >= 1 and whole.max() <= 12:
        return first_of(np.repeat(year, whole.size), whole, GREGORIAN) + 14.0
    return None


# Dates -----------------------------------------------------------------------


def _dates(index: np.ndarray, calendar: str, step: Step, where: str, report: IngestReport) -> np.ndarray:
    """Return the first instants of steps from years, months since 1970-01 or days of a calendar, datetime64[ns]."""
    if step == "year":
        year, month, day = index, np.ones_like(index), np.ones_like(index)
    elif step == "month":
        year, month, day = index // 12 + 1970, index % 12 + 1, np.ones_like(index)
    else:
        year, month, day, _ = split(index.astype(np.float64), calendar)
    if year.min() < _FIRST or year.max() > _LAST:
        what = f"The years {year.min()} to {year.max()} lie outside {_FIRST} to {_LAST}"
        raise TamrlError(what, where, "Choose a run of historical years")
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = first.astype("datetime64[D]") + (day - 1)
    strange = dates.astype("datetime64[M]") != first
    if strange.any():
        words = "days that the Gregorian calendar does not have, such as 29 February, were left out."
        report.rejected(where, f"{int(strange.sum())} {words}", int(strange.sum()))
        dates[strange] = np.datetime64("NaT")
    return dates.astype("datetime64[ns]")


def is_climatological(ds: xr.Dataset) -> bool:
    """Return whether the steps of a file are means over years, by CF or by the frequency of CMIP."""
    return bool(_attr(ds, "climatology")) or bool(re.match(r"(?i)mon(c|clim)", str(ds.attrs.get("frequency", ""))))


def climatology_years(ds: xr.Dataset) -> str:
    """Return the years that the steps of a file are means over, ``2001-2020``; empty where they are not a climatology.

    Raises:
        TamrlError: a time is missing, or the calendar is not known.
    """
    if "time" not in ds.variables or not is_climatological(ds):
        return ""
    name = _attr(ds, "climatology")
    labels = read_labels(ds, name)
    if labels is not None and name in ds.variables:
        found, _ = bounding.read_bounds(ds.assign({"time_bnds": ds[name]}), labels.days, labels.clock, name)
        if found is not None and np.isfinite(found).any():
            years = split(np.array([np.nanmin(found), np.nanmax(found) - 1]), labels.clock.calendar)[0]
            return f"{years[0]}-{years[1]}"
    return "years not stated"


def _climatology(ds: xr.Dataset, labels: Labels, where: str) -> np.ndarray:
    """Return the months of a climatology in the year that such maps are dated in."""
    _, month, _, _ = split(labels.days, labels.clock.calendar)
    if sorted(month) != list(range(1, 13)):
        raise TamrlError(
            f"The climatology has {month.size} steps, not one for each month",
            where,
            "Give the means of the twelve months, labelled within them",
        )
    return month_starts().to_numpy()[month - 1].astype("datetime64[ns]")


def calendar_of(ds: xr.Dataset) -> str:
    """Return the calendar that the days of a file are counted in, empty for the Gregorian one.

    Raises:
        TamrlError: the calendar is not known.
    """
    first = ds["time"].values.flat[0] if "time" in ds.variables and ds["time"].size else None
    name = calendar_named(getattr(first, "calendar", "") or _attr(ds, "calendar"), "time")
    return "" if name in ("standard", GREGORIAN) else name


def kept_steps(starts: np.ndarray) -> np.ndarray | None:
    """Return the positions of the steps (T,) that have a date; None where all have."""
    return None if not np.isnat(starts).any() else np.flatnonzero(~np.isnat(starts))


def by_distance(files: Iterable[tuple[str, xr.Dataset]]) -> dict[str, Step]:
    """Return the step of files with one step each of the same variables, by their distance in time: file name -> step.

    Raises:
        TamrlError: a time is missing, or the calendar is not known.
    """
    series: dict[tuple[str, ...], list[tuple[str, float]]] = {}
    for where, ds in files:
        if ds.sizes.get("time") == 1 and "time" in ds.variables and (labels := read_labels(ds, where)) is not None:
            fields = tuple(sorted(str(n) for n, a in ds.data_vars.items() if a.ndim > 1))
            series.setdefault(fields, []).append((where, float(labels.days[0])))
    found: dict[str, Step] = {}
    for one in series.values():
        apart = class_of(np.diff(np.unique([day for _, day in one])))
        if apart in ("day", "month", "year"):
            found |= {where: apart for where, _ in one}
    return found
