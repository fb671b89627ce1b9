"""Figures of lesson 6: the SIMULATED places by climate with their errors, and a network among those drawn by lot."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures.colours import MATTER, ROLE
from tamrl.figures.style import INK, MARK, Theme, style, unit_label
from tamrl.schema import FLUX_UNIT

UNIT = unit_label(FLUX_UNIT)
#: The worst-predicted places that are named on the chart.
NAMED = 6


def _marked(title: str, theme: Theme) -> str:
    """Return the title of an axis with the mark of simulated data before it."""
    return f'<b style="color:{MARK[theme]}">SIMULATED</b> · {title}'


def climates(
    places: pd.DataFrame, errors: np.ndarray, top: float, start: Sequence[str], added: Sequence[str], theme: Theme
) -> go.Figure:
    """Return the places by temperature and rain, coloured by the error there, with the towers.

    Args:
        places: DataFrame(site) with ``temperature`` [degC], ``rain`` [mm a-1], ``igbp`` and ``koeppen``.
        errors: (S,) RMSE [gC m-2 d-1].
        top: end of the colour scale, the same for all networks.
        start: towers that stand already.
        added: towers of the student.
        theme: light or dark.
    """
    figure = go.Figure()
    # Names of all would lie over each other; the rest say theirs on hover.
    named = {*start, *added, *places.index[np.argsort(-errors)[:NAMED]]}
    parts = (
        ("No tower", ~places.index.isin([*start, *added]), "circle", 13),
        ("Stands already", places.index.isin(list(start)), "square", 15),
        ("Added by you", places.index.isin(list(added)), "star", 20),
    )
    for i, (name, keep, symbol, size) in enumerate(parts):
        part = places[keep]
        figure.add_trace(
            go.Scatter(
                x=part["temperature"],
                y=part["rain"],
                mode="markers+text",
                name=name,
                text=[site.removeprefix("XS-") if site in named else "" for site in part.index],
                textposition="top center",
                textfont=dict(size=10),
                customdata=np.column_stack([part.index, part["igbp"], part["koeppen"], errors[keep].round(2)]),
                hovertemplate="%{customdata[0]}, %{customdata[1]}, %{customdata[2]}<br>RMSE %{customdata[3]}"
                "<extra></extra>",
                marker=_marker(errors[keep], top, symbol, size, i == 0, theme),
            )
        )
    style(figure, theme, 430, hold="lesson-climates")
    figure.update_layout(margin_b=44, clickmode="event+select", dragmode=False)
    figure.update_xaxes(title_text=_marked("Mean temperature [°C]", theme))
    figure.update_yaxes(title_text="Precipitation [mm a⁻¹]", rangemode="tozero")
    return figure


def _marker(errors: np.ndarray, top: float, symbol: str, size: int, bar: bool, theme: Theme) -> dict[str, Any]:
    """Return markers coloured by the error of their places, one trace with the bar of the colours."""
    colours = (MATTER if theme == "light" else MATTER[::-1])[1:-2]
    return dict(
        size=size,
        symbol=symbol,
        color=errors,
        cmin=0,
        cmax=top,
        colorscale=[[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
        line=dict(width=1.2, color=INK[theme]),
        colorbar=dict(title=f"RMSE<br>[{UNIT}]", thickness=12) if bar else None,
        showscale=bar,
    )


def among(lot: np.ndarray, marks: Mapping[str, float], theme: Theme) -> go.Figure:
    """Return how good networks drawn by lot are, with some networks as lines.

    Args:
        lot: mean RMSE of each draw [gC m-2 d-1].
        marks: name -> mean RMSE of a network.
        theme: light or dark.
    """
    figure = go.Figure(
        go.Histogram(
            x=lot,
            xbins=dict(size=0.05),
            marker=dict(color=ROLE[theme]["observed"], opacity=0.35),
            name="drawn by lot",
            hovertemplate="%{y} networks<extra></extra>",
        )
    )
    style(figure, theme, 320, hold="lesson-among")
    for i, (name, value) in enumerate(marks.items()):
        mine = name == "yours"
        figure.add_vline(
            value,
            line=dict(
                width=3 if mine else 1.6,
                dash="solid" if mine else "dash",
                color=ROLE[theme]["support" if mine else "adapted"],
            ),
            annotation=dict(text=name, font=dict(color=INK[theme], size=12), yshift=-15 * i),
        )
    figure.update_layout(margin_b=44, showlegend=False)
    figure.update_xaxes(title_text=_marked(f"Mean RMSE of GPP over all places [{UNIT}]", theme))
    figure.update_yaxes(title_text="Networks")
    return figure
