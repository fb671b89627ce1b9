"""Figures of lesson 4: the year in which weeks are labelled, and what they do to the error elsewhere."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures.colours import FLUX, ROLE, rgba
from tamrl.figures.style import DATE, INK, Theme, style, unit_label
from tamrl.figures.towers.fingerprint import MONTH_NAMES
from tamrl.schema import FLUX_UNIT
from tamrl.teaching.labels import MONTH_DAYS, WEEK_DAYS, Benchmark
from tamrl.timestep import TimeStep

UNIT = unit_label(FLUX_UNIT)


def calendar(values: pd.Series, flux: str, weeks: Sequence[pd.Timestamp], theme: Theme) -> go.Figure:
    """Return the valid days of a year with the chosen weeks as numbered bands.

    Args:
        values: (D,) of the flux by date, NaN where not valid [gC m-2 d-1].
        flux: name of the flux.
        weeks: first days.
        theme: light or dark.
    """
    figure = go.Figure(
        go.Scatter(
            x=values.index,
            y=values,
            mode="markers",
            marker=dict(size=4.5, color=FLUX[theme][flux]),
            hovertemplate="%{y:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    style(figure, theme, 270, hold=f"lesson-calendar-{values.index[0].year}")
    for number, first in enumerate(weeks, 1):
        figure.add_vrect(
            first - pd.Timedelta(hours=12),
            first + pd.Timedelta(days=WEEK_DAYS) - pd.Timedelta(hours=12),
            fillcolor=rgba(ROLE[theme]["support"], 0.35),
            line_width=0,
            layer="below",
        )
        middle = first + pd.Timedelta(days=WEEK_DAYS / 2)
        figure.add_annotation(
            x=middle, y=1.0, yref="paper", yanchor="bottom", text=str(number), showarrow=False, font_color=INK[theme]
        )
    figure.update_xaxes(range=[values.index[0], values.index[-1]], hoverformat=DATE[TimeStep.DAILY])
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    return figure


def curve(found: Benchmark, mine: np.ndarray, flux: str, theme: Theme) -> go.Figure:
    """Return the error against the number of labelled days: the student's weeks, the twelve months, a whole year.

    Args:
        found: what the weeks are compared with.
        mine: RMSE with the first week, the first two, and so on [gC m-2 d-1]; may be empty.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[MONTH_DAYS] * 12,
            y=found.months,
            mode="markers+text",
            name="28 days from the first of a month",
            text=[name[:3] for name in MONTH_NAMES],
            textposition="middle right",
            textfont=dict(size=10),
            hovertemplate="%{text}: %{y:.2f}<extra></extra>",
            marker=dict(size=9, symbol="line-ew-open", color=ROLE[theme]["observed"], line_width=2),
        )
    )
    if len(mine):
        figure.add_trace(
            go.Scatter(
                x=[WEEK_DAYS * i for i in range(len(mine) + 1)],
                y=[found.zero, *mine],
                mode="lines+markers",
                name="Your weeks, in their order",
                hovertemplate="%{x} days: %{y:.2f}<extra></extra>",
                line=dict(width=2.6, color=ROLE[theme]["support"]),
                marker=dict(size=9),
            )
        )
    style(figure, theme, 360, hold="lesson-curve")
    for value, said, dash in ((found.zero, "no labels", "dot"), (found.year, "the whole year", "dash")):
        figure.add_hline(
            value,
            line=dict(width=1.5, dash=dash, color=ROLE[theme]["zero-shot" if dash == "dot" else "adapted"]),
            annotation=dict(text=said, font_color=INK[theme], x=0.01, xanchor="left"),
        )
    figure.update_layout(margin_b=44)
    figure.update_xaxes(title_text="Labelled days", range=[-1, MONTH_DAYS + 5], tickvals=[0, 7, 14, 21, 28])
    figure.update_yaxes(title_text=f"RMSE of {flux} on other years [{UNIT}]", rangemode="tozero")
    return figure
