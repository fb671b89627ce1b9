"""Zonal means, totals and differences against plain loops, the library ``scores`` and totals known beforehand."""

import map_files
import numpy as np
import pytest
import scores.continuous
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.globe.contract import EARTH_RADIUS, cell_area, land_area
from tamrl.maps import aggregate, regions
from tamrl.maps.aggregate import ALL, MEAN_YEAR
from tamrl.maps.time_means import Period, field


@pytest.fixture(scope="module")
def maps():
    return map_files.dataset(step=4)


@pytest.fixture(scope="module")
def years():
    return map_files.dataset(step=4, years=3, kind="product", fluxes=("GPP",))


@pytest.fixture(scope="module")
def earth():
    return map_files.earth(step=2)


def pair(seed=0, step=10.0, gaps=0.2):
    lat, lon = map_files.grid(step)
    rng = np.random.default_rng(seed)
    fields = []
    for _ in range(2):
        values = rng.normal(3, 2, (lat.size, lon.size))
        values[rng.random(values.shape) < gaps] = np.nan
        fields.append(xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"), "GPP"))
    return *fields, cell_area(lat, lon) * rng.random((lat.size, lon.size))


def test_a_uniform_flux_over_known_land_has_a_known_total():
    lat, lon = map_files.grid(1.0)
    whole = cell_area(lat, lon)
    land = whole * (149e12 / (4 * np.pi * EARTH_RADIUS**2))
    one = xr.ones_like(whole)
    # 1 gC m-2 d-1 x 149e12 m2 x 365.25 d = 54.42 PgC.
    assert aggregate.total(one, land) == pytest.approx(149e12 * 365.25 / 1e15, rel=1e-9)
    assert aggregate.total(one, land) == pytest.approx(54.42, abs=0.01)
    assert float(land.sum()) == pytest.approx(149e12, rel=1e-9)


def test_nothing_is_known_of_the_total_of_maps_without_any_value(maps, earth):
    area = land_area(maps)
    groups = regions.groups("continent", earth, maps["lat"].values, maps["lon"].values)
    empty = maps["GPP"].mean("time") * np.nan
    totals = aggregate.group_totals(empty, area, groups)
    assert ALL in totals
    assert len(totals) > 1
    assert all(np.isnan(total) for total in totals.values())
    assert (aggregate.covered(empty, area, groups) == 0).all()
    one = empty.copy()
    one[{"lat": 22, "lon": 48}] = 2.0
    known = aggregate.group_totals(one, area, groups)
    assert known[ALL] > 0
    assert not any(np.isnan(total) for total in known.values())


def test_zonal_mean_is_that_of_a_loop():
    flux, _, area = pair()
    found = aggregate.zonal_mean(flux, area)
    for i in range(flux.sizes["lat"]):
        top = bottom = 0.0
        for j in range(flux.sizes["lon"]):
            if np.isfinite(flux.values[i, j]):
                top += flux.values[i, j] * area.values[i, j]
                bottom += area.values[i, j]
        assert found.values[i] == pytest.approx(top / bottom)
    assert aggregate.zonal_mean(flux.where(flux.lat > 0), area).isnull().sum() == (flux.lat <= 0).sum()


def test_zonal_means_and_their_areas_give_the_total(maps):
    gpp, area = field(maps, "GPP", Period()), land_area(maps)
    bands = aggregate.zonal_mean(gpp, area) * area.where(gpp.notnull()).sum("lon")
    assert float(bands.sum()) * 365.25 / 1e15 == pytest.approx(aggregate.total(gpp, area))


@pytest.mark.parametrize("step", [1.0, 4.0])
def test_totals_of_latitudes_add_up_whatever_the_grid(step):
    maps = map_files.dataset(step=step)
    gpp, area = field(maps, "GPP", Period()), land_area(maps)
    found = aggregate.zonal_total(gpp, area)
    assert float((found * step).sum()) == pytest.approx(aggregate.total(gpp, area))
    assert found.sel(lat=slice(-90, -52)).isnull().all()


def test_hovmoeller_is_the_zonal_mean_of_each_month(maps):
    found = aggregate.hovmoeller(maps, "GPP", land_area(maps))
    assert found.dims == ("month", "lat")
    july = aggregate.zonal_mean(maps["GPP"].isel(time=6), land_area(maps))
    np.testing.assert_allclose(found.sel(month=7), july, rtol=1e-6)


def test_annual_totals_follow_the_years_and_the_groups_add_up(years, earth):
    area = land_area(years)
    groups = regions.groups("band", earth, years.lat.values, years.lon.values)
    table = aggregate.annual_totals(years, "GPP", area, groups)
    assert list(table.index) == [2001, 2002, 2003]
    # The made-up trend is 2 % of the first year a year.
    np.testing.assert_allclose(table[ALL] / table[ALL].iloc[0], [1, 1.02, 1.04], rtol=1e-4)
    np.testing.assert_allclose(table.drop(columns=ALL).sum(axis=1), table[ALL])
    month = years["GPP"].sel(time="2002").fillna(0)
    days = xr.DataArray([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dims="time")
    assert table.loc[2002, ALL] == pytest.approx(float((month * days * area).sum()) / 1e15 * 365.25 / 365, rel=1e-6)


def test_a_part_of_a_year_is_no_year_and_a_climatology_has_one_row(maps, years):
    assert aggregate.whole_years(years.isel(time=slice(5, 30))) == (2002,)
    part = aggregate.annual_totals(years.isel(time=slice(0, 7)), "GPP", land_area(years))
    assert list(part.index) == [MEAN_YEAR]
    mean = aggregate.annual_totals(maps, "GPP", land_area(maps))
    assert list(mean.index) == [MEAN_YEAR]
    assert mean.loc[MEAN_YEAR, ALL] == pytest.approx(aggregate.total(field(maps, "GPP", Period()), land_area(maps)))


def test_a_flux_that_the_maps_lack_is_an_error(years):
    with pytest.raises(TamrlError, match="RECO"):
        aggregate.annual_totals(years, "RECO", land_area(years))


def test_differences_are_those_of_the_library_scores():
    first, second, area = pair(1)
    row = aggregate.differences(first, second, area).loc[ALL]
    both = first.notnull() & second.notnull()
    # The library divides the weighted sum by the number of values: weights of mean 1 give the weighted mean.
    weight = area / area.where(both).mean()
    a, b = first.where(both), second.where(both)
    assert row["bias"] == pytest.approx(float(scores.continuous.additive_bias(a, b, weights=weight)))
    assert row["rmse"] == pytest.approx(float(scores.continuous.rmse(a, b, weights=weight)))
    assert row["cells"] == int(both.sum())
    assert row["area"] == pytest.approx(float(area.where(both).sum()) / 1e12)
    w = area.values[both.values]
    expected = np.cov(a.values[both.values], b.values[both.values], aweights=w)
    assert row["correlation"] == pytest.approx(expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1]))


def test_differences_by_group_are_those_of_the_cells_of_the_group(earth):
    first, second, area = pair(2)
    groups = regions.groups("band", earth, first.lat.values, first.lon.values)
    table = aggregate.differences(first, second, area, groups)
    for code, name in groups.names.items():
        alone = aggregate.differences(first.where(groups.codes == code), second, area).loc[ALL]
        np.testing.assert_allclose(table.loc[name].to_numpy(float), alone.to_numpy(float))


@settings(max_examples=25, deadline=None)
@given(st.floats(-5, 5), st.floats(0.2, 5), st.integers(0, 50))
def test_a_shifted_and_stretched_field_correlates_fully(shift, scale, seed):
    first, _, area = pair(seed, 30.0)
    row = aggregate.differences(first * scale + shift, first, area).loc[ALL]
    assert row["correlation"] == pytest.approx(1)
    assert row["bias"] == pytest.approx(row["first"] - row["second"], abs=1e-9)
    assert row["rmse"] >= abs(row["bias"]) - 1e-9
    same = aggregate.differences(first, first, area).loc[ALL]
    assert same["rmse"] == 0
    flat = aggregate.differences(xr.full_like(first, shift), first, area).loc[ALL]
    assert np.isnan(flat["correlation"])


def test_two_fields_that_share_no_cell_have_a_row_without_numbers():
    first, second, area = pair(3)
    row = aggregate.differences(first.where(first.lat > 0), second.where(second.lat < 0), area).loc[ALL]
    assert row["cells"] == 0
    assert row.drop(["cells", "area"]).isna().all()


def test_density_holds_all_land_but_the_tails():
    first, second, area = pair(4, 2.0)
    second = second.where(second.isnull() | (second < second.max()), 500.0)
    found = aggregate.density(first, second, area)
    both = first.notnull() & second.notnull()
    whole = float(area.where(both).sum()) / 1e12
    assert float(found["area"].sum()) + found.attrs["outside"] == pytest.approx(whole)
    assert found.attrs["outside"] < 0.005 * whole
    assert float(found["first"].max()) < 20, "one odd cell does not stretch the axes"
    assert found.sizes == {"first": aggregate.BINS, "second": aggregate.BINS}
    # By a loop over cells.
    width = float(found["first"][1] - found["first"][0])
    low = float(found["first"][0]) - width / 2
    table = np.zeros((aggregate.BINS, aggregate.BINS))
    for a, b, w in zip(first.values.ravel(), second.values.ravel(), area.values.ravel(), strict=True):
        i, j = ((x - low) / width for x in (a, b))
        if np.isfinite([a, b]).all() and 0 <= i < aggregate.BINS and 0 <= j < aggregate.BINS:
            table[int(j), int(i)] += w / 1e12
    np.testing.assert_allclose(found["area"], table, atol=whole * 1e-4)


def test_density_of_equal_fields_lies_on_the_diagonal():
    first, _, area = pair(5)
    table = aggregate.density(first, first, area)["area"].values
    assert np.count_nonzero(table - np.diag(np.diag(table))) == 0
    empty = aggregate.density(first.where(first > 99), first, area)
    assert float(empty["area"].sum()) == 0


@pytest.mark.parametrize("kind", list(regions.KINDS))
def test_groups_cover_the_land_on_its_own_grid(earth, kind):
    groups = regions.groups(kind, earth, earth.lat.values, earth.lon.values)
    land = earth["land_fraction"].values > 0
    assert (groups.codes.values[land] > 0).all()
    if kind != "band":
        assert (groups.codes.values[~land & (earth["koeppen"].values == 0)] == 0).all() or kind == "igbp"
    assert set(np.unique(groups.codes)) - {0} <= set(groups.names)
    assert all("_" not in name for name in groups.names.values())


@pytest.mark.parametrize(("step", "how"), [(1.0, "finer"), (10.0, "coarser"), (3.0, "unaligned")])
def test_classes_on_another_grid(earth, step, how):
    lat, lon = map_files.grid(step)
    found = regions.groups("continent", earth, lat, lon).codes.values
    classes, area = earth["continent"].values, land_area(earth).values
    rng = np.random.default_rng(0)
    for i, j in zip(rng.integers(0, lat.size, 200), rng.integers(0, lon.size, 200), strict=True):
        if step <= 3.0:
            expected = classes[np.abs(earth.lat.values - lat[i]).argmin(), np.abs(earth.lon.values - lon[j]).argmin()]
        else:
            sums = np.zeros(classes.max() + 1)
            for y in np.flatnonzero(np.abs(earth.lat.values - lat[i]) < step / 2):
                for x in np.flatnonzero(np.abs(earth.lon.values - lon[j]) < step / 2):
                    if classes[y, x]:
                        sums[classes[y, x]] += area[y, x]
            expected = sums.argmax()
        assert found[i, j] == expected, how


def test_a_regional_grid_and_an_unknown_kind(earth):
    lat, lon = np.arange(40.25, 50, 0.5), np.arange(0.25, 12, 0.5)
    found = regions.groups("continent", earth, lat, lon)
    assert {found.names[c] for c in np.unique(found.codes)} == {"Europe"}
    with pytest.raises(TamrlError, match="Known groups"):
        regions.groups("planet", earth, lat, lon)


def test_main_climates_are_in_words(earth):
    groups = regions.groups("koeppen", earth, earth.lat.values, earth.lon.values)
    assert groups.names[1] == "A · Tropical"
    equator = groups.codes.sel(lat=1, lon=21).item()
    assert groups.names[equator] == "A · Tropical"
    assert regions.band_name(-30, 0) == "0–30° S"
