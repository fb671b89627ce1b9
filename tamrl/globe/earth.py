"""The bundled global drivers: what the climate models read at every half degree of land.

``assets/earth.nc`` is made by ``assets/build_earth.py`` from genuine global products; its attributes name each source
and licence. Dimensions: time 12 months of a climatology, lat 360, lon 720, igbp 17 classes.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.schema import DRIVERS, UNKNOWN, former_names, variable
from tamrl.system.netcdf import LOCK, open_netcdf

NAME = "earth.nc"
#: Class of a cell without one in the fields that carry flags.
NONE = 0
#: Satellite fields that do not change with time: archive drivers that a tower can be given from its position.
STATIC_DRIVERS = tuple(name for name in DRIVERS if variable(name).resolution == "static")


def earth_path() -> Path:
    """Return where the bundled Earth lies."""
    return bundled_folder(NAME)


def to_open(path: Path | str) -> Path | str | bytes:
    """Return what xarray is to open: the content of the bundled global drivers, the path of any other file.

    HDF5 shares between all threads what is open twice by its path, and one broken handle then breaks every other; the
    bundled file is opened by everybody and is small enough to be read from memory.
    """
    return Path(path).read_bytes() if Path(path).resolve() == earth_path().resolve() else path


@lru_cache(maxsize=1)
def _opened(path: str, modified: float) -> xr.Dataset:
    with LOCK, open_netcdf(Path(path).read_bytes()) as opened:
        loaded = opened.load().rename(former_names(opened.data_vars))
    # Unpacking makes doubles of what is worth two bytes.
    return loaded.map(
        lambda v: v.astype(np.float32) if v.dtype == np.float64 and "lat" in v.dims else v, keep_attrs=True
    )


def load_earth(path: Path | None = None) -> xr.Dataset:
    """Return the bundled global drivers in memory (about 40 MB), shared: read it, never change it.

    Args:
        path: another file of the same layout; the bundled one where None.

    Returns:
        Dataset with ``TA`` [degC] and ``P_MON`` [mm d-1] (time, lat, lon), ``SW_IN_POT`` [W m-2] (time, lat),
        ``NDVI_MIN``, ``NDVI_MAX``, ``C4`` and ``FAPAR_MAX`` [1] (lat, lon), the predicted phenology ``LAI`` [m2 m-2]
        and ``EVI`` [1] (time, lat, lon) where it was added, ``igbp_fraction`` (igbp, lat, lon) of the land of the
        cell, ``koeppen``, ``continent`` and ``region`` (lat, lon) with the CF attributes ``flag_values`` and
        ``flag_meanings``, and ``land_fraction`` (lat, lon).

    Raises:
        TamrlError: the file is missing or damaged.
    """
    path = path or earth_path()
    try:
        return _opened(str(path), path.stat().st_mtime)
    except (OSError, ValueError) as error:
        raise TamrlError(
            f"The bundled global drivers cannot be read: {error}",
            str(path),
            "Restore the file, or run python assets/build_earth.py",
        ) from error


def flags(field: xr.DataArray) -> dict[int, str]:
    """Return code -> name of a field with CF flags; names are as in the file, with underscores for spaces."""
    values = np.atleast_1d(field.attrs["flag_values"]).astype(int).tolist()
    return dict(zip(values, str(field.attrs["flag_meanings"]).split(), strict=True))


def igbp_class(earth: xr.Dataset) -> xr.DataArray:
    """Return the largest IGBP class of the land of each cell, (lat, lon) int8 with CF flags; 0 where there is none."""
    share = earth["igbp_fraction"].fillna(0)
    largest = share.argmax("igbp").astype(np.int8) + np.int8(1)
    names = earth["igbp"].values.astype(str)
    found = largest.where(share.max("igbp") > 0, NONE).astype(np.int8).drop_vars("igbp", errors="ignore")
    found.attrs = {
        "long_name": "Largest IGBP land-cover class",
        "flag_values": np.arange(len(names) + 1, dtype=np.int8),
        "flag_meanings": " ".join(["none", *names]),
    }
    return found


def at_positions(earth: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> pd.DataFrame:
    """Return what the bundled global drivers hold for N positions, each from its cell or the nearest land in a degree.

    Args:
        earth: of ``load_earth``.
        lat: (N,) degrees north.
        lon: (N,) degrees east.

    Returns:
        N rows with those of ``STATIC_DRIVERS`` that the file has and the class ``koeppen`` (``unknown`` where there is
        none); missing further from land than a degree and where the position is not known.
    """
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    names, near = flags(earth["koeppen"]), land_cells(earth, lat, lon)
    known = near >= 0
    rows, columns = np.unravel_index(np.where(known, near, 0), (earth.sizes["lat"], earth.sizes["lon"]))
    table = {n: np.where(known, earth[n].values[rows, columns], np.nan) for n in STATIC_DRIVERS if n in earth}
    codes = np.where(known, earth["koeppen"].values[rows, columns], NONE)
    return pd.DataFrame(table | {"koeppen": [UNKNOWN if c == NONE else names[int(c)] for c in codes]})


def land_cells(earth: xr.Dataset, lat: np.ndarray, lon: np.ndarray, reach: float = 1.0) -> np.ndarray:
    """Return the flat index (N,) of the land cell nearest to each position, -1 with none within ``reach`` degrees."""
    from scipy.spatial import cKDTree

    grid_lat, grid_lon = np.meshgrid(earth["lat"].values, earth["lon"].values, indexing="ij")
    land = np.flatnonzero((earth["land_fraction"].values > 0) & np.isfinite(earth["TA"].values[0]))
    tree = cKDTree(_unit(grid_lat.ravel()[land], grid_lon.ravel()[land]))
    known = np.isfinite(lat) & np.isfinite(lon)
    distance, index = tree.query(_unit(np.where(known, lat, 0), np.where(known, lon, 0)))
    # The chord of an angle on the unit sphere.
    return np.where(known & (distance <= 2 * np.sin(np.deg2rad(reach) / 2)), land[index], -1)


def _unit(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Return (N, 3) points of the unit sphere."""
    phi, theta = np.deg2rad(lat), np.deg2rad(lon)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)
