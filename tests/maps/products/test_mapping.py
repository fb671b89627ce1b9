import numpy as np
import pandas as pd
import product_files as files
import pytest
import xarray as xr
from product_files import LAT, LON, agrees, truth, written
from xarray.backends.file_manager import FILE_CACHE

from tamrl.errors import TamrlError
from tamrl.maps.products.registry import open_product

# Any file with a mapping


def test_a_mapping_opens_any_file(tmp_path):
    data = truth()
    days = pd.date_range("2015-01-01", periods=12, freq="MS").days_in_month.to_numpy()[:, None, None]
    path = written(
        tmp_path,
        up=(data["GPP"] * days, "gC m-2 month-1"),
        nep=(-data["NEE"] / 86_400_000, ""),
        spread=(0.1 * data["GPP"], "g C m-2 day-1"),
    )
    yaml = tmp_path / "mapping.yaml"
    yaml.write_text("GPP: up\nGPP_sd: spread\nNEE: {variable: nep, unit: kg m-2 s-1, sign: -1}\n")
    for mapping in (
        yaml,
        {"GPP": "up", "GPP_sd": "spread", "NEE": {"variable": "nep", "unit": "kg m-2 s-1", "sign": -1}},
    ):
        maps = open_product(path, mapping=mapping)
        for flux in ("GPP", "NEE", "RECO"):
            agrees(maps, flux, data[flux], rtol=1e-4)
        agrees(maps, "GPP_sd", 0.1 * data["GPP"])
        assert maps.attrs["simulated"] == 1
        assert maps.attrs["license"] == "not given by the file"


def test_land_of_a_mapping_may_be_a_percentage_in_a_zarr_store(tmp_path):
    ds = xr.Dataset(
        {
            "g": (("date", "Latitude", "Longitude"), truth()["GPP"], {"units": "gC m-2 d-1"}),
            "mask": (("Latitude", "Longitude"), 100 * files.land(LAT, LON)),
        },
        {"date": pd.date_range("2015-01-01", periods=12, freq="MS"), "Latitude": LAT, "Longitude": LON},
    )
    ds.to_zarr(tmp_path / "store.zarr", zarr_format=3, consolidated=False)
    mapping = {"GPP": "g", "land_fraction": {"variable": "mask", "unit": "%"}}
    maps = open_product(tmp_path, kind="cf", mapping=mapping)
    agrees(maps, "GPP", truth()["GPP"])
    np.testing.assert_array_equal(maps["land_fraction"], files.land(LAT, LON))
    assert maps.attrs["simulated"] == 0


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_land_without_a_unit_is_a_share_or_a_percentage(tmp_path, scale):
    path = written(tmp_path, a=(truth()["GPP"], "gC m-2 d-1"))
    with xr.open_dataset(path) as ds:
        ds.assign(mask=(("lat", "lon"), scale * files.land(LAT, LON))).to_netcdf(tmp_path / "land.nc")
    maps = open_product(tmp_path / "land.nc", mapping={"GPP": "a", "land_fraction": "mask"})
    np.testing.assert_allclose(maps["land_fraction"], files.land(LAT, LON))


def test_land_on_another_grid_or_in_another_unit_is_an_error(tmp_path):
    files.write_cmip(tmp_path, "gpp")
    path = files.write_sftlf(tmp_path)
    with xr.open_dataset(path) as ds:
        half, square = ds.isel(lat=slice(None, None, 2)).load(), ds.load()
    half.to_netcdf(path)
    with pytest.raises(TamrlError, match="another grid"):
        open_product(tmp_path)
    square["sftlf"].attrs["units"] = "km2"
    square.to_netcdf(path)
    with pytest.raises(TamrlError, match="in 'km2'"):
        open_product(tmp_path)


def test_a_map_whose_time_is_a_single_number_has_one_step(tmp_path):
    path = written(tmp_path, a=(truth()["GPP"], "gC m-2 d-1"))
    with xr.open_dataset(path) as ds:
        ds.isel(time=6).to_netcdf(tmp_path / "july.nc")
    maps = open_product(tmp_path / "july.nc", mapping={"GPP": "a"})
    agrees(maps, "GPP", truth()["GPP"][6:7])
    assert list(maps.indexes["time"]) == [pd.Timestamp("2015-07-01")]


def test_closing_maps_closes_their_files(tmp_path):
    def held():
        return [key for key in FILE_CACHE if str(tmp_path) in repr(list(key))]

    files.write_metaflux(tmp_path, 2015)
    with open_product(tmp_path) as maps:
        maps["GPP"].isel(time=0).load()
        assert len(held()) == 1
    assert not held()


@pytest.mark.parametrize(
    ("mapping", "part"),
    [
        ({"gpp": "a"}, "unknown key 'gpp'"),
        ({}, "names no flux"),
        ({"GPP": {"variable": "a", "factor": 2}}, "'factor'"),
        ({"GPP": {"unit": "gC m-2 d-1"}}, "names no variable"),
        ({"GPP": {"variable": "a", "unit": "K"}}, "not a flux"),
        ({"GPP": {"variable": "a", "sign": 2}}, "the sign 2"),
        ({"GPP": "a", "GPP_sd": {"variable": "a", "sign": -1}}, "-1"),
        ({"land_fraction": "a"}, "none of GPP, RECO and NEE"),
        ({"GPP": "b"}, "No file has the variable 'b'"),
        ("missing.yaml", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_mapping(tmp_path, mapping, part):
    path = written(tmp_path, a=(truth()["GPP"], "gC m-2 d-1"))
    with pytest.raises(TamrlError, match=part):
        open_product(path, mapping=mapping)


def test_a_variable_without_unit_or_with_another_dimension_is_an_error(tmp_path):
    path = written(tmp_path, a=(truth()["GPP"], ""))
    with pytest.raises(TamrlError, match="has no unit"):
        open_product(path, mapping={"GPP": "a"})
    with xr.open_dataset(path) as ds:
        ds.expand_dims(pft=3).to_netcdf(tmp_path / "pft.nc")
    with pytest.raises(TamrlError, match=r"not a field over time, lat and lon \(pft\)"):
        open_product(tmp_path / "pft.nc", mapping={"GPP": {"variable": "a", "unit": "gC m-2 d-1"}})
