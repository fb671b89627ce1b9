"""Predict every cell of a grid and tell what was made."""

import os
import re
import sys
from pathlib import Path

import click

from tamrl.cli.work.period import read_period
from tamrl.errors import TamrlError
from tamrl.predict.fastest import UPSCALE
from tamrl.predict.rehearsal import ready
from tamrl.upscale import run
from tamrl.upscale.cluster import is_address
from tamrl.upscale.ilamb import export
from tamrl.upscale.request import UpscaleProgress, UpscaleRequest

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?\s*$", re.IGNORECASE)


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


def upscale(
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
    """Predict GPP, RECO and NEE of every cell of a grid, each from its own drivers and classes, with their spread."""
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
        device=_device(device, scheduler),
        precision=precision,
        members=keep_members,
        spin_up=spin_up,
        dominant=classes == "dominant",
        allow_gaps=allow_gaps,
    )
    _run(request, ilamb)


def _device(name: str, scheduler: str) -> str:
    """Return the device to ask for: what a cluster has is not known here."""
    if is_address(scheduler):
        return name
    return str(ready(UPSCALE, name, lambda line: click.echo(line, err=True)).device)


def _run(request: UpscaleRequest, ilamb: Path | None) -> None:
    """Upscale, tell what was made, and export it."""
    again = "The same command with --resume goes on."
    try:
        outcome = run.upscale(request, _show)
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


def _show(progress: UpscaleProgress) -> None:
    """Write progress to standard error: in place on a terminal, else one line at every tenth of the work."""
    line = f"{progress.what}: {progress.done} of {progress.total}"
    last = progress.done == progress.total
    if sys.stderr.isatty():
        click.echo(f"\r{line}", err=True, nl=last)
    elif last or progress.done * 10 // progress.total > (progress.done - 1) * 10 // progress.total:
        click.echo(line, err=True)
