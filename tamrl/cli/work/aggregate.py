"""Make a monthly workspace of a daily one."""

from pathlib import Path

import click

from tamrl.errors import TamrlError
from tamrl.globe.earth import load_earth
from tamrl.timestep import TimeStep
from tamrl.towers.archive import save_archive
from tamrl.towers.monthly import to_monthly
from tamrl.towers.workspace import Workspace, is_workspace


def aggregate(workspace: Path, out: Path, earth: bool) -> None:
    """Average the towers of WORKSPACE by month and put them into OUT, which climate models are trained on."""
    source = Workspace.open(workspace)
    _check_target(source, out)
    monthly = to_monthly(source.archive(), load_earth() if earth else None)
    target = Workspace.create(out, simulated=source.simulated, name=f"{source.name}, monthly")
    target.check_writable()
    save_archive(monthly, target.archive_path)
    target.add_provenance({"command": f"aggregate --workspace {workspace}", "inputs": [str(source.path)]})
    click.echo(f"{monthly.sizes['site']} towers, {monthly.sizes['time']} months, in {target.archive_path}")


def _check_target(source: Workspace, out: Path) -> None:
    """Refuse to replace what the months are made of, or any other daily archive, before anything is written.

    Raises:
        TamrlError: the target is the source, or holds an archive that is not monthly.
    """
    todo = "Choose a folder of its own for the monthly workspace"
    if out.expanduser().resolve() == source.path.resolve():
        raise TamrlError("The monthly workspace would replace the daily one that it is made of", str(out), todo)

    if is_workspace(out.expanduser().resolve()):
        target = Workspace.open(out)
        if target.archive_version() and target.step() != TimeStep.MONTHLY:
            raise TamrlError("This workspace holds a daily archive already", str(out), todo)
