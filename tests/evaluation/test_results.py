"""A results folder: what is missing or damaged is said in three parts, and tables answer what they hold."""

import shutil

import numpy as np
import pandas as pd
import pytest
import score_files
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.evaluation import results as scorecard
from tamrl.evaluation.results import METRICS, TABLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return score_files.shared(tmp_path_factory)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture(scope="module")
def scores(folder):
    return scorecard.read_table(folder, "scores")


def test_a_folder_opens_with_towers_and_source(folder):
    results = scorecard.open_results(folder)
    assert results.designs == ("igbp", "koeppen")
    assert results.simulated is True
    assert len(results.sites) == 24
    assert results.sites.loc[results.sites["koeppen"] == "Dfb", "climate"].eq("Cold").all()
    assert "random numbers" in results.source()


@pytest.mark.parametrize("name", list(TABLES))
def test_a_missing_damaged_or_narrow_table_is_an_error_in_three_parts(copy, name):
    file = copy / f"{name}.parquet"
    narrow = pd.read_parquet(file).drop(columns=TABLES[name][-1])
    whole = file.read_bytes()
    narrow.to_parquet(file)
    with pytest.raises(TamrlError, match=f"has no column {TABLES[name][-1]}"):
        scorecard.read_table(copy, name)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TamrlError, match="cannot be read") as caught:
        scorecard.read_table(copy, name)
    assert file.name in caught.value.where
    assert "bench accuracy" in caught.value.todo
    file.unlink()
    with pytest.raises(TamrlError, match=f"has no {name}.parquet"):
        scorecard.read_table(copy, name)


@pytest.mark.parametrize("content", ["just text", "designs: igbp", "a: [", "\x00"])
def test_a_damaged_manifest_is_told(copy, content):
    (copy / "manifest.yaml").write_text(content)
    with pytest.raises(TamrlError, match=r"manifest of the scores") as caught:
        scorecard.open_results(copy)
    assert "manifest.yaml" in caught.value.where


def test_a_folder_without_scores_says_how_to_make_them(tmp_path):
    with pytest.raises(TamrlError, match="no scores in this folder") as caught:
        scorecard.open_results(tmp_path)
    assert caught.value.where == str(tmp_path)
    assert "bench accuracy" in caught.value.todo
    assert scorecard.version(tmp_path) == 0


def test_the_version_follows_the_files(copy):
    before = scorecard.version(copy)
    manifest = yaml.safe_load((copy / "manifest.yaml").read_text()) | {"title": "newer"}
    (copy / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    assert scorecard.version(copy) > before


def test_filters_combine(folder):
    sites = scorecard.open_results(folder).sites
    assert list(scorecard.filter_sites(sites).index) == list(sites.index)
    found = scorecard.filter_sites(sites, igbp=["ENF", "GRA"], climate=["Cold"])
    expected = sites[sites["igbp"].isin(["ENF", "GRA"]) & sites["koeppen"].str.startswith("D")]
    pd.testing.assert_frame_equal(found, expected)
    assert scorecard.filter_sites(sites, network=["nobody"]).empty


def test_wide_holds_every_score_in_its_place(scores):
    table = scorecard.wide(scores, "igbp", "daily", "rmse")
    rows = scores[(scores["design"] == "igbp") & (scores["scale"] == "daily")]
    assert table.notna().to_numpy().sum() == len(rows)
    some = rows.sample(20, random_state=1)
    for _, row in some.iterrows():
        value = table.loc[(row["site"], row["placement"]), (row["flux"], row["model"], row["shots"])]
        assert value == pytest.approx(row["rmse"])
    one = scorecard.wide(scores, "igbp", "daily", "rmse", "dormant")
    assert set(one.index.get_level_values("placement")) == {"dormant"}


def _table(values):
    """A wide table of GPP with two models, from {(site, placement): (first, second)}."""
    index = pd.MultiIndex.from_tuples(values, names=["site", "placement"])
    columns = pd.MultiIndex.from_tuples([("GPP", "a", 0), ("GPP", "b", 30)], names=["flux", "model", "shots"])
    return pd.DataFrame(list(values.values()), index=index, columns=columns, dtype=float)


def test_a_comparison_takes_only_placements_that_both_have():
    table = _table({("X", "growing"): (1, 2), ("X", "dormant"): (9, np.nan), ("Y", "growing"): (np.nan, 4)})
    found = scorecard.by_towers(table, "GPP", [("a", 0), ("b", 30)])
    assert list(found.index) == ["X"]
    assert found.loc["X"].tolist() == [1, 2]
    assert scorecard.by_towers(table, "GPP", [("a", 0)]).loc["X", ("a", 0)] == 5
    assert scorecard.by_towers(table, "GPP", [("a", 0), ("nobody", 0)]).empty
    assert scorecard.by_towers(table, "NEE", [("a", 0)]).empty


def test_zero_shot_alone_is_on_all_days_and_beside_few_shot_outside_the_support():
    table = _table({("X", "growing"): (1, 2), ("X", "dormant"): (3, 4), ("X", "all"): (7, np.nan)})
    assert scorecard.by_towers(table, "GPP", [("a", 0)]).loc["X", ("a", 0)] == 7
    assert scorecard.by_towers(table, "GPP", [("a", 0), ("b", 30)]).loc["X"].tolist() == [2, 3]
    assert scorecard.one_tower(table, "X").set_index("model").loc["a", ["value", "high"]].tolist() == [2, 3]


def test_one_tower_has_mean_and_range_over_placements():
    table = _table({("X", "growing"): (1, 2), ("X", "dormant"): (4, np.nan), ("Y", "growing"): (7, 7)})
    found = scorecard.one_tower(table, "X").set_index("model")
    assert found.loc["a", ["value", "low", "high"]].tolist() == [2.5, 1, 4]
    assert found.loc["b", ["value", "low", "high"]].tolist() == [2, 2, 2]


def test_zero_shot_models_are_compared_zero_shot_and_others_at_the_same_days():
    columns = [("xgboost", 0), ("tamrl", 0), ("tamrl", 30), ("maml", 30)]
    assert scorecard.reference(columns, "xgboost", 30) == ("xgboost", 0)
    assert scorecard.reference([*columns, ("xgboost-support", 30)], "xgboost", 30) == ("xgboost-support", 30)
    assert scorecard.reference([*columns, ("xgboost-support", 30)], "xgboost", 0) == ("xgboost", 0)
    assert scorecard.reference(columns, "maml", 30) == ("maml", 30)
    assert scorecard.reference(columns, "tamrl", 30) == ("tamrl", 0)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_changes_are_percent_for_errors_and_differences_for_skills(a, b):
    value, other = np.array([a]), np.array([b])
    assert scorecard.change(value, other, METRICS["rmse"])[0] == pytest.approx(100 * (a - b) / b, abs=1e-9)
    assert scorecard.change(value, other, METRICS["r2"])[0] == pytest.approx(a - b)
    # A bias is better the smaller it is, whatever its sign.
    assert scorecard.change(-value, other, METRICS["bias"])[0] == pytest.approx(a - b)


def test_every_metric_of_the_bundle_is_known():
    from tamrl import metrics

    assert set(METRICS) == set(metrics.METRICS)
    assert set(METRICS) <= set(TABLES["scores"])


def test_published_figures_are_those_of_the_source():
    content = yaml.safe_load(scorecard.bundled().with_name("published.yaml").read_text(encoding="utf-8"))
    assert content["scores"]["igbp"]["tamrl"] == {"GPP": [0.574, 1.61], "RECO": [0.393, 1.24], "NEE": [0.204, 1.48]}
    assert content["scores"]["koeppen"]["lightgbm"]["NEE"] == [0.283, 1.33]
    pairs = [p for split in content["scores"].values() for model in split.values() for p in model.values()]
    assert len(pairs) == 24
    assert all(0 < r2 < 1 < rmse < 3 for r2, rmse in pairs)
