"""``python -m tamrl bench``: measurements that fill docs/benchmarks.md."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.bench_carbonfluxbench import command as carbonfluxbench
from tamrl.cli.bench_gpu import command as gpu
from tamrl.cli.bench_speed import command as speed
from tamrl.cli.bench_upscale import command as upscale
from tamrl.cli.options import read_workspace_option, work


@click.group("bench")
def command() -> None:
    """Measure: scores on held-out towers, speed and memory of the engine."""


command.add_command(speed)
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
@click.option("--side-members", default=1, show_default=True, type=click.IntRange(1), help="Members in the others.")
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
    help="Monthly models read LAI and EVI predicted from climate without the held-out towers.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes at once; default one per core.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder for benchmarks.md and figures.")
def accuracy(**asked: Any) -> None:
    """Compare TAM-RL with its baselines on held-out towers of WORKSPACE.

    Every tower is held out once a design. What is done is kept in OUT: run the same command again to go on after
    Ctrl-C. OUT/results is the folder that the Scorecard page reads; --docs writes the tables and figures as well.
    """
    work("bench:accuracy", asked)
