"""What the Scorecard says of intervals is the share of days that they promise."""

import pandas as pd
import pytest

from tamrl.ui.scorecard_intervals import _NUMBERS, _coverage


def test_coverage_is_the_mean_over_towers_and_the_rest_are_medians():
    towers = pd.DataFrame({name: [0.6, 1.0, 1.0] for name in _NUMBERS}).assign(flux="GPP", shots=0)
    (row,) = _coverage(towers).to_dict("records")
    assert row["coverage90"] == pytest.approx(2.6 / 3)
    assert row["coverage90_low"] == pytest.approx(0.8)
    assert row["rmse"] == 1
    assert row["towers"] == 3
