"""How times are said."""

import numpy as np
import pandas as pd
import pytest

from tamrl import wording
from tamrl.timestep import TimeStep


def test_days_and_months_have_their_words():
    assert wording.counted(1204, TimeStep.DAILY) == "1,204 days"
    assert wording.counted(1, TimeStep.MONTHLY, "support") == "1 support month"
    assert wording.short(6, TimeStep.MONTHLY) == "6mo"
    assert wording.short(30, TimeStep.DAILY) == "30d"
    when = np.datetime64("2009-05-01")
    assert wording.date(when, TimeStep.DAILY) == "2009-05-01"
    assert wording.date(when, TimeStep.MONTHLY) == "2009-05"


@pytest.mark.parametrize(
    ("time", "step"),
    [
        (pd.date_range("2004-02-01", periods=2), TimeStep.DAILY),
        (pd.date_range("2004-02-01", periods=2, freq="MS"), "1MS"),
        (pd.date_range("2004-02-01", periods=1), TimeStep.DAILY),
        (pd.DatetimeIndex([]), TimeStep.DAILY),
    ],
)
def test_an_axis_tells_its_step(time, step):
    assert wording.axis_step(time) == step
    assert wording.axis_step(time.values) == step
