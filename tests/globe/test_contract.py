"""The geometry of global maps and the contract that every set of maps keeps."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.globe.contract import (
    EARTH_RADIUS,
    add_bounds,
    cell_area,
    check_maps,
    edges,
    flux_attributes,
    land_area,
    step_days,
    to_grid,
)


def maps(step=10.0, months=12):
    lat, lon = np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)
    shape = (months, len(lat), len(lon))
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return xr.Dataset(
        {"GPP": (("time", "lat", "lon"), values, flux_attributes("GPP"))},
        {"time": pd.date_range("2001-01-01", periods=months, freq="MS"), "lat": lat, "lon": lon},
    )


@settings(deadline=None)
@given(rows=st.integers(2, 90), columns=st.integers(2, 180))
def test_the_cells_of_the_globe_add_up_to_the_sphere(rows, columns):
    lat = -90 + (np.arange(rows) + 0.5) * 180 / rows
    lon = -180 + (np.arange(columns) + 0.5) * 360 / columns
    area = cell_area(lat, lon)
    assert float(area.sum()) == pytest.approx(4 * np.pi * EARTH_RADIUS**2, rel=1e-9)
    np.testing.assert_allclose(area.values, cell_area(lat[::-1], lon).values[::-1])


def test_the_sphere_has_the_area_of_the_earth():
    assert 4 * np.pi * EARTH_RADIUS**2 == pytest.approx(510.066e12, rel=1e-4)


def test_land_area_is_that_of_the_land():
    one = maps().assign(land_fraction=(("lat", "lon"), np.full((18, 36), 0.25)))
    assert float(land_area(one).sum()) == pytest.approx(float(land_area(maps()).sum()) / 4)


def test_any_usual_grid_becomes_the_one_of_the_project():
    ds = maps()
    shifted = ds.assign_coords(lon=ds.lon % 360).sortby("lon").isel(lat=slice(None, None, -1))
    odd = shifted.rename(lat="latitude", lon="longitude")
    xr.testing.assert_equal(to_grid(odd)["GPP"], ds["GPP"])
    assert to_grid(odd)["lat"].attrs["units"] == "degrees_north"


def test_grids_that_are_not_regular_are_refused():
    with pytest.raises(TamrlError, match="no one-dimensional"):
        to_grid(maps().rename(lat="rows"))
    with pytest.raises(TamrlError, match="not regular in lon"):
        to_grid(maps().isel(lon=[0, 1, 2, 5, 6]))
    with pytest.raises(TamrlError, match="outside"):
        to_grid(maps().assign_coords(lat=np.linspace(-100, 100, 18)))


def test_bounds_meet_and_months_have_their_own_length():
    ds = add_bounds(maps(months=14))
    for name in ("lat", "lon", "time"):
        bounds = ds[f"{name}_bnds"].values
        assert (bounds[1:, 0] == bounds[:-1, 1]).all()
        assert ds[name].attrs["bounds"] == f"{name}_bnds"
    gap = maps().isel(time=[0, 1, 11])
    assert step_days(gap).values.tolist() == [31, 28, 31], "a missing year does not lengthen a month"
    assert step_days(maps()).values.tolist() == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert edges(np.array([-89.0, -87.0]), "lat").tolist() == [-90, -88, -86]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.drop_vars("GPP"), "none of GPP"),
        (lambda m: m.transpose("lat", "lon", "time"), "has dimensions"),
        (lambda m: m.assign(GPP=m.GPP.assign_attrs(units="kg m-2 s-1")), "Convert it"),
        (lambda m: m.isel(lat=slice(None, None, -1)), "lat does not ascend"),
        (lambda m: m.assign_coords(lon=m.lon + 180), "Longitudes"),
        (lambda m: m.isel(time=slice(0, 6)).assign_attrs(climatology="2000-2025"), "12 months"),
        (lambda m: m.isel(time=0, drop=True), "no dimension time"),
    ],
)
def test_what_breaks_the_contract_is_named(change, message):
    assert check_maps(maps()) is not None
    with pytest.raises(TamrlError, match=message):
        check_maps(change(maps()))
