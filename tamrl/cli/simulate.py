"""``python -m tamrl simulate``: a workspace of SIMULATED towers."""

from pathlib import Path

import click

from tamrl.cli.options import workspace_option


@click.command("simulate")
@workspace_option
@click.option("--towers", default=40, show_default=True, type=int, help="How many towers.")
@click.option("--seed", default=None, type=int, help="Of all random numbers; default: that of the bundled workspace.")
def command(workspace: Path, towers: int, seed: int | None) -> None:
    """Make SIMULATED towers and put them into WORKSPACE.

    Several years of daily weather, leaves, GPP, RECO and NEE at made-up places, each tower with hidden traits,
    measurement noise, gaps and days of low quality. The same seed gives the same towers; towers of the same name are
    replaced. A workspace of real towers is refused.
    """
    from tamrl.simulation.towers import SEED, simulate
    from tamrl.towers.archive import merge, save_archive, validate
    from tamrl.towers.workspace import Workspace

    seed = SEED if seed is None else seed
    new, report = validate(simulate(towers, seed))
    target = Workspace.create(workspace, simulated=True, name="Simulated towers")
    target.check_writable()
    old = target.archive() if target.archive_version() else None
    save_archive(merge(old, new), target.archive_path)
    target.add_provenance({"command": f"simulate --towers {towers} --seed {seed}", "inputs": []})
    years = f"{new.time.dt.year.values[0]}-{new.time.dt.year.values[-1]}"
    click.echo(f"{towers} SIMULATED towers, {years}, seed {seed}, in {target.archive_path}")
    if aside := int(report["n_outside"].sum()) if len(report) else 0:
        click.echo(f"{aside} values outside their bounds were set to missing")
