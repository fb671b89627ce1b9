"""Fields of maps: means over parts of time, cycles, common grids; only what is asked for is read."""

import dask.array as da
import map_files
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.globe.contract import cell_area, month_starts
from tamrl.maps import common_grid, time_means
from tamrl.maps.time_means import Period


@pytest.fixture(scope="module")
def climatology():
    return map_files.dataset(6.0)


@pytest.fixture(scope="module")
def years():
    return map_files.dataset(6.0, years=3, kind="product")


def test_a_year_is_the_mean_of_its_months_weighted_by_days(years):
    found = time_means.field(years, "GPP", Period(year=2002))
    months = years["GPP"].sel(time="2002")
    expected = months.weighted(months.time.dt.days_in_month).mean("time")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.attrs["units"] == "gC m-2 d-1"
    assert found.attrs["cell_methods"] == "time: mean"


def test_a_month_without_a_year_is_its_mean_over_the_years(years):
    found = time_means.field(years, "NEE", Period(month=7))
    expected = years["NEE"].isel(time=[6, 18, 30]).mean("time")
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_december_of_a_winter_belongs_to_the_year_before(years):
    chosen = years.time.values[time_means.steps(years, Period(season="DJF", year=2002))]
    assert [str(t)[:7] for t in chosen] == ["2001-12", "2002-01", "2002-02"]


def test_a_season_that_lacks_a_month_is_left_out(years):
    """The first DJF of a record has no December, and the December of the last year begins one without an end."""
    assert time_means.steps(years, Period(season="DJF", year=2001)).size == 0
    assert time_means.steps(years, Period(season="DJF", year=2004)).size == 0
    with pytest.raises(TamrlError, match="no DJF 2001 with each of its months"):
        time_means.field(years, "GPP", Period(season="DJF", year=2001))
    chosen = years.time.values[time_means.steps(years, Period(season="DJF"))]
    assert [str(t)[:7] for t in chosen] == ["2001-12", "2002-01", "2002-02", "2002-12", "2003-01", "2003-02"]
    assert time_means.years_with(years, Period(season="DJF")) == (2002, 2003)
    holed = years.isel(time=[t for t in range(36) if t != 6])
    assert time_means.years_with(holed, Period(season="JJA")) == (2002, 2003)
    assert time_means.years_with(holed, Period(month=7)) == (2002, 2003)
    assert time_means.years_with(holed, Period()) == (2001, 2002, 2003)
    assert time_means.lacking_months(holed, 2001) == (7,)


def test_months_without_any_value_are_known(years):
    assert time_means.unknown_months(years, "GPP") == ()
    july = years["time"].dt.month == 7
    empty = years.assign(GPP=years["GPP"].where(~july))
    assert time_means.unknown_months(empty, "GPP") == (7,)
    assert time_means.unknown_months(empty, "GPP", read=False) == ()
    once = years.assign(GPP=years["GPP"].where(~july | (years["time"].dt.year == 2003)))
    assert time_means.unknown_months(once, "GPP") == ()
    short = years.isel(time=np.flatnonzero(~july))
    assert time_means.unknown_months(short, "GPP") == time_means.unknown_months(short, "GPP", read=False) == (7,)
    assert time_means.unknown_months(years.assign(GPP=years["GPP"] * np.nan), "GPP") == ()
    assert time_means.unknown_months(years.drop_vars("GPP"), "GPP") == ()


def test_a_place_lies_in_a_cell_or_outside_the_maps():
    globe = xr.Dataset(coords={"lat": [-45.0, 45.0], "lon": [-180.0, -90.0, 0.0, 90.0]})
    assert time_means.cell_of(globe, 50, 10) == (1, 2)
    assert time_means.cell_of(globe, 50, 179) == (1, 0), "the cells of the date line reach around it"
    region = xr.Dataset(coords={"lat": np.arange(36.5, 60), "lon": np.arange(-9.5, 30)})
    assert time_means.cell_of(region, 36.2, -9.9) == (0, 0)
    assert time_means.cell_of(region, 35.9, 0) is None
    assert time_means.cell_of(region, 50, 30.1) is None
    with pytest.raises(TamrlError, match="outside these maps"):
        time_means.cycle(region.assign(GPP=(("lat", "lon"), np.zeros((24, 40)))), "GPP", (0.0, 0.0))


def test_a_climatology_has_no_years_and_takes_the_year_as_all(climatology):
    assert time_means.years_of(climatology) == ()
    assert time_means.span(climatology) == "2001-2010"
    july = time_means.field(climatology, "GPP", Period(month=7, year=1999))
    np.testing.assert_allclose(july, climatology["GPP"].isel(time=6), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "period", "what"),
    [("XYZ", Period(), "XYZ"), ("GPP_sd", Period(), "spread of GPP"), ("GPP", Period(year=1890), "Year 1890")],
)
def test_what_is_not_there_is_said(years, name, period, what):
    with pytest.raises(TamrlError, match=what) as caught:
        time_means.field(years, name, period)
    assert caught.value.where == "Made-up maps"
    assert caught.value.todo


def test_a_cell_is_averaged_over_the_months_that_it_has(climatology):
    holed = climatology.copy(deep=True)
    holed["GPP"][:6, 10, 35] = np.nan
    found = time_means.field(holed, "GPP", Period())
    expected = np.average(holed["GPP"].values[6:, 10, 35], weights=[31, 31, 30, 31, 30, 31])
    assert float(found[10, 35]) == pytest.approx(expected, rel=1e-6)
    assert np.isnan(found).sum() == np.isnan(climatology["GPP"][0]).sum()


def test_only_the_steps_of_the_period_are_read():
    def block(month):
        if month != 7:
            raise AssertionError(f"month {month} was read")
        return np.full((1, 3, 4), 7.0)

    import dask

    parts = [da.from_delayed(dask.delayed(block)(m), (1, 3, 4), float) for m in range(1, 13)]
    maps = xr.Dataset(
        {"GPP": (("time", "lat", "lon"), da.concatenate(parts))},
        {"time": month_starts(), "lat": [-60.0, 0, 60], "lon": [-135.0, -45, 45, 135]},
    )
    assert float(time_means.field(maps, "GPP", Period(month=7)).mean()) == 7


def test_the_cycle_of_a_cell_is_that_of_the_maps(years):
    maps = time_means.cycle(years, "GPP")
    assert maps.dims == ("month", "lat", "lon")
    at = time_means.cycle(years, "GPP", (45.5, 10.0))
    np.testing.assert_allclose(at, maps.sel(lat=45.5, lon=10.0, method="nearest"), rtol=1e-6)
    assert list(at["month"].values) == list(range(1, 13))


def test_months_that_maps_lack_are_missing_in_the_cycle(years):
    half = years.isel(time=slice(0, 6))
    found = time_means.cycle(half, "GPP", (0.0, 10.0))
    assert np.isfinite(found[:6]).all()
    assert np.isnan(found[6:]).all()


@pytest.mark.parametrize("turned", [False, True])
def test_the_finer_of_two_fields_is_averaged_onto_the_coarser_and_loses_no_carbon(turned):
    fine, coarse = map_files.dataset(3.0), map_files.dataset(6.0)
    pair = [(m["GPP"].isel(time=6), m["land_fraction"]) for m in (fine, coarse)][:: -1 if turned else 1]
    a, b, land = common_grid.on_common_grid(pair[0][0], pair[1][0], pair[0][1], pair[1][1])
    assert a.sizes == b.sizes == coarse["GPP"].isel(time=6).sizes
    assert land.sizes["lat"] == 30
    moved = b if turned else a
    area = cell_area(fine.lat.values, fine.lon.values) * fine["land_fraction"]
    before = float((fine["GPP"].isel(time=6) * area).sum())
    share = area.coarsen(lat=2, lon=2).sum().assign_coords(lat=coarse.lat, lon=coarse.lon)
    assert float((moved * share).sum()) == pytest.approx(before, rel=1e-5)


def test_two_fields_on_one_grid_stay_as_they_are(climatology):
    a, other = climatology["GPP"].isel(time=0), climatology["RECO"].isel(time=0)
    shifted = other.assign_coords(lat=other.lat + 1e-6)  # as rounded in a file
    x, y, _ = common_grid.on_common_grid(a, shifted, None, None)
    assert x is a
    np.testing.assert_array_equal(y, other)
    assert not np.isnan((x - y).values).all()


def test_where_not_to_believe_follows_the_threshold(climatology):
    found = time_means.doubtful(climatology)
    assert bool(found.sel(lat=63, lon=9, method="nearest"))
    assert not bool(found.sel(lat=3, lon=9, method="nearest"))
    assert not bool(found.sel(lat=63, lon=-177, method="nearest"))  # sea
    assert time_means.doubtful(climatology.drop_vars("extrapolation")) is None


@settings(max_examples=30, deadline=None)
@given(
    month=st.none() | st.integers(1, 12),
    season=st.sampled_from([None, *time_means.SEASONS]),
    year=st.sampled_from([None, 2002]),
)
def test_every_step_belongs_to_its_period(years, month, season, year):
    period = Period(month, None if month else season, year)
    chosen = pd.DatetimeIndex(years.time.values[time_means.steps(years, period)])
    assert set(chosen.month) == set(period.months)
    # Of three years two have a whole winter.
    assert len(chosen) == len(period.months) * (1 if year else 2 if period.season == "DJF" else 3)
    assert period.label
