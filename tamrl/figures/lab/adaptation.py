"""Figures of one adaptation: before and after over time, scatter, seasonal cycle."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import ROLE, rgba
from tamrl.figures.style import (
    DATE,
    MUTED,
    SMALL_PX,
    Theme,
    add_range_buttons,
    marker_size,
    span,
    style,
    time_axis,
    unit_label,
)
from tamrl.figures.towers.fingerprint import MONTH_NAMES
from tamrl.figures.towers.series import ROW_PX, good_days, shade
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.timestep import TimeStep, step_of

UNIT = unit_label(FLUX_UNIT)
#: Length of one step of the mean seasonal cycle of days [d]; a year has 36 of them. That of months has one a month.
SEASON_STEP = 10
#: Points of a scatter that are few, and days, or months, that it shows at most: a browser takes some 0.1 ms to draw
#: each, and no figure of the answer is shown before that is done.
_FEW, MOST_POINTS = 400, 500
#: Residual of the balance that rounding to float32 alone leaves [gC m-2 d-1].
ROUNDING = 1e-4
LABELS = {"observed": "Observed", "zero-shot": "Zero-shot", "adapted": "Adapted"}


def comparison(
    tower: xr.Dataset, zero_shot: xr.Dataset, adapted: xr.Dataset, support: pd.DatetimeIndex, theme: Theme
) -> go.Figure:
    """Return observed, zero-shot and adapted fluxes over time with the support shaded.

    The bands are one standard deviation of the members either side of their mean.

    Args:
        tower: Dataset(time) of one tower's record.
        zero_shot: Dataset(member, time) with GPP, RECO, NEE [gC m-2 d-1].
        adapted: likewise.
        support: days, or months, that the model was adapted to.
        theme: light or dark.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    axis = time_axis(tower["time"].values)
    good, step = good_days(tower), step_of(tower)
    for row, flux in enumerate(FLUXES, start=1):
        for trace in _observed(tower[flux].values, good, marker_size(3, step), theme):
            figure.add_trace(trace.update(showlegend=row == 1, **axis), row=row, col=1)
        for role, predictions in (("zero-shot", zero_shot), ("adapted", adapted)):
            for trace in _band(predictions, flux, role, theme, row == 1):
                figure.add_trace(trace, row=row, col=1)
        figure.update_yaxes(title_text=f"{flux}<br>[{UNIT}]", row=row, col=1)
    shade(figure, support, theme, step)
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            name="Support period",
            marker=dict(symbol="square", size=11, color=rgba(ROLE[theme]["support"], 0.4)),
        )
    )
    style(figure, theme, 90 + 3 * int(1.35 * ROW_PX), hold=f"comparison-{tower['site'].item()}")
    figure.update_layout(hovermode="x unified", hoversubplots="axis")
    add_range_buttons(figure, theme, step)
    if len(support):
        figure.update_xaxes(range=first_view(tower, support))
    return figure


def _observed(values: np.ndarray, good: np.ndarray, size: float, theme: Theme) -> Iterator[go.Scattergl]:
    """Yield the observed values (T,) of good and of low quality as points."""
    colour = ROLE[theme]["observed"]
    for keep, label, symbol in ((good, "Observed", "circle"), (~good, "Observed, low quality", "circle-open")):
        yield go.Scattergl(
            y=np.where(keep, values, np.float32(np.nan)),
            mode="markers",
            name=label,
            legendgroup=label,
            hovertemplate=hover.value(),
            marker=dict(size=size, symbol=symbol, color=rgba(colour, 0.65 if symbol == "circle" else 0.35)),
        )


def first_view(tower: xr.Dataset, support: pd.DatetimeIndex) -> list[pd.Timestamp]:
    """Return the first shown span: some time before the support, and at most some years of the record.

    Of days 90 days and three years, of months one year and ten.
    """
    before, most = (90, 1095) if step_of(tower) == TimeStep.DAILY else (365, 3652)
    start, end = span(tower["time"].values)
    left = max(start, min(support.min() - pd.Timedelta(days=before), end - pd.Timedelta(days=most)))
    return [left, min(end, left + pd.Timedelta(days=most))]


def _band(predictions: xr.Dataset, flux: str, role: str, theme: Theme, legend: bool) -> list[go.Scatter]:
    """Return the mean of the members and a band as three traces: the 90 % interval where known, else the spread."""
    values = predictions[flux]
    mean, width = values.mean("member").values, member_spread(values)
    low, high, band = mean - width, mean + width, "mean ± spread"
    if f"{flux}_low" in predictions:
        low, high, band = predictions[f"{flux}_low"].values, predictions[f"{flux}_high"].values, "mean, 90 % interval"
    colour = ROLE[theme][role]
    axis = time_axis(values["time"].values)
    edge = dict(**axis, mode="lines", line_width=0, hoverinfo="skip", showlegend=False, legendgroup=role)
    return [
        go.Scatter(y=low, **edge),
        go.Scatter(y=high, fill="tonexty", fillcolor=rgba(colour, 0.22), **edge),
        go.Scatter(
            y=mean,
            mode="lines",
            name=f"{LABELS[role]}, {band}",
            legendgroup=role,
            showlegend=legend,
            line=dict(width=1.4, color=colour),
            hovertemplate=hover.value(),
            **axis,
        ),
    ]


def scatter(
    tower: xr.Dataset, zero_shot: np.ndarray, adapted: np.ndarray, scored: np.ndarray, flux: str, theme: Theme
) -> go.Figure:
    """Return predicted against observed on the scored days with the 1:1 line.

    Of more than ``MOST_POINTS`` days a random sample is shown, at every call the same; the axes span all of them, and
    the figure says so.

    Args:
        tower: Dataset(time) of one tower's record.
        zero_shot: (time,) gC m-2 d-1, ensemble mean.
        adapted: likewise.
        scored: (time,) bool, the days, or months, that the metrics use.
        flux: name of the flux.
        theme: light or dark.
    """
    observed = tower[flux].values
    keep = scored & np.isfinite(observed)
    shown = np.flatnonzero(keep)
    # Few points, as those of months, can be larger.
    figure, size = go.Figure(), 3.5 if shown.size > _FEW else 6
    if shown.size > MOST_POINTS:
        shown = np.random.default_rng(0).choice(shown, MOST_POINTS, replace=False)
    days = pd.DatetimeIndex(tower["time"].values[shown]).strftime(DATE[step_of(tower)])
    for role, values, symbol in (("zero-shot", zero_shot, "circle"), ("adapted", adapted, "diamond")):
        figure.add_trace(
            go.Scatter(
                x=observed[shown],
                y=values[shown],
                mode="markers",
                name=LABELS[role],
                marker=dict(size=size, symbol=symbol, color=rgba(ROLE[theme][role], 0.5)),
                text=days,
                hovertemplate=hover.told("%{text}", f"{hover.value(of='x')} observed, {hover.value()}", LABELS[role]),
            )
        )
    pool = np.concatenate([v[keep] for v in (observed, zero_shot, adapted)])
    ends = [float(pool.min()), float(pool.max())] if pool.size else [0.0, 1.0]
    dashes = dict(width=1.2, dash="dash", color=MUTED[theme])
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", name="1:1", hoverinfo="skip", line=dashes))
    style(figure, theme, 330, hold=f"scatter-{flux}")
    if shown.size < keep.sum():
        _say(figure, f"{shown.size:,} of {keep.sum():,} shown", theme)
    figure.update_xaxes(title_text=f"Observed {flux} [{UNIT}]")
    figure.update_yaxes(title_text=f"Predicted {flux} [{UNIT}]")
    return figure


def _say(figure: go.Figure, text: str, theme: Theme) -> None:
    """Write a remark into the lower right corner."""
    figure.add_annotation(
        text=text,
        **dict(xref="paper", yref="paper", x=1, y=0, xanchor="right", yanchor="bottom", yshift=8, showarrow=False),
        font=dict(size=SMALL_PX, color=MUTED[theme]),
    )


def season_table(
    tower: xr.Dataset, zero_shot: xr.Dataset, adapted: xr.Dataset, scored: np.ndarray, flux: str
) -> pd.DataFrame:
    """Return the mean seasonal cycle on the scored days, one row for each 10 days of the year, or month.

    All three columns are means over the same steps: those that are scored and have an observation.

    Returns:
        DataFrame indexed by ``day`` (centre of the ten days, day of year), or ``month`` (1-12) of a monthly record,
        with ``observed, zero-shot, adapted`` [gC m-2 d-1] and ``n``, the number of days or months.
    """
    observed = tower[flux].values
    keep = scored & np.isfinite(observed)
    time = pd.DatetimeIndex(tower["time"].values)
    if step_of(tower) == TimeStep.MONTHLY:
        by, place = "month", time.month.to_numpy()
    else:
        tens = np.minimum((time.day_of_year.to_numpy() - 1) // SEASON_STEP, 35)
        by, place = "day", tens * SEASON_STEP + 1 + SEASON_STEP / 2
    frame = pd.DataFrame(
        {
            by: place,
            "observed": observed,
            "zero-shot": zero_shot[flux].mean("member").values,
            "adapted": adapted[flux].mean("member").values,
        }
    )[keep]
    groups = frame.groupby(by)
    return groups.mean().assign(n=groups.size())


def season(table: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return the mean seasonal cycle of ``season_table`` as three lines."""
    figure, monthly = go.Figure(), table.index.name == "month"
    for role, dash in (("observed", "solid"), ("zero-shot", "dot"), ("adapted", "dash")):
        figure.add_trace(
            go.Scatter(
                x=table.index,
                y=table[role],
                mode="lines+markers" if monthly else "lines",
                name=LABELS[role],
                line=dict(width=2.4 if role == "observed" else 2, dash=dash, color=ROLE[theme][role]),
                hovertemplate=hover.value(),
            )
        )
    style(figure, theme, 300, hold=f"season-{flux}")
    figure.update_layout(hovermode="x unified")
    if monthly:
        axis = dict(range=[0.5, 12.5], tickvals=[1, 4, 7, 10], ticktext=MONTH_NAMES[::3], title_text="Month")
        axis |= dict(unifiedhovertitle_text=hover.MONTH)
    else:
        names = ["Jan", "Apr", "Jul", "Oct", ""]
        axis = dict(range=[1, 366], tickvals=[1, 91, 182, 274, 366], ticktext=names, title_text="Month")
        axis |= dict(unifiedhovertitle_text=hover.DAY_OF_YEAR)
    figure.update_xaxes(**axis, zeroline=False)
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    return figure


def member_spread(values: xr.DataArray) -> np.ndarray:
    """Return the standard deviation over the members (n - 1 in the divisor) of values (member, time)."""
    return values.std("member", ddof=min(1, values.sizes["member"] - 1)).values
