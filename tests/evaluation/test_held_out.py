"""Scores on held-out towers: who may be scored, and the same days for every model."""

import numpy as np
import pandas as pd
import pytest

from tamrl.errors import TamrlError
from tamrl.evaluation.held_out import COLUMNS, evaluate, evaluate_tower, held_out, summarise
from tamrl.evaluation.models import fit_baselines, tamrl_predictors
from tamrl.evaluation.temporal_scales import SCALES
from tamrl.metrics import score
from tamrl.predict.ensemble import predict
from tamrl.protocol.support_days import PLACEMENTS, plan
from tamrl.towers.archive import record

CELL = ["site", "flux", "scale", "placement"]


def perfect(tower, support=None):
    return np.nan_to_num(np.stack([tower[f].values for f in ("GPP", "RECO", "NEE")], axis=1))


def constant(tower, support=None):
    """1 where there is no support, else the number of its days."""
    return np.full((tower.sizes["time"], 3), 1.0 if support is None else len(support))


@pytest.fixture(scope="module")
def scored(archive, ensemble, unseen):
    """All scores of one tower, of TAM-RL and three baselines."""
    site = str(unseen.site.item())
    names = ("climatology", "xgboost", "seasonal-cycle")
    models = tamrl_predictors(ensemble) | fit_baselines(names, archive, [site], ensemble.config.model.drivers)
    return evaluate(archive, [site], models, (0, 30), ("growing", "random"))


def test_every_model_is_scored_where_it_has_a_prediction(scored):
    scores, _ = scored
    assert tuple(scores.columns) == COLUMNS
    assert set(zip(scores.model, scores.shots, strict=True)) == {
        ("climatology", 0),
        ("xgboost", 0),
        ("tamrl", 0),
        ("tamrl", 30),
        ("tamrl-encode", 30),
        ("seasonal-cycle", 30),
    }
    assert set(scores["scale"]) == set(SCALES)
    assert set(scores["placement"]) == {"growing", "random", "all"}
    assert set(scores.query("placement == 'all'")["shots"]) == {0}
    assert not scores.duplicated([*CELL, "model", "shots"]).any()


def test_every_model_is_scored_on_the_same_days(scored):
    scores, days = scored
    assert scores.groupby(CELL)["n"].nunique().eq(1).all()
    assert scores.groupby(CELL)["mean_observed"].nunique().eq(1).all()
    assert days["scored"].all()
    most = scores.query("scale == 'daily'").groupby("placement")["n"].max()
    assert most.to_dict() == days.groupby("placement")["n_scored"].max().to_dict()


def test_a_score_is_the_score_of_the_predictions(ensemble, unseen, scored):
    """An independent look: the same number from predict and metrics alone."""
    scores, _ = scored
    mask = plan(unseen, "random").scored
    expected = score(unseen["NEE"].values, predict(ensemble, unseen)["NEE"].mean("member").values, mask)
    pick = "flux == 'NEE' and scale == 'daily' and placement == 'random' and model == 'tamrl' and shots == 0"
    row = scores.query(pick).iloc[0]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-5), name


def test_scores_belong_to_their_model_shots_flux_and_placement(unseen):
    scores, days = evaluate_tower(unseen, {"constant": constant, "perfect": perfect}, (0, 7, 30))
    # Models, fluxes, scales; placements and numbers of days, and zero-shot on all days.
    assert len(scores) == 2 * 3 * len(SCALES) * (3 * 3 + 1)
    daily = scores.query("scale == 'daily'")
    assert daily.query("model == 'perfect'")["rmse"].max() == 0
    means = daily.query("model == 'constant'").groupby("shots")["mean_predicted"].unique()
    assert {shots: values.tolist() for shots, values in means.items()} == {0: [1.0], 7: [7.0], 30: [30.0]}
    assert days[-1].scored.sum() > max(one.scored.sum() for one in days[:-1])
    for one in days:
        for flux in ("GPP", "RECO", "NEE"):
            row = daily.query("placement == @one.placement and flux == @flux and model == 'perfect' and shots == 0")
            assert row["mean_observed"].item() == pytest.approx(unseen[flux].values[one.scored].mean(), rel=1e-5)


def test_what_else_is_made_of_predictions_gets_each_with_its_plan(ensemble, unseen):
    kept = []
    evaluate_tower(
        unseen, tamrl_predictors(ensemble), (0, 7), ("growing", "dormant"), keep=lambda p, made: kept.append((p, made))
    )
    assert {(p.placement, m.model, m.shots) for p, m in kept} == {
        (place, model, shots)
        for place in ("growing", "dormant")
        for model, shots in (("tamrl", 0), ("tamrl", 7), ("tamrl-encode", 7))
    } | {("all", "tamrl", 0)}
    assert all(p.placement == m.placement for p, m in kept)
    assert all((m.spread >= 0).all() and m.spread.shape == m.fluxes.shape for _, m in kept)


def test_a_support_that_is_not_there_is_not_scored(archive):
    site = archive.site.values[0]
    time = pd.DatetimeIndex(record(archive, site).time.values)
    short = archive.sel(time=slice(time[0], time[249]))
    scores, days = evaluate(short, [site], {"constant": constant}, (0, 30, 365))
    assert set(scores["shots"]) == {0, 30}
    reason = days.query("shots == 365")
    assert not reason["scored"].any()
    assert set(reason["rule"]) == {"record too short for this many shots"}
    assert set(days["placement"]) == {*PLACEMENTS, "all"}
    with pytest.raises(TamrlError, match="No tower could be scored: fewer than 30 days"):
        evaluate(archive.sel(time=slice(time[0], time[19])), [site], {"constant": constant})


def test_towers_the_checkpoint_has_seen_are_refused(ensemble, archive):
    sites = archive.site.values.tolist()
    chosen, seen = held_out(sites, ensemble, named=False, allow_seen=False)
    assert set(chosen) == set(sites[-2:])
    assert set(seen) == set(sites[:-2])
    with pytest.raises(TamrlError, match=r"trained on 1 of these towers.*--allow-seen"):
        held_out(sites[:1], ensemble, named=True, allow_seen=False)
    assert held_out(sites[:1], ensemble, named=True, allow_seen=True)[0] == tuple(sites[:1])
    with pytest.raises(TamrlError, match="every tower"):
        held_out(sites[:-2], ensemble, named=False, allow_seen=False)


def test_a_tower_that_cannot_be_read_does_not_cost_the_others_their_scores(archive, ensemble):
    sites = archive.site.values[-2:].tolist()
    broken = archive.copy(deep=True)
    for driver in ensemble.config.model.drivers:
        if driver in broken:
            broken[driver].loc[{"site": sites[0]}] = np.nan
    models = {"tamrl": tamrl_predictors(ensemble)["tamrl"]}
    scores, days = evaluate(broken, sites, models, (0,), ("random",))
    assert set(scores["site"]) == {sites[1]}
    assert scores["rmse"].dtype == float
    row = days.query("site == @sites[0]").iloc[0]
    assert not row["scored"]
    assert "none of the drivers" in row["rule"]
    with pytest.raises(TamrlError, match=r"No tower could be scored: .*none of the drivers"):
        evaluate(broken, sites[:1], models, (0,))


def test_a_flux_that_a_model_leaves_out_is_not_scored_and_harms_no_other(unseen):
    def without_reco(tower, support=None):
        fluxes = perfect(tower).copy()
        fluxes[:, 1] = np.nan
        return fluxes

    scores, _ = evaluate_tower(unseen, {"a": without_reco, "b": perfect}, (0,), ("random",))
    daily = scores.query("scale == 'daily' and placement == 'random'").set_index(["model", "flux"])
    assert daily.loc[("a", "RECO"), "n"] == 0
    assert np.isnan(daily.loc[("a", "RECO"), "rmse"])
    assert daily.loc[("a", "GPP"), "n"] == daily.loc[("b", "GPP"), "n"] > 0
    assert daily.loc[("b", "RECO"), "n"] > 0


def test_the_summary_names_its_statistic_and_its_n():
    rows = [("A", 2.0, 1.0), ("B", 4.0, 3.0), ("C", 8.0, 2.0)]
    same = {"flux": "GPP", "model": "tamrl", "scale": "daily", "n": 9, "r2": 0.5, "mae": 1.0, "bias": 0.0, "kge": 0.1}
    scores = pd.DataFrame(
        [
            {"site": s, "shots": k, "placement": place, "rmse": r, **same}
            for s, zero, few in rows
            for k, r in ((0, zero), (30, few))
            for place in ("growing", "random")
            if not (s == "C" and k == 30)
        ]
    )
    table = summarise(scores)
    assert set(table["statistic"]) == {"median over towers"}
    few = table.query("shots == 30").iloc[0]
    assert few["towers"] == 2
    assert few["rmse"] == 2.0
    # Against zero-shot on the same two towers (median 3), not on all three (median 4).
    assert few["change"] == pytest.approx(100 * (2 / 3 - 1))
    assert few["paired"] == pytest.approx(100 * (np.sqrt((1 / 2) * (3 / 4)) - 1))
    assert few["improved"] == 100
    assert summarise(scores.query("shots == 30"))["change"].isna().all()


def test_the_summary_takes_zero_shot_on_all_days_and_compares_few_shot_on_its_own():
    same = {"site": "A", "flux": "GPP", "model": "tamrl", "scale": "daily", "r2": 0.5, "mae": 1.0, "bias": 0, "kge": 0}
    cells = [(0, "all", 1.0), (0, "growing", 2.0), (30, "growing", 1.5)]
    table = summarise(pd.DataFrame([{**same, "shots": k, "placement": p, "rmse": r} for k, p, r in cells]))
    assert table.set_index("shots")["rmse"].to_dict() == {0: 1.0, 30: 1.5}
    assert table.set_index("shots")["change"].to_dict() == {0: 0.0, 30: -25.0}


def test_one_tower_of_an_archive_is_the_tower_alone(archive, unseen):
    site = str(unseen.site.item())
    whole, _ = evaluate(archive, [site], {"constant": constant}, (0, 7))
    alone, _ = evaluate_tower(record(archive, site), {"constant": constant}, (0, 7))
    pd.testing.assert_frame_equal(whole, alone)
