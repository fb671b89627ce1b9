"""Cases 12 and 35: other grids are refused by their name, in products and drivers; the order of axes is free."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products.registry import open_product
from tamrl.timestep import TimeStep
from tamrl.upscale.drivers.mapping import default_mapping
from tamrl.upscale.drivers.open import open_drivers

TIME = pd.date_range("2001-01-01", periods=12, freq="MS")
LAT, LON = np.arange(-85.0, 90, 10), np.arange(-175.0, 180, 10)
UNIT = {"units": "gC m-2 d-1"}


def field(*dims, attrs=None):
    sizes = {"time": 12, "lat": 18, "lon": 36, "lev": 1}
    return dims, np.ones([sizes.get(d, 12) for d in dims], "f4"), UNIT | (attrs or {})


def on(y, x, y_values, x_values, y_attrs, x_attrs, attrs=None, **more):
    """A field over two axes that are not latitude and longitude."""
    values = np.ones((12, len(y_values), len(x_values)), "f4")
    return xr.Dataset(
        {"gpp": (("time", y, x), values, UNIT | (attrs or {})), **more},
        {"time": TIME, y: (y, y_values, y_attrs), x: (x, x_values, x_attrs)},
    )


def mapped(name, attrs=None):
    axis = np.arange(12) * 25_000.0
    crs = {"crs": ((), 0, {"grid_mapping_name": name} if attrs is None else attrs)}
    return on("y", "x", axis, axis, {}, {}, {"grid_mapping": "crs"}, **crs)


def curved(lat, lon, dims=("j", "i"), attrs=True):
    north, east = np.meshgrid(np.linspace(30, 60, 12), np.linspace(-10, 20, 12), indexing="ij")
    marks = ({"standard_name": "latitude"}, {"standard_name": "longitude"}) if attrs else ({}, {})
    ds = xr.Dataset({"gpp": field("time", *dims)}, {"time": TIME})
    return ds.assign_coords({lat: (dims, north + east / 9, marks[0]), lon: (dims, east + north / 9, marks[1])})


def cells(lat, lon, dim, unit="degrees"):
    ds = xr.Dataset({"gpp": field("time", dim)}, {"time": TIME})
    where = np.linspace(-1, 1, 12)
    return ds.assign_coords(
        {
            lat: (dim, where, {"standard_name": "latitude", "units": unit}),
            lon: (dim, where, {"standard_name": "longitude", "units": unit}),
        }
    )


DEGREES = np.linspace(-20, 20, 12)
METRES, ROTATED = {"units": "m"}, {"standard_name": "grid_latitude"}
OTHERS = {
    "rotated, standard names alone": (on("rlat", "rlon", DEGREES, DEGREES, ROTATED, {}), "rotated"),
    "rotated, called lat and lon": (on("lat", "lon", DEGREES, DEGREES, ROTATED, {}), "rotated"),
    "Lambert": (mapped("lambert_conformal_conic"), "lambert"),
    "polar stereographic": (mapped("polar_stereographic"), "polar_stereographic"),
    "sinusoidal": (mapped("sinusoidal"), "sinusoidal"),
    "UTM": (mapped("", {"crs_wkt": 'PROJCRS["WGS 84 / UTM zone 32N", BASEGEOGCRS["WGS 84"]]'}), "UTM zone 32N"),
    "EPSG": (mapped("", {"spatial_ref": "EPSG:3035"}), "EPSG:3035"),
    "PROJ": (mapped("", {"proj4": "+proj=laea +lat_0=52"}), "laea"),
    "HEALPix": (mapped("healpix"), "HEALPix"),
    "metres, nothing else": (on("y", "x", DEGREES, DEGREES, METRES | {"axis": "Y"}, METRES | {"axis": "X"}), "in m"),
    "kilometres": (on("y", "x", DEGREES, DEGREES, {"units": "km"}, {"units": "km"}), "in km"),
    "radians": (on("y", "x", DEGREES / 100, DEGREES / 100, {"units": "radian"}, {"units": "radian"}), "radian"),
    "NEMO": (curved("nav_lat", "nav_lon", ("y", "x")), "curvilinear"),
    "WRF": (curved("XLAT", "XLONG", ("south_north", "west_east"), attrs=False), "curvilinear"),
    "POP": (curved("TLAT", "TLONG", ("nlat", "nlon"), attrs=False), "curvilinear"),
    "ICON": (cells("clat", "clon", "ncells", "radian"), "unstructured"),
    "reduced Gaussian": (cells("latitude", "longitude", "values"), "unstructured"),
    "GRIB": (on("y", "x", DEGREES, DEGREES, {}, {}, {"GRIB_gridType": "reduced_gg"}), "reduced Gaussian"),
    "land points": (on("land", "x", np.arange(12), [0.0], {"compress": "lat lon"}, {}), "gathering"),
    "numbers": (on("y", "x", np.arange(12), np.arange(12), {}, {}), "numbered cells"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_grid_is_refused_by_its_name(tmp_path, name):
    ds, words = OTHERS[name]
    ds.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(TamrlError, match=words) as refused:
        open_product(tmp_path / "a.nc", mapping={"GPP": "gpp"})
    assert "cdo" in refused.value.todo or "degrees" in refused.value.todo or "grid of lat" in refused.value.todo
    ds.rename(gpp="TA").assign(TA=ds["gpp"].assign_attrs(units="degC")).to_netcdf(tmp_path / "b.nc")
    with pytest.raises(TamrlError, match=words):
        open_drivers([tmp_path / "b.nc"], default_mapping(), ("TA",), TimeStep.MONTHLY)


def plain():
    values = (np.arange(12)[:, None, None] + LAT[None, :, None] / 100 + LON[None, None, :] / 1000).astype("f4")
    return xr.Dataset({"gpp": (("time", "lat", "lon"), values, UNIT)}, {"time": TIME, "lat": LAT, "lon": LON})


SAME = {
    "north first": lambda ds: ds.isel(lat=slice(None, None, -1)),
    "0 to 360": lambda ds: ds.assign_coords(lon=ds.lon % 360).sortby("lon"),
    "-360 to 0": lambda ds: ds.assign_coords(lon=ds.lon % 360 - 360).sortby("lon"),
    "swapped": lambda ds: ds.transpose("lon", "lat", "time"),
    "a level": lambda ds: ds.expand_dims(lev=[2.0], axis=1),
    "a column twice": lambda ds: xr.concat([ds, ds.isel(lon=[0]).assign_coords(lon=[185.0])], "lon"),
    "two dimensions": lambda ds: (
        ds.rename(lat="y", lon="x")
        .drop_vars(["y", "x"])
        .assign_coords(nav_lat=(("y", "x"), LAT[:, None] + 0 * LON), nav_lon=(("y", "x"), LON + 0 * LAT[:, None]))
    ),
    "degrees as WKT": lambda ds: ds.assign(
        gpp=ds.gpp.assign_attrs(grid_mapping="crs"), crs=((), 0, {"spatial_ref": 'GEOGCS["WGS 84"]'})
    ),
}


@pytest.mark.parametrize("how", SAME)
def test_the_order_of_cells_does_not_matter(tmp_path, how):
    SAME[how](plain()).to_netcdf(tmp_path / "a.nc")
    found = open_product(tmp_path / "a.nc", mapping={"GPP": "gpp"})
    np.testing.assert_allclose(found["GPP"].values, plain()["gpp"].values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("how", ["north first", "0 to 360", "-360 to 0", "swapped"])
def test_land_and_fluxes_may_lie_in_another_order(tmp_path, how):
    plain().to_netcdf(tmp_path / "a.nc")
    share = xr.Dataset(
        {"land": (("lat", "lon"), np.linspace(0, 100, 648).reshape(18, 36), {"units": "%"})}, {"lat": LAT, "lon": LON}
    )
    turn = SAME[how] if how != "swapped" else lambda ds: ds.transpose("lon", "lat")
    turn(share).to_netcdf(tmp_path / "land.nc")
    SAME[how](plain().rename(gpp="resp")).to_netcdf(tmp_path / "b.nc")
    mapping = {"GPP": "gpp", "RECO": "resp", "land_fraction": "land"}
    found = open_product([tmp_path / n for n in ("a.nc", "b.nc", "land.nc")], mapping=mapping)
    np.testing.assert_allclose(found["land_fraction"].values, share["land"].values / 100, atol=1e-6)
    np.testing.assert_allclose(found["RECO"].values, found["GPP"].values, rtol=1e-6)
