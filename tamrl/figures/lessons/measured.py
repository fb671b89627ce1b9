"""Figures of lesson 1: the balance of one day, and a year with its quality."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import FLUX, rgba
from tamrl.figures.style import DATE, INK, MUTED, Theme, style, unit_label
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.timestep import TimeStep

UNIT = unit_label(FLUX_UNIT)
MINUS = "\N{MINUS SIGN}"


def balance(row: pd.Series, end: float, theme: Theme, net: bool = True) -> go.Figure:
    """Return the balance of one day as three bars: uptake to the left, release to the right.

    Args:
        row: ``GPP``, ``RECO`` and ``NEE`` [gC m-2 d-1].
        end: half the width of the axis, the same for all days of a year.
        theme: light or dark.
        net: whether NEE is shown.
    """
    bars = {"GPP": (f"{MINUS}GPP", -row["GPP"]), "RECO": ("RECO", row["RECO"])}
    if net:
        bars["NEE"] = ("NEE", row["NEE"])
    figure = go.Figure()
    for flux, (label, value) in bars.items():
        figure.add_trace(
            go.Bar(
                x=[value],
                y=[label],
                orientation="h",
                width=0.6,
                marker=dict(color=FLUX[theme][flux]),
                text=[f"{value:+.2f}".replace("-", MINUS)],
                textposition="outside",
                textfont=dict(color=INK[theme], size=13),
                cliponaxis=False,
                hoverinfo="skip",
            )
        )
    style(figure, theme, 240, hold="balance")
    figure.update_layout(showlegend=False, margin_t=30, margin_b=44)
    figure.add_vline(0, line=dict(width=1.4, color=MUTED[theme]))
    for side, said in ((-1, "from air to ecosystem"), (1, "from ecosystem to air")):
        figure.add_annotation(
            x=side * 0.75 * end,
            y=1.12,
            yref="paper",
            text=said,
            showarrow=False,
            font=dict(color=MUTED[theme], size=12),
        )
    figure.update_xaxes(range=[-1.5 * end, 1.5 * end], title_text=f"Carbon [{UNIT}]")
    figure.update_yaxes(autorange="reversed", tickfont_size=13)
    return figure


def year(days: pd.DataFrame, threshold: float, day: pd.Timestamp | None, theme: Theme) -> go.Figure:
    """Return the fluxes of a year: GPP and RECO as lines, NEE as points, hollow below the threshold of quality.

    Args:
        days: DataFrame(date) of the fluxes [gC m-2 d-1] and ``NEE_QC``.
        threshold: of NEE_QC.
        day: that is marked, if any.
        theme: light or dark.
    """
    figure = go.Figure()
    for flux in FLUXES[:2]:
        figure.add_trace(
            go.Scatter(
                x=days.index,
                y=days[flux],
                mode="lines",
                name=flux,
                line=dict(width=1.6, color=FLUX[theme][flux]),
                hovertemplate=hover.value(),
            )
        )
    kept, colour = (days["NEE_QC"] >= threshold).to_numpy(), FLUX[theme]["NEE"]
    for keep, label, symbol, size, alpha in (
        (kept, "NEE, kept", "circle", 5, 0.9),
        (~kept, "NEE, left out", "circle-open", 6, 0.75),
    ):
        figure.add_trace(
            go.Scatter(
                x=days.index,
                y=np.where(keep, days["NEE"], np.nan),
                mode="markers",
                name=label,
                marker=dict(size=size, symbol=symbol, color=rgba(colour, alpha)),
                customdata=days["NEE_QC"],
                hovertemplate=f"{hover.value()}, QC %{{customdata:.2f}}",
            )
        )
    style(figure, theme, 330, hold=f"lesson-year-{days.index[0].year}")
    if day is not None:
        figure.add_vline(day, line=dict(width=1.6, color=INK[theme], dash="dot"))
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(hoverformat=DATE[TimeStep.DAILY], range=[days.index[0], days.index[-1]])
    figure.update_yaxes(title_text=f"Flux [{UNIT}]")
    return figure
