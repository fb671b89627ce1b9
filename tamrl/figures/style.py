"""One look for every plotly figure, in light and dark, and the settings of plotly's own buttons."""

from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from tamrl.timestep import TimeStep, days
from tamrl.wording import axis_step

Theme = Literal["light", "dark"]

#: Room above a figure, where its legend stands.
TOP_PX = 34
FONT = "Inter, system-ui, sans-serif"
#: Sizes of type in figures [px]: titles of panels, text and legends, ticks and remarks.
HEAD_PX, TEXT_PX, SMALL_PX = 13, 12, 11
INK = {"light": "#23302a", "dark": "#e6e9e3"}
MUTED = {"light": "#5d6a63", "dark": "#9daaa2"}
GRID = {"light": "#e6e4da", "dark": "#2c352f"}
PAPER = {"light": "#fdfcf9", "dark": "#151a17"}
#: Ground of saved pictures, and of the mark of simulated data on it.
GROUND = {"light": "#ffffff", "dark": "#151a17"}
MARK = {"light": "#a34d00", "dark": "#f0a35c"}
#: The pressed one of several buttons.
ACTIVE = {"light": "#bcd9c6", "dark": "#2f6245"}
#: How the date of a step is told on hover: as the page writes it.
DATE: dict[str, str] = {TimeStep.DAILY: "%Y-%m-%d", TimeStep.MONTHLY: "%b %Y"}
#: Missing cells: neutral, and found in no colour scale.
MISSING = {"light": "#cfd0cc", "dark": "#434a46"}
#: Cells of low quality, as neutral, and told from missing ones.
POOR = {"light": "#8f918c", "dark": "#6f7772"}


def style(figure: go.Figure, theme: Theme, height: int, hold: str = "") -> go.Figure:
    """Give ``figure`` the look of the project.

    Args:
        figure: changed in place and returned.
        theme: light or dark.
        height: height in px.
        hold: plotly ``uirevision``: while it stays the same, a rerun keeps the user's zoom.
    """
    layout = figure.layout
    # Without checking it once more, as plotly sets its own: a figure costs 0.5 ms so, and 15 ms with the check.
    layout._validate = False
    try:
        layout.template = template(theme)
    finally:
        layout._validate = True
    layout.height = height
    layout.uirevision = layout.selectionrevision = hold or None
    return figure


@cache
def template(theme: Theme) -> go.layout.Template:
    """Return the look of every figure: that of plotly, with the fonts and colours of the app, and no ground."""
    made = go.layout.Template(pio.templates["plotly"])
    made.layout.update(
        font=dict(family=FONT, size=TEXT_PX, color=INK[theme]),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin=dict(l=8, r=8, t=TOP_PX, b=8),
        hoverlabel=dict(bgcolor=PAPER[theme], font=dict(family=FONT, color=INK[theme]), bordercolor=GRID[theme]),
        legend=dict(
            orientation="h",
            yanchor="bottom",
            y=1.0,
            x=0,
            xanchor="left",
            font_size=TEXT_PX,
            title_text="",
            itemsizing="constant",
        ),
        modebar=dict(bgcolor="rgba(0,0,0,0)", color=MUTED[theme], activecolor=INK[theme]),
        dragmode="zoom",
    )
    axis = dict(
        gridcolor=GRID[theme],
        linecolor=GRID[theme],
        zerolinecolor=MUTED[theme],
        zerolinewidth=1,
        automargin=True,
        tickfont=dict(color=MUTED[theme], size=SMALL_PX),
        title_font=dict(color=MUTED[theme], size=TEXT_PX),
    )
    made.layout.update(xaxis=axis, yaxis=axis)
    return made


def config() -> dict[str, Any]:
    """Return the plotly configuration: no logo, no links outside.

    Its own button that saves a picture is left out: that picture has neither title nor source, nor says that data are
    simulated, as the Figure download of ``tamrl.app`` does.
    """
    return {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["toImage", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    }


def unit_label(unit: str) -> str:
    """Return a CF unit as plotly text with raised exponents: ``gC m-2 d-1`` -> ``gC m⁻² d⁻¹``."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    words = []
    for word in unit.split():
        base = word.rstrip("-0123456789")
        exponent = word[len(base) :]
        words.append(base + exponent.translate(raised) if base and exponent else word)
    return "" if unit == "1" else " ".join(words).replace("degC", "°C")


def number(value: float, digits: int = 2, signed: bool = False) -> str:
    """Return a number with a true minus sign, a dash where it is missing."""
    if value != value:  # NaN
        return "\N{EN DASH}"
    text = format(value, f"{'+' if signed else ''}.{digits}f")
    # What rounds to nothing has no sign.
    text = text.lstrip("+-") if not text.strip("+-0.") else text
    return text.replace("-", "\N{MINUS SIGN}")


def time_axis(time: np.ndarray) -> dict[str, Any]:
    """Return the x of a trace over a gapless axis.

    Days are a start and a step, 30 times smaller than a list of dates; months, which differ in length, are dates.

    Args:
        time: (T,) datetime64, one a day or one a calendar month without gaps.
    """
    if axis_step(time) == TimeStep.MONTHLY:
        return {"x": time}
    return {"x0": pd.Timestamp(time[0]).strftime("%Y-%m-%d"), "dx": 86_400_000}  # ms a day


def half_step(step: TimeStep) -> pd.Timedelta:
    """Return half the length of a step, by which the marker of a step stands off the edge of a span or chart."""
    return pd.Timedelta(days=days(1, step) / 2)


def span(time: np.ndarray) -> list[pd.Timestamp]:
    """Return the range of an axis that shows all of ``time`` (T,); room for the markers of months at both ends."""
    room = half_step(TimeStep.MONTHLY) if axis_step(time) == TimeStep.MONTHLY else pd.Timedelta(0)
    return [pd.Timestamp(time[0]) - room, pd.Timestamp(time[-1]) + room]


def marker_size(size: float, step: TimeStep) -> float:
    """Return the size of a marker [px] that is ``size`` where there are days; months are few and can be larger."""
    return size if step == TimeStep.DAILY else size + 2


def add_range_buttons(figure: go.Figure, theme: Theme, step: TimeStep = TimeStep.DAILY) -> None:
    """Add buttons for spans of years and the whole record below the last time axis; call after ``style``.

    The spans are one and three years of days, three and ten years of months, whose hover text names no day.
    """
    top = figure.layout.margin.t
    inner = figure.layout.height - (TOP_PX if top is None else top) - 64
    figure.update_xaxes(hoverformat=DATE[step])
    figure.update_layout(
        margin_b=56,
        xaxis_rangeselector=dict(
            buttons=[
                *(
                    dict(count=n, step="year", stepmode="backward", label=f"{n} year{'s' if n > 1 else ''}")
                    for n in ((1, 3) if step == TimeStep.DAILY else (3, 10))
                ),
                dict(step="all", label="all"),
            ],
            x=1,
            xanchor="right",
            y=-30 / inner,
            yanchor="top",
            bgcolor=GRID[theme],
            activecolor=ACTIVE[theme],
            font=dict(color=INK[theme], size=SMALL_PX),
        ),
    )


def one_to_one(ends: list[float], theme: Theme) -> go.Scatter:
    """Return the line on which two values are equal, from the smallest to the largest."""
    return go.Scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="1:1",
        hoverinfo="skip",
        showlegend=False,
        line=dict(color=INK[theme], width=1.2, dash="dash"),
    )
