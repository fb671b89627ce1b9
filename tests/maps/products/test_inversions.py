import inversion_files as files
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE, SD, check_maps, land_area
from tamrl.maps.aggregate import total
from tamrl.maps.at_towers import against_towers
from tamrl.maps.products.registry import detect, open_product
from tamrl.maps.time_means import Period, field


def expected(start, months):
    bio, fire = files.nbe(pd.date_range(start, periods=months, freq="MS"))
    whole = bio + fire
    return np.where(whole == 0, np.nan, whole)


def is_nbe(maps, values):
    assert check_maps(maps) is maps
    assert set(maps.data_vars) - {NBE + SD} == {NBE}
    np.testing.assert_allclose(maps[NBE].values, values, rtol=1e-4, atol=1e-5)
    assert maps.attrs["simulated"] == 1
    assert "fires" in maps.attrs["notes"]


def test_carbontracker_is_biosphere_plus_fires(tmp_path):
    files.write_carbontracker(tmp_path, "2015-01-01", 12)
    maps = open_product(tmp_path)
    is_nbe(maps, expected("2015-01-01", 12))
    assert (maps.attrs["product"], maps.attrs["title"]) == ("carbontracker", "CarbonTracker CT2022")
    assert list(maps.indexes["time"]) == list(pd.date_range("2015-01-01", periods=12, freq="MS"))


def test_three_hourly_months_of_carbontracker_are_averaged(tmp_path):
    for month in (1, 2, 3):
        files.write_carbontracker_month(tmp_path, 2016, month)
    is_nbe(open_product(tmp_path), expected("2016-01-01", 3))


def test_releases_of_carbontracker_are_not_mixed(tmp_path):
    files.write_carbontracker(tmp_path, "2015-01-01", 2)
    files.write_carbontracker(tmp_path, "2015-03-01", 2, "CT2019B.flux1x1-monthly.nc")
    with pytest.raises(TamrlError, match="CT2019B, CT2022"):
        open_product(tmp_path)


@pytest.mark.parametrize("name", ["cams73_latest_co2_flux_surface_mm_{}.nc", "{}_FT23r3_ra_sfc_mm_co2_flux.nc"])
def test_cams_is_dated_by_its_name_and_taken_per_day(tmp_path, name):
    for month in (2, 3):
        files.write_cams(tmp_path, 2016, month, name)
    maps = open_product(tmp_path)
    is_nbe(maps, expected("2016-02-01", 2))
    assert maps.attrs["product"] == "cams"
    assert "land_fraction" not in maps


def test_releases_of_cams_are_not_mixed(tmp_path):
    for kind in ("surface", "satellite"):
        files.write_cams(tmp_path, 2016, 1, f"cams73_v20r2_co2_flux_{kind}_mm_{{}}.nc")
    with pytest.raises(TamrlError, match="v20r2 satellite, v20r2 surface"):
        open_product(tmp_path)


def test_oco2_mip_takes_its_months_from_start_date(tmp_path):
    files.write_oco2mip(tmp_path)
    files.write_oco2mip(tmp_path, "EnsStd")
    maps = open_product(tmp_path)
    is_nbe(maps, expected("2015-01-01", 12))
    _, fire = files.nbe(pd.date_range("2015-01-01", periods=12, freq="MS"))
    known = np.isfinite(maps[NBE].values)
    np.testing.assert_allclose(maps[NBE + SD].values[known], 0.2 * fire[known], rtol=1e-4, atol=1e-6)
    assert maps.attrs["title"] == "OCO-2 MIP v10 EnsMean LNLG"


def test_inversions_of_oco2_mip_are_not_mixed(tmp_path):
    files.write_oco2mip(tmp_path, "EnsStd")
    with pytest.raises(TamrlError, match="spread of the ensemble alone"):
        open_product(tmp_path)
    for model in ("CAMS", "WOMBAT"):
        files.write_oco2mip(tmp_path, model)
    with pytest.raises(TamrlError, match="several inversions: CAMS LNLG, EnsMean LNLG, WOMBAT LNLG"):
        open_product(tmp_path)


def test_the_three_are_told_apart_by_their_variables(tmp_path):
    made = {
        "carbontracker": files.write_carbontracker(tmp_path, "2015-01-01", 2),
        "cams": files.write_cams(tmp_path, 2015, 1),
        "oco2-mip": files.write_oco2mip(tmp_path),
    }
    for key, path in made.items():
        assert detect(path.rename(tmp_path / f"{key}-renamed-201501.nc")) == key


def test_towers_do_not_measure_what_an_inversion_gives(tmp_path):
    maps = open_product(files.write_oco2mip(tmp_path, months=2))
    with pytest.raises(TamrlError, match="no flux that towers measure"):
        against_towers(maps, xr.Dataset())


def test_the_total_of_an_inversion_is_that_of_whole_cells(tmp_path):
    path = files.write_oco2mip(tmp_path, months=12)
    maps = open_product(path)
    with xr.open_dataset(path, engine="netcdf4") as ds:
        weight = np.cos(np.deg2rad(ds["latitude"].values))
        mean = np.average(ds["land"].values.mean(axis=(0, 2)), weights=weight)
    by_hand = mean * 4 * np.pi * 6_371_007.2**2 / 1e15
    assert total(field(maps, NBE, Period()), land_area(maps)) == pytest.approx(by_hand, rel=0.02)
