"""Models behind one call, and what is asked of them."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tamrl.baselines import BASELINES
from tamrl.baselines.climatology import Climatology
from tamrl.errors import TamrlError
from tamrl.evaluation.models import EncoderPredictor, fit_baselines, model_names, predictions, takes, tamrl_predictors
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import GaussianPrediction, predict, to_gaussian, to_predictions
from tamrl.protocol.support_days import plans

ZERO = {"climatology", "xgboost", "lightgbm-lags", "random-forest", "lstm", "ct-lstm"}
FEW = {"tamrl-encode", "xgboost-support", "seasonal-cycle", "maml"}


def test_each_model_stands_where_the_tables_want_it():
    assert {*ZERO, *FEW} == {"tamrl-encode", *BASELINES}
    assert all(takes(name, 0) and not takes(name, 30) for name in ZERO)
    assert all(takes(name, 30) and not takes(name, 0) for name in FEW)
    assert all(takes(name, shots) for name in ("tamrl", "another") for shots in (0, 30))


def test_tamrl_is_predicted_without_and_adapted_with_support(ensemble, unseen):
    time = pd.DatetimeIndex(unseen.time.values)[300:330]
    models = tamrl_predictors(ensemble)
    for name in ("tamrl", "tamrl-encode"):
        zero = models[name](unseen, None)
        assert zero.mean.shape == zero.spread.shape == (unseen.sizes["time"], 3)
        np.testing.assert_allclose(zero.mean[:, 2], predict(ensemble, unseen)["NEE"].mean("member").values, rtol=1e-5)
    few = models["tamrl"](unseen, time)
    adapted = adapt(ensemble, unseen, time).adapted
    np.testing.assert_allclose(few.mean[:, 0], adapted["GPP"].mean("member").values, rtol=1e-5)
    assert not np.allclose(few.mean, models["tamrl-encode"](unseen, time).mean)


def test_as_published_the_encoder_reads_the_labels_and_nothing_holds_it_back(ensemble, unseen):
    time = pd.DatetimeIndex(unseen.time.values)[300:390]
    model = EncoderPredictor(ensemble)
    np.testing.assert_array_equal(model(unseen, None).mean, tamrl_predictors(ensemble)["tamrl-encode"](unseen).mean)
    read = predict(ensemble, unseen, time)
    np.testing.assert_allclose(model(unseen, time).mean[:, 1], read["RECO"].mean("member").values, rtol=1e-5)
    assert not np.allclose(model(unseen, time).mean, model(unseen, None).mean)


def test_the_variances_between_and_within_members_add_up():
    time = pd.date_range("2001", periods=2)
    values = [np.full((2, 3), v) for v in (1.0, 2.0, 6.0)]
    alone = to_gaussian(to_predictions(values, time))
    assert alone.mean[0].tolist() == [3, 3, 3]
    assert alone.spread[0] == pytest.approx(np.std([1, 2, 6], ddof=1))
    both = to_gaussian(to_predictions(values, time, [np.full((2, 3), v) for v in (0.1, 0.2, 0.6)]))
    assert both.spread[0] ** 2 == pytest.approx(np.var([1, 2, 6], ddof=1) + 0.3)
    assert to_gaussian(to_predictions(values[:1], time)).spread[0].tolist() == [0, 0, 0]


def test_a_predictor_travels_to_another_process(ensemble, unseen):
    models = tamrl_predictors(ensemble)
    again = pickle.loads(pickle.dumps(models["tamrl"]))  # noqa: S301 - our own bytes, as a process pool does
    np.testing.assert_array_equal(again(unseen, None).mean, models["tamrl"](unseen, None).mean)


def test_zero_shot_is_predicted_once_and_support_is_handed_over(unseen):
    calls = []

    def model(tower, support=None):
        calls.append(None if support is None else tuple(support))
        return np.zeros((tower.sizes["time"], 3))

    days = plans(unseen, shots=(0, 7))
    made = list(predictions(unseen, {"tamrl": model}, days))
    assert [(p.shots, p.placement) for p in made] == [
        (0, "growing"),
        (0, "dormant"),
        (0, "random"),
        (0, "all"),
        (7, "growing"),
        (7, "dormant"),
        (7, "random"),
    ]
    assert calls == [None, *(tuple(p.supports[7]) for p in days[:3])]
    assert made[0].spread is None


@pytest.mark.parametrize(
    ("shape", "missing", "message"), [((3, 3), None, r"shape \(3, 3\)"), (None, slice(0, 5), "leaves others missing")]
)
def test_predictions_of_another_shape_or_with_gaps_are_refused(unseen, shape, missing, message):
    def model(tower, support=None):
        fluxes = np.zeros(shape or (tower.sizes["time"], 3))
        if missing:
            fluxes[missing, 0] = np.nan
        return fluxes

    with pytest.raises(TamrlError, match=message):
        list(predictions(unseen, {"a": model}, plans(unseen)))


def test_the_spread_is_kept(unseen):
    def model(tower, support=None):
        return GaussianPrediction(np.ones((tower.sizes["time"], 3)), np.full((tower.sizes["time"], 3), 0.5))

    made, everywhere = predictions(unseen, {"a": model}, plans(unseen, ("random",), (0,)))
    assert everywhere.spread is made.spread
    assert made.fluxes[0].tolist() == [1, 1, 1]
    assert made.spread[0].tolist() == [0.5, 0.5, 0.5]


def test_baselines_never_learn_from_the_scored_towers(archive, monkeypatch):
    taught = []
    monkeypatch.setattr(Climatology, "fit", lambda self, towers: taught.extend(str(t.site.item()) for t in towers))
    scored = archive.site.values[:3].tolist()
    fit_baselines(("climatology",), archive, scored, ("TA",))
    assert taught == archive.site.values[3:].tolist()
    assert fit_baselines((), archive, scored, ("TA",)) == {}
    with pytest.raises(TamrlError, match=r"No tower is left.*--train-workspace"):
        fit_baselines(("climatology",), archive, archive.site.values.tolist(), ("TA",))


def test_names_of_models_are_checked():
    assert model_names(["tamrl", "xgboost", "tamrl-encode"]) == (("tamrl", "tamrl-encode"), ("xgboost",))
    with pytest.raises(TamrlError, match="Known models: tamrl, tamrl-encode"):
        model_names(["resnet"])
