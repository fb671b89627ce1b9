"""Cases 13, 18, 24 and 33: valid ranges, undeclared fills, the sign of GPP, and amounts without a period."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.stored import Tally
from tamrl.maps.products.registry import open_product
from tamrl.timestep import TimeStep
from tamrl.upscale.drivers.mapping import DriverEntry, Mapping
from tamrl.upscale.drivers.open import open_drivers
from tamrl.upscale.drivers.read import read_driver

TIME = pd.date_range("2001-01-01", periods=12, freq="MS")
LAT, LON = np.arange(-85.0, 90, 10), np.arange(-175.0, 180, 10)
AXES = {"time": TIME, "lat": LAT, "lon": LON}


def summer():
    """GPP of both hemispheres' summers, (T, Y, X)."""
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(12) + 0.5) / 12)[:, None, None] * np.sign(LAT)[None, :, None]
    return (10 * wave * np.cos(np.deg2rad(LAT))[None, :, None] + np.zeros((1, 1, 36))).astype("f4")


def written(path, attrs=None, encoding=None, bad=None, **fields):
    ds = xr.Dataset(coords=AXES)
    for name, values in fields.items():
        values = values.copy()
        if bad is not None:
            values[:, :, :9] = bad
        ds[name] = (("time", "lat", "lon"), values, {"units": "gC m-2 d-1"} | (attrs or {}))
    ds.to_netcdf(path, encoding=dict.fromkeys(fields, encoding or {}))
    return path


RAW = (summer() / 0.01).round().astype("i2")
PACKED = {"scale_factor": 0.01, "add_offset": 0.0}


@pytest.mark.parametrize(
    ("attrs", "fill", "bad"),
    [
        ({"valid_range": np.array([0, 3000], "i2")}, 32767, 32761),
        ({"valid_min": np.int16(0), "valid_max": np.int16(3000)}, 32767, 32761),
        # In unpacked units, as text, and in packed units as a decimal number.
        ({"valid_range": np.array([0.0, 30.0])}, 32767, 32761),
        ({"valid_range": "0, 3000"}, 32767, 32761),
        ({"valid_max": 3000.0}, 32767, 32761),
        ({}, None, -9999),
        ({}, -32768, -9999),
        ({}, None, 32767),
    ],
)
def test_packed_values_that_are_not_valid_are_missing(tmp_path, attrs, fill, bad):
    written(tmp_path / "a.nc", attrs | PACKED, {"_FillValue": fill} if fill else {}, bad, gpp=RAW)
    found = open_product(tmp_path / "a.nc", mapping={"GPP": "gpp"})
    expected = summer()
    expected[:, :, :9] = np.nan
    np.testing.assert_allclose(found["GPP"].values, expected, atol=0.006)
    assert "taken as missing" in found.attrs["notes"]


@pytest.mark.parametrize(("number", "stated"), [(-9999, True), (-9999, False), (-5000, True)])
def test_packed_values_that_are_possible_stay(tmp_path, number, stated):
    values = np.where(np.arange(12)[:, None, None] == 6, number, RAW).astype("i2")
    attrs = {"scale_factor": 0.001, "add_offset": 0.0} | ({"_FillValue": np.int16(32767)} if stated else {})
    written(tmp_path / "a.nc", attrs, gpp=RAW, nee=values)
    found = open_product(tmp_path / "a.nc", mapping={"NEE": {"variable": "nee", "sign": 1}})
    # -9.999 is a possible NEE where the file declares another fill value.
    seen = found["NEE"].values[6]
    assert np.allclose(seen, number / 1000) if stated else np.isnan(seen).all()


@pytest.mark.parametrize("bad", [-9999.0, 1e20, 9.96921e36])
def test_undeclared_fills_of_drivers_are_missing_and_counted(tmp_path, bad):
    values = summer() + 273.15
    written(tmp_path / "a.nc", {"units": "K"}, {"_FillValue": None}, bad, TA=values)
    found = open_drivers([tmp_path / "a.nc"], Mapping({"TA": DriverEntry(("TA",))}, {}), ("TA",), TimeStep.MONTHLY)
    tally = Tally()
    made = read_driver(found.drivers["TA"], slice(0, 18), slice(0, 36), tally)
    assert np.isnan(made[:, :, :9]).all()
    np.testing.assert_allclose(made[:, :, 9:], summer()[:, :, 9:], atol=1e-3)
    assert dict(tally.counts) == {("TA", "fill"): 12 * 18 * 9}


def test_a_negative_gpp_is_reversed_and_nothing_is_derived_from_a_doubtful_one(tmp_path):
    gpp, reco = summer(), 0.6 * summer() + 0.5
    written(tmp_path / "a.nc", gee=-gpp, resp=reco, nee=reco - gpp)
    for mapping, flux, expected in (
        ({"GPP": "gee", "RECO": "resp"}, "NEE", reco - gpp),
        ({"GPP": "gee", "NEE": "nee"}, "RECO", reco),
    ):
        found = open_product(tmp_path / "a.nc", mapping=mapping)
        np.testing.assert_allclose(found["GPP"].values, gpp, rtol=1e-6)
        np.testing.assert_allclose(found[flux].values, expected, atol=1e-5)
        assert "GPP was reversed" in found.attrs["notes"]
    kept = open_product(tmp_path / "a.nc", mapping={"GPP": {"variable": "gee", "sign": 1}, "RECO": "resp"})
    assert "NEE" not in kept
    assert "NEE was not derived from GPP" in kept.attrs["notes"]


def test_a_flux_in_another_unit_is_refused(tmp_path):
    written(tmp_path / "a.nc", gpp=365 * summer() + 100)
    with pytest.raises(TamrlError, match="of a sample of GPP lie outside"):
        open_product(tmp_path / "a.nc", mapping={"GPP": "gpp"})


@pytest.mark.parametrize(
    ("attrs", "per", "divided"),
    [
        ({"GRIB_stepType": "avgad"}, None, 1),
        ({"cell_methods": "time: sum within days time: mean over days"}, None, 1),
        ({"cell_methods": "area: mean time: sum"}, None, 31),
        ({"cell_methods": "time: mean (interval: 1 hour)"}, None, 1 / 24),
        ({"units": "mm/month"}, None, 31_000),
        ({"units": "m d-1"}, None, 1),
        ({}, "day", 1),
        ({}, "step", 31),
        ({}, "month", 31),
        ({}, "hour", 1 / 24),
        ({}, None, 0),
        ({"cell_methods": "time: mean"}, None, 0),
        ({"GRIB_stepType": "accum"}, None, 0),
    ],
)
def test_an_amount_knows_its_period_or_is_refused(tmp_path, attrs, per, divided):
    written(tmp_path / "a.nc", {"units": "m"} | attrs, tp=np.full((12, 18, 36), 0.002, "f4"))
    mapping = Mapping({"P_MON": DriverEntry(("tp",), per=per)}, {})

    def read():
        found = open_drivers([tmp_path / "a.nc"], mapping, ("P_MON",), TimeStep.MONTHLY)
        return read_driver(found.drivers["P_MON"], slice(0, 1), slice(0, 1))[0, 0, 0]

    if divided:
        assert read() == pytest.approx(2.0 / divided, rel=1e-5)
    else:
        with pytest.raises(TamrlError, match="is an amount"):
            read()
