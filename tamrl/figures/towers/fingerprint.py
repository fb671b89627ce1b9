"""Fingerprint of one flux: day of year, or month, by year."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures.colours import GREEN_BROWN, plotly_scale
from tamrl.figures.style import MISSING, POOR, Theme, style, unit_label
from tamrl.figures.towers.series import good_days
from tamrl.schema import QC_VALID, VARIABLES
from tamrl.timestep import TimeStep, step_of

#: Day of the year on which each month starts, in a year without a leap day.
MONTH_STARTS = np.cumsum([1, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
#: What the two sides of NEE mean, in colours of its scale.
_SIDES = (("uptake by the land", GREEN_BROWN[2]), ("release to the air", GREEN_BROWN[8]))
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def year_table(tower: xr.Dataset, flux: str, where: np.ndarray | None = None) -> pd.DataFrame:
    """Return ``flux`` [gC m-2 d-1] as one row a year, NaN where missing, or where ``where`` (time,) is false.

    Its columns are ``day`` of year (1-366), or ``month`` (1-12) of a monthly record.
    """
    time = pd.DatetimeIndex(tower["time"].values)
    values = tower[flux].values if where is None else np.where(where, tower[flux].values, np.nan)
    column, place, last = (
        ("day", time.day_of_year, 366) if step_of(tower) == TimeStep.DAILY else ("month", time.month, 12)
    )
    frame = pd.DataFrame({"year": time.year, column: place, "value": values})
    years = range(time.year.min(), time.year.max() + 1)
    return frame.pivot(index="year", columns=column, values="value").reindex(index=years, columns=range(1, last + 1))


def fingerprint(tower: xr.Dataset, flux: str, theme: Theme, low: bool = False) -> go.Figure:
    """Return day of year, or month, by year of one flux; missing cells are neutral grey.

    Days of low quality (NEE_QC < 0.7), which are mostly gap-filled, are a darker grey, or pale where ``low`` asks for
    them; their values are told on hover.

    NEE is diverging and centred on zero (uptake green, release brown); GPP and RECO start at zero. The colour
    range ends at the 99th percentile of the size of the values, so that one odd day does not bleach the rest.
    """
    table, daily = year_table(tower, flux), step_of(tower) == TimeStep.DAILY
    poor = year_table(tower, flux, ~good_days(tower)).to_numpy(dtype="float32")
    values = year_table(tower, flux, good_days(tower)).to_numpy(dtype="float32")
    top, unit = _top(values), unit_label(VARIABLES[flux].unit)
    entries = [("missing", MISSING[theme])]
    entries += [] if low else [(f"low quality, NEE_QC < {QC_VALID:g}", POOR[theme])]
    entries += _SIDES if flux == "NEE" else ()
    cells = dict(x=table.columns, y=table.index, hoverongaps=False, zmin=-top if flux == "NEE" else 0.0, zmax=top)
    figure = go.Figure(
        [
            _floor(table, daily, theme),
            go.Heatmap(
                z=values,
                colorscale=plotly_scale(flux),
                hovertemplate=f"%{{y}}, {table.columns.name} %{{x}}: %{{z:.2f}} {unit}<extra></extra>",
                colorbar=dict(title=dict(text=f"{flux} [{unit}]", side="right"), thickness=12, outlinewidth=0, len=1),
                **cells,
            ),
            go.Heatmap(
                z=poor,
                showscale=False,
                opacity=0.4 if low else 1,
                colorscale=plotly_scale(flux) if low else [[0, POOR[theme]], [1, POOR[theme]]],
                hovertemplate=f"%{{y}}, {table.columns.name} %{{x}}: %{{z:.2f}} {unit}, low quality<extra></extra>",
                **cells,
            ),
            *(_legend_entry(*entry) for entry in entries),
        ]
    )
    style(figure, theme, int(np.clip(150 + 24 * len(table), 290, 640)), hold=f"fingerprint-{tower['site'].item()}")
    figure.update_xaxes(
        tickvals=MONTH_STARTS if daily else table.columns,
        ticktext=MONTH_NAMES,
        title_text="Month",
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(
        title_text="Year", showgrid=False, zeroline=False, autorange="reversed", dtick=1 if len(table) <= 12 else 2
    )
    return figure


def _top(values: np.ndarray) -> float:
    """Return the end of the colour range."""
    finite = np.abs(values[np.isfinite(values)])
    return max(float(np.quantile(finite, 0.99)) if finite.size else 1.0, 0.1)


def _floor(table: pd.DataFrame, daily: bool, theme: Theme) -> go.Heatmap:
    """Return the background, which shows through missing cells; the 366th day of other years is no cell."""
    floor = np.zeros(table.shape, np.float32)
    if daily:
        leap = pd.DatetimeIndex([f"{y}-12-31" for y in table.index]).day_of_year == 366
        floor[~leap, -1] = np.nan
    grey = [[0, MISSING[theme]], [1, MISSING[theme]]]
    return go.Heatmap(x=table.columns, y=table.index, z=floor, showscale=False, hoverinfo="skip", colorscale=grey)


def _legend_entry(name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        showlegend=True,
        hoverinfo="skip",
        marker=dict(symbol="square", size=11, color=colour),
    )
