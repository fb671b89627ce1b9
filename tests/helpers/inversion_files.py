"""Writers of small files of atmospheric inversions in the published layouts. The values are made up for tests."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from product_files import LAT, LON, MADE_UP, fluxes

#: gC to mol of CO2, and seconds of a day.
MOL, DAY = 1 / 12.011, 86_400.0


def nbe(time: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return biosphere and fires (T, Y, X), gC m-2 d-1 per area of the cell, zero over the sea."""
    data = fluxes(time, LAT, LON)
    return np.nan_to_num(data["NEE"]), np.nan_to_num(0.05 * data["GPP"])


def write_carbontracker(folder: Path, start: str, months: int, name: str = "CT2022.flux1x1-monthly.nc") -> Path:
    """CarbonTracker: (time, latitude, longitude), mol m-2 s-1, components apart, calendar parts beside them."""
    time = pd.date_range(start, periods=months, freq="MS")
    bio, fire = nbe(time)
    return _carbontracker(folder / name, time + pd.Timedelta(days=14), bio, fire)


def write_carbontracker_month(folder: Path, year: int, month: int) -> Path:
    """CarbonTracker: a month of three-hourly steps, whose mean is the flux of that month."""
    first = pd.DatetimeIndex([pd.Timestamp(year, month, 1)])
    bio, fire = nbe(first)
    time = pd.date_range(first[0] + pd.Timedelta(hours=1.5), periods=16, freq="3h")
    swing = np.cos(2 * np.pi * np.arange(16) / 8)[:, None, None]
    return _carbontracker(
        folder / f"CT2022.flux1x1.{year}{month:02d}.nc", time, bio * (1 + 2 * swing), np.repeat(fire, 16, axis=0)
    )


def _carbontracker(path: Path, time: pd.DatetimeIndex, bio: np.ndarray, fire: np.ndarray) -> Path:
    unit = {"units": "mol m-2 s-1", "comment": "surface_carbon_dioxide_mole_flux"}
    dims = ("time", "latitude", "longitude")
    parts = np.stack([time.year, time.month, time.day, time.hour, time.minute, time.second], axis=1)
    fields = {
        "bio_flux_opt": bio,
        "fire_flux_imp": fire,
        "ocn_flux_opt": 0.3 * fire - 0.1,
        "fossil_flux_imp": 0 * fire + 1,
    }
    ds = xr.Dataset(
        {n: (dims, (v * MOL / DAY).astype(np.float32), unit) for n, v in fields.items()}
        | {"time_components": (("time", "calendar_components"), parts.astype(np.int32))},
        {"time": time, "latitude": LAT, "longitude": LON},
        {"title": MADE_UP.format("CarbonTracker"), "Notes": "This file contains CarbonTracker surface CO2 fluxes."},
    )
    ds.to_netcdf(path, encoding={"time": {"units": "days since 2000-01-01", "dtype": "float64"}})
    return path


def write_cams(folder: Path, year: int, month: int, name: str = "cams73_latest_co2_flux_surface_mm_{}.nc") -> Path:
    """CAMS: one month a file without a time axis, kgC m-2 month-1, with area and lsf."""
    time = pd.DatetimeIndex([pd.Timestamp(year, month, 1)])
    bio, fire = nbe(time)
    whole, dims = (bio + fire)[0, ::-1], ("latitude", "longitude")
    factor = time[0].days_in_month / 1000
    unit = {"units": "kgC m-2 month-1"}
    ds = xr.Dataset(
        {
            "flux_apos_bio": (dims, (whole * factor).astype(np.float32), unit),
            "flux_apri_bio": (dims, (0.5 * whole * factor).astype(np.float32), unit),
            "flux_apos_ocean": (dims, np.full_like(whole, -0.01, dtype=np.float32), unit),
            "flux_foss": (dims, np.full_like(whole, 0.02, dtype=np.float32), unit),
            "area": (dims, np.full_like(whole, 1e10), {"units": "m2"}),
            "lsf": (dims, (whole != 0).astype(np.float32), {"units": "0-1"}),
        },
        {"latitude": LAT[::-1], "longitude": LON},
        {"title": MADE_UP.format("the CAMS inversion")},
    )
    path = folder / name.format(f"{year}{month:02d}")
    ds.to_netcdf(path)
    return path


def write_oco2mip(folder: Path, model: str = "EnsMean", experiment: str = "LNLG", months: int = 12) -> Path:
    """OCO-2 MIP: land and ocean, gC m-2 yr-1, months told by start_date alone."""
    time = pd.date_range("2015-01-01", periods=months, freq="MS")
    bio, fire = nbe(time)
    land = 365.25 * (0.2 * fire if model == "EnsStd" else bio + fire)
    dims, unit = ("time", "latitude", "longitude"), {"units": "gC/m2/year"}
    starts = np.stack([time.year, time.month, time.day, 0 * time.day, 0 * time.day, 0 * time.day], axis=1)
    ds = xr.Dataset(
        {
            "land": (dims, land.astype(np.float32), unit),
            "ocean": (dims, np.full_like(land, -20, dtype=np.float32), unit),
            "start_date": (("time", "n_date"), starts.astype(np.int32)),
        },
        {"latitude": LAT, "longitude": LON},
        {"title": MADE_UP.format("the OCO-2 MIP")},
    )
    path = folder / f"{model}_gridded_fluxes_{experiment}.nc4"
    ds.to_netcdf(path)
    return path
