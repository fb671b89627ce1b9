"""The bounds of time steps, whatever their name and encoding, checked against the labels."""

import re

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products.calendars import Clock, clocks, from_datetimes, from_objects, missing

_USUAL = ("time_bnds", "time_bounds", "time_bound", "time_bnd", "timebnds", "time_edges", "bounds_time", "bnds_time")
_LIKE = re.compile(r"bnd|bound|edge|interval", re.IGNORECASE)
#: Ends of the names of two variables that are the bounds together.
_PAIRS = (("start", "end"), ("start", "stop"), ("begin", "end"), ("lower", "upper"), ("min", "max"), ("lo", "hi"))
#: A label may lie this share of its interval outside of it, and bounds this many intervals away are of another epoch.
_SLACK, _ELSEWHERE = 0.25, 50.0


def named(ds: xr.Dataset) -> str:
    """Return the variable that the time of a file names as its bounds; empty where it names none."""
    time = ds["time"]
    return str(time.attrs.get("bounds") or time.encoding.get("bounds") or "")


def read_bounds(ds: xr.Dataset, labels: np.ndarray, clock: Clock, where: str) -> tuple[np.ndarray | None, list[str]]:
    """Return the bounds of the steps of a file in days of its calendar, and remarks on what is wrong with them.

    Args:
        ds: file with the dimension ``time``.
        labels: (T,) days.
        clock: how the labels count.
        where: file, for messages.

    Returns:
        (T, 2) ascending, NaN in rows that are missing or do not contain their label; None where there are no bounds.

    Raises:
        TamrlError: the bounds are near the labels, but do not contain them.
    """
    for pair in _candidates(ds):
        for found in _decoded(pair, labels, clock):
            bounds = np.sort(found, axis=1)
            length = bounds[:, 1] - bounds[:, 0]
            known = np.isfinite(bounds).all(axis=1) & (length > 1e-6)
            if not known.any():
                continue
            slack = _SLACK * np.nanmedian(length[known])
            with np.errstate(invalid="ignore"):
                holds = known & (labels >= bounds[:, 0] - slack) & (labels <= bounds[:, 1] + slack)
            if holds.sum() * 2 >= len(labels) or (holds.sum() == known.sum()):
                said = []
                if not holds.all():
                    said.append(f"the bounds of {int((~holds).sum())} of {len(labels)} steps are missing or wrong")
                return np.where(holds[:, None], bounds, np.nan), said
            away = np.abs(bounds[known].mean(axis=1) - labels[known]) / length[known]
            if np.median(away) < _ELSEWHERE and named(ds) in [str(a.name) for a in pair]:
                raise TamrlError(
                    f"The bounds of time ({pair[0].name}) do not hold its labels",
                    where,
                    "Correct the bounds or the labels, or remove the bounds",
                )
    if (name := named(ds)) and name in ds.variables:
        return None, [f"the bounds {name} cannot be used"]
    return None, []


def _candidates(ds: xr.Dataset) -> list[tuple[xr.DataArray, ...]]:
    """Return the variables that may be the bounds of time, the likely ones first; a pair of them is two bounds."""
    numbers = {str(n): a for n, a in ds.variables.items() if a.dtype.kind in "iufMO" and "time" in a.dims}
    rows = [n for n, a in numbers.items() if a.ndim == 2 and sorted(a.shape) == sorted((ds.sizes["time"], 2))]
    order = [named(ds), *_USUAL, *(n for n in rows if _LIKE.search(n)), *(n for n in rows if "time" in n.lower())]
    order += [n for n in rows if {str(d).lower() for d in ds[n].dims} & {"nv", "bnds", "nbnd", "tbnds", "bound", "nb2"}]
    found: list[tuple[xr.DataArray, ...]] = [(ds[n],) for n in dict.fromkeys(order) if n in rows]
    flat = [n for n, a in numbers.items() if a.ndim == 1 and n != "time"]
    for first, last in _PAIRS:
        for name in flat:
            if re.search(rf"(?i)(^|_){first}", name) and (other := re.sub(f"(?i){first}", last, name)) in flat:
                found.append((ds[name], ds[other]))
    return found


def _decoded(pair: tuple[xr.DataArray, ...], labels: np.ndarray, clock: Clock) -> list[np.ndarray]:
    """Return bounds (T, 2) in days: in their own unit, and in that of the labels."""
    if len(pair) == 2:
        values = np.stack([pair[0].values, pair[1].values], axis=1)
    else:
        values = pair[0].transpose("time", ...).values
    gone = missing(values.ravel()).reshape(values.shape)
    if values.dtype.kind in "MO":
        days = np.full(values.shape, np.nan)
        if not gone.all():
            days[~gone] = from_datetimes(values[~gone]) if values.dtype.kind == "M" else from_objects(values[~gone])
        return [days]
    filled = np.where(gone, 0, values).astype(values.dtype)
    own = clocks(str(pair[0].attrs.get("units") or pair[0].encoding.get("units") or ""), clock.calendar)
    return [np.where(gone, np.nan, way.days(filled)) for way in (*own, clock)]
