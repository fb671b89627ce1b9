"""``python -m tamrl bench carbonfluxbench``: the public benchmark from its files to a table."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import work


@click.command("carbonfluxbench")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the data set, as `tamrl fetch carbonfluxbench` leaves it.",
)
@click.option("--out", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to work in.")
@click.option("--splits", default="igbp,koeppen", show_default=True, help="Its splits: igbp, koeppen.")
@click.option("--models", default="tamrl,ct-lstm,xgboost,lightgbm-lags", show_default=True, help="Models to compare.")
@click.option("--members", default=10, show_default=True, type=click.IntRange(1), help="Members of TAM-RL.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings of the networks, YAML.")
@click.option("--workers", type=click.IntRange(1), help="Processes at once; default one per core.")
def command(**asked: Any) -> None:
    """Score models on CarbonFluxBench as its authors do: zero-shot, days with NEE_QC = 1, quantiles over towers.

    The towers go into OUT/workspace, the results into OUT/results, the table with the published medians beside ours
    into OUT/carbonfluxbench.md. What is done is kept: run the same command again to go on after Ctrl-C.
    """
    work("bench:carbonfluxbench", asked)
