"""Drivers that a tower lacks come from the bundled global drivers, and say so wherever the tower is named."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.globe.earth import land_cells, load_earth
from tamrl.towers.archive import Tower
from tamrl.towers.fill import FILLED, SOURCE, daily_cycle, fill
from tamrl.towers.workspace import Workspace

HAINICH = {"lat": 51.08, "lon": 10.45}


def tower(**columns):
    days = pd.date_range("2003-11-20", "2005-02-10")
    values = {"NEE": 1.0, "GPP": 2.0, "RECO": 3.0, "NEE_QC": 1.0} | columns
    table = pd.DataFrame(values, days, dtype=np.float32)
    return Tower(site="XX-Abc", table=table, source="file.csv", **HAINICH)


def test_what_is_lacking_is_the_mean_year_of_the_cell():
    earth, made = load_earth(), tower()
    assert fill(made, earth) == list(FILLED)
    cell = int(land_cells(earth, np.array([made.lat]), np.array([made.lon]))[0])
    rain = made.table.groupby([made.table.index.year, made.table.index.month])["P_MON"]
    year = earth["P_MON"].values.reshape(12, -1)[:, cell]
    assert (rain.nunique() == 1).all()
    np.testing.assert_allclose(rain.first().loc[2004], year, rtol=1e-5)
    # In the middle of a month a state is that month's value, and no day is left out at either end of the record.
    leaves = earth["LAI"].values.reshape(12, -1)[:, cell]
    assert made.table.loc["2004-07-16", "LAI"] == pytest.approx(leaves[6], rel=0.02)
    assert made.table[list(FILLED)].notna().all(axis=None)
    assert made.source == f"file.csv; P_MON, LAI, EVI: {SOURCE}"
    assert "not observed at this tower" in made.notes[0]


def test_what_a_tower_has_is_never_touched():
    made = tower(LAI=4.0, P_MON=np.nan)
    assert fill(made, load_earth()) == ["P_MON", "EVI"]
    assert (made.table["LAI"] == 4.0).all()
    whole = tower(LAI=4.0, P_MON=1.0, EVI=0.3)
    before = whole.table.copy()
    assert fill(whole, load_earth()) == []
    assert whole.table.equals(before)
    assert whole.source == "file.csv"


@pytest.mark.parametrize("place", [{"lat": np.nan, "lon": np.nan}, {"lat": 0.0, "lon": -30.0}])
def test_without_a_position_on_land_nothing_is_filled(place):
    made = tower()
    made.lat, made.lon = place["lat"], place["lon"]
    assert fill(made, load_earth()) == []
    assert not set(FILLED) & set(made.table)


def test_a_cycle_repeats_from_year_to_year():
    days = pd.date_range("2001-01-01", "2004-12-31")
    made = pd.Series(daily_cycle(np.arange(12.0), days, monthly=False), days)
    np.testing.assert_allclose(made.loc["2001-03-01":"2001-12-31"], made.loc["2002-03-01":"2002-12-31"], atol=1e-5)
    assert made.notna().all()


def test_the_command_marks_what_it_filled(tmp_path):
    days = pd.date_range("2004-01-01", "2004-12-31")
    table = pd.DataFrame({"site": "XX-Abc", "date": days.strftime("%Y-%m-%d"), "TA": 10.0})
    table = table.assign(SW_IN=150.0, VPD=5.0, NEE=-1.0, GPP_NT=4.0, RECO_NT=3.0, NEE_QC=1.0)
    source = tmp_path / "tables"
    source.mkdir()
    table.to_parquet(source / "daily.parquet")
    (source / "sites.csv").write_text("site,lat,lon,igbp,koeppen\nXX-Abc,51.08,10.45,DBF,Cfb\n")
    run = CliRunner().invoke(main, ["ingest", str(source), "-w", str(tmp_path / "w"), "--fill"])
    archive = Workspace.open(tmp_path / "w").archive()
    assert set(FILLED) <= set(archive.data_vars), run.output
    assert SOURCE in str(archive["source"].values[0])
    assert SOURCE in run.output
    assert Workspace.open(tmp_path / "w").provenance()[-1]["command"].endswith("--fill")
