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


def test_a_number_is_told_in_a_sentence_as_it_is_or_in_percent():
    assert wording.told("it peaks {value:+.0f} days later", 3.2) == "it peaks +3 days later"
    assert wording.told("it is {percent:.0f} % of all", 0.357) == "it is 36 % of all"
