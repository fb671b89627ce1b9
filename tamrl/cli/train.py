"""``python -m tamrl train``: an ensemble on the towers of a workspace."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import device_option, read_workspace_option, work


@click.command("train")
@read_workspace_option
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="Checkpoint folder to write.")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="YAML with settings that differ from the defaults."
)
@click.option("--members", "-k", default=5, show_default=True, type=int, help="Members of the ensemble.")
@click.option("--exclude-sites", type=click.Path(path_type=Path), help="File of towers to exclude from the training.")
@click.option("--seed", default=0, show_default=True, type=int, help="Seed of weights, batches and splits.")
@click.option("--resume", is_flag=True, help="Resume a stopped run, with the same settings.")
@click.option("--workers", type=int, help="Members trained at once on a CPU; default one per core.")
@device_option
def command(**asked: Any) -> None:
    """Train an ensemble of TAM-RL on the towers of WORKSPACE.

    Ctrl-C stops after the current step: OUT then holds a usable checkpoint of the best weights so far, and --resume
    goes on. Exit status 0: all members are finished; 130: stopped; 1: something failed.
    """
    work("train:train", asked)
