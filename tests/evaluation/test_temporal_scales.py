"""Scales, against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.evaluation.temporal_scales import SCALES, score_scales, to_scales
from tamrl.metrics import score


def record(days=2200, seed=0, share=0.9, models=3):
    rng = np.random.default_rng(seed)
    time = pd.date_range("2001-03-05", periods=days)
    cycle = 4 + 3 * np.sin(2 * np.pi * time.day_of_year.to_numpy() / 365.25)
    observed = cycle + rng.normal(0, 1, days) + rng.normal(0, 0.5, 30)[time.year - 2001]
    predicted = observed + rng.normal(0, 1, (models, days))
    scored = rng.random(days) < share
    observed[rng.random(days) < 0.02] = np.nan
    return time, observed, predicted, scored


def test_weeks_months_and_the_whole_record_agree_with_pandas():
    time, observed, predicted, scored = record(share=0.6)
    found = to_scales(time, observed, predicted, scored)
    keep = scored & np.isfinite(observed)
    o, p = pd.Series(observed[keep], time[keep]), pd.Series(predicted[1, keep], time[keep])
    np.testing.assert_array_equal(found["daily"][0], o)
    enough = o.resample("W-SUN").count() >= 4
    assert 0 < (~enough).sum() < len(enough)
    np.testing.assert_allclose(found["weekly"][0], o.resample("W-SUN").mean()[enough])
    np.testing.assert_allclose(found["weekly"][1][1], p.resample("W-SUN").mean()[enough])
    enough = o.resample("MS").count() >= 10
    assert 0 < (~enough).sum() < len(enough)
    np.testing.assert_allclose(found["monthly"][0], o.resample("MS").mean()[enough])
    np.testing.assert_allclose(found["monthly"][1][1], p.resample("MS").mean()[enough])
    np.testing.assert_allclose(found["seasonal"][1][1], p.groupby(p.index.month).mean())
    assert found["site-mean"][1][1, 0] == pytest.approx(p.mean())


def test_anomalies_are_departures_from_the_own_mean_cycle():
    time, observed, predicted, scored = record()
    found = to_scales(time, observed, predicted, scored)
    keep = scored & np.isfinite(observed)
    p, day = predicted[2, keep], time[keep].day_of_year.to_numpy()
    for i in (0, 100, 777):
        near = np.abs((day - day[i] + 183) % 366 - 183) <= 15
        assert found["anomaly"][1][2, i] == pytest.approx(p[i] - p[near].mean())
    years = pd.Series(found["anomaly"][1][2], time[keep]).groupby(time[keep].year)
    np.testing.assert_allclose(found["interannual"][1][2], years.mean()[years.count() >= 256])


def test_a_shift_of_the_season_leaves_the_anomalies_alone():
    time, observed, predicted, scored = record()
    shifted = predicted + 3 + np.sin(2 * np.pi * time.day_of_year.to_numpy() / 366) * 0
    one, other = (to_scales(time, observed, p, scored) for p in (predicted, shifted))
    for scale in ("anomaly", "interannual"):
        np.testing.assert_allclose(one[scale][1], other[scale][1], atol=1e-9)
    np.testing.assert_allclose(other["seasonal"][1], one["seasonal"][1] + 3)


def test_short_records_have_no_cycle_and_no_years():
    time, observed, predicted, scored = record(days=140)
    found = to_scales(time, observed, predicted, scored)
    assert found["seasonal"][1].shape == (3, 0)
    assert found["interannual"][0].shape == (0,)
    assert found["weekly"][0].size
    table = score_scales(time, observed, predicted, scored)
    assert table.query("scale == 'interannual'")["n"].eq(0).all()
    assert table.query("scale == 'interannual'")["r2"].isna().all()


def test_two_years_are_too_few_and_three_are_enough():
    time, observed, predicted, _ = record()
    years = np.asarray(time.year)
    for count, size in ((2, 0), (3, 3)):
        scored = (years >= 2002) & (years < 2002 + count)
        assert to_scales(time, observed, predicted, scored)["interannual"][0].size == size


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), days=st.integers(1, 1500), share=st.floats(0, 1))
def test_days_that_are_not_scored_never_matter(seed, days, share):
    time, observed, predicted, scored = record(days, seed, share)
    spoilt, worse = observed.copy(), predicted.copy()
    spoilt[~scored], worse[:, ~scored] = 1e6, -1e6
    one, other = to_scales(time, observed, predicted, scored), to_scales(time, spoilt, worse, scored)
    assert list(one) == list(SCALES)
    for scale in SCALES:
        np.testing.assert_array_equal(one[scale][0], other[scale][0])
        np.testing.assert_array_equal(one[scale][1], other[scale][1])
        assert one[scale][1].shape == (3, len(one[scale][0]))


def test_a_perfect_model_is_perfect_at_every_scale():
    time, observed, _, scored = record()
    table = score_scales(time, observed, observed[None], scored).set_index("scale")
    assert table["mae"].to_numpy() == pytest.approx(0, abs=1e-12)
    assert table["r2"].drop("site-mean").to_numpy() == pytest.approx(1)
    assert table.loc["site-mean", "n"] == 1
    assert np.isnan(table.loc["site-mean", "r2"])
    assert np.isnan(table.loc["site-mean", "sd_observed"])
    assert table.loc["site-mean", "mean_observed"] == pytest.approx(observed[scored & np.isfinite(observed)].mean())


def test_daily_scores_are_those_of_the_metrics():
    time, observed, predicted, scored = record()
    table = score_scales(time, observed, predicted, scored)
    row = table.query("scale == 'daily' and model == 1").iloc[0]
    for name, value in score(observed, predicted[1], scored).items():
        assert row[name] == pytest.approx(value)


def monthly_record(months=96, seed=3):
    """Two models and a record of months whose season every calendar month has the same share of."""
    rng = np.random.default_rng(seed)
    time = pd.date_range("2001-01-01", periods=months, freq="MS")
    observed = 4 + 3 * np.sin(2 * np.pi * time.month.to_numpy() / 12) + rng.normal(0, 1, months)
    return time, observed, observed + rng.normal(0, 1, (2, months)), rng.random(months) < 0.85


def test_months_have_a_season_and_years_but_no_weeks():
    time, observed, predicted, scored = monthly_record()
    found = to_scales(time, observed, predicted, scored)
    o, p = pd.Series(observed[scored], time[scored]), pd.Series(predicted[1, scored], time[scored])
    assert found["weekly"][0].size == 0
    assert found["weekly"][1].shape == found["monthly"][1].shape == (2, 0)
    np.testing.assert_array_equal(found["daily"][0], o)
    np.testing.assert_allclose(found["seasonal"][0], o.groupby(o.index.month).mean())
    np.testing.assert_allclose(found["seasonal"][1][1], p.groupby(p.index.month).mean())
    anomaly = p - p.groupby(p.index.month).transform("mean")
    np.testing.assert_allclose(found["anomaly"][1][1], anomaly, atol=1e-9)
    years = anomaly.groupby(anomaly.index.year)
    enough = years.count() >= 9
    assert enough.sum() >= 3
    np.testing.assert_allclose(found["interannual"][1][1], years.mean()[enough], atol=1e-9)


def test_one_year_of_months_has_a_season_but_no_years():
    time, observed, predicted, _ = monthly_record(12)
    found = to_scales(time, observed, predicted, np.ones(12, bool))
    np.testing.assert_allclose(found["seasonal"][0], observed)
    assert found["interannual"][0].size == 0
    few = to_scales(time, observed, predicted, np.arange(12) < 5)
    assert few["seasonal"][0].size == 0


def test_a_year_of_months_needs_nine_of_them():
    time, observed, predicted, _ = monthly_record(48)
    for months, years in ((9, 4), (8, 0)):
        found = to_scales(time, observed, predicted, np.asarray(time.month) <= months)
        assert found["interannual"][0].size == years
