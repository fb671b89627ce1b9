"""Trees: the tuning never sees a tower twice and finds what is better; the forest is scikit-learn's."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from tamrl.baselines.common import input_table
from tamrl.baselines.trees import RandomForest, XGBoost, tower_groups
from tamrl.errors import TamrlError
from tamrl.metrics import score
from tamrl.towers.quality import flux_table, valid_days


@pytest.fixture
def quick(monkeypatch):
    """A grid of two settings, one of them unable to learn anything."""
    monkeypatch.setattr(XGBoost, "GRID", ({"learning_rate": 1e-6}, {"learning_rate": 0.3}))
    monkeypatch.setattr(XGBoost, "ROUNDS", (3, 10))


@pytest.mark.parametrize("count", [3, 8, 130])
def test_groups_share_no_tower_and_leave_none_out(count):
    groups = tower_groups(count, 5)
    assert sorted(np.concatenate(groups).tolist()) == list(range(count))
    assert min(map(len, groups)) >= count // 3


def test_tuning_never_scores_a_tower_it_was_fitted_on(towers, config, quick, monkeypatch):
    """Every fit and every scoring is watched: towers are told apart by their number of days."""
    seen, pairs, names = [], [], config.model.drivers
    fitted, errors = XGBoost._fitted, XGBoost._errors
    unequal = [t.isel(time=slice(0, -50 * (i + 1))) for i, t in enumerate(towers)]

    def watch_fit(self, days, flux, settings):
        seen[:] = [len(x) for x, _ in days]
        return fitted(self, days, flux, settings)

    def watch_errors(self, model, days, flux):
        pairs.append((set(seen), {len(x) for x, _ in days}))
        return errors(self, model, days, flux)

    monkeypatch.setattr(XGBoost, "_fitted", watch_fit)
    monkeypatch.setattr(XGBoost, "_errors", watch_errors)
    XGBoost(names).fit(unequal)
    assert len(pairs) == 3 * 3 * 2  # groups, fluxes, settings
    assert all(a and b and not a & b for a, b in pairs)
    assert len(set.union(*(b for _, b in pairs))) == len(towers)


def test_tuning_takes_what_is_better_and_says_so(towers, config, quick):
    model = XGBoost(config.model.drivers)
    model.fit(towers[:6])
    assert [c["learning_rate"] for c in model.chosen] == [0.3] * 3
    assert {c["n_estimators"] for c in model.chosen} <= {3, 10}
    again = XGBoost(config.model.drivers)
    again.fit(towers[:6])
    assert again.chosen == model.chosen
    np.testing.assert_array_equal(again.predict(towers[6]), model.predict(towers[6]))


def test_without_tuning_the_settings_stand(towers, config, monkeypatch):
    monkeypatch.setattr(XGBoost, "_tuned", lambda *_: pytest.fail("tuned"))
    monkeypatch.setattr(XGBoost, "SETTINGS", {**XGBoost.SETTINGS, "n_estimators": 80})
    model = XGBoost(config.model.drivers, tune=False)
    model.fit(towers[:6])
    assert model.chosen == (XGBoost.SETTINGS,) * 3
    predicted = model.predict(towers[6])
    assert score(towers[6]["GPP"].values, predicted[:, 0], valid_days(towers[6]))["r2"] > 0.3


def test_xgboost_is_the_library_used_directly(towers, config):
    """The same predictions from XGBRegressor, with towers weighted alike."""
    from xgboost import XGBRegressor

    settings = {"n_estimators": 8, "max_depth": 3, "learning_rate": 0.3}
    model = XGBoost(config.model.drivers, tune=False)
    model.chosen = ({**settings, "equal_towers": True},) * 3
    model.fit(towers[:3])
    days = [valid_days(t) for t in towers[:3]]
    x = np.concatenate([input_table(t, config.model.drivers)[d] for t, d in zip(towers, days, strict=False)])
    y = np.concatenate([flux_table(t)[d, 2] for t, d in zip(towers, days, strict=False)])
    counts = np.array([np.isfinite(flux_table(t)[d, 2]).sum() for t, d in zip(towers, days, strict=False)])
    weight = np.repeat(counts.mean() / counts, [d.sum() for d in days])
    ok = np.isfinite(y)
    direct = XGBRegressor(**settings, tree_method="hist", n_jobs=1, random_state=0)
    direct.fit(x[ok], y[ok], sample_weight=weight[ok])
    np.testing.assert_allclose(
        model.predict(towers[6])[:, 2], direct.predict(input_table(towers[6], config.model.drivers)), rtol=1e-5
    )


def test_the_forest_is_scikit_learns(towers, config, monkeypatch):
    settings = {"n_estimators": 4, "min_samples_leaf": 5, "max_features": 0.5}
    monkeypatch.setattr(RandomForest, "SETTINGS", settings)
    monkeypatch.setattr(RandomForest, "DAYS", 500)
    model = RandomForest(config.model.drivers, seed=3)
    gap = towers[0].copy(deep=True)
    gap["VPD"][:] = np.nan  # a tower without a driver is read all the same
    model.fit([gap, towers[1]])
    x = np.concatenate([input_table(t, config.model.drivers)[valid_days(t)] for t in (gap, towers[1])])
    y = np.concatenate([flux_table(t)[valid_days(t)] for t in (gap, towers[1])]).astype(np.float64)
    ok = np.isfinite(y).all(1)
    scale = y[ok].std(0)
    direct = RandomForestRegressor(**settings, max_samples=500, random_state=3).fit(x[ok], y[ok] / scale)
    np.testing.assert_allclose(
        model.predict(towers[6]), direct.predict(input_table(towers[6], config.model.drivers)) * scale, rtol=1e-5
    )


@pytest.mark.parametrize("model", [XGBoost(("TA",)), RandomForest(("TA",))])
def test_towers_without_a_valid_day_are_an_error(towers, model):
    empty = towers[0].copy(deep=True)
    empty["NEE_QC"][:] = 0.0
    with pytest.raises(TamrlError, match="Ingest more towers"):
        model.fit([empty])
