"""Predict the fluxes of one tower, and adapt to it."""

import sys
from pathlib import Path

import click
import xarray as xr

from tamrl import wording
from tamrl.cli.options import work
from tamrl.cli.work.period import read_period
from tamrl.model import cross_fitted
from tamrl.model.checkpoint import Ensemble
from tamrl.predict import saved
from tamrl.predict.adapt import Adaptation
from tamrl.predict.fastest import Picked
from tamrl.predict.link import checked
from tamrl.predict.methods import METHODS, AdaptSettings
from tamrl.predict.output import adaptation_dataset, before_after
from tamrl.predict.provenance import Run
from tamrl.predict.rehearsal import ready
from tamrl.predict.saved import AdaptedModel, cautions_of
from tamrl.predict.tower import adapt_tower, predict_tower
from tamrl.system.device import one_thread
from tamrl.system.netcdf import write_netcdf
from tamrl.timestep import step_of
from tamrl.towers.archive import record
from tamrl.towers.workspace import Workspace


def predict(workspace: Path, checkpoint: Path, site: str, allow_gaps: bool, out: Path, device: str) -> None:
    """Predict the fluxes of one tower zero-shot and write them with the observed ones as CF NetCDF."""
    one_thread()
    space = Workspace.open(workspace)
    tower = record(space.archive(), site)
    picked = ready("zero-shot", device, _say)
    model = saved.open_model(checkpoint, picked.device).for_site(site)
    dataset = predict_tower(model, tower, allow_gaps, space.simulated)
    _write(dataset, out)
    _say_cautions(tower, model, picked)
    if said := dataset.attrs.get("notes"):
        click.echo(f"Note: {said}", err=True)


def adapt(
    workspace: Path,
    checkpoint: Path,
    site: str,
    periods: tuple[str, ...],
    method: str,
    steps: int,
    learning_rate: float,
    allow_gaps: bool,
    out: Path,
    report: Path | None,
    notebook: Path | None,
    save_model: Path | None,
    url: str,
    device: str,
) -> None:
    """Adapt the model to one tower from a few days and write observed, zero-shot and adapted fluxes as CF NetCDF."""
    one_thread()
    url = checked(url) if url else ""
    support = read_period(periods[0])
    for period in periods[1:]:
        support = support.union(read_period(period))
    settings = AdaptSettings(method=method, steps=steps, learning_rate=learning_rate)
    space = Workspace.open(workspace)
    tower = record(space.archive(), site)
    picked = ready(method, device, _say)
    ensemble = cross_fitted.open_model(checkpoint, picked.device).for_site(site)
    total = METHODS[method].steps(settings) * len(ensemble.members)
    hidden = not sys.stderr.isatty() or not total
    with click.progressbar(length=max(total, 1), label="Adapting", file=sys.stderr, hidden=hidden) as bar:
        result = adapt_tower(ensemble, tower, support, settings, allow_gaps, on_step=lambda step: bar.update(1))
    _write(adaptation_dataset(result, space.simulated), out)
    _say_scores(site, result)
    _say_cautions(tower, ensemble, picked)
    run = Run(workspace=space, ensemble=ensemble, adaptation=result, allow_gaps=allow_gaps, url=url)
    if report or notebook or save_model:
        work("take:write", {"run": run, "report": report, "notebook": notebook, "save_model": save_model})


def _say_scores(site: str, result: Adaptation) -> None:

    step, method = step_of(result.tower), result.settings.method
    click.echo(
        f"{site}: {wording.counted(len(result.support), step, 'support')}, {method}, {result.seconds:.1f} s on "
        f"{result.device}. Scores on the valid {wording.unit(step, 0)} outside the support, gC m-2 d-1:"
    )
    click.echo(before_after(result).to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    for note in result.notes:
        click.echo(note)


def _write(dataset: xr.Dataset, out: Path) -> None:

    out.parent.mkdir(parents=True, exist_ok=True)
    write_netcdf(dataset, out)
    click.echo(f"Fluxes in {out}.")


def _say_cautions(tower: xr.Dataset, model: Ensemble | AdaptedModel, picked: Picked) -> None:

    _say(f"Computed on {picked}.")
    for line in cautions_of(model, tower):
        _say(f"Note: {line}")


def _say(line: str) -> None:
    click.echo(line, err=True)
