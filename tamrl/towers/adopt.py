"""Taking towers that were read and reviewed into a workspace."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tamrl.errors import TamrlError
from tamrl.system.storage import locate, locked, swap_in
from tamrl.towers import citations
from tamrl.towers.archive import load_whole, merge, write_zarr
from tamrl.towers.checks import check_structure
from tamrl.towers.workspace import Workspace


def adopt(draft: Workspace, target: Workspace, sites: Iterable[str]) -> list[str]:
    """Add towers of one workspace to another, with their citations and the account of how they were read.

    Args:
        draft: workspace that they were read into.
        target: writable workspace; a tower that it already has is replaced.
        sites: towers of the draft.

    Returns:
        The towers that were replaced.

    Raises:
        TamrlError: a tower is not in the draft, or the target cannot be written or is of another kind.
    """
    target.check_writable()
    fresh, wanted = load_whole(draft.archive_path), list(dict.fromkeys(sites))
    there = fresh["site"].values.astype(str).tolist()
    missing = [site for site in wanted if site not in there]
    if missing or not wanted:
        raise TamrlError("There is no such tower among those that were read", ", ".join(missing), "Choose at least one")
    chosen = fresh.isel(site=[there.index(site) for site in sorted(wanted)])
    with locked(target.archive_path):
        old = load_whole(target.archive_path) if locate(target.archive_path) else None
        before = old["site"].values.astype(str).tolist() if old is not None else []
        joined = merge(old, chosen)
        check_structure(joined)
        swap_in(target.archive_path, lambda folder: write_zarr(joined, folder))
    citations.keep(target.path, [draft.path / citations.FILE], wanted)
    for entry in draft.provenance():
        target.add_provenance(_of(entry, set(wanted), set(there)))
    return [site for site in wanted if site in before]


def _of(entry: dict[str, Any], wanted: set[str], there: set[str]) -> dict[str, Any]:
    """Return an entry of the provenance with what concerns ``wanted`` alone, and names of files for their paths."""
    inputs = []
    for one in entry.get("inputs", []):
        towers = one.get("towers", [])
        kept = [site for site in towers if site in wanted]
        if kept or not towers:
            inputs.append({**one, "path": Path(str(one.get("path", ""))).name, "towers": kept})
    left_out = there - wanted
    account = [told for told in entry.get("account", []) if told.get("subject") not in left_out]
    return {**entry, "inputs": inputs, "account": account}
