"""How times are said."""

import numpy as np
import pandas as pd
import pytest

from tamrl import wording


def test_days_and_months_have_their_words():
    assert wording.counted(1204, "1D") == "1,204 days"
    assert wording.counted(1, "1MS", "support") == "1 support month"
    assert wording.short(6, "1MS") == "6mo"
    assert wording.short(30, "1D") == "30d"
    when = np.datetime64("2009-05-01")
    assert wording.date(when, "1D") == "2009-05-01"
    assert wording.date(when, "1MS") == "2009-05"


@pytest.mark.parametrize(
    ("time", "step"),
    [
        (pd.date_range("2004-02-01", periods=2), "1D"),
        (pd.date_range("2004-02-01", periods=2, freq="MS"), "1MS"),
        (pd.date_range("2004-02-01", periods=1), "1D"),
        (pd.DatetimeIndex([]), "1D"),
    ],
)
def test_an_axis_tells_its_step(time, step):
    assert wording.axis_step(time) == step
    assert wording.axis_step(time.values) == step
