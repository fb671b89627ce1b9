"""One tower, of a workspace or straight from its files."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.towers.archive import record
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


def read_tower(source: Workspace | str | Path | Sequence[str | Path], site: str | None = None) -> xr.Dataset:
    """Return the record of one tower, see ``tamrl.api.read_tower``.

    Raises:
        TamrlError: a file cannot be read, no tower could be taken from the files, or there is no such tower.
    """
    if isinstance(source, Workspace):
        return record(source.archive(), _one(source.archive().site.values.tolist(), site, str(source.path)))
    files = [source] if isinstance(source, str | Path) else list(source)
    where = ", ".join(str(file) for file in files[:3])
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(folder)
        result = ingest(files, workspace)
        if not len(result.summary):
            said = [*result.failures, *(item.reason for item in result.items if item.status == "failed")]
            raise TamrlError("No tower could be read: " + "; ".join(filter(None, said)), where)
        archive = workspace.archive().load()
    tower = record(archive, _one(archive.site.values.tolist(), site, where))
    return tower.assign_attrs(ingest_report="\n".join([*result.account.lines(), *result.failures]))


def _one(sites: list[str], site: str | None, where: str) -> str:
    """Return the tower that is meant.

    Raises:
        TamrlError: none is named and there are several.
    """
    if site is None and len(sites) != 1:
        raise TamrlError(f"There are {len(sites)} towers: {', '.join(sites[:8])}", where, "Say which one: site=...")
    return sites[0] if site is None else site
