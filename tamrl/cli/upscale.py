"""``python -m tamrl upscale``: global maps from a checkpoint and gridded drivers."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamrl.cli.options import checkpoint_option, device_option, precision_option, read_period
from tamrl.errors import TamrlError

if TYPE_CHECKING:
    from tamrl.upscale.request import UpscaleProgress, UpscaleRequest

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?\s*$", re.IGNORECASE)


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


def read_size(text: str) -> int:
    """Return bytes of a size such as ``1GB`` or ``500 MB``.

    Raises:
        TamrlError: it is no size.
    """
    matched = _SIZE.match(text)
    if not matched:
        raise TamrlError(f"Not a size: {text!r}", "--memory", "Write for example 500MB or 2GB")
    return int(float(matched[1]) * 1000 ** " KMGT".index(matched[2].upper() or " "))


def read_box(text: str) -> tuple[float, float, float, float]:
    """Return west, south, east, north.

    Raises:
        TamrlError: these are not four numbers.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise TamrlError(
            f"Not a box: {text!r}", "--bbox", "Write W,S,E,N in degrees, for example -10,35,30,60"
        ) from error
    return west, south, east, north


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
    help="Which variable is which driver: YAML file or a shipped one (era5land-modis). "
    "Without it variables bear the names of the schema.",
)
@click.option(
    "--scheduler", default="local", show_default=True, help="threads, local (processes) or tcp://HOST:PORT of dask."
)
@click.option("--workers", type=click.IntRange(1), help="Threads or processes; default one a core.")
@click.option("--bbox", help="W,S,E,N in degrees.")
@click.option("--time", "period", help="FROM:TO, both days included, for example 2001-01-01:2005-12-31.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped.")
@click.option(
    "--memory", help="What the arrays of one worker may take; default 1GB, on a GPU what it and the machine have."
)
@device_option
@precision_option
@click.option(
    "--allow-gaps",
    is_flag=True,
    help="Predict without a driver where it is missing for some steps or cells, masked as in training; else refused.",
)
@click.option("--keep-members", is_flag=True, help="Keep the fluxes of each member, too.")
@click.option("--spin-up/--no-spin-up", default=True, show_default=True, help="Run the first year once before.")
@click.option(
    "--classes",
    type=click.Choice(["shares", "dominant"]),
    default="shares",
    show_default=True,
    help="Read a cell by the shares of its land-cover classes, or as its largest one.",
)
@click.option("--ilamb", type=click.Path(file_okay=False, path_type=Path), help="Folder for ILAMB-ready NetCDF, too.")
def command(
    checkpoint: Path,
    files: tuple[str, ...],
    out: Path,
    mapping: str | None,
    scheduler: str,
    workers: int | None,
    bbox: str | None,
    period: str | None,
    resume: bool,
    memory: str | None,
    device: str,
    precision: str,
    keep_members: bool,
    spin_up: bool,
    classes: str,
    ilamb: Path | None,
    allow_gaps: bool,
) -> None:
    """Predict GPP, RECO and NEE of every cell of a grid, each from its own drivers and classes, with their spread.

    Every finished region is kept: after Ctrl-C, or when a process was killed, the same command with --resume goes on.
    """
    import os

    from tamrl.upscale.request import UpscaleRequest

    days = read_period(period, "--time") if period else None
    request = UpscaleRequest(
        checkpoint=checkpoint,
        files=files,
        out=out,
        mapping=mapping,
        scheduler=scheduler,
        workers=workers or os.cpu_count() or 1,
        bbox=read_box(bbox) if bbox else None,
        period=(days[0], days[-1]) if days is not None else None,
        resume=resume,
        memory=read_size(memory) if memory else None,
        device=device,
        precision=precision,
        members=keep_members,
        spin_up=spin_up,
        dominant=classes == "dominant",
        allow_gaps=allow_gaps,
    )
    _run(request, ilamb)


def _run(request: "UpscaleRequest", ilamb: Path | None) -> None:
    """Upscale, tell what was made, and export it."""
    from tamrl.upscale.ilamb import export
    from tamrl.upscale.run import upscale

    again = "The same command with --resume goes on."
    try:
        outcome = upscale(request, _show)
    except KeyboardInterrupt:
        click.echo(f"\nStopped; every finished region is kept. {again}", err=True)
        sys.exit(130)
    for line in outcome.report.lines():
        click.echo(f"Drivers, {line}", err=True)
    for note in outcome.notes:
        click.echo(f"Note: {note}", err=True)
    before = f", {outcome.before} of them before" if outcome.before else ""
    click.echo(
        f"Maps in {outcome.out}: {outcome.cells} cells, {outcome.steps} steps, "
        f"{outcome.computed + outcome.before} regions{before}."
    )
    if ilamb:
        click.echo(f"For ILAMB: {', '.join(str(p) for p in export(outcome.out, ilamb))}")


def _show(progress: "UpscaleProgress") -> None:
    """Write progress to standard error: in place on a terminal, else one line at every tenth of the work."""
    line = f"{progress.what}: {progress.done} of {progress.total}"
    last = progress.done == progress.total
    if sys.stderr.isatty():
        click.echo(f"\r{line}", err=True, nl=last)
    elif last or progress.done * 10 // progress.total > (progress.done - 1) * 10 // progress.total:
        click.echo(line, err=True)
