import numpy as np
import pandas as pd
import pytest
import xarray as xr
from xarray.backends.netCDF4_ import NetCDF4ArrayWrapper

from tamrl.errors import TamrlError
from tamrl.globe.contract import flux_attributes
from tamrl.maps.at_towers import against_towers, at_towers, score_against_towers, tower_months
from tamrl.maps.products.registry import open_product
from tamrl.simulation.towers import simulate

LAT, LON = np.arange(-89.0, 90, 2), np.arange(-179.0, 180, 2)


def maps_of(values, time, **attrs):
    """Maps with values that broadcast to (time, lat, lon)."""
    shape = (len(time), LAT.size, LON.size)
    data = {"GPP": (("time", "lat", "lon"), np.broadcast_to(values, shape).copy(), flux_attributes("GPP"))}
    return xr.Dataset(
        data, {"time": time, "lat": LAT, "lon": LON}, {"title": "Test", "kind": "product", "simulated": 0, **attrs}
    )


def towers(**places):
    return pd.DataFrame([{"site": site, "lat": lat, "lon": lon} for site, (lat, lon) in places.items()])


MONTHS = pd.date_range("2008-01-01", periods=72, freq="MS")


def test_each_tower_has_its_cell_or_the_nearest_with_land():
    maps = maps_of(LAT[:, None] * 1000 + LON[None], MONTHS[:2])
    maps["land_fraction"] = (("lat", "lon"), np.ones((90, 180)))
    maps["land_fraction"].loc[{"lat": 51.0, "lon": 9.0}] = 0
    maps["land_fraction"].loc[{"lat": slice(-10, 10), "lon": slice(-40, -20)}] = 0
    table = towers(inside=(47.9, 7.9), coast=(51.9, 9.0), ocean=(0.0, -30.0), east=(10.5, 179.99), pole=(89.9, 3.0))
    found = at_towers(maps, table).load()
    assert dict(found.sizes) == {"site": 5, "time": 2}
    np.testing.assert_array_equal(found["cell_lat"], [47, 53, np.nan, 11, 89])
    np.testing.assert_array_equal(found["cell_lon"], [7, 9, np.nan, 179, 3])
    np.testing.assert_array_equal(found["GPP"][:, 0], [47007, 53009, np.nan, 11179, 89003])
    # 0.1 degree of latitude to the border of the cell in the north.
    assert found["distance"].sel(site="coast") == pytest.approx(11.12, abs=0.01)
    assert list(found["note"].values) == ["", "nearest cell with land", "no land within 50 km", "", ""]
    np.testing.assert_array_equal(found["lat"], table["lat"])


def test_the_nearest_cell_may_be_across_the_date_line():
    maps = maps_of(LON[None], MONTHS[:1])
    maps["land_fraction"] = (("lat", "lon"), np.ones((90, 180)))
    maps["land_fraction"][:, -1] = 0
    found = at_towers(maps, towers(fiji=(-17.0, 179.9))).load()
    assert float(found["GPP"][0, 0]) == -179
    assert float(found["distance"][0]) == pytest.approx(0.1 * 111.195 * np.cos(np.deg2rad(17)), rel=1e-3)
    assert at_towers(maps, towers(fiji=(-17.0, 179.9)), max_km=5)["GPP"].isnull().all()


def test_without_a_land_fraction_cells_that_have_values_are_land():
    values = np.ones((90, 180))
    values[LAT == 51.0] = np.nan
    found = at_towers(maps_of(values, MONTHS[:3]), towers(a=(51.9, 9.0), unknown=(np.nan, 9.0))).load()
    assert found["cell_lat"].values[0] == 53
    assert found["GPP"].sel(site="unknown").isnull().all()


def test_only_the_blocks_of_the_towers_are_read(tmp_path, monkeypatch):
    maps = maps_of(1.0, MONTHS[:12])
    chunks = {"chunksizes": (12, 10, 20)}
    maps.to_netcdf(tmp_path / "maps.nc", encoding={"GPP": chunks})
    opened = open_product(tmp_path / "maps.nc", kind="maps")
    found = at_towers(opened, towers(a=(52.5, 8.5), b=(53.5, 9.5)))
    read, original = [], NetCDF4ArrayWrapper._getitem
    monkeypatch.setattr(NetCDF4ArrayWrapper, "_getitem", lambda self, key: read.append(original(self, key)) or read[-1])
    found["GPP"].load()
    assert sum(block.size for block in read) <= 12 * 10 * 20


def test_a_table_without_a_column_or_with_a_tower_twice_is_an_error():
    maps = maps_of(1.0, MONTHS[:1])
    with pytest.raises(TamrlError, match="no column 'lat'"):
        at_towers(maps, pd.DataFrame({"site": ["a"]}))
    with pytest.raises(TamrlError, match="twice"):
        at_towers(maps, pd.concat([towers(a=(1, 1)), towers(a=(1, 1))]))


@pytest.fixture(scope="module")
def archive():
    return simulate(6)


def by_hand(archive, site, month, flux="GPP"):
    """Mean of one month of a tower, and whether it counts: 80 % of its days, and a mean quality of 0.7."""
    tower = archive.sel(site=site, time=slice(month, month + pd.offsets.MonthEnd()))
    days = tower[flux].values[np.isfinite(tower[flux].values)]
    quality = np.nansum(tower["NEE_QC"].values) / month.days_in_month
    counts = days.size >= 0.8 * month.days_in_month and quality >= 0.7
    return days.mean(dtype=float) if days.size else np.nan, counts


def test_months_of_towers_are_those_that_were_observed(archive):
    table = tower_months(archive, ("GPP", "NEE"))
    for row in table.sample(40, random_state=0).itertuples():
        mean, counts = by_hand(archive, row.site, row.time, row.flux)
        assert row.observed == pytest.approx(mean, rel=1e-5, abs=1e-6)
        assert counts
    found = set(zip(table["site"], table["time"], table["flux"], strict=True))
    site = str(archive["site"].values[0])
    for month in MONTHS:
        assert ((site, month, "GPP") in found) == by_hand(archive, site, month)[1]


def test_a_product_that_is_the_towers_own_months_is_perfect(archive):
    observed = tower_months(archive, ("GPP",))
    maps = maps_of(0.0, MONTHS)
    where = archive[["lat", "lon"]].to_dataframe()
    cells = {}
    for row in observed.itertuples():
        spot = where.loc[row.site]
        at = dict(lat=float(LAT[np.abs(LAT - spot.lat).argmin()]), lon=float(LON[np.abs(LON - spot.lon).argmin()]))
        cells[row.site] = at
        maps["GPP"].loc[{"time": row.time, **at}] = row.observed
    assert len({tuple(at.values()) for at in cells.values()}) == 6
    table = against_towers(maps, archive)
    assert len(table) == len(observed)
    scores = score_against_towers(table)
    assert scores["rmse"].item() == pytest.approx(0, abs=1e-9)
    assert scores["r2"].item() == pytest.approx(1)
    assert (scores["n"].item(), scores["towers"].item()) == (len(observed), 6)
    shifted = score_against_towers(against_towers(maps.assign(GPP=maps["GPP"] + 2), archive), by=("flux", "site"))
    assert len(shifted) == 6
    np.testing.assert_allclose(shifted["bias"], 2)
    assert table.attrs["simulated"] == 1
    assert "at least 80 % of them present and 70 % measured" in table.attrs["conventions"]


def test_daily_products_are_compared_by_whole_months(archive):
    days = pd.date_range("2009-01-01", "2009-03-20")
    maps = maps_of(days.day.to_numpy()[:, None, None].astype(float), days)
    table = against_towers(maps, archive)
    assert set(table["time"]) <= {pd.Timestamp("2009-01-01"), pd.Timestamp("2009-02-01")}
    assert set(table["product"]) <= {16.0, 14.5}
    with_a_gap = against_towers(maps.isel(time=days.month != 2), archive)
    assert set(with_a_gap["time"]) == {pd.Timestamp("2009-01-01")}


def test_other_steps_are_not_compared_and_other_years_give_an_empty_table(archive):
    with pytest.raises(TamrlError, match="neither days nor months"):
        against_towers(maps_of(1.0, pd.date_range("2008-01-01", periods=3, freq="YS")), archive)
    table = against_towers(maps_of(1.0, pd.date_range("1990-01-01", periods=3, freq="MS")), archive)
    assert table.empty
    assert score_against_towers(table).empty


@pytest.mark.parametrize("year", [2001, 2010])
def test_a_climatology_meets_the_mean_of_all_years_of_a_month(archive, year):
    time = pd.date_range(f"{year}-01-01", periods=12, freq="MS")
    maps = maps_of(np.arange(1.0, 13)[:, None, None], time, climatology="2000-2020")
    table = against_towers(maps, archive)
    assert (table["product"] == table["time"].dt.month).all()
    assert set(table["time"].dt.year) == {year}
    row = table.iloc[5]
    years = [by_hand(archive, row.site, pd.Timestamp(year, row.time.month, 1)) for year in range(2008, 2014)]
    assert row.observed == pytest.approx(np.mean([mean for mean, counts in years if counts]), rel=1e-5)


def test_spreads_and_towers_far_from_land_are_named(archive):
    maps = maps_of(1.0, MONTHS)
    maps["GPP_sd"] = 0.2 * maps["GPP"]
    maps["land_fraction"] = (("lat", "lon"), np.zeros((90, 180)))
    first = archive.isel(site=0)
    row, column = np.abs(LAT - float(first.lat)).argmin(), np.abs(LON - float(first.lon)).argmin()
    maps["land_fraction"][row, column] = 1
    table = against_towers(maps, archive)
    assert set(table["site"]) == {str(first.site.values)}
    assert (table["product_sd"] == 0.2).all()
    assert len(table.attrs["left_out"]) == 5


def test_monthly_archives_are_taken_as_they_are(archive):
    months = archive.isel(site=[0]).resample(time="1MS").mean().isel(time=slice(0, 24)).transpose("site", "time")
    months.attrs = {"frequency": "1MS", "simulated": 1}
    months["NEE_QC"] = xr.ones_like(months["NEE_QC"])
    table = against_towers(maps_of(2.0, MONTHS), months)
    assert len(table) == int(months["GPP"].notnull().sum())
    assert (table["qc"] == 1).all()
    np.testing.assert_allclose(
        table["observed"], months["GPP"].values[0][np.isfinite(months["GPP"].values[0])], rtol=1e-6
    )


def test_genuine_model_and_towers_agree_in_order_of_magnitude(shared_data):
    maps = open_product(shared_data / "gridded")
    table = pd.read_csv(shared_data / "fluxnet2015" / "sites.csv").rename(columns=str.lower)
    found = at_towers(maps, table.drop_duplicates("site"))["GPP"].mean("time").load()
    # Cells of ten degrees: a coast is far from the next cell that the model has as land.
    assert 120 <= int(found.notnull().sum()) <= 163
    assert 1 < float(found.median()) < 8
