"""What the app has loaded, and how fresh it is: data, models, maps and scores."""

from pathlib import Path

import pandas as pd
import streamlit as st
import yaml

from tamrl.app.scorecard import cache as scorecard
from tamrl.app.shared import cache, sidebar
from tamrl.app.world import cache as world
from tamrl.bundled import CROSS_FITTED, bundled_models
from tamrl.errors import TamrlError
from tamrl.evaluation import results
from tamrl.maps import time_means
from tamrl.system.yaml_file import read_yaml


@st.cache_data(max_entries=16, show_spinner=False)
def _about(path: str, version: int) -> tuple[int, int, str]:
    """Return how many members and training towers a checkpoint has, and the day on which it was made."""
    said = read_yaml(Path(path) / "ensemble.yaml")
    members = said.get("members", [])
    towers = {site for member in members for site in member.get("training_sites", ())}
    return len(members), len(towers), str(said.get("created", ""))[:10]


def _model(name: str, path: Path) -> dict[str, str]:
    """Return the row of one model; a damaged one says so."""
    folds = sorted(path.glob("fold-*")) if (path / CROSS_FITTED).is_file() else []
    try:
        members, towers, made = _about(str(folds[0] if folds else path), cache.model_version(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError):
        return _row("Model", name, "cannot be read", "")
    if folds:
        said = f"{len(folds)} ensembles of {members} members, each without a fifth of the towers"
    else:
        said = f"{members} members, trained on {towers} towers"
    return _row("Model", name, said, made)


def _row(kind: str, name: str, what: str, when: str) -> dict[str, str]:
    return {"Kind": kind, "Name": name, "What": what, "Made": when}


def _workspace() -> list[dict[str, str]]:
    try:
        workspace = sidebar.choice().workspace
        towers = cache.towers(workspace)
    except TamrlError:  # the sidebar says why
        return []
    known = towers[towers["last"] > 0]
    years = f", {known['first'].min()}-{known['last'].max()}" if len(known) else ""
    said = f"{len(towers)} towers{years}" + (", SIMULATED" if workspace.simulated else "")
    when = pd.Timestamp(workspace.archive_version()).strftime("%Y-%m-%d")
    return [_row("Towers", workspace.name, said, when)]


def _maps() -> list[dict[str, str]]:
    rows = []
    for entry in world.entries(None).values():
        try:
            span = time_means.span(world.maps(entry))
        except TamrlError:
            rows.append(_row("Maps", entry.label, "cannot be read", ""))
            continue
        rows.append(_row("Maps", entry.label, f"mean year, climate of {span}", _day(entry.path)))
    return rows


def _day(path: Path) -> str:
    return pd.Timestamp(path.stat().st_mtime_ns).strftime("%Y-%m-%d")


def _scores() -> list[dict[str, str]]:
    try:
        found = scorecard.results(results.bundled())
    except TamrlError:
        return []
    said = f"{len(found.sites)} held-out towers, {len(found.designs)} designs"
    return [_row("Scores", str(found.manifest.get("title", "")), said, str(found.manifest.get("created", ""))[:10])]


def table() -> pd.DataFrame:
    """Return a row for each thing that is loaded: what it is, and the day on which it was made."""
    models = [_model(name, path) for name, path in bundled_models().items()]
    return pd.DataFrame([*_workspace(), *models, *_maps(), *_scores()])
