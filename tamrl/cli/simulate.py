"""``python -m tamrl simulate``: a workspace of SIMULATED towers."""

from typing import Any

import click

from tamrl.cli.options import work, workspace_option


@click.command("simulate")
@workspace_option
@click.option("--towers", default=40, show_default=True, type=int, help="How many towers.")
@click.option("--seed", default=None, type=int, help="Seed; default: that of the bundled workspace.")
def command(**asked: Any) -> None:
    """Make SIMULATED towers and put them into WORKSPACE.

    Several years of daily weather, leaves, GPP, RECO and NEE at made-up places, each tower with hidden traits,
    measurement noise, gaps and days of low quality. The same seed gives the same towers; towers of the same name are
    replaced. A workspace of real towers is refused.
    """
    work("simulate:make", asked)
