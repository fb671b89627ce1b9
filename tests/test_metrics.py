"""Scores, against scikit-learn, scipy and formulas written out."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from tamrl import metrics
from tamrl.metrics import METRICS, MOMENTS, score, score_models, score_sets

VALUES = arrays(float, 20, elements=st.floats(-30, 30))


@settings(deadline=None)
@given(observed=VALUES, predicted=VALUES)
def test_scores_agree_with_scikit_learn_and_with_their_formulas(observed, predicted):
    result = score(observed, predicted)
    assert result["n"] == 20
    error = predicted - observed
    assert result["rmse"] == pytest.approx(root_mean_squared_error(observed, predicted))
    assert result["mae"] == pytest.approx(mean_absolute_error(observed, predicted))
    assert result["bias"] == pytest.approx(error.mean(), abs=1e-9)
    assert result["mean_predicted"] == pytest.approx(predicted.mean(), abs=1e-12)
    assert result["sd_observed"] == pytest.approx(observed.std(), abs=1e-9)
    if np.abs(observed).mean() > 1e-3:
        assert result["nmae"] == pytest.approx(np.abs(error).mean() / np.abs(observed).mean())
    if observed.std() > 1e-3:
        assert result["r2"] == pytest.approx(r2_score(observed, predicted))
        assert result["rae"] == pytest.approx(np.abs(error).sum() / np.abs(observed - observed.mean()).sum())
    if observed.std() > 1e-3 and predicted.std() > 1e-3 and abs(observed.mean()) > 1e-3:
        r = pearsonr(observed, predicted).statistic
        assert result["correlation"] == pytest.approx(r, abs=1e-9)
        spread, mean = predicted.std() / observed.std(), predicted.mean() / observed.mean()
        assert result["kge"] == pytest.approx(1 - np.sqrt((r - 1) ** 2 + (spread - 1) ** 2 + (mean - 1) ** 2))


def test_a_perfect_prediction_has_perfect_scores():
    observed = np.random.default_rng(0).normal(3, 2, 50)
    result = score(observed, observed.copy())
    assert result["r2"] == result["correlation"] == pytest.approx(1)
    assert result["kge"] == pytest.approx(1)
    assert result["rmse"] == result["mae"] == result["bias"] == result["nmae"] == result["rae"] == 0


def test_models_together_score_as_each_alone():
    rng = np.random.default_rng(1)
    observed = rng.normal(2, 3, 80)
    predicted = observed + rng.normal(0, 1, (4, 80))
    observed[3], predicted[1, 7], predicted[2] = np.nan, np.nan, 5.0
    mask = rng.random(80) < 0.8
    together = score_models(observed, predicted, mask)
    assert set(together) == {"n", *METRICS, *MOMENTS}
    for i in range(4):
        alone = score(observed, predicted[i], mask)
        for name, value in alone.items():
            assert together[name][i] == pytest.approx(value, nan_ok=True), name
    assert together["n"][1] == together["n"][0] - mask[7]
    assert np.isnan(together["correlation"][2])
    assert np.isfinite(together["r2"][2])


def test_missing_and_unscored_days_are_left_out():
    observed = np.array([1.0, np.nan, 3.0, 4.0, 100.0])
    predicted = np.array([1.5, 2.0, np.nan, 3.0, 0.0])
    result = score(observed, predicted, np.array([1, 1, 1, 1, 0], bool))
    assert result["n"] == 2
    assert result["bias"] == pytest.approx(-0.25)
    assert result["mean_observed"] == pytest.approx(2.5)


def test_no_days_and_no_variation_give_nan_without_an_error_or_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty = score(np.full(3, np.nan), np.ones(3))
        flat = score(np.full(7, 0.1), np.array([1.0, 2.0, 1.0, 1, 1, 1, 1]))
        zero = score(np.zeros(3), np.ones(3))
        one = score(np.array([2.0]), np.array([3.0]))
        still = score(np.array([1.0, 2.0, 3.0]), np.full(3, 0.1))
    assert empty["n"] == 0
    assert all(np.isnan(empty[name]) for name in (*METRICS, *MOMENTS))
    for result in (flat, zero, one):
        assert all(np.isnan(result[name]) for name in ("r2", "kge", "rae", "correlation"))
    assert flat["mae"] == pytest.approx(7.3 / 7)
    assert np.isnan(zero["nmae"])
    assert one["bias"] == 1
    assert np.isnan(still["kge"])
    assert still["r2"] < 0


@settings(deadline=None)
@given(observed=arrays(float, (4, 12), elements=st.floats(-30, 30) | st.just(np.nan)), seed=st.integers(0, 99))
def test_pairs_of_series_are_scored_each_by_itself(observed, seed):
    predicted = np.random.default_rng(seed).normal(size=observed.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = score_models(observed, predicted)
        for i, (o, p) in enumerate(zip(observed, predicted, strict=True)):
            alone = score(o, p)
            for name in ("n", *METRICS, *MOMENTS):
                assert together[name][i] == pytest.approx(alone[name], rel=1e-9, abs=1e-12, nan_ok=True), name


def test_sets_of_any_length_are_scored_together_as_alone():
    rng = np.random.default_rng(3)
    sets = []
    for length, models in ((3000, 2), (400, 3), (36, 2), (1, 2), (0, 2), (2900, 1), (12, 4)):
        observed = rng.normal(2, 1, length)
        predicted = observed + rng.normal(0, 1, (models, length))
        predicted[rng.random(predicted.shape) < 0.05] = np.nan
        observed[rng.random(length) < 0.05] = np.nan
        sets.append((observed, predicted))
    sets.append((np.full(20, 3.0), np.full((1, 20), 3.0)))
    together = score_sets(sets)
    for (observed, predicted), found in zip(sets, together, strict=True):
        alone = score_models(observed, predicted)
        assert found.keys() == alone.keys()
        for name, values in alone.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-14, err_msg=name)


def test_few_calls_of_the_library_score_many_sets(monkeypatch):
    calls, real = [], metrics._library_scores
    monkeypatch.setattr(metrics, "_library_scores", lambda *both: calls.append(1) or real(*both))
    rng = np.random.default_rng(4)
    lengths = [3000] * 12 + [430] * 12 + [100] * 12 + [12] * 12 + [1] * 12
    score_sets([(rng.normal(size=n), rng.normal(size=(2, n))) for n in lengths])
    assert len(calls) <= 4
