import pytest

from tamrl.system.account import KINDS, AccountEntry, IngestReport, kept, kind_of


def report():
    found = IngestReport()
    found.assumed("TA", "The unit is taken as degC.")
    found.rejected("BE-Bra", "12 rows without a readable date.", 12)
    found.rejected("BE-Bra", "12 rows without a readable date.", 12)
    found.missing("LAI", "No value from 2003-01 to 2003-12.", 12)
    return found


def test_entries_stand_kind_by_kind_and_once():
    assert [entry.kind for entry in report()] == ["rejected", "missing", "assumed"]
    assert len(report()) == 3
    assert report().lines()[0] == "rejected: BE-Bra: 12 rows without a readable date."
    assert [entry.words for entry in report().of("LAI")] == ["No value from 2003-01 to 2003-12."]


def test_a_report_survives_provenance():
    again = IngestReport.from_list(report().to_list())
    assert list(again) == list(report())
    assert again.table()["count"].tolist()[:2] == [12, 12]
    assert again.table()["count"].isna().tolist() == [False, False, True]


def test_reports_are_joined():
    one = report()
    one.extend(report())
    assert len(one) == 3


def test_an_unknown_kind_is_refused():
    assert set(KINDS) == {"rejected", "missing", "converted", "assumed"}
    with pytest.raises(ValueError, match="not one of"):
        AccountEntry("lost", "TA", "Gone.")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("12 rows without a readable day rejected", "rejected"),
        ("12 rows without a readable day set aside", "rejected"),  # as older versions wrote it
        ("the file has no RECO", "missing"),
        ("RECO derived as NEE + GPP", "converted"),
        ("FAPAR from f.csv, in place of the coarser one", "converted"),
        ("LAI from modis_gapfilled.csv, in place of the coarser one", "converted"),
        ("sites_gap_2020.csv is not in UTF-8; its text is read as Windows-1252", "assumed"),
        ("35 % of LAI from overlap.csv is a mean annual cycle, not observed then", "assumed"),
        ("TA, VPD_ERA taken, since the file lacks TA_F", "assumed"),
        ("daily.parquet: not in sites.csv, ingested without position: AT-Aaa", "missing"),
        ("sites.csv: no daily data for AT-Aaa", "missing"),
        ("3 non-numeric cells rejected (TA_F 3)", "rejected"),
        ("fluxes are CUT_REF, since VUT_REF is not complete in the file", "assumed"),
    ],
)
def test_a_sentence_of_a_reader_finds_its_kind(words, kind):
    assert kind_of(words) == kind
    found = IngestReport()
    found.note("AT-Aaa", words)
    assert [(entry.kind, entry.subject) for entry in found] == [(kind, "AT-Aaa")]


def test_what_is_said_of_many_is_one_line():
    found = IngestReport()
    for site in ("AT-Aaa", "BE-Bra"):
        found.missing(site, "No position")
    assert found.grouped() == [("missing", "No position", ["AT-Aaa", "BE-Bra"])]


def test_a_later_reading_of_a_tower_replaces_what_was_said_of_it():
    first, later = report(), IngestReport()
    later.assumed("AT-Aaa", "New.")
    entries = [
        {"account": first.to_list(), "inputs": []},
        {"command": "train"},
        {"account": [{"kind": "lost"}]},
        {"account": later.to_list(), "inputs": [{"towers": ["BE-Bra", "AT-Aaa"]}]},
    ]
    assert sorted(entry.subject for entry in kept(entries)) == ["AT-Aaa", "LAI", "TA"]
    assert kept(entries).of("BE-Bra") == []
