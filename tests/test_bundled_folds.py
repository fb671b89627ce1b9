"""The bundled models of the folds give the bundled scores again."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.bundled import bundled_folds, bundled_models
from tamrl.cli.main import main
from tamrl.evaluation.results import bundled, open_results, read_table
from tamrl.model.checkpoint import load_ensemble
from tamrl.model.cross_fitted import open_model
from tamrl.predict.tower import zero_shot_scores
from tamrl.protocol.designs import load_split
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled as fluxnet

FOLD = "fluxnet2015-folds/fold-0"
#: Daily scores of TAM-RL are bundled with all bits; arithmetic may differ between processors.
TOLERANCE = 1e-4
KEYS = ["flux", "shots", "placement"]


@pytest.fixture(scope="module")
def folds():
    found = bundled_folds()
    assert len(found) == 5, "make them with python assets/build_folds.py"
    return found


def test_each_fold_has_its_model_which_has_not_seen_it(folds):
    split = load_split(next(iter(folds.values())).parent / "splits" / "igbp.yaml")
    bundle = load_split(bundled() / "splits" / "igbp.yaml")
    assert split.folds == bundle.folds
    assert len(folds) == len(split.folds)
    assert bundled_models()["cross-fitted"] == next(iter(folds.values())).parent
    for path, held in zip(folds.values(), split.folds, strict=True):
        ensemble = load_ensemble(path)
        assert len(ensemble.members) == open_results(bundled()).manifest["members"]
        assert not ensemble.seen_sites & set(held)
        assert ensemble.info["weights"] == "float16"
        assert sum(f.stat().st_size for f in path.iterdir()) < 2e6


def test_evaluating_a_tower_gives_its_bundled_scores(folds, shared_data, tmp_path):
    """The command a reader would type, on one tower of the first fold with a short record."""
    source = shared_data / "fluxnet2015"
    split = load_split(folds[FOLD].parent / "splits" / "igbp.yaml")
    days = pd.read_parquet(source / "daily.parquet", columns=["site"])["site"].value_counts()
    site = next(s for s in sorted(split.folds[0], key=lambda s: (days[s], s)) if days[s] > 700)
    tables = tmp_path / "tables"
    tables.mkdir()
    for name in ("daily.parquet", "monthly.parquet"):
        pd.read_parquet(source / name, filters=[("site", "==", site)]).to_parquet(tables / name)
    (tables / "sites.csv").write_text((source / "sites.csv").read_text(encoding="utf-8"), encoding="utf-8")
    chosen, out = tmp_path / "sites.txt", tmp_path / "scores.csv"
    chosen.write_text(site + "\n", encoding="utf-8")
    run = CliRunner().invoke(main, ["ingest", str(tables), "--workspace", str(tmp_path / "w")])
    assert run.exit_code in (0, 1), run.output
    command = ["evaluate", "--workspace", str(tmp_path / "w"), "--checkpoint", FOLD, "--sites", str(chosen)]
    command += ["--models", "tamrl", "--shots", "0,30,365", "--out", str(out)]
    run = CliRunner().invoke(main, command, catch_exceptions=False)
    assert run.exit_code == 0, run.output
    made = pd.read_csv(out).query("scale == 'daily' and model == 'tamrl'").set_index(KEYS).sort_index()
    scores = read_table(bundled(), "scores").astype({"site": str, "flux": str, "placement": str, "model": str})
    scores = scores[(scores["design"] == "igbp") & (scores["scale"] == "daily") & (scores["site"] == site)]
    known = scores[scores["model"] == "tamrl"].set_index(KEYS).sort_index()
    both = made.index.intersection(known.index)
    assert set(made.index) == set(both)
    assert len(both) >= 3 * (3 + 1 + 3), "zero-shot outside the support and on all days, and 30 days"
    made, known = made.loc[both], known.loc[both]
    np.testing.assert_array_equal(made["n"], known["n"])
    np.testing.assert_allclose(made["rmse"], known["rmse"], rtol=TOLERANCE)
    np.testing.assert_allclose(made["r2"], known["r2"], atol=2 * TOLERANCE)


@pytest.mark.parametrize("site", ["DE-Hai", "US-Ne1", "AU-Ade", "GF-Guy", "RU-Fyo"])
def test_zero_shot_in_the_lab_is_the_bundled_score(site):
    """The lab, the command line and the Scorecard tell the same number: to the bits that the bundle keeps."""
    model, tower = open_model(bundled_models()["cross-fitted"]), record(fluxnet().archive(), site)
    made = zero_shot_scores(model.for_site(site), tower).set_index("flux")
    scores = read_table(bundled(), "scores").astype({"site": str, "flux": str, "placement": str, "model": str})
    here = (scores["design"] == "igbp") & (scores["scale"] == "daily") & (scores["site"] == site)
    here &= (scores["model"] == "tamrl") & (scores["shots"] == 0) & (scores["placement"] == "all")
    known = scores[here].set_index("flux")
    for column in ("n", "rmse", "r2", "bias"):
        np.testing.assert_allclose(made[column], known[column].reindex(made.index), rtol=1e-5, atol=1e-6)
