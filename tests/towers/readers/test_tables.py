import numpy as np
import pandas as pd
import pytest
from tower_files import write_table

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.archive import build
from tamrl.towers.readers.ids import read_ids
from tamrl.towers.readers.sites import read_sites
from tamrl.towers.readers.tables import read_tables


def test_daily_and_monthly_are_joined(tmp_path):
    reading = read_tables(write_table(tmp_path, {"AT-Aaa": 40}))
    assert reading.failures == reading.notes == []
    tower = reading.towers[0]
    assert (tower.lat, tower.lon, tower.igbp, tower.koeppen) == (47.1, 11.3, "GRA", "Dfb")
    assert tower.name == "Name of AT-Aaa"
    assert len(tower.table) == 40
    assert (tower.table.loc["2010-01", "P_MON"] == 3.0).all()
    assert (tower.table.loc["2010-02", "P_MON"] == 4.0).all()
    # LAI is 1 in the middle of January (noon of the 16th) and 2 in the middle of February (29.5 days later).
    lai = tower.table["LAI"]
    assert (lai[:"2010-01-16"] == 1.0).all()
    assert lai["2010-02-01"] == pytest.approx(1 + 16 / 29.5)
    assert lai.is_monotonic_increasing
    assert tower.table.loc["2010-02", "EVI"].isna().all()
    assert tower.table.loc["2010-01", "EVI"].eq(np.float32(0.2)).all()
    assert build([tower])["LAI"].attrs["native_resolution"] == "monthly"


def test_a_tower_that_sites_csv_lacks_goes_in_and_is_reported(tmp_path):
    reading = read_tables(write_table(tmp_path, {"AT-Aaa": 5, "DE-Bbb": 5}, listed=["AT-Aaa", "XX-Non"]))
    assert [tower.site for tower in reading.towers] == ["AT-Aaa", "DE-Bbb"]
    assert np.isnan(reading.towers[1].lat)
    assert reading.towers[1].igbp == schema.UNKNOWN
    assert any("DE-Bbb" in note and "not in sites.csv" in note for note in reading.notes)
    assert any("no daily data for XX-Non" in note for note in reading.notes)


def test_missing_files_and_columns_are_noted(tmp_path):
    write_table(tmp_path, {"AT-Aaa": 5}, monthly=False)
    (tmp_path / "sites.csv").unlink()
    reading = read_tables(tmp_path)
    assert len(reading.towers) == 1
    assert "TA_MIN" not in reading.towers[0].table
    assert len(reading.notes) == 3


def test_missing_codes_repeated_days_and_bad_dates(tmp_path):
    write_table(tmp_path, {"AT-Aaa": 60}, monthly=False)
    table = pd.read_parquet(tmp_path / "daily.parquet")
    table.loc[1, "GPP_NT"] = -9999.0
    odd = table.iloc[[0, 0]].copy()
    odd["GPP_NT"] = 9.0
    odd["date"] = [table["date"].iloc[0], pd.NaT]
    pd.concat([table, odd]).to_parquet(tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    gpp = reading.towers[0].table["GPP"]
    assert len(gpp) == 60
    assert gpp.isna().sum() == 1
    assert gpp.iloc[0] == 5.0
    assert any("1 repeated" in note for note in reading.notes)
    assert any("1 rows without a readable date" in note for note in reading.notes)


@pytest.mark.parametrize("as_type", ["int", "str"])
def test_dates_written_as_numbers_or_text(tmp_path, as_type):
    write_table(tmp_path, {"AT-Aaa": 5}, monthly=False)
    table = pd.read_parquet(tmp_path / "daily.parquet")
    table["date"] = table["date"].dt.strftime("%Y%m%d").astype(as_type)
    table.to_parquet(tmp_path / "daily.parquet")
    assert read_tables(tmp_path).towers[0].table.index[0] == pd.Timestamp("2010-01-01")


def test_what_is_no_table_is_refused(tmp_path):
    pd.DataFrame({"date": [1], "x": [2]}).to_parquet(tmp_path / "daily.parquet")
    with pytest.raises(TamrlError, match="lacks the column site"):
        read_tables(tmp_path)
    pd.DataFrame({"date": [20100101], "site": ["AT-Aaa"], "TA": [2.0]}).to_parquet(tmp_path / "daily.parquet")
    with pytest.raises(TamrlError, match="no flux column"):
        read_tables(tmp_path)
    (tmp_path / "daily.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(TamrlError, match="not a readable parquet"):
        read_tables(tmp_path)


def test_a_damaged_sites_or_monthly_table_costs_no_tower(tmp_path):
    write_table(tmp_path, {"AT-Aaa": 5})
    (tmp_path / "sites.csv").write_text("a,b\n1,2\n")
    (tmp_path / "monthly.parquet").write_bytes(b"x")
    reading = read_tables(tmp_path)
    assert len(reading.towers) == 1
    assert "no column 'site'" in reading.site_faults[0]
    assert "monthly.parquet" in reading.failures[0]


def test_sites_with_a_wrong_class_or_position_are_kept_as_unknown_and_named(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("SITE_ID,LOCATION_LAT,LOCATION_LONG,IGBP\nAT-Aaa,95,8,GRA\nDE-Bbb,50,8,FOREST\nNA-Ccc,-22,x,\n")
    known, faults = read_sites(path)
    assert list(known) == ["AT-Aaa", "DE-Bbb", "NA-Ccc"]
    assert np.isnan(known["AT-Aaa"].lat)
    assert known["AT-Aaa"].igbp == "GRA"
    assert known["DE-Bbb"].igbp == known["NA-Ccc"].igbp == schema.UNKNOWN
    assert len(faults) == 3
    assert "Known classes: ENF" in " ".join(faults)


def test_all_163_real_towers_are_read(shared_data):
    reading = read_tables(shared_data / "fluxnet2015")
    assert len(reading.towers) == 163
    assert sum(len(tower.table) for tower in reading.towers) == 435_380
    assert reading.notes == reading.failures == reading.site_faults == []
    assert all(np.isfinite(tower.lat) and tower.igbp in schema.IGBP for tower in reading.towers)
    residual = [(t.table["NEE"] - (t.table["RECO"] - t.table["GPP"])).abs().max() for t in reading.towers]
    assert np.nanmax(residual) < 1e-4


def test_towers_of_another_source_are_read_by_the_same_reader(shared_data):
    """25 dryland towers and six of FLUXNET2015, in a file of their own: without positions, LAI, EVI and TA_MAX."""
    file = shared_data / "extra" / "ameriflux_dryland_daily.parquet"
    if not file.is_file():
        pytest.skip(f"the dryland towers are not at {file}")
    reading = read_tables(file)
    assert not reading.failures
    assert len(reading.towers) == 31
    tower = next(t for t in reading.towers if t.site == "US-SRS")
    assert {"GPP", "RECO", "NEE", "NEE_QC", "TA", "TA_MIN", "SW_IN", "VPD", "P"} <= set(tower.table)
    assert not {"LAI", "EVI", "TA_MAX"} & set(tower.table)
    assert tower.table["NEE_QC"].dropna().between(0, 1).all()
    both = tower.table[["GPP", "RECO", "NEE"]].dropna()
    assert (both["RECO"] - both["GPP"] - both["NEE"]).abs().median() < 0.1
    assert np.isnan(tower.lat)


@pytest.mark.parametrize("odd", ["../../etc", "a/b", "..", "<b>x</b>", "x" * 5000, "a\x1b[31m"])
def test_an_id_that_is_no_name_is_refused(odd):
    with pytest.raises(TamrlError, match="ids of towers are not valid names, the first is") as error:
        read_ids(pd.Series(["AT-Neu", odd, "AT-Neu"]), "daily.parquet", [])
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 300


def test_ids_of_other_networks_are_names():
    written = ["AT-Neu", "AMF_US-Ne1", "Site 12 (old)", "Åkerö", "XS-EN4", "12.0", "my.site_2"]
    assert read_ids(pd.Series(written), "t", []).tolist()[0] == "AT-Neu"
