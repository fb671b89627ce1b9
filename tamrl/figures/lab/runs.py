"""Figures of several adaptations at one tower: overlaid time series, and errors against the number of labelled days."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import ROLE, RUNS, rgba
from tamrl.figures.lab.adaptation import LABELS, UNIT, first_view
from tamrl.figures.style import DATE, MUTED, SMALL_PX, Theme, add_range_buttons, marker_size, style, time_axis
from tamrl.figures.towers.series import good_days
from tamrl.timestep import TimeStep, step_of
from tamrl.wording import unit

#: Runs that are drawn at most, the newest; more cannot be told apart.
MOST = 6
#: Dashes and markers of the runs, so that they differ without the colours of ``RUNS``.
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SIGNS = ("circle", "diamond", "square", "triangle-up", "cross", "star")


def overlay(
    tower: xr.Dataset,
    zero_shot: xr.Dataset,
    runs: dict[str, xr.Dataset],
    support: pd.DatetimeIndex,
    flux: str,
    theme: Theme,
) -> go.Figure:
    """Return one observed flux over time with zero-shot and what each run makes of it, ensemble means.

    Args:
        tower: Dataset(time) of one tower's record.
        zero_shot: Dataset(time) of the ensemble mean [gC m-2 d-1].
        runs: name -> likewise after adapting; the last ``MOST`` are drawn.
        support: days, or months, of one of them, which are in view at first.
        flux: name of the flux.
        theme: light or dark.
    """
    step, axis = step_of(tower), time_axis(tower["time"].values)
    figure = go.Figure()
    seen = np.where(good_days(tower), tower[flux].values, np.float32(np.nan))
    marker = dict(size=marker_size(3, step), color=rgba(ROLE[theme]["observed"], 0.5))
    # SVG: a page may have one WebGL figure, see ``tamrl.figures.towers.series.add_flux``.
    common = dict(hovertemplate=hover.value(), connectgaps=False, **axis)
    figure.add_trace(go.Scatter(y=seen, mode="markers", name=LABELS["observed"], marker=marker, **common))
    line = dict(width=1.2, color=ROLE[theme]["zero-shot"])
    figure.add_trace(go.Scatter(y=zero_shot[flux].values, mode="lines", name=LABELS["zero-shot"], line=line, **common))
    for i, (name, values) in enumerate(list(runs.items())[-MOST:]):
        line = dict(width=1.5, color=RUNS[theme][i], dash=_DASHES[i])
        figure.add_trace(go.Scatter(y=values[flux].values, mode="lines", name=name, line=line, **common))
    style(figure, theme, 340, hold=f"runs-{tower['site'].item()}-{flux}")
    figure.update_layout(hovermode="x unified")
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    add_range_buttons(figure, theme, step)
    figure.update_xaxes(range=first_view(tower, support), hoverformat=DATE[step])
    return figure


def by_support(table: pd.DataFrame, flux: str, step: TimeStep, theme: Theme) -> go.Figure:
    """Return the error of each run against the size of its support, a line a method; zero-shot is a dotted line.

    Args:
        table: rows of ``method, days, flux, rmse``, of ``method`` zero-shot with 0 days.
        flux: name of the flux.
        step: of the record.
        theme: light or dark.
    """
    rows = table[table["flux"] == flux]
    figure = go.Figure()
    zero = rows.loc[rows["days"] == 0, "rmse"]
    if len(zero):
        figure.add_hline(
            y=float(zero.iloc[0]),
            line=dict(width=1.4, dash="dot", color=ROLE[theme]["zero-shot"]),
            annotation=dict(text=LABELS["zero-shot"], font=dict(size=SMALL_PX, color=MUTED[theme])),
        )
    for i, (method, part) in enumerate(rows[rows["days"] > 0].groupby("method", sort=False)):
        part = part.sort_values("days", kind="stable")
        figure.add_trace(
            go.Scatter(
                x=part["days"],
                y=part["rmse"],
                mode="lines+markers",
                name=str(method),
                line=dict(width=1.5, color=RUNS[theme][i % MOST], dash=_DASHES[i % MOST]),
                marker=dict(size=8, symbol=_SIGNS[i % MOST]),
                hovertemplate=hover.told(f"%{{x}} {unit(step, 0)}", hover.value(digits=".3f"), str(method)),
            )
        )
    style(figure, theme, 260, hold=f"runs-support-{flux}")
    sizes = sorted({int(size) for size in rows.loc[rows["days"] > 0, "days"]})
    figure.update_layout(margin_b=44, showlegend=True)
    figure.update_xaxes(
        title_text=f"Support {unit(step, 0)}", type="log", tickvals=sizes, ticktext=[str(size) for size in sizes]
    )
    figure.update_yaxes(title_text=f"{flux} RMSE<br>[{UNIT}]", rangemode="tozero")
    return figure
