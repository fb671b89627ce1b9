"""Two releases of one tower: joined, or refused with what would be lost; nothing is dropped with exit status 0."""

import numpy as np
from tower_files import ingest, values, write_dd

from tamrl.towers.archive import load_archive, record

OLD = "FLX_US-Lll_FLUXNET2015_SUBSET_DD_2011-2012_1-4.csv"
NEW = "AMF_US-Lll_FLUXNET_SUBSET_DD_2019-2020_3-5.csv"


def test_without_a_common_year_both_periods_are_there(tmp_path):
    write_dd(tmp_path / "in" / OLD, values(730, "2011-01-01"))
    write_dd(tmp_path / "in" / NEW, values(731, "2019-01-01"))
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 0, text
    assert "joined from" in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "US-Lll")
    known = tower.time.values[tower["NEE"].notnull().values]
    assert (str(known[0])[:10], str(known[-1])[:10], known.size) == ("2011-01-01", "2020-12-31", 1461)


def test_where_they_overlap_the_newer_one_counts(tmp_path):
    write_dd(tmp_path / "in" / OLD, values(1000, "2018-01-01").assign(TA_F=1.0))
    write_dd(tmp_path / "in" / NEW, values(731, "2019-01-01").assign(TA_F=2.0))
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 0, text
    ta = record(load_archive(tmp_path / "w" / "archive.zarr"), "US-Lll")["TA"]
    np.testing.assert_array_equal(ta, [1.0] * 365 + [2.0] * 731)


def test_fluxes_of_another_variant_are_refused(tmp_path):
    write_dd(tmp_path / "in" / OLD, values(730, "2011-01-01", "CUT"))
    write_dd(tmp_path / "in" / NEW, values(731, "2019-01-01"))
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 1
    assert "cannot be joined, since the fluxes of one are VUT_REF, those of the other CUT_REF" in text
    assert "730 days with fluxes (2011-01-01 to 2012-12-30) would be lost" in text
    assert "Nothing was ingested" in text


def test_what_a_later_ingest_replaces_is_said(tmp_path):
    assert ingest(write_dd(tmp_path / OLD, values(730, "2011-01-01")), "-w", tmp_path / "w")[0] == 0
    code, text = ingest(write_dd(tmp_path / NEW, values(731, "2019-01-01")), "-w", tmp_path / "w")
    assert code == 0
    assert "730 days with fluxes of the version that it replaces (2011-01-01 to 2012-12-30) are gone" in text
