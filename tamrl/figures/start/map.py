"""The map of the Start page: a flux of one month, and the towers that the model learnt from."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures.style import INK, MUTED, PAPER, SMALL_PX, Theme, style
from tamrl.figures.world.map import Scale

HEIGHT = 430
#: Height of the colour bar with its words [px]; the map is below it.
_BAR = 56
#: Latitudes that are shown: without the ice of Antarctica.
_SOUTH, _NORTH = -58.0, 80.0
#: Degrees between the points of an outline that are kept.
_COARSE = 0.6


@lru_cache(maxsize=2)
def outlines(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes (n,) of the outlines of countries as one line, NaN between its parts [degrees].

    As arrays they are taken as they are, where each of the numbers of a list is looked at, several times a figure.

    Args:
        file: GeoJSON of polygons.
    """
    lines: list[np.ndarray] = []
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        shape = feature["geometry"]
        parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        for ring in (ring for part in parts for ring in part):
            points = np.asarray(ring, dtype=float)[:, :2]
            steps = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))] // _COARSE
            kept = np.r_[True, np.diff(steps) > 0]
            kept[-1] = True
            if kept.sum() > 3:
                lines += [points[kept], np.full((1, 2), np.nan)]
    lon, lat = np.concatenate(lines).astype(np.float32).T
    return lon, lat


def world(picture: str, bounds: list[float], scale: Scale, towers: pd.DataFrame, file: Path, theme: Theme) -> go.Figure:
    """Return the map of a field with towers as points.

    Args:
        picture: the field as a data URL, one pixel a cell, north on top.
        bounds: its west, south, east and north [degrees].
        scale: its colours.
        towers: DataFrame(site) with ``lat``, ``lon`` and ``igbp``.
        file: outlines of countries, GeoJSON.
        theme: light or dark.
    """
    west, south, east, north = bounds
    lon, lat = outlines(file)
    figure = go.Figure()
    figure.add_scatter(x=lon, y=lat, mode="lines", hoverinfo="skip", line=dict(color=MUTED[theme], width=0.6))
    figure.add_trace(_towers(towers, theme))
    figure.add_trace(_colour_bar(scale, theme))
    style(figure, theme, HEIGHT, hold="start")
    figure.add_layout_image(
        source=picture,
        xref="x",
        yref="y",
        x=west,
        y=north,
        sizex=east - west,
        sizey=north - south,
        sizing="stretch",
        layer="below",
    )
    figure.update_layout(showlegend=False, margin=dict(l=0, r=0, t=_BAR, b=0), dragmode="pan")
    figure.update_xaxes(range=[-170, 180], visible=False, constrain="domain")
    figure.update_yaxes(range=[_SOUTH, _NORTH], visible=False, scaleanchor="x", constrain="domain")
    # A title of the bar itself is given more room than it takes.
    figure.add_annotation(
        text=scale.title,
        font=dict(size=SMALL_PX, color=INK[theme]),
        showarrow=False,
        **dict(xref="paper", x=0.5, yref="paper", y=1, yanchor="bottom", yshift=_BAR - 20),
    )
    # In a narrow window the map is lower than its figure: it then stays below its colours.
    figure.update_yaxes(constraintoward="top")
    return figure


def _towers(towers: pd.DataFrame, theme: Theme) -> go.Scatter:
    """Return the towers as points that can be clicked."""
    return go.Scatter(
        x=towers["lon"],
        y=towers["lat"],
        mode="markers",
        customdata=np.asarray(towers.index, dtype=object)[:, None],
        hovertext=[f"<b>{site}</b> {row.igbp}<br>adapt the model to it" for site, row in towers.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
        marker=dict(size=7, color=PAPER[theme], line=dict(width=1.4, color=INK[theme])),
        selected=dict(marker=dict(opacity=1)),
        unselected=dict(marker=dict(opacity=1)),
    )


def _colour_bar(scale: Scale, theme: Theme) -> go.Scatter:
    """Return a point that is never seen, which carries the colour bar of the picture."""
    colours = [[i / (len(scale.colours) - 1), colour] for i, colour in enumerate(scale.colours)]
    bar = dict(
        orientation="h",
        thickness=9,
        len=0.6,
        y=1,
        yanchor="bottom",
        outlinewidth=0,
        tickfont=dict(color=INK[theme], size=SMALL_PX),
    )
    marker = dict(color=[scale.low], colorscale=colours, cmin=scale.low, cmax=scale.high, colorbar=bar, opacity=0)
    return go.Scatter(x=[0], y=[_SOUTH - 30], mode="markers", hoverinfo="skip", marker=marker)
