"""Fluxes and drivers of one tower over time, missing and low-quality days, or months, visible."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import DRIVER, FLUX, ROLE, rgba
from tamrl.figures.style import (
    DATE,
    MUTED,
    Theme,
    add_range_buttons,
    half_step,
    marker_size,
    span,
    style,
    time_axis,
    unit_label,
)
from tamrl.schema import DRIVERS, FLUXES, QC_VALID, VARIABLES
from tamrl.timestep import TimeStep, step_of
from tamrl.wording import unit

#: Height of one row of a stack of time series [px].
ROW_PX = 128


def present_drivers(tower: xr.Dataset) -> list[str]:
    """Return the drivers that the tower holds at least one value of, in the order of the schema."""
    return [name for name in DRIVERS if name in tower and bool(np.isfinite(tower[name].values).any())]


def good_days(tower: xr.Dataset) -> np.ndarray:
    """Return which days, or months, of ``tower`` have a NEE quality of at least 0.7, bool (time,)."""
    return tower["NEE_QC"].values >= QC_VALID


def tower_series(tower: xr.Dataset, drivers: list[str], theme: Theme) -> go.Figure:
    """Return the fluxes and the named drivers of one tower, one row each, over one linked time axis.

    Days of good quality (NEE_QC >= 0.7) are filled markers, the others hollow; missing days are gaps.
    """
    rows = [*FLUXES, *drivers]
    figure = make_subplots(rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.18 / len(rows))
    for row, flux in enumerate(FLUXES, start=1):
        add_flux(figure, tower, flux, theme, row)
    for row, name in enumerate(drivers, start=len(FLUXES) + 1):
        figure.add_trace(_line(tower, name, theme), row=row, col=1)
    add_quality_legend(figure, theme)
    _title_rows(figure, rows)
    style(figure, theme, 60 + ROW_PX * len(rows), hold=f"series-{tower['site'].item()}-{len(rows)}")
    figure.update_layout(hovermode="x unified", hoversubplots="axis")
    add_range_buttons(figure, theme, step_of(tower))
    figure.update_xaxes(range=span(tower["time"].values))
    return figure


def add_flux(
    figure: go.Figure, tower: xr.Dataset, flux: str, theme: Theme, row: int, trace: type = go.Scattergl
) -> None:
    """Add one observed flux to ``row``: a faint line with gaps, filled markers and hollow markers.

    Args:
        figure: with a row of subplots for each flux.
        tower: Dataset(time) of one tower's record.
        flux: name of the flux.
        theme: light or dark.
        row: of the subplots, from 1.
        trace: ``go.Scattergl`` in the one WebGL figure that a page may have, ``go.Scatter`` elsewhere: a browser keeps
            16 WebGL canvases, a figure takes three at each drawing, and the oldest go blank without a word.
    """
    step = step_of(tower)
    axis, values, good = time_axis(tower["time"].values), tower[flux].values, good_days(tower)
    colour = FLUX[theme][flux]
    common = dict(**axis, hovertemplate=hover.value())
    line = trace(
        y=values,
        mode="lines",
        line=dict(width=1, color=rgba(colour, 0.35)),
        connectgaps=False,
        hoverinfo="skip",
        showlegend=False,
        **axis,
    )
    filled = trace(
        y=np.where(good, values, np.float32(np.nan)),
        mode="markers",
        name=flux,
        legendgroup="good",
        showlegend=False,
        marker=dict(size=marker_size(3.5, step), color=colour),
        **common,
    )
    hollow = trace(
        y=np.where(good, np.float32(np.nan), values),
        mode="markers",
        name=f"{flux}, low quality",
        legendgroup="low",
        showlegend=False,
        **common,
        marker=dict(size=marker_size(4.5, step), symbol="circle-open", color=rgba(colour, 0.55)),
    )
    for drawn in (line, filled, hollow):
        figure.add_trace(drawn, row=row, col=1)


def add_quality_legend(figure: go.Figure, theme: Theme, flux: str = "") -> None:
    """Add what filled and hollow markers mean; a click on either hides those in every row.

    Args:
        figure: with the markers of ``add_flux``.
        theme: light or dark.
        flux: whose colour the markers have; empty where rows differ in it.
    """
    colour = FLUX[theme].get(flux, MUTED[theme])
    for group, label, symbol in (
        ("good", f"NEE_QC ≥ {QC_VALID:g}", "circle"),
        ("low", f"low quality, NEE_QC < {QC_VALID:g}", "circle-open"),
    ):
        marker = dict(size=8, symbol=symbol, color=colour)
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", name=label, legendgroup=group, marker=marker))


def support_chart(tower: xr.Dataset, support: pd.DatetimeIndex, flux: str, theme: Theme) -> go.Figure:
    """Return one observed flux with the support days, or months, marked, made for selecting them by box or lasso."""
    figure = make_subplots(rows=1, cols=1)
    add_flux(figure, tower, flux, theme, 1, go.Scatter)
    add_quality_legend(figure, theme, flux)
    step, time = step_of(tower), pd.DatetimeIndex(tower["time"].values)
    chosen = np.where(time.isin(support), tower[flux].values, np.float32(np.nan))
    figure.add_trace(
        go.Scatter(
            y=chosen,
            mode="markers",
            name=f"Support {unit(step, 0)}",
            hovertemplate=hover.value(),
            marker=dict(size=marker_size(6, step), color=ROLE[theme]["support"]),
            **time_axis(tower["time"].values),
        )
    )
    shade(figure, support, theme, step)
    style(figure, theme, 260, hold=f"support-{tower['site'].item()}-{flux}")
    figure.update_xaxes(range=span(tower["time"].values), hoverformat=DATE[step])
    figure.update_layout(dragmode="select", selectdirection="h", hovermode="x")
    figure.update_yaxes(title_text=f"{flux} [{unit_label(VARIABLES[flux].unit)}]", fixedrange=True)
    return figure


def shade(figure: go.Figure, support: pd.DatetimeIndex, theme: Theme, step: TimeStep = TimeStep.DAILY) -> None:
    """Shade the span from the first to the last support day, or month, behind every row of ``figure``."""
    if not len(support):
        return
    half = half_step(step)
    figure.add_shape(
        type="rect",
        xref="x",
        yref="paper",
        x0=support.min() - half,
        x1=support.max() + half,
        y0=0,
        y1=1,
        fillcolor=rgba(ROLE[theme]["support"], 0.16),
        line_width=0,
        layer="below",
    )


def _line(tower: xr.Dataset, name: str, theme: Theme) -> go.Scattergl:
    """Return one driver as a line with gaps; monthly means among days are drawn as steps."""
    monthly = (
        step_of(tower) == TimeStep.DAILY
        and tower[name].attrs.get("native_resolution", VARIABLES[name].resolution) == "monthly"
    )
    return go.Scattergl(
        **time_axis(tower["time"].values),
        y=tower[name].values,
        mode="lines",
        connectgaps=False,
        name=VARIABLES[name].long_name + (" (monthly)" if monthly else ""),
        line=dict(width=1.2, color=DRIVER[theme], shape="hv" if monthly and not VARIABLES[name].state else "linear"),
        hovertemplate=f"%{{y:.4~g}} {unit_label(VARIABLES[name].unit)}",
        showlegend=False,
    )


def _title_rows(figure: go.Figure, rows: list[str]) -> None:
    """Write name and unit beside each row."""
    for row, name in enumerate(rows, start=1):
        unit = unit_label(VARIABLES[name].unit)
        figure.update_yaxes(title_text=f"{name}<br>[{unit}]" if unit else name, row=row, col=1)
