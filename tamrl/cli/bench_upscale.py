"""``python -m tamrl bench upscale``: speed and memory of the upscaling engine."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import daily_checkpoint_option, device_option, precision_option, work


@click.command("upscale")
@daily_checkpoint_option
@device_option
@precision_option
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Folder to work in, 3 GB; default temporary."
)
@click.option(
    "--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder of benchmarks.md, which is updated."
)
def command(**asked: Any) -> None:
    """Print the ratios of the engine on this machine: on a quiet one, some ten minutes.

    Against the bare LSTM, two workers against one (on CPUs), memory at two resolutions, maps against series; and what
    daily globes of 0.05 and 0.25 degree would cost.
    """
    work("bench:upscale", asked)
