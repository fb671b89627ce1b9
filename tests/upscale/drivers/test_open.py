"""Any orientation, order, packing and unit of the files gives the same drivers."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.timestep import TimeStep
from tamrl.towers.interpolate import to_days
from tamrl.upscale.drivers.landcover import static_inputs_of
from tamrl.upscale.drivers.mapping import bundled_mappings, default_mapping, load_mapping
from tamrl.upscale.drivers.open import open_drivers
from tamrl.upscale.drivers.read import read_driver

NAMES = ("TA", "SW_IN", "VPD", "SW_IN_POT")


def read(found, name):
    return read_driver(found.drivers[name], slice(0, found.lat.size), slice(0, found.lon.size))


def opened(path, names=NAMES, step=TimeStep.DAILY, mapping=None, **more):
    return open_drivers(
        [path] if not isinstance(path, list) else path, mapping or default_mapping(), names, step, **more
    )


def mapping_file(tmp_path, text):
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def turned(ds):
    """The same field from north to south, 0 to 360 degrees, other names and order of dimensions."""
    ds = (
        ds.assign_coords(lon=ds.lon % 360).sortby("lon").isel(lat=slice(None, None, -1)).transpose("lon", "time", "lat")
    )
    return ds.rename(lat="latitude", lon="longitude")


def in_two_years(ds):
    return [ds.isel(time=slice(25, None)), ds.isel(time=slice(0, 25))]


@pytest.mark.parametrize("how", ["plain", "turned", "zarr", "packed", "parts"])
def test_layouts_give_the_same_values(field_files, tmp_path, how):
    ds, path = field_files(), tmp_path / "drivers.nc"
    expected = (ds["TA"].values - 273.15).astype(np.float32)
    if how == "turned":
        turned(ds).to_netcdf(path)
    elif how == "zarr":
        path = tmp_path / "drivers.zarr"
        ds.chunk({"time": 7, "lat": 3, "lon": 4}).to_zarr(path, consolidated=False)
    elif how == "packed":
        about = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -32768}
        ds.to_netcdf(path, encoding={"TA": about | {"zlib": True, "chunksizes": (1, 6, 10)}})
    elif how == "parts":
        path = [tmp_path / f"{i}.nc" for i in range(2)]
        for one, part in zip(path, in_two_years(ds), strict=True):
            part.to_netcdf(one)
    else:
        ds.to_netcdf(path)
    found = opened(path)
    assert np.allclose(found.lat, ds.lat)
    assert np.allclose(found.lon, ds.lon)
    assert found.time.equals(pd.DatetimeIndex(ds.time.values))
    assert found.simulated
    np.testing.assert_allclose(read(found, "TA"), expected, atol=6e-3 if how == "packed" else 1e-4)
    part = read_driver(found.drivers["SW_IN"], slice(2, 5), slice(1, 9))
    np.testing.assert_allclose(part, ds["SW_IN"].values[:, 2:5, 1:9], rtol=1e-6)


def test_box_and_time_are_cut_out(field_files, tmp_path):
    ds, path = field_files(), tmp_path / "d.nc"
    turned(ds).to_netcdf(path)
    days = (pd.Timestamp("2001-01-11"), pd.Timestamp("2001-01-20"))
    found = opened(path, bbox=(-3, 40, 15, 50), period=days)
    kept = ds.sel(lat=slice(40, 50), lon=slice(-3, 15), time=slice(*days))
    np.testing.assert_allclose(read(found, "VPD"), kept["VPD"].values, rtol=1e-6)
    with pytest.raises(TamrlError, match="holds no cell"):
        opened(path, bbox=(100, 40, 120, 50))
    with pytest.raises(TamrlError, match="no step from 2005"):
        opened(path, period=(pd.Timestamp("2005-01-01"), pd.Timestamp("2005-02-01")))


def test_a_driver_may_lack_an_axis(field_files, tmp_path):
    ds, path = field_files(), tmp_path / "d.nc"
    ds["SW_IN"] = ds["SW_IN"].isel(lon=0, drop=True).assign_attrs(units="W m-2")
    ds["C4"] = (("lat", "lon"), np.full((6, 10), 0.25), {"units": "1"})
    ds.to_netcdf(path)
    found = opened(path, (*NAMES, "C4"))
    assert read(found, "SW_IN").shape == (40, 6, 1)
    assert found.drivers["C4"].static
    assert (read(found, "C4") == 0.25).all()


def test_months_become_days_and_finer_steps_averaged(field_files, tmp_path):
    ds = field_files(days=59)
    months = pd.date_range("2001-01-01", periods=2, freq="MS")
    lai = xr.DataArray(np.array([1.0, 3.0])[:, None, None] + np.zeros((2, 6, 10)), dims=("time", "lat", "lon"))
    lai = lai.assign_coords(time=months, lat=ds.lat, lon=ds.lon).assign_attrs(units="m2 m-2")
    ds["rain"] = (("time", "lat", "lon"), np.repeat(np.arange(59.0), 60).reshape(59, 6, 10) * 1e-3, {"units": "m"})
    ds.to_netcdf(tmp_path / "a.nc")
    lai.to_dataset(name="LAI").to_netcdf(tmp_path / "b.nc")
    rules = mapping_file(
        tmp_path, "drivers: {TA: TA, LAI: LAI, P: {variable: rain}, P_MON: {variable: rain, average: month}}"
    )
    found = opened([tmp_path / "a.nc", tmp_path / "b.nc"], ("TA", "LAI", "P", "P_MON"), mapping=rules)
    assert len(found.time) == 59
    # Of a state the days lie on the line between the middles of months, 15.5 January and 14 February.
    line = np.interp(np.arange(59) + 0.5, [15.5, 45.0], [1.0, 3.0])
    np.testing.assert_allclose(read(found, "LAI")[:, 2, 3], line, rtol=1e-6)
    np.testing.assert_allclose(read(found, "P")[:, 0, 0], np.arange(59), atol=1e-4)
    np.testing.assert_allclose(read(found, "P_MON")[[0, 58], 0, 0], [15.0, 44.5], rtol=1e-5)


def test_the_line_to_the_first_days_of_a_run_comes_from_months_before_it(field_files, tmp_path):
    ds = field_files(days=59)
    ds.to_netcdf(tmp_path / "a.nc")
    months = pd.date_range("2000-11-01", periods=6, freq="MS")
    values = np.arange(6.0)[:, None, None] + np.zeros((6, 6, 10))
    values[1, 2, 3] = np.nan
    lai = xr.DataArray(values, dims=("time", "lat", "lon"), attrs={"units": "m2 m-2"})
    lai.assign_coords(time=months, lat=ds.lat, lon=ds.lon).to_dataset(name="LAI").to_netcdf(tmp_path / "b.nc")
    found = opened([tmp_path / "a.nc", tmp_path / "b.nc"], ("TA", "LAI"))
    made, ends = read(found, "LAI"), months + pd.offsets.MonthBegin(1)
    for row, column in ((0, 0), (2, 3)):
        wanted = to_days(months, ends, values[:, row, column], pd.DatetimeIndex(found.time))
        np.testing.assert_allclose(made[:, row, column], wanted, rtol=1e-6)
    # January is 2, December before the run 1: the first of January lies half-way.
    assert made[0, 0, 0] == pytest.approx(1.5, abs=0.03)


def test_vapour_pressure_deficit_from_the_dew_point(field_files, tmp_path):
    # FAO-56, examples 3 and 6: 24.5 and 15 degC give 3.075 and 1.705 kPa, their mean is 2.39; at 10 degC 1.228 kPa.
    ds = field_files()
    for name, value in (("low", 288.15), ("high", 297.65), ("dew", 283.15)):
        ds[name] = (("time", "lat", "lon"), np.full((40, 6, 10), value), {"units": "K"})
    ds.to_netcdf(tmp_path / "d.nc")
    rules = mapping_file(tmp_path, "drivers: {TA_MIN: low, TA_MAX: high, VPD: {dew_point: {variable: dew}}}")
    found = opened(tmp_path / "d.nc", ("TA_MIN", "TA_MAX", "VPD"), mapping=rules)
    np.testing.assert_allclose(read(found, "VPD")[0, 0, 0], 10 * ((3.075 + 1.705) / 2 - 1.228), atol=0.03)


def test_the_shipped_mapping_reads_era5_land_names(field_files, tmp_path):
    assert "era5land-modis" in bundled_mappings()
    ds = field_files()
    ds = xr.Dataset({"t2m": ds["TA"], "ssrd": ds["SW_IN"] * 86_400, "d2m": ds["TA"] - 4, "tp": ds["VPD"] * 1e-3})
    ds["t2m"].attrs["units"] = "K"
    ds.rename(time="valid_time").to_netcdf(tmp_path / "d.nc")
    found = opened(tmp_path / "d.nc", ("TA", "SW_IN", "VPD", "P_MON", "LAI"), mapping=load_mapping("era5land-modis"))
    assert set(found.drivers) == {"TA", "SW_IN", "VPD", "P_MON"}
    np.testing.assert_allclose(read(found, "SW_IN"), field_files()["SW_IN"].values, rtol=1e-5)
    assert "LAI" in found.notes[0]


def break_units(ds):
    del ds["TA"].attrs["units"]


def wrong_unit(ds):
    ds["TA"].attrs["units"] = "degC"


def unknown_unit(ds):
    ds["VPD"].attrs["units"] = "furlong"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (break_units, "TA has no unit"),
        (wrong_unit, "lie outside"),
        (unknown_unit, "not understood.*Known units of VPD"),
    ],
)
def test_units_are_never_guessed(field_files, tmp_path, change, text):
    ds = field_files()
    change(ds)
    ds.to_netcdf(tmp_path / "d.nc")
    with pytest.raises(TamrlError, match=text):
        opened(tmp_path / "d.nc")


def test_bad_files_are_said_so(field_files, tmp_path):
    ds = field_files()
    ds.to_netcdf(tmp_path / "a.nc")
    ds.isel(lat=slice(1, None)).to_netcdf(tmp_path / "b.nc")
    with pytest.raises(TamrlError, match="no such file"):
        opened(tmp_path / "none.nc")
    with pytest.raises(TamrlError, match="Its grid"):
        opened([tmp_path / "a.nc", tmp_path / "b.nc"])
    with pytest.raises(TamrlError, match="none of the drivers"):
        opened(tmp_path / "a.nc", ("LAI", "EVI"))
    with pytest.raises(TamrlError, match=r"The model is monthly, TA comes in days"):
        opened(tmp_path / "a.nc", step=TimeStep.MONTHLY)
    ds.isel(time=slice(0, 5)).to_netcdf(tmp_path / "c.nc")
    with pytest.raises(TamrlError, match="occurs twice on 2001-01-01"):
        opened([tmp_path / "a.nc", tmp_path / "c.nc"])


def test_a_daily_model_does_not_take_monthly_weather(field_files, tmp_path):
    ds = field_files(days=6).assign_coords(time=pd.date_range("2001-01-01", periods=6, freq="MS"))
    ds.to_netcdf(tmp_path / "m.nc")
    with pytest.raises(TamrlError, match="The model is daily, TA comes in months"):
        opened(tmp_path / "m.nc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drivers: {TAA: x}", "Unknown key TAA"),
        ("drivers: {TA: {variable: x, unit: K}}", "Unknown key unit"),
        ("colours: {}", "Unknown key colours"),
        ("drivers: {TA: {units: K}}", "not named"),
        ("drivers: {TA: {variable: x, average: week}}", "Unknown average"),
        ("[1, 2]", "Expected entries"),
        ("classes: {igbp: {variable: x, codes: {1: FOREST}}}", "Unknown IGBP class"),
        ("a: [", "cannot be read"),
    ],
)
def test_mappings_have_strict_keys(tmp_path, text, message):
    with pytest.raises(TamrlError, match=message):
        mapping_file(tmp_path, text)


def test_days_in_files_of_their_own_are_days_whatever_their_date(field_files, tmp_path):
    ds = field_files(days=5, start="2001-01-30").drop_vars(["TA", "VPD"])
    ds["ssrd"] = (ds["SW_IN"] * 86_400).assign_attrs(units="J m-2")
    expected = ds["SW_IN"].values
    for i in range(5):
        ds.drop_vars("SW_IN").isel(time=[i]).to_netcdf(tmp_path / f"day{i}.nc")
    mapping = mapping_file(tmp_path, "name: x\nsource: y\ndrivers:\n  SW_IN: {variable: ssrd}\n")
    found = opened(tmp_path / "day*.nc", ("SW_IN",), mapping=mapping)
    assert len(found.time) == 5
    np.testing.assert_allclose(read(found, "SW_IN"), expected, rtol=1e-5)


@pytest.mark.parametrize(("unit", "factor"), [("1", 1), ("%", 100), ("", 100), ("", 1)])
def test_land_in_percent_is_a_share(field_files, tmp_path, unit, factor):
    ds = field_files()
    share = np.linspace(0, 1, ds.sizes["lat"] * ds.sizes["lon"], dtype=np.float32)
    share = share.reshape(ds.sizes["lat"], ds.sizes["lon"])
    ds["land_fraction"] = (("lat", "lon"), share * factor, {"units": unit} if unit else {})
    ds.to_netcdf(tmp_path / "d.nc")
    found = opened(tmp_path / "d.nc")
    rows, columns = slice(0, ds.sizes["lat"]), slice(0, ds.sizes["lon"])
    land = static_inputs_of(found.classes, rows, columns, None, False)[2]
    np.testing.assert_allclose(land, share.ravel(), atol=1e-6)


def test_land_in_another_unit_is_refused(field_files, tmp_path):
    ds = field_files()
    ds["land_fraction"] = ds["land_fraction"].assign_attrs(units="km2")
    ds.to_netcdf(tmp_path / "d.nc")
    with pytest.raises(TamrlError, match="km2"):
        opened(tmp_path / "d.nc")
