"""``python -m tamrl import``: a gridded product into the maps of a workspace."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import work, workspace_option


@click.command("import")
@workspace_option
@click.argument("files", nargs=-1, required=True)
@click.option("--kind", default="auto", show_default=True, help="A known product, or cf with a mapping.")
@click.option(
    "--mapping", type=click.Path(dir_okay=False, path_type=Path), help="YAML: which variable is GPP, RECO or NEE."
)
def command(**asked: Any) -> None:
    """Read FILES of one product (NetCDF, Zarr, folders, ZIP) and keep it as maps of WORKSPACE for the World page.

    Says what was rejected, missing, converted and assumed on the way in; the maps keep it, too.
    """
    work("import_maps:import_maps", asked)
