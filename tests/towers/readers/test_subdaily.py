"""Half-hours and hours to days: units, the 90 % rule, quality, sums and extremes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_files import starts

from tamrl.towers.readers.subdaily import gaps, to_days, unknown_flags

FACTOR = 12.011e-6 * 86_400


def constant(days: int, minutes: int, **values: float) -> pd.DataFrame:
    return pd.DataFrame(values, index=starts(days, minutes), dtype=float)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([30, 60]),
    st.floats(-60, 60, allow_subnormal=False),
    st.lists(st.sets(st.integers(0, 47), max_size=12), min_size=1, max_size=5),
    st.booleans(),
)
def test_a_constant_flux_has_the_same_daily_sum_whatever_is_missing(minutes, flux, missing, as_rows):
    per_day = 24 * 60 // minutes
    steps = constant(len(missing), minutes, NEE=flux, GPP=flux, P=0.25, TA=flux)
    gone = [day * per_day + step for day, lost in enumerate(missing) for step in lost if step < per_day]
    if as_rows:  # missing rows, or rows of missing values: the same
        steps = steps.drop(steps.index[gone])
    else:
        steps.iloc[gone] = np.nan
    table = to_days(steps, minutes)
    for day, lost in enumerate(missing):
        here = table.loc[pd.Timestamp("2010-01-01") + pd.Timedelta(days=day)]
        if sum(step < per_day for step in lost) <= 0.1 * per_day:
            expected = {"NEE": flux * FACTOR, "GPP": flux * FACTOR, "P": 0.25 * per_day, "TA": flux, "TA_MAX": flux}
            for name, value in expected.items():
                assert here[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
        else:
            assert here.isna().all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=48, max_size=48))
def test_quality_is_the_share_of_steps_with_flag_0_or_1(flags):
    table = to_days(constant(1, 30, NEE=1.0).assign(NEE_QC=np.array(flags, float)), 30)
    assert table["NEE_QC"].item() == pytest.approx(sum(flag <= 1 for flag in flags) / 48)


def test_a_step_without_a_flag_does_not_count_as_good():
    steps = constant(2, 30, NEE=1.0, NEE_QC=0.0)
    steps.iloc[:3, 1] = np.nan
    steps.iloc[48 : 48 + 6, 1] = np.nan
    table = to_days(steps, 30)
    assert table["NEE_QC"].iloc[0] == pytest.approx(45 / 48)
    assert np.isnan(table["NEE_QC"].iloc[1])


def test_the_last_step_of_a_day_ends_at_midnight_and_belongs_to_it():
    steps = constant(2, 30, GPP=0.0)
    steps.loc["2010-01-01 23:30"] = 48.0
    table = to_days(steps, 30)
    np.testing.assert_allclose(table["GPP"], [FACTOR, 0.0])


def test_the_coldest_and_warmest_step():
    steps = constant(1, 60, TA=10.0)
    steps.iloc[3], steps.iloc[14] = -2.0, 21.5
    table = to_days(steps, 60)
    assert (table["TA_MIN"].item(), table["TA_MAX"].item()) == (-2.0, 21.5)
    assert table["TA"].item() == pytest.approx((22 * 10 - 2 + 21.5) / 24)


def test_what_the_rule_leaves_out_is_counted_by_variable():
    steps = constant(3, 30, NEE=1.0, TA=5.0)
    steps.iloc[:6, 0] = np.nan
    steps.iloc[48:96, 1] = np.nan  # a day without any value is a gap of the source
    table = to_days(steps, 30)
    assert gaps(steps, table, 30) == "days with values, but on fewer than 44 of 48 steps, are missing (NEE 1)"
    assert gaps(steps.iloc[96:], to_days(steps.iloc[96:], 30), 30) == ""


def test_flags_that_are_none_are_found():
    assert unknown_flags(pd.Series([0.0, 1, 2, 3, np.nan])).empty
    assert unknown_flags(pd.Series([0.0, 0.9, 4])).tolist() == [0.9, 4]
