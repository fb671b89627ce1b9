"""``python -m tamrl evaluate``: scores on held-out towers."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import checkpoint_option, device_option, read_workspace_option, work


@click.command("evaluate")
@read_workspace_option
@checkpoint_option
@click.option("--sites", type=click.Path(path_type=Path), help="File of towers to score; default all held-out ones.")
@click.option("--shots", default="0,30,365", show_default=True, help="Numbers of support days.")
@click.option(
    "--placements", default="growing,dormant,random", show_default=True, help="Where in the record the support lies."
)
@click.option(
    "--models",
    default="tamrl,xgboost,climatology",
    show_default=True,
    help="Models to score: tamrl, tamrl-encode (labels read by the encoder alone) and the baselines.",
)
@click.option(
    "--train-workspace",
    type=click.Path(path_type=Path),
    help="Workspace that the baselines learn from, without the scored towers; default WORKSPACE.",
)
@click.option("--allow-seen", is_flag=True, help="Score towers that the checkpoint was trained on, too.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="CSV to write.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of benchmarks.md, whose section on external towers is updated.",
)
@device_option
def command(**asked: Any) -> None:
    """Score models on the towers of WORKSPACE that the checkpoint has not seen.

    Support: SHOTS valid days (NEE_QC of at least 0.7) in a row, around the middle of the growing season, of the dormant
    season, or a random day. Scored: the valid days outside the largest support of that placement, the same days for
    every model and number of shots; zero-shot on all valid days as well (placement all). Which days these were is
    written beside OUT, in <out>.days.csv. Baselines learn from the drivers that the scored towers have.
    """
    work("evaluate:evaluate", asked)
