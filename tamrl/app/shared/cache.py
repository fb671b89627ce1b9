"""Shared, read-only things that are opened once: workspaces, archives, tower records, ensembles.

Keys are path and modification time, since a Dataset cannot be hashed; a workspace that is ingested again or a
model that is trained again is seen at the next run.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.protocol.copies import likenesses
from tamrl.towers import citations
from tamrl.towers.archive import record
from tamrl.towers.citations import Citation
from tamrl.towers.table import tower_table
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted


@st.cache_resource(max_entries=4, show_spinner="Opening the archive")
def _archive(path: str, version: int) -> xr.Dataset:
    return Workspace.open(path).archive()


@st.cache_data(max_entries=4, show_spinner="Listing towers")
def _towers(path: str, version: int) -> pd.DataFrame:
    return tower_table(_archive(path, version))


@st.cache_resource(max_entries=24, show_spinner="Reading the tower")
def _tower(path: str, version: int, site: str) -> xr.Dataset:
    return record(_archive(path, version), site)


@st.cache_resource(max_entries=4, show_spinner="Loading the model")
def _model(path: str, version: int, device: str) -> "Ensemble | CrossFitted":
    from tamrl.model.cross_fitted import open_model
    from tamrl.predict.rehearsal import warm_up

    model = open_model(Path(path), device=device)
    threading.Thread(target=warm_up, args=(model.device,), daemon=True).start()
    return model


@st.cache_data(max_entries=8, show_spinner="Comparing with the towers of the training")
def _likenesses(path: str, version: int, seen: frozenset[str]) -> dict[str, str]:
    archive = _archive(path, version)
    scored = [site for site in archive["site"].values.astype(str).tolist() if site not in seen]
    # Copies come first: of several the strongest is said.
    return {like.site: str(like) for like in reversed(likenesses(archive, scored, seen))}


def towers(workspace: Workspace) -> pd.DataFrame:
    """Return one row a tower of the workspace, see ``tamrl.towers.table.tower_table``.

    Raises:
        TamrlError: nothing was ingested yet, or the archive is damaged.
    """
    return _towers(str(workspace.path), workspace.archive_version())


def source(workspace: Workspace) -> str:
    """Return the source line of the workspace's archive."""
    attrs = _archive(str(workspace.path), workspace.archive_version()).attrs
    return str(attrs.get("source") or attrs.get("title") or workspace.name)


def tower_source(workspace: Workspace, site: str) -> str:
    """Return the source line of one tower: the files that its values come from, and how it asks to be cited."""
    archive = _archive(str(workspace.path), workspace.archive_version())
    file = str(archive["source"].sel(site=site).item()) if "source" in archive.coords else ""
    if workspace.simulated or not file:
        return source(workspace)
    made = citation(workspace, site)
    return f"{site}, {file}" + (f". Cite as: {made.line()}" if made else "")


def citation(workspace: Workspace, site: str) -> Citation | None:
    """Return how a tower asks to be cited, None where nothing was given with its files."""
    return citations.load(workspace.path).get(site)


def tower(workspace: Workspace, site: str) -> xr.Dataset:
    """Return one tower's record, shared between sessions: read it, never change it.

    Raises:
        TamrlError: the workspace has no such tower.
    """
    return _tower(str(workspace.path), workspace.archive_version(), site)


def likeness(workspace: Workspace, site: str, ensemble: "Ensemble") -> str:
    """Say which tower of the training a held-out tower is a copy or a near neighbour of; empty where none."""
    found = _likenesses(str(workspace.path), workspace.archive_version(), ensemble.seen_sites)
    return found.get(site, "")


def model_version(path: Path) -> int:
    """Return the newest modification time [ns] of the files of a checkpoint."""
    return max((f.stat().st_mtime_ns for f in path.rglob("*") if f.is_file()), default=0)


def model(path: Path, job: str = "zero-shot") -> "Ensemble | CrossFitted":
    """Return the model of a checkpoint folder, shared between sessions: adapting works on copies.

    Args:
        path: the folder.
        job: what it is to do, see ``tamrl.predict.fastest.JOBS``: it lies on the device that is faster at that.

    Raises:
        TamrlError: the checkpoint cannot be loaded.
    """
    from tamrl.predict import fastest
    from tamrl.system.device import one_thread

    one_thread()
    return _model(str(path), model_version(path), str(fastest.pick(job).device))
