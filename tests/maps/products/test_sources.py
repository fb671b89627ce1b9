import cftime
import netCDF4
import numpy as np
import pandas as pd
import product_files as files
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.maps.products.registry import open_product
from tamrl.maps.products.sources import find, open_source
from tamrl.maps.products.times import step_starts

# What is no product


@pytest.mark.parametrize(
    ("content", "part", "todo"),
    [
        (b"<!DOCTYPE html><html>404</html>", "a web page", "links to"),
        (b"site,date,GPP\nA,2001,3\n", "a text file", "NetCDF"),
        (b"", "is empty", "again"),
        (b"PK\x03\x04rest", "a compressed archive", "Unpack"),
        (bytes(range(256)), "another kind", ""),
        (b"\x89HDF\r\n\x1a\nshort", "cut off or damaged", "again"),
        (b"CDF\x01\x00", "cut off or damaged", "again"),
    ],
)
def test_a_file_of_another_kind_is_named_and_explained(tmp_path, content, part, todo):
    path = tmp_path / "GPP_2015_050_monthly.nc"
    path.write_bytes(content)
    with pytest.raises(TamrlError) as error:
        open_product(path)
    assert part in error.value.what
    assert "GPP_2015_050_monthly.nc" in error.value.where
    assert todo in error.value.todo


@pytest.mark.parametrize("layout", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_file_cut_off_is_an_error_in_every_layout(tmp_path, layout, share):
    with xr.open_dataset(files.write_metaflux(tmp_path, 2015)) as ds:
        whole = tmp_path / "whole.nc"
        ds.to_netcdf(whole, format=layout)
    open_product(whole)
    cut = tmp_path / "cut.nc"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    with pytest.raises(TamrlError, match=r"cut off or damaged.*cut\.nc"):
        open_product(cut)


def test_a_file_without_its_variable_names_those_it_has(tmp_path):
    with xr.open_dataset(files.write_metaflux(tmp_path, 2015)) as ds:
        ds.drop_vars("RECO").rename(GPP_std="other").to_netcdf(tmp_path / "METAFLUX_GPP_RECO_monthly_2016.nc")
    with pytest.raises(TamrlError) as error:
        open_product(tmp_path / "METAFLUX_GPP_RECO_monthly_2016.nc")
    assert "no variable 'RECO'" in error.value.what
    assert "other" in error.value.todo


def test_files_without_time_are_an_error_but_a_name_may_say_it(tmp_path):
    with xr.open_dataset(files.write_cedar(tmp_path, 2015, 7), mask_and_scale=False) as ds:
        flat = ds.isel(time=0, drop=True).load()
    flat.to_netcdf(tmp_path / "CEDAR-GPP_v01_ST_CFE-Hybrid_NT_201508.nc")
    assert [f"{t:%Y-%m}" for t in open_product(tmp_path).indexes["time"]] == ["2015-07", "2015-08"]
    flat.to_netcdf(tmp_path / "no_name.nc")
    with pytest.raises(TamrlError, match="no time axis"):
        open_product(tmp_path / "no_name.nc")


def test_a_curvilinear_grid_and_grids_that_differ_are_errors(tmp_path):
    ds = xr.Dataset(
        {"a": (("time", "j", "i"), np.ones((1, 3, 4)), {"units": "gC m-2 d-1"})},
        {
            "time": pd.date_range("2001-01-01", periods=1),
            "lat": (("j", "i"), np.ones((3, 4))),
            "lon": (("j", "i"), np.ones((3, 4))),
        },
    )
    ds.to_netcdf(tmp_path / "curved.nc")
    with pytest.raises(TamrlError, match="lies on a curvilinear grid"):
        open_product(tmp_path / "curved.nc", mapping={"GPP": "a"})
    files.write_metaflux(tmp_path / "..", 2015)
    pair = [files.write_metaflux(tmp_path, 2015), files.write_metaflux(tmp_path, 2016, step=5.0)]
    with pytest.raises(TamrlError, match="different grids"):
        open_product(pair)


# Which files are meant


def test_folders_patterns_and_lists_are_searched(tmp_path):
    below = tmp_path / "below"
    below.mkdir()
    a, b = files.write_metaflux(tmp_path, 2015), files.write_metaflux(below, 2016)
    store = files.write_xbase_hourly(below)
    (tmp_path / "readme.txt").write_text("words")
    (tmp_path / ".hidden.nc").write_text("words")
    assert find(tmp_path) == sorted([a, b, store])
    assert find([a, a, str(b)]) == [a, b]
    assert find(str(tmp_path / "**" / "*2016*")) == [b]
    assert find(store) == [store]
    for nothing, part in (
        (tmp_path / "x.nc", "no such file"),
        (str(tmp_path / "*.zarr"), "no NetCDF"),
        ([], "No file"),
    ):
        with pytest.raises(TamrlError, match=part):
            find(nothing)
    with pytest.raises(TamrlError, match="a text file"):
        open_product([a, tmp_path / "readme.txt"])


def test_blocks_are_those_of_the_file_and_values_wait(tmp_path):
    ds = open_source(files.write_xbase(tmp_path, "GPP", 2015)).ds
    assert ds["GPP"].chunks == ((1,) * 12, (18,), (36,))
    contiguous = open_source(files.write_metaflux(tmp_path, 2015)).ds
    assert contiguous["GPP"].chunks == ((12,), (18,), (36,))


def test_the_netcdf_library_keeps_little_of_what_was_read(tmp_path):
    path = files.write_xbase(tmp_path, "GPP", 2015)
    open_product(path)
    with netCDF4.Dataset(path) as file:
        assert file["GPP"].get_var_chunk_cache()[0] <= 1_000_000


# Times


def dated(times, frequency="", bounds=None, **attrs):
    ds = xr.Dataset(attrs={"frequency": frequency}).assign_coords(time=("time", times, attrs))
    return ds if bounds is None else ds.assign(time_bnds=(("time", "bnds"), bounds))


@given(
    st.sampled_from(["noleap", "360_day", "all_leap", "standard", "julian"]),
    st.integers(1850, 2100),
    st.integers(1, 12),
    st.integers(1, 28),
)
def test_months_of_any_calendar_begin_on_their_first_day(calendar, year, month, day):
    labels = [
        cftime.datetime(year + (month - 1 + k) // 12, (month - 1 + k) % 12 + 1, day, calendar=calendar)
        for k in range(5)
    ]
    starts, step = step_starts(dated(np.array(labels)), "file")
    assert step == "month"
    expected = pd.date_range(f"{year}-{month:02d}-01", periods=5, freq="MS")
    np.testing.assert_array_equal(starts, expected.values.astype("datetime64[ns]"))


def test_bounds_place_a_step_whatever_its_label():
    start = pd.date_range("2001-01-01", periods=4, freq="MS")
    bounds = np.stack([start[:-1], start[1:]], axis=1)
    starts, step = step_starts(dated(start[1:].values, bounds=bounds), "file")
    assert step == "month"
    assert starts[0] == np.datetime64("2001-01-01")
    day = pd.date_range("2001-03-01", periods=3)
    bounds = np.stack([day - pd.Timedelta(days=1), day], axis=1)
    starts, step = step_starts(dated(day.values, bounds=bounds), "file")
    assert step == "day"
    assert starts[0] == np.datetime64("2001-02-28")


@pytest.mark.parametrize(
    ("values", "attrs", "first", "step"),
    [
        ([0, 1, 2], {"units": "months since 1999-11-16"}, "1999-11-01", "month"),
        ([0.5, 1.5, 2.5], {"units": "months since 1999-11-01"}, "1999-11-01", "month"),
        ([0, 1], {"units": "years since 1850-01-01"}, "1850-01-01", "year"),
        ([200001, 200002], {}, "2000-01-01", "month"),
        ([20000101, 20000102], {"units": "day as %Y%m%d"}, "2000-01-01", "day"),
    ],
)
def test_times_that_no_reader_decodes(values, attrs, first, step):
    starts, found = step_starts(dated(np.array(values), **attrs), "file")
    assert found == step
    assert starts[0] == np.datetime64(first)
    assert len(starts) == len(values)


def test_a_single_map_is_of_a_month_where_that_is_said_or_usual():
    for label, frequency, step in (
        ("2001-02-15", "", "month"),
        ("2001-02-07", "mon", "month"),
        ("2001-02-01", "day", "day"),
    ):
        assert step_starts(dated(np.array([label], "datetime64[ns]"), frequency), "file")[1] == step


@pytest.mark.parametrize(
    ("ds", "part"),
    [
        (dated(pd.date_range("2001-01-01", periods=5, freq="3h").values), "shorter than a day"),
        (dated(np.array([cftime.Datetime360Day(2001, 2, 29), cftime.Datetime360Day(2001, 2, 30)])), "360-day calendar"),
        (dated(np.array([cftime.DatetimeNoLeap(101, m, 15) for m in (1, 2)])), "outside 1678 to 2261"),
        (dated(np.array([1, 2]), units="lightyears"), "cannot be understood"),
        (dated(np.array([], "datetime64[ns]")), "no time step"),
        (xr.Dataset(), "no time axis"),
        (dated(np.array([20001301, 20001302])), "cannot be understood"),
    ],
)
def test_times_that_make_no_sense_are_errors(ds, part):
    with pytest.raises(TamrlError, match=part):
        step_starts(ds, "file")
