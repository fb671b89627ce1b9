"""Scores, against scikit-learn and the library ``scores``."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scores.continuous import additive_bias, mae, nse, rmse
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from tamrl.metrics import score

VALUES = arrays(float, 20, elements=st.floats(-30, 30))


@given(observed=VALUES, predicted=VALUES)
def test_scores_agree_with_scikit_learn_and_scores(observed, predicted):
    result = score(observed, predicted)
    assert result["n"] == 20
    assert result["rmse"] == pytest.approx(root_mean_squared_error(observed, predicted))
    assert result["mae"] == pytest.approx(mean_absolute_error(observed, predicted))
    fcst, obs = xr.DataArray(predicted, dims="time"), xr.DataArray(observed, dims="time")
    assert result["rmse"] == pytest.approx(float(rmse(fcst, obs)))
    assert result["mae"] == pytest.approx(float(mae(fcst, obs)))
    assert result["bias"] == pytest.approx(float(additive_bias(fcst, obs)), abs=1e-9)
    if np.std(observed) > 1e-3:
        assert result["r2"] == pytest.approx(r2_score(observed, predicted))
        assert result["r2"] == pytest.approx(float(nse(fcst, obs)))


def test_missing_and_unscored_days_are_left_out():
    observed = np.array([1.0, np.nan, 3.0, 4.0, 100.0])
    predicted = np.array([1.5, 2.0, np.nan, 3.0, 0.0])
    result = score(observed, predicted, np.array([1, 1, 1, 1, 0], bool))
    assert result["n"] == 2
    assert result["bias"] == pytest.approx(-0.25)


def test_no_days_and_no_variation_give_nan_not_an_error():
    assert score(np.full(3, np.nan), np.ones(3))["n"] == 0
    assert np.isnan(score(np.full(3, np.nan), np.ones(3))["rmse"])
    flat = score(np.ones(3), np.array([1.0, 2.0, 1.0]))
    assert np.isnan(flat["r2"])
    assert flat["mae"] == pytest.approx(1 / 3)
