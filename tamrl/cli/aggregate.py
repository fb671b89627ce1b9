"""``python -m tamrl aggregate``: a monthly workspace of a daily one."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import read_workspace_option, work


@click.command("aggregate")
@read_workspace_option
@click.option(
    "--out", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Monthly workspace to write."
)
@click.option(
    "--earth/--no-earth", default=True, show_default=True, help="Add NDVI and C4 of the bundled global drivers."
)
def command(**asked: Any) -> None:
    """Average the towers of WORKSPACE by month and put them into OUT, which climate models are trained on."""
    work("aggregate:aggregate", asked)
