"""SIMULATED drivers on a global grid, cheap to make at any resolution: for tests and for measuring the engine.

A seasonal course by latitude with weather on top, on the land of the bundled global drivers. No value is observed.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.globe.earth import igbp_class, load_earth

#: How the store holds the fields: a few whole maps in one piece, or whole series of some cells.
Order = Literal["maps", "series"]
#: Steps in one block of whole maps; rows and columns in one block of series.
MAPS_AT_ONCE, CELLS_AT_ONCE = 4, 32
_FIELDS = {
    "TA": ("K", "Air temperature"),
    "SW_IN": ("W m-2", "Incoming shortwave radiation"),
    "VPD": ("hPa", "Vapour pressure deficit"),
}


def weather(lat: np.ndarray, lon: np.ndarray, time: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """Return synthetic TA [K], SW_IN [W m-2] and VPD [hPa], (T, R, C) float32 each.

    Args:
        lat: (R,) degrees north.
        lon: (C,) degrees east.
        time: (T,) days or months.
    """
    season = np.cos(2 * np.pi * (time.day_of_year.to_numpy() - 200) / 365.25)[:, None, None].astype(np.float32)
    phi, theta = np.deg2rad(lat)[:, None].astype(np.float32), np.deg2rad(lon)[None].astype(np.float32)
    day = ((time - time[0]).days.to_numpy() % 97)[:, None, None].astype(np.float32)
    # Weather: waves that travel eastward.
    wave = np.sin(5 * theta - 0.7 * day + 3 * phi).astype(np.float32)
    warm = 299 - 42 * np.sin(phi) ** 2 + 14 * np.sin(phi) * season + 3 * wave
    light = np.clip(190 + 190 * np.cos(phi) - 190 * (1 - np.sin(phi) * season) + 40 * wave, 5, 420)
    dry = np.clip(2 + 0.45 * (warm - 273.15) + 2 * wave, 0.1, 60)
    return {"TA": warm, "SW_IN": light, "VPD": dry}


def _statics(lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    """Return land and classes of the nearest cells of the bundled drivers, from north to south, as most products."""
    earth = load_earth()
    near = {"lat": xr.DataArray(lat[::-1], dims="lat"), "lon": xr.DataArray(lon, dims="lon")}
    statics = xr.Dataset(
        {"land_fraction": earth["land_fraction"], "igbp": igbp_class(earth), "koeppen": earth["koeppen"]}
    )
    attrs = {
        "title": "SIMULATED drivers",
        "source": "SIMULATED by tamrl.evaluation.benchmark.synthetic_drivers",
        "simulated": 1,
    }
    return statics.sel(near, method="nearest").assign_coords(lat=lat[::-1], lon=lon).assign_attrs(attrs)


def write_synthetic(path: Path, degrees: float, time: pd.DatetimeIndex, order: Order = "series") -> Path:
    """Write synthetic drivers as Zarr, in bounded memory.

    Args:
        path: store to write.
        degrees: size of a cell; 180 must be a multiple.
        time: (T,) days or months.
        order: how the store holds them.

    Returns:
        ``path``.
    """
    import zarr

    lat, lon = (np.arange(-half + degrees / 2, half, degrees) for half in (90, 180))
    ds = _statics(lat, lon).assign_coords(time=time)
    ds.drop_encoding().to_zarr(path, mode="w", zarr_format=3, consolidated=False)
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    shape = (len(time), lat.size, lon.size)
    maps = order == "maps"
    blocks = (MAPS_AT_ONCE, *shape[1:]) if maps else (len(time), CELLS_AT_ONCE, CELLS_AT_ONCE)
    arrays = {
        name: group.create_array(
            name,
            shape=shape,
            chunks=blocks,
            dtype="float32",
            fill_value=np.float32(np.nan),
            dimension_names=("time", "lat", "lon"),
            attributes={"units": unit, "long_name": label},
        )
        for name, (unit, label) in _FIELDS.items()
    }
    land = ds["land_fraction"].values > 0
    pieces = (
        [(slice(t, t + MAPS_AT_ONCE), slice(0, lat.size)) for t in range(0, len(time), MAPS_AT_ONCE)]
        if maps
        else [(slice(0, len(time)), slice(r, r + CELLS_AT_ONCE)) for r in range(0, lat.size, CELLS_AT_ONCE)]
    )
    for steps, rows in pieces:
        for name, values in weather(lat[::-1][rows], lon, time[steps]).items():
            arrays[name][steps, rows] = np.where(land[rows], values, np.float32(np.nan))
    return path
