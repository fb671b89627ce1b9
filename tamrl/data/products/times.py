"""When the steps of a product begin, whatever calendar, label or unit its files use."""

import re
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError

Step = Literal["month", "day", "year", "other"]
_CODE = re.compile(r"^(1[5-9]|2[0-2])\d{2}(0[1-9]|1[0-2])(\d{2})?$")
_SINCE = re.compile(r"^(months?|years?)\s+since\s+(\d{1,4})-(\d{1,2})", re.IGNORECASE)
_FIRST, _LAST = 1678, 2261
#: Steps of a length in days, from and to.
_LENGTHS: tuple[tuple[Step, float, float], ...] = (("day", 0.9, 1.1), ("month", 27.5, 31.5), ("year", 359.0, 367.0))


def step_starts(
    ds: xr.Dataset, where: str, from_name: pd.DatetimeIndex | None = None, expected: Step | None = None
) -> tuple[np.ndarray, Step]:
    """Return the first instant of each step of a file, and how long its steps are.

    A step is placed by the middle of its bounds where it has bounds, by its label elsewhere; months begin on their
    first day, days at midnight, in the Gregorian calendar.

    Args:
        ds: opened file.
        where: its name, for messages.
        from_name: steps that the file's name says, used where the file does not say it itself.
        expected: what a single step is that neither the file nor its name says anything of.

    Returns:
        (T,) datetime64[ns], and the step.

    Raises:
        TamrlError: no time axis and none in the name, times that cannot be understood, steps shorter than a day,
            days of a 360-day calendar, years outside 1678 to 2261.
    """
    if "time" not in ds.dims or "time" not in ds.variables:
        if from_name is None or len(from_name) != ds.sizes.get("time", 1):
            raise TamrlError("The file has no time axis", where, "Give files whose fields are dated")
        return _from_name(from_name)
    if not ds.sizes["time"]:
        raise TamrlError("The file has no time step", where, "Download it again")
    labels = _decoded(ds["time"].values, str(ds["time"].attrs.get("units", "")))
    if labels is None:
        if from_name is not None and len(from_name) == ds.sizes["time"]:
            return _from_name(from_name)
        unit = ds["time"].attrs.get("units", "no unit")
        raise TamrlError(f"The times cannot be understood ({unit})", where, "Give CF times such as 'days since'")
    middles, lengths = _middles(ds, labels)
    step = _step(lengths, labels, ds, from_name, expected)
    if step == "day" and _calendar(labels) == "360_day":
        raise TamrlError("Days of a 360-day calendar have no date", where, "Average them by month first")
    if lengths.size and np.median(lengths) < 0.9:
        raise TamrlError("The steps are shorter than a day", where, "Average them by day or month first")
    begin = middles if step in ("month", "year") else _begins(ds, labels)
    return _dates(begin, step, where), step


def _from_name(steps: pd.DatetimeIndex) -> tuple[np.ndarray, Step]:
    step: Step = "month" if len(steps) == 1 or (steps[1] - steps[0]).days > 27 else "day"
    return steps.to_numpy().astype("datetime64[ns]"), step


def _decoded(values: np.ndarray, unit: str) -> np.ndarray | None:
    """Return times as datetime64 or cftime objects; None where the numbers say nothing."""
    if values.dtype.kind == "M" or (values.dtype == object and hasattr(values.flat[0], "calendar")):
        return values
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        return None
    if since := _SINCE.match(unit):
        months = np.floor(values * (12 if since[1].lower().startswith("year") else 1) + 1e-6).astype(int)
        first = int(since[2]) * 12 + int(since[3]) - 1
        return (first + months - 1970 * 12).astype("datetime64[M]")
    codes = [str(int(value)) for value in values]
    if all(_CODE.match(code) for code in codes):
        texts = [f"{code[:4]}-{code[4:6]}-{code[6:] or '01'}" for code in codes]
        try:
            return np.array(texts, dtype="datetime64[D]")
        except ValueError:
            return None
    return None


def _calendar(labels: np.ndarray) -> str:
    return labels.flat[0].calendar if labels.dtype == object else "standard"


def _bounds(ds: xr.Dataset) -> np.ndarray | None:
    """Return the decoded bounds (T, 2) of the steps, None where there are none."""
    named = str(ds["time"].attrs.get("bounds") or ds["time"].encoding.get("bounds") or "time_bnds")
    if named not in ds.variables or ds[named].dims[:1] != ("time",) or ds[named].shape[1:] != (2,):
        return None
    values = ds[named].values
    return values if values.dtype.kind == "M" or (values.dtype == object and values.size) else None


def _middles(ds: xr.Dataset, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of each step and the lengths of steps in days (empty where one step has no bounds)."""
    bounds = _bounds(ds)
    if bounds is None or bounds.dtype != (labels.dtype if labels.dtype == object else bounds.dtype):
        return labels, _days(np.diff(np.sort(labels)))
    lengths = bounds[:, 1] - bounds[:, 0]
    if (_days(lengths) <= 0).any():
        return labels, _days(np.diff(np.sort(labels)))
    return bounds[:, 0] + lengths / 2, _days(lengths)


def _begins(ds: xr.Dataset, labels: np.ndarray) -> np.ndarray:
    bounds = _bounds(ds)
    return labels if bounds is None or not (_days(bounds[:, 1] - bounds[:, 0]) > 0).all() else bounds[:, 0]


def _days(lengths: np.ndarray) -> np.ndarray:
    if lengths.dtype == object:
        return np.array([length.total_seconds() for length in lengths]) / 86_400
    return lengths.astype("timedelta64[s]").astype(np.float64) / 86_400


def _step(
    lengths: np.ndarray, labels: np.ndarray, ds: xr.Dataset, from_name: pd.DatetimeIndex | None, expected: Step | None
) -> Step:
    """Return how long steps are: by their lengths; of a single one by what the file or its name says."""
    if lengths.size:
        middle = float(np.median(lengths))
        return next((step for step, low, high in _LENGTHS if low <= middle <= high), "other")
    said = str(ds.attrs.get("frequency", "")).lower()
    if said.startswith(("day", "1d", "daily")):
        return "day"
    if from_name is not None or said.startswith(("mon", "1m")) or labels.dtype == "datetime64[M]":
        return "month"
    if expected is not None:
        return expected
    # A single map: dated at the start or in the middle of a month, it is that month's.
    day = labels.flat[0].day if labels.dtype == object else pd.Timestamp(labels.flat[0]).day
    return "month" if day in (1, 14, 15, 16) else "day"


def _dates(times: np.ndarray, step: Step, where: str) -> np.ndarray:
    """Return the first instants of the steps that ``times`` (T,) lie in, datetime64[ns]."""
    if times.dtype == object:
        parts = [(t.year, t.month, t.day) for t in times]
    else:
        stamps = pd.DatetimeIndex(times.astype("datetime64[s]"))
        parts = list(zip(stamps.year, stamps.month, stamps.day, strict=True))
    years = [part[0] for part in parts]
    if min(years) < _FIRST or max(years) > _LAST:
        what = f"The years {min(years)} to {max(years)} lie outside {_FIRST} to {_LAST}"
        raise TamrlError(what, where, "Choose a run of historical years")
    months = np.array([(y - 1970) * 12 + (m - 1 if step != "year" else 0) for y, m, _ in parts])
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    if step in ("day", "other"):
        first = first + np.array([d - 1 for _, _, d in parts])
    return first.astype("datetime64[ns]")
