"""``python -m tamrl bench speed``: ratios of speed on this machine, against the bars that were set out for them."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import daily_checkpoint_option, read_workspace_option, work


@click.command("speed")
@read_workspace_option
@daily_checkpoint_option
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Repetitions of each comparison.")
@click.option(
    "--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder of benchmarks.md, which is updated."
)
def command(**asked: Any) -> None:
    """Print how fast prediction and training are on one thread of this machine: some five minutes.

    Each line is a ratio of what ran in turns, the median over the rounds, with its bar. What is measured in a browser
    has a command of its own.
    """
    work("bench:speed", asked)
