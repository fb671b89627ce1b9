"""Steps of time: days and calendar months, lengths in either, and the season of a month."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.model.drivers import driver_table
from tamrl.solar import extraterrestrial_radiation, potential_radiation
from tamrl.timestep import TimeStep, axis, days, is_regular, season_angle, step_of, steps


def test_days_become_days_or_months_and_none_stays_none():
    assert [steps(n, TimeStep.DAILY) for n in (0, 7, 30, 365)] == [0, 7, 30, 365]
    assert [steps(n, TimeStep.MONTHLY) for n in (0, 7, 30, 90, 365)] == [0, 1, 1, 3, 12]
    assert [days(n, TimeStep.MONTHLY) for n in (0, 1, 3, 12)] == [0, 30, 91, 365]
    assert days(30, TimeStep.DAILY) == 30


@settings(deadline=None)
@given(first=st.dates(pd.Timestamp("1980-01-01").date(), pd.Timestamp("2020-01-01").date()), months=st.integers(1, 60))
def test_a_monthly_axis_is_regular_and_one_with_a_gap_is_not(first, months):
    time = axis(pd.Timestamp(first), pd.Timestamp(first) + pd.DateOffset(months=months), TimeStep.MONTHLY)
    assert (time.day == 1).all()
    assert len(time) == months + 1
    assert is_regular(time.values, TimeStep.MONTHLY)
    assert not is_regular(time.values, TimeStep.DAILY)
    if months > 2:
        assert not is_regular(np.delete(time.values, 1), TimeStep.MONTHLY)
    assert not is_regular(time.values[:0], TimeStep.MONTHLY)


def test_the_season_of_a_month_is_that_of_its_middle():
    months = pd.date_range("2001-01-01", periods=12, freq="MS")
    for first, angle in zip(months, season_angle(months, TimeStep.MONTHLY), strict=True):
        days = pd.date_range(first, periods=first.days_in_month)
        assert angle == pytest.approx(season_angle(days, TimeStep.DAILY).mean())


def test_the_radiation_of_a_month_is_the_mean_of_its_days():
    months = pd.date_range("2003-12-01", periods=4, freq="MS")
    for shift in (0, -10):
        made = potential_radiation(48.0, months, TimeStep.MONTHLY, shift)
        for first, value in zip(months, made, strict=True):
            days = pd.date_range(first, periods=first.days_in_month) + pd.Timedelta(days=shift)
            assert value == pytest.approx(extraterrestrial_radiation(48.0, days).mean(), rel=1e-6)


def test_many_latitudes_at_once_are_each_by_itself():
    months, lat = pd.date_range("2003-12-01", periods=4, freq="MS"), np.array([-80.0, 0.0, 48.0])
    for step in (TimeStep.DAILY, TimeStep.MONTHLY):
        together = potential_radiation(lat, months, step, -10)
        np.testing.assert_array_equal(together, [potential_radiation(float(y), months, step, -10) for y in lat])


def test_a_monthly_record_has_monthly_radiation_and_its_trend():
    time = pd.date_range("2001-01-01", periods=12, freq="MS")
    tower = xr.Dataset({"TA": ("time", np.zeros(12))}, {"time": time, "lat": 60.0}, {"frequency": "1MS"})
    table = driver_table(tower, ("SW_IN_POT", "SW_IN_POT_TREND"))
    assert table[:, 0] == pytest.approx(potential_radiation(60.0, time, TimeStep.MONTHLY))
    # Spring brightens and autumn darkens.
    assert table[2, 1] > 20
    assert table[8, 1] < -20


def test_an_unknown_step_names_the_known_ones():
    with pytest.raises(TamrlError, match="1MS"):
        step_of(xr.Dataset(attrs={"frequency": "1W"}))
    assert step_of(xr.Dataset()) == TimeStep.DAILY
