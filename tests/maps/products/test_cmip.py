import numpy as np
import pandas as pd
import product_files as files
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from product_files import LAT, LON, agrees, truth

from tamrl.errors import TamrlError
from tamrl.globe.contract import land_area, step_days
from tamrl.maps.products import cedar, cmip, metaflux, xbase
from tamrl.maps.products.registry import open_product

# CMIP6 and TRENDY


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "proleptic_gregorian"])
def test_cmip_runs_become_maps_in_any_calendar(tmp_path, calendar):
    for variable in ("gpp", "ra", "rh", "nbp", "tas"):
        files.write_cmip(tmp_path, variable, calendar)
    files.write_sftlf(tmp_path)
    maps = open_product(tmp_path)
    data = truth(2000, 24)
    for flux in ("GPP", "RECO", "NEE"):
        agrees(maps, flux, data[flux], rtol=1e-4)
    np.testing.assert_allclose(maps["NBE"], data["NEE"] + 0.1, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(maps["land_fraction"], files.land(LAT, LON))
    assert list(maps["time"].values) == list(pd.date_range("2000-01-01", periods=24, freq="MS").values)
    assert maps.attrs["derived"] == "NEE"
    assert maps.attrs["title"] == "CMIP6 TEST-ESM historical r1i1p1f1"
    assert "tas_Lmon" in maps.attrs["notes"]
    assert "NBE = -nbp, not as NEE" in maps.attrs["notes"]
    assert "TA" not in maps
    assert set(maps.data_vars) == {"GPP", "RECO", "NEE", "NBE", "land_fraction"}


def test_fluxes_per_area_of_the_cell_are_divided_by_its_land(tmp_path):
    files.write_cmip(tmp_path, "gpp", methods="area: time: mean")
    whole = open_product(tmp_path)
    assert "land_fraction" not in whole
    assert "left so, sea included" in whole.attrs["notes"]
    files.write_sftlf(tmp_path)
    maps = open_product(tmp_path)
    agrees(maps, "GPP", truth(2000, 24)["GPP"], rtol=1e-4)
    assert "divided by its land fraction" in maps.attrs["notes"]
    totals = [float((m["GPP"] * land_area(m)).sum()) for m in (whole, maps)]
    assert totals[0] == pytest.approx(totals[1], rel=1e-5)


@pytest.mark.parametrize(
    ("methods", "per_cell"),
    [
        ("area: mean where land time: mean", False),
        ("area: time: mean", True),
        ("time: mean", None),
        ("", None),
        ("area: mean where land over all_area_types time: mean", True),
    ],
)
def test_what_cell_methods_say_of_the_area(methods, per_cell):
    assert cmip.is_per_cell(methods) is per_cell


def test_cmip_errors_name_what_is_missing_or_too_much(tmp_path):
    files.write_cmip(tmp_path, "nbp")
    with pytest.raises(TamrlError, match="nbp contains fire and land use and is not NEE"):
        open_product(tmp_path)
    files.write_cmip(tmp_path, "gpp")
    maps = open_product(tmp_path)
    assert "There is no RECO or NEE: ra and rh not given." in maps.attrs["notes"]
    assert "Without sftlf" in maps.attrs["notes"]
    files.write_cmip(tmp_path, "gpp", member="r2i1p1f1")
    with pytest.raises(TamrlError, match=r"several runs: .*r1i1p1f1 gn; .*r2i1p1f1 gn"):
        open_product(tmp_path)


def test_files_of_years_are_joined_and_a_step_twice_is_an_error(tmp_path):
    files.write_cmip(tmp_path, "gpp", years=(2002, 2003))
    files.write_cmip(tmp_path, "gpp")
    maps = open_product(tmp_path)
    assert maps.indexes["time"][0] == pd.Timestamp("2000-01-01")
    assert maps.sizes["time"] == 48
    files.write_cmip(tmp_path, "gpp", years=(2003, 2003))
    with pytest.raises(TamrlError, match="2003-01-01 occurs twice"):
        open_product(tmp_path)


@pytest.mark.parametrize("times", ["months since 2000-01-16", "days since 2000-01-01", "months since 2000-01"])
def test_trendy_files(tmp_path, times):
    for variable in ("gpp", "ra", "rh"):
        files.write_trendy(tmp_path, variable, times)
    if times.startswith("days"):
        maps = open_product(tmp_path)
        assert maps.indexes["time"][-1] == pd.Timestamp("2000-01-24")
        return
    maps = open_product(tmp_path)
    agrees(maps, "NEE", truth(2000, 24)["NEE"], rtol=1e-4)
    assert maps.indexes["time"][-1] == pd.Timestamp("2001-12-01")
    assert maps.attrs["title"] == "TRENDY TESTVEG S3"
    assert "The reference area of gpp, ra, rh is not stated" in maps.attrs["notes"]
    assert maps.attrs["simulated"] == 1


def test_the_genuine_access_run(shared_data):
    folder = shared_data / "gridded"
    maps = open_product(folder)
    with xr.open_dataset(next(folder.glob("gpp_*.nc"))) as raw:
        at = {"lat": 50.0, "lon": 20.0}
        expected = raw["gpp"].sel(at).values * 86_400_000
    np.testing.assert_allclose(maps["GPP"].sel(at), expected, rtol=1e-5)
    west = {"lat": -10.0, "lon": -60.0}
    assert 5 < float(maps["GPP"].sel(west).mean()) < 12  # the Amazon, which the file has at 300 degrees east
    days = step_days(maps)
    total = float((maps["GPP"] * land_area(maps) * days).sum()) / float(days.sum()) * 365.25 / 1e15
    assert 80 < total < 160
    assert set(maps.data_vars) == {"GPP", "land_fraction"}
    assert maps.sizes["time"] == 180
    assert maps.indexes["time"][0] == pd.Timestamp("2000-01-01")
    assert maps.attrs["simulated"] == 0
    assert "Creative Commons" in maps.attrs["license"]
    for word in ("pr_Amon", "tas_Amon", "no RECO or NEE"):
        assert word in maps.attrs["notes"]


# Names of files


@given(
    st.sampled_from(["GPP", "NEE"]),
    st.integers(1900, 2099),
    st.sampled_from(["005", "025", "050"]),
    st.sampled_from(["monthly", "monthlycycle", "daily"]),
)
def test_names_of_xbase(variable, year, resolution, step):
    found = xbase.NAME.match(f"{variable}_{year}_{resolution}_{step}.nc")
    assert found.groupdict() == {"variable": variable, "year": str(year), "resolution": resolution, "step": step}


@given(st.dates(pd.Timestamp("1980-01-01").date(), pd.Timestamp("2030-12-31").date()))
def test_names_of_metaflux_and_cedar_give_their_steps(day):
    start = pd.Timestamp(day).replace(day=1)
    daily = metaflux.steps_of(f"METAFLUX_GPP_RECO_daily_{start:%Y%m}.nc")
    assert daily[0] == start
    assert len(daily) == start.days_in_month
    monthly = metaflux.steps_of(f"METAFLUX_GPP_RECO_monthly_{start:%Y}.nc")
    assert len(monthly) == 12
    assert monthly[0] == start.replace(month=1)
    assert list(cedar.steps_of(f"CEDAR-GPP_v01_LT_CFE-ML_DT_{start:%Y%m}.nc")) == [start]


name_part = st.text("ABCxyz019-", min_size=1, max_size=8)


@given(st.sampled_from(["gpp", "ra", "nbp"]), name_part, name_part, st.integers(1, 99), st.booleans())
def test_names_of_cmip_and_trendy(variable, model, experiment, member, time):
    years = "_185001-201412" if time else ""
    found = cmip.CMIP.match(f"{variable}_Lmon_{model}_{experiment}_r{member}i1p1f1_gn{years}.nc")
    assert found.group("variable", "model", "experiment") == (variable, model, experiment)
    assert found["member"] == f"r{member}i1p1f1"
    found = cmip.TRENDY.match(f"{model}_S{member}_{variable}.nc")
    assert found.group("variable", "model", "experiment") == (variable, model, f"S{member}")


@given(st.text(max_size=30))
def test_any_other_name_gives_no_steps(name):
    assert metaflux.steps_of(name) is None
    assert cedar.steps_of(name) is None
    assert cedar.set_up(name) == ""
