"""Cases 29 and its kin: drivers are placed by the same rules as products."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.timestep import TimeStep
from tamrl.upscale.drivers.mapping import default_mapping
from tamrl.upscale.drivers.open import open_drivers
from tamrl.upscale.drivers.read import read_driver

LAT, LON = np.arange(44.5, 47, 1.0), np.arange(5.5, 8, 1.0)
UNIT = "days since 2001-01-01"


def drivers(path, labels, values, bounds=None, calendar="standard", name="TA", unit="degC", **attrs):
    field = np.asarray(values, "f4")[:, None, None] + np.zeros((1, 3, 3), "f4")
    ds = xr.Dataset(
        {name: (("time", "lat", "lon"), field, {"units": unit, **attrs})},
        {"time": ("time", np.asarray(labels, float), {"units": UNIT, "calendar": calendar}), "lat": LAT, "lon": LON},
    )
    if bounds is not None:
        ds["time_bnds"] = (("time", "bnds"), bounds)
        ds["time"].attrs["bounds"] = "time_bnds"
    ds.to_netcdf(path)


def series(path, step=TimeStep.DAILY, name="TA"):
    found = open_drivers([path], default_mapping(), (name,), step)
    return pd.Series(read_driver(found.drivers[name], slice(0, 1), slice(0, 1)).ravel(), found.time)


@pytest.mark.parametrize("shift", [0.0, -0.0625, 0.125])
def test_29_days_whose_bounds_are_off_by_hours(tmp_path, shift):
    d = np.arange(59.0)
    day = (pd.Timestamp("2001-01-01") + pd.to_timedelta(d, "D")).day
    low = d + shift
    drivers(tmp_path / "a.nc", low + 0.5, day, np.stack([low, low + 1], axis=1))
    found = series(tmp_path / "a.nc")
    assert list(found.index) == list(pd.date_range("2001-01-01", periods=59))
    assert (found == found.index.day).all()


def test_sums_of_months_labelled_by_their_end(tmp_path):
    edge = np.array([0, 31, 59, 90, 120])
    drivers(
        tmp_path / "a.nc",
        edge[1:],
        np.diff(edge),
        np.stack([edge[:-1], edge[1:]], axis=1),
        name="P",
        unit="kg m-2",
        cell_methods="time: sum",
    )
    found = series(tmp_path / "a.nc", TimeStep.MONTHLY, "P")
    assert list(found.index) == list(pd.date_range("2001-01-01", periods=4, freq="MS"))
    np.testing.assert_allclose(found, 1.0)


def test_days_without_a_date_are_left_out(tmp_path):
    drivers(tmp_path / "a.nc", np.arange(366) + 0.5, np.arange(366) / 10, calendar="all_leap")
    found = series(tmp_path / "a.nc")
    assert len(found) == 365
    assert found["2001-02-28"] == pytest.approx(5.8)
    assert found["2001-03-01"] == pytest.approx(6.0)


def test_a_missing_time_and_annual_maps_are_refused(tmp_path):
    drivers(tmp_path / "a.nc", [0, 1, np.nan], [1, 2, 3])
    with pytest.raises(TamrlError, match="The time of step 3 of 3 is missing"):
        series(tmp_path / "a.nc")
    drivers(tmp_path / "b.nc", [182.5, 547.5], [1, 2])
    with pytest.raises(TamrlError, match="TA comes in years"):
        series(tmp_path / "b.nc", TimeStep.MONTHLY)
