"""Make a workspace of SIMULATED towers."""

from pathlib import Path

import click

from tamrl.simulation.towers import SEED, simulate
from tamrl.towers.archive import merge, save_archive, validate
from tamrl.towers.workspace import Workspace


def make(workspace: Path, towers: int, seed: int | None) -> None:
    """Make SIMULATED towers and put them into WORKSPACE."""
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
