"""The weather of the days before, and the trees that read it."""

import numpy as np
import pytest

from tamrl.baselines.common import input_table
from tamrl.baselines.lags import WINDOWS, lag_table
from tamrl.baselines.lightgbm import LightGBMLags
from tamrl.baselines.trees import XGBoost
from tamrl.config import Config
from tamrl.model.drivers import driver_table
from tamrl.towers.quality import flux_table, valid_days


def test_lags_are_trailing_means_and_changes_of_the_canopy(towers):
    names = ("TA", "SW_IN_POT", "P_MON", "LAI")
    tower = towers[0].copy(deep=True)
    tower["TA"].values[100:104] = np.nan
    table, raw = lag_table(tower, names), driver_table(tower, names)
    assert table.shape == (tower.sizes["time"], len(WINDOWS) + 1 + 1)
    day = 104
    for column, window in enumerate((*WINDOWS, 90)):
        known = raw[day + 1 - window : day + 1, 0 if column < 3 else 2]
        enough = np.isfinite(known).sum() >= window / 2
        expected = np.nanmean(known) if enough else np.nan
        np.testing.assert_allclose(table[day, column], expected, rtol=1e-5)
    assert np.isnan(table[day, 0]), "4 of 7 days are missing"
    np.testing.assert_allclose(table[400, 4], raw[400, 3] - raw[370, 3], atol=1e-5)


def test_lags_read_no_later_day_and_no_flux(towers, config):
    names, tower = config.model.drivers, towers[0]
    changed = tower.copy(deep=True)
    for name in (*names, "GPP", "RECO", "NEE", "NEE_QC"):
        if name in changed:
            changed[name].values[500:] = 1.0
    np.testing.assert_array_equal(lag_table(changed, names)[:500], lag_table(tower, names)[:500])
    assert lag_table(tower, ("SW_IN_POT",)).shape == (tower.sizes["time"], 0)


def test_months_are_read_without_lags(towers, config):
    model = XGBoost(config.model.drivers, lags=True)
    monthly = towers[0].isel(time=slice(0, 24)).assign_attrs(frequency="1MS")
    monthly = monthly.assign_coords(
        time=np.arange("2001-01", "2003-01", dtype="datetime64[M]").astype("datetime64[ns]")
    )
    width = input_table(towers[0], config.model.drivers).shape[1]
    assert model._inputs(monthly).shape[1] == width
    assert model._inputs(towers[0]).shape[1] > width


def test_lightgbm_is_the_library_used_directly(towers, config):
    from lightgbm import LGBMRegressor

    settings = {"n_estimators": 12, "num_leaves": 7, "learning_rate": 0.3}
    names = config.model.drivers
    model = LightGBMLags(names, tune=False)
    model.chosen = ({**settings, "equal_towers": False},) * 3
    model.fit(towers[:3])
    days = [valid_days(t) for t in towers[:3]]
    x = np.concatenate(
        [np.concatenate([input_table(t, names), lag_table(t, names)], 1)[d] for t, d in zip(towers, days, strict=False)]
    )
    y = np.concatenate([flux_table(t)[d, 0] for t, d in zip(towers, days, strict=False)])
    ok = np.isfinite(y)
    direct = LGBMRegressor(**settings, num_threads=1, deterministic=True, force_col_wise=True, verbosity=-1)
    direct.set_params(random_state=0).fit(x[ok], y[ok])
    place = np.concatenate([input_table(towers[6], names), lag_table(towers[6], names)], 1)
    np.testing.assert_allclose(model.predict(towers[6])[:, 0], direct.predict(place), rtol=1e-5)


def test_lightgbm_is_tuned_by_groups_of_towers(towers, config, monkeypatch):
    monkeypatch.setattr(LightGBMLags, "GRID", ({"learning_rate": 1e-6}, {"learning_rate": 0.3}))
    monkeypatch.setattr(LightGBMLags, "ROUNDS", (3, 10))
    model = LightGBMLags(config.model.drivers)
    model.fit(towers[:6])
    assert [c["learning_rate"] for c in model.chosen] == [0.3] * 3
    assert {c["n_estimators"] for c in model.chosen} <= {3, 10}


@pytest.mark.parametrize("model", [LightGBMLags(Config().model.drivers), XGBoost(("TA",), lags=True)])
def test_its_inputs_are_the_same_in_training_and_prediction(towers, model):
    inputs, fluxes = model._days(towers[0])
    np.testing.assert_array_equal(inputs, model._inputs(towers[0])[valid_days(towers[0])])
    assert len(inputs) == len(fluxes)
