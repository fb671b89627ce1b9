"""The picture of what a record holds: shares of months, by variable."""

import numpy as np
import pytest
import tower_files

from tamrl.figures.towers.coverage import VALID, coverage, in_words, monthly_shares
from tamrl.towers.archive import build, record


@pytest.fixture
def tower():
    made = tower_files.tower("XX-One", days=59)  # January and February 2010
    made.table.loc["2010-01-01":"2010-01-10", "GPP"] = np.nan
    made.table.loc["2010-02-01":"2010-02-14", "NEE_QC"] = 0.2
    made.table.loc["2010-02", "TA"] = np.nan
    made.table["LAI"] = np.nan
    made.table["C4"] = 0.5
    return record(build([made]), "XX-One")


def test_shares_are_of_the_whole_month(tower):
    table = monthly_shares(tower)
    assert list(table.index) == ["GPP", "RECO", "NEE", VALID, "TA"]
    np.testing.assert_allclose(table.loc["GPP"], [21 / 31, 1])
    np.testing.assert_allclose(table.loc[VALID], [1, 0.5])
    np.testing.assert_allclose(table.loc["TA"], [1, 0])
    half = monthly_shares(tower.isel(time=slice(0, 41)))
    np.testing.assert_allclose(half.loc["RECO"], [1, 10 / 28])


def test_the_picture_has_a_row_a_variable_and_is_told_in_words(tower):
    for theme in ("light", "dark"):
        drawn = coverage(tower, theme)
        assert list(drawn.data[0].y) == ["GPP", "RECO", "NEE", VALID, "TA"]
        assert drawn.data[0].z.max() == 100
    assert "GPP 83 %" in in_words(tower)
    assert "Jan 2010 to Feb 2010" in in_words(tower)


def test_a_monthly_record_has_months(tower):
    from tamrl.towers.monthly import to_monthly

    months = monthly_shares(record(to_monthly(build([tower_files.tower("XX-One", days=90)])), "XX-One"))
    assert months.shape[1] == 3
    assert set(np.unique(months.loc["GPP"])) <= {0.0, 1.0}
    assert months.loc["GPP"].any()
