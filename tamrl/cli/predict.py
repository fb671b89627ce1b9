"""``python -m tamrl predict`` and ``adapt``: fluxes at one tower as NetCDF."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli import take
from tamrl.cli.options import checkpoint_option, device_option, read_workspace_option, work
from tamrl.predict.methods import METHODS

site_option = click.option("--site", "-s", required=True, help="Tower id.")
gaps_option = click.option(
    "--allow-gaps",
    is_flag=True,
    help="Also predict steps at which a driver of the tower is missing, without it; by default they are left out.",
)
out_option = click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="NetCDF file to write.")


@click.command("predict")
@read_workspace_option
@checkpoint_option
@site_option
@gaps_option
@out_option
@device_option
def predict_command(**asked: Any) -> None:
    """Predict the fluxes of one tower zero-shot and write them with the observed ones as CF NetCDF.

    With a model that adapt --save-model wrote, predict with what it has learnt at the tower.
    """
    work("predict:predict", asked)


@click.command("adapt")
@read_workspace_option
@checkpoint_option
@site_option
@click.option(
    "--support",
    "periods",
    required=True,
    multiple=True,
    help="FROM:TO, days whose fluxes may be used, for example 2005-06-01:2005-06-30; may be repeated.",
)
@click.option(
    "--method",
    default="site-effect",
    show_default=True,
    help="; ".join(f"{method.name}: {method.description}" for method in METHODS.values()) + ".",
)
@click.option(
    "--steps", default=60, show_default=True, type=int, help="Gradient steps of each fit, with the method all."
)
@click.option(
    "--learning-rate",
    default=0.1,
    show_default=True,
    type=float,
    help="Learning rate, with the method all, in prior standard deviations.",
)
@gaps_option
@out_option
@take.report_option
@take.notebook_option
@take.model_option
@take.url_option
@device_option
def adapt_command(**asked: Any) -> None:
    """Adapt the model to one tower from a few days and write observed, zero-shot and adapted fluxes as CF NetCDF."""
    work("predict:adapt", asked)
