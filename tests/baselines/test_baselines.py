"""What every model of the comparison promises: which days it reads, that it can be pickled, that its name is known."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

from tamrl.baselines import BASELINES, make_baseline
from tamrl.baselines.lightgbm import LightGBMLags
from tamrl.baselines.maml import MAML, MetaConfig
from tamrl.baselines.trees import RandomForest, XGBoost, XGBoostSupport
from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.towers.quality import flux_table, valid_days

FEW = [name for name, baseline in BASELINES.items() if baseline.few_shot]
ZERO = [name for name, baseline in BASELINES.items() if not baseline.few_shot]


@pytest.fixture(scope="module")
def fitted(towers, config):
    """All baselines trained on six towers, made small."""
    small = Config(config.model, dataclasses.replace(config.train, steps=20, validate_every=10, learning_rate=0.01))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(XGBoost, "GRID", ({}, {"equal_towers": True}))
        patch.setattr(XGBoost, "ROUNDS", (5, 10))
        patch.setattr(LightGBMLags, "GRID", ({},))
        patch.setattr(LightGBMLags, "ROUNDS", (5, 10))
        patch.setattr(RandomForest, "SETTINGS", {**RandomForest.SETTINGS, "n_estimators": 5})
        models = {name: make_baseline(name, config.model.drivers, small) for name in BASELINES}
        models["maml"] = MAML(
            config.model.drivers, small, meta=MetaConfig(steps=2, tasks=2, windows=1, inner_steps=2, validate_every=1)
        )
        for model in models.values():
            model.fit(towers[:6])
    return models


@pytest.fixture(scope="module")
def place(towers):
    """A tower that no model was trained on, with supports of summer and of winter."""
    tower = towers[6]
    days = pd.DatetimeIndex(tower.time.values)[valid_days(tower)]
    return tower, days[days.month == 6][:30], days[days.month == 12][:30]


def with_other_fluxes(tower, support):
    """The tower with nonsense in the fluxes of every day outside the support."""
    changed = tower.copy(deep=True)
    outside = ~pd.DatetimeIndex(tower.time.values).isin(support)
    for i, flux in enumerate(("GPP", "RECO", "NEE")):
        changed[flux].values[outside] = 50.0 + i
    return changed


@pytest.mark.parametrize("name", BASELINES)
def test_predictions_have_a_row_a_day_and_no_gap(fitted, place, name):
    tower, support, _ = place
    fluxes = fitted[name].predict(tower, support)
    assert fluxes.shape == (tower.sizes["time"], 3)
    assert np.isfinite(fluxes).all()


@pytest.mark.parametrize("name", BASELINES)
def test_fluxes_outside_the_support_are_never_read(fitted, place, name):
    tower, support, _ = place
    expected = fitted[name].predict(tower, support)
    np.testing.assert_array_equal(fitted[name].predict(with_other_fluxes(tower, support), support), expected)


@pytest.mark.parametrize("name", FEW)
def test_few_shot_models_follow_the_support(fitted, place, name):
    tower, summer, winter = place
    first = fitted[name].predict(tower, summer)
    assert not np.allclose(first, fitted[name].predict(tower, winter))
    shifted = tower.copy(deep=True)
    for flux in ("GPP", "RECO", "NEE"):
        shifted[flux] = shifted[flux] + 5
    days = pd.DatetimeIndex(tower.time.values).isin(summer)
    higher = fitted[name].predict(shifted, summer)
    assert (higher[days].mean(0) > first[days].mean(0)).all()


@pytest.mark.parametrize("name", FEW)
def test_few_shot_models_need_a_valid_support_day(fitted, place, name):
    tower, support, _ = place
    bad = tower.copy(deep=True)
    bad["NEE_QC"][:] = 0.0
    for offered, at in ((None, tower), (pd.DatetimeIndex([]), tower), (support, bad)):
        with pytest.raises(TamrlError, match=f"{name}.*no support day has a valid flux"):
            fitted[name].predict(at, offered)


@pytest.mark.parametrize("name", FEW)
def test_support_days_of_poor_quality_do_not_count(fitted, place, name):
    tower, support, _ = place
    poor = tower.copy(deep=True)
    time = pd.DatetimeIndex(tower.time.values)
    poor["NEE_QC"].values[time.isin(support[10:])] = 0.1
    np.testing.assert_array_equal(fitted[name].predict(poor, support), fitted[name].predict(poor, support[:10]))


@pytest.mark.parametrize("name", ZERO)
def test_zero_shot_models_ignore_the_support(fitted, place, name):
    tower, support, _ = place
    np.testing.assert_array_equal(fitted[name].predict(tower, support), fitted[name].predict(tower))


@pytest.mark.parametrize("name", BASELINES)
def test_a_fitted_model_survives_pickling(fitted, place, name):
    tower, support, _ = place
    again = pickle.loads(pickle.dumps(fitted[name]))  # noqa: S301 - its own pickle
    np.testing.assert_array_equal(again.predict(tower, support), fitted[name].predict(tower, support))


@pytest.mark.parametrize("name", ["climatology", "random-forest", "ct-lstm"])
def test_days_of_poor_quality_are_not_learnt_from(towers, config, name):
    """Nonsense on invalid days of the training towers changes nothing; the other models read days the same way."""
    train = dataclasses.replace(config.train, steps=2)

    def trained(records):
        model = make_baseline(name, config.model.drivers, Config(config.model, train))
        model.fit(records)
        return model.predict(towers[6])

    poor = []
    for tower in towers[:4]:
        changed = tower.copy(deep=True)
        for flux in ("GPP", "RECO", "NEE"):
            changed[flux].values[~valid_days(tower) & np.isfinite(flux_table(tower)).all(1)] = 99.0
        poor.append(changed)
    np.testing.assert_array_equal(trained(towers[:4]), trained(poor))


def test_the_refitted_model_starts_from_the_one_it_refits(towers, config):
    """With a support weight of nearly nothing and no further trees, it is XGBoost."""
    model = XGBoostSupport(config.model.drivers, tune=False)
    plain = XGBoost(config.model.drivers, tune=False)
    for m in (model, plain):
        m.SETTINGS = {**XGBoost.SETTINGS, "n_estimators": 10}
        m.chosen = (m.SETTINGS,) * 3
        m.fit(towers[:4])
    model.REFIT = {**XGBoostSupport.REFIT, "learning_rate": 1e-9}
    support = pd.DatetimeIndex(towers[6].time.values)
    np.testing.assert_allclose(model.predict(towers[6], support), plain.predict(towers[6]), atol=1e-5)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(TamrlError, match=r"Unknown model 'resnet'.*tamrl, xgboost, .*seasonal-cycle"):
        make_baseline("resnet", ("TA",))
