import pytest

from tamrl.data.account import KINDS, Entry, IngestReport


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
    with pytest.raises(ValueError, match="none of"):
        Entry("lost", "TA", "Gone.")
