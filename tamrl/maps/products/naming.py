"""The information on time in names: of files, their step and dates; of variables, which of them is the time."""

import re

import numpy as np
import pandas as pd
import xarray as xr

_DATE = re.compile(
    r"(?<!\d)(?P<y>(?:17|18|19|20|21)\d{2})"
    r"(?:(?P<s>[-_.]?)(?P<m>0[1-9]|1[0-2])(?:(?P=s)(?P<d>0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)
_STEPS = {
    "year": {"annual", "yearly", "year", "yr", "ann", "yearmean", "1yr", "annually"},
    "month": {"monthly", "month", "mon", "mm", "monmean", "lmon", "amon", "1mon", "monmn"},
    "day": {"daily", "day", "eday", "daymean", "1day"},
}
_NAMES = ("time", "times", "date", "t", "valid_time", "datetime", "month", "months", "year", "years")
_COUNTED = re.compile(r"^\s*\w+\s+(since|after)\s+\d|as\s+%Y", re.IGNORECASE)


def step_named(name: str) -> str | None:
    """Return the step in the words of a file's name, None where there is none or several."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    found = [step for step, known in _STEPS.items() if words & known]
    return found[0] if len(found) == 1 else None


def dates_named(name: str) -> list[tuple[str, int]]:
    """Return the dates in a file's name, each with its length.

    Returns:
        ``("day", days since 1970)``, ``("month", months since 1970-01)`` or ``("year", year)``.
    """
    found: list[tuple[str, int]] = []
    for date in _DATE.finditer(name.rsplit(".", 1)[0]):
        year, month, day = int(date["y"]), int(date["m"] or 0), int(date["d"] or 0)
        if day and pd.Timestamp(year, month, 1).days_in_month >= day:
            found.append(("day", (pd.Timestamp(year, month, day) - pd.Timestamp(1970, 1, 1)).days))
        elif month:
            found.append(("month", (year - 1970) * 12 + month - 1))
        else:
            found.append(("year", year))
    return found


def steps_named(name: str) -> pd.DatetimeIndex | None:
    """Return the one step in a file's name: a month or a day; None where there is none, or several."""
    found = dates_named(name)
    if len(found) != 1 or found[0][0] == "year":
        return None
    kind, date = found[0]
    return pd.DatetimeIndex([np.datetime64(date, "M" if kind == "month" else "D").astype("datetime64[ns]")])


def time_variable(ds: xr.Dataset) -> str | None:
    """Return the variable that is the time of a file: by its unit, its attributes in CF, or its usual name."""
    if "time" in ds.variables and ds["time"].ndim < 2:
        return "time"
    flat = [str(v) for v in ds.variables if ds[v].ndim == 1 and ds[v].dtype.kind in "iufMOSU"]
    # A coordinate before a variable that repeats it, such as the time at which a forecast was made.
    flat.sort(key=lambda v: v not in ds.dims)
    named = sorted((v for v in flat if v.lower() in _NAMES and v in ds.dims), key=lambda v: _NAMES.index(v.lower()))
    counted = [v for v in flat if _COUNTED.search(str(ds[v].attrs.get("units", ""))) and not _is_bound(v)]
    marked = [v for v in flat if ds[v].attrs.get("standard_name") == "time" or ds[v].attrs.get("axis") == "T"]
    others = [v for v in flat if v.lower() in _NAMES[:3]]
    scalars = [str(v) for v in ds.coords if ds[v].ndim == 0 and str(v).lower() in ("valid_time", "date", "datetime")]
    return next(iter((*named, *[v for v in marked if v in ds.dims], *counted, *marked, *others, *scalars)), None)


def _is_bound(name: str) -> bool:
    return bool(re.search(r"(?i)bnd|bound|start|end|begin|stop|lower|upper", name))


def with_time(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset whose time, whatever its name, is the dimension ``time``."""
    name = time_variable(ds)
    if name is None:
        return ds
    if ds[name].ndim == 0:
        return (ds.rename({name: "time"}) if name != "time" else ds).expand_dims("time")
    dim = str(ds[name].dims[0])
    if dim != name:
        ds = (ds.drop_vars(dim) if dim in ds.coords else ds).swap_dims({dim: name})
    if name == "time" or "time" in ds.dims:
        return ds
    renamed = (ds.drop_vars("time") if "time" in ds.variables else ds).rename({name: "time"})
    # What it was called tells what its numbers are.
    renamed["time"].attrs = {"long_name": name, **ds[name].attrs}
    return renamed
