"""What the Scorecard says of intervals is the share of days that they promise."""

import pandas as pd
import pytest

from tamrl.evaluation.coverage import NUMBERS, class_coverage, coverage


def test_coverage_is_the_mean_over_towers_and_the_rest_are_medians():
    towers = pd.DataFrame({name: [0.6, 1.0, 1.0] for name in NUMBERS}).assign(flux="GPP", shots=0)
    (row,) = coverage(towers).to_dict("records")
    assert row["coverage90"] == pytest.approx(2.6 / 3)
    assert row["coverage90_low"] == pytest.approx(0.8)
    assert row["rmse"] == 1
    assert row["towers"] == 3


def test_coverage_by_class_shows_what_the_mean_hides():
    towers = pd.DataFrame({"flux": "GPP", "site": list("abcd"), "coverage90": [0.7, 0.74, 1.0, 1.0]})
    table = class_coverage(towers, pd.Series({"a": "CRO", "b": "CRO", "c": "ENF", "d": "CRO"}))
    assert towers["coverage90"].mean() == pytest.approx(0.86)
    assert list(table["class"]) == ["CRO", "ENF"]
    assert list(table["towers"]) == [3, 1]
    assert table.loc[0, "coverage90"] == pytest.approx(2.44 / 3)
    assert table.loc[0, "coverage90_low"] == pytest.approx(0.72)
    assert table.loc[1, "coverage90"] == 1
