"""Hours against the sun: known shifts of made-up cloudy days are found again."""

import numpy as np
import pandas as pd
import pytest

from tamrl.errors import TamrlError
from tamrl.solar import extraterrestrial_radiation
from tamrl.towers.hours import clock_note, hour_shift, hourly_potential

HALF_HOURS = pd.date_range("2005-04-01 00:15", "2005-06-15", freq="30min")


def cloudy(lat: float, lon: float, offset: float, time: pd.DatetimeIndex = HALF_HOURS) -> pd.Series:
    """Radiation under clouds that last for hours; made up."""
    noise = pd.Series(np.random.default_rng(0).normal(size=len(time))).ewm(halflife=6).mean().to_numpy()
    return pd.Series(hourly_potential(lat, lon, time, offset) * np.clip(0.55 + 0.5 * noise, 0.05, 0.8), time)


@pytest.mark.parametrize(("lat", "lon", "offset"), [(51.1, 10.4, 1), (-35.7, 148.2, 10), (0.1, -60.2, -4), (67, 26, 2)])
def test_hours_of_a_day_average_to_its_potential_radiation(lat, lon, offset):
    hours = pd.Series(hourly_potential(lat, lon, HALF_HOURS, offset), HALF_HOURS)
    days = hours.resample("D").mean()[:-1]
    expected = extraterrestrial_radiation(lat, pd.DatetimeIndex(days.index))
    np.testing.assert_allclose(days, expected, rtol=0.01, atol=1)


@pytest.mark.parametrize("shift", [-9.0, -1.0, 0.0, 0.5, 1.0, 7.0])
def test_a_shift_of_the_clock_is_found(shift):
    radiation = cloudy(51.1, 10.4, 1)
    moved = radiation.set_axis(radiation.index + pd.Timedelta(hours=shift))
    assert hour_shift(moved, 51.1, 10.4, 1) == pytest.approx(shift, abs=0.25)


def test_utc_in_place_of_local_time_is_found_on_hourly_values():
    time = pd.date_range("2005-04-01 00:30", "2005-06-15", freq="h")
    radiation = cloudy(-35.7, 148.2, 10, time)
    in_utc = radiation.set_axis(radiation.index - pd.Timedelta(hours=10))
    assert hour_shift(in_utc, -35.7, 148.2, 10) == pytest.approx(-10, abs=0.25)


def test_too_little_to_judge_and_steps_that_are_too_long():
    assert np.isnan(hour_shift(cloudy(51.1, 10.4, 1)[:100], 51.1, 10.4, 1))
    assert np.isnan(hour_shift(pd.Series(1.0, HALF_HOURS), 51.1, 10.4, 1))
    days = pd.date_range("2005-01-01", periods=400)
    with pytest.raises(TamrlError, match="longer than an hour"):
        hour_shift(pd.Series(1.0, days), 51.1, 10.4, 1)


@pytest.mark.parametrize(
    ("shift", "known", "told"),
    [
        (0.0, True, ""),
        (0.5, True, ""),
        (1.0, True, "1 hours late against the sun in its local standard time (UTC+1)"),
        (-1.0, False, ""),
        (-3.0, False, "3 hours early against the sun in the zone of its longitude (UTC+1)"),
    ],
)
def test_a_shift_is_told_from_where_the_zone_leaves_no_doubt(shift, known, told):
    radiation = cloudy(51.1, 10.4, 1)
    moved = radiation.set_axis(radiation.index + pd.Timedelta(hours=shift))
    said = clock_note(moved, 51.1, 10.4, 1.0 if known else float("nan"))
    assert (told in said) if told else said == ""


def test_without_a_position_or_a_month_of_values_nothing_is_told():
    assert clock_note(cloudy(51.1, 10.4, 1), float("nan"), 10.4) == ""
    assert clock_note(cloudy(51.1, 10.4, 8)[:100], 51.1, 10.4, 1.0) == ""
