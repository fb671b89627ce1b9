"""Conservative regridding of maps: what a region exchanges is the same before and after.

First order, on regular grids (Jones 1999, doi:10.1175/1520-0493(1999)127<2204:FASOCR>2.0.CO;2). A target cell is the
mean of the source cells it overlaps, each weighted by the area of the overlap times the share of it that is land: a
flux is per area of land, so half a cell of coast counts half. Overlaps on a sphere split into one along longitude and
one along the sine of latitude: two sparse matrices, applied to one map after the other. (The library xarray-regrid
takes areas to be linear in latitude inside a cell and pads the poles: on some pairs of grids it loses 2.5 % of what
the polar rows hold. Where its assumptions hold the two agree, which is tested.)
"""

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import DAYS_PER_YEAR, SD, edges, fluxes_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Weights below this share of a target cell are rounding of its edges, not overlap.
_SLIVER = 1e-9
#: Steps looked at to see which cells a product knows.
_SAMPLE_STEPS = 4
#: Largest block that is regridded at once.
_BLOCK_BYTES = 64_000_000
_SPATIAL = ("lat", "lon")


def grid(resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell centres (lat, lon) of the regular global grid of a resolution, degrees.

    Raises:
        TamrlError: the resolution does not divide 180 degrees.
    """
    rows = round(180 / resolution) if resolution > 0 else 0
    if rows < 1 or abs(rows * resolution - 180) > 1e-6:
        raise TamrlError("The resolution does not divide 180 degrees", f"{resolution:g}", "Choose 0.25, 0.5, 1 or 2")
    step = 180 / rows
    return -90 + step * (np.arange(rows) + 0.5), -180 + step * (np.arange(2 * rows) + 0.5)


def common_grid(datasets: Iterable[xr.Dataset | xr.DataArray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell centres (lat, lon) of the coarsest of several grids, degrees: the one nothing is invented on.

    Raises:
        TamrlError: there is no Dataset.
    """
    found = [(ds["lat"].values, ds["lon"].values) for ds in datasets]
    if not found:
        raise TamrlError("There are no maps to find a common grid of", "regridding", "Choose at least one")
    return max(found, key=lambda pair: _step(pair[0]) * _step(pair[1]))


def _step(centres: np.ndarray) -> float:
    return float(np.median(np.diff(centres))) if centres.size > 1 else 1.0


def overlap_shares(source: np.ndarray, target: np.ndarray, axis: Literal["lat", "lon"]) -> "csr_array":
    """Return which share of each target cell each source cell covers, along one axis, (N_target, N_source).

    Args:
        source: N_source cell centres, degrees, ascending.
        target: N_target cell centres, degrees, ascending.
        axis: latitude is measured by its sine, which is proportional to area; longitude around the circle.
    """
    from scipy import sparse

    a, b = edges(source, axis), edges(target, axis)
    if axis == "lat":
        a, b = np.sin(np.deg2rad(a)), np.sin(np.deg2rad(b))
    # Every turn of the circle that brings the two ranges together.
    turns = [0.0] if axis == "lat" else np.arange(np.floor((b[0] - a[-1]) / 360), np.ceil((b[-1] - a[0]) / 360) + 1)
    width = np.diff(b)
    out = sparse.csr_array((width.size, np.size(source)))
    for turn in turns:
        left, right = a[:-1] + 360 * turn, a[1:] + 360 * turn
        # Both axes ascend, so each target cell meets a run of source cells.
        first = np.searchsorted(right, b[:-1], side="right")
        count = np.maximum(np.searchsorted(left, b[1:], side="left") - first, 0)
        rows = np.repeat(np.arange(width.size), count)
        columns = np.arange(rows.size) - np.repeat(np.cumsum(count) - count, count) + first[rows]
        shared = np.minimum(right[columns], b[1:][rows]) - np.maximum(left[columns], b[:-1][rows])
        out = out + sparse.csr_array((shared.clip(0) / width[rows], (rows, columns)), shape=out.shape)
    return out


def known_land(ds: xr.Dataset, land_fraction: xr.DataArray | None = None) -> xr.DataArray:
    """Return the share of each cell that the fluxes of a Dataset stand for, (lat, lon): its land where they are known.

    A cell is known when any flux has a value there on any step; of more than twelve steps, four are looked at, of each
    season one and spread over the record, so that this reads four maps and no more. Stays lazy where the fluxes are.

    Args:
        ds: maps, or any Dataset of (..., lat, lon).
        land_fraction: share of land, where the Dataset has none; without any, the whole cell counts.
    """
    land = ds["land_fraction"] if land_fraction is None and "land_fraction" in ds else land_fraction
    names = list(fluxes_of(ds)) or _regridded(ds)
    known: xr.DataArray | None = None
    for name in names:
        array = ds[name]
        if array.sizes.get("time", 0) > 12:
            array = array.isel(time=_spread_steps(ds["time"].values))
        here = array.notnull().any([dim for dim in array.dims if dim not in _SPATIAL])
        known = here if known is None else known | here
    if known is None:
        raise TamrlError("There is no field over lat and lon", "regridding", "Give maps with lat and lon")
    share = known.astype(np.float64) if land is None else land.fillna(0).astype(np.float64) * known
    return share.transpose("lat", "lon").drop_vars([c for c in share.coords if c not in _SPATIAL])


def _spread_steps(time: np.ndarray) -> np.ndarray:
    """Return the positions of four steps of ``time`` (T,), ascending: each in another season, spread over the years."""
    days = (time - time[0]) / np.timedelta64(1, "D")
    years = max(int(days[-1] // DAYS_PER_YEAR), 1)
    quarter = np.arange(_SAMPLE_STEPS)
    wanted = (years * quarter // _SAMPLE_STEPS + quarter / _SAMPLE_STEPS) * DAYS_PER_YEAR
    return np.unique(np.searchsorted(days, wanted - 1).clip(0, len(days) - 1))


def _regridded(ds: xr.Dataset) -> list[Hashable]:
    """Return the names of the fields that a mean over area makes sense for: no classes, no bounds."""
    return [
        name
        for name, array in ds.data_vars.items()
        if set(_SPATIAL) <= set(array.dims)
        and name != "land_fraction"
        and "flag_values" not in array.attrs
        and "bnds" not in array.dims
        and array.dtype.kind in "fiu"
    ]


def regrid_conservative(
    ds: xr.Dataset, lat: np.ndarray, lon: np.ndarray, land_fraction: xr.DataArray | None = None
) -> xr.Dataset:
    """Return maps on another regular grid, coarser or finer, with global and regional totals kept.

    Missing cells take no part. The land that is left is the new ``land_fraction``, so that the sum over cells of
    flux times area times land fraction stays what it was, exactly where a cell is missing on all steps or none;
    where it is missing on some steps, the known cells of a target cell stand for it. Spreads are averaged like their
    fluxes, which takes the errors inside a target cell to be fully correlated: an upper bound. Classes (variables
    with ``flag_values``) have no mean and are left out.

    Args:
        ds: fields (..., lat, lon), centres ascending; lazy fields stay lazy, and maps over time become lazy.
        lat: cell centres of the target, degrees north, ascending.
        lon: cell centres of the target, degrees east, ascending.
        land_fraction: (lat, lon) share of land on the grid of ``ds``, used instead of its own.

    Returns:
        the Dataset on the target grid with ``land_fraction`` and the attribute ``regridding``.

    Raises:
        TamrlError: a grid does not ascend, is empty or leaves the sphere.
    """
    target = {"lat": np.asarray(lat, np.float64), "lon": np.asarray(lon, np.float64)}
    source = {name: np.asarray(ds[name].values, np.float64) for name in _SPATIAL}
    _check_grid(target, "target grid")
    _check_grid(source, "source grid")
    ds = ds.assign_coords({name: (name, values, ds[name].attrs) for name, values in source.items()})
    if land_fraction is not None:
        land_fraction = _on_source(land_fraction, source)
    eager = [name for name, array in ds.data_vars.items() if "time" in array.dims and not array.chunks]
    ds = ds.assign({name: ds[name].chunk({"time": 1}) for name in eager})
    axes: tuple[Literal["lat", "lon"], ...] = ("lat", "lon")
    shares = {f"to_{name}": overlap_shares(source[name], target[name], name) for name in axes}
    onto = partial(_onto, shares, {name: values.size for name, values in target.items()})
    land = known_land(ds, land_fraction)
    found = {"land_fraction": onto(_sum_shares, land).clip(0, 1)}
    for name in _regridded(ds):
        kept = np.float64 if ds[name].dtype == np.float64 else np.float32
        found[str(name)] = onto(_mean_over_land, ds[name], land).astype(kept).assign_attrs(ds[name].attrs)
        if str(name).endswith(SD):
            found[str(name)].attrs["comment"] = "Errors inside a cell taken as fully correlated: an upper bound"
    found["land_fraction"].attrs = {"units": "1", "long_name": "Share of the cell that the fluxes stand for"}
    return _with_rest(found, ds, target).assign_attrs(regridding=_describe(source, target))


def _onto(
    shares: dict[str, Any], sizes: dict[str, int], function: Callable[..., np.ndarray], *fields: xr.DataArray
) -> xr.DataArray:
    """Apply a function of whole maps and overlap shares to fields, lazily; its result lies on the target grid."""
    out = xr.apply_ufunc(
        function,
        *map(_whole_maps, fields),
        kwargs=shares,
        dask="parallelized",
        output_dtypes=[np.float64],
        input_core_dims=[_SPATIAL] * len(fields),
        output_core_dims=[_SPATIAL],
        exclude_dims=set(_SPATIAL),
        dask_gufunc_kwargs={"output_sizes": sizes},
    )
    return out.transpose(*fields[0].dims)


def _on_source(land_fraction: xr.DataArray, source: dict[str, np.ndarray]) -> xr.DataArray:
    """Return a land fraction with the coordinates of the maps.

    Raises:
        TamrlError: it is on another grid.
    """
    if any(land_fraction.sizes.get(name) != values.size for name, values in source.items()):
        raise TamrlError("The land fraction is on another grid than the maps", "regridding", "Give it on theirs")
    return land_fraction.assign_coords(source)


def _with_rest(found: dict[str, xr.DataArray], ds: xr.Dataset, target: dict[str, np.ndarray]) -> xr.Dataset:
    """Return regridded fields with what of ``ds`` does not lie on the grid; bounds are those of the old one, and go."""
    kept_vars = {n: a for n, a in ds.variables.items() if not set(a.dims) & {*_SPATIAL, "bnds"}}
    out = xr.Dataset(found, {name: (name, target[name], ds[name].attrs) for name in _SPATIAL}, ds.attrs)
    out = out.assign({name: a for name, a in kept_vars.items() if name not in ds.coords})
    out = out.assign_coords({name: a for name, a in kept_vars.items() if name in ds.coords})
    for name in (*_SPATIAL, "time"):
        if name in out.coords:
            out[name].attrs = {key: value for key, value in out[name].attrs.items() if key != "bounds"}
    return out


def _sum_shares(field: np.ndarray, to_lat: "csr_array", to_lon: "csr_array") -> np.ndarray:
    """Return the sum of (..., Y, X) times the shares of target cells (y, Y) and (x, X): (..., y, x)."""
    flat = field.reshape(-1, *field.shape[-2:])
    out = np.empty((len(flat), to_lat.shape[0], to_lon.shape[0]))
    for here, one in zip(out, flat, strict=True):
        here[...] = (to_lon @ (to_lat @ one).T).T
    return out.reshape(*field.shape[:-2], *out.shape[1:])


def _mean_over_land(field: np.ndarray, land: np.ndarray, to_lat: "csr_array", to_lon: "csr_array") -> np.ndarray:
    """Return the mean of (..., Y, X) over known land (Y, X) of each target cell, NaN where that has none."""
    known = np.isfinite(field)
    weight = _sum_shares(known * land, to_lat, to_lon)
    total = _sum_shares(np.where(known, field, 0) * land, to_lat, to_lon)
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > _SLIVER)


def _whole_maps(field: xr.DataArray) -> xr.DataArray:
    """Return a lazy field in blocks of whole maps, of few steps where its own blocks are long in time."""
    if not field.chunks:
        return field
    few = max(1, _BLOCK_BYTES // (field.sizes["lat"] * field.sizes["lon"] * field.dtype.itemsize))
    steps = {"time": few} if max(field.chunksizes.get("time", (1,))) > few else {}
    return field.chunk({"lat": -1, "lon": -1, **steps})


def _check_grid(axes: dict[str, np.ndarray], where: str) -> None:
    for name, values in axes.items():
        if values.ndim != 1 or not values.size or not (np.diff(values) > 0).all():
            raise TamrlError(f"{name} does not ascend", where, "Give the centres of its cells in ascending order")
        if (name == "lat" and np.abs(values).max() > 90) or (name == "lon" and np.ptp(values) >= 360):
            raise TamrlError(f"{name} goes beyond the sphere", where, "Give each cell once, in degrees")


def _describe(source: dict[str, np.ndarray], target: dict[str, np.ndarray]) -> str:
    size = [f"{_step(axes['lat']):.4g} x {_step(axes['lon']):.4g}" for axes in (source, target)]
    return (
        f"First-order conservative from {size[0]} to {size[1]} degrees (latitude x longitude), weighted by the area of "
        f"overlap on the sphere and by land fraction"
    )
