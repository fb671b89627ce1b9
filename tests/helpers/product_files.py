"""Writers of small gridded products in the exact published layouts. The values are made up: files written for tests."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.globe.contract import check_maps

DAYS = {"units": "days since 1970-01-01", "dtype": "float64"}
MADE_UP = "SIMULATED values in the layout of {}, written for a test"


def centres(step: float) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of the cells of a regular global grid, both ascending."""
    return np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)


def fluxes(time: pd.DatetimeIndex, lat: np.ndarray, lon: np.ndarray) -> dict[str, np.ndarray]:
    """GPP, RECO and NEE = RECO - GPP, (T, Y, X) gC m-2 d-1, with summers, deserts and an ocean of missing values."""
    month = time.month.to_numpy()[:, None, None]
    y, x = lat[None, :, None], lon[None, None, :]
    summer = 0.5 + 0.5 * np.cos(2 * np.pi * (month - 7) / 12) * np.sign(y)
    wet = 0.5 + 0.5 * np.sin(np.deg2rad(3 * x))
    gpp = 12 * np.cos(np.deg2rad(y)) * (0.2 + 0.8 * summer) * wet + 0 * month
    reco = 0.4 * gpp + 0.8
    ocean = np.broadcast_to((x > 100) & (y < 0), gpp.shape)
    gpp, reco = (np.where(ocean, np.nan, values).astype(np.float32) for values in (gpp, reco))
    return {"GPP": gpp, "RECO": reco, "NEE": reco - gpp}


def land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Share of land, (Y, X), with halves on a coast."""
    share = np.ones((lat.size, lon.size), np.float32)
    share[:, lon > 100] = 0.5
    return share


def _year(year: int) -> pd.DatetimeIndex:
    return pd.date_range(f"{year}-01-01", periods=12, freq="MS")


def write_xbase(
    folder: Path,
    flux: str,
    year: int,
    step: float = 10.0,
    resolution: str = "050",
    sign: int = 1,
    attrs: dict | None = None,
) -> Path:
    """A monthly file of FLUXCOM-X-BASE: latitudes descending, ``time_bnds``, ``land_fraction``, ``conventions``."""
    lat, lon = centres(step)
    time = _year(year)
    values = sign * fluxes(time, lat, lon)[flux][:, ::-1]
    stop = time + pd.offsets.MonthBegin()
    ds = xr.Dataset(
        {
            flux: (("time", "lat", "lon"), values, {"units": "gC m-2 d-1", "long_name": flux}),
            "land_fraction": (("lat", "lon"), land(lat, lon)[::-1]),
            "time_bnds": (("time", "nv"), np.stack([time, stop], axis=1)),
        },
        {"time": ("time", time + (stop - time) / 2, {"bounds": "time_bnds"}), "lat": lat[::-1], "lon": lon},
        {"conventions": "CF-1.8", "title": MADE_UP.format("FLUXCOM-X-BASE")} | (attrs or {}),
    )
    path = folder / f"{flux}_{year}_{resolution}_monthly.nc"
    ds.to_netcdf(path, encoding={flux: {"chunksizes": (1, lat.size, lon.size), "zlib": True}, "time": DAYS})
    return path


def write_xbase_hourly(folder: Path, days: int = 3, hours: int = 24) -> Path:
    """An hourly Zarr store of FLUXCOM-X-BASE, (time, hour, lat, lon) in umolCO2 m-2 s-1."""
    lat, lon = centres(10.0)
    time = pd.date_range("2015-07-01", periods=days)
    light = np.sin(np.linspace(0, 2 * np.pi, hours, endpoint=False)).clip(0)
    gpp = fluxes(time, lat, lon)["GPP"][:, None] * light[None, :, None, None].astype(np.float32)
    ds = xr.Dataset(
        {"GPP": (("time", "hour", "lat", "lon"), gpp[:, :, ::-1], {"units": "umolCO2 m-2 s-1"})},
        {"time": time, "hour": np.arange(hours), "lat": lat[::-1], "lon": lon},
        {"conventions": "CF-1.8", "title": MADE_UP.format("FLUXCOM-X-BASE, hourly"), "product": "FLUXCOM-X-BASE"},
    )
    path = folder / "GPP_2015_050_hourly.zarr"
    ds.to_zarr(path, zarr_format=2, consolidated=True)
    return path


def write_metaflux(folder: Path, year: int, month: int | None = None, old: bool = False, step: float = 10.0) -> Path:
    """A monthly (or, with a month, daily) file of MetaFlux; an older one has other coordinates and no dates."""
    lat, lon = centres(step)
    start = pd.Timestamp(year, month or 1, 1)
    time = _year(year) if month is None else pd.date_range(start, start + pd.offsets.MonthEnd())
    data = fluxes(time, lat, lon)
    names = ("time", "latitude", "longitude") if old else ("time", "lat", "lon")
    unit = {"units": "$gCm^{-2}d^{-1}$"}
    fields = {}
    for flux in ("GPP", "RECO"):
        fields[flux] = (names, np.where(np.isnan(data[flux]), -9999.0, data[flux]).astype(np.float32), unit)
        fields[f"{flux}_std"] = (names, 0.1 * data[flux], unit)
    axes = {names[1]: lat, names[2]: lon, "time": np.arange(len(time)) if old else time}
    ds = xr.Dataset(fields, axes, {"title": MADE_UP.format("MetaFlux")})
    kind = "monthly" if month is None else "daily"
    path = folder / f"METAFLUX_GPP_RECO_{kind}_{year}{'' if month is None else f'{month:02d}'}.nc"
    ds.to_netcdf(path)
    return path


def write_cedar(folder: Path, year: int, month: int, setup: str = "ST_CFE-Hybrid_NT", version: str = "v01") -> Path:
    """A file of CEDAR-GPP: (time, y, x), int16, with SCALE_FACTOR and FILL_VALUE that no reader applies."""
    lat, lon = centres(10.0)
    time = pd.DatetimeIndex([pd.Timestamp(year, month, 1)])
    gpp = fluxes(time, lat, lon)["GPP"][:, ::-1]
    packing = {"SCALE_FACTOR": 0.01, "FILL_VALUE": -9999, "units": "gC m-2 day-1"}

    def packed(values: np.ndarray) -> tuple:
        return ("time", "y", "x"), np.where(np.isnan(values), -9999, np.round(values * 100)).astype(np.int16), packing

    ds = xr.Dataset(
        {"GPP_mean": packed(gpp), "GPP_std": packed(0.1 * gpp)},
        {"time": time, "y": lat[::-1], "x": lon},
        {"title": MADE_UP.format("CEDAR-GPP")},
    )
    path = folder / f"CEDAR-GPP_{version}_{setup}_{year}{month:02d}.nc"
    ds.to_netcdf(path)
    return path


def write_cmip(
    folder: Path,
    variable: str,
    calendar: str = "noleap",
    methods: str = "area: mean where land time: mean",
    years: tuple[int, int] = (2000, 2001),
    member: str = "r1i1p1f1",
) -> Path:
    """A file of CMIP6: kg m-2 s-1, mid-month times in a calendar of the model, longitudes 0 to 360, fills of 1e20."""
    lat, lon = centres(10.0)
    east = np.sort(lon % 360)
    order = np.argsort(lon % 360)
    months = 12 * (years[1] - years[0] + 1)
    civil = pd.date_range(f"{years[0]}-01-01", periods=months, freq="MS")
    data = fluxes(civil, lat, lon)
    whole = {
        "gpp": data["GPP"],
        "ra": 0.5 * data["RECO"],
        "rh": 0.5 * data["RECO"],
        "nbp": -data["NEE"] - 0.1,
        "tas": 280 + data["GPP"],
    }[variable]
    cell = variable != "tas" and "where land" not in methods
    values = whole * (land(lat, lon) if cell else 1) / (1 if variable == "tas" else 1000 * 86400)
    edges = xr.date_range(f"{years[0]}-01-01", periods=months + 1, freq="MS", calendar=calendar, use_cftime=True).values
    middle = np.array([a + (b - a) / 2 for a, b in pairwise(edges)])
    ds = xr.Dataset(
        {
            variable: (
                ("time", "lat", "lon"),
                values[:, :, order].astype(np.float32),
                {"units": "K" if variable == "tas" else "kg m-2 s-1", "cell_methods": methods},
            ),
            "time_bnds": (("time", "bnds"), np.stack([edges[:-1], edges[1:]], axis=1)),
        },
        {"time": ("time", middle, {"bounds": "time_bnds"}), "lat": lat, "lon": east},
        {
            "mip_era": "CMIP6",
            "source_id": "TEST-ESM",
            "experiment_id": "historical",
            "variant_label": member,
            "grid_label": "gn",
            "table_id": "Lmon",
            "frequency": "mon",
            "title": MADE_UP.format("CMIP6"),
            "institution": "None",
            "license": "CC0-1.0",
            "version": "v20200101",
        },
    )
    path = folder / f"{variable}_Lmon_TEST-ESM_historical_{member}_gn_{years[0]}01-{years[1]}12.nc"
    fill = {"_FillValue": np.float32(1e20)}
    ds.to_netcdf(path, encoding={variable: fill, "time": {"units": "days since 1850-01-01", "calendar": calendar}})
    return path


def write_sftlf(folder: Path) -> Path:
    """The land fraction beside a CMIP6 run, percent."""
    lat, lon = centres(10.0)
    order = np.argsort(lon % 360)
    ds = xr.Dataset(
        {"sftlf": (("lat", "lon"), 100 * land(lat, lon)[:, order], {"units": "%"})},
        {"lat": lat, "lon": (lon % 360)[order]},
        {"mip_era": "CMIP6", "source_id": "TEST-ESM", "experiment_id": "historical", "variant_label": "r1i1p1f1"},
    )
    path = folder / "sftlf_fx_TEST-ESM_historical_r1i1p1f1_gn.nc"
    ds.to_netcdf(path)
    return path


def write_trendy(folder: Path, variable: str, times: str = "months since 2000-01-16") -> Path:
    """A file of TRENDY: the model and the scenario in its name, times that need care, an old name of the unit."""
    lat, lon = centres(10.0)
    data = fluxes(pd.date_range("2000-01-01", periods=24, freq="MS"), lat, lon)
    values = {"gpp": data["GPP"], "ra": 0.5 * data["RECO"], "rh": 0.5 * data["RECO"]}[variable] / (1000 * 86400)
    ds = xr.Dataset(
        {variable: (("time", "latitude", "longitude"), values.astype(np.float32), {"units": "kgC/m2/s"})},
        {"time": ("time", np.arange(24), {"units": times}), "latitude": lat, "longitude": lon},
        {"comment": MADE_UP.format("TRENDY")},
    )
    path = folder / f"TESTVEG_S3_{variable}.nc"
    ds.to_netcdf(path)
    return path


#: The grid of most files here.
LAT, LON = centres(10.0)


def truth(year: int = 2015, months: int = 12) -> dict[str, np.ndarray]:
    """The fluxes of the months that files of a year are written from."""
    return fluxes(pd.date_range(f"{year}-01-01", periods=months, freq="MS"), LAT, LON)


def agrees(maps: xr.Dataset, flux: str, expected: np.ndarray, rtol: float = 1e-5) -> None:
    """Assert that maps keep the contract and that a flux has the values expected."""
    assert check_maps(maps) is maps
    np.testing.assert_allclose(maps[flux].values, expected, rtol=rtol, atol=1e-6)


def written(tmp_path: Path, **fields: tuple[np.ndarray, str]) -> Path:
    """A NetCDF file with variables of made-up names."""
    time = pd.date_range("2015-01-01", periods=12, freq="MS")
    data = {n: (("time", "lat", "lon"), v, {"units": u}) for n, (v, u) in fields.items()}
    path = tmp_path / "anything.nc"
    xr.Dataset(data, {"time": time, "lat": LAT, "lon": LON}, {"title": "SIMULATED"}).to_netcdf(path)
    return path
