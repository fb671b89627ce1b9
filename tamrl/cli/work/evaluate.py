"""Score models on held-out towers and tell the medians."""

import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd
import xarray as xr

from tamrl.cli.options import read_names, read_numbers, read_sites
from tamrl.evaluation.benchmark.external import write_section
from tamrl.evaluation.held_out import held_out, summarise
from tamrl.evaluation.models import known_drivers, model_names
from tamrl.evaluation.of_model import evaluate_model, near_copies
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import open_model
from tamrl.predict.gaps import driver_gaps
from tamrl.predict.rehearsal import ready
from tamrl.protocol.placements import ALL
from tamrl.system.device import describe, one_thread
from tamrl.towers.archive import record
from tamrl.towers.workspace import Workspace


def evaluate(
    workspace: Path,
    checkpoint: Path,
    sites: Path | None,
    shots: str,
    placements: str,
    models: str,
    train_workspace: Path | None,
    allow_seen: bool,
    out: Path,
    docs: Path | None,
    device: str,
) -> None:
    """Score models on the towers of WORKSPACE that the checkpoint has not seen."""
    one_thread()
    ours, baselines = model_names(read_names(models))
    counts, where = read_numbers(shots, "--shots"), read_names(placements)
    archive = Workspace.open(workspace).archive()
    picked = ready("site-effect", device, lambda line: click.echo(line, err=True))
    model = open_model(checkpoint, picked.device)
    candidates = read_sites(sites) if sites else archive.site.values.tolist()
    chosen, seen = held_out(candidates, model, sites is not None, allow_seen)
    training = Workspace.open(train_workspace).archive() if train_workspace else archive
    near = near_copies(model, archive, chosen, training, allow_seen)
    ensemble = model.for_site(chosen[0])
    _say(ensemble)
    _say_near(seen, near)
    there, missing = _drivers(archive, chosen, ensemble.config.model.drivers)
    use: dict[str, Any] = {"ours": ours, "baselines": baselines, "training": training, "drivers": there}
    with click.progressbar(length=len(chosen), label="Scoring", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        scores, days = evaluate_model(model, archive, chosen, counts, where, **use, on_tower=lambda site: bar.update(1))
    _write(scores, days, out)
    if docs:
        said = f"Model: {checkpoint.name}, {len(ensemble.members)} members."
        _write_docs(scores, days, [said, *_remarks(missing, near, seen)], docs)


def _write_docs(scores: pd.DataFrame, days: pd.DataFrame, said: list[str], docs: Path) -> None:
    """Write the section of external towers into the benchmarks."""
    click.echo(f"Written: {write_section(scores, days, said, docs)}")


def _say(ensemble: Ensemble) -> None:
    """Tell on standard error which model scores."""
    click.echo(f"{len(ensemble.members)} members on {describe(ensemble.device)}", err=True)
    if ensemble.caution:
        click.echo(ensemble.caution, err=True)


def _say_near(seen: tuple[str, ...], near: list[str]) -> None:
    """Tell on standard error which towers the model has seen, and which are near-copies of those."""
    if seen:
        click.echo(f"Left out, the checkpoint was trained on them: {len(seen)} towers", err=True)
    for warning in near:
        click.echo(warning, err=True)


def _drivers(archive: xr.Dataset, chosen: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Tell which drivers no tower has, and where they have gaps; return those that are there, and the others."""
    there = known_drivers(archive, chosen, names)
    missing = ", ".join(name for name in names if name not in there)
    if missing:
        click.echo(f"No tower has: {missing}. TAM-RL does without, baselines are trained without.", err=True)
    holed = [site for site in chosen if driver_gaps(record(archive, site), names)]
    if holed:
        named = ", ".join(holed[:8]) + (f" and {len(holed) - 8} more" if len(holed) > 8 else "")
        click.echo(f"Gaps in drivers of {len(holed)} towers, scored as predicted without them: {named}", err=True)
    return there, missing


def _remarks(missing: str, near: list[str], seen: tuple[str, ...]) -> list[str]:
    """Return what a reader of the document must know of the scores."""
    lacking = f"Drivers that no tower has: {missing}; TAM-RL does without, baselines were trained without."
    left_out = f"Left out, since the model was trained on them: {', '.join(seen)}."
    return [*([lacking] if missing else []), *near, *([left_out] if seen else [])]


def _write(scores: pd.DataFrame, days: pd.DataFrame, out: Path) -> None:
    """Write the scores and, beside them, their days; tell the medians."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scores.to_csv(out, index=False, float_format="%.6g")
    days_file = out.with_suffix(".days.csv")
    days.to_csv(days_file, index=False)
    _report(scores, days)
    click.echo(f"Scores in {out}, days in {days_file}.")


def _report(scores: pd.DataFrame, days: pd.DataFrame) -> None:
    """Write the medians, and which days were scored, to standard output."""
    click.echo(
        "Medians over towers of daily scores: 0 shots on all valid days, others outside the support, the mean of the "
        "placements. RMSE against zero-shot TAM-RL on the same towers and days, %: change, of the medians; paired, "
        "geometric mean over towers; improved and harmed, towers more than 10 % better and worse."
    )
    click.echo(summarise(scores).drop(columns="statistic").to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    scored = days[days["scored"]].drop_duplicates(["site", "placement"])
    for name, here in (
        ("all of a tower", scored["placement"] == ALL),
        ("outside the support", scored["placement"] != ALL),
    ):
        if here.any():
            click.echo(f"Scored days, {name}: {scored.loc[here, 'n_scored'].median():.0f} (median).")
    for (count, reason), group in days[~days["scored"]].groupby(["shots", "rule"]):
        click.echo(f"No score for {count} shots, {reason}: {', '.join(dict.fromkeys(group['site']))}")
