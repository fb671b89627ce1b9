import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tower_files import write_table

from tamrl.errors import TamrlError
from tamrl.towers.readers import parquet
from tamrl.towers.readers.detect import find
from tamrl.towers.readers.tables import read_series, read_tables


@pytest.fixture
def table(tmp_path):
    folder = write_table(tmp_path / "whole", {"AT-Aaa": 40, "DE-Bbb": 30}, monthly=False)
    return pd.read_parquet(folder / "daily.parquet").reset_index(drop=True)


def split(folder, table, name="part.{}.parquet"):
    folder.mkdir(parents=True)
    for i in range(3):
        table.iloc[i::3].to_parquet(folder / name.format(i), index=False)
    return folder


@pytest.mark.parametrize(
    "name", ["part.{}.parquet", "part-0000{}-c000.snappy.parquet", "data_{}.parquet", "{}.parquet"]
)
def test_a_folder_of_parts_is_one_table(tmp_path, table, name):
    folder = split(tmp_path / "x" / "daily", table, name)
    items = find(tmp_path / "x")
    assert [item.path for item in items] == [folder]
    assert [item.path for item in find(folder)] == [folder]
    assert [len(tower.table) for tower in read_tables(folder).towers] == [40, 30]


def test_parts_by_tower_carry_the_id_in_the_name_of_their_folder(tmp_path, table):
    folder = tmp_path / "x"
    pq.write_to_dataset(pa.Table.from_pandas(table), folder / "daily.parquet", partition_cols=["site"])
    (folder / "sites.csv").write_text("site,lat,lon\nAT-Aaa,1,2\nDE-Bbb,3,4\n")
    assert [item.path.name for item in find(folder)] == ["daily.parquet", "sites.csv"]
    reading = read_tables(folder)
    assert [(tower.site, len(tower.table), tower.lat) for tower in reading.towers] == [
        ("AT-Aaa", 40, 1.0),
        ("DE-Bbb", 30, 3.0),
    ]


def test_single_tables_beside_each_other_are_no_parts(tmp_path):
    assert not parquet.is_parts(write_table(tmp_path / "a", {"AT-Aaa": 4}))
    assert not parquet.is_parts(tmp_path)


def test_parts_that_differ_in_the_type_of_a_column_are_refused(tmp_path, table):
    folder = split(tmp_path / "daily.parquet", table)
    table.iloc[::3].assign(date="01/02/2010").to_parquet(folder / "part.0.parquet", index=False)
    with pytest.raises(TamrlError, match="incompatible types"):
        read_tables(folder)


def test_a_column_that_one_part_lacks_is_missing_there_alone(tmp_path, table):
    folder = split(tmp_path / "daily.parquet", table.drop(columns="TA"))
    table.iloc[::3].to_parquet(folder / "part.0.parquet", index=False)
    ta = read_tables(folder).towers[0].table["TA"]
    assert 10 < ta.notna().sum() < 15


def test_a_damaged_part_is_no_small_table(tmp_path, table):
    folder = split(tmp_path / "daily.parquet", table)
    (folder / "part.1.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(TamrlError, match="not a readable folder of parquet parts"):
        read_tables(folder)


def test_whole_numbers_with_a_gap_and_without_the_metadata_of_pandas(tmp_path, table):
    numbers = table["date"].dt.strftime("%Y%m%d").astype("Int64")
    numbers[5] = pd.NA
    plain = pa.Table.from_pandas(table.assign(date=numbers), preserve_index=False).replace_schema_metadata(None)
    pq.write_table(plain, tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    assert [len(tower.table) for tower in reading.towers] == [39, 30]
    assert any("1 rows without a readable date" in note and "an empty cell" in note for note in reading.notes)


def test_date_and_site_may_be_the_index(tmp_path, table):
    table.set_index(["site", "date"]).to_parquet(tmp_path / "daily.parquet")
    assert [len(tower.table) for tower in read_tables(tmp_path).towers] == [40, 30]


def test_ids_with_a_network_or_spaces_are_those_without(tmp_path, table):
    changed = table["site"].where(table.index % 2 == 0, " AMF_" + table["site"] + " ")
    table.assign(site=changed).to_parquet(tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    assert [tower.site for tower in reading.towers] == ["AT-Aaa", "DE-Bbb"]
    assert any("without the network" in note for note in reading.notes)


def test_a_tower_with_too_many_rows_set_aside_fails_and_the_others_go_in(tmp_path, table):
    dates = table["date"].dt.strftime("%Y%m%d")
    dates[:3] = "2010-13-45"
    table.assign(date=dates).to_parquet(tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    assert [tower.site for tower in reading.towers] == ["DE-Bbb"]
    assert "more than 5 % of the rows" in reading.failures[0]
    assert "AT-Aaa (3 of 40)" in reading.failures[0]
    assert "2010-13-45" in reading.failures[0]


def test_repeated_days_with_other_values_count_and_copies_do_not(tmp_path, table):
    pd.concat([table, table]).to_parquet(tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    assert [len(tower.table) for tower in reading.towers] == [40, 30]
    assert any("70 repeated site-days" in note for note in reading.notes)
    pd.concat([table, table.assign(GPP_NT=9.0)]).to_parquet(tmp_path / "daily.parquet")
    reading = read_tables(tmp_path)
    assert reading.towers == []
    assert "AT-Aaa (40 of 80), DE-Bbb (30 of 60)" in reading.failures[0]


def test_rows_without_an_id_refuse_the_table(tmp_path, table):
    table.assign(site=table["site"].where(table.index % 9 > 0)).to_parquet(tmp_path / "daily.parquet")
    with pytest.raises(TamrlError, match="rows have no site"):
        read_tables(tmp_path)


def test_satellite_series_go_through_the_same_reader(tmp_path):
    days = pd.date_range("2010-01-01", periods=40, freq="8D")
    rows = pd.DataFrame({"site": "AT-Aaa", "date": days.strftime("%d/%m/%Y"), "LAI": 1.5})
    rows.to_csv(tmp_path / "lai.csv", index=False)
    assert list(read_series(tmp_path / "lai.csv", [])["AT-Aaa"].index) == list(days)
    rows.assign(date=days.strftime("%d/%m/%y")).to_csv(tmp_path / "lai.csv", index=False)
    with pytest.raises(TamrlError, match="two digits"):
        read_series(tmp_path / "lai.csv", [])
    rows.assign(date=rows["date"].where(rows.index > 4, "soon")).to_csv(tmp_path / "lai.csv", index=False)
    failures: list[str] = []
    assert read_series(tmp_path / "lai.csv", [], failures) == {}
    assert "AT-Aaa (5 of 40)" in failures[0]
