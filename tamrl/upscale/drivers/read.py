"""Reading a part of a driver, converted from order, packing and unit of its files to those of the grid and the model.

Everything here is sent to workers, which open the files themselves and keep them open.

Dimensions: T steps of the run, R rows (latitudes) and C columns (longitudes) of a part of the grid, ascending.
"""

import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from cachetools import LRUCache, cached

from tamrl.errors import TamrlError
from tamrl.globe.earth import to_open
from tamrl.globe.stored import Missing, Tally
from tamrl.schema import variable
from tamrl.system.netcdf import open_netcdf
from tamrl.towers.interpolate import to_days

#: Saturation vapour pressure over water: 0.6108 kPa exp(17.27 t / (t + 237.3)), t in degC; Allen et al. 1998, FAO
#: Irrigation and Drainage Paper 56, equation 11.
_E0, _A, _B = 6.108, 17.27, 237.3
#: Driver of months -> the one that says what a day may have.
_OF_DAYS = {"P_MON": "P"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece:
    """A variable of one file.

    Attributes:
        path: file or store.
        name: variable in it.
        dims: its dimensions in the order of the file: ``time``, ``lat``, ``lon`` and ``class``.
        renamed: names that these have in the file.
        positions: index in the file of each of its steps.
        steps: index of these steps on the driver's own time axis.
        rows, columns: index in the file of each row and column of the grid.
        factor: multiplier of each of its steps, or of all.
        offset: added after the factor.
        blocks: chunk size of the file by dimension; empty where it is not known.
        subject: driver whose fill values are searched for; empty where that is already done.
        missing: fill values beyond those that the file declares.
    """

    path: str
    name: str
    dims: tuple[str, ...]
    renamed: dict[str, str]
    positions: np.ndarray
    steps: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    factor: np.ndarray
    offset: float = 0.0
    blocks: dict[str, int] = field(default_factory=dict)
    subject: str = ""
    missing: Missing = field(default_factory=Missing)


@dataclass(frozen=True, eq=False, kw_only=True)
class Driver:
    """One driver: its pieces, and how its own time axis maps to that of the run.

    Attributes:
        name: in the schema.
        pieces: files that hold it, at least one unless it is derived.
        groups: group of each step of its own time axis, ascending from 0; the mean of a group is one value. Empty for
            a static driver.
        taken: (T,) group that each step of the run takes, -1 for none.
        months: (G,) datetime64[M] of the groups, where days are interpolated between the middles of months instead.
        days: (T,) datetime64[D] of the run; with ``months`` alone.
        incomplete: (T,) whether a step would take a mean over too few steps of its month; False for none.
        parts: drivers that it is derived from instead: the dew point, then the temperatures.
    """

    name: str
    pieces: tuple[Piece, ...] = ()
    groups: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    taken: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    months: np.ndarray = field(default_factory=lambda: np.empty(0, "datetime64[M]"))
    days: np.ndarray = field(default_factory=lambda: np.empty(0, "datetime64[D]"))
    incomplete: np.ndarray = field(default_factory=lambda: np.zeros(1, bool))
    parts: tuple["Driver", ...] = ()

    @property
    def static(self) -> bool:
        """Whether it does not change with time."""
        return not self.parts and not len(self.groups)


def read_driver(driver: Driver, rows: slice, columns: slice, tally: Tally | None = None) -> np.ndarray:
    """Return a driver on a part of the grid in the unit of the schema, float32, NaN where missing or impossible.

    Args:
        driver: what to read.
        rows: latitudes.
        columns: longitudes.
        tally: counts rejected values.

    Returns:
        (T, R, C); any of these is 1 where the driver does not change along it.

    Raises:
        TamrlError: a file can no longer be opened or read.
    """
    tally = tally or Tally()
    if driver.parts:
        values = _vapour_pressure_deficit(driver, rows, columns, tally)
    else:
        values = _combined(driver, rows, columns, tally)
    _drop_impossible(driver.name, values, variable(driver.name).bounds, rows, columns, tally)
    return values


def _drop_impossible(
    name: str, values: np.ndarray, bounds: tuple[float, float], rows: slice, columns: slice, tally: Tally
) -> None:
    """Make impossible values missing, in place; they are counted once where they stand for a row or column of cells."""
    outside = (values < bounds[0]) | (values > bounds[1])
    if outside.any():
        values[outside] = np.nan
        if all(s.start == 0 or n == s.stop - s.start for s, n in zip((rows, columns), values.shape[1:], strict=True)):
            tally.add(name, "bounds", outside.sum())


def _combined(driver: Driver, rows: slice, columns: slice, tally: Tally) -> np.ndarray:
    """Return a driver that is not derived, on the time axis of the run."""
    if driver.static:
        return read_piece(driver.pieces[0], rows, columns, slice(None), tally)
    count, own = len(driver.groups), None
    for piece in driver.pieces:
        part = read_piece(piece, rows, columns, slice(None), tally)
        if np.array_equal(piece.steps, np.arange(count)):
            own = part
            break
        if own is None:
            own = np.full((count, *part.shape[1:]), np.nan, np.float32)
        own[piece.steps] = part
    assert own is not None  # a driver has pieces
    if driver.groups[-1] < count - 1:
        # Before they are averaged; a day may have what a month cannot.
        name = driver.pieces[0].subject or driver.name
        _drop_impossible(name, own, variable(_OF_DAYS.get(name, name)).bounds, rows, columns, tally)
        own = _means(own, driver.groups)
    if len(driver.months):
        ends = driver.months + np.timedelta64(1, "M")
        return to_days(pd.DatetimeIndex(driver.months), pd.DatetimeIndex(ends), own, pd.DatetimeIndex(driver.days))
    if np.array_equal(driver.taken, np.arange(len(own))):
        return own
    values = own[np.maximum(driver.taken, 0)]
    values[driver.taken < 0] = np.nan
    return values


def _means(own: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the means of the groups, which ascend from 0, over what is there."""
    first = np.searchsorted(groups, np.arange(groups[-1] + 1))
    present = np.isfinite(own)
    total = np.add.reduceat(np.where(present, own, 0).astype(np.float64), first, axis=0)
    count = np.add.reduceat(present, first, axis=0, dtype=np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count).astype(np.float32)


def _vapour_pressure_deficit(driver: Driver, rows: slice, columns: slice, tally: Tally) -> np.ndarray:
    """Return VPD in hPa: saturation at the temperatures, the mean over them, minus saturation at the dew point.

    With the smallest and largest temperature of the day this is equation 12 of FAO-56; with the mean alone it is low.
    """

    def saturation(t: np.ndarray) -> np.ndarray:
        return _E0 * np.exp(_A * t / (t + _B))

    own = Tally()
    dew, *temperatures = (_combined(part, rows, columns, own) for part in driver.parts)
    for (_, what), count in own.counts.items():
        tally.add(driver.name, what, count)
    mean = sum(saturation(t) for t in temperatures) / len(temperatures)
    return np.maximum(mean - saturation(dew), 0).astype(np.float32)


def read_piece(
    piece: Piece, rows: slice, columns: slice, chosen: slice = slice(None), tally: Tally | None = None
) -> np.ndarray:
    """Return a part of a variable, converted, float32.

    Args:
        piece: variable of one file.
        rows: latitudes of the grid.
        columns: longitudes of the grid.
        chosen: which of its steps.
        tally: counts rejected values.

    Returns:
        (steps, R, C), or (classes, R, C); an axis that the variable does not have is 1.

    Raises:
        TamrlError: the file can no longer be opened or read.
    """
    array = _variable(piece)
    at = {"time": piece.positions[chosen]}
    at |= {"lat": piece.rows[rows], "lon": piece.columns[columns]}
    if "class" in piece.dims:
        at["class"] = np.arange(array.sizes["class"])
    try:
        values = _hyperslab(array, [(dim, at[dim]) for dim in piece.dims])
    except (OSError, RuntimeError, ValueError) as error:
        raise TamrlError(f"The drivers cannot be read: {error}", piece.path, "Check the file, then --resume") from error
    order = [piece.dims.index(d) for d in ("time", "class", "lat", "lon") if d in piece.dims]
    values = values.transpose(order)
    if "time" not in piece.dims and "class" not in piece.dims:
        values = values[None]
    for axis, dim in ((1, "lat"), (2, "lon")):
        if dim not in piece.dims:
            values = np.expand_dims(values, axis)
    factor = piece.factor if piece.factor.size == 1 else piece.factor[chosen]
    if piece.factor.size == 1 and piece.factor[0] == 1 and not piece.offset:
        out = np.array(values, np.float32, order="C")
    else:
        out = (values * factor[:, None, None] + piece.offset).astype(np.float32)
    once = all(s.start == 0 or dim in piece.dims for s, dim in ((rows, "lat"), (columns, "lon")))
    for what, mask in (piece.missing.masks(values) if piece.subject else {}).items():
        out[mask] = np.nan
        if tally is not None and once:
            tally.add(piece.subject, what, mask.sum())
    return out


def _hyperslab(array: xr.DataArray, at: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return the values at positions along each dimension, read as few contiguous slabs."""
    if not at:
        return array.values
    *outer, (dim, index) = at
    parts = []
    for run in _runs(index):
        low, high = int(run.min()), int(run.max())
        part = _hyperslab(array.isel({dim: slice(low, high + 1)}), outer)
        axis = len(outer)
        parts.append(np.flip(part, axis) if len(run) > 1 and run[0] > run[-1] else part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=len(outer))


def _runs(index: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the parts of an index in which each position is next to the one before."""
    step = np.diff(index)
    start = 0
    while start < len(index):
        stop = start + 1
        if stop < len(index) and abs(step[start]) == 1:
            differs = np.flatnonzero(step[start:] != step[start])
            stop = start + 1 + (int(differs[0]) if len(differs) else len(step) - start)
        yield index[start:stop]
        start = stop


def _variable(piece: Piece) -> xr.DataArray:
    try:
        ds = _opened(piece.path, os.path.getmtime(piece.path))
        array = ds[piece.name]
    except (OSError, KeyError, ValueError) as error:
        raise TamrlError(
            f"The drivers cannot be opened: {error}", piece.path, "Every worker must see the files at the same path"
        ) from error
    array = array.rename({old: new for old, new in piece.renamed.items() if old in array.dims and old != new})
    return array.isel({dim: 0 for dim in array.dims if dim not in piece.dims})


class _Files(LRUCache[tuple[Any, ...], xr.Dataset]):
    """Opened files that are closed when they are left out: xarray closes what is merely forgotten without its lock.

    A file that is still being read is opened again by xarray.
    """

    def popitem(self) -> tuple[tuple[Any, ...], xr.Dataset]:
        """Leave out the file that was used the longest time ago, and close it."""
        key, ds = super().popitem()
        ds.close()
        return key, ds


@cached(_Files(256), lock=threading.RLock())
def _opened(path: str, modified: float) -> xr.Dataset:
    with warnings.catch_warnings():
        # Two missing values and stores without consolidated metadata are dealt with.
        warnings.simplefilter("ignore")
        store = os.path.isdir(path)
        options: dict[str, Any] = {"chunks": None, "cache": False, "decode_times": False, "decode_timedelta": False}
        if store and os.path.exists(os.path.join(path, "zarr.json")):
            options["consolidated"] = False
        if store:
            return xr.open_dataset(path, engine="zarr", **options)
        return open_netcdf(to_open(path), **options)
