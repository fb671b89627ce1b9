"""``python -m tamrl bench speed``: ratios of speed on this machine, against the bars that were set out for them."""

from pathlib import Path

import click

from tamrl.cli.options import find_checkpoint, read_workspace_option


@click.command("speed")
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
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Turns of each comparison.")
@click.option(
    "--docs", type=click.Path(file_okay=False, path_type=Path), help="Folder of benchmarks.md, to write into."
)
def command(workspace: Path, checkpoint: Path, rounds: int, docs: Path | None) -> None:
    """Print how fast prediction and training are on one thread of this machine: some five minutes.

    Each line is a ratio of what ran in turns, the median over the rounds, with its bar. What is measured in a browser
    has a command of its own.
    """
    from tamrl.evaluation.benchmark.speed import lines, measure, write_section
    from tamrl.system.device import processors
    from tamrl.towers.workspace import Workspace

    archive = Workspace.open(workspace).archive_path
    rows = measure(archive, checkpoint.resolve(), lambda line: click.echo(line, err=True), rounds)
    click.echo("\n".join(lines(rows, processors())))
    if docs:
        click.echo(f"Written: {write_section(rows, processors(), docs)}")
