"""What is bundled besides the demonstration: the model trained on observed towers, and the scores."""

import numpy as np
import pandas as pd
import pytest

from tamrl.bundled import bundled_models
from tamrl.evaluation.results import TABLES, bundled, open_results, read_table
from tamrl.metrics import score
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.adapt import adapt
from tamrl.predict.endings import HIGH, LOW
from tamrl.predict.ensemble import predict
from tamrl.protocol.designs import load_split
from tamrl.protocol.support_days import SHOTS, support_days
from tamrl.schema import FLUXES
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import record
from tamrl.towers.ingest import ingest
from tamrl.towers.quality import valid_days
from tamrl.towers.workspace import Workspace

NAME = "fluxnet2015-daily"


@pytest.fixture(scope="module")
def ensemble():
    return load_ensemble(bundled_models()[NAME])


def test_the_bundled_model_is_whole_small_and_has_its_card(ensemble):
    folder = bundled_models()[NAME]
    assert len(ensemble.members) == 5
    assert ensemble.info["complete"]
    assert not ensemble.info["simulated"]
    assert sum(f.stat().st_size for f in folder.iterdir()) < 4e6
    assert {f.suffix for f in folder.iterdir()} <= {".safetensors", ".yaml", ".md"}, "no observation is bundled"
    assert all(ensemble.calibration(n) for n in SHOTS)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert len(ensemble.training_sites) == 163
    assert all(site in card for site in ensemble.training_sites)
    for part in ("CC-BY-4.0", "10.1038/s41597-020-0534-3", "## Intended use and limits", "| 0 | TAM-RL |"):
        assert part in card


def test_the_bundled_model_predicts_and_adapts_at_a_tower_with_few_drivers(ensemble):
    archive = simulate(1, seed=3)
    tower = record(archive, archive.site.values[0])[["TA", "SW_IN", "GPP", "RECO", "NEE", "NEE_QC"]]
    made = adapt(ensemble, tower, support_days(tower, 30)).adapted
    assert np.isfinite(made.to_array().values).all()
    assert (made["GPP" + LOW] < made["GPP"].mean("member")).all()


def test_the_bundled_scores_can_be_read_and_name_their_splits():
    results = open_results(bundled())
    assert not results.simulated
    # A benchmark may be run without ablations; every other table belongs to its results.
    names = [name for name in TABLES if name != "ablations" or results.ablated]
    tables = {name: read_table(results.path, name) for name in names}
    assert all(len(table) for table in tables.values())
    assert sum(f.stat().st_size for f in results.path.rglob("*") if f.is_file()) < 8e6
    scored = tables["scores"]
    for design in results.designs:
        split = load_split(results.path / "splits" / f"{design}.yaml")
        held = {site for fold in split.folds for site in fold}
        assert set(scored.loc[scored["design"].astype(str) == design, "site"].astype(str)) <= held
    daily = scored[(scored["scale"].astype(str) == "daily") & (scored["model"].astype(str) == "tamrl")]
    assert set(daily["shots"]) == set(SHOTS)


@pytest.mark.parametrize("site", ["US-xBA", "US-xHA"])
def test_the_bundled_model_adapts_to_a_published_file_it_was_not_trained_on(ensemble, shared_data, tmp_path, site):
    files = sorted((shared_data / "raw" / "ameriflux_fluxnet").glob(f"AMF_{site}_*_DD_*"))
    space = Workspace.create(tmp_path / "w")
    ingest(files, space)
    tower = record(space.archive(), site)
    assert site not in ensemble.seen_sites
    support = support_days(tower, 90)
    before, after = predict(ensemble, tower), adapt(ensemble, tower, support).adapted
    scored = valid_days(tower) & ~pd.DatetimeIndex(tower.time.values).isin(support)
    for flux in FLUXES:
        zero, few = (score(tower[flux].values, p[flux].mean("member").values, scored) for p in (before, after))
        assert few["rmse"] < 1.2 * zero["rmse"], flux
    inside = (tower["NEE"] >= before["NEE" + LOW]) & (tower["NEE"] <= before["NEE" + HIGH])
    assert 0.6 < float(inside.values[valid_days(tower)].mean()) <= 1
