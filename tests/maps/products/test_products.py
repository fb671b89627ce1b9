import numpy as np
import pandas as pd
import product_files as files
import pytest
import xarray as xr
from product_files import LAT, LON, agrees, truth, written
from xarray.backends.netCDF4_ import NetCDF4ArrayWrapper

from tamrl.errors import TamrlError
from tamrl.globe.contract import step_days
from tamrl.maps.products.registry import open_product

# FLUXCOM-X-BASE


def test_xbase_files_become_maps(tmp_path):
    for year in (2016, 2015):
        files.write_xbase(tmp_path, "GPP", year)
        files.write_xbase(tmp_path, "NEE", year)
    maps = open_product(tmp_path)
    agrees(maps, "GPP", np.concatenate([truth(2015)["GPP"], truth(2016)["GPP"]]))
    agrees(maps, "RECO", np.concatenate([truth(2015)["RECO"], truth(2016)["RECO"]]), rtol=1e-4)
    assert list(maps["time"].values) == list(pd.date_range("2015-01-01", periods=24, freq="MS").values)
    np.testing.assert_array_equal(maps["land_fraction"], files.land(LAT, LON))
    assert maps.attrs["derived"] == "RECO"
    assert maps["RECO"].attrs["long_name"].endswith("from NEE = RECO - GPP")
    assert maps.attrs["doi"] == "10.5194/bg-21-5079-2024"
    assert (maps.attrs["kind"], maps.attrs["product"]) == ("product", "fluxcom-x-base")
    assert maps.attrs["simulated"] == 1
    assert "notes" not in maps.attrs
    assert "GPP_2015_050_monthly.nc" in maps.attrs["files"]


def test_xbase_years_of_one_flux_only_are_missing_in_the_other(tmp_path):
    for flux, year in (("GPP", 2015), ("GPP", 2016), ("NEE", 2016)):
        files.write_xbase(tmp_path, flux, year)
    maps = open_product(tmp_path)
    assert maps.sizes["time"] == 24
    assert maps["NEE"].isel(time=slice(12)).isnull().all()
    agrees(maps.isel(time=slice(12, 24)), "NEE", truth(2016)["NEE"])


def test_xbase_resolutions_are_not_mixed(tmp_path):
    files.write_xbase(tmp_path, "GPP", 2015)
    files.write_xbase(tmp_path, "GPP", 2016, step=5.0, resolution="025")
    with pytest.raises(TamrlError, match="025_monthly, 050_monthly"):
        open_product(tmp_path)
    assert open_product(str(tmp_path / "*_025_*.nc")).sizes["lat"] == 36


def test_water_of_xbase_is_passed_over(tmp_path):
    files.write_xbase(tmp_path, "GPP", 2015)
    path = files.write_xbase(tmp_path, "NEE", 2015)
    with xr.open_dataset(path) as ds:
        ds.rename(NEE="ET").to_netcdf(tmp_path / "ET_2015_050_monthly.nc")
    path.unlink()
    maps = open_product(tmp_path)
    assert "ET_2015_050_monthly.nc holds no carbon flux" in maps.attrs["notes"]
    assert "NEE" not in maps


def test_hours_of_xbase_become_days(tmp_path):
    path = files.write_xbase_hourly(tmp_path)
    maps = open_product(path)
    with xr.open_zarr(path) as ds:
        expected = ds["GPP"].values[:, :, ::-1].mean(axis=1) * 12.011e-6 * 86400
    agrees(maps, "GPP", expected)
    assert list(step_days(maps).values) == [1, 1, 1]
    assert "Means over the hours of the day" in maps.attrs["notes"]
    (tmp_path / "part").mkdir()
    with pytest.raises(TamrlError, match="A day has 12 hours"):
        open_product(files.write_xbase_hourly(tmp_path / "part", hours=12))


def test_diurnal_cycles_of_months_become_months(tmp_path):
    with xr.open_zarr(files.write_xbase_hourly(tmp_path)) as ds:
        cycle = ds.load().assign_coords(time=pd.date_range("2015-01-01", periods=3, freq="MS")).drop_encoding()
    path = tmp_path / "GPP_2015_025_monthlycycle.nc"
    cycle.to_netcdf(path)
    maps = open_product(path)
    assert list(maps.indexes["time"]) == list(pd.date_range("2015-01-01", periods=3, freq="MS"))
    agrees(maps, "GPP", cycle["GPP"].values[:, :, ::-1].mean(axis=1) * 12.011e-6 * 86400)


# MetaFlux


@pytest.mark.parametrize("old", [False, True])
def test_metaflux_files_become_maps(tmp_path, old):
    for year in (2016, 2015):
        files.write_metaflux(tmp_path, year, old=old)
    maps = open_product(tmp_path)
    agrees(maps, "NEE", np.concatenate([truth(2015)["NEE"], truth(2016)["NEE"]]), rtol=1e-4)
    agrees(maps, "GPP_sd", 0.1 * np.concatenate([truth(2015)["GPP"], truth(2016)["GPP"]]))
    assert maps.indexes["time"][12] == pd.Timestamp("2016-01-01")
    assert maps.attrs["derived"] == "NEE"
    assert "NEE_sd" not in maps
    assert maps["GPP_sd"].attrs["units"] == "gC m-2 d-1"
    assert maps.attrs["product"] == "metaflux"


@pytest.mark.parametrize("old", [False, True])
def test_daily_metaflux(tmp_path, old):
    files.write_metaflux(tmp_path, 2016, month=2, old=old)
    maps = open_product(tmp_path)
    assert maps.sizes["time"] == 29
    assert maps.indexes["time"][-1] == pd.Timestamp("2016-02-29")
    files.write_metaflux(tmp_path, 2015)
    with pytest.raises(TamrlError, match="Monthly and daily files are mixed"):
        open_product(tmp_path)


# CEDAR-GPP


def test_cedar_integers_are_unpacked(tmp_path):
    for month in (2, 1, 3):
        files.write_cedar(tmp_path, 2015, month)
    maps = open_product(tmp_path)
    expected = truth(2015, 3)["GPP"]
    np.testing.assert_allclose(maps["GPP"], expected, atol=0.00501)
    np.testing.assert_allclose(maps["GPP_sd"], 0.1 * expected, atol=0.00501)
    assert np.isnan(maps["GPP"].values).any()
    assert maps.attrs["title"] == "CEDAR-GPP ST CFE-Hybrid NT"
    assert maps.attrs["version"] == "v01"
    assert maps.attrs["derived"] == ""
    files.write_cedar(tmp_path, 2015, 1, setup="LT_Baseline_DT")
    with pytest.raises(TamrlError, match="LT_Baseline_DT, v01_ST_CFE-Hybrid_NT"):
        open_product(tmp_path)


def test_cedar_written_again_by_other_tools_is_not_scaled_twice_nor_missed(tmp_path):
    with xr.open_dataset(files.write_cedar(tmp_path, 2015, 7), mask_and_scale=False) as raw:
        raw = raw.load()
    expected = open_product(tmp_path)["GPP"].values
    cases = {
        "fill": raw.assign({n: raw[n].assign_attrs(_FillValue=np.int16(-9999)) for n in raw}),
        "both": raw.assign({n: raw[n].assign_attrs(_FillValue=np.int16(-9999), scale_factor=0.01) for n in raw}),
        "floats": raw.assign({n: (raw[n] * 0.01).where(raw[n] != -9999).assign_attrs(raw[n].attrs) for n in raw}),
    }
    for name, ds in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        ds.to_netcdf(folder / "CEDAR-GPP_v01_ST_CFE-Hybrid_NT_201507.nc")
        np.testing.assert_allclose(open_product(folder)["GPP"], expected, atol=1e-5, err_msg=name)


# The sign of NEE


def test_a_reversed_nee_is_turned_and_said_so(tmp_path):
    files.write_xbase(tmp_path, "GPP", 2015)
    files.write_xbase(tmp_path, "NEE", 2015, sign=-1)
    maps = open_product(tmp_path)
    agrees(maps, "NEE", truth()["NEE"])
    agrees(maps, "RECO", truth()["RECO"], rtol=1e-4)
    assert "NEE was reversed" in maps.attrs["notes"]
    assert "source where GPP is large" in maps.attrs["notes"]


def test_a_nee_that_closes_the_balance_the_other_way_is_turned(tmp_path):
    data = truth()
    path = written(
        tmp_path, a=(data["GPP"], "gC m-2 d-1"), b=(data["RECO"], "gC m-2 d-1"), c=(-data["NEE"], "gC m-2 d-1")
    )
    mapping = {"GPP": "a", "RECO": "b", "NEE": "c"}
    maps = open_product(path, mapping=mapping)
    agrees(maps, "NEE", data["NEE"])
    assert "closes the balance as GPP - RECO" in maps.attrs["notes"]
    stated = open_product(path, mapping=mapping | {"NEE": {"variable": "c", "sign": 1}})
    agrees(stated, "NEE", -data["NEE"])
    assert "left as its sign was given" in stated.attrs["notes"]
    given = open_product(path, mapping=mapping | {"NEE": {"variable": "c", "sign": -1}})
    agrees(given, "NEE", data["NEE"])
    assert given.attrs["notes"] == open_product(path, mapping={"GPP": "a"}).attrs["notes"]  # of time alone
    assert given.attrs["notes"].startswith("Time has no bounds")
    assert given.attrs["notes"].count(". ") == 0
    assert given.attrs["derived"] == ""


def test_the_sign_is_checked_on_one_thinned_step(tmp_path, monkeypatch):
    path = written(tmp_path, a=(truth()["GPP"], "gC m-2 d-1"), c=(truth()["NEE"], "gC m-2 d-1"))
    seen = []
    load = xr.Dataset.load
    monkeypatch.setattr(xr.Dataset, "load", lambda ds, **kw: seen.append(dict(ds.sizes)) or load(ds, **kw))
    open_product(path, mapping={"GPP": "a", "NEE": "c"})
    # A summer month of each hemisphere.
    assert seen == [{"lat": 4, "lon": 36}, {"lat": 3, "lon": 36}]


def test_of_a_file_in_blocks_long_in_time_little_is_looked_at(tmp_path):
    lat, lon = files.centres(2.0)
    time = pd.date_range("2015-01-01", periods=24, freq="MS")
    data = files.fluxes(time, lat, lon)
    ds = xr.Dataset(
        {
            flux: (("time", "lat", "lon"), sign * data[flux], {"units": "gC m-2 d-1"})
            for flux, sign in (("GPP", 1), ("NEE", -1))
        },
        {"time": time, "lat": lat, "lon": lon},
    )
    path = tmp_path / "blocks.nc"
    ds.to_netcdf(path, encoding={flux: {"chunksizes": (24, 15, 30)} for flux in ("GPP", "NEE")})
    read, original = [], NetCDF4ArrayWrapper._getitem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NetCDF4ArrayWrapper, "_getitem", lambda self, key: read.append(original(self, key)) or read[-1])
        maps = open_product(path, mapping={"GPP": "GPP", "NEE": "NEE"})
    # One block of the 36 of each of the two fluxes covers the part of the land that is looked at, in each hemisphere.
    assert sum(block.size for block in read if block.ndim == 3) <= 2 * 2 * 24 * 15 * 30
    assert read
    assert "NEE was reversed" in maps.attrs["notes"]


def test_a_sign_that_cannot_be_checked_is_said_so(tmp_path):
    path = written(tmp_path, c=(truth()["NEE"], "gC m-2 d-1"))
    assert "not checked" in open_product(path, mapping={"NEE": "c"}).attrs["notes"]
    path = written(tmp_path, a=(0 * truth()["GPP"], "gC m-2 d-1"), c=(truth()["NEE"], "gC m-2 d-1"))
    assert "too few cells grow" in open_product(path, mapping={"GPP": "a", "NEE": "c"}).attrs["notes"]
