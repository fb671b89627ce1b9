import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.globe import regrid
from tamrl.globe.contract import EARTH_RADIUS, edges, land_area
from tamrl.globe.regrid import common_grid, grid, known_land, regrid_conservative

TIME = pd.date_range("2001-01-01", periods=2, freq="MS")


def make(rows, columns, seed, holes=0.3, start=-180.0, land=True, dtype="float64"):
    """Random global maps of rows x columns cells, the first column beginning at a longitude."""
    rng = np.random.default_rng(seed)
    lat = -90 + 180 / rows * (np.arange(rows) + 0.5)
    lon = start + 360 / columns * (np.arange(columns) + 0.5)
    gpp = rng.normal(3, 5, (2, rows, columns))
    gpp[:, rng.random((rows, columns)) < holes] = np.nan
    ds = xr.Dataset({"GPP": (("time", "lat", "lon"), gpp.astype(dtype))}, {"time": TIME, "lat": lat, "lon": lon})
    return ds.assign(land_fraction=(("lat", "lon"), rng.random((rows, columns)))) if land else ds


def totals(maps):
    return (maps["GPP"].astype(float) * land_area(maps)).sum(("lat", "lon")).values


def brute_force(maps, lat, lon):
    """Mean flux and land of each target cell, cell by cell, by areas of overlapping boxes on the sphere."""
    a_lat, a_lon = edges(maps["lat"].values, "lat"), edges(maps["lon"].values, "lon")
    b_lat, b_lon = edges(lat, "lat"), edges(lon, "lon")
    flux, land = maps["GPP"].values, maps["land_fraction"].values
    out, share = np.full((flux.shape[0], lat.size, lon.size), np.nan), np.zeros((lat.size, lon.size))
    for i in range(lat.size):
        for j in range(lon.size):
            top = np.zeros(flux.shape[0])
            whole = 0.0
            for y in range(land.shape[0]):
                south, north = max(a_lat[y], b_lat[i]), min(a_lat[y + 1], b_lat[i + 1])
                if north <= south:
                    continue
                for x in range(land.shape[1]):
                    for turn in (-360, 0, 360):
                        west, east = max(a_lon[x] + turn, b_lon[j]), min(a_lon[x + 1] + turn, b_lon[j + 1])
                        if east <= west or np.isnan(flux[0, y, x]):
                            continue
                        area = np.deg2rad(east - west) * (np.sin(np.deg2rad(north)) - np.sin(np.deg2rad(south)))
                        top += area * land[y, x] * flux[:, y, x]
                        whole += area * land[y, x]
            cell = np.deg2rad(b_lon[j + 1] - b_lon[j]) * np.diff(np.sin(np.deg2rad(b_lat[i : i + 2])))[0]
            share[i, j] = whole / cell
            if whole / cell > 1e-9:
                out[:, i, j] = top / whole
    return out, share


shapes = st.tuples(st.integers(2, 24), st.integers(2, 36))


@settings(max_examples=40, deadline=None)
@given(shapes, shapes, st.integers(0, 99), st.floats(-180, 180), st.floats(0, 0.9), st.booleans())
def test_totals_stay_what_they_were(source, target, seed, start, holes, has_land):
    maps = make(*source, seed, holes, start, has_land)
    maps["GPP"] = abs(maps["GPP"])
    aim = make(*target, 0)
    before = totals(maps)
    after = totals(regrid_conservative(maps, aim["lat"].values, aim["lon"].values))
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9 * EARTH_RADIUS**2)


def test_single_precision_keeps_totals_to_1e_5():
    maps = make(90, 180, 3, dtype="float32")
    maps["GPP"] = abs(maps["GPP"])
    for step in (1, 1.5, 2.5, 4):
        found = regrid_conservative(maps, *grid(step))
        assert found["GPP"].dtype == np.float32
        np.testing.assert_allclose(totals(found), totals(maps), rtol=1e-5)


@settings(max_examples=8, deadline=None)
@given(
    st.tuples(st.integers(2, 8), st.integers(2, 9)), st.tuples(st.integers(2, 8), st.integers(2, 9)), st.integers(0, 9)
)
def test_values_agree_with_overlaps_counted_one_by_one(source, target, seed):
    maps = make(*source, seed, start=-170.0)
    aim = make(*target, 0)
    found = regrid_conservative(maps, aim["lat"].values, aim["lon"].values)
    flux, share = brute_force(maps, aim["lat"].values, aim["lon"].values)
    np.testing.assert_allclose(found["GPP"], flux, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["land_fraction"], share, atol=1e-12)


def test_the_library_agrees_where_its_assumptions_hold():
    """Cells that nest, no missing values, away from the poles, which it pads."""
    pytest.importorskip("xarray_regrid")
    maps = make(90, 180, 5, holes=0, land=False)
    lat, lon = grid(6)
    theirs = maps.regrid.conservative(xr.Dataset(coords={"lat": lat, "lon": lon}), latitude_coord="lat")["GPP"]
    ours = regrid_conservative(maps, lat, lon)["GPP"]
    np.testing.assert_allclose(ours[:, 1:-1], theirs.transpose(*ours.dims)[:, 1:-1], rtol=1e-10)


def test_a_constant_stays_constant_and_the_same_grid_changes_nothing():
    maps = make(18, 36, 1)
    same = regrid_conservative(maps, maps["lat"].values, maps["lon"].values)
    known = maps["land_fraction"].values > 0
    np.testing.assert_allclose(same["GPP"].values[:, known], maps["GPP"].values[:, known], rtol=1e-12)
    constant = maps.assign(GPP=xr.full_like(maps["GPP"], 4.2))
    for step in (3, 20, 2.5):
        found = regrid_conservative(constant, *grid(step))["GPP"].values
        np.testing.assert_allclose(found, 4.2, rtol=1e-12)


def test_a_cell_across_the_date_line_is_whole():
    lat, lon = grid(30)
    maps = xr.Dataset({"GPP": (("lat", "lon"), np.zeros((6, 12)))}, {"lat": lat, "lon": lon})
    maps["GPP"][3, 0] = maps["GPP"][3, -1] = 1.0
    # One cell of 60 degrees whose centre is the date line, in longitudes that begin in the middle of the others.
    found = regrid_conservative(maps, lat, np.arange(-120.0, 240.0, 60.0))
    np.testing.assert_allclose(found["GPP"].sel(lon=180.0)[3], 1.0)
    assert float(found["GPP"].sum()) == pytest.approx(1.0)


def test_poles_of_a_grid_with_half_cells_count():
    lat, lon = np.linspace(-90, 90, 73), np.arange(-180, 180, 3.75)
    maps = xr.Dataset({"GPP": (("lat", "lon"), np.zeros((73, 96)))}, {"lat": lat, "lon": lon})
    maps["GPP"][-1] = 1.0
    found = regrid_conservative(maps, *grid(1))
    area = land_area(maps)
    assert float((found["GPP"] * land_area(found)).sum()) == pytest.approx(float((maps["GPP"] * area).sum()), rel=1e-12)


def test_land_of_the_coast_counts_by_its_share_and_cells_without_a_value_not():
    maps = xr.Dataset(
        {
            "GPP": (("lat", "lon"), [[2.0, 6.0, np.nan, 0.0]]),
            "land_fraction": (("lat", "lon"), [[1.0, 0.25, 1.0, 0.0]]),
        },
        {"lat": [0.5], "lon": [0.5, 1.5, 2.5, 3.5]},
    )
    found = regrid_conservative(maps, np.array([0.5]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(found["GPP"], [[(2 + 0.25 * 6) / 1.25, np.nan]])
    np.testing.assert_allclose(found["land_fraction"], [[0.625, 0.0]])


def test_a_region_leaves_the_rest_of_the_target_empty():
    maps = make(90, 180, 2, holes=0).sel(lat=slice(30, 60), lon=slice(0, 40))
    found = regrid_conservative(maps, *grid(5))
    inside = found["GPP"].isel(time=0).notnull()
    assert int(inside.sum()) == 6 * 8
    np.testing.assert_allclose(totals(found), totals(maps), rtol=1e-9)


def test_spread_classes_time_and_attributes():
    maps = make(6, 12, 0, holes=0)
    maps["GPP_sd"] = xr.ones_like(maps["GPP"])
    maps["code"] = (("component", "lat", "lon"), np.random.default_rng(0).random((3, 6, 12)))
    maps["koeppen"] = (("lat", "lon"), np.zeros((6, 12), np.int8), {"flag_values": [0], "flag_meanings": "none"})
    maps["PgC"] = 3.0
    maps.attrs = {"title": "kept"}
    maps["lat"].attrs = {"bounds": "lat_bnds", "units": "degrees_north"}
    found = regrid_conservative(maps, *grid(60))
    np.testing.assert_allclose(found["GPP_sd"], 1.0)
    assert "upper bound" in found["GPP_sd"].attrs["comment"]
    assert found["code"].dims == ("component", "lat", "lon")
    assert "koeppen" not in found
    assert float(found["PgC"]) == 3.0
    assert found.attrs["title"] == "kept"
    assert "First-order conservative from 30 x 30 to 60 x 60 degrees" in found.attrs["regridding"]
    assert found["lat"].attrs == {"units": "degrees_north"}
    assert maps["lat"].attrs["bounds"] == "lat_bnds"
    pd.testing.assert_index_equal(found.indexes["time"], TIME, check_names=False, exact=False)


def test_one_step_is_computed_without_the_others():
    read = []

    def block(block_id):
        read.append(block_id)
        return np.ones((1, 36, 72))

    lazy = dask.array.map_blocks(block, chunks=((1,) * 40, (36,), (72,)), meta=np.empty((0, 0, 0)))
    lat, lon = grid(5)
    time = pd.date_range("2000-01-01", periods=40, freq="MS")
    maps = xr.Dataset({"GPP": (("time", "lat", "lon"), lazy)}, {"time": time, "lat": lat, "lon": lon})
    found = regrid_conservative(maps, *grid(10))
    assert read == []
    found["GPP"].isel(time=30).compute(scheduler="synchronous")
    # The month itself, and four that say where land is known: January, April, July and October of three years.
    assert {i[0] for i in read} == {0, 3, 18, 33, 30}


def test_blocks_that_are_long_in_time_are_cut_before_they_become_whole_maps(monkeypatch):
    maps = make(18, 36, 0, holes=0).chunk({"time": 2, "lat": 6, "lon": 6})
    whole = regrid_conservative(maps, *grid(20))
    monkeypatch.setattr(regrid, "_BLOCK_BYTES", 18 * 36 * 8)
    cut = regrid_conservative(maps, *grid(20))
    assert (whole["GPP"].chunks[0], cut["GPP"].chunks[0]) == ((2,), (1, 1))
    np.testing.assert_allclose(cut["GPP"], whole["GPP"], rtol=1e-12)


def test_known_land_is_that_of_any_flux_on_any_step():
    maps = make(4, 8, 0, holes=0, land=False)
    maps["GPP"][0, 0] = np.nan
    maps["GPP"][:, 1] = np.nan
    maps["NEE"] = maps["GPP"].copy()
    maps["NEE"][0, 1, 3] = 1.0
    known = known_land(maps).values > 0
    assert known[0].all()
    assert list(np.flatnonzero(known[1])) == [3]


@pytest.mark.parametrize(
    ("lat", "lon", "part"),
    [
        ([10, 0], [0, 1], "lat does not ascend"),
        ([0, 95], [0, 1], "beyond the sphere"),
        ([0], [0, 180, 360], "beyond"),
        ([], [0], "does not ascend"),
    ],
)
def test_impossible_targets_are_errors(lat, lon, part):
    with pytest.raises(TamrlError, match=part):
        regrid_conservative(make(4, 8, 0), np.array(lat, float), np.array(lon, float))


def test_land_on_another_grid_is_an_error():
    with pytest.raises(TamrlError, match="another grid"):
        regrid_conservative(make(4, 8, 0), *grid(30), land_fraction=make(6, 12, 0)["land_fraction"])


def test_common_grid_is_the_coarsest():
    lat, lon = common_grid([make(18, 36, 0), make(9, 18, 0), make(36, 72, 0)])
    assert (lat.size, lon.size) == (9, 18)
    assert [axis.size for axis in grid(0.25)] == [720, 1440]
    assert grid(0.25)[1][0] == -179.875
    for impossible in (0, -1, 0.7, 400):
        with pytest.raises(TamrlError, match="does not divide"):
            grid(impossible)
    with pytest.raises(TamrlError, match="no maps"):
        common_grid([])
