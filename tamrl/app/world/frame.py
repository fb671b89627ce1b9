"""The World page's frame: which maps, compared how, of which flux, layer and time."""

import calendar
from dataclasses import replace

import streamlit as st
import xarray as xr

from tamrl.app.shared import components, sizes, state
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import choice, pick, select
from tamrl.app.world import cache, import_dialog
from tamrl.app.world.compare import vegetated_switch
from tamrl.app.world.view import LAYERS, MODES, WorldView, short_names
from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE, fluxes_of
from tamrl.maps import time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.time_means import SEASONS, Period
from tamrl.schema import FLUXES
from tamrl.towers.workspace import Workspace

TITLE = "World"
LEAD = "Carbon fluxes of all land, upscaled from towers: look, compare, and pick any place."
#: What is shown first, where it is available.
FIRST_MAPS, FIRST_MONTH, FIRST_SEASON = "tamrl-climate", 7, "JJA"
GRAINS = {"mean": "Whole year", "season": "Season", "month": "Month"}
#: Width of a select box of maps, px.
_SELECT = 225
MONTH_NAMES = tuple(calendar.month_abbr)[1:]
#: Select boxes are higher than buttons: made equal, the labels and the controls of a row stand on one line each. In a
#: narrow window each row stays one line and is moved sideways, so that the map is on the first screen.
_EVEN = """<style>
:is(.st-key-world_maps, .st-key-world_layers) :is([data-testid="stButtonGroup"], [data-testid="stButton"]) button,
.st-key-world_layers [data-testid="stCheckbox"] { min-height: 2.5rem; height: 2.5rem; align-items: center; }
.st-key-world_layers [data-testid="stCheckbox"] { position: relative; top: .5rem; }
@media (min-width: 641px) {
  .st-key-world_layers { gap: .75rem; }
  .st-key-world_layers [data-testid="stButtonGroup"] button { padding-inline: .75rem; }
}
.st-key-world_place_title h2 { font-size: var(--tamrl-h3); padding: 0 0 .7rem; }
@media (max-width: 640px) {
  :is(.st-key-world_maps, .st-key-world_layers) {
    flex-wrap: nowrap; overflow-x: auto; padding: 0 2rem .3rem 0;
    mask-image: linear-gradient(to left, transparent, #000 2.5rem); }  /* fades out where there is more */
  :is(.st-key-world_maps, .st-key-world_layers) > * { flex: none; }
  :is(.st-key-world_maps, .st-key-world_layers) [data-testid="stButtonGroup"] div:has(> button) { flex-wrap: nowrap; }
  .st-key-world_speed { display: none; }  /* it would take a line of its own above the map */
}
</style>"""
_RANGE_OF = "tamrl_world_range_of"


def asked(entries: dict[str, MapsEntry]) -> WorldView:
    """Return what the address and the controls ask for.

    Raises:
        TamrlError: there are no maps, or those chosen cannot be read.
    """
    if not entries:
        todo = "Restore assets/maps, or make maps with `python -m tamrl upscale`"
        raise TamrlError("There are no maps to show", "assets/maps", todo)
    healthy = [key for key, entry in entries.items() if entry.kind != "damaged"] or list(entries)
    first = FIRST_MAPS if FIRST_MAPS in healthy else healthy[0]
    entry = entries[_known("map", entries, first, "maps")]
    mode = choice("mode", list(MODES), "single")
    others = [key for key in healthy if key != entry.key]
    other_entry = entries[_known("with", others, others[0], "maps")] if mode != "single" and others else None
    maps = cache.maps(entry)
    other = cache.maps(other_entry) if other_entry else None
    view = WorldView(
        entry=entry,
        maps=maps,
        other_entry=other_entry,
        other=other,
        flux=choice("flux", FLUXES, "GPP"),
        period=_period(maps, other),
        layer=choice("layer", list(LAYERS), "flux"),
        mode=mode if other_entry else "single",
        cell=_cell(maps),
        entries=entries,
        origin=_origin(entry, maps, other_entry, other),
        vegetated=other_entry is not None and state.get("veg", True),
    )
    _forget_range(view)
    return view


def _known(name: str, options: dict[str, MapsEntry] | list[str], default: str, what: str) -> str:
    """Return the choice ``name``; one that is not available is told and forgotten."""
    value = state.get(name)
    if value is not None and value not in options:
        if name == "map":
            st.warning(
                f"The {what} {components.quoted(value)} of this address are not listed here. What was imported is "
                "listed in the browser that imported it alone, for some hours.",
                icon=":material/link_off:",
            )
        state.put(name, None)
    return value if value in options else default


def of_years(maps: xr.Dataset, other: xr.Dataset | None) -> bool:
    """Return whether whole years are all that can be shown of maps, or of either of two."""
    return not all(time_means.tells_months(one) for one in (maps, other) if one is not None)


def grain() -> str:
    """Return which part of a year is asked for: ``mean``, ``season`` or ``month``."""
    return "month" if state.get("month") else "season" if state.get("season") in SEASONS else "mean"


def years_on_offer(maps: xr.Dataset, other: xr.Dataset | None) -> tuple[int, ...]:
    """Return the years that can be chosen: those of the maps that have the whole season, if one is asked for.

    Where two are compared, those of both.
    """
    asked = Period(season=state.get("season") if grain() == "season" else None)
    years = time_means.years_with(maps, asked)
    return years if other is None else tuple(y for y in years if y in time_means.years_with(other, asked))


def _period(maps: xr.Dataset, other: xr.Dataset | None) -> Period:
    if of_years(maps, other):
        state.put("month", None)
        state.put("season", None)
    year = state.get("year")
    season = state.get("season")
    if season is not None and season not in SEASONS:
        state.leave_out("season")
    elif season is not None and state.get("month"):
        state.put("season", None)  # of a month and a season the month is shown: the address must not say both
    if year is not None and year not in years_on_offer(maps, other):
        if other is None and year in time_means.years_of(maps):
            st.info(
                f"These maps do not have each month of {season} {year}, so the mean of the others is shown.",
                icon=":material/info:",
            )
            state.put("year", None)
        else:
            state.leave_out("year")
        year = None
    kind = grain()
    return Period(
        month=state.get("month") if kind == "month" else None,
        season=state.get("season") if kind == "season" else None,
        year=year,
    )


def with_month(view: WorldView, month: int) -> WorldView:
    """Return a view of another month."""
    return replace(view, period=Period(month=month, year=view.period.year))


def _cell(maps: xr.Dataset) -> tuple[float, float] | None:
    lat, lon = state.get("lat"), state.get("lon")
    if lat is None or lon is None:
        return None
    inside = time_means.cell_of(maps, lat, lon)
    if inside is None:  # the place stays: other maps may reach there
        return lat, lon
    return float(maps["lat"][inside[0]]), float(maps["lon"][inside[1]])


def _origin(entry: MapsEntry, maps: xr.Dataset, other_entry: MapsEntry | None, other: xr.Dataset | None) -> Origin:
    name, said = _source(entry, maps)
    if other_entry is None or other is None:
        return Origin(f"{name}, {said}", entry.simulated)
    simulated, (name_other, said_other) = entry.simulated or other_entry.simulated, _source(other_entry, other)
    if said == said_other:
        return Origin(f"{name}; compared with {name_other}; both: {said}", simulated)
    return Origin(f"{name}, {said}; compared with {name_other}, {said_other}", simulated)


def _source(entry: MapsEntry, maps: xr.Dataset) -> tuple[str, str]:
    """Return a set of maps with its years, and whom it is to be cited by."""
    said = str(maps.attrs.get("citation") or maps.attrs.get("source") or entry.path.name)
    return f"{entry.label} ({time_means.span(maps)})", said


def _forget_range(view: WorldView) -> None:
    """Forget a colour range by hand once something else is drawn than what it was made for."""
    now = (view.name, view.mode == "difference")
    if st.session_state.get(_RANGE_OF, now) != now:
        state.put("range", None)
    st.session_state[_RANGE_OF] = now


def controls(entries: dict[str, MapsEntry], view: WorldView | None, workspace: Workspace | None) -> None:
    """Draw the choice of what is shown."""
    if not entries:
        return
    keys, names = list(entries), short_names({key: entry.label for key, entry in entries.items()})
    st.html(_EVEN)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="world_maps"):
        with st.container(width=sizes.px(_SELECT)):
            shown = view.entry.key if view else state.get("map", keys[0])
            select("Map", "map", keys, shown, names.get)
        pick("Compare", "mode", list(MODES), "single", MODES.get)
        if view is not None and view.other_entry is not None:
            others = [key for key in keys if key != view.entry.key]
            with st.container(width=sizes.px(_SELECT)):
                select("With", "with", others, view.other_entry.key, names.get)
        import_dialog.button(workspace)
    if state.get("mode", "single") != "single" and len(entries) < 2:
        st.info("There is nothing to compare with yet; import a product first.", icon=":material/info:")
    if view is None:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="world_layers"):
        pick("Flux", "flux", FLUXES, "GPP", str)
        pick("Layer", "layer", list(LAYERS), "flux", LAYERS.get)
        if not of_years(view.maps, view.other):
            _when()
        _toggles(view)
        years = years_on_offer(view.maps, view.other)
        if years:
            options = ["all", *years]
            st.session_state["world_year"] = view.period.year or "all"
            with st.container(width=sizes.px(130)):
                st.selectbox(
                    "Year",
                    options,
                    key="world_year",
                    on_change=_take_year,
                    format_func=lambda year: "Multi-year mean" if year == "all" else str(year),
                )


def _toggles(view: WorldView) -> None:
    if any("extrapolation" in maps for maps in (view.maps, view.other) if maps is not None):
        st.toggle(
            "Mask",
            **state.bind("mask", False),
            help="Hatch cells outside the area of applicability: climate and vegetation there are unlike those of any "
            "training tower, the dissimilarity index is above its threshold (Meyer and Pebesma 2021).",
        )
    if view.mode == "side":
        st.toggle("Swipe", **state.bind("curtain", False), help="Both maps in one, with a divider to drag")
    if view.mode == "difference":
        vegetated_switch("Vegetated")


def _when() -> None:
    st.session_state["world_grain"] = grain()
    st.segmented_control(
        "Time", list(GRAINS), key="world_grain", format_func=GRAINS.__getitem__, required=True, on_change=_take_grain
    )


def _take_grain() -> None:
    kind = st.session_state["world_grain"]
    state.put("month", FIRST_MONTH if kind == "month" else None)
    state.put("season", FIRST_SEASON if kind == "season" else None)


def _take_year() -> None:
    year = st.session_state["world_year"]
    state.put("year", None if year == "all" else year)


def missing(view: WorldView) -> str | None:
    """Return in words what the chosen maps lack of what is asked for, None where they have it."""
    pairs = [(view.entry, view.maps)]
    if view.other_entry is not None and view.other is not None:
        pairs.append((view.other_entry, view.other))
    for entry, maps in pairs:
        if view.layer == "flux" and view.flux not in maps:
            has = ", ".join(fluxes_of(maps)) or f"{NBE} alone, shown in the tab Land sink"
            return f"{entry.label} has no {view.flux}. It has {has}."
        if view.layer == "spread" and view.name not in maps:
            return f"{entry.label} provides no uncertainty for {view.flux}. Choose the layer Flux, or a TAM-RL map."
        if view.layer == "extrapolation" and view.name not in maps:
            return f"{entry.label} has no dissimilarity index. Choose the layer Flux, or a TAM-RL map."
        if view.layer != "extrapolation" and not time_means.steps(maps, view.period).size:
            whole = " with each of its months" if view.period.season else ""
            return f"{entry.label} has no {view.period.label}{whole}. Choose another part of the year."
    return None
