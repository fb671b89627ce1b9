"""``python -m tamrl bench carbonfluxbench``: the public benchmark from its files to a table."""

import os
import sys
from pathlib import Path

import click

from tamrl.cli.options import read_names


@click.command("carbonfluxbench")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the data set, as `tamrl fetch carbonfluxbench` leaves it.",
)
@click.option("--out", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to work in.")
@click.option("--splits", default="igbp,koeppen", show_default=True, help="Its splits: igbp, koeppen.")
@click.option("--models", default="tamrl,ct-lstm,xgboost,lightgbm-lags", show_default=True, help="Models to compare.")
@click.option("--members", default=10, show_default=True, type=click.IntRange(1), help="Members of TAM-RL.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings of the networks, YAML.")
@click.option("--workers", type=click.IntRange(1), help="Processes at once; default one a core.")
def command(
    data: Path, out: Path, splits: str, models: str, members: int, config_file: Path | None, workers: int | None
) -> None:
    """Score models on CarbonFluxBench as its authors do: zero-shot, days with NEE_QC = 1, quantiles over towers.

    The towers go into OUT/workspace, the results into OUT/results, the table with the published medians beside ours
    into OUT/carbonfluxbench.md. What is done is kept: run the same command again to go on after Ctrl-C.
    """
    from tamrl.config import Config, load_config
    from tamrl.errors import TamrlError
    from tamrl.evaluation.benchmark.carbonfluxbench import SPLITS, Protocol, make_workspace, run_protocol

    chosen = read_names(splits)
    if unknown := [name for name in chosen if name not in SPLITS]:
        raise TamrlError(f"Unknown split {', '.join(unknown)}", "--splits", f"Known: {', '.join(SPLITS)}")
    names = read_names(models)
    if not names:
        raise TamrlError("No model was chosen", "--models", "Name one or more, for example tamrl,xgboost")

    def tell(line: str) -> None:
        click.echo(line, err=True)

    benchmark = Protocol(
        archive=out / "workspace" / "archive.zarr",
        out=out,
        designs=tuple(SPLITS[name] for name in chosen),
        members=members,
        side_members=members,
        models=names,
        ablations=(),
        config=load_config(config_file) if config_file else Config(),
    )
    make_workspace(data, out, tell)
    written = run_protocol(benchmark, workers or os.cpu_count() or 1, tell)
    left = [unit for unit in benchmark.units() if not unit.file.exists()]
    if left:
        click.echo(f"Stopped with {len(left)} units left; the same command goes on.", err=True)
        sys.exit(130)
    click.echo(written[0].read_text(encoding="utf-8"))
    click.echo(f"Written: {', '.join(str(path) for path in written)}, {out / 'results'}")
