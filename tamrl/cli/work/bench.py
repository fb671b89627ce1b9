"""Measure, and write the measurements into the documents."""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

from tamrl.cli.options import read_names
from tamrl.config import Config, load_config
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark import accuracy as accuracy_benchmark
from tamrl.evaluation.benchmark import carbonfluxbench as protocol
from tamrl.evaluation.benchmark import gpu as gpu_benchmark
from tamrl.evaluation.benchmark import speed as speed_benchmark
from tamrl.evaluation.benchmark import upscaling, upscaling_report
from tamrl.evaluation.benchmark.report import write_report
from tamrl.evaluation.benchmark.runs import ABLATIONS, WITHOUT
from tamrl.system.device import choose, processors
from tamrl.towers.workspace import Workspace


def accuracy(
    workspace: Path,
    out: Path,
    designs: str,
    models: str,
    ablations: str,
    members: int,
    side_members: int,
    config_file: Path | None,
    ablation_steps: int,
    ablation_folds: int,
    phenology: bool,
    workers: int | None,
    docs: Path | None,
) -> None:
    """Compare TAM-RL with its baselines on held-out towers of WORKSPACE."""
    chosen = {"all": (*ABLATIONS, *WITHOUT), "none": ()}.get(ablations) if ablations in ("all", "none") else None
    benchmark = accuracy_benchmark.Benchmark(
        archive=Workspace.open(workspace).archive_path,
        out=out,
        designs=read_names(designs),
        members=members,
        side_members=side_members,
        models=read_names(models),
        ablations=read_names(ablations) if chosen is None else chosen,
        config=load_config(config_file) if config_file else Config(),
        ablation_steps=ablation_steps,
        ablation_folds=ablation_folds,
        phenology=phenology,
    )
    tables = accuracy_benchmark.run(benchmark, workers or os.cpu_count() or 1, lambda line: click.echo(line, err=True))
    left = [unit for unit in benchmark.units() if not unit.file.exists()]
    if left:
        click.echo(f"Stopped with {len(left)} units left; the same command continues.", err=True)
        sys.exit(130)
    if docs:
        click.echo(f"Written: {', '.join(str(p) for p in write_report(tables, docs))}")
    click.echo(f"Results in {out / 'results'}: {len(tables['sites'])} towers, {len(tables['scores'])} scores.")


def carbonfluxbench(
    data: Path, out: Path, splits: str, models: str, members: int, config_file: Path | None, workers: int | None
) -> None:
    """Score models on CarbonFluxBench as its authors do: zero-shot, days with NEE_QC = 1, quantiles over towers."""
    chosen = read_names(splits)
    if unknown := [name for name in chosen if name not in protocol.SPLITS]:
        raise TamrlError(f"Unknown split {', '.join(unknown)}", "--splits", f"Known: {', '.join(protocol.SPLITS)}")
    names = read_names(models)
    if not names:
        raise TamrlError("No model was chosen", "--models", "Name one or more, for example tamrl,xgboost")

    def tell(line: str) -> None:
        click.echo(line, err=True)

    benchmark = protocol.Protocol(
        archive=out / "workspace" / "archive.zarr",
        out=out,
        designs=tuple(protocol.SPLITS[name] for name in chosen),
        members=members,
        side_members=members,
        models=names,
        ablations=(),
        config=load_config(config_file) if config_file else Config(),
    )
    protocol.make_workspace(data, out, tell)
    written = protocol.run_protocol(benchmark, workers or os.cpu_count() or 1, tell)
    left = [unit for unit in benchmark.units() if not unit.file.exists()]
    if left:
        click.echo(f"Stopped with {len(left)} units left; the same command continues.", err=True)
        sys.exit(130)
    click.echo(written[0].read_text(encoding="utf-8"))
    click.echo(f"Written: {', '.join(str(path) for path in written)}, {out / 'results'}")


def upscale(checkpoint: Path, device: str, precision: str, folder: Path | None, docs: Path | None) -> None:
    """Print the ratios of the engine on this machine: on a quiet one, some ten minutes."""
    with tempfile.TemporaryDirectory(prefix="tamrl-bench-", dir=folder) as work:
        say = partial(click.echo, err=True)
        figures = upscaling.measure(checkpoint.resolve(), Path(work), say, device=device, precision=precision)
    click.echo("\n".join(upscaling_report.lines(figures)))
    if docs:
        click.echo(f"Written: {upscaling_report.write_section(figures, docs)}")


def gpu(workspace: Path, checkpoint: Path, device: str) -> None:
    """Print how fast a GPU adapts, trains and predicts beside the CPU; ends with 1 where their numbers differ."""
    chosen = choose(device)
    on_cpu = chosen.type == "cpu"
    small = gpu_benchmark.Size(towers=2, network=8, cells=64, repeats=2) if on_cpu else gpu_benchmark.Size()
    archive = Workspace.open(workspace).archive_path
    rows = gpu_benchmark.measure(archive, checkpoint, chosen, lambda line: click.echo(line, err=True), small)
    click.echo("\n".join(gpu_benchmark.lines(rows, chosen)))
    if not all(row.equal for row in rows):
        click.echo("GPU and CPU differ by more than rounding.", err=True)
        sys.exit(1)


def speed(workspace: Path, checkpoint: Path, rounds: int, docs: Path | None) -> None:
    """Print how fast prediction and training are on one thread of this machine."""
    archive = Workspace.open(workspace).archive_path
    rows = speed_benchmark.measure(archive, checkpoint.resolve(), lambda line: click.echo(line, err=True), rounds)
    click.echo("\n".join(speed_benchmark.lines(rows, processors())))
    if docs:
        click.echo(f"Written: {speed_benchmark.write_section(rows, processors(), docs)}")
