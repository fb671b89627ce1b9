"""Rows with too many or too few fields: set aside and counted, never read into other columns."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_files import values, write_dd

from tamrl.data.fluxnet import read_csv
from tamrl.data.rows import WholeRows
from tamrl.data.tables import read_series
from tamrl.errors import TamrlError


def whole(text, sep=","):
    rows = WholeRows(io.BytesIO(text), sep, "a.csv")
    return io.BufferedReader(rows).read(), rows


@given(st.lists(st.integers(1, 7), max_size=30), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_rows_of_the_width_of_the_header_are_kept_and_no_others(widths, sep, end):
    lines = [sep.join(f"{i}.{k}" for k in range(width)) for i, width in enumerate([4, *widths])]
    kept, rows = whole(end.join(lines).encode() + end.encode(), sep)
    found = kept.decode().replace("\r", "").splitlines()
    assert found == [line for line, width in zip(lines, [4, *widths], strict=True) if width == 4]
    assert (rows.rows, rows.ragged) == (len(widths), sum(width != 4 for width in widths))


def test_empty_fields_after_the_last_column_and_quoted_separators_count_for_nothing():
    kept, rows = whole(b'a,b,c\n1,2,3,\n4,5,6,,\n"7,7",8,9\n\n1,2,3,4\n')
    assert kept == b'a,b,c\n1,2,3\n4,5,6\n"7,7",8,9\n\n'
    assert (rows.rows, rows.ragged, rows.first) == (4, 1, "line 6 has 4 fields, the header 3")


def test_an_open_quotation_mark_is_refused():
    with pytest.raises(TamrlError, match=r"left open in line 3 \(a\.csv\)"):
        whole(b'a,b\n1,2\n"3,4\n5,6\n')


def spoilt(path, at):
    lines = path.read_text().splitlines()
    for i, line in at.items():
        lines[i] = line(lines[i])
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ragged_rows_of_a_tower_are_set_aside_and_counted(tmp_path):
    path = write_dd(tmp_path / "FLX_AT-Aaa_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv", values(60))
    tower = read_csv(
        spoilt(path, {11: lambda row: row + ",1,2", 21: lambda row: row[: len(row) // 2].rpartition(",")[0]})
    )
    lost = pd.DatetimeIndex(["2010-01-11", "2010-01-21"])
    assert not tower.table.index.isin(lost).any()
    assert len(tower.table) == 58
    assert any("2 of 60 rows with too many or too few fields set aside (line 12 has" in note for note in tower.notes)


def test_a_tower_of_many_ragged_rows_fails(tmp_path):
    path = write_dd(tmp_path / "FLX_AT-Aaa_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv", values(60))
    with pytest.raises(TamrlError, match="more than 5% of the rows are not whole"):
        read_csv(spoilt(path, {i: lambda row: row + ",1" for i in range(5, 15)}))


def test_a_day_to_come_fails_the_tower(tmp_path):
    table = values(60)
    table.loc[59, "TIMESTAMP"] = "20991231"
    with pytest.raises(TamrlError, match="still to come, '20991231'"):
        read_csv(write_dd(tmp_path / "FLX_AT-Aaa_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv", table))


def test_ragged_rows_of_a_series_are_noted(tmp_path):
    rows = [f"AT-Aaa,2010-01-{day:02},{day / 40}" for day in range(1, 31)]
    rows[4] += ",9"
    path = tmp_path / "fapar.csv"
    path.write_text("site,date,fapar\n" + "\n".join(rows) + "\n")
    notes = []
    assert len(read_series(path, notes)["AT-Aaa"]) == 29
    assert any("1 of 30 rows with too many or too few fields" in note for note in notes)
