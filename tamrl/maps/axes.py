"""Axes of gridded files under usual names, and the factor that makes a land variable a fraction."""

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products.naming import with_time

_LAT, _LON = ("lat", "latitude", "nav_lat", "y"), ("lon", "longitude", "nav_lon", "x")


def axes(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset whose dimensions of position and time are called ``lat``, ``lon`` and ``time``.

    They are recognised by their usual names, in upper or lower case, else by their CF attributes.
    """
    names = {}
    for name, wanted, marks in (
        ("lat", _LAT, {"latitude", "degrees_north", "degree_north", "Y"}),
        ("lon", _LON, {"longitude", "degrees_east", "degree_east", "X"}),
    ):
        flat = [v for v in ds.variables if ds[v].ndim == 1 and ds[v].dtype.kind in "iufMO"]
        rank = {v: wanted.index(str(v).lower()) for v in flat if str(v).lower() in wanted}
        by_mark = [v for v in flat if {str(ds[v].attrs.get(a, "")) for a in ("standard_name", "units", "axis")} & marks]
        found = sorted(rank, key=lambda v: rank[v]) or by_mark
        if found:
            dim = ds[found[0]].dims[0]
            if dim != found[0]:
                ds = (ds.drop_vars([dim]) if dim in ds.coords else ds).swap_dims({dim: found[0]})
            if found[0] == name or name not in ds.variables:
                names[found[0]] = name
    ds = ds.rename({old: new for old, new in names.items() if old != new})
    return with_time(ds)


def land_factor(land: xr.DataArray, where: str) -> float:
    """Return the factor from the unit of a land variable to a land fraction: 1, or 0.01 where it is in percent.

    Raises:
        TamrlError: it is in another unit.
    """
    unit = str(land.attrs.get("units", "")).strip().lower()
    if unit in ("%", "percent", "per cent"):
        return 0.01
    if not unit:
        # A share is never above 1; rounding may take it there by a little.
        return 0.01 if float(land.max()) > 1.5 else 1.0
    if unit in ("1", "-", "fraction", "none", "unitless", "dimensionless", "[0-1]", "0-1", "(0 - 1)"):
        return 1.0
    raise TamrlError(f"The land fraction is in {unit!r}", where, "Give a fraction or a percentage")
