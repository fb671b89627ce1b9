"""``python -m tamrl import``: a gridded product into the maps of a workspace."""

from pathlib import Path

import click

from tamrl.cli.options import workspace_option


@click.command("import")
@workspace_option
@click.argument("files", nargs=-1, required=True)
@click.option("--kind", default="auto", show_default=True, help="A known product, or cf with a mapping.")
@click.option(
    "--mapping", type=click.Path(dir_okay=False, path_type=Path), help="YAML: which variable is GPP, RECO or NEE."
)
def command(workspace: Path, files: tuple[str, ...], kind: str, mapping: Path | None) -> None:
    """Read FILES of one product (NetCDF, Zarr, folders, ZIP) and keep it as maps of WORKSPACE for the World page.

    Says what was rejected, missing, converted and assumed on the way in; the maps keep it, too.
    """
    from tamrl.maps.catalog import import_product, open_maps
    from tamrl.maps.products.accounting import report_of
    from tamrl.maps.time_means import span
    from tamrl.towers.workspace import Workspace

    entry = import_product(files, Workspace.open(workspace), kind, mapping)
    with open_maps(entry) as maps:
        for line in report_of(maps).lines():
            click.echo(line, err=True)
        click.echo(f"{entry.label}: {maps.sizes['time']} steps, {span(maps)}, in {entry.path}")
