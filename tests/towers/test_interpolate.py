"""Monthly values on days: what is on the line, what a gap does, what stays as it was."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl import schema
from tamrl.towers.interpolate import BRIDGED, months_to_days, to_days

YEAR = pd.date_range("2001-01-01", "2001-12-31")


def monthly(values, first="2001-01-01", name="LAI") -> pd.DataFrame:
    return pd.DataFrame({name: values}, index=pd.date_range(first, periods=len(values), freq="MS"))


def on_days(values, days=YEAR) -> pd.Series:
    return months_to_days(monthly(values), days)["LAI"]


def test_states_are_those_that_the_satellite_sees():
    assert {name for name, v in schema.VARIABLES.items() if v.state} >= {"LAI", "EVI"}
    assert not any(schema.VARIABLES[name].state for name in (*schema.FLUXES, "P_MON", "P", "TA"))


def test_a_day_lies_on_the_line_between_the_middles_of_two_months():
    lai = on_days([1.0, 3.0, 3.0, 0.0])
    assert lai["2001-01-16"] == 1.0  # January has 31 days, its middle is noon of the 16th
    assert lai["2001-02-14"] == pytest.approx(3.0 - 2 * 0.5 / 29.5)  # February's is midnight after the 14th
    assert lai["2001-02-01"] == pytest.approx(1 + 2 * 16 / 29.5)
    assert (lai["2001-02-15":"2001-03-16"] == 3.0).all()
    assert lai["2001-03-31"] == pytest.approx(3 - 3 * 15 / 30.5)


def test_the_first_and_the_last_value_hold_to_the_edge_of_their_month():
    lai = on_days([1.0, 2.0], pd.date_range("2000-12-01", "2001-04-30"))
    assert lai[:"2000-12-31"].isna().all()
    assert (lai["2001-01-01":"2001-01-16"] == 1.0).all()
    assert (lai["2001-02-15":"2001-02-28"] == 2.0).all()
    assert lai["2001-03-01":].isna().all()


@pytest.mark.parametrize("missing", [1, 2, 3, 6])
@pytest.mark.parametrize("absent", [True, False])
def test_two_missing_months_are_bridged_and_three_are_not(missing, absent):
    rows = monthly([1.0] * 2 + [np.nan] * missing + [5.0] * 2)
    lai = months_to_days(rows.dropna() if absent else rows, YEAR)["LAI"]
    gap = lai["2001-03-01" : pd.Timestamp("2001-03-01") + pd.DateOffset(months=missing, days=-1)]
    if missing <= BRIDGED:
        assert gap.between(1.0, 5.0, inclusive="neither").all()
    else:
        assert gap.isna().all()
        assert (lai["2001-02"] == 1.0).all()
        assert (lai[lai.notna()]["2001-03":] == 5.0).all()


def test_a_lone_february_bridges_to_may():
    lai = months_to_days(pd.DataFrame({"LAI": [1.0, 2.0]}, pd.DatetimeIndex(["2001-02-01", "2001-05-01"])), YEAR)["LAI"]
    assert lai["2001-02-15":"2001-05-16"].notna().all()


def test_precipitation_stays_the_mean_of_the_month():
    rain = months_to_days(monthly([3.0, np.nan, 4.0], name="P_MON"), YEAR)["P_MON"]
    assert (rain["2001-01"] == 3.0).all()
    assert rain["2001-02"].isna().all()
    assert (rain["2001-03"] == 4.0).all()
    assert rain["2001-04":].isna().all()


def test_a_tower_without_a_value_has_none():
    assert on_days([np.nan] * 3).isna().all()


LEVELS = st.lists(st.none() | st.floats(0, 10, width=32), min_size=1, max_size=30)


@settings(max_examples=80, deadline=None)
@given(LEVELS, st.integers(0, 11), st.integers(0, 400), st.integers(1, 500))
def test_days_stay_between_their_neighbours_and_known_months_are_never_empty(levels, month, begin, length):
    values = np.array([np.nan if v is None else v for v in levels])
    rows = monthly(values, pd.Timestamp("1999-01-01") + pd.DateOffset(months=month))
    days = pd.date_range(rows.index[0] - pd.Timedelta(days=40) + pd.Timedelta(days=begin), periods=length)
    lai = months_to_days(rows, days)["LAI"]
    known = rows["LAI"].dropna()
    if known.empty:
        assert lai.isna().all()
        return
    assert lai.dropna().between(np.float32(known.min()), np.float32(known.max())).all()
    of_month = days.to_period("M").to_timestamp()
    assert lai[of_month.isin(known.index)].notna().all()
    outside = (of_month < known.index[0]) | (of_month > known.index[-1])
    assert lai[outside].isna().all()


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 3), st.floats(-0.01, 0.01), st.integers(0, 11))
def test_a_straight_line_stays_a_straight_line(level, slope, month):
    first = pd.Timestamp("2000-01-01") + pd.DateOffset(months=month)
    starts = pd.date_range(first, periods=14, freq="MS")
    ends = starts + pd.offsets.MonthBegin(1)
    middle = ((starts - first) + (ends - first)) / 2 / pd.Timedelta(days=1)
    days = pd.date_range(starts[1], ends[-2], inclusive="left")
    found = to_days(starts, ends, level + slope * middle.to_numpy(), days)
    expected = level + slope * ((days - first) / pd.Timedelta(days=1) + 0.5).to_numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(LEVELS, st.permutations(range(60)))
def test_order_and_gaps_of_the_days_do_not_matter(levels, order):
    rows = monthly([np.nan if v is None else v for v in levels])
    days = pd.date_range("2001-01-01", periods=60)
    whole = months_to_days(rows, days)["LAI"]
    picked = months_to_days(rows.iloc[::-1], days[list(order)[:20]])["LAI"]
    pd.testing.assert_series_equal(picked, whole[days[list(order)[:20]]], check_freq=False)


@given(st.integers(0, 2**32 - 1))
def test_many_places_at_once_are_each_place_alone(seed):
    rng = np.random.default_rng(seed)
    starts = pd.date_range("2001-01-01", periods=12, freq="MS")
    ends, days = starts + pd.offsets.MonthBegin(1), pd.date_range("2000-12-01", "2002-01-31")
    values = np.where(rng.random((12, 3, 2)) < rng.random(), rng.normal(size=(12, 3, 2)), np.nan)
    whole = to_days(starts, ends, values, days)
    assert whole.shape == (len(days), 3, 2)
    for place in np.ndindex(3, 2):
        np.testing.assert_array_equal(whole[:, *place], to_days(starts, ends, values[:, *place], days))
