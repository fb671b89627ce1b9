"""``python -m tamrl upscale``: global maps from a checkpoint and gridded drivers."""

from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import checkpoint_option, device_option, precision_option, work


class DriversCommand(click.Command):
    """A command whose ``--drivers`` takes all values up to the next option, as the shell expands a pattern."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat ``--drivers`` before each of its values."""
        out, inside = [], False
        for arg in args:
            if inside and not arg.startswith("-"):
                out += ["--drivers", arg]
                continue
            inside = arg in ("--drivers", "-d")
            if not inside:
                out.append(arg)
        return super().parse_args(ctx, out)


@click.command("upscale", cls=DriversCommand)
@checkpoint_option
@click.option(
    "--drivers",
    "-d",
    "files",
    required=True,
    multiple=True,
    help="NetCDF files, Zarr stores or folders on one grid; earth is the bundled global drivers.",
)
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="Zarr to write.")
@click.option(
    "--mapping",
    help="Which variable is which driver: a YAML file or a bundled mapping (era5land-modis). "
    "Without it variables bear the names of the schema.",
)
@click.option(
    "--scheduler", default="local", show_default=True, help="threads, local (processes) or tcp://HOST:PORT of dask."
)
@click.option("--workers", type=click.IntRange(1), help="Threads or processes; default one per core.")
@click.option("--bbox", help="W,S,E,N in degrees.")
@click.option("--time", "period", help="FROM:TO, both days included, for example 2001-01-01:2005-12-31.")
@click.option("--resume", is_flag=True, help="Resume a stopped run.")
@click.option(
    "--memory", help="Memory for the arrays of one worker; default 1GB, on a GPU what it and the machine have."
)
@device_option
@precision_option
@click.option(
    "--allow-gaps",
    is_flag=True,
    help="Predict without a driver where it is missing for some steps or cells, masked as in training; else refused.",
)
@click.option("--keep-members", is_flag=True, help="Keep the fluxes of each member as well.")
@click.option("--spin-up/--no-spin-up", default=True, show_default=True, help="Run the first year twice, as spin-up.")
@click.option(
    "--classes",
    type=click.Choice(["shares", "dominant"]),
    default="shares",
    show_default=True,
    help="Represent a cell by the fractions of its land-cover classes, or by its dominant class.",
)
@click.option("--ilamb", type=click.Path(file_okay=False, path_type=Path), help="Folder for ILAMB-ready NetCDF files.")
def command(**asked: Any) -> None:
    """Predict GPP, RECO and NEE of every cell of a grid, each from its own drivers and classes, with their spread.

    Every finished region is kept: after Ctrl-C, or when a process was killed, the same command with --resume continues.
    """
    work("upscale:upscale", asked)
