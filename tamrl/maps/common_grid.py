"""Two fields on one grid, so that they can be compared cell by cell."""

import numpy as np
import xarray as xr

from tamrl.globe.contract import edges
from tamrl.globe.regrid import regrid_conservative

#: Two grids are the same where their cell centres differ by less than this share of a cell.
_SAME = 0.01


def on_common_grid(
    a: xr.DataArray, b: xr.DataArray, land_a: xr.DataArray | None, land_b: xr.DataArray | None
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return two fields on the coarser of their grids, the finer one averaged conservatively, and its land fraction.

    Args:
        a: field (lat, lon).
        b: field (lat, lon) on any regular grid.
        land_a: land fraction (lat, lon) of the first grid, missing counts as 1.
        land_b: likewise of the second.

    Returns:
        Both fields (lat, lon) and the land fraction (lat, lon) of their grid.

    Raises:
        TamrlError: a grid cannot be regridded, see ``tamrl.globe.regrid.regrid_conservative``.
    """
    if same_grid(a, b):
        b = b.assign_coords(lat=a["lat"], lon=a["lon"])
        return a, b, _land(a, land_a)
    if _cell_size(a) >= _cell_size(b):
        return a, _onto(b, a, land_b), _land(a, land_a)
    return _onto(a, b, land_a), b, _land(b, land_b)


def same_grid(a: xr.DataArray, b: xr.DataArray) -> bool:
    """Return whether two fields (lat, lon) have the same cells."""
    for axis in ("lat", "lon"):
        if a.sizes[axis] != b.sizes[axis]:
            return False
        width = np.diff(edges(a[axis].values, axis)).min()
        if np.abs(a[axis].values - b[axis].values).max() > _SAME * width:
            return False
    return True


def _cell_size(of: xr.DataArray) -> float:
    return float(np.prod([np.median(np.diff(edges(of[axis].values, axis))) for axis in ("lat", "lon")]))


def _onto(of: xr.DataArray, target: xr.DataArray, land: xr.DataArray | None) -> xr.DataArray:
    name = of.name or "field"
    found = regrid_conservative(
        of.rename(name).to_dataset(), target["lat"].values, target["lon"].values, land_fraction=land
    )[name]
    found.attrs = dict(of.attrs)
    return found.assign_coords(lat=target["lat"], lon=target["lon"]).rename(of.name)


def _land(of: xr.DataArray, land: xr.DataArray | None) -> xr.DataArray:
    if land is None:
        return xr.ones_like(of).rename("land_fraction")
    return land.fillna(0).assign_coords(lat=of["lat"], lon=of["lon"])
