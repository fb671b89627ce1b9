"""Figures of lesson 4: the year in which weeks are labelled, and what they do to the error elsewhere."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import FLUX, ROLE, rgba
from tamrl.figures.style import DATE, INK, Theme, style, unit_label
from tamrl.figures.towers.fingerprint import MONTH_NAMES
from tamrl.schema import FLUX_UNIT
from tamrl.teaching.labels import MONTH_DAYS, WEEK_DAYS, Benchmark
from tamrl.timestep import TimeStep

UNIT = unit_label(FLUX_UNIT)
#: Weeks that begin nearer to each other have their numbers side by side: on a telephone they would run together.
_APART_DAYS = 21


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
            hovertemplate=hover.told(hover.DAY, hover.value()),
            showlegend=False,
        )
    )
    style(figure, theme, 270, hold=f"lesson-calendar-{values.index[0].year}")
    for first in weeks:
        figure.add_vrect(
            first - pd.Timedelta(hours=12),
            first + pd.Timedelta(days=WEEK_DAYS) - pd.Timedelta(hours=12),
            fillcolor=rgba(ROLE[theme]["support"], 0.35),
            line_width=0,
            layer="below",
        )
    for middle, said in _numbers(weeks):
        figure.add_annotation(
            x=middle, y=1.0, yref="paper", yanchor="bottom", text=said, showarrow=False, font_color=INK[theme]
        )
    figure.update_xaxes(range=[values.index[0], values.index[-1]], hoverformat=DATE[TimeStep.DAILY])
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    return figure


def _numbers(weeks: Sequence[pd.Timestamp]) -> list[tuple[pd.Timestamp, str]]:
    """Return where the numbers of the weeks stand, and the numbers; those of neighbours stand together."""
    groups: list[list[tuple[pd.Timestamp, int]]] = []
    for first, number in sorted(zip(weeks, range(1, len(weeks) + 1), strict=True)):
        if groups and first - groups[-1][-1][0] < pd.Timedelta(days=_APART_DAYS):
            groups[-1].append((first, number))
        else:
            groups.append([(first, number)])
    half = pd.Timedelta(days=WEEK_DAYS / 2)
    return [(g[0][0] + (g[-1][0] - g[0][0]) / 2 + half, ", ".join(str(number) for _, number in g)) for g in groups]


def curve(found: Benchmark, mine: np.ndarray, flux: str, theme: Theme) -> go.Figure:
    """Return the error against the number of labelled days, and beside it that of four weeks of each month.

    Args:
        found: what the weeks are compared with.
        mine: RMSE with the first week, the first two, and so on [gC m-2 d-1].
        flux: name of the flux.
        theme: light or dark.
    """
    figure = make_subplots(
        cols=2,
        shared_yaxes=True,
        column_widths=[0.45, 0.55],
        horizontal_spacing=0.03,
        subplot_titles=("Your weeks", "Four weeks of each month"),
    )
    colour = ROLE[theme]["support"]
    figure.add_trace(
        go.Scatter(
            x=[WEEK_DAYS * i for i in range(len(mine) + 1)],
            y=[found.zero, *mine],
            mode="lines+markers",
            name="Your weeks",
            hovertemplate=hover.told("%{x} labelled days", hover.value()),
            line=dict(width=2.6, color=colour),
            marker=dict(size=9),
        ),
        row=1,
        col=1,
    )
    _months(figure, found, float(mine[-1]), theme)
    style(figure, theme, 380, hold="lesson-curve")
    figure.update_annotations(font=dict(size=12, color=INK[theme]))
    figure.update_layout(margin=dict(b=44, t=84), legend_y=1.1)
    figure.update_xaxes(
        title_text="Labelled days", range=[-1, MONTH_DAYS + 1], tickvals=[0, 7, 14, 21, 28], zeroline=False, col=1
    )
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title_text=f"RMSE of {flux}, other years<br>[{UNIT}]", col=1)
    return figure


def _months(figure: go.Figure, found: Benchmark, mine: float, theme: Theme) -> None:
    """Add the months beside the learning curve, and what they and the student's weeks compare with as lines."""
    beaten = found.months > mine
    figure.add_trace(
        go.Scatter(
            x=[name[:3] for name in MONTH_NAMES],
            y=found.months,
            mode="markers",
            name="A month (filled: yours is better)",
            hovertemplate=hover.told("Four weeks from 1 %{x}", hover.value()),
            marker=dict(
                size=11,
                color=ROLE[theme]["observed"],
                symbol=["circle" if better else "circle-open" for better in beaten],
                line=dict(width=2),
            ),
        ),
        row=1,
        col=2,
    )
    for value, said, dash, role in (
        (found.zero, "no labels", "dot", "zero-shot"),
        (found.year, "the whole year", "dash", "adapted"),
        (mine, "your four weeks", "solid", "support"),
    ):
        figure.add_hline(value, line=dict(width=1.4, dash=dash, color=ROLE[theme][role]), col=2, row=1)
        figure.add_trace(
            go.Scatter(
                x=[None], y=[None], mode="lines", name=said, line=dict(width=1.4, dash=dash, color=ROLE[theme][role])
            )
        )
