"""The parts of the Towers page: filters, map and table, and what one tower measured."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.app.shared import components, sizes, state, static, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import from_map, from_table, tell
from tamrl.figures import style
from tamrl.figures.towers import fingerprint, series
from tamrl.figures.towers import map as maps
from tamrl.schema import FLUX_UNIT, FLUXES, IGBP, KOEPPEN, QC_VALID, VARIABLES
from tamrl.system.account import KINDS, IngestReport, kept
from tamrl.timestep import TimeStep, step_of
from tamrl.towers import table as tables
from tamrl.towers.citations import Citation
from tamrl.towers.workspace import Workspace

#: Drivers shown first, where the tower has them.
FIRST_DRIVERS = ("TA", "SW_IN", "VPD", "P", "P_MON", "LAI")
MAP_PX = 430
_TABLE_ROUND, _TURN, _TOP = "tamrl_table_round", "tamrl_turn", "tamrl_table_top"


def filters(table: pd.DataFrame) -> pd.DataFrame:
    """Draw the filters and return the towers that pass them."""
    columns = st.columns([3, 3, 3, 3], gap="small", vertical_alignment="top")
    choices: tuple[tuple[str, str, str, list[str], Callable[[str], str]], ...] = (
        ("igbp", "Land cover (IGBP)", "igbp", [*IGBP, "unknown"], components.class_name),
        ("climate", "Climate (Köppen)", "climate", [*KOEPPEN.values(), "unknown"], str),
        ("continent", "Continent", "continent", sorted(table["continent"].unique()), str),
    )
    for column, (name, label, field, known, text) in zip(columns, choices, strict=False):
        present = set(table[field])
        options = [option for option in known if option in present]
        state.among(name, options)
        column.multiselect(
            label, options, format_func=text, placeholder="all", filter_mode="contains", **state.bind(name, [])
        )
    with_data = table[table["last"] > 0]
    first, last = (int(with_data["first"].min()), int(with_data["last"].max())) if len(with_data) else (0, 0)
    if first < last:
        low, high = state.get("years", (first, last))
        span = (min(max(low, first), last), max(min(high, last), first))
        state.put("years", span if span != (first, last) else None)
        columns[3].slider(
            "Data in the years",
            first,
            last,
            help="Towers whose record overlaps these years",
            **state.bind("years", (first, last)),
        )
    chosen = {name: state.get(name, []) for name in ("igbp", "climate", "continent")}
    return tables.filter_towers(table, **chosen, years=state.get("years"))


def clear_filters() -> None:
    """Forget every filter."""
    for name in ("igbp", "climate", "continent", "years"):
        state.put(name, None)


def map_and_table(table: pd.DataFrame, chosen: str, step: TimeStep) -> None:
    """Draw the map and the table of towers; a click on either chooses one."""
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        if table[["lat", "lon"]].notna().all(axis=1).any():
            st.pydeck_chart(
                static.placed(maps.tower_map(table, chosen, theme.current(), turn=_turn(), step=step)),
                key="tower_map",
                height=sizes.px(MAP_PX),
                on_select=lambda: from_map("tower_map", choose),
                alt=_map_in_words(table),
            )
        else:
            tell(
                "None of these towers has a known position, so there is no map. Choose a tower in the table; to give "
                "positions, ingest again with a table of sites, or drop the files on the page Workspace."
            )
        components.class_legend(table)
    with right:
        table = components.first_row(table, st.session_state.setdefault(_TOP, chosen))
        shown = components.numbers(_display(table), dict.fromkeys(FLUXES, (2, False, "")))
        # A new key, and the first row, show a tower that was chosen elsewhere; a click in the table keeps the key, and
        # with it the place that the table was scrolled to.
        key = f"tower_table_{st.session_state.get(_TABLE_ROUND, 0)}"
        sizes.table(
            shown,
            key=key,
            hide_index=True,
            height=MAP_PX,
            selection_mode="single-row",
            on_select=lambda: from_table(key, list(table.index), lambda site: choose(site, from_table=True)),
            selection_default={"selection": {"rows": [list(table.index).index(chosen)]}},
            column_config=_columns(step),
        )


def _map_in_words(table: pd.DataFrame) -> str:
    counts = table["continent"].value_counts()
    where = ", ".join(f"{name} {count}" for name, count in counts.items())
    return (
        f"World map of {len(table)} towers coloured by land cover. By continent: {where}. The table beside it offers "
        "the same choice."
    )


def choose(site: str, from_table: bool = False) -> None:
    """Choose a tower."""
    state.put("site", site)
    st.session_state[_TURN] = _turn() + 1
    if not from_table:
        st.session_state[_TOP] = site
        st.session_state[_TABLE_ROUND] = st.session_state.get(_TABLE_ROUND, 0) + 1


def _turn() -> int:
    """Return how many times a tower was chosen."""
    return st.session_state.get(_TURN, 0)


def _display(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the table in the order that they are read."""
    shown = table.reset_index()
    shown["years"] = [tables.years_text(row) for _, row in table.iterrows()]
    return shown[["site", "igbp", "koeppen", "years", "name", "valid_days", *FLUXES, "country", "continent"]]


def _columns(step: TimeStep) -> dict[str, Any]:
    unit, word = style.unit_label(FLUX_UNIT), wording.unit(step, 0)
    numbers = {
        f: st.column_config.NumberColumn(f, help=f"Mean over the valid {word} [{unit}]", width=62) for f in FLUXES
    }
    return {
        "site": st.column_config.TextColumn("Tower", width=78, pinned=True),
        "name": st.column_config.TextColumn("Name", width=270),
        "igbp": st.column_config.TextColumn("IGBP", width=56),
        "koeppen": st.column_config.TextColumn("Köppen", width=72),
        "years": st.column_config.TextColumn("Years", width=104),
        "valid_days": st.column_config.NumberColumn(
            f"Valid {word}",
            format="localized",
            width=84,
            help=f"{word.capitalize()} with any flux and NEE_QC of at least 0.7",
        ),
        **numbers,
        "country": st.column_config.TextColumn("Country", width=130),
        "continent": st.column_config.TextColumn("Continent", width=110),
    }


def label(site: str, table: pd.DataFrame) -> str:
    """Return the code of a tower with its name, where it has one."""
    name = table.loc[site, "name"]
    return f"{site} · {name}" if name else site


def _position(row: pd.Series) -> str:
    if pd.isna(row["lat"]) or pd.isna(row["lon"]):
        return "position unknown"
    north, east = ("N" if row["lat"] >= 0 else "S"), ("E" if row["lon"] >= 0 else "W")
    return f"{abs(row['lat']):.2f}°{north} {abs(row['lon']):.2f}°{east}"


def tower_heading(site: str, row: pd.Series, step: TimeStep, cited: Citation | None = None) -> None:
    """Write what is known of one tower, how it asks to be cited, and the link to the lab."""
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", key="tower_heading"
    ):
        with st.container(gap=None, width="stretch"):
            st.header(f"{site} · {row['name']}" if row["name"] else site, anchor=False)
            facts = [
                components.class_name(row["igbp"]),
                components.climate_name(row["koeppen"]),
                row["country"],
                _position(row),
                tables.years_text(row),
                f"{row['valid_days']:,} valid of {wording.counted(row['days'], step)} with fluxes",
            ]
            st.caption(" · ".join(facts))
            if cited is not None:
                link = f" [doi.org/{cited.doi}](https://doi.org/{cited.doi})" if cited.doi else ""
                st.caption(f"Cite this tower as: {components.plain(cited.line())}.{link}")
        st.page_link(
            "pages/lab.py", label="Open in Few-shot lab", icon=":material/science:", query_params={"site": site}
        )
    if not row["valid_days"]:
        st.warning(
            f"This tower has no valid {wording.unit(step)} (NEE_QC of at least 0.7 and some flux): "
            "no model can be scored or adapted here.",
            icon=":material/warning:",
        )


def account_section(site: str, workspace: Workspace) -> None:
    """Show what was done to the data of a tower when its files were read, as the workspace's provenance has it."""
    entries = kept(workspace.provenance()).of(site)
    if not entries:
        return
    with st.expander(f"What was done to the data of {site} on the way in ({len(entries)})", icon=":material/rule:"):
        kinds = "; ".join(f"{kind}: {words}" for kind, words in KINDS.items())
        sizes.table(
            IngestReport(entries).table().drop(columns="subject"),
            hide_index=True,
            column_config={
                "kind": st.column_config.TextColumn("Kind", width=80, help=kinds),
                "count": st.column_config.NumberColumn("Values", width=70, help="How many values it concerns"),
                "words": st.column_config.TextColumn("What and why", width="large"),
            },
        )


def series_section(site: str, tower: xr.Dataset, origin: Origin) -> None:
    """Draw the fluxes and the chosen drivers over time."""
    present = series.present_drivers(tower)
    first = [name for name in FIRST_DRIVERS if name in present][:4]
    state.among("drivers", VARIABLES)
    kept = [name for name in state.get("drivers", first) if name in present]
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    left.markdown("**Fluxes and drivers**")
    # Not bound to the URL value directly: a driver that this tower lacks stays chosen for the next one.
    drivers = right.multiselect(
        "Drivers",
        present,
        default=kept,
        key=f"drivers_{site}",
        label_visibility="collapsed",
        format_func=lambda name: VARIABLES[name].long_name,
        placeholder="Drivers to show",
        filter_mode="contains",
        on_change=lambda: state.put("drivers", st.session_state[f"drivers_{site}"]),
    )
    names, kind = [*FLUXES, "NEE_QC", *drivers], step_of(tower).adjective
    components.figure(
        f"{site}_{kind}",
        series.tower_series(tower, drivers, theme.current()),
        _series_in_words(site, tower, drivers),
        origin,
        lambda: tower[names].to_dataframe()[names],
        lambda: tower,
    )


def _series_in_words(site: str, tower: xr.Dataset, drivers: list[str]) -> str:
    """Return what the series show, for readers who do not see them."""
    good, unit = series.good_days(tower), style.unit_label(FLUX_UNIT)
    said = []
    for flux in FLUXES:
        values = tower[flux].values[good]
        if np.isfinite(values).any():
            low, middle, high = (style.number(np.nanquantile(values, q)) for q in (0.05, 0.5, 0.95))
            said.append(f"{flux} median {middle}, 90 % between {low} and {high} {unit}")
    rows = ", ".join(["GPP", "RECO", "NEE", *(VARIABLES[name].long_name.lower() for name in drivers)])
    years = f"{tower['time'].dt.year.values.min()} to {tower['time'].dt.year.values.max()}"
    kind = step_of(tower).adjective.capitalize()
    return f"{kind} fluxes and drivers of {site}. {years}, one row each: {rows}. {'; '.join(said)}."


def fingerprint_section(site: str, tower: xr.Dataset, origin: Origin) -> None:
    """Draw the fingerprint of the chosen flux."""
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    place = "day of year" if step_of(tower) == TimeStep.DAILY else "month"
    left.markdown(f"**Fingerprint: {place} by year**")
    if state.get("flux") not in FLUXES:
        state.leave_out("flux")
    with right.container(horizontal=True, horizontal_alignment="right"):
        st.segmented_control("Flux", FLUXES, required=True, label_visibility="collapsed", **state.bind("flux", "NEE"))
        st.toggle(
            "Colour low quality",
            **state.bind("low", False),
            help=f"Days with NEE_QC below {QC_VALID:g} are mostly gap-filled: a model's season, not a measured one.",
        )
    flux, low = state.get("flux", "NEE"), state.get("low", False)
    if not np.isfinite(tower[flux].values).any():
        tell(f"The record of {components.plain(site)} has no {flux}. Choose another flux above.")
        return
    share = 100 * np.mean(~series.good_days(tower)[np.isfinite(tower[flux].values)]) if len(tower["time"]) else 0.0
    components.figure(
        f"{site}_{flux}_fingerprint",
        fingerprint.fingerprint(tower, flux, theme.current(), low),
        f"{VARIABLES[flux].long_name} of {site} by {place} and year. Grey cells are missing; {share:.0f} % of the "
        f"others are of low quality, NEE_QC below {QC_VALID:g}, and {'paler' if low else 'darker grey'}.",
        origin,
        lambda: fingerprint.year_table(tower, flux),
        lambda: tower[[flux, "NEE_QC"]],
    )
