"""World, below the map: the maps against what the towers of the open workspace measured."""

import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sidebar, sizes, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import chart, tell
from tamrl.app.world import cache
from tamrl.app.world import numbers as world_numbers
from tamrl.app.world.view import WorldView
from tamrl.bundled import bundled_models
from tamrl.errors import TamrlError
from tamrl.figures.style import unit_label
from tamrl.figures.world import at_towers as figures
from tamrl.globe.contract import fluxes_of
from tamrl.maps.at_towers import against_towers, score_against_towers
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.mean_year import SOURCE, against_mean_year, bundled_means, load_means
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.towers.workspace import Workspace

_SCORES = ("r2", "rmse", "bias", "correlation")


def towers(view: WorldView) -> None:
    """Draw scores of the maps at towers, and observed against mapped months."""
    try:
        workspace = sidebar.choice().workspace
    except TamrlError:
        workspace = None
    if workspace is None or workspace.simulated or not workspace.archive_version():
        workspace = None
        tell(
            "The open workspace has no observed towers, so the maps are compared with the mean year of the FLUXNET2015 "
            "towers that comes with the project. Your own towers appear here once they are ingested "
            "(`python -m tamrl ingest`) and their workspace is chosen in the sidebar."
        )
    shown = [entry for entry in _both(view) if fluxes_of(cache.maps(entry))]
    if not shown:
        tell(f"{view.entry.label} has no flux that towers measure: towers do not see fires or rivers.")
        return
    asked = _asked(workspace)
    tables = {entry: _against(entry, *asked) for entry in shown}
    classes = _classes(*asked)
    _scores(tables, view, classes, workspace is None)
    drawn = {entry: table[table["flux"] == view.flux] for entry, table in tables.items()}
    empty = [entry.label for entry, rows in drawn.items() if rows.empty]
    if empty:
        tell(f"No tower has a month of {view.flux} that {' or '.join(empty)} has, too.")
    drawn = {entry: rows for entry, rows in drawn.items() if not rows.empty}
    if not drawn:
        return
    for column, (entry, rows) in zip(st.columns(len(drawn), gap="medium"), drawn.items(), strict=True):
        alt = f"{len(rows)} months of {view.flux} at {rows['site'].nunique()} towers, measured against {entry.label}."
        figure = figures.at_towers(rows, classes, entry.label, view.flux, theme.current())
        chart(column, f"world-towers_{entry.key}_{view.flux}", figure, alt)
    components.footer(
        f"towers_{view.entry.key}_{view.flux}",
        _origin(view, workspace),
        lambda: pd.concat([rows.assign(maps=entry.label) for entry, rows in drawn.items()]),
    )


def _both(view: WorldView) -> list[MapsEntry]:
    return [view.entry, *([view.other_entry] if view.other_entry else [])]


def _origin(view: WorldView, workspace: Workspace | None) -> Origin:
    towers_line = SOURCE if workspace is None else sidebar.origin(workspace).text
    return Origin(f"{view.origin.text}; towers: {towers_line}", view.origin.simulated)


def _asked(workspace: Workspace | None) -> tuple[str, int]:
    """Return whose towers are meant, as the cache knows it: a workspace and its version, or none and a file's."""
    if workspace is not None:
        return str(workspace.path), workspace.archive_version()
    file = bundled_means()
    return "", file.stat().st_mtime_ns if file.is_file() else 0


@st.cache_data(max_entries=12, show_spinner="Reading the cells of the towers")
def _against(entry: MapsEntry, workspace: str, version: int) -> pd.DataFrame:
    if not workspace:
        return against_mean_year(cache.maps(entry), load_means(bundled_means()))
    return against_towers(cache.maps(entry), Workspace.open(workspace).archive())


@st.cache_data(max_entries=4, show_spinner=False)
def _classes(workspace: str, version: int) -> dict[str, str]:
    if not workspace:
        return load_means(bundled_means()).set_index("site")["igbp"].to_dict()
    archive = Workspace.open(workspace).archive()
    return dict(zip(archive["site"].values.tolist(), archive["igbp"].values.tolist(), strict=True))


def _scores(tables: dict[MapsEntry, pd.DataFrame], view: WorldView, classes: dict[str, str], mean_year: bool) -> None:
    """Draw the scores of each set of maps, and how they are taken; of mean years that they are."""
    parts = [score_against_towers(table).assign(maps=entry.label) for entry, table in tables.items()]
    found = pd.concat(parts, ignore_index=True)
    found = found.sort_values("flux", key=lambda c: c.map({f: i for i, f in enumerate(FLUXES)}), kind="stable")
    unit = unit_label(FLUX_UNIT)
    numbers = {
        "r2": "R²",
        "rmse": f"RMSE [{unit}]",
        "bias": f"Bias [{unit}]",
        "correlation": "Correlation",
        "towers": "Towers",
        "n": "Months",
    }
    config = {name: st.column_config.NumberColumn(label) for name, label in numbers.items()}
    config |= {"maps": st.column_config.TextColumn("Maps"), "flux": st.column_config.TextColumn("Flux")}
    shown = found[["maps", "flux", *_SCORES, "towers", "n"]]
    shown = components.numbers(shown, {name: (2, name == "bias", "") for name in _SCORES})
    sizes.table(shown, hide_index=True, column_config=config, key=f"world_towers_{view.entry.key}")
    first = next(iter(tables.values()))
    left_out = first.attrs.get("left_out", {})
    lines = [str(first.attrs.get("conventions", "")).replace(FLUX_UNIT, unit), "Scores pool the months of all towers."]
    lines += (
        ["Both are mean years, of the calendar months that a tower has in at least two years."] if mean_year else []
    )
    most = int(found["towers"].max()) if len(found) else 0
    lines += [f"{most} of {len(classes)} towers have months that count."] if most < len(classes) else []
    lines += [f"Left out, no land near: {', '.join(sorted(left_out))}."] if left_out else []
    lines += [_seen(set(classes), [entry.label for entry in tables if entry.key in world_numbers.SAME_TOWERS])]
    st.caption(" ".join(filter(None, lines)))


def _seen(sites: set[str], labels: list[str]) -> str:
    """Say where the models of the bundled maps, named by their labels, have seen these towers."""
    model = bundled_models().get(world_numbers.MODEL)
    reference = world_numbers.reference(model) if model else None
    if reference is None or not labels:
        return ""
    seen = len(sites & set(reference.sites))
    return (
        f"{' and '.join(labels)}: trained on {seen} of these {len(sites)} towers, so agreement there is no independent "
        "test. How the models predict towers that they have not seen is on the Scorecard."
        if seen
        else ""
    )
