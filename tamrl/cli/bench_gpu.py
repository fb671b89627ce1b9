"""``python -m tamrl bench gpu``: what a GPU gains, and whether it gives the numbers of the CPU."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import find_checkpoint, read_workspace_option, work


@click.command("gpu")
@read_workspace_option
@click.option(
    "--checkpoint",
    "-c",
    default="fluxnet2015-daily",
    show_default=True,
    type=click.Path(path_type=Path),
    callback=find_checkpoint,
    help="A daily model.",
)
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:<number>; cpu tries the benchmark.")
def command(**asked: Any) -> None:
    """Print how fast this GPU adapts, trains and predicts beside the CPU, in less than four minutes.

    Ends with an error where the two do not give the same numbers.
    """
    work("bench:gpu", asked)
