"""``python -m tamrl bench``: measurements that fill docs/benchmarks.md."""

import sys
from pathlib import Path

import click

from tamrl.cli.bench_carbonfluxbench import command as carbonfluxbench
from tamrl.cli.bench_gpu import command as gpu
from tamrl.cli.bench_upscale import command as upscale
from tamrl.cli.options import read_names, read_workspace_option


@click.group("bench")
def command() -> None:
    """Measure: scores on held-out towers, speed and memory of the engine."""


command.add_command(gpu)
command.add_command(upscale)
command.add_command(carbonfluxbench)


@command.command("accuracy")
@read_workspace_option
@click.option("--out", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to work in.")
@click.option("--designs", default="igbp,koeppen,carbonfluxbench", show_default=True, help="How towers are held out.")
@click.option("--models", default="", help="Models to compare; default all.")
@click.option("--ablations", default="all", show_default=True, help="all, none, or names separated by commas.")
@click.option("--members", default=5, show_default=True, type=click.IntRange(1), help="Members in the first design.")
@click.option("--side-members", default=1, show_default=True, type=click.IntRange(1), help="In the others.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings of the networks, YAML.")
@click.option(
    "--ablation-steps", default=200, show_default=True, type=click.IntRange(1), help="Optimiser steps of an ablation."
)
@click.option(
    "--ablation-folds",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Folds that ablations are trained on.",
)
@click.option(
    "--phenology",
    is_flag=True,
    help="Monthly models read LAI and EVI predicted from climate, which no held-out tower was seen for.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes at once; default one a core.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder for benchmarks.md and figures.")
def accuracy(
    workspace: Path,
    out: Path,
    designs: str,
    models: str,
    ablations: str,
    members: int,
    side_members: int,
    config_file: Path | None,
    ablation_steps: int,
    ablation_folds: int,
    phenology: bool,
    workers: int | None,
    docs: Path | None,
) -> None:
    """Compare TAM-RL with its baselines on held-out towers of WORKSPACE.

    Every tower is held out once a design. What is done is kept in OUT: run the same command again to go on after
    Ctrl-C. OUT/results is the folder that the Scorecard page reads; --docs writes the tables and figures as well.
    """
    import os

    from tamrl.config import Config, load_config
    from tamrl.evaluation.benchmark.accuracy import Benchmark, run
    from tamrl.evaluation.benchmark.report import write_report
    from tamrl.evaluation.benchmark.runs import ABLATIONS, WITHOUT
    from tamrl.towers.workspace import Workspace

    chosen = {"all": (*ABLATIONS, *WITHOUT), "none": ()}.get(ablations) if ablations in ("all", "none") else None
    benchmark = Benchmark(
        archive=Workspace.open(workspace).archive_path,
        out=out,
        designs=read_names(designs),
        members=members,
        side_members=side_members,
        models=read_names(models),
        ablations=read_names(ablations) if chosen is None else chosen,
        config=load_config(config_file) if config_file else Config(),
        ablation_steps=ablation_steps,
        ablation_folds=ablation_folds,
        phenology=phenology,
    )
    tables = run(benchmark, workers or os.cpu_count() or 1, lambda line: click.echo(line, err=True))
    left = [unit for unit in benchmark.units() if not unit.file.exists()]
    if left:
        click.echo(f"Stopped with {len(left)} units left; the same command goes on.", err=True)
        sys.exit(130)
    if docs:
        click.echo(f"Written: {', '.join(str(p) for p in write_report(tables, docs))}")
    click.echo(f"Results in {out / 'results'}: {len(tables['sites'])} towers, {len(tables['scores'])} scores.")
