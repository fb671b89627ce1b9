"""The commands on models, called as a user calls them: train, evaluate, adapt, predict."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner
from small_workspace import small_workspace

from tamrl.cli.main import main
from tamrl.cli.options import read_numbers, read_sites
from tamrl.cli.work.period import read_period
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.external import BEGIN, END
from tamrl.evaluation.temporal_scales import SCALES
from tamrl.model.checkpoint import load_ensemble
from tamrl.towers.archive import save_archive
from tamrl.towers.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_workspace(tmp_path_factory)


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_evaluate_writes_the_scores_and_the_days(made, tmp_path):
    workspace, held_out = made
    out = tmp_path / "results" / "scores.csv"
    result = call("evaluate", "-w", workspace.path, "-c", workspace.models()[0], "--shots", "0,30", "-o", out)
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(out)
    assert list(scores.columns[:8]) == ["site", "model", "shots", "placement", "flux", "scale", "n", "r2"]
    assert set(scores["site"]) == set(held_out)
    assert set(scores["model"]) == {"tamrl", "xgboost", "climatology"}
    assert set(scores["placement"]) == {"growing", "dormant", "random", "all"}
    assert np.isfinite(scores.query("scale == 'daily'")["rmse"]).all()
    days = pd.read_csv(out.with_suffix(".days.csv"))
    assert len(days) == 2 * (3 * 2 + 1)
    everywhere = days["placement"] == "all"
    assert days.loc[~everywhere, "rule"].str.startswith("valid days outside the 365 support days (around").all()
    assert set(days.loc[everywhere, "rule"]) == {"all valid days"}
    assert "Medians over towers" in result.output
    assert "Scored days, outside the support" in result.output
    assert "Scored days, all of a tower" in result.output
    assert "Left out, the checkpoint was trained on them: 4 towers" in result.stderr


def test_towers_elsewhere_without_a_driver_are_scored_and_written_down(made, tmp_path):
    """Baselines do without what no scored tower has, and the section of the document says so."""
    workspace, held_out = made
    other = Workspace.create(tmp_path / "other", simulated=True)
    archive = workspace.archive().load().drop_vars(["LAI", "EVI"])
    archive["lat"] = archive["lat"] * np.nan
    save_archive(archive, other.archive_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "benchmarks.md").write_text(f"# By hand\n\n{BEGIN}\nold\n{END}\n")
    result = call(
        "evaluate",
        "-w",
        other.path,
        "-c",
        workspace.models()[0],
        "--train-workspace",
        workspace.path,
        "--shots",
        "0,30",
        "--models",
        "tamrl,climatology",
        "-o",
        tmp_path / "s.csv",
        "--docs",
        docs,
    )
    assert result.exit_code == 0, result.output
    text = (docs / "benchmarks.md").read_text()
    assert text.startswith("# By hand")
    assert "old" not in text
    assert f"{len(held_out)} towers." in text
    assert "LAI, EVI, SW_IN_POT, SW_IN_POT_TREND; TAM-RL does without" in text
    assert "| zero-shot | Climatology | GPP |" in text
    assert "| 30 days | TAM-RL, zero-shot | NEE |" in text


def test_evaluate_refuses_named_towers_that_were_seen(made, tmp_path):
    workspace, _ = made
    (tmp_path / "sites.txt").write_text(str(workspace.archive().site.values[0]))
    arguments = ("evaluate", "-w", workspace.path, "-c", workspace.models()[0], "--sites", tmp_path / "sites.txt")
    arguments += ("--shots", "0", "--placements", "random", "--models", "tamrl", "-o", tmp_path / "s.csv")
    refused = call(*arguments)
    assert refused.exit_code == 1
    assert "--allow-seen" in refused.stderr
    assert not (tmp_path / "s.csv").exists()
    assert call(*arguments, "--allow-seen").exit_code == 0
    assert len(pd.read_csv(tmp_path / "s.csv")) == 3 * len(SCALES) * 2


def test_evaluate_takes_the_baselines_training_towers_from_another_workspace(made, tmp_path):
    """Towers elsewhere whose GPP is ten times larger: a climatology learnt there is far too high."""
    workspace, held_out = made
    other = Workspace.create(tmp_path / "other", simulated=True)
    archive = workspace.archive().load()
    archive["GPP"] = archive["GPP"] * 0 + 25
    save_archive(archive, other.archive_path)
    (tmp_path / "sites.txt").write_text("site\n" + "\n".join(held_out))
    bias = {}
    for name, extra in (("own", ()), ("other", ("--train-workspace", other.path))):
        result = call(
            "evaluate",
            "-w",
            workspace.path,
            "-c",
            workspace.models()[0],
            "--sites",
            tmp_path / "sites.txt",
            "--shots",
            "0",
            "--models",
            "climatology",
            *extra,
            "-o",
            tmp_path / f"{name}.csv",
        )
        assert result.exit_code == 0, result.output
        scores = pd.read_csv(tmp_path / f"{name}.csv")
        assert set(scores["model"]) == {"climatology"}
        bias[name] = scores.query("flux == 'GPP' and scale == 'daily'")["bias"].mean()
    assert bias["other"] > 15 > bias["own"]


def test_adapt_writes_cf_netcdf_with_observed_and_predicted_fluxes(made, tmp_path):
    workspace, held_out = made
    out = tmp_path / "a.nc"
    result = call(
        "adapt",
        "-w",
        workspace.path,
        "-c",
        workspace.models()[0],
        "-s",
        held_out[0],
        "--steps",
        3,
        "--support",
        "2011-05-01:2011-05-20",
        "--support",
        "2011-08-01:2011-08-10",
        "-o",
        out,
    )
    assert result.exit_code == 0, result.output
    assert "rmse_before" in result.output
    with xr.open_dataset(out) as ds:
        assert ds.attrs["Conventions"] == "CF-1.11"
        assert ds.attrs["title"].startswith("SIMULATED")
        support = pd.DatetimeIndex(ds.time.values[ds["support"].values == 1])
        assert support.min() >= pd.Timestamp("2011-05-01")
        assert support.max() <= pd.Timestamp("2011-08-10")
        assert not (ds["support"].values & ds["scored"].values).any()
        for suffix in ("observed", "zero_shot", "adapted"):
            closed = ds[f"NEE_{suffix}"] - (ds[f"RECO_{suffix}"] - ds[f"GPP_{suffix}"])
            assert abs(closed).max() < 1e-4
            assert ds[f"NEE_{suffix}"].attrs["units"] == "gC m-2 d-1"
        assert (ds["GPP_adapted_sd"] >= 0).all()
        assert ds.attrs["method"] == "site-effect"


def test_predict_writes_the_zero_shot_fluxes_and_says_when_a_tower_was_seen(made, tmp_path):
    workspace, _ = made
    seen = str(workspace.archive().site.values[0])
    result = call("predict", "-w", workspace.path, "-c", workspace.models()[0], "-s", seen, "-o", tmp_path / "p.nc")
    assert result.exit_code == 0, result.output
    assert f"trained on {seen}" in result.stderr
    with xr.open_dataset(tmp_path / "p.nc") as ds:
        assert {"GPP", "GPP_sd", "GPP_observed", "NEE_QC"} <= set(ds.data_vars)
        assert ds["time"].size == ds["NEE"].size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--site", "XX-Xxx"), "no such tower"),
        (("--support", "2011-06-30:2011-06-01"), "no days"),
        (("--support", "June:July"), "Not a period"),
        (("--support", "1950-01-01:1950-02-01"), "None of the support days"),
        (("--method", "magic"), "Known methods"),
        (("--device", "tpu"), "Unknown device"),
        (("--checkpoint", "nowhere"), "no readable checkpoint"),
        (("--workspace", "nowhere"), "not a workspace"),
    ],
)
def test_wrong_options_end_in_one_clear_line(made, tmp_path, arguments, message):
    workspace, held_out = made
    options = {
        "--workspace": workspace.path,
        "--checkpoint": workspace.models()[0],
        "--site": held_out[0],
        "--support": "2011-05-01:2011-05-20",
        "--out": tmp_path / "x.nc",
    } | {arguments[0]: arguments[1]}
    result = call("adapt", *(x for pair in options.items() for x in pair))
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x.nc").exists()


def test_train_without_towers_says_what_to_do(tmp_path):
    from tamrl.towers.workspace import Workspace

    Workspace.create(tmp_path / "w")
    result = call("train", "-w", tmp_path / "w", "-o", tmp_path / "m")
    assert result.exit_code == 1
    assert "ingest" in result.stderr


def test_lists_of_towers_may_be_text_or_csv(tmp_path):
    file = tmp_path / "s.txt"
    file.write_text("# held out\nDE-Tha\n\nFR-Pue # oak\nDE-Tha\n")
    assert read_sites(file) == ("DE-Tha", "FR-Pue")
    file.write_text('\ufeffsite,lat\n"DE-Tha",50.9\n')
    assert read_sites(file) == ("DE-Tha",)
    file.write_text("# nothing\n")
    with pytest.raises(TamrlError, match="names no tower"):
        read_sites(file)
    with pytest.raises(TamrlError, match="cannot be read"):
        read_sites(tmp_path / "none.txt")


def test_counts_and_periods():
    assert read_numbers("0, 30,365,30", "--shots") == (0, 30, 365)
    for wrong in ("", "a", "-1", "1.5"):
        with pytest.raises(TamrlError, match="list of counts"):
            read_numbers(wrong, "--shots")
    assert len(read_period("2005-06-01:2005-06-30")) == 30
    with pytest.raises(TamrlError, match="no days"):
        read_period("2005-06-30:2005-06-01")


def test_train_writes_a_complete_checkpoint_and_says_so_in_the_provenance(made, tmp_path):
    workspace, held_out = made
    settings = (
        "model: {code: 4, embed: 8, hidden: 8, encoder_hidden: 4}\ntrain: {steps: 4, validate_every: 2, batch: 4}\n"
    )
    (tmp_path / "c.yaml").write_text(settings)
    (tmp_path / "held.txt").write_text("\n".join([*held_out, "XX-Not"]))
    result = call(
        "train",
        "-w",
        workspace.path,
        "-o",
        tmp_path / "m",
        "--members",
        1,
        "--config",
        tmp_path / "c.yaml",
        "--exclude-sites",
        tmp_path / "held.txt",
        "--seed",
        3,
        "--device",
        "cpu",
    )
    assert result.exit_code == 0, result.output
    assert "nothing to exclude: XX-Not" in result.stderr
    assert "step 4/4" in result.stderr
    assert "done" in result.stderr
    ensemble = load_ensemble(tmp_path / "m")
    assert ensemble.caution == ""
    assert not ensemble.seen_sites & set(held_out)
    assert "train --out" in workspace.provenance()[-1]["command"]


def test_a_bundled_model_is_found_by_its_name(tmp_path, monkeypatch):
    from pathlib import Path

    from tamrl.cli.options import find_checkpoint

    model = tmp_path / "models" / "observed-daily"
    model.mkdir(parents=True)
    monkeypatch.setattr("tamrl.bundled.bundled_folder", lambda name: tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint(None, None, Path("observed-daily")) == model
    assert find_checkpoint(None, None, Path("elsewhere")) == Path("elsewhere")
    (tmp_path / "observed-daily").mkdir()
    assert find_checkpoint(None, None, Path("observed-daily")) == Path("observed-daily"), "a folder of one's own"
