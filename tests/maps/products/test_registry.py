import numpy as np
import pandas as pd
import product_files as files
import pytest
import xarray as xr
from product_files import LAT, LON, agrees, truth, written
from xarray.backends.netCDF4_ import NetCDF4ArrayWrapper

from tamrl.errors import TamrlError
from tamrl.globe.contract import add_bounds, check_maps, flux_attributes
from tamrl.maps.products.months import to_months
from tamrl.maps.products.registry import detect, open_product

# Maps of this project


def our_maps(months=12, start="2015-01-01"):
    time = pd.date_range(start, periods=months, freq="MS")
    data = files.fluxes(time, LAT, LON)
    ds = xr.Dataset(
        {n: (("time", "lat", "lon"), v, flux_attributes(n)) for n, v in data.items()}
        | {
            "land_fraction": (("lat", "lon"), files.land(LAT, LON)),
            "extrapolation": (("lat", "lon"), files.land(LAT, LON)),
        },
        {"time": time, "lat": LAT, "lon": LON},
        {"title": "Ours", "kind": "model", "simulated": 1, "derived": ""},
    )
    return add_bounds(ds)


def test_our_own_maps_open_as_they_are(tmp_path):
    our_maps().to_netcdf(tmp_path / "a.nc", encoding={"time": files.DAYS})
    maps = open_product(tmp_path / "a.nc")
    agrees(maps, "NEE", truth()["NEE"])
    assert maps.attrs["kind"] == "model"
    assert maps["GPP"].chunks
    our_maps(start="2016-01-01").to_zarr(tmp_path / "b.zarr", zarr_format=3, consolidated=False)
    both = open_product(tmp_path)
    agrees(both.isel(time=slice(12, 24)), "NEE", truth(2016)["NEE"])
    assert both.attrs["simulated"] == 1
    assert both["extrapolation"].dims == ("lat", "lon")


# Days as months


def test_days_become_months_lazily_and_only_whole_ones(tmp_path):
    for month in (1, 2):
        files.write_metaflux(tmp_path, 2016, month=month)
    days = open_product(tmp_path)
    months = to_months(days.isel(time=slice(0, 59)))
    assert months["GPP"].chunks
    assert list(months.indexes["time"]) == [pd.Timestamp("2016-01-01")]
    np.testing.assert_allclose(months["NEE"][0], days["NEE"].isel(time=slice(0, 31)).mean("time"), rtol=1e-5)
    assert "upper bound" in months["GPP_sd"].attrs["comment"]
    assert check_maps(to_months(days)).sizes["time"] == 2
    assert to_months(months) is months
    with pytest.raises(TamrlError, match="neither days nor months"):
        to_months(days.isel(time=slice(0, 56, 8)))


# Finding out, and being lazy


def test_a_kind_that_is_named_chooses_its_files_of_a_mixed_folder(tmp_path):
    files.write_xbase(tmp_path, "GPP", 2015)
    files.write_metaflux(tmp_path, 2016)
    maps = open_product(tmp_path, kind="metaflux")
    assert maps.indexes["time"][0] == pd.Timestamp("2016-01-01")
    assert "GPP_2015_050_monthly.nc" in maps.attrs["notes"]
    with pytest.raises(TamrlError, match="no variable 'GPP_mean'"):
        open_product(tmp_path, kind="cedar-gpp")


@pytest.mark.parametrize(
    ("attrs", "simulated"),
    [
        ({"simulated": 1}, 1),
        ({"title": "SIMULATED GPP"}, 1),
        ({"comment": "a synthetic field"}, 1),
        ({}, 0),
        ({"title": "GPP simulated by a land model", "experiment": "all-forcing simulation"}, 0),
    ],
)
def test_what_marks_values_as_made_up(tmp_path, attrs, simulated):
    path = files.write_xbase(tmp_path, "GPP", 2015, attrs={"title": ""} | attrs)
    assert open_product(path).attrs["simulated"] == simulated


def test_products_are_told_apart(tmp_path):
    made = {
        "fluxcom-x-base": files.write_xbase(tmp_path, "GPP", 2015),
        "metaflux": files.write_metaflux(tmp_path, 2015),
        "cedar-gpp": files.write_cedar(tmp_path, 2015, 1),
        "cmip": files.write_cmip(tmp_path, "gpp"),
    }
    for kind, path in made.items():
        assert detect(path) == kind
        other = path.rename(tmp_path / f"renamed_{kind}.nc")
        if kind != "fluxcom-x-base":  # whose content alone says nothing but GPP
            assert detect(other) == kind
    named = files.write_xbase(tmp_path, "GPP", 2015, attrs={"references": "FLUXCOM-X, Nelson et al."})
    assert detect(named.rename(tmp_path / "xbase.nc")) == "fluxcom-x-base"
    with pytest.raises(TamrlError, match=r"several products: .*MetaFlux: renamed_metaflux\.nc"):
        open_product([tmp_path / "renamed_metaflux.nc", tmp_path / "renamed_cmip.nc"])


def test_an_unknown_file_says_what_was_seen_what_is_known_and_what_to_do(tmp_path):
    path = written(tmp_path, plume=(truth()["GPP"], "ppm"))
    with pytest.raises(TamrlError) as error:
        open_product(path)
    for word in ("anything.nc", "plume [ppm]", "time 12", "MetaFlux", "CEDAR-GPP", "mapping"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"kind": "erf"}, "no kind of product 'erf'"),
        ({"kind": "cf"}, "needs a mapping"),
        ({"kind": "metaflux", "mapping": {"GPP": "a"}}, "takes no mapping"),
    ],
)
def test_kinds_and_mappings_that_do_not_go_together(tmp_path, settings, part):
    with pytest.raises(TamrlError, match=part):
        open_product(files.write_metaflux(tmp_path, 2015), **settings)


def test_opening_reads_two_summers_at_most_and_a_month_reads_only_its_block(tmp_path, monkeypatch):
    for year in (2014, 2015):
        files.write_xbase(tmp_path, "GPP", year)
    read = []
    original = NetCDF4ArrayWrapper._getitem

    def watched(self, key):
        found = original(self, key)
        if self.variable_name == "GPP":
            read.append(found.shape)
        return found

    monkeypatch.setattr(NetCDF4ArrayWrapper, "_getitem", watched)
    maps = open_product(tmp_path)
    assert read == [(1, 18, 36)] * 2  # of each hemisphere one step, for the sign and the bounds
    maps["GPP"].isel(time=18).compute()
    assert read == [(1, 18, 36)] * 3


def test_the_layout_of_a_packaged_grid_with_a_repeated_column(tmp_path):
    lon = np.linspace(0, 360, 37)
    data = np.broadcast_to(np.arange(37.0) % 36, (12, 18, 37))
    ds = xr.Dataset(
        {"a": (("time", "lat", "lon"), data, {"units": "gC m-2 d-1"})},
        {"time": pd.date_range("2015-01-01", periods=12, freq="MS"), "lat": LAT, "lon": lon},
    )
    ds.to_netcdf(tmp_path / "cyclic.nc")
    maps = open_product(tmp_path / "cyclic.nc", mapping={"GPP": "a"})
    assert maps.sizes["lon"] == 36
    assert float(maps["GPP"].sel(lon=-10.0)[0, 0]) == 35
