"""The accumulation period of an amount: ``m`` or ``J m-2`` alone do not say whether per hour, day or month.

ERA5 is the usual pitfall: its monthly means of accumulated fields are means of sums per day (GRIB stepType ``avgad``),
its hourly fields are sums of one hour, and those of ERA5-Land accumulate from 00 UTC.
"""

import re
from typing import Literal

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError

Period = Literal["hour", "day", "month", "step"]
#: What ``per`` in a mapping may be.
PERIODS: tuple[Period, ...] = ("hour", "day", "month", "step")
#: Sums of one period in one day.
PER_DAY = {"hour": 24.0, "day": 1.0}
_INTERVAL = re.compile(r"interval:\s*([\d.]+)\s*(hours?|hr?|days?|d|months?)\b", re.IGNORECASE)


def period_of(name: str, array: xr.DataArray, kind: str, per: str | None, where: str) -> tuple[float | str, str]:
    """Return the period that an amount is summed over, and what was assumed, in words (empty where the file says it).

    Args:
        name: driver.
        array: variable as opened.
        kind: length of its steps: day, month, year or other.
        per: period in the mapping, None where it has none.
        where: file and variable, for messages.

    Returns:
        Number of sums per day, or ``month`` or ``step``.

    Raises:
        TamrlError: neither the file nor the mapping gives the period, and it cannot be inferred.
    """
    if per is not None:
        return PER_DAY.get(per, per), ""
    unit, methods = str(array.attrs.get("units", "an amount")), _methods(array)
    grib = str(array.attrs.get("GRIB_stepType", "")).lower()
    if grib == "avgad":
        return 1.0, ""
    if grib == "accum" and (hours := _step_hours(array)):
        return 24.0 / hours, ""
    if re.search(r"\bsum within days\b", methods):
        return 1.0, ""
    if re.search(r"\bsum\b", methods):
        return "step", ""
    if re.search(r"\b(mean|point|maximum|minimum)\b", methods):
        if found := _INTERVAL.search(methods):
            return _per_day(float(found[1]), found[2].lower()), ""
        raise _unknown(name, unit, where, f"a mean over time ({methods}) of sums of an unknown length")
    if grib == "accum":
        raise _unknown(name, unit, where, "accumulated since the start of a forecast (in ERA5-Land since 00 UTC)")
    if grib and grib not in ("unknown", "undef"):
        raise _unknown(name, unit, where, f"of the GRIB stepType {grib}")
    if kind == "day":
        return "step", f"{unit} in daily steps is taken as the sum of a day."
    word = {"month": "monthly", "year": "annual"}.get(kind, "longer")
    raise _unknown(name, unit, where, f"in {word} steps: per day, as in ERA5, or the sum over the step?")


def _methods(array: xr.DataArray) -> str:
    """Return the cell methods over time: those over area say nothing here."""
    text = str(array.attrs.get("cell_methods", ""))
    parts = re.findall(r"((?:\w+:\s*)+)([^:]*?(?:\([^)]*\))?)(?=\s+\w+:|$)", text)
    return " ".join(method for dims, method in parts if re.search(r"\b(valid_)?time:", dims)).strip()


def _step_hours(array: xr.DataArray) -> float:
    """Return the hours that a GRIB message runs up to, 0 where its file does not say it."""
    step = array.coords.get("step")
    if step is None or step.ndim:
        return 0.0
    if step.dtype.kind == "m":
        return float(step.values / np.timedelta64(1, "h"))
    unit = str(step.attrs.get("units", "")).lower()
    known = {"hours": 1.0, "hour": 1.0, "days": 24.0, "minutes": 1 / 60, "seconds": 1 / 3600}
    return float(step) * known.get(unit, 0.0) if step.dtype.kind in "iuf" else 0.0


def _per_day(count: float, word: str) -> float | str:
    if word.startswith("month"):
        return "month"
    return (24.0 if word.startswith("h") else 1.0) / count


def _unknown(name: str, unit: str, where: str, how: str) -> TamrlError:
    return TamrlError(
        f"{name} is an amount ({unit}) {how}",
        where,
        "Say in a mapping over which time it was summed (per: day, hour, month or step), "
        "or give a unit with a time (m d-1, mm month-1)",
    )
