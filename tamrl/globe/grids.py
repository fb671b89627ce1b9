"""Which grid the fields of a file lie on: latitudes and longitudes are read, every other grid is refused by its name.

A grid is known by what CF and its readers know it by: ``grid_mapping`` (or a projection written as WKT, PROJ or EPSG),
standard names and units of the axes, positions in two dimensions under any name, or one dimension for both. Nothing is
regridded here: that is the work of tools that know how, and the messages name them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError

_CDO = "Regrid it to regular latitudes and longitudes first, for example: cdo remapcon,r720x360 in.nc out.nc"
_WARP = f"{_CDO} (or gdalwarp -t_srs EPSG:4326 -r average)"
_MAPPING = "grid_mapping_name"
#: grid_mapping_name of CF -> name in words; any other one is a projection of that name.
_NAMES = {
    "rotated_latitude_longitude": "a rotated-pole grid",
    "healpix": "a HEALPix grid",
    "geostationary": "the view of a geostationary satellite",
    "sinusoidal": "a sinusoidal projection (MODIS)",
    "transverse_mercator": "a transverse Mercator projection (UTM and its like)",
    "lambert_cylindrical_equal_area": "a cylindrical equal-area projection (EASE-Grid and its like)",
}
#: GRIB_gridType -> name in words and what to do; the regular ones are read.
_GRIB = {
    "reduced_gg": ("a reduced Gaussian grid", "Make it regular first: cdo setgridtype,regular in.nc out.nc"),
    "reduced_ll": ("a reduced grid", "Make it regular first: cdo setgridtype,regular in.nc out.nc"),
    "rotated_ll": ("a rotated-pole grid", _CDO),
    "rotated_gg": ("a rotated-pole grid", _CDO),
    "sh": ("spherical harmonics", "Turn them into a grid first: cdo sp2gpl in.grib out.grib"),
    "lambert": ("a Lambert conformal projection", _WARP),
    "healpix": ("a HEALPix grid", _CDO),
    "polar_stereographic": ("a polar stereographic projection", _WARP),
    "mercator": ("a Mercator projection", _WARP),
}
_GRIB_READ = ("regular_ll", "regular_gg")
#: MAP_PROJ of WRF; 6 is latitudes and longitudes.
_WRF = {1: "a Lambert conformal projection", 2: "a polar stereographic projection", 3: "a Mercator projection"}
#: Degrees, as CF calls them and as some files do.
_PLAIN = ("latitude_longitude", "regular_latitude_longitude", "lat_lon", "latlon", "longlat", "wgs84", "wgs_84")
_GEOGRAPHIC = ("longlat", "latlong", "lonlat", "latlon")
#: EPSG codes of latitudes and longitudes.
_DEGREES = ("4326", "4258", "4269", "4979", "4035", "4008")
_LENGTHS = ("m", "metre", "metres", "meter", "meters", "km", "kilometre", "kilometres", "kilometer", "kilometers")
_RADIANS = ("rad", "radian", "radians")
_NORTH = {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"}
_EAST = {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"}
_LAT = (
    "lat",
    "latitude",
    "nav_lat",
    "xlat",
    "xlat_m",
    "tlat",
    "ulat",
    "geolat",
    "clat",
    "lats",
    "latitudes",
    "latcell",
)
_LON = (
    "lon",
    "longitude",
    "nav_lon",
    "xlong",
    "xlong_m",
    "tlon",
    "tlong",
    "ulong",
    "ulon",
    "geolon",
    "clon",
    "lons",
    "longitudes",
    "loncell",
)
_ROTATED = ("rlat", "rlon", "grid_latitude", "grid_longitude")
_PLANE = ("x", "y", "xc", "yc", "easting", "northing", "projection_x_coordinate", "projection_y_coordinate")
_CELLS = (
    "ncells",
    "ncell",
    "cell",
    "cells",
    "values",
    "ncol",
    "lndgrid",
    "hpx",
    "healpix",
    "nside",
    "land_points",
    "cell_ids",
    "rgrid",
    "points",
)
#: Degrees by which positions that are the same may differ.
_SAME = 1e-3
#: Share of a cell up to which coordinates may differ by rounding.
_OF_A_CELL = 0.02


class _Found(NamedTuple):
    """A grid that is not read: in words, and what to do."""

    grid: str
    todo: str = _WARP


def on_degrees(ds: xr.Dataset, names: Iterable[str], where: str) -> xr.Dataset:
    """Return a Dataset whose fields lie on latitudes and longitudes of one dimension each, as far as can be seen.

    Positions in two dimensions that are those of a regular grid are replaced by one-dimensional ones. No field is
    read; of positions a few rows and columns are.

    Args:
        ds: as opened.
        names: fields that are wanted; others may lie anywhere.
        where: file, for messages.

    Raises:
        TamrlError: a field lies on another grid, with its name and the tool that regrids it.
    """
    flat: dict[tuple[str, str], tuple[str, str]] = {}
    for name in names:
        if name not in ds.variables or not ds[name].ndim:
            continue
        found = _by_mapping(ds, ds[name]) or _by_axes(ds, ds[name])
        if found is None:
            found = _by_positions(ds, ds[name], flat)
        if found is not None:
            what = f"{name} lies on {found.grid}, not on regular latitudes and longitudes"
            raise TamrlError(what, where, found.todo)
    for positions, dims in flat.items():
        ds = _one_dimensional(ds, positions, dims)
    return ds


def _by_mapping(ds: xr.Dataset, field: xr.DataArray) -> _Found | None:
    """Return the projection that attributes name, None where they name none or degrees."""
    said = str(field.attrs.get("grid_mapping") or field.encoding.get("grid_mapping") or "")
    holders = [ds[word].attrs for word in said.replace(":", " ").split() if word in ds.variables]
    if not holders:
        # Where a field does not say which one is its own, one that the file has is.
        holders = [a.attrs for a in ds.variables.values() if a.ndim == 0 and _MAPPING in a.attrs]
        holders = [] if any(str(h[_MAPPING]).strip().lower() in _PLAIN for h in holders) else holders
    for attrs in (*holders, field.attrs, ds.attrs):
        if found := _projection(attrs):
            return found
    kind = str(field.attrs.get("GRIB_gridType", "regular_ll"))
    if kind not in _GRIB_READ:
        return _Found(*_GRIB.get(kind, (f"a grid of the type {kind!r}", _CDO)))
    if str(field.attrs.get("CDI_grid_type", "")) in ("unstructured", "curvilinear"):
        return _Found(f"an {field.attrs['CDI_grid_type']} grid".replace("an c", "a c"), _CDO)
    wrf = ds.attrs.get("MAP_PROJ")
    return _Found(_WRF[int(wrf)]) if isinstance(wrf, int | np.integer) and int(wrf) in _WRF else None


def _projection(attrs: Mapping[str, Any]) -> _Found | None:
    """Return what a grid mapping, written in any of the usual ways, says; None where it says degrees or nothing."""
    name = str(attrs.get(_MAPPING, "")).strip().lower()
    if name and name not in _PLAIN:
        todo = _CDO if name in ("rotated_latitude_longitude", "healpix") else _WARP
        return _Found(f"{_NAMES.get(name, 'a projection')} ({name})", todo)
    if "healpix_nside" in attrs:
        return _Found(_NAMES["healpix"], _CDO)
    for key in ("proj4", "proj4text", "proj4_params", "proj_params", "proj4_string", "crs", "spatial_ref", "crs_wkt"):
        text = str(attrs.get(key, "")).strip()
        if found := re.search(r"\+proj=(\w+)", text):
            if found[1] == "ob_tran":
                return _Found(_NAMES["rotated_latitude_longitude"], _CDO)
            return None if found[1] in _GEOGRAPHIC else _Found(f"a projection (+proj={found[1]})")
        if found := re.match(r"EPSG:{1,2}(\d+)$", text, re.IGNORECASE):
            return None if found[1] in _DEGREES else _Found(f"a projection (EPSG:{found[1]})")
        # Also inside of a compound or bound system, whose heights do not matter here.
        if re.search(r"\bPROJ(CS|CRS|ECTEDCRS)\s*\[", text, re.IGNORECASE):
            label = re.search(r'"([^"]+)"', text)
            return _Found(f"a projection ({label[1] if label else 'as WKT'})")
        if "DERIVINGCONVERSION" in text:
            return _Found(_NAMES["rotated_latitude_longitude"], _CDO)
    return None


def _by_axes(ds: xr.Dataset, field: xr.DataArray) -> _Found | None:
    """Return what names, standard names and units of the axes say; None where nothing speaks against degrees."""
    for dim in field.dims:
        axis = ds.variables.get(dim)
        if axis is None or axis.ndim != 1:
            continue
        called, standard = str(dim).lower(), str(axis.attrs.get("standard_name", "")).lower()
        unit, label = _unit(axis), str(axis.attrs.get("long_name", "")).lower()
        horizontal = called in (*_PLANE, *_LAT, *_LON) or str(axis.attrs.get("axis", "")).upper() in ("X", "Y")
        if "compress" in axis.attrs:
            return _Found(
                f"points of land alone (compressed by gathering: {axis.attrs['compress']})",
                "Put the points back onto their grid of latitudes and longitudes first",
            )
        if standard in _ROTATED or called in _ROTATED or "rotated" in label:
            return _Found(_NAMES["rotated_latitude_longitude"], _CDO)
        if standard.startswith("projection_") and standard.endswith("angular_coordinate"):
            return _Found(_NAMES["geostationary"])
        if standard in _PLANE or called in ("easting", "northing") or (horizontal and "projection" in label):
            return _Found(f"a map projection (axis {dim})")
        if horizontal and unit in _LENGTHS:
            return _Found(f"a map projection (axis {dim} in {unit})")
        if horizontal and unit in _RADIANS:
            if standard in ("latitude", "longitude"):
                return _Found(f"an axis in {unit} ({dim})", "Give its axes in degrees_north and degrees_east")
            return _Found(f"a map projection (axis {dim} in {unit})")
        if called in ("x", "y") and not unit and not standard and _numbered(axis.values):
            others = [ds[name] for name in _positions(ds, "lat") + _positions(ds, "lon") if name != dim]
            if not any(array.dims == (dim,) or array.ndim > 1 for array in others):
                return _Found(f"numbered cells (axis {dim} counts from {axis.values[0]:g})")
    return None


def _unit(axis: xr.Variable) -> str:
    return str(axis.attrs.get("units", "")).strip().lower()


def _numbered(values: np.ndarray) -> bool:
    """Say whether an axis counts its cells instead of placing them."""
    if values.size < 3 or values.dtype.kind not in "iuf" or float(values[0]) not in (0.0, 1.0):
        return False
    return bool((values == values[0] + np.arange(values.size)).all())


def _positions(ds: xr.Dataset, which: str) -> list[str]:
    """Return the variables that hold latitudes, or longitudes, of any number of dimensions."""
    standard, units, usual = {"lat": ("latitude", _NORTH, _LAT), "lon": ("longitude", _EAST, _LON)}[which]
    found = []
    for name, array in ds.variables.items():
        if array.dtype.kind not in "iuf" or not array.ndim:
            continue
        marked = str(array.attrs.get("standard_name", "")).lower() == standard or _unit(array) in units
        if marked or str(name).lower() in usual:
            found.append(str(name))
    return found


def _by_positions(ds: xr.Dataset, field: xr.DataArray, flat: dict[tuple[str, str], tuple[str, str]]) -> _Found | None:
    """Return what the positions of the cells say; those in two dimensions of a regular grid are noted in ``flat``."""
    lats, lons = ([n for n in _positions(ds, w) if set(ds[n].dims) <= set(field.dims)] for w in ("lat", "lon"))
    single = [{ds[n].dims[0] for n in names if ds[n].ndim == 1} for names in (lats, lons)]
    shared = {dim for dim in single[0] & single[1] if ds.sizes[dim] > 1}
    if shared:
        return _unstructured(sorted(map(str, shared))[0])
    several = [[n for n in names if ds[n].ndim in (2, 3)] for names in (lats, lons)]
    for lat, lon in zip(*several, strict=False):
        north, east = (_map_of(ds[n]) for n in (lat, lon))
        if north is None or east is None or north.dims != east.dims:
            continue
        dims = _regular(north, east)
        if dims is None:
            points = min(north.shape) == 1
            grid = "a list of points" if points else f"a curvilinear grid (positions in two dimensions: {lat}, {lon})"
            return _Found(grid, _CDO)
        if not all(dim in of for dim, of in zip(dims, single, strict=True)):
            flat[lat, lon] = dims
        elif not _agree(ds, north, east, dims):
            return _Found(f"a grid whose axes {dims[0]} and {dims[1]} differ from its positions {lat} and {lon}", _CDO)
    if not lats and not lons and (cells := [d for d in field.dims if str(d).lower() in _CELLS and ds.sizes[d] > 1]):
        return _unstructured(str(cells[0]))
    return None


def _unstructured(dim: str) -> _Found:
    return _Found(
        f"an unstructured grid (one dimension for its cells, {dim}, as of ICON, HEALPix or reduced Gaussian grids)",
        f"{_CDO} (with -setgrid,GRIDFILE before it where the file does not hold its grid; of a reduced Gaussian grid "
        "cdo setgridtype,regular)",
    )


def _map_of(positions: xr.DataArray) -> xr.DataArray | None:
    """Return positions over two dimensions; of those repeated at each step (as in WRF) the first."""
    if positions.ndim == 3:
        positions = positions.isel({positions.dims[0]: 0}, drop=True)
    return positions.reset_coords(drop=True) if positions.ndim == 2 else None


def _sampled(size: int) -> list[int]:
    return sorted({0, size // 7, size // 3, size // 2, size - 1})


def _regular(north: xr.DataArray, east: xr.DataArray) -> tuple[str, str] | None:
    """Return which dimension latitude and which longitude depends on alone; None where they depend on both."""
    for rows, columns in (north.dims, north.dims[::-1]):
        lines = [
            north.isel({columns: _sampled(north.sizes[columns])}).transpose(rows, columns).values,
            east.isel({rows: _sampled(north.sizes[rows])}).transpose(columns, rows).values,
        ]
        even = all(np.isfinite(line).all() and np.abs(line - line[:, :1]).max() <= _SAME for line in lines)
        if even and all(np.diff(line[:, 0]).all() for line in lines):
            return str(rows), str(columns)
    return None


def _agree(ds: xr.Dataset, north: xr.DataArray, east: xr.DataArray, dims: tuple[str, str]) -> bool:
    """Say whether axes are the positions that the file has in two dimensions as well."""
    first = {dims[0]: north.isel({dims[1]: 0}).values, dims[1]: east.isel({dims[0]: 0}).values}
    for dim, values in first.items():
        named = [n for w in ("lat", "lon") for n in _positions(ds, w) if ds[n].dims == (dim,)]
        if named and not any(np.abs((ds[n].values - values + 180) % 360 - 180).max() <= 0.05 for n in named):
            return False
    return True


def _one_dimensional(ds: xr.Dataset, positions: tuple[str, str], dims: tuple[str, str]) -> xr.Dataset:
    """Return the Dataset with positions of a regular grid over one dimension each, called ``lat`` and ``lon``."""
    line = {}
    for called, name, dim, across in zip(("lat", "lon"), positions, dims, dims[::-1], strict=True):
        plane = _map_of(ds[name])
        assert plane is not None  # positions over two dimensions, or three with the steps
        values = plane.isel({across: 0}).values
        line[called] = (dim, values, dict(ds[name].attrs))
    gone = [*positions, *(d for d in dims if d in ds.variables and d not in positions)]
    ds = ds.drop_vars(gone)
    return ds.assign_coords(line)


def oriented(ds: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> xr.Dataset | None:
    """Return a Dataset on ``lat`` and ``lon`` with the cells in that order, however it has them; None if these differ.

    Args:
        ds: with one-dimensional ``lat`` and ``lon``, each in any order, longitudes from any meridian on.
        lat: cell centres wanted, degrees north.
        lon: cell centres wanted, degrees east.
    """
    at = {}
    for name, wanted in (("lat", lat), ("lon", lon)):
        if name not in ds.coords or ds[name].dims != (name,) or ds.sizes[name] != np.size(wanted):
            return None
        own, wanted = ds[name].values.astype(float), np.asarray(wanted, float)
        step = np.abs(np.diff(np.sort(wanted))).min() if wanted.size > 1 else 1.0
        if name == "lon":
            # Counted from the first wanted one, less half a cell, around the circle.
            own, wanted = ((values - wanted.min() + step / 2) % 360 for values in (own, wanted))
        here, there = np.argsort(own, kind="stable"), np.argsort(wanted, kind="stable")
        if np.abs(own[here] - wanted[there]).max() > _OF_A_CELL * step:
            return None
        at[name] = np.empty(own.size, int)
        at[name][there] = here
    order = {name: index for name, index in at.items() if not np.array_equal(index, np.arange(index.size))}
    return ds.isel(order).assign_coords(lat=lat, lon=lon)
