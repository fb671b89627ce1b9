"""Rows, dates and positions that contradict themselves: set aside and counted, or refused; never taken in silence."""

import numpy as np
import pandas as pd
import pytest
from tower_files import ingest, name, values, write_dd, write_table

from tamrl.towers.archive import load_archive, record

SITE = "DE-Aaa"


def found(folder):
    return record(load_archive(folder / "w" / "archive.zarr"), SITE)


def written(folder, table=None, spoil=lambda lines: lines):
    path = write_dd(folder / "in" / name(SITE), values(days=400) if table is None else table)
    path.write_text("\n".join(spoil(path.read_text().splitlines())) + "\n")
    return path


def test_ragged_rows_are_rejected_and_counted(tmp_path):
    def spoil(lines):
        lines[50] += ",1,2,3"
        lines[60] = ",".join(lines[60].split(",")[:2])
        return lines

    code, text = ingest(written(tmp_path, spoil=spoil), "-w", tmp_path / "w")
    assert code == 0, text
    assert "2 rows rejected" in text
    assert "line 51 has" in text
    missing = found(tmp_path)["GPP"].isnull().values
    assert list(np.flatnonzero(missing)) == [49, 59]


def test_a_tower_of_many_ragged_rows_is_refused(tmp_path):
    def shifted(lines):
        return [lines[0], *(f"{number},{line}" for number, line in enumerate(lines[1:]))]

    path = written(tmp_path, spoil=shifted)
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 1
    assert "another number of fields than the header" in " ".join(text.split())


@pytest.mark.parametrize("clock", ["0030", "0100", "0600", "2330"])
def test_half_hours_called_days_are_refused(tmp_path, clock):
    table = values(days=400)
    table["TIMESTAMP"] += clock
    code, text = ingest(written(tmp_path, table), "-w", tmp_path / "w")
    assert code == 1
    assert "time" in text
    assert not (tmp_path / "w" / "archive.zarr").exists()


def test_a_day_in_the_future_fails_its_tower(tmp_path):
    table = values(days=400)
    table.loc[399, "TIMESTAMP"] = "20991231"
    code, text = ingest(written(tmp_path, table), "-w", tmp_path / "w")
    assert code == 1
    assert "still to come, '20991231'" in " ".join(text.split())
    assert not (tmp_path / "w" / "archive.zarr").exists()


def test_in_a_table_of_many_towers_only_that_tower_fails(tmp_path):
    folder = write_table(tmp_path / "in", {SITE: 60, "DE-Bbb": 60})
    table = pd.read_parquet(folder / "daily.parquet").reset_index(drop=True)
    late = table.index[(table["site"] == SITE).to_numpy()][-1]
    table.loc[late, "date"] = type(table["date"].iloc[0])("2099-12-31")
    table.to_parquet(folder / "daily.parquet")
    code, text = ingest(folder, "-w", tmp_path / "w")
    assert code == 1
    assert f"still to come (the first: '2099-12-31 00:00:00') at {SITE}" in " ".join(text.split())
    assert load_archive(tmp_path / "w" / "archive.zarr")["site"].values.tolist() == ["DE-Bbb"]


def test_a_record_that_lies_in_the_future_is_refused(tmp_path):
    first = pd.Timestamp.now() + pd.Timedelta(days=300)
    code, text = ingest(written(tmp_path, values(days=60, start=str(first.date()))), "-w", tmp_path / "w")
    assert code == 1, text


@pytest.mark.parametrize("rows", ["50,10,ENF\n{s},-20,-50,ENF", "50,10,ENF\n{s},50,-10,ENF"])
def test_one_tower_at_two_places_is_said(tmp_path, rows):
    path = written(tmp_path)
    (path.parent / "sites.csv").write_text(f"site,lat,lon,igbp\n{SITE},{rows.format(s=SITE)}\n")
    code, text = ingest(path.parent, "-w", tmp_path / "w")
    assert code == 1
    words = " ".join(text.split())
    assert f"{SITE} is at two places, 50, 10 and" in words
    assert np.isnan(found(tmp_path)["lat"])


def test_the_same_place_twice_is_fine(tmp_path):
    path = written(tmp_path)
    (path.parent / "sites.csv").write_text(f"site,lat,lon,igbp\n{SITE},50,10,\n{SITE},50,10,ENF\n")
    code, text = ingest(path.parent, "-w", tmp_path / "w")
    assert code == 0, text
    tower = found(tmp_path)
    assert (float(tower["lat"]), str(tower["igbp"].item())) == (50.0, "ENF")


def test_a_row_of_the_site_table_with_one_field_too_many_is_said(tmp_path):
    path = written(tmp_path)
    (path.parent / "sites.csv").write_text(f"site,name,lat,lon\n{SITE},Tharandt, Germany,50,10\n")
    code, text = ingest(path.parent, "-w", tmp_path / "w")
    assert code == 1
    assert "line 2 has 5 fields, the header has 4" in " ".join(text.split())
