"""Which cell of the map is picked: by a click, by a tower or a known place, or by latitude and longitude."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.shared import state
from tamrl.app.world import cache
from tamrl.app.world.view import WorldView
from tamrl.figures.style import unit_label
from tamrl.figures.world.map import unit_of
from tamrl.globe.contract import edges
from tamrl.maps import time_means
from tamrl.maps.layer import Layer
from tamrl.schema import IGBP

#: Places that differ in what drives their fluxes: latitude and longitude.
PLACES = {
    "Amazon rainforest": (-2.6, -60.2),
    "Congo basin": (-1.0, 23.0),
    "Borneo": (1.0, 114.0),
    "Sahel": (13.5, 2.5),
    "Corn Belt": (42.0, -93.5),
    "Mediterranean Spain": (38.5, -4.0),
    "Central Europe": (50.5, 10.5),
    "Boreal Finland": (61.8, 24.3),
    "Siberian larch": (62.2, 129.6),
    "Punjab": (30.8, 75.5),
    "North China Plain": (36.5, 116.5),
    "South-east Australia": (-35.7, 148.2),
    "Arctic Alaska": (68.6, -149.3),
    "Patagonia": (-46.0, -71.0),
}
_NONE = "Choose …"


def choose(lat: float | None, lon: float | None) -> None:
    """Pick the cell of a position, or none."""
    state.put("lat", lat)
    state.put("lon", lon)


def coordinates(lat: float, lon: float) -> str:
    """Return a position in words, ``48.25° N, 11.75° E``."""
    return f"{abs(lat):.2f}° {'S' if lat < 0 else 'N'}, {abs(lon):.2f}° {'W' if lon < 0 else 'E'}"


def marker(view: WorldView) -> list[float] | None:
    """Return latitude, longitude, height and width of the picked cell, degrees."""
    if view.cell is None:
        return None
    at = time_means.cell_of(view.maps, *view.cell)
    if at is None:
        # No cell of these maps, but the place is marked.
        return [*view.cell, *(float(np.median(np.diff(view.maps[axis].values))) for axis in ("lat", "lon"))]
    sizes = (np.diff(edges(view.maps[axis].values, axis)) for axis in ("lat", "lon"))
    return [*view.cell, *(float(size[i]) for size, i in zip(sizes, at, strict=True))]


@st.cache_data(max_entries=4, show_spinner=False)
def tower_points(towers: pd.DataFrame) -> list[list[Any]]:
    """Return longitude, latitude, site and text of each tower, as the map reads them."""
    rows = zip(towers.index, towers["lat"].round(3), towers["lon"].round(3), towers["igbp"], strict=True)
    return [[lon, lat, site, f"{site}, {IGBP.get(igbp, igbp)}"] for site, lat, lon, igbp in rows]


def popover(view: WorldView, towers: pd.DataFrame) -> None:
    """Draw the ways to pick a cell without a click on the map."""
    places = PLACES | {
        f"{site} · {IGBP.get(row.igbp, row.igbp)}": (row.lat, row.lon)
        for site, row in zip(towers.index, towers.itertuples(), strict=True)
    }
    with st.popover("Place", icon=":material/location_on:"):
        st.session_state["world_place"] = _NONE
        st.selectbox(
            "A place or a tower",
            [_NONE, *places],
            key="world_place",
            on_change=lambda: choose(*places.get(st.session_state["world_place"], (None, None))),
            help="Type to search by name, tower or land cover",
        )
        with st.form("world_coordinates", border=False):
            left, right = st.columns(2)
            st.session_state["world_lat"], st.session_state["world_lon"] = view.cell or (None, None)
            left.number_input("Latitude", -90.0, 90.0, key="world_lat", step=0.5, format="%.2f", placeholder="°N")
            right.number_input("Longitude", -180.0, 180.0, key="world_lon", step=0.5, format="%.2f", placeholder="°E")
            st.form_submit_button("Pick this cell", on_click=_take)
        if view.cell is not None:
            st.button("Clear selection", icon=":material/close:", on_click=choose, args=(None, None))


def _take() -> None:
    lat, lon = st.session_state["world_lat"], st.session_state["world_lon"]
    if lat is None or lon is None:
        st.toast("A cell needs a latitude and a longitude.", icon=":material/warning:")
    else:
        choose(lat, lon)


def said(view: WorldView, asked: tuple[Layer, ...]) -> None:
    """Say which cell is picked and what it holds; over ocean that it has no value, and what lies outside the maps."""
    assert view.cell is not None  # said of a picked cell
    lat, lon = view.cell
    found, outside = [], []
    for question in asked:
        field = cache.answer(question)
        at = time_means.cell_of(field, lat, lon)
        name = question.entry.label + (f" \N{MINUS SIGN} {question.other.label}" if question.other else "")
        value = float(field[at]) if at else np.nan
        if at is None:
            outside.append(name)
        elif np.isfinite(value):
            text = f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
            found.append(f"{name}: **{text}** {unit_label(unit_of(question.name))}")
    if outside:
        st.info(
            f"{coordinates(lat, lon)} lies outside these maps: {' and '.join(outside)}. Pick a place inside.",
            icon=":material/wrong_location:",
        )
        if len(outside) == len(asked):
            return
    if not found:
        st.info(
            f"The cell at {coordinates(lat, lon)} is over ocean, or these maps have no value there. Pick one on land.",
            icon=":material/water:",
        )
        return
    st.markdown(f":material/location_on: {coordinates(lat, lon)} · {' · '.join(found)}")
