"""``python -m tamrl bench gpu``: what a GPU gains, and whether it gives the numbers of the CPU."""

import sys
from pathlib import Path

import click

from tamrl.cli.options import find_checkpoint, read_workspace_option


@click.command("gpu")
@read_workspace_option
@click.option(
    "--checkpoint",
    "-c",
    default="fluxnet2015-daily",
    show_default=True,
    type=click.Path(path_type=Path),
    callback=find_checkpoint,
    help="A daily model.",
)
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:<number>; cpu tries the benchmark.")
def command(workspace: Path, checkpoint: Path, device: str) -> None:
    """Print how fast this GPU adapts, trains and predicts beside the CPU, in less than four minutes.

    Ends with an error where the two do not give the same numbers.
    """
    from tamrl.evaluation.benchmark.gpu import Size, lines, measure
    from tamrl.system.device import choose
    from tamrl.towers.workspace import Workspace

    chosen = choose(device)
    small = Size(towers=2, network=8, cells=64, repeats=2) if chosen.type == "cpu" else Size()
    archive = Workspace.open(workspace).archive_path
    rows = measure(archive, checkpoint, chosen, lambda line: click.echo(line, err=True), small)
    click.echo("\n".join(lines(rows, chosen)))
    if not all(row.equal for row in rows):
        click.echo("GPU and CPU differ by more than rounding.", err=True)
        sys.exit(1)
