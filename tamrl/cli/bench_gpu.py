"""``python -m tamrl bench gpu``: what a GPU gains, and whether it gives the numbers of the CPU."""

from typing import Any

import click

from tamrl.cli.options import daily_checkpoint_option, read_workspace_option, work


@click.command("gpu")
@read_workspace_option
@daily_checkpoint_option
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:<number>; cpu is a trial run.")
def command(**asked: Any) -> None:
    """Print how fast this GPU adapts, trains and predicts beside the CPU.

    Ends with an error where the two do not give the same numbers.
    """
    work("bench:gpu", asked)
