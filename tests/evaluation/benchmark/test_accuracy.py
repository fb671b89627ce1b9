"""The accuracy benchmark on a few SIMULATED towers: resumable, the same days for all, and a report that is theirs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tamrl.baselines.lightgbm import LightGBMLags
from tamrl.baselines.trees import XGBoost
from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.accuracy import Benchmark, run, scorable
from tamrl.evaluation.benchmark.report import BEGIN, END, write_report
from tamrl.evaluation.benchmark.runs import ALONE, PUBLISHED, TAMRL, WITHOUT, ablated, read_predictions, run_unit
from tamrl.evaluation.benchmark.scoring import score_fold
from tamrl.evaluation.results import TABLES, open_results, read_table
from tamrl.model.checkpoint import load_ensemble
from tamrl.protocol.designs import load_split
from tamrl.protocol.placements import ALL, PLACEMENTS
from tamrl.protocol.support_days import plans
from tamrl.schema import FLUXES
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import load_archive, record, save_archive
from tamrl.towers.quality import flux_table, valid_days

MODELS = (TAMRL, PUBLISHED, "xgboost", "lightgbm-lags", "climatology", "seasonal-cycle")
LESS = ("no LAI and EVI", "no site effect")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    save_archive(simulate(10), folder / "archive.zarr")
    model = ModelConfig(code=6, embed=10, hidden=12, encoder_hidden=5)
    train = dataclasses.replace(Config().train, sequence=240, spin_up=20, batch=6, steps=12, validate_every=6)
    return Benchmark(
        archive=folder / "archive.zarr",
        out=folder / "out",
        designs=("igbp",),
        members=2,
        side_members=1,
        models=MODELS,
        ablations=LESS,
        config=Config(model, train),
        ablation_steps=6,
        ablation_folds=1,
        seed=1,
    )


@pytest.fixture(scope="module")
def done(benchmark):
    """The first fold, its units run one after the other in this process."""
    benchmark.prepare(load_archive(benchmark.archive))
    units = [u for u in benchmark.units() if u.fold == 0]
    with pytest.MonkeyPatch.context() as patch:
        for trees in (XGBoost, LightGBMLags):
            patch.setattr(trees, "GRID", ({},))
            patch.setattr(trees, "ROUNDS", (10, 30))
        for unit in units:
            run_unit(unit, lambda _: None, lambda: False)
    (fold,) = scorable(units)
    score_fold(fold, lambda _: None, lambda: False)
    return units, run(benchmark, 1, lambda _: None, units)


def test_no_held_out_tower_was_seen_and_every_unit_is_done(benchmark, done):
    units, tables = done
    held = load_split(benchmark.out / "splits" / "igbp.yaml").folds[0]
    assert all(u.file.exists() for u in units)
    for unit in units:
        if unit.model in (TAMRL, PUBLISHED) or unit.ablation:
            ensemble = load_ensemble(unit.checkpoint)
            assert not ensemble.seen_sites & set(held)
            assert len(ensemble.members) == (2 if unit.model == TAMRL else 1)
    assert set(tables["scores"]["site"]) == set(held)
    assert set(tables["scores"]["model"]) == {*MODELS, ALONE}
    assert set(tables["ablations"]["model"]) == {*LESS, ALONE}


def test_the_scores_are_those_of_the_predictions_on_the_planned_days(benchmark, done):
    """Parity: R2 and RMSE of a few rows worked out from the predictions by hand."""
    units, tables = done
    archive = load_archive(benchmark.archive)
    daily = tables["scores"].query("scale == 'daily'")
    for unit in (u for u in units if u.model in MODELS):
        row = daily[daily["model"] == unit.model].iloc[-1]
        tower = record(archive, row["site"])
        days = next(p for p in plans(tower) if p.placement == row["placement"])
        made = read_predictions(unit.file, row["site"], (*PLACEMENTS, ALL))
        p = next(m for m in made if (m.shots, m.placement) == (row["shots"], row["placement"]))
        i = FLUXES.index(row["flux"])
        if row["placement"] != ALL:
            assert not pd.DatetimeIndex(tower.time.values)[days.scored].isin(days.supports[365]).any()
        o = flux_table(tower)[days.scored, i].astype(float)
        e = p.fluxes[days.scored, i] - o
        assert row["n"] == np.isfinite(e).sum()
        assert row["rmse"] == pytest.approx(np.sqrt(np.nanmean(e**2)), abs=1e-3)
        assert row["r2"] == pytest.approx(1 - np.nansum(e**2) / np.nansum((o - np.nanmean(o)) ** 2), rel=1e-3)


def test_every_model_is_scored_on_the_same_days(done):
    daily = done[1]["scores"].query("scale == 'daily'")
    counts = daily.groupby(["site", "placement", "flux"])["n"].nunique()
    assert (counts == 1).all()
    shots = {model: set(group["shots"]) for model, group in daily.groupby("model")}
    assert shots["xgboost"] == shots["lightgbm-lags"] == shots["climatology"] == {0}
    assert shots[TAMRL] == shots[PUBLISHED] == {0, *shots["seasonal-cycle"]} == {0, 7, 30, 90, 365}
    everywhere = daily[daily["placement"] == ALL]
    assert set(everywhere["shots"]) == {0}
    most = daily[daily["placement"] != ALL].groupby(["site", "flux"])["n"].max()
    assert (everywhere.groupby(["site", "flux"])["n"].max() > most).all()


def test_density_and_cycles_are_made_of_the_scored_days(benchmark, done):
    tables = done[1]
    daily = tables["scores"].query("scale == 'daily' and shots == 0 and model == 'tamrl' and flux == 'GPP'")
    daily = daily[daily["placement"] == ALL]
    density = tables["density"].query("shots == 0 and model == 'tamrl' and flux == 'GPP'")
    assert density["days"].sum() == daily["n"].sum()
    cycles = tables["cycles"].query("group == 'all' and model == 'observed' and flux == 'GPP'")
    assert cycles["month"].tolist() == list(range(1, 13))
    archive = load_archive(benchmark.archive)
    held = daily["site"].unique()
    july = [
        flux_table(t)[valid_days(t) & (pd.DatetimeIndex(t.time.values).month == 7), 0].mean()
        for t in (record(archive, site) for site in held)
    ]
    assert cycles.query("month == 7")["mean"].item() == pytest.approx(np.mean(july), rel=0.15)


def test_intervals_are_calibrated_and_scored(done):
    intervals = done[1]["intervals"]
    assert {0, 30} <= set(intervals["shots"])
    assert intervals["coverage90"].between(0, 1).all()
    assert (intervals["coverage90"] >= intervals["coverage50"]).all()
    assert (intervals["width90"] > intervals["width50"]).all()


def test_what_is_done_is_not_done_again(benchmark, done):
    units, _ = done
    before = {u.file: u.file.stat().st_mtime_ns for u in units}
    lines = []
    again = run(benchmark, 1, lines.append, units)
    assert lines == [f"{len(units)} of {len(units)} units are done"]
    assert {u.file: u.file.stat().st_mtime_ns for u in units} == before
    assert len(again["scores"]) == len(done[1]["scores"])
    assert load_split(benchmark.out / "results" / "splits" / "igbp.yaml").folds


def test_the_scorecard_reads_the_results_folder(benchmark, done):
    results = open_results(benchmark.out / "results")
    assert results.simulated
    for name in TABLES:
        assert len(read_table(results.path, name)) == len(done[1][name]), name


def test_the_report_writes_between_its_markers_and_nowhere_else(done, tmp_path):
    file = tmp_path / "benchmarks.md"
    file.write_text(f"# Mine\n\n{BEGIN}\nold\n{END}\n\nBy hand.\n")
    written = write_report(done[1], tmp_path)
    text = file.read_text()
    assert text.startswith(f"# Mine\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nBy hand.\n")
    assert "old" not in text
    assert "| 0 | TAM-RL |" in text
    assert "### Targets" in text
    assert "| 365 | TAM-RL as published (one member) |" in text
    assert "### TAM-RL against LightGBM with lagged drivers, zero-shot" in text
    assert "towers improved / harmed by 10 %" in text
    assert "| monthly | XGBoost |" in text
    assert all(path.stat().st_size > 1000 for path in written[1:])
    assert {p.suffix for p in written[1:]} == {".svg"}
    file.write_text("# Without markers\n")
    with pytest.raises(TamrlError, match="no place for the tables"):
        write_report(done[1], tmp_path)
    assert file.read_text() == "# Without markers\n"


def test_an_ablation_changes_what_it_names(benchmark):
    full = benchmark.config
    assert set(full.model.drivers) - set(ablated(full, "no LAI and EVI").model.drivers) == {"LAI", "EVI"}
    assert ablated(full, "no modulation").model.modulation is False
    assert ablated(full, "30-day windows").train.window == 30
    paper = ablated(full, PUBLISHED)
    assert (paper.train.window, paper.model.balance, paper.model.site_effect) == (30, "soft", 0)
    assert paper.model.drivers == full.model.drivers
    for name in WITHOUT:
        assert ablated(full, name).train == full.train


@pytest.mark.parametrize(
    "wrong", [{"designs": ("biome",)}, {"models": ("gpt",)}, {"ablations": ("no luck",)}, {"designs": ()}]
)
def test_unknown_names_are_refused_with_the_known_ones(tmp_path, wrong):
    with pytest.raises(TamrlError, match="Known"):
        Benchmark(archive=tmp_path, out=tmp_path, **wrong)


def test_a_folder_that_was_begun_with_other_settings_is_refused(benchmark, done):
    longer = dataclasses.replace(benchmark.config.train, steps=13)
    other = dataclasses.replace(benchmark, config=dataclasses.replace(benchmark.config, train=longer))
    with pytest.raises(TamrlError, match="other settings"):
        run(other, 1, lambda _: None, done[0])


def test_a_fold_is_scored_again_when_a_model_has_joined_it(done):
    (fold,) = scorable(done[0])
    assert fold.done
    (fewer,) = scorable([u for u in done[0] if u.model != "climatology"])
    assert not fewer.done


def test_a_report_without_the_baseline_says_what_is_missing(done, tmp_path):
    tables = done[1] | {"scores": done[1]["scores"].query("model != 'xgboost'")}
    with pytest.raises(TamrlError, match="not scored: xgboost"):
        write_report(tables, tmp_path)
    assert not list(tmp_path.iterdir())
