"""``python -m tamrl bench upscale``: speed and memory of the upscaling engine."""

import tempfile
from functools import partial
from pathlib import Path

import click

from tamrl.cli.options import device_option, find_checkpoint, precision_option


@click.command("upscale")
@click.option(
    "--checkpoint",
    "-c",
    default="fluxnet2015-daily",
    show_default=True,
    type=click.Path(path_type=Path),
    callback=find_checkpoint,
    help="A daily model.",
)
@device_option
@precision_option
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where to work, 3 GB; default temporary."
)
@click.option(
    "--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder of benchmarks.md, to write into."
)
def command(checkpoint: Path, device: str, precision: str, folder: Path | None, docs: Path | None) -> None:
    """Print the ratios of the engine on this machine: on a quiet one, some ten minutes.

    Against the bare LSTM, two workers against one (on CPUs), memory at two resolutions, maps against series; and what
    daily globes of 0.05 and 0.25 degree would cost.
    """
    from tamrl.evaluation.benchmark.upscaling import measure
    from tamrl.evaluation.benchmark.upscaling_report import lines, write_section

    with tempfile.TemporaryDirectory(prefix="tamrl-bench-", dir=folder) as work:
        say = partial(click.echo, err=True)
        figures = measure(checkpoint.resolve(), Path(work), say, device=device, precision=precision)
    click.echo("\n".join(lines(figures)))
    if docs:
        click.echo(f"Written: {write_section(figures, docs)}")
