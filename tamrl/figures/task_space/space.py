"""Towers in the space of task embeddings: the picture of all, and the way that one moves in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures.colours import CLASS, CLASS_SIGN, CLIMATE, MATTER, OTHER_SIGN, ROLE, VIRIDIS, rgba
from tamrl.figures.style import HEAD_PX, INK, MISSING, MUTED, PAPER, SMALL_PX, Theme, style
from tamrl.schema import IGBP, KOEPPEN, UNKNOWN

HEIGHT, WAY_PX = 540, 400
_CLIMATE_SIGNS = {"A": "square", "B": "diamond", "C": "circle", "D": "triangle-up", "E": "star", UNKNOWN: "x"}
#: Ends of the colours of a number: single far towers must not grey out the others.
_TAIL = 5


def classes(table: pd.DataFrame, by: str) -> list[tuple[str, str, str, str]]:
    """Return the classes that towers have, in order: code, name, colour and marker.

    Args:
        table: ``igbp`` and ``koeppen`` of each tower.
        by: ``igbp`` or ``koeppen``, of which the main climate counts.
    """
    if by == "igbp":
        present = set(table["igbp"])
        return [
            (code, IGBP.get(code, "class unknown"), CLASS[code], CLASS_SIGN.get(code, OTHER_SIGN))
            for code in CLASS
            if code in present
        ]
    present = set(main_climate(table["koeppen"]))
    return [
        (code, KOEPPEN.get(code, "climate unknown"), CLIMATE[code], _CLIMATE_SIGNS[code])
        for code in CLIMATE
        if code in present
    ]


def main_climate(koeppen: Sequence[str]) -> list[str]:
    """Return the first letter of each Koeppen class, ``unknown`` of one that is not known."""
    return [name[:1] if name[:1] in KOEPPEN and name != UNKNOWN else UNKNOWN for name in koeppen]


def scatter(
    table: pd.DataFrame, axes: Sequence[str], by: str, title: str, picked: str, near: Sequence[str], theme: Theme
) -> go.Figure:
    """Return towers as points in two principal components, the picked one ringed and tied to its neighbours.

    Args:
        table: DataFrame(site) with ``x, y``, ``igbp``, ``koeppen``, ``trained`` and, of a number, ``value`` and
            ``said``, the value in words.
        axes: titles of both axes.
        by: ``igbp``, ``koeppen``, or anything else for ``value``.
        title: of the colours of ``value``, with its unit.
        picked: the tower that is ringed.
        near: its neighbours.
        theme: light or dark.
    """
    figure = go.Figure(_ties(table, picked, near, theme))
    if by in ("igbp", "koeppen"):
        of = table["igbp"] if by == "igbp" else pd.Series(main_climate(table["koeppen"]), table.index)
        for code, name, colour, sign in classes(table, by):
            figure.add_trace(_points(table[of == code], theme, f"{code} {name}", color=colour, symbol=sign))
    else:
        for trace in _values(table, by, title, theme):
            figure.add_trace(trace)
    figure.add_trace(_ring(table.loc[picked], theme))
    style(figure, theme, HEIGHT, hold="task_space")
    figure.update_layout(showlegend=False, dragmode="pan")
    figure.update_xaxes(title_text=axes[0])
    # Both axes on one scale: distances in the picture are then comparable in any direction.
    figure.update_yaxes(title_text=axes[1], scaleanchor="x", scaleratio=1)
    return figure


def _ties(table: pd.DataFrame, picked: str, near: Sequence[str], theme: Theme) -> go.Scatter:
    """Return lines from the picked tower to its neighbours."""
    start = table.loc[picked, ["x", "y"]].to_numpy(dtype=float)
    ends = [(start, table.loc[site, ["x", "y"]].to_numpy(dtype=float), (np.nan, np.nan)) for site in near]
    lines = np.array(ends, dtype=float).reshape(-1, 2)
    return go.Scatter(
        x=lines[:, 0],
        y=lines[:, 1],
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        line=dict(color=MUTED[theme], width=1),
    )


def _ring(row: pd.Series, theme: Theme) -> go.Scatter:
    """Return the ring around the picked tower, and its name."""
    return go.Scatter(
        x=[row["x"]],
        y=[row["y"]],
        mode="markers+text",
        text=[row.name],
        textposition="top center",
        textfont=dict(size=HEAD_PX, color=INK[theme]),
        hoverinfo="skip",
        showlegend=False,
        marker=dict(size=19, color="rgba(0,0,0,0)", line=dict(color=INK[theme], width=2.5)),
    )


def _points(table: pd.DataFrame, theme: Theme, name: str, **marker: Any) -> go.Scatter:
    """Return towers of one look; those that the model was not trained on wear a thick edge."""
    edge = np.where(table["trained"], 0.8, 2.5)
    colours = np.where(table["trained"], PAPER[theme], INK[theme])
    said = table["said"] if "said" in table else pd.Series("", table.index)
    size = np.where(table["trained"], 9, 12)
    text = [
        f"<b>{site}</b><br>{row.igbp}, Köppen {row.koeppen}"
        + (f"<br>{more}" if more else "")
        + ("" if row.trained else "<br>not trained on")
        for (site, row), more in zip(table.iterrows(), said, strict=True)
    ]
    return go.Scatter(
        x=table["x"],
        y=table["y"],
        mode="markers",
        name=name,
        customdata=np.asarray(table.index, dtype=object)[:, None],
        hovertext=text,
        hovertemplate="%{hovertext}<extra></extra>",
        marker=dict(size=size, line=dict(width=edge, color=colours), opacity=0.95, **marker),
        # A click picks; it does not fade the others.
        selected=dict(marker=dict(opacity=0.95)),
        unselected=dict(marker=dict(opacity=0.95)),
    )


def _values(table: pd.DataFrame, by: str, title: str, theme: Theme) -> list[go.Scatter]:
    """Return the towers in the colours of a number, those without it in grey."""
    known = table[np.isfinite(table["value"].astype(float))]
    scale = (MATTER if by == "score" else VIRIDIS)[1:-1]
    scale = scale[::-1] if theme == "dark" and by == "score" else scale
    traces = []
    if len(known) < len(table):
        lacking = table.drop(index=known.index)
        traces.append(_points(lacking, theme, "not known", color=MISSING[theme], symbol="circle"))
    if len(known):
        low, high = (float(v) for v in np.percentile(known["value"].astype(float), [_TAIL, 100 - _TAIL]))
        bar = dict(
            title=dict(text=title.replace(" [", "<br>["), font=dict(size=SMALL_PX, color=INK[theme])),
            thickness=11,
            len=0.75,
            outlinewidth=0,
            tickfont=dict(color=MUTED[theme], size=SMALL_PX),
        )
        colours = [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)]
        marker = dict(color=known["value"], colorscale=colours, cmin=low, cmax=high, colorbar=bar)
        traces.append(_points(known, theme, title, **marker))
    return traces


def way_picture(table: pd.DataFrame, way: pd.DataFrame, axes: Sequence[str], theme: Theme) -> go.Figure:
    """Return how the embedding of one tower moves among the others in the picture.

    Args:
        table: DataFrame(site) with ``x`` and ``y`` of all towers.
        way: a row a step with its ``label``, ``x`` and ``y``.
        axes: titles of both axes.
        theme: light or dark.
    """
    figure = go.Figure(
        go.Scatter(
            x=table["x"],
            y=table["y"],
            mode="markers",
            name="towers",
            hovertext=table.index,
            hovertemplate="%{hovertext}<extra></extra>",
            marker=dict(size=7, color=rgba(ROLE[theme]["observed"], 0.35)),
        )
    )
    # The steps between lie close to each other: they are named on hover, and in the figure beside.
    named = [name if i in (0, len(way) - 1) else "" for i, name in enumerate(way["label"])]
    figure.add_trace(_steps(way, way["x"], way["y"], theme, "lines+markers+text"))
    figure.data[-1].update(
        text=named, textposition=_sides(way["y"].to_numpy()), textfont=dict(size=SMALL_PX, color=INK[theme])
    )
    style(figure, theme, WAY_PX, hold="task_way")
    low, high = way[["x", "y"]].min(), way[["x", "y"]].max()
    # The way with as much room around it as shows some towers.
    middle, half = (low + high) / 2, max(float((high - low).max()) * 0.8, 2.5)
    figure.update_xaxes(title_text=axes[0], range=[middle["x"] - half, middle["x"] + half])
    figure.update_yaxes(title_text=axes[1], range=[middle["y"] - half, middle["y"] + half], scaleanchor="x")
    figure.update_layout(showlegend=False)
    return figure


def _sides(heights: np.ndarray) -> list[str]:
    """Return where the names of the steps of a way stand: those of its ends on the side that it does not lead to."""
    sides = ["top center"] * len(heights)
    if len(heights) > 1:
        sides[0] = "bottom center" if heights[1] >= heights[0] else "top center"
        sides[-1] = "bottom center" if heights[-1] < heights[-2] else "top center"
    return sides


def way_distance(way: pd.DataFrame, counted: str, nearest: float, theme: Theme) -> go.Figure:
    """Return how far the embedding of one tower is at each step, in all dimensions.

    Args:
        way: a row a step with its ``label`` and ``far``, the distance from the embedding that is the reference, in
            units of the usual distance between nearest towers.
        counted: what the steps count.
        nearest: distance of the tower to its nearest other one, in the same unit.
        theme: light or dark.
    """
    figure = go.Figure(_steps(way, way["label"], way["far"], theme, "lines+markers"))
    figure.add_hline(
        y=nearest,
        line=dict(color=MUTED[theme], dash="dot", width=1.2),
        annotation=dict(text="nearest other tower", font=dict(size=SMALL_PX, color=MUTED[theme])),
    )
    style(figure, theme, WAY_PX, hold="task_far")
    figure.update_xaxes(title_text=counted, type="category")
    figure.update_yaxes(title_text="Distance, relative to that<br>between nearest towers", rangemode="tozero")
    figure.update_layout(showlegend=False)
    return figure


def _steps(way: pd.DataFrame, x: pd.Series, y: pd.Series, theme: Theme, mode: str) -> go.Scatter:
    """Return the steps of a way, the later the fuller its colour."""
    colours = [rgba(ROLE[theme]["adapted"], float(alpha)) for alpha in np.linspace(0.35, 1, len(way))]
    return go.Scatter(
        x=x,
        y=y,
        mode=mode,
        line=dict(color=rgba(ROLE[theme]["adapted"], 0.5), width=2),
        marker=dict(size=10, color=colours, line=dict(width=1, color=INK[theme])),
        hovertext=[f"{label}: distance {far:.2f}" for label, far in zip(way["label"], way["far"], strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )
