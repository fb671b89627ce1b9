"""Points of a Taylor diagram against what their definition says."""

import numpy as np
import pandas as pd
import pytest

from tamrl.evaluation import taylor

TEAM = [("tamrl", 0), ("xgboost", 0)]


def test_over_towers_the_points_are_those_of_the_means():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50)
    observed = pd.DataFrame(dict.fromkeys(TEAM, truth))
    predicted = pd.DataFrame({TEAM[0]: 0.5 * truth, TEAM[1]: truth + rng.normal(size=50)})
    first, second = taylor.points(observed, predicted, TEAM).to_dict("records")
    assert first["correlation"] == pytest.approx(1)
    assert first["deviation"] == pytest.approx(0.5)
    assert second["correlation"] == pytest.approx(np.corrcoef(truth, predicted[TEAM[1]])[0, 1])
    # The law of cosines, on which the diagram rests.
    error = np.std(predicted[TEAM[1]] - truth - (predicted[TEAM[1]] - truth).mean()) / np.std(truth)
    sd, r = second["deviation"], second["correlation"]
    assert error**2 == pytest.approx(sd**2 + 1 - 2 * sd * r)


def test_within_towers_the_points_are_medians_and_without_models_there_are_none():
    observed = pd.DataFrame({column: [1.0, 2.0, 4.0] for column in TEAM})
    predicted = pd.DataFrame({TEAM[0]: [1.0, 1.0, 8.0], TEAM[1]: [2.0, 4.0, 8.0]})
    correlations = pd.DataFrame({TEAM[0]: [0.1, 0.9, 0.8], TEAM[1]: [0.2, 0.3, 0.4]})
    table = taylor.points(observed, predicted, TEAM, correlations).set_index("model")
    assert list(table["deviation"]) == [1.0, 2.0]
    assert list(table["correlation"]) == [0.8, 0.3]
    assert list(table["towers"]) == [3, 3]
    assert taylor.points(pd.DataFrame(), pd.DataFrame(), []).empty
