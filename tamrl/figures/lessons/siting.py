"""Figures of lesson 6: the SIMULATED places by climate with their errors, and a network among those drawn by lot."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import MATTER, ROLE
from tamrl.figures.lessons import apart
from tamrl.figures.lessons.apart import Plot
from tamrl.figures.style import INK, MARK, Theme, style, unit_label
from tamrl.schema import FLUX_UNIT

UNIT, _RAIN = unit_label(FLUX_UNIT), unit_label("mm yr-1")
#: The worst-predicted places that are named on the chart, and the size of names.
NAMED, FONT_PX = 6, 10


def _marked(title: str, theme: Theme) -> str:
    """Return the title of an axis with the mark of simulated data before it."""
    return f'<b style="color:{MARK[theme]}">SIMULATED</b> · {title}'


def climates(
    places: pd.DataFrame, errors: np.ndarray, top: float, start: Sequence[str], added: Sequence[str], theme: Theme
) -> go.Figure:
    """Return the places by temperature and rain, coloured by the error there, with the towers.

    Args:
        places: DataFrame(site) with ``temperature`` [degC], ``rain`` [mm yr-1], ``igbp`` and ``koeppen``.
        errors: (S,) RMSE [gC m-2 d-1].
        top: end of the colour scale, the same for all networks.
        start: towers that stand already.
        added: towers of the student.
        theme: light or dark.
    """
    figure = go.Figure()
    parts = (
        ("No tower", ~places.index.isin([*start, *added]), "circle", 13),
        ("Stands already", places.index.isin(list(start)), "square", 15),
        ("Added by you", places.index.isin(list(added)), "star", 20),
    )
    plot = _plot(places)
    sides = _names(places, errors, start, added, plot)
    for i, (name, keep, symbol, size) in enumerate(parts):
        part = places[keep]
        figure.add_trace(
            go.Scatter(
                x=part["temperature"],
                y=part["rain"],
                mode="markers+text",
                name=name,
                text=[_short(site) if site in sides else "" for site in part.index],
                textposition=[sides.get(site, "top center") for site in part.index],
                textfont=dict(size=FONT_PX),
                customdata=np.column_stack([part.index, part["igbp"], part["koeppen"], errors[keep]]),
                hovertemplate=hover.told(
                    "%{customdata[0]} (%{customdata[1]}, %{customdata[2]})",
                    f"%{{x:.1f}} °C, %{{y:.0f}} {_RAIN}<br>RMSE {hover.value(of='customdata[3]')}",
                ),
                marker=_marker(errors[keep], top, symbol, size, i == 0, theme),
            )
        )
    style(figure, theme, 500, hold="lesson-climates")
    figure.update_layout(margin_b=120, clickmode="event+select", dragmode=False)
    figure.update_xaxes(title_text=_marked("Mean temperature [°C]", theme), range=plot.x)
    figure.update_yaxes(title_text=f"Precipitation [{_RAIN}]", range=plot.y)
    return figure


def _short(site: str) -> str:
    return site.removeprefix("XS-")


def _plot(places: pd.DataFrame) -> Plot:
    """Return axes with room for the markers and names at their ends."""
    cold, warm, wet = places["temperature"].min(), places["temperature"].max(), places["rain"].max()
    room = 0.08 * (warm - cold)
    return Plot(x=(cold - room, warm + room), y=(0.0, 1.12 * wet))


def _names(
    places: pd.DataFrame, errors: np.ndarray, start: Sequence[str], added: Sequence[str], plot: Plot
) -> dict[str, str]:
    """Return which places are named, and on which side: the towers, and of the worst those with room for it."""
    worst = [site for site in places.index[np.argsort(-errors)[:NAMED]] if site not in {*start, *added}]
    at = {site: i for i, site in enumerate(places.index)}
    radii = np.array([10.0 if site in added else 7.5 if site in start else 6.5 for site in places.index])
    names = [(at[site], _short(site), True) for site in (*added, *start)]
    names += [(at[site], _short(site), False) for site in worst]
    points = plot.at(places["temperature"].to_numpy(), places["rain"].to_numpy())
    return {places.index[i]: side for i, side in apart.sides(points, radii, names, plot, FONT_PX).items()}


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
        # Below the plot, which is then as wide as a phone.
        colorbar=dict(
            title=dict(text=f"RMSE [{UNIT}]", side="top", font_size=12),
            orientation="h",
            thickness=10,
            len=0.7,
            y=-0.2,
            yanchor="top",
        )
        if bar
        else None,
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
            name="drawn at random",
            hovertemplate=hover.told(f"About {hover.value(of='x')}", "n = %{y}"),
        )
    )
    style(figure, theme, 340, hold="lesson-among")
    # Names above the plot, each on a line of its own: none lies over a line, a bar or another name.
    for i, (name, value) in enumerate(sorted(marks.items(), key=lambda mark: mark[1])):
        mine = name == "yours"
        figure.add_vline(
            value,
            line=dict(
                width=3 if mine else 1.6,
                dash="solid" if mine else "dash",
                color=ROLE[theme]["support" if mine else "adapted"],
            ),
        )
        figure.add_annotation(
            x=value,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=15 * (len(marks) - 1 - i),
            text=name,
            showarrow=False,
            font=dict(color=INK[theme], size=12),
        )
    figure.update_layout(margin=dict(b=44, t=20 + 15 * len(marks)), showlegend=False)
    figure.update_xaxes(title_text=_marked(f"Mean RMSE of GPP over all places [{UNIT}]", theme))
    figure.update_yaxes(title_text="Networks")
    return figure
