"""The protocol: which days are support, which are scored, and who may be scored."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.data.sequences import flux_table, valid_days
from tamrl.errors import TamrlError
from tamrl.evaluate import COLUMNS, evaluate, fit_baselines, held_out, model_names, plan, summarise, support_days
from tamrl.metrics import score
from tamrl.model.baselines import Climatology, XGBoost


def with_valid(tower, flags):
    """The tower with valid days exactly where ``flags`` is true."""
    changed = tower.isel(time=slice(0, len(flags))).copy(deep=True)
    for flux in ("GPP", "RECO", "NEE"):
        changed[flux][:] = 1.0
    changed["QC"][:] = np.where(flags, 1.0, 0.0)
    return changed


def test_a_long_record_is_scored_after_day_545(towers):
    tower = with_valid(towers[0], np.ones(1200, bool))
    result = plan(tower, (0, 30, 365))
    assert list(result.supports) == [0, 30, 365]
    assert list(result.supports[30]) == list(pd.DatetimeIndex(tower.time.values)[180:210])
    assert np.flatnonzero(result.scored).tolist() == list(range(545, 1200))
    assert result.rule == "valid days after day 545"


def test_gaps_push_the_scored_days_past_the_support(towers):
    flags = np.zeros(1400, bool)
    flags[::2] = True
    result = plan(with_valid(towers[0], flags), (0, 365))
    last = np.flatnonzero(flags & (np.arange(1400) >= 180))[364]
    assert last > 545
    assert np.flatnonzero(result.scored).min() > last
    assert "past day 545" in result.rule


def test_a_short_record_is_scored_after_the_largest_support_that_leaves_days(towers):
    result = plan(with_valid(towers[0], np.ones(400, bool)), (0, 30, 365))
    assert list(result.supports) == [0, 30]
    assert np.flatnonzero(result.scored).tolist() == list(range(210, 400))
    assert result.rule.startswith("short record")


@settings(max_examples=60, deadline=None)
@given(
    days=st.integers(150, 1500),
    share=st.floats(0.05, 1),
    seed=st.integers(0, 99),
    shots=st.sets(st.sampled_from([0, 7, 30, 90, 365])),
)
def test_support_is_never_scored_and_shots_do_not_change_the_days(towers, days, share, seed, shots):
    flags = np.random.default_rng(seed).random(days) < share
    tower = with_valid(towers[0], flags)
    result = plan(tower, {0, *shots})
    time = pd.DatetimeIndex(tower.time.values)
    assert not (result.scored & ~flags).any()
    for count, support in result.supports.items():
        assert len(support) == count
        assert not result.scored[time.isin(support)].any()
        assert (time.get_indexer(support) >= 180).all()


def test_every_method_is_scored_on_the_same_days(archive, ensemble, unseen):
    site = str(unseen.site.item())
    baselines = fit_baselines(("climatology", "xgboost"), archive, [site], ensemble.config.model.drivers)
    scores, days = evaluate(archive, [site], ensemble, baselines, (0, 30))
    assert tuple(scores.columns) == COLUMNS
    assert scores.groupby("flux")["n"].nunique().eq(1).all()
    cells = set(zip(scores.model, scores.method, scores.shots, strict=True))
    assert cells == {
        ("climatology", "zero-shot", 0), ("xgboost", "zero-shot", 0), ("tamrl", "zero-shot", 0),
        ("tamrl", "encode", 30), ("tamrl", "modulation", 30),
    }  # fmt: skip
    assert not scores.duplicated(["site", "flux", "model", "method", "shots"]).any()
    assert days["scored"].all()
    assert int(days["n_scored"].iloc[0]) == scores["n"].max()


def test_a_score_is_the_score_of_the_predictions(archive, ensemble, unseen):
    """An independent look: the same number from predict and metrics alone."""
    from tamrl.predict import predict

    site = str(unseen.site.item())
    scores, _ = evaluate(archive, [site], ensemble, {}, (0,))
    time = np.arange(unseen.sizes["time"])
    mask = valid_days(unseen) & (time >= 545)
    expected = score(unseen["NEE"].values, predict(ensemble, unseen)["NEE"].mean("member").values, mask)
    row = scores.query("flux == 'NEE'").iloc[0]
    assert row["rmse"] == pytest.approx(expected["rmse"], rel=1e-6)
    assert row["n"] == expected["n"]


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


def test_baselines_never_learn_from_the_scored_towers(archive, monkeypatch):
    taught = []
    monkeypatch.setattr(Climatology, "fit", lambda self, towers: taught.extend(str(t.site.item()) for t in towers))
    scored = archive.site.values[:3].tolist()
    fit_baselines(("climatology",), archive, scored, ("TA",))
    assert taught == archive.site.values[3:].tolist()
    with pytest.raises(TamrlError, match=r"No tower is left.*--train-workspace"):
        fit_baselines(("climatology",), archive, archive.site.values.tolist(), ("TA",))


def test_climatology_is_the_mean_of_its_class_and_day(towers):
    model = Climatology()
    model.fit(towers[:6])
    tower = towers[0]
    peers = [t for t in towers[:6] if t.igbp.item() == tower.igbp.item()]
    curves = []
    for t in peers:
        day = pd.DatetimeIndex(t.time.values).day_of_year
        frame = pd.DataFrame(np.where(valid_days(t)[:, None], flux_table(t), np.nan)).groupby(day).mean()
        curves.append(frame.reindex(range(1, 367)).to_numpy())
    expected = np.nanmean(np.nanmean(np.stack(curves), axis=0)[192:207], axis=0)  # days 193 to 207, around 200
    at = pd.DatetimeIndex(tower.time.values).day_of_year == 200
    np.testing.assert_allclose(model.predict(tower)[at][0], expected, rtol=1e-4)


def test_a_class_without_training_towers_takes_the_mean_of_all(towers):
    model = Climatology()
    model.fit(towers[:2])
    stranger = towers[0].assign_coords(igbp="SNO")
    assert np.isfinite(model.predict(stranger)).all()


def test_xgboost_reads_the_drivers_of_the_day(towers, config):
    model = XGBoost(config.model.drivers)
    model.fit(towers[:6])
    tower = towers[6]
    days = valid_days(tower)
    fluxes = model.predict(tower)
    assert fluxes.shape == (tower.sizes["time"], 3)
    assert score(tower["GPP"].values, fluxes[:, 0], days)["r2"] > 0.3
    order = np.random.default_rng(0).permutation(tower.sizes["time"])
    shuffled = tower.isel(time=order)
    np.testing.assert_allclose(model.predict(shuffled), fluxes[order], rtol=1e-5)


def test_the_summary_names_its_statistic_and_its_n():
    rows = [("A", 2.0, 1.0), ("B", 4.0, 3.0), ("C", 8.0, 2.0)]
    same = {"flux": "GPP", "model": "tamrl", "n": 9, "r2": 0.5, "mae": 1.0, "bias": 0.0}
    scores = pd.DataFrame(
        [
            {"site": s, "method": m, "shots": k, "rmse": r, **same}
            for s, zero, few in rows
            for m, k, r in (("zero-shot", 0, zero), ("modulation", 30, few))
            if not (s == "C" and k == 30)
        ]
    )  # fmt: skip
    table = summarise(scores)
    assert set(table["statistic"]) == {"median over towers"}
    few = table.query("shots == 30").iloc[0]
    assert few["towers"] == 2
    assert few["rmse"] == 2.0
    # Against zero-shot on the same two towers (median 3), not on all three (median 4).
    assert few["change"] == pytest.approx(100 * (2 / 3 - 1))
    assert few["paired"] == pytest.approx(100 * (np.sqrt((1 / 2) * (3 / 4)) - 1))


def test_names_of_models_and_methods_are_checked(archive, ensemble):
    assert model_names(["tamrl", "xgboost"]) == (True, ("xgboost",))
    with pytest.raises(TamrlError, match="Known models: tamrl"):
        model_names(["resnet"])
    with pytest.raises(TamrlError, match="Known methods: zero-shot"):
        evaluate(archive, [], ensemble, {}, (0,), ("magic",))


def test_support_days_are_the_first_valid_ones_after_the_spin_up(towers):
    flags = np.ones(400, bool)
    flags[185:190] = False
    tower = with_valid(towers[0], flags)
    time = pd.DatetimeIndex(tower.time.values)
    assert list(support_days(tower, 7)) == [*time[180:185], *time[190:192]]
    assert len(support_days(tower, 10_000)) == 215


def test_a_tower_that_cannot_be_read_does_not_cost_the_others_their_scores(archive, ensemble):
    sites = archive.site.values[-2:].tolist()
    broken = archive.copy(deep=True)
    for driver in ensemble.config.model.drivers:
        if driver in broken:
            broken[driver].loc[{"site": sites[0]}] = np.nan
    scores, days = evaluate(broken, sites, ensemble, {}, (0,))
    assert set(scores["site"]) == {sites[1]}
    assert scores["rmse"].dtype == float
    row = days.query("site == @sites[0]").iloc[0]
    assert not row["scored"]
    assert "none of the drivers" in row["rule"]
    with pytest.raises(TamrlError, match=r"No tower could be scored: .*none of the drivers"):
        evaluate(broken, sites[:1], ensemble, {}, (0,))


def test_a_score_is_taken_over_thirty_days_or_not_at_all(towers):
    tower = with_valid(towers[0], np.arange(700) >= 680)
    result = plan(tower, (0, 30))
    assert not result.scored.any()
    assert result.rule == "fewer than 30 days to score"
