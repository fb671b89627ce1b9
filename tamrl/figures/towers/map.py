"""World map of towers as a deck.gl layer stack that needs no map server."""

from typing import Any

import pandas as pd
import pydeck as pdk

from tamrl import wording
from tamrl.figures.colours import CLASS, rgb
from tamrl.figures.style import FONT, INK, PAPER, Theme
from tamrl.schema import IGBP
from tamrl.timestep import TimeStep
from tamrl.towers.table import years_text

#: Served by the app itself; a basemap of a map server would be asked for over the network.
STYLE_URL = "/app/static/blank.json"
COUNTRIES_URL = "/app/static/countries.geojson"
LAND = {"light": "#e7e4d8", "dark": "#2a322d"}
#: Outline of a tower: it must part from the land and from its neighbours.
EDGE = {"light": ("#ffffff", 255), "dark": ("#e6e9e3", 150)}
BORDER = {"light": "#c9c5b5", "dark": "#414b44"}


def tower_records(table: pd.DataFrame, step: TimeStep = TimeStep.DAILY) -> list[dict[str, Any]]:
    """Return what the map holds of each tower: position, colour and the text of its tooltip.

    A tower without a position is left out.
    """
    return [
        {
            "site": site,
            "name": row["name"] or site,
            "igbp": f"{row['igbp']} · {IGBP.get(row['igbp'], 'class unknown')}",
            "koeppen": row["koeppen"],
            "years": years_text(row),
            "valid_days": wording.counted(row["valid_days"], step, "valid"),
            "position": [row["lon"], row["lat"]],
            "colour": rgb(CLASS.get(row["igbp"], CLASS["unknown"]), 235),
        }
        for site, row in table.dropna(subset=["lat", "lon"]).iterrows()
    ]


TOOLTIP = "<b>{site}</b> {name}<br>{igbp}<br>Köppen {koeppen}<br>{years}, {valid_days}"


def tower_map(
    table: pd.DataFrame,
    selected: str | None,
    theme: Theme,
    height: int = 430,
    turn: int = 0,
    step: TimeStep = TimeStep.DAILY,
) -> pdk.Deck:
    """Return the world map of towers, coloured by land cover; the tower ``selected`` is ringed.

    Args:
        table: one row a tower, of ``tower_table``.
        selected: site code, drawn on top, or None.
        theme: light or dark.
        height: height in px.
        turn: see ``point_map``.
        step: of the archive.
    """
    return point_map(tower_records(table, step), selected, theme, TOOLTIP, height, turn)


def point_map(
    records: list[dict[str, Any]], selected: str | None, theme: Theme, tooltip: str, height: int = 430, turn: int = 0
) -> pdk.Deck:
    """Return a world map of towers in the colours that their records name; the tower ``selected`` is ringed.

    Args:
        records: ``site``, ``position`` [lon, lat], ``colour`` (red, green, blue, alpha) and what the tooltip shows.
        selected: site code, drawn on top, or None.
        theme: light or dark.
        tooltip: HTML with the names of fields in braces.
        height: height in px.
        turn: number of the selection, part of the id ``towers-<turn>`` of the pickable layer. Streamlit fades all
            towers but the one clicked; a new id ends that, and the map keeps its place.
    """
    chosen = [r for r in records if r["site"] == selected]
    return pdk.Deck(
        layers=[_countries(theme), _points(records, turn, theme), _ring(chosen, theme)],
        map_style=STYLE_URL,
        map_provider=None,
        height=height,
        views=[pdk.View(type="MapView", controller=True)],
        initial_view_state=pdk.ViewState(latitude=24, longitude=0, zoom=0, min_zoom=-0.6, max_zoom=9),
        tooltip={
            "html": tooltip,
            "style": {
                "backgroundColor": PAPER[theme],
                "color": INK[theme],
                "fontFamily": FONT,
                "fontSize": "12px",
                "borderRadius": "6px",
                "boxShadow": "0 2px 8px rgba(0,0,0,.25)",
                "maxWidth": "260px",
            },
        },
    )


def _countries(theme: Theme) -> pdk.Layer:
    return pdk.Layer(
        "GeoJsonLayer",
        data=COUNTRIES_URL,
        id="countries",
        stroked=True,
        filled=True,
        pickable=False,
        get_fill_color=rgb(LAND[theme]),
        get_line_color=rgb(BORDER[theme]),
        line_width_min_pixels=0.6,
    )


def _ring(chosen: list[dict[str, Any]], theme: Theme) -> pdk.Layer:
    """Return the ring around the selected tower."""
    return pdk.Layer(
        "ScatterplotLayer",
        data=chosen,
        id="selected",
        get_position="position",
        filled=False,
        stroked=True,
        radius_units=pdk.types.String("pixels"),
        get_radius=11,
        line_width_units=pdk.types.String("pixels"),
        get_line_width=3,
        get_line_color=rgb(INK[theme]),
        pickable=False,
    )


def _points(records: list[dict[str, Any]], turn: int, theme: Theme) -> pdk.Layer:
    """Return the towers themselves, which can be picked."""
    return pdk.Layer(
        "ScatterplotLayer",
        data=records,
        id=f"towers-{turn}",
        get_position="position",
        get_fill_color="colour",
        radius_units=pdk.types.String("pixels"),
        get_radius=6,
        stroked=True,
        get_line_color=rgb(*EDGE[theme]),
        line_width_units=pdk.types.String("pixels"),
        get_line_width=1,
        pickable=True,
        auto_highlight=True,
        highlight_color=rgb(INK[theme], 160),
    )


def below(deck: pdk.Deck, base: str) -> pdk.Deck:
    """Let a map ask for what the app serves below a path, and return it.

    Args:
        deck: of ``point_map``; changed in place.
        base: path that stands before every address of the app, such as ``/tamrl``; empty for none.
    """
    deck.map_style = base + STYLE_URL
    for layer in deck.layers:
        if layer.id == "countries":
            layer.data = base + COUNTRIES_URL
    return deck
