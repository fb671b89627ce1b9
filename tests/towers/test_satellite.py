"""Satellite series of finer steps: what is recognised, how it comes to days, what it replaces."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from tower_files import name, tower, write_dd, write_table

from tamrl import schema
from tamrl.cli.main import main
from tamrl.config import Config
from tamrl.model.drivers import GROUPS
from tamrl.towers import satellite
from tamrl.towers.archive import load_archive, record
from tamrl.towers.ingest import ingest
from tamrl.towers.readers.tables import is_series, read_series, read_tables
from tamrl.towers.workspace import Workspace


def composites(site: str = "AT-Aaa", first: str = "2009-12-19", n: int = 10, step: int = 8, **columns) -> pd.DataFrame:
    dates = pd.date_range(first, periods=n, freq=f"{step}D")
    return pd.DataFrame({"site": site, "date": dates} | (columns or {"fapar": np.linspace(0.1, 0.55, n)}))


def test_fapar_is_an_optional_driver_of_its_own_group():
    row = schema.variable("FAPAR")
    assert (row.unit, row.bounds, row.role, row.state) == ("1", (0, 1), "driver", True)
    assert ("FAPAR",) in GROUPS
    assert "FAPAR" not in Config().model.drivers


def test_columns_are_known_in_any_case_and_the_first_counts():
    names = ["site", "Fpar", "fapar", "LAI", "ndvi", "evi_is_climatology", "fapar_is_climatology", "quality"]
    assert satellite.columns(names) == {
        "Fpar": "FAPAR",
        "LAI": "LAI",
        "ndvi": "NDVI",
        "evi_is_climatology": "EVI_is_climatology",
        "fapar_is_climatology": "FAPAR_is_climatology",
    }


def test_days_lie_between_the_middles_of_composites():
    found = tower("AT-Aaa", 40)
    satellite.put_on_days(found, composites().drop(columns="site").set_index("date").rename(columns=str.upper), "x")
    fapar = found.table["FAPAR"]
    # The third composite, 2010-01-04 to 11, has its middle at midnight after the 7th, and 0.2 rises by 0.05 in 8 days.
    assert fapar["2010-01-07"] == pytest.approx(0.2 - 0.05 / 16)
    assert fapar["2010-01-08"] == pytest.approx(0.2 + 0.05 / 16)
    assert fapar.notna().all()


@pytest.mark.parametrize(("missing", "bridged"), [(1, True), (2, True), (3, False)])
def test_gaps_of_two_composites_are_bridged(missing, bridged):
    values = np.full(10, 0.4)
    values[3 : 3 + missing] = np.nan
    rows = composites(first="2010-01-01", FAPAR=values).drop(columns="site").set_index("date")
    found = tower("AT-Aaa", 80)
    satellite.put_on_days(found, rows, "x")
    gap = found.table["FAPAR"].iloc[24 : 24 + 8 * missing]
    assert gap.notna().all() if bridged else gap.isna().all()
    assert found.table["FAPAR"].iloc[:24].notna().all()


def test_the_short_composite_at_the_end_of_a_year_ends_with_it():
    dates = pd.DatetimeIndex(["2009-12-11", "2009-12-19", "2009-12-27", "2010-01-01", "2010-01-09", "2010-01-17"])
    rows = pd.DataFrame({"EVI": [0.1, 0.1, 0.1, 0.5, 0.5, 0.5]}, index=dates)
    found = tower("AT-Aaa", 60, start="2009-12-01")
    satellite.put_on_days(found, rows, "x")
    # Middles: 27 December + 2.5 days and 1 January + 4 days, 6.5 days apart.
    assert found.table["EVI"]["2010-01-01"] == pytest.approx(0.1 + 0.4 * 3 / 6.5)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz"])
def test_a_series_beside_the_daily_table_takes_the_place_of_the_monthly_one(tmp_path, suffix):
    write_table(tmp_path / "in", {"AT-Aaa": 40, "DE-Bbb": 40})
    rows = composites(LAI=np.full(10, 3.0), LAI_is_climatology=[True] * 4 + [False] * 6)
    path = tmp_path / "in" / f"modis.{suffix}"
    rows.to_parquet(path) if suffix == "parquet" else rows.to_csv(path, index=False)
    space = Workspace.create(tmp_path / "w")
    for source in (tmp_path / "in", tmp_path / "in" / "daily.parquet"):  # the folder, or the file it lies beside
        result = ingest([source], space)
        assert result.ok, [item.reason for item in result.items]
        ds = space.archive()
        assert (record(ds, "AT-Aaa")["LAI"] == 3.0).all()
        assert (record(ds, "DE-Bbb")["LAI"][:10] == 1.0).all()
        noted = result.summary.set_index("site")["notes"]
        assert f"LAI from modis.{suffix}, in place of the coarser one" in noted["AT-Aaa"]
        assert "is a mean annual cycle" in noted["AT-Aaa"]
        assert "LAI" not in noted["DE-Bbb"]
        assert any(part["path"].endswith(suffix) for part in space.provenance()[-1]["inputs"])


def test_a_series_is_for_tower_files_too_and_one_for_nobody_is_noted(tmp_path):
    csv = write_dd(tmp_path / name("AT-Aaa"))
    for site, path in (("AT-Aaa", "one.parquet"), ("XX-Non", "two.parquet")):
        composites(site).to_parquet(tmp_path / path)
    run = ["ingest", str(csv), str(tmp_path / "one.parquet"), str(tmp_path / "two.parquet"), "-w", str(tmp_path / "w")]
    result = CliRunner().invoke(main, run)
    assert result.exit_code == 0
    assert "two.parquet: none of its 1 towers is ingested here" in result.output
    assert record(load_archive(tmp_path / "w" / "archive.zarr"), "AT-Aaa")["FAPAR"].notnull().all()


def test_satellite_columns_of_the_daily_table_itself_are_interpolated(tmp_path):
    write_table(tmp_path, {"AT-Aaa": 40})
    table = pd.read_parquet(tmp_path / "daily.parquet")
    table["EVI"] = np.where(np.arange(40) % 8 == 0, 0.3, np.nan)
    table.to_parquet(tmp_path / "daily.parquet")
    found = read_tables(tmp_path).towers[0].table["EVI"]
    assert found.eq(np.float32(0.3)).all()


def test_what_is_a_series_and_what_is_not(tmp_path):
    folder = write_table(tmp_path, {"AT-Aaa": 5})
    assert not is_series(folder / "daily.parquet")
    assert not is_series(folder / "monthly.parquet")
    assert not is_series(folder / "sites.csv")
    assert not is_series(folder / "gone.csv")
    composites().to_csv(tmp_path / "a.csv", index=False)
    assert is_series(tmp_path / "a.csv")
    composites(GPP_NT=np.ones(10), LAI=np.ones(10)).to_parquet(tmp_path / "b.parquet")
    assert not is_series(tmp_path / "b.parquet")


def test_the_real_weekly_fapar_is_readable(shared_data):
    notes: list[str] = []
    series = read_series(shared_data / "extra" / "modis_mcd15a2h_fapar_weekly.parquet", notes)
    assert len(series) == 337
    assert notes == []
    found = tower("DE-Hai", 4749, start="2000-01-01")
    satellite.put_on_days(found, series["DE-Hai"], "modis.parquet")
    fapar = found.table["FAPAR"]
    assert fapar.between(0, 1).all()
    assert fapar[fapar.index.month == 7].mean() > fapar[fapar.index.month == 2].mean() + 0.2
    assert any("is a mean annual cycle" in note for note in found.notes)  # before July 2002
