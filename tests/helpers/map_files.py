"""Made-up global maps that keep the contract of tamrl.globe.contract, and global drivers like the bundled ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.globe.contract import SD, add_bounds, check_maps, flux_attributes, month_starts
from tamrl.schema import IGBP

KOEPPEN = ("none", "Af", "BWh", "Cfb", "Dfb", "ET")
CONTINENTS = ("none", "Africa", "Asia", "Europe", "North_America", "South_America", "Oceania")
REGIONS = ("none", "Tropics", "North", "South")


def grid(step: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres of the whole globe."""
    return np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)


def land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Two continents, 20 W - 60 E and 120 - 60 W, from 50 S to 70 N, with a coast of half land; 0-1 (lat, lon)."""
    inside = ((lon > -20) & (lon < 60)) | ((lon > -120) & (lon < -60))
    coast = (np.abs(lon + 20) < 3) | (np.abs(lon - 60) < 3) | (np.abs(lon + 60) < 3) | (np.abs(lon + 120) < 3)
    return ((lat > -50) & (lat < 70))[:, None] * np.where(inside, np.where(coast, 0.5, 1.0), 0.0)[None]


def dataset(
    step: float = 2.0,
    *,
    title: str = "Made-up maps",
    kind: str = "model",
    scale: float = 1.0,
    years: int = 0,
    fluxes: tuple[str, ...] = ("GPP", "RECO", "NEE"),
    seed: int = 0,
) -> xr.Dataset:
    """Maps in memory: GPP peaks at the equator and in the summer of each half; years 0 is a climatology."""
    lat, lon = grid(step)
    time = month_starts() if not years else pd.date_range("2001-01-01", periods=12 * years, freq="MS")
    share = land(lat, lon)
    wave = np.cos(2 * np.pi * (time.month.to_numpy() - 7) / 12)
    base = 8 * np.exp(-((lat / 40) ** 2))
    season = 1 + 0.8 * np.sin(np.deg2rad(lat))[None] * wave[:, None]
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.standard_normal((lat.size, lon.size))
    values = scale * (base[None] * season)[:, :, None] * (1 + noise)
    trend = 1 + 0.02 * (time.year.to_numpy() - time.year.min())[:, None, None]
    fields = {"GPP": values * trend, "RECO": 0.8 * values + 0.4}
    fields["NEE"] = fields["RECO"] - fields["GPP"]
    sea = ~(share > 0)
    ds = xr.Dataset(coords={"time": time, "lat": lat, "lon": lon})
    for name in fluxes:
        found = np.where(sea[None], np.nan, fields[name]).astype(np.float32)
        ds[name] = (("time", "lat", "lon"), found, flux_attributes(name))
        spread = (0.1 + 0.1 * np.abs(found)).astype(np.float32)
        if kind == "model":
            ds[name + SD] = (("time", "lat", "lon"), spread, flux_attributes(name + SD))
    ds["land_fraction"] = (("lat", "lon"), share.astype(np.float32), {"units": "1", "long_name": "Land fraction"})
    if kind == "model":
        far = np.where(sea, np.nan, np.abs(lat)[:, None] / 60 + 0 * share)
        attrs = {"units": "1", "long_name": "Dissimilarity index", "threshold": 0.8}
        ds["extrapolation"] = (("lat", "lon"), far.astype(np.float32), attrs)
        ds["code"] = (("component", "lat", "lon"), np.stack([base[:, None] + noise, noise]).astype(np.float32))
    ds.attrs = {
        "title": title,
        "source": "made up for tests",
        "citation": "none",
        "license": "CC0-1.0",
        "kind": kind,
        "simulated": 1,
        "derived": "",
        "version": "1",
    }
    if not years:
        ds.attrs["climatology"] = "2001-2010"
    return check_maps(add_bounds(ds))


def write(path: Path, **settings) -> Path:
    """Write made-up maps as NetCDF, or as Zarr where the path ends so."""
    ds = dataset(**settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zarr":
        ds.to_zarr(path, mode="w", zarr_format=3, consolidated=False)
    else:
        packed = {name: {"zlib": True} for name in ds.data_vars if name[-5:] != "_bnds"}
        ds.to_netcdf(path, engine="netcdf4", encoding=packed | {"time": {"units": "days since 2001-01-01"}})
    return path


def folder(path: Path, step: float = 2.0) -> Path:
    """A folder of three sets of maps: two models and a product of ten years on a coarser grid."""
    write(path / "first.nc", step=step, title="First model (SIMULATED)")
    write(path / "second.nc", step=step, title="Second model (SIMULATED)", scale=1.3, seed=1)
    write(
        path / "third.nc",
        step=2 * step,
        title="Third product (SIMULATED)",
        kind="product",
        years=10,
        scale=0.8,
        fluxes=("GPP", "NEE"),
    )
    return path


def earth(step: float = 2.0) -> xr.Dataset:
    """Global drivers with the variables of the bundled ones, made up."""
    lat, lon = grid(step)
    time = month_starts()
    share = land(lat, lon)
    wave = np.cos(2 * np.pi * (time.month.to_numpy() - 7) / 12)
    ds = xr.Dataset(coords={"time": time, "lat": lat, "lon": lon, "igbp": list(IGBP)})
    warm = 28 - 0.5 * np.abs(lat)[None] + 10 * np.sin(np.deg2rad(lat))[None] * wave[:, None]
    ds["TA"] = (("time", "lat", "lon"), np.repeat(warm[..., None], lon.size, axis=2), {"units": "degC"})
    ds["P_MON"] = (("time", "lat", "lon"), np.full((12, lat.size, lon.size), 2.0), {"units": "mm d-1"})
    ds["SW_IN_POT"] = (("time", "lat"), 400 * np.cos(np.deg2rad(lat))[None] + 0 * wave[:, None], {"units": "W m-2"})
    for name, value in (("NDVI_MIN", 0.2), ("NDVI_MAX", 0.7), ("C4", 0.1)):
        ds[name] = (("lat", "lon"), np.full(share.shape, value), {"units": "1"})
    fractions = np.zeros((len(IGBP), lat.size, lon.size))
    fractions[list(IGBP).index("EBF"), np.abs(lat) < 20] = 1
    fractions[list(IGBP).index("GRA"), np.abs(lat) >= 20] = 1
    ds["igbp_fraction"] = (("igbp", "lat", "lon"), fractions, {"units": "1"})
    zone = np.digitize(np.abs(lat), [15, 30, 45, 60]) + 1
    classes = np.where(share > 0, zone[:, None], 0)
    west = np.where(lon < -30, 0, 1)[None]
    continent = np.where(
        share > 0, np.where(west == 0, np.where(lat[:, None] > 10, 4, 5), 1 + 2 * (lat[:, None] > 36)), 0
    )
    region = np.where(share > 0, np.where(np.abs(lat) < 23, 1, np.where(lat > 0, 2, 3))[:, None], 0)
    for name, values, words in (
        ("koeppen", classes, KOEPPEN),
        ("continent", continent, CONTINENTS),
        ("region", region, REGIONS),
    ):
        flags = {"flag_values": np.arange(len(words), dtype=np.int8), "flag_meanings": " ".join(words)}
        ds[name] = (("lat", "lon"), values.astype(np.int8), flags)
    ds["land_fraction"] = (("lat", "lon"), share, {"units": "1"})
    ds.attrs = {"title": "Made-up Earth", "source": "made up for tests", "simulated": 1}
    return ds
