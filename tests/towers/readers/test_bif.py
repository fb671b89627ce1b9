import io

import numpy as np
import pandas as pd
import pytest
from tower_files import bif_groups, ingest, name, tower, write_dd, write_zip

from tamrl.errors import TamrlError
from tamrl.towers.archive import load_archive, record
from tamrl.towers.readers.bif import read_bif
from tamrl.towers.readers.zips import read_zip

SITE = "US-Zz1"


def read(rows, **how):
    known, faults = read_bif(io.BytesIO(bif_groups(SITE, rows).encode()), "BIF.csv", **how)
    return known[SITE], faults


def place(group, lat, lon, start=None, end=None):
    rows = [(group, "LOCATION_LAT", lat), (group, "LOCATION_LONG", lon)]
    rows += [(group, "LOCATION_DATE_START", start)] if start else []
    return rows + ([(group, "LOCATION_DATE_END", end)] if end else [])


def igbp(group, code, start=None, end=None):
    rows = [(group, "IGBP", code)] + ([(group, "IGBP_DATE_START", start)] if start else [])
    return rows + ([(group, "IGBP_DATE_END", end)] if end else [])


def applied(rows, start="2019-01-01", days=400):
    info, faults = read(rows)
    assert faults == []
    return info.apply(tower(SITE, days, start))


def test_the_group_that_holds_during_the_record_is_taken_without_a_note():
    rows = [
        *place(1, 45.1, -90.2, "1999"),
        *place(2, 46.5, -91.7, "20180601"),
        *igbp(3, "ENF", "1999"),
        *igbp(4, "GRA", "20180601"),
    ]
    found = applied(rows)
    assert (found.igbp, found.lat, found.lon, found.notes) == ("GRA", 46.5, -91.7, [])
    earlier = applied(rows, "2005-01-01")
    assert (earlier.igbp, earlier.lat, earlier.lon, earlier.notes) == ("ENF", 45.1, -90.2, [])


def test_the_order_of_the_groups_does_not_matter():
    rows = [
        *igbp(4, "GRA", "20180601"),
        *igbp(3, "ENF", "1999"),
        *place(2, 46.5, -91.7, "2018"),
        *place(1, 1, 2, "1999"),
    ]
    assert (applied(rows).igbp, applied(rows).lat) == ("GRA", 46.5)


@pytest.mark.parametrize(("start", "wanted"), [("201906", "ENF"), ("20190301", "GRA"), ("2020", "ENF")])
def test_a_change_within_the_record_is_noted_and_the_longer_one_taken(start, wanted):
    found = applied([*igbp(1, "ENF", "1999"), *igbp(2, "GRA", start)], days=400 if start != "201906" else 250)
    assert found.igbp == wanted
    assert "changed within the record" in found.notes[0]
    assert "ENF from 1999-01-01" in found.notes[0]


def test_groups_without_dates_that_differ_are_noted():
    found = applied([*igbp(1, "ENF"), *igbp(2, "GRA")])
    assert found.igbp == "ENF"
    assert "several entries without a date (ENF, GRA); ENF is taken" in found.notes[0]


def test_an_undated_group_holds_until_the_first_dated_one():
    rows = [*igbp(1, "ENF"), *igbp(2, "GRA", "2018")]
    assert applied(rows).igbp == "GRA"
    assert applied(rows, "2010-01-01").igbp == "ENF"


def test_a_group_that_has_ended_does_not_hold():
    rows = [*igbp(1, "ENF", "1999"), *igbp(2, "GRA", "2010", "2012")]
    assert applied(rows).igbp == "ENF"
    assert applied(rows, "2011-01-01", 300).igbp == "GRA"


def test_groups_that_all_begin_after_the_record_or_end_before_it_are_noted():
    found = applied([*igbp(1, "ENF", "2022"), *igbp(2, "GRA", "2023")])
    assert found.igbp == "ENF"
    assert "none of the 2 dated entries" in found.notes[0]


def test_groups_that_say_the_same_are_no_change():
    found = applied([*igbp(1, "ENF", "1999"), *igbp(2, "ENF", "20190601"), *place(3, 1, 2), *place(4, 1, 2, "2019")])
    assert (found.igbp, found.lat, found.notes) == ("ENF", 1.0, [])


def test_a_latitude_never_comes_from_another_group_than_its_longitude():
    rows = [(1, "LOCATION_LAT", 10), *place(2, 45.1, -90.2, "1999"), *place(3, 46.5, -91.7, "2018")]
    found = applied(rows, "2005-01-01")
    assert (found.lat, found.lon) == (45.1, -90.2)


def test_a_date_that_cannot_be_read_is_a_fault():
    info, faults = read([*igbp(1, "ENF", "spring 2004"), *igbp(2, "GRA", "2018")])
    assert "'spring 2004'" in faults[0]
    assert info.apply(tower(SITE, 400, "2019-01-01")).igbp == "GRA"


def test_what_is_given_otherwise_counts_more_than_a_dated_group():
    from tamrl.towers.readers.sites import SiteInfo

    info, _ = read([*igbp(1, "ENF", "1999"), *igbp(2, "GRA", "2018"), *place(3, 1, 2)])
    joined = SiteInfo(igbp="CRO").filled(info).apply(tower(SITE, 400, "2019-01-01"))
    assert (joined.igbp, joined.lat) == ("CRO", 1.0)
    assert info.filled(SiteInfo(igbp="CRO", koeppen="Dfb")).apply(tower(SITE, 9, "2019-01-01")).koeppen == "Dfb"


def test_text_in_windows_1252_and_utf_16_is_read():
    text = bif_groups(SITE, [(1, "SITE_NAME", "Åkerö hedge")])
    for encoding, noted in (("cp1252", 1), ("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0)):
        notes: list[str] = []
        known, _ = read_bif(io.BytesIO(text.encode(encoding)), "BIF.csv", notes)
        assert known[SITE].name == "Åkerö hedge"
        assert len(notes) == noted


def _workbook(path, rows):
    texts = list(dict.fromkeys(cell for row in rows for cell in row if isinstance(cell, str)))
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts[:-1]) + f"<si><r><t>{texts[-1]}</t></r></si>"

    def cell(value, place):
        if isinstance(value, str):
            return f'<c r="{place}" t="s"><v>{texts.index(value)}</v></c>'
        return f'<c r="{place}"><v>{value}</v></c>' if value is not None else ""

    body = "".join(
        f"<row>{''.join(cell(v, f'{letter}{i}') for letter, v in zip('ABCDE', row, strict=True))}</row>"
        for i, row in enumerate(rows, 1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return write_zip(
        path,
        {
            "xl/sharedStrings.xml": f"<sst {space}>{strings}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>",
        },
    )


def test_a_workbook_of_all_towers_is_read_in_a_folder_and_in_a_zip(tmp_path):
    head = ["SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE"]
    rows = [
        head,
        ["US-Zz1", 1, "GRP_IGBP", "IGBP", "ENF"],
        ["US-Zz1", 1, None, "IGBP_DATE_START", 1999],
        ["US-Zz1", 2, "GRP_IGBP", "IGBP", "GRA"],
        ["US-Zz1", 2, None, "IGBP_DATE_START", 20180601],
        ["US-Zz1", 3, "GRP_LOCATION", "LOCATION_LAT", 46.5],
        ["US-Zz1", 3, None, "LOCATION_LONG", -91.7],
    ]
    book = _workbook(tmp_path / "AMF_AA-Net_BIF_CCBY4_20240101.xlsx", rows)
    known, faults = read_bif(book, book.name)
    found = known[SITE].apply(tower(SITE, 400, "2019-01-01"))
    assert (found.igbp, found.lat, found.lon, faults) == ("GRA", 46.5, -91.7, [])
    daily = write_dd(tmp_path / name(SITE), days=60)
    assert ingest(daily, book, "-w", tmp_path / "w")[0] == 0
    assert record(load_archive(tmp_path / "w" / "archive.zarr"), SITE)["lat"].item() == 46.5
    packed = write_zip(tmp_path / "all.zip", {daily.name: daily.read_text(), book.name: book.read_bytes()})
    assert read_zip(packed).sites[SITE].lat == 46.5
    (tmp_path / "AMF_AA-Net_BIF_1.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(TamrlError, match="workbook cannot be read"):
        read_bif(tmp_path / "AMF_AA-Net_BIF_1.xlsx", "AMF_AA-Net_BIF_1.xlsx")


def test_wrong_columns_and_wrong_cells_are_named_once():
    with pytest.raises(TamrlError, match="no column VARIABLE, DATAVALUE"):
        read_bif(io.BytesIO(b"SITE_ID,A\nUS-Zz1,1\n"), "BIF.csv")
    rows = "".join(bif_groups(f"US-Z{i:02}", [(1, "IGBP", "FOREST")]).split("\n", 1)[1] for i in range(60))
    _, faults = read_bif(io.BytesIO(f"SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE\n{rows}".encode()), "BIF.csv")
    assert len(faults) == 1
    assert "US-Z00, US-Z01, US-Z02, US-Z03, US-Z04 and 55 more" in faults[0]


def test_a_tower_without_a_record_takes_the_last_group():
    info, _ = read([*igbp(1, "ENF", "1999"), *igbp(2, "GRA", "2018")])
    empty = tower(SITE, 3, "2019-01-01")
    empty.table = pd.DataFrame({"GPP": [np.nan]}, index=[pd.Timestamp("2001-01-01")])
    assert info.apply(empty).igbp == "GRA"
