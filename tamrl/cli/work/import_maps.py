"""Keep a gridded product as maps of a workspace."""

from pathlib import Path

import click

from tamrl.maps.catalog import open_maps
from tamrl.maps.imports import import_product
from tamrl.maps.products.accounting import report_of
from tamrl.maps.time_means import span
from tamrl.towers.workspace import Workspace


def import_maps(workspace: Path, files: tuple[str, ...], kind: str, mapping: Path | None) -> None:
    """Read FILES of one product (NetCDF, Zarr, folders, ZIP) and keep it as maps of WORKSPACE for the World page."""
    entry = import_product(files, Workspace.open(workspace), kind, mapping)
    with open_maps(entry) as maps:
        for line in report_of(maps).lines():
            click.echo(line, err=True)
        click.echo(f"{entry.label}: {maps.sizes['time']} steps, {span(maps)}, in {entry.path}")
