"""Who stands where: against plain pandas, scikit-learn and scipy on the same numbers."""

import numpy as np
import pandas as pd
import pytest
import score_files
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon
from sklearn.metrics import r2_score

from tamrl.evaluation import comparison, results
from tamrl.evaluation.results import METRICS

ZERO, THIRTY, TREES = ("tamrl", 0), ("tamrl", 30), ("xgboost", 0)


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    return results.read_table(score_files.shared(tmp_path_factory), "scores")


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    return results.open_results(score_files.shared(tmp_path_factory)).sites


@pytest.fixture(scope="module")
def asked(scores):
    return comparison.ask(scores, "igbp", "daily", "rmse", "mean")


def by_hand(scores, model, shots, flux, column, scale="daily", common=False):
    """Zero-shot on all days, else the mean over placements a tower, in plain pandas; ``common``: that of both."""
    keep = (scores["design"] == "igbp") & (scores["scale"] == scale) & (scores["flux"] == flux)
    keep &= (scores["model"] == model) & (scores["shots"] == shots)
    keep &= (scores["placement"] == "all") == (shots == 0 and not common)
    return scores[keep].astype({"site": str}).groupby("site")[column].mean().astype(float)


def test_medians_counts_and_changes_agree_with_pandas(asked, scores):
    table = comparison.summary(asked, "xgboost").set_index(["flux", "model", "shots"])
    assert set(table["statistic"]) == {"median over towers"}
    for flux in ("GPP", "RECO", "NEE"):
        for shots in (0, 30, 365):
            mine = by_hand(scores, "tamrl", shots, flux, "rmse")
            other = by_hand(scores, "xgboost-support" if shots else "xgboost", shots, flux, "rmse")
            other = other.loc[mine.index]
            row = table.loc[(flux, "tamrl", shots)]
            assert row["towers"] == len(mine)
            assert row["value"] == pytest.approx(mine.median())
            assert row["change"] == pytest.approx(100 * (mine.median() / other.median() - 1))
            assert row["low"] < row["value"] < row["high"]
            assert row["paired"] == pytest.approx(100 * (np.exp(np.log(mine / other).mean()) - 1), rel=1e-4)
            assert row["improved"] == pytest.approx(100 * (mine < 0.9 * other).mean())
            assert row["harmed"] == pytest.approx(100 * (mine > 1.1 * other).mean())
    assert table.loc[("GPP", "tamrl", 365), "towers"] < table.loc[("GPP", "tamrl", 0), "towers"]
    assert np.isnan(table.loc[("GPP", "xgboost", 0), "change"])


def test_the_same_towers_in_every_row_where_asked(asked):
    table = comparison.summary(asked, "xgboost", same=True)
    assert table.groupby("flux")["towers"].nunique().eq(1).all()


def test_skills_are_compared_by_the_differences_of_towers(scores):
    asked = comparison.ask(scores, "igbp", "daily", "r2", "mean")
    mine, other = (by_hand(scores, m, 0, "NEE", "r2") for m in ("tamrl", "xgboost"))
    row = asked.standing("NEE", [ZERO], TREES).iloc[0]
    assert row["change"] == pytest.approx((mine - other).median())
    assert row["change_low"] <= row["change"] <= row["change_high"]
    assert np.isnan([row["paired"], row["improved"], row["harmed"]]).all()


def test_zero_shot_beside_few_shot_is_on_its_days(asked, scores):
    row = asked.standing("GPP", [THIRTY], ZERO).iloc[0]
    mine, other = (by_hand(scores, "tamrl", s, "GPP", "rmse", common=True) for s in (30, 0))
    assert row["change"] == pytest.approx(100 * (mine.median() / other.median() - 1))
    assert by_hand(scores, "tamrl", 0, "GPP", "rmse").median() != pytest.approx(other.median())


def test_site_means_are_scored_over_towers(scores):
    asked = comparison.ask(scores, "igbp", "site-mean", "r2", "mean")
    seen, made = (by_hand(scores, "tamrl", 0, "GPP", f"mean_{s}", "site-mean") for s in ("observed", "predicted"))
    row = asked.standing("GPP", [ZERO], TREES).iloc[0]
    assert row["value"] == pytest.approx(r2_score(seen, made), abs=1e-5)
    assert row["towers"] == len(seen)
    assert "site means" in asked.statistic
    one = comparison.ask_towers(scores, "igbp", "site-mean", "r2", "mean")
    assert one.metric.name == "mae"
    assert one.towers("GPP", [ZERO]).notna().all(axis=None)


def test_other_towers_do_not_count(asked, sites, scores):
    few = list(sites.index[:7])
    row = asked.keep(few).standing("GPP", [ZERO], TREES).iloc[0]
    assert row["towers"] == 7
    assert row["value"] == pytest.approx(by_hand(scores, "tamrl", 0, "GPP", "rmse").loc[few].median())
    nobody = asked.keep([]).standing("GPP", [ZERO], TREES)
    assert nobody["towers"].tolist() == [0] or nobody["value"].isna().all()
    assert comparison.summary(asked.keep([]), "xgboost").empty


def test_few_towers_have_no_interval(asked, sites):
    row = asked.keep(sites.index[:4]).standing("GPP", [ZERO], TREES).iloc[0]
    assert np.isnan([row["low"], row["change_low"]]).all()
    assert np.isfinite([row["value"], row["change"]]).all()


def test_classes_hold_each_tower_once(asked, sites):
    table = comparison.by_class(asked, sites, "igbp", "GPP", [ZERO, THIRTY], TREES)
    counts = table.groupby("class")["towers"].first()
    assert counts.sum() == len(sites)
    assert table["class"].iloc[0] == sites["igbp"].value_counts().index[0]
    name = table["class"].iloc[0]
    alone = asked.keep(sites.index[sites["igbp"] == name]).standing("GPP", [ZERO, THIRTY], TREES)
    np.testing.assert_allclose(table[table["class"] == name]["value"], alone["value"])
    assert comparison.by_class(asked, sites, "igbp", "GPP", [("nobody", 0)], TREES).empty


def test_a_tower_alone(asked, scores):
    table = comparison.per_tower(asked, "GPP", THIRTY, TREES)
    mine, other = (
        by_hand(scores, model, shots, "GPP", "rmse", common=True) for model, shots in (("tamrl", 30), ("xgboost", 0))
    )
    np.testing.assert_allclose(table["value"], mine, rtol=1e-5)
    np.testing.assert_allclose(table["change"], 100 * (mine / other - 1), atol=1e-3)
    assert list(comparison.per_tower(asked, "GPP", TREES, TREES)) == ["value"]


def test_wins_ties_and_losses_add_up_and_p_is_wilcoxons(asked, scores):
    row = comparison.contest(asked, "GPP", [ZERO], TREES, 0.02).iloc[0]
    mine, other = (by_hand(scores, m, 0, "GPP", "rmse") for m in ("tamrl", "xgboost"))
    assert row["win"] == (mine < 0.98 * other).sum()
    assert row["loss"] == (mine > 1.02 * other).sum()
    assert row["win"] + row["tie"] + row["loss"] == row["towers"] == len(mine)
    assert row["p"] == pytest.approx(wilcoxon(mine, other).pvalue, rel=1e-3)
    assert comparison.contest(asked, "GPP", [TREES], TREES, 0.02).empty


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(-1, 1, width=16), st.floats(-1, 1, width=16)), min_size=1, max_size=12),
    st.floats(0, 0.5),
)
def test_changing_sides_turns_wins_into_losses(pairs, band):
    index = pd.MultiIndex.from_tuples([(f"X{i}", "random") for i in range(len(pairs))], names=["site", "placement"])
    columns = pd.MultiIndex.from_tuples([("GPP", "a", 0), ("GPP", "b", 0)], names=["flux", "model", "shots"])
    asked = comparison.Asked(METRICS["r2"], "daily", pd.DataFrame(pairs, index=index, columns=columns))
    there = comparison.contest(asked, "GPP", [("a", 0)], ("b", 0), band).iloc[0]
    back = comparison.contest(asked, "GPP", [("b", 0)], ("a", 0), band).iloc[0]
    assert (there["win"], there["tie"], there["loss"]) == (back["loss"], back["tie"], back["win"])
    assert there["towers"] == len(pairs)
