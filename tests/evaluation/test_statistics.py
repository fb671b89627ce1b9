"""Statistics over towers, against numpy, scipy and plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, wilcoxon

from tamrl.errors import TamrlError
from tamrl.evaluation.paired import against_baselines, compare, improved_harmed, signed_rank, win_tie_loss
from tamrl.evaluation.statistics import across_towers, bootstrap_median, percentiles, tower_means
from tamrl.metrics import METRICS, score

SITES = [f"T{i:02}" for i in range(24)]
CLASSES = pd.DataFrame({"site": SITES, "igbp": ["ENF"] * 10 + ["GRA"] * 14, "koeppen": ["Dfb", "Dfc", "Cfa"] * 8})


def table(seed=0, gain=0.9):
    """Scores of tamrl (0 and 30 shots), xgboost (0) and maml (30) whose RMSE differ by known factors."""
    rng = np.random.default_rng(seed)
    rows = []
    for flux in ("GPP", "NEE"):
        for site in SITES:
            base = rng.uniform(1, 3)
            for placement in ("growing", "random"):
                there = base * rng.uniform(0.9, 1.1)
                for model, shots, factor in (
                    ("tamrl", 0, gain),
                    ("tamrl", 30, gain**2),
                    ("xgboost", 0, 1.0),
                    ("maml", 30, 0.95),
                ):
                    if site == "T03" and shots == 30:
                        continue
                    rmse = there * factor * rng.uniform(0.98, 1.02)
                    rest = {m: rng.normal() for m in METRICS if m not in ("rmse", "r2")}
                    head = {"design": "igbp", "fold": 0, "site": site, "model": model, "shots": shots}
                    head |= {"placement": placement, "flux": flux, "scale": "daily"}
                    rows.append({**head, "rmse": rmse, "r2": 1 - rmse**2 / 4, **rest})
    return pd.DataFrame(rows)


def coded(scores):
    """As it is read back from parquet."""
    small = dict.fromkeys(METRICS, "float32")
    words = dict.fromkeys(("design", "site", "model", "placement", "flux", "scale"), "category")
    return scores.astype({**small, **words, "shots": "int16", "fold": "int8"})


def test_a_tower_counts_once_whatever_its_placements():
    scores = table()
    means = tower_means(scores, ("rmse",))
    one = scores.query("site == 'T05' and model == 'xgboost' and flux == 'GPP'")["rmse"]
    row = means.query("site == 'T05' and model == 'xgboost' and flux == 'GPP'")
    assert len(one) == 2
    assert row["rmse"].item() == pytest.approx(one.mean())
    assert not means.duplicated(["flux", "model", "shots", "site"]).any()


@pytest.mark.parametrize("form", [lambda x: x, coded], ids=["plain", "parquet"])
def test_percentiles_are_those_of_numpy_over_towers(form):
    scores = table()
    found = percentiles(form(scores), ("rmse", "r2"))
    assert len(found) == 2 * 4 * 2
    row = found.query("flux == 'NEE' and model == 'tamrl' and shots == 30 and metric == 'rmse'").iloc[0]
    values = scores.query("flux == 'NEE' and model == 'tamrl' and shots == 30").groupby("site")["rmse"].mean()
    assert row["towers"] == 23
    for p in (10, 25, 50, 75, 90):
        assert row[f"p{p}"] == pytest.approx(np.percentile(values, p), rel=1e-5)
    assert row["low"] <= row["p50"] <= row["high"]
    assert row["low"] < row["high"]


def test_percentiles_by_class():
    scores = table()
    found = percentiles(scores, ("rmse",), CLASSES, "koeppen")
    assert set(found["koeppen"]) == {"D", "C"}
    assert found.query("model == 'xgboost' and koeppen == 'D'")["towers"].tolist() == [16, 16]
    assert set(percentiles(scores, ("rmse",), CLASSES, "igbp")["igbp"]) == {"ENF", "GRA"}
    unknown = percentiles(scores, ("rmse",), CLASSES.iloc[1:], "igbp")
    assert unknown.query("igbp == 'unknown'")["towers"].max() == 1
    with pytest.raises(TamrlError, match="no 'biome'"):
        percentiles(scores, ("rmse",), CLASSES, "biome")


@settings(max_examples=10, deadline=None)
@given(count=st.integers(5, 60), seed=st.integers(0, 99))
def test_the_bootstrap_is_that_of_scipy(count, seed):
    values = np.random.default_rng(seed).lognormal(size=count)
    low, high = bootstrap_median(values, draws=4000)
    theirs = bootstrap((values,), np.median, n_resamples=4000, method="percentile", rng=1).confidence_interval
    ordered = np.sort(values)

    def rank(x):
        return np.interp(x, ordered, np.arange(count))

    # Percentiles of medians lie on few distinct values: they may differ by a neighbour.
    assert rank(low) == pytest.approx(rank(theirs.low), abs=1.01)
    assert rank(high) == pytest.approx(rank(theirs.high), abs=1.01)
    assert bootstrap_median(values, draws=4000) == (low, high)


def test_the_interval_holds_the_true_median_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = [low <= 0 <= high for low, high in (bootstrap_median(rng.normal(size=41), 500) for _ in range(400))]
    assert 0.91 < np.mean(hits) < 0.99
    assert np.isnan(bootstrap_median(np.array([1.0]))).all()


@pytest.mark.parametrize("form", [lambda x: x, coded], ids=["plain", "parquet"])
def test_a_comparison_is_made_on_the_same_towers(form):
    scores = table()
    found = compare(form(scores), ("tamrl", 30), ("xgboost", 0)).set_index("flux").loc["GPP"]
    pick = scores.query("flux == 'GPP' and site != 'T03'").groupby(["model", "shots", "site"])["rmse"].mean()
    ours, theirs = pick["tamrl", 30].to_numpy(), pick["xgboost", 0].to_numpy()
    assert found["towers"] == 23
    assert found["ratio"] == pytest.approx(np.median(ours) / np.median(theirs), rel=1e-5)
    assert found["paired"] == pytest.approx(np.exp(np.log(ours / theirs).mean()), rel=1e-5)
    assert found["p"] == pytest.approx(wilcoxon(ours, theirs).pvalue, rel=1e-3)
    assert found["ratio_low"] < found["ratio"] < found["ratio_high"]
    assert found["paired_low"] < found["paired"] < found["paired_high"] < 0.9
    assert (found["wins"], found["ties"], found["losses"]) == (23, 0, 0)
    assert found["improved"] == pytest.approx((ours < 0.9 * theirs).mean())
    assert found["harmed"] == 0
    assert found["model"] == "tamrl"
    assert found["baseline_shots"] == 0


def test_zero_shot_is_compared_on_all_days_and_few_shot_outside_the_support():
    few = table()
    everything = few[few["shots"] == 0].drop_duplicates(["site", "model", "flux"]).assign(placement="all", rmse=1.0)
    both = pd.concat([few, everything], ignore_index=True)
    assert compare(both, ("tamrl", 0), ("xgboost", 0))["paired"].eq(1).all()
    for other in (("xgboost", 0), ("tamrl", 0)):
        pd.testing.assert_frame_equal(compare(both, ("tamrl", 30), other), compare(few, ("tamrl", 30), other))
    means = tower_means(both, ("rmse",)).set_index("shots")["rmse"]
    assert means[0].eq(1).all()
    assert not means[30].eq(1).any()


def test_towers_are_improved_and_harmed_by_more_than_a_tenth():
    first, second = np.array([0.8, 0.95, 1.05, 1.2, 1.3]), np.ones(5)
    assert improved_harmed(first, second, "rmse") == (0.2, 0.4)
    assert np.isnan(improved_harmed(first, second, "r2")).all()


def test_a_placement_without_a_counterpart_is_left_out():
    scores = table()
    less = scores[~((scores["model"] == "xgboost") & (scores["placement"] == "random"))]
    growing = scores[scores["placement"] == "growing"]
    pd.testing.assert_frame_equal(
        compare(less, ("tamrl", 0), ("xgboost", 0)), compare(growing, ("tamrl", 0), ("xgboost", 0))
    )


def test_a_model_is_no_better_than_itself():
    scores = table()
    found = compare(scores, ("tamrl", 0), ("tamrl", 0))
    assert found["p"].eq(1).all()
    assert found["ratio"].eq(1).all()
    assert found["ties"].eq(24).all()
    assert compare(scores, ("tamrl", 7), ("xgboost", 0)).empty


def test_every_baseline_is_met_at_the_same_shots_or_zero_shot():
    found = against_baselines(coded(table()), metrics=("rmse", "r2"))
    met = set(found[["shots", "baseline", "baseline_shots"]].drop_duplicates().itertuples(index=False, name=None))
    assert met == {(0, "xgboost", 0), (30, "xgboost", 0), (30, "maml", 30), (30, "tamrl", 0)}
    assert len(found) == 4 * 2 * 2
    assert found.query("metric == 'r2'")["paired"].notna().sum() <= found.query("metric == 'rmse'")["paired"].size
    assert set(against_baselines(table(), classes=CLASSES, by="igbp")["igbp"]) == {"ENF", "GRA"}


def test_wins_ties_and_losses_depend_on_what_is_better():
    first, second = np.array([0.90, 0.97, 1.0, 1.2]), np.ones(4)
    assert win_tie_loss(first, second, "rmse") == (1, 2, 1)
    assert win_tie_loss(first, second, "r2") == (1, 1, 2)
    assert win_tie_loss(first, second, "rmse", band=0) == (2, 1, 1)


def test_the_size_of_the_bias_is_compared():
    scores = table()
    scores["bias"] = np.where(scores["model"] == "tamrl", -0.2, 0.1)
    found = compare(scores, ("tamrl", 0), ("xgboost", 0), "bias").iloc[0]
    assert found["ratio"] == pytest.approx(2)
    assert found["losses"] == 24


def test_differences_between_towers_are_scored_over_towers():
    rng = np.random.default_rng(0)
    observed = rng.normal(3, 1, 24)
    predicted = observed + rng.normal(0, 0.3, 24)
    rows = [
        {
            "site": s,
            "model": "tamrl",
            "shots": 0,
            "placement": place,
            "flux": "GPP",
            "scale": "site-mean",
            "mean_observed": o,
            "mean_predicted": p,
        }
        for s, o, p in zip(SITES, observed, predicted, strict=True)
        for place in ("growing", "random")
    ]
    found = across_towers(pd.DataFrame(rows)).iloc[0]
    expected = score(observed, predicted)
    assert found["n"] == 24
    assert found["r2"] == pytest.approx(expected["r2"])
    assert found["rmse"] == pytest.approx(expected["rmse"])


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=11), st.sampled_from([0.25, 1.0]))
def test_the_signed_rank_test_is_scipys_where_differences_tie(steps, unit):
    moved = np.array(steps) * unit
    first = np.linspace(1, 2, len(moved)).round(2)
    found = signed_rank(moved, np.zeros(len(moved)))
    if not moved.any():
        assert found == 1.0
    else:
        assert found == pytest.approx(float(wilcoxon(moved).pvalue), rel=1e-9)
    assert signed_rank(first, first) == 1.0


def test_the_signed_rank_test_of_many_towers_is_scipys():
    rng = np.random.default_rng(3)
    for count in (8, 30, 90):
        first, second = rng.normal(0, 1, (2, count))
        assert signed_rank(first, second) == float(wilcoxon(first, second).pvalue)
