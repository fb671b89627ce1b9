"""``python -m tamrl predict`` and ``adapt``: fluxes at one tower as NetCDF."""

import sys
from pathlib import Path

import click

from tamrl.cli import take
from tamrl.cli.options import checkpoint_option, device_option, read_period, read_workspace_option
from tamrl.predict.methods import METHODS

site_option = click.option("--site", "-s", required=True, help="Tower id.")
gaps_option = click.option(
    "--allow-gaps",
    is_flag=True,
    help="Predict steps at which a driver of the tower is missing, too, without it; else they are left out.",
)
out_option = click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="NetCDF file to write.")


@click.command("predict")
@read_workspace_option
@checkpoint_option
@site_option
@gaps_option
@out_option
@device_option
def predict_command(workspace: Path, checkpoint: Path, site: str, allow_gaps: bool, out: Path, device: str) -> None:
    """Predict the fluxes of one tower zero-shot and write them with the observed ones as CF NetCDF.

    With a model that adapt --save-model wrote, predict with what it has learnt at the tower.
    """
    from tamrl.predict.saved import open_model
    from tamrl.predict.tower import predict_tower
    from tamrl.system.device import choose, one_thread
    from tamrl.towers.archive import record
    from tamrl.towers.workspace import Workspace

    one_thread()
    space = Workspace.open(workspace)
    tower = record(space.archive(), site)
    model = open_model(checkpoint, choose(device)).for_site(site)
    dataset = predict_tower(model, tower, allow_gaps, space.simulated)
    _write(dataset, out)
    _say_cautions(tower, model)
    if said := dataset.attrs.get("notes"):
        click.echo(f"Note: {said}", err=True)


@click.command("adapt")
@read_workspace_option
@checkpoint_option
@site_option
@click.option(
    "--support",
    "periods",
    required=True,
    multiple=True,
    help="FROM:TO, days whose fluxes may be used, for example 2005-06-01:2005-06-30; may be repeated.",
)
@click.option(
    "--method",
    default="site-effect",
    show_default=True,
    help="; ".join(f"{method.name}: {method.description}" for method in METHODS.values()) + ".",
)
@click.option("--steps", default=60, show_default=True, type=int, help="Gradient steps of each fit of the method all.")
@click.option(
    "--learning-rate", default=0.1, show_default=True, type=float, help="Of the same, in prior standard deviations."
)
@gaps_option
@out_option
@take.report_option
@take.notebook_option
@take.model_option
@take.url_option
@device_option
def adapt_command(
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
    from tamrl.model.cross_fitted import open_model
    from tamrl.predict.link import checked
    from tamrl.predict.methods import AdaptSettings
    from tamrl.predict.output import adaptation_dataset
    from tamrl.predict.provenance import Run
    from tamrl.predict.tower import adapt_tower
    from tamrl.system.device import choose, one_thread
    from tamrl.towers.archive import record
    from tamrl.towers.workspace import Workspace

    one_thread()
    url = checked(url) if url else ""
    support = read_period(periods[0])
    for period in periods[1:]:
        support = support.union(read_period(period))
    settings = AdaptSettings(method=method, steps=steps, learning_rate=learning_rate)
    space = Workspace.open(workspace)
    tower = record(space.archive(), site)
    ensemble = open_model(checkpoint, choose(device)).for_site(site)
    total = METHODS[method].steps(settings) * len(ensemble.members)
    hidden = not sys.stderr.isatty() or not total
    with click.progressbar(length=max(total, 1), label="Adapting", file=sys.stderr, hidden=hidden) as bar:
        result = adapt_tower(ensemble, tower, support, settings, allow_gaps, on_step=lambda step: bar.update(1))
    _write(adaptation_dataset(result, space.simulated), out)
    _say_scores(site, result)
    _say_cautions(tower, ensemble)
    run = Run(workspace=space, ensemble=ensemble, adaptation=result, allow_gaps=allow_gaps, url=url)
    take.write(run, report, notebook, save_model)


def _say_scores(site: str, result) -> None:  # noqa: ANN001 - Adaptation, imported late
    from tamrl import wording
    from tamrl.predict.output import before_after
    from tamrl.timestep import step_of

    step, method = step_of(result.tower), result.settings.method
    click.echo(
        f"{site}: {wording.counted(len(result.support), step, 'support')}, {method}, {result.seconds:.1f} s on "
        f"{result.device}. Scores on the valid {wording.unit(step, 0)} outside the support, gC m-2 d-1:"
    )
    click.echo(before_after(result).to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    for note in result.notes:
        click.echo(note)


def _write(dataset, out: Path) -> None:  # noqa: ANN001 - xarray.Dataset, imported late
    from tamrl.system.netcdf import write_netcdf

    out.parent.mkdir(parents=True, exist_ok=True)
    write_netcdf(dataset, out)
    click.echo(f"Fluxes in {out}.")


def _say_cautions(tower, model) -> None:  # noqa: ANN001 - Dataset and Ensemble or AdaptedModel, imported late
    from tamrl.predict.saved import AdaptedModel, cautions_of
    from tamrl.system.device import describe

    ensemble = model.ensemble if isinstance(model, AdaptedModel) else model
    click.echo(f"Computed on {describe(ensemble.device)}.", err=True)
    for line in cautions_of(model, tower):
        click.echo(f"Note: {line}", err=True)
