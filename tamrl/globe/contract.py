"""What a set of global maps is: one Dataset (time, lat, lon) of fluxes on a regular grid, and its geometry.

The contract, which ``check_maps`` holds every producer to (engine, readers of products, bundled maps):

- dimensions ``time, lat, lon``; cell centres, both ascending, longitudes -180 to 180; ``time`` is the first instant
  of each step (a month, as a rule);
- ``GPP, RECO, NEE``, those that are known, in gC m-2 d-1 of land, NEE negative for uptake; ``<flux>_sd`` is the
  standard deviation of the estimate, in the same unit;
- ``NBE``, net biome exchange, beside them or, from atmospheric inversions, in their place: never taken for NEE;
- ``land_fraction`` (lat, lon), the share of a cell that the fluxes stand for, where known; missing counts as 1;
- optional ``extrapolation`` (lat, lon), ``code`` (component, lat, lon) and ``<flux>_members`` (member, time, lat, lon),
  see ``tamrl.upscale``;
- attribute ``frequency``: 1D, 1MS or 1YS, what the steps are; absent where their dates tell it alone;
- attributes ``title``, ``source``, ``citation``, ``license``; ``kind`` (``model`` or ``product``); ``simulated``
  (0, 1); ``derived``, the fluxes that follow from NEE = RECO - GPP instead of being published, separated by commas;
  ``climatology``, the years that twelve months are the mean of (``2000-2025``), absent where time is time.
"""

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.schema import FLUX_UNIT, FLUXES, variable
from tamrl.timestep import ATTRIBUTE, time_ends

#: Radius of the sphere with the area of the WGS84 ellipsoid, m (Moritz 2000, doi:10.1007/s001900050278).
EARTH_RADIUS = 6_371_007.2
#: gC to PgC, and days of a mean year.
GC_PER_PGC, DAYS_PER_YEAR = 1e15, 365.25
#: Ending of the names of standard deviations.
SD = "_sd"
#: Net biome exchange: what the atmosphere sees of land, fires, harvest, rivers and change of land use included.
NBE, _NBE = "NBE", "Net biome exchange: minus net biome production, with fire and land use"
#: Twelve months of a climatology are dated in this year, which has no 29 February.
CLIMATOLOGY_YEAR = 2001
#: What the steps of maps are -> how the attribute ``ATTRIBUTE`` says it.
MAP_STEPS = {"day": "1D", "month": "1MS", "year": "1YS"}
_NAMES = {"latitude": "lat", "longitude": "lon", "y": "lat", "x": "lon", "nav_lat": "lat", "nav_lon": "lon"}
_REGRID = "Regrid it to regular latitudes and longitudes first, for example: cdo remapcon,r720x360 in.nc out.nc"
#: Cells of one axis may differ in size by this share of a cell: coordinates are often rounded.
_REGULAR = 0.02


def edges(centres: np.ndarray, axis: Literal["lat", "lon"]) -> np.ndarray:
    """Return the N + 1 edges of cells with the given centres (N,), degrees; latitudes end at the poles.

    A single cell is taken to be one degree wide.
    """
    centres = np.asarray(centres, float)
    step = float(np.median(np.diff(centres))) if centres.size > 1 else 1.0
    found = np.concatenate([[centres[0] - step / 2], (centres[1:] + centres[:-1]) / 2, [centres[-1] + step / 2]])
    return np.clip(found, -90, 90) if axis == "lat" else found


def cell_area(lat: np.ndarray, lon: np.ndarray) -> xr.DataArray:
    """Return the area of each cell, m2, (lat, lon), on a sphere of the Earth's area.

    Args:
        lat: cell centres, degrees north.
        lon: cell centres, degrees east.
    """
    band = np.abs(np.diff(np.sin(np.deg2rad(edges(lat, "lat")))))
    width = np.abs(np.diff(np.deg2rad(edges(lon, "lon"))))
    area = EARTH_RADIUS**2 * band[:, None] * width[None]
    return xr.DataArray(area, dims=("lat", "lon"), coords={"lat": lat, "lon": lon}, attrs={"units": "m2"})


def land_area(maps: xr.Dataset) -> xr.DataArray:
    """Return the area that the fluxes of each cell stand for, m2, (lat, lon)."""
    area = cell_area(maps.lat.values, maps.lon.values)
    return area * maps["land_fraction"].fillna(0) if "land_fraction" in maps else area


def to_grid(ds: xr.Dataset, where: str = "grid") -> xr.Dataset:
    """Return a Dataset with ``lat`` and ``lon`` ascending, longitudes from -180 to 180, and ascending time.

    Values stay lazy.

    Args:
        ds: Dataset with regular one-dimensional latitudes and longitudes under any usual name.
        where: file or product, for messages.

    Raises:
        TamrlError: there are no such coordinates, or the grid is not regular (a rotated or curvilinear one).
    """
    ds = ds.rename({old: new for old, new in _NAMES.items() if old in ds.variables and new not in ds.variables})
    for name, limit in (("lat", 90), ("lon", 360)):
        if name not in ds.variables or ds[name].ndim != 1 or ds[name].dims != (name,):
            raise TamrlError(f"The grid has no one-dimensional coordinate {name!r}", where, _REGRID)
        values = ds[name].values.astype(np.float64)
        if not np.isfinite(values).all() or np.abs(values).max() > limit:
            raise TamrlError(
                f"{name} lies outside -{limit} to {limit} degrees",
                where,
                f"Check the coordinates; metres or kilometres are those of a projection: {_REGRID}",
            )
    lon = ds["lon"].values.astype(np.float64)
    if lon.size > 2 and abs(abs(lon[-1] - lon[0]) - 360) < 1e-3:
        # A column repeated for plotting.
        ds, lon = ds.isel(lon=slice(None, -1)), lon[:-1]
    if _in_radians(ds["lat"].values, lon):
        raise TamrlError("The coordinates are in radians", where, "Give latitudes and longitudes in degrees")
    wrapped = (lon + 180) % 360 - 180 if lon.max() > 180 or lon.min() < -180.001 else lon
    ds = ds.assign_coords(lon=("lon", wrapped), lat=("lat", ds["lat"].values.astype(np.float64)))
    for name in ("lat", "lon", "time"):
        if name in ds.dims and name in ds.indexes and not ds.indexes[name].is_monotonic_increasing:
            ds = ds.sortby(name)
    for name in ("lat", "lon"):
        steps = np.diff(ds[name].values)
        # Cells at the poles may be half as high (Arakawa grids).
        inner = steps[1:-1] if name == "lat" and steps.size > 4 else steps
        if inner.size and (inner.min() <= 0 or np.ptp(inner) > _REGULAR * np.median(inner)):
            raise TamrlError(f"The grid is not regular in {name}{_kind(ds[name].values)}", where, _REGRID)
    ds["lat"].attrs = {"units": "degrees_north", "standard_name": "latitude", "long_name": "Latitude", "axis": "Y"}
    ds["lon"].attrs = {"units": "degrees_east", "standard_name": "longitude", "long_name": "Longitude", "axis": "X"}
    return ds


def _in_radians(lat: np.ndarray, lon: np.ndarray) -> bool:
    """Say whether axes span the globe in radians: as degrees they would be a box of 3 by 6 at the equator."""
    if min(lat.size, lon.size) < 8:
        return False
    spans = [np.ptp(values) * values.size / (values.size - 1) for values in (lat, lon)]
    return bool(np.allclose(spans, [np.pi, 2 * np.pi], rtol=0.01) and abs(lat.max() + lat.min()) < 0.01)


def _kind(values: np.ndarray) -> str:
    """Return what an irregular axis is, in words, where that is known."""
    steps = np.diff(np.sin(np.deg2rad(values)))
    even = np.abs(values).max() <= 90 and values.size > 4 and np.ptp(steps) < _REGULAR * np.median(steps)
    return ", but evenly spaced in the sine of latitude: an equal-area grid such as EASE-Grid" if even else ""


def flux_attributes(name: str, what: str = "") -> dict[str, str]:
    """Return the CF attributes of a flux, or of ``<flux>_sd``, on a map."""
    flux, sd = name.removesuffix(SD), name.endswith(SD)
    known = _NBE if flux == NBE else variable(flux).long_name
    label = ", ".join(p for p in (known, "standard deviation of the estimate" * sd, what) if p)
    attrs = {"units": FLUX_UNIT, "long_name": label}
    if flux != NBE and variable(flux).standard_name and not sd:
        attrs["standard_name"] = variable(flux).standard_name
    return attrs


def fluxes_of(maps: xr.Dataset) -> tuple[str, ...]:
    """Return which of GPP, RECO and NEE a set of maps has."""
    return tuple(flux for flux in FLUXES if flux in maps)


def is_climatology(maps: xr.Dataset) -> bool:
    """Return whether the twelve months of a set of maps are means over years."""
    return bool(maps.attrs.get("climatology"))


def month_starts(year: int = CLIMATOLOGY_YEAR) -> pd.DatetimeIndex:
    """Return the first days of the twelve months of a year."""
    return pd.date_range(f"{year}-01-01", periods=12, freq="MS")


def add_bounds(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset with CF bounds of ``lat``, ``lon`` and, where there is one, ``time``.

    A month lasts a calendar month; another step until the next one begins, the last as long as the one before.
    """
    out = ds.copy()
    for name in ("lat", "lon"):
        found = edges(ds[name].values, name)
        out[f"{name}_bnds"] = ((name, "bnds"), np.stack([found[:-1], found[1:]], axis=1))
        out[name].attrs["bounds"] = f"{name}_bnds"
    if "time" in ds.dims and ds.sizes["time"]:
        start = pd.DatetimeIndex(ds["time"].values)
        stop = time_ends(start, step_of_maps(ds))
        out["time_bnds"] = (("time", "bnds"), np.stack([start.values, stop.values], axis=1))
        out["time"].attrs["bounds"] = "time_bnds"
    return out


def step_of_maps(maps: xr.Dataset) -> str:
    """Return what the steps of a set of maps are: ``day``, ``month``, ``year`` or ``other``."""
    said = {code: step for step, code in MAP_STEPS.items()}.get(str(maps.attrs.get(ATTRIBUTE, "")))
    if said is not None:
        return said
    start = pd.DatetimeIndex(maps["time"].values)
    shortest = np.diff(start.values).min() / np.timedelta64(1, "D") if len(start) > 1 else 28
    if begins("year", start.values).all() and shortest in (365, 366):
        return "year"
    if (start.day == 1).all() and 28 <= shortest <= 31:
        return "month"
    return "day" if shortest == 1 or len(start) == 1 else "other"


def begins(step: str, time: np.ndarray) -> np.ndarray:
    """Return whether times are the first instant of a step: a year or a month; of another they may be any."""
    unit = {"year": "datetime64[Y]", "month": "datetime64[M]"}.get(step)
    return np.ones(np.shape(time), bool) if unit is None else time.astype(unit).astype(time.dtype) == time


def step_days(maps: xr.Dataset) -> xr.DataArray:
    """Return the length of each step of a set of maps, days, (time,)."""
    start = pd.DatetimeIndex(maps["time"].values)
    days = (time_ends(start, step_of_maps(maps)) - start).days.to_numpy(float)
    return xr.DataArray(days, dims="time", coords={"time": maps["time"]})


def check_maps(maps: xr.Dataset, where: str = "maps") -> xr.Dataset:
    """Return a set of maps that keeps the contract of this module, unchanged.

    Raises:
        TamrlError: the first point that it does not keep.
    """
    missing = [d for d in ("time", "lat", "lon") if d not in maps.dims or d not in maps.coords]
    if missing:
        raise TamrlError(f"The maps have no dimension {', '.join(missing)}", where, "Give maps over time, lat and lon")
    if not fluxes_of(maps) and NBE not in maps:
        raise TamrlError("The maps hold none of GPP, RECO and NEE", where, "Name the variables with a mapping")
    for name in [n for flux in (*FLUXES, NBE) for n in (flux, flux + SD) if n in maps]:
        if maps[name].dims != ("time", "lat", "lon"):
            raise TamrlError(f"{name} has dimensions {maps[name].dims}", where, "Transpose it to time, lat, lon")
        if maps[name].attrs.get("units") != FLUX_UNIT:
            raise TamrlError(
                f"{name} is in {maps[name].attrs.get('units')!r}, maps are in {FLUX_UNIT!r}", where, "Convert it first"
            )
    for name in ("time", "lat", "lon"):
        if not maps.indexes[name].is_monotonic_increasing or not maps.indexes[name].is_unique:
            raise TamrlError(f"{name} does not ascend", where, "Sort it, and keep one of each")
    if float(maps["lon"].min()) < -180.001 or float(maps["lon"].max()) > 180.001:
        raise TamrlError("Longitudes lie outside -180 to 180", where, "Wrap them")
    if is_climatology(maps) and maps.sizes["time"] != 12:
        raise TamrlError(f"A climatology has 12 months, this has {maps.sizes['time']}", where, "Average it by month")
    return maps
