"""CarbonFluxBench from files in its layout to the table of scores, called as a user calls it."""

import dataclasses
import shutil

import carbonfluxbench_files as files
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.config import Config, ModelConfig, to_dict
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.carbonfluxbench import SPLITS, Protocol, make_workspace, quantiles, write
from tamrl.evaluation.benchmark.runs import read_predictions
from tamrl.evaluation.results import open_results, published
from tamrl.protocol.designs import load_split
from tamrl.protocol.placements import ALL
from tamrl.schema import FLUXES
from tamrl.towers.archive import load_archive, record
from tamrl.towers.quality import flux_table
from tamrl.towers.readers.carbonfluxbench import TARGETS

TOWERS = 12


def call(*arguments):
    return CliRunner().invoke(main, ["bench", "carbonfluxbench", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cfb")
    files.write(folder, towers=TOWERS)
    return folder


def protocol(out, **how):
    return Protocol(archive=out / "workspace" / "archive.zarr", out=out, ablations=(), **how)


def made_up_scores():
    rng = np.random.default_rng(1)
    rows = [
        {
            "split": "koeppen",
            "site": f"S{i}",
            "model": model,
            "flux": flux,
            "n": 40,
            "r2": rng.random(),
            "rmse": i + 1.0,
        }
        for model in ("tamrl", "lightgbm-lags")
        for flux in FLUXES
        for i in range(5)
    ]
    return pd.DataFrame(rows)


def test_quantiles_are_over_towers():
    table = quantiles(made_up_scores())
    assert len(table) == 6
    assert set(table["towers"]) == {5}
    assert table[["rmse_q25", "rmse_median", "rmse_q75"]].drop_duplicates().to_numpy().tolist() == [[2.0, 3.0, 4.0]]


def test_the_table_has_theirs_beside_ours_and_says_which_is_which(data, tmp_path):
    make_workspace(data, tmp_path, lambda _: None)
    document, sites, of = write(protocol(tmp_path, models=("tamrl", "lightgbm-lags")), made_up_scores())
    text = document.read_text(encoding="utf-8")
    assert "They are not ours" in text
    assert f"{TOWERS} towers, 5 held-out ones scored" in text
    lines = [line for line in text.splitlines() if line.startswith("| NEE")]
    r2, rmse = published()["scores"]["koeppen"]["lightgbm"]["NEE"]
    ours = next(line for line in lines if "LightGBM with lagged" in line)
    assert "3.00 (2.00 to 4.00)" in ours
    assert ours.endswith(f"| {r2:.3f} | {rmse:.2f} |")
    assert sum("not run" in line for line in lines) == 2  # XGBoost and CT-LSTM
    assert len(pd.read_csv(sites)) == 30
    assert len(pd.read_csv(of)) == 6


def test_towers_are_read_once_and_those_of_other_data_refused(data, tmp_path):
    said = []
    make_workspace(data, tmp_path / "out", said.append)
    make_workspace(data, tmp_path / "out", said.append)
    assert "already" in said[-1]
    assert said[0].startswith("Reading")
    other = shutil.copytree(data, tmp_path / "other")
    table = pd.read_parquet(other / TARGETS)
    table.iloc[:-1].to_parquet(other / TARGETS)
    with pytest.raises(TamrlError, match="begun with other fluxes"):
        make_workspace(other, tmp_path / "out", said.append)


def test_what_is_missing_or_not_known_is_told(data, tmp_path):
    part = shutil.copytree(data, tmp_path / "part")
    (part / "ERA5.parquet").unlink()
    (part / "feature_sets.json").unlink()
    called = call("--data", part, "-o", tmp_path / "out")
    assert called.exit_code == 1
    assert "lacks ERA5.parquet, feature_sets.json" in called.output
    assert "tamrl fetch carbonfluxbench" in called.output
    assert not (tmp_path / "out").exists()
    assert "Known: igbp, koeppen" in call("--data", data, "-o", tmp_path, "--splits", "igbp,soil").output
    assert "Unknown model 'magic'" in call("--data", data, "-o", tmp_path, "--models", "magic").output
    assert "No model was chosen" in call("--data", data, "-o", tmp_path, "--models", ",").output


def test_both_splits_are_drawn_by_their_rules(data, tmp_path):
    space = make_workspace(data, tmp_path, lambda _: None)
    benchmark = protocol(tmp_path, designs=tuple(SPLITS.values()), models=("tamrl", "ct-lstm"))
    benchmark.prepare(load_archive(space.archive_path))
    archive = load_archive(space.archive_path)
    label = dict(zip(archive.site.values.tolist(), archive.koeppen.values.tolist(), strict=True))
    (held,) = load_split(tmp_path / "splits" / "carbonfluxbench-koeppen.yaml").folds
    for main_class in "ABCDE":
        size = sum(v[0] == main_class for v in label.values())
        assert sum(label[s][0] == main_class for s in held) == int(0.2 * size + 0.5)
    assert [(u.design, u.model) for u in benchmark.units()] == [
        (design, model) for design in SPLITS.values() for model in ("tamrl", "ct-lstm")
    ]


@pytest.mark.slow
def test_from_the_files_to_the_table(data, tmp_path):
    train = dataclasses.replace(Config().train, sequence=240, spin_up=20, batch=4, steps=8, validate_every=4)
    config = tmp_path / "small.yaml"
    config.write_text(
        yaml.safe_dump(to_dict(Config(ModelConfig(code=6, embed=10, hidden=12, encoder_hidden=5), train)))
    )
    out = tmp_path / "out"
    how = ("--splits", "igbp", "--models", "tamrl", "--members", 1, "--config", config, "--workers", 1)
    called = call("--data", data, "-o", out, *how)
    assert called.exit_code == 0, called.output
    assert "R2, theirs" in called.output
    sites = pd.read_csv(out / "carbonfluxbench-sites.csv")
    (held,) = load_split(out / "splits" / "carbonfluxbench.yaml").folds
    assert set(sites["model"]) == {"tamrl"}
    assert set(sites["site"]) <= set(held)
    assert (sites["n"] >= 30).all()
    # By hand: the zero-shot prediction on the days with NEE_QC = 1 alone.
    archive = load_archive(out / "workspace" / "archive.zarr")
    row = sites[sites["model"] == "tamrl"].iloc[-1]
    tower = record(archive, row["site"])
    best = tower["NEE_QC"].values == 1
    file = out / "predictions" / "carbonfluxbench-0" / "tamrl.npz"
    (made,) = [p for p in read_predictions(file, row["site"], [ALL]) if p.shots == 0]
    i = FLUXES.index(row["flux"])
    observed, predicted = flux_table(tower)[best, i].astype(float), made.fluxes[best, i]
    assert row["n"] == np.isfinite(observed).sum() < np.isfinite(tower["NEE"].values).sum()
    assert row["rmse"] == pytest.approx(np.sqrt(np.nanmean((predicted - observed) ** 2)), rel=1e-4)
    spread = np.nansum((observed - np.nanmean(observed)) ** 2)
    assert row["r2"] == pytest.approx(1 - np.nansum((predicted - observed) ** 2) / spread, rel=1e-3, abs=1e-4)
    results = open_results(out / "results")
    assert results.designs == ("carbonfluxbench",)
    again = call("--data", data, "-o", out, *how)
    assert again.exit_code == 0
    assert "1 of 1 units are done" in again.output
