"""Figures of lesson 5: regions on a map, the dissimilarity index, errors beside it, an interval over time."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.evaluation.results import METRICS
from tamrl.figures import hover
from tamrl.figures.colours import CIVIDIS, FLUX, REGION, ROLE, rgba
from tamrl.figures.lessons import apart
from tamrl.figures.lessons.apart import Plot
from tamrl.figures.style import DATE, GRID, INK, Theme, style
from tamrl.timestep import TimeStep

#: Every so many cells of the maps are drawn: a lesson needs no more, and the browser has less to fetch.
STRIDE = 3
MAP_PX = 400


def _world(figure: go.Figure, theme: Theme, towers: pd.DataFrame, title: str) -> go.Figure:
    figure.add_trace(
        go.Scatter(
            x=towers["lon"],
            y=towers["lat"],
            mode="markers",
            name=f"{len(towers)} towers",
            text=towers.index,
            hovertemplate="%{text}<extra></extra>",
            marker=dict(size=5, color=INK[theme], line=dict(width=0.5, color=GRID[theme])),
        )
    )
    style(figure, theme, MAP_PX, hold=f"lesson-{title}")
    figure.update_xaxes(range=[-172, 180], showgrid=False, zeroline=False, showticklabels=False, ticks="", linewidth=0)
    figure.update_yaxes(range=[-56, 80], showgrid=False, zeroline=False, showticklabels=False, ticks="", linewidth=0)
    return figure


def marked(
    codes: np.ndarray,
    names: dict[int, str],
    chosen: Collection[str],
    lat: np.ndarray,
    lon: np.ndarray,
    towers: pd.DataFrame,
    theme: Theme,
) -> go.Figure:
    """Return a map of the regions, in two greys by turns, the marked ones in colour, with the towers.

    Args:
        codes: (lat, lon) of the regions, 0 for none.
        names: of the codes.
        chosen: names of the marked regions.
        lat: cell centres.
        lon: cell centres.
        towers: DataFrame(site) with ``lat`` and ``lon``.
        theme: light or dark.
    """
    codes, lat, lon = codes[::STRIDE, ::STRIDE], lat[::STRIDE], lon[::STRIDE]
    turn = np.full(max(names) + 1, np.nan)
    for i, (code, name) in enumerate(names.items()):
        turn[code] = 2 if name in chosen else i % 2
    words = np.array([names.get(code, "") for code in range(max(names) + 1)])
    greys = REGION[theme]
    scale = [[0, greys[0]], [0.33, greys[0]], [0.34, greys[1]], [0.66, greys[1]], [0.67, ROLE[theme]["zero-shot"]]]
    figure = go.Figure(
        go.Heatmap(
            x=lon,
            y=lat,
            z=np.where(codes > 0, turn[codes], np.nan),
            text=words[codes],
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            zmin=0,
            zmax=2,
            colorscale=[*scale, [1, ROLE[theme]["zero-shot"]]],
            showscale=False,
        )
    )
    return _world(figure, theme, towers, "regions")


def index(
    field: np.ndarray, threshold: float, lat: np.ndarray, lon: np.ndarray, towers: pd.DataFrame, theme: Theme
) -> go.Figure:
    """Return a map of the dissimilarity index, with the threshold on its colour bar, and the towers.

    Args:
        field: (lat, lon), NaN where nothing grows.
        threshold: of the index.
        lat: cell centres.
        lon: cell centres.
        towers: DataFrame(site) with ``lat`` and ``lon``.
        theme: light or dark.
    """
    colours = CIVIDIS if theme == "dark" else CIVIDIS[::-1]
    top = round(1.25 * threshold, 1)
    figure = go.Figure(
        go.Heatmap(
            x=lon[::STRIDE],
            y=lat[::STRIDE],
            z=np.round(field[::STRIDE, ::STRIDE], 2),
            hovertemplate=hover.told(hover.CELL, "index %{z:.2f}"),
            hoverongaps=False,
            zmin=0,
            zmax=top,
            colorscale=[[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
            colorbar=dict(
                title="Dissimilarity<br>index",
                thickness=12,
                tickvals=[0, threshold / 2, threshold, top],
                ticktext=["0 near", f"{threshold / 2:.2f}", f"{threshold:.2f} threshold", f"{top:g} far"],
            ),
        )
    )
    return _world(figure, theme, towers, "index")


def against(table: pd.DataFrame, column: str, label: str, chosen: Collection[str], theme: Theme) -> go.Figure:
    """Return an error at the towers of each region against the median index there; markers grow with the towers.

    Args:
        table: of ``tamrl.teaching.trust.by_region``.
        column: ``r2`` or ``nmae``.
        label: of the axis.
        chosen: regions that the student has marked.
        theme: light or dark.
    """
    shown = table.dropna(subset=[column])
    mine = shown.index.isin(list(chosen))
    sizes = 8 + 2.2 * np.sqrt(shown["towers"].astype(float))
    plot, words = _plot(shown, column), {name: f"{name} ({n})" for name, n in shown["towers"].items()}
    # Names of all would lie over each other: those marked, and where there is room the furthest and the lowest; the
    # rest say theirs on hover.
    order = dict.fromkeys([*(n for n in chosen if n in words), *shown.index[:3], *shown[column].nsmallest(3).index])
    names = [(shown.index.get_loc(name), words[name], name in chosen) for name in order]
    points = plot.at(shown["index"].to_numpy(), shown[column].to_numpy())
    sides = {shown.index[i]: side for i, side in apart.sides(points, sizes.to_numpy() / 2, names, plot, 10).items()}
    error = f"{METRICS[column].label} {hover.value('')}"
    figure = go.Figure()
    for keep, name, role, symbol in (
        (~mine, "Region", "adapted", "circle"),
        (mine, "Marked by you", "zero-shot", "diamond"),
    ):
        part = shown[keep]
        figure.add_trace(
            go.Scatter(
                x=part["index"],
                y=part[column],
                mode="markers+text",
                name=name,
                text=[words[name] if name in sides else "" for name in part.index],
                customdata=[words[name] for name in part.index],
                textposition=[sides.get(name, "top center") for name in part.index],
                textfont=dict(size=10),
                hovertemplate=hover.told("%{customdata}", f"index %{{x:.2f}}, {error}", name),
                marker=dict(size=sizes[keep], symbol=symbol, color=ROLE[theme][role], opacity=0.8),
            )
        )
    style(figure, theme, 380, hold=f"lesson-against-{column}")
    figure.update_layout(margin_b=44)
    figure.update_xaxes(title_text="Median dissimilarity index of the vegetated land", range=plot.x)
    figure.update_yaxes(title_text=label, range=plot.y)
    return figure


def _plot(shown: pd.DataFrame, column: str) -> Plot:
    """Return axes with room for the markers and names at their ends."""
    ends = []
    for values in (shown["index"], shown[column]):
        low, high = float(values.min()), float(values.max())
        room = 0.12 * (high - low or 1.0)
        ends.append((low - room, high + room))
    return Plot(x=ends[0], y=ends[1])


def interval(made: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return measured days, prediction and its 90 % interval over some time.

    Args:
        made: DataFrame(time) with ``<flux>``, ``_low``, ``_high`` and ``_observed`` [gC m-2 d-1].
        flux: name of the flux.
        theme: light or dark.
    """
    colour = ROLE[theme]["zero-shot"]
    figure = go.Figure()
    for end, fill in (("_low", None), ("_high", "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=made.index,
                y=made[flux + end],
                mode="lines",
                line=dict(width=0.8, color=rgba(colour, 0.6)),
                fill=fill,
                fillcolor=rgba(colour, 0.22),
                name="90 % interval",
                showlegend=fill is not None,
                hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=made.index,
            y=made[flux],
            mode="lines",
            name="Predicted",
            line=dict(width=1.6, color=colour),
            customdata=made[[f"{flux}_low", f"{flux}_high"]],
            hovertemplate=f"{hover.value()} (90 %: %{{customdata[0]:.2f}} to %{{customdata[1]:.2f}})",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=made.index,
            y=made[f"{flux}_observed"],
            mode="markers",
            name="Observed",
            marker=dict(size=4.5, color=FLUX[theme][flux]),
            hovertemplate=hover.value(),
        )
    )
    style(figure, theme, 320, hold="lesson-interval")
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(hoverformat=DATE[TimeStep.DAILY])
    figure.update_yaxes(title_text=f"{flux} [{hover.FLUX}]")
    return figure
