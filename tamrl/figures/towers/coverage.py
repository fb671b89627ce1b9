"""What a tower's record holds, and when: the share of each month with a value, variable by variable."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures.colours import ALGAE
from tamrl.figures.style import MISSING, Theme, style
from tamrl.schema import DRIVERS, FLUXES, QC_VALID, VARIABLES, variable
from tamrl.timestep import TimeStep, step_of

#: Height of one row [px].
ROW_PX = 22
#: The row of days that count as observed.
VALID = "valid days"


def monthly_shares(tower: xr.Dataset) -> pd.DataFrame:
    """Return the share 0-1 of the steps of each month that have a value.

    Args:
        tower: record (time) of one tower, daily or monthly.

    Returns:
        A row for each variable that does not stay the same over time and has any value, in the order of the schema,
        ``VALID`` after the fluxes (any flux, and NEE_QC of at least 0.7); columns are the first days of the months.
        Days of a month before the record begins or after it ends count as missing.
    """
    time = pd.DatetimeIndex(tower["time"].values)
    months = time.to_period("M")
    every = pd.period_range(months.min(), months.max(), freq="M")
    length = every.days_in_month.to_numpy() if step_of(tower) == TimeStep.DAILY else np.ones(len(every))
    at = every.get_indexer(months)

    def share(known: np.ndarray) -> np.ndarray:
        return np.bincount(at, weights=known, minlength=len(every)) / length

    known = {name: np.isfinite(tower[name].values) for name in _rows(tower)}
    rows = {name: share(found) for name, found in known.items() if found.any()}
    fluxes = np.any([found for name, found in known.items() if name in FLUXES], axis=0)
    if "NEE_QC" in tower and fluxes.any():
        first = {name: rows[name] for name in FLUXES if name in rows}
        rows = first | {VALID: share(fluxes & (tower["NEE_QC"].values >= QC_VALID))} | rows
    return pd.DataFrame(rows, index=every.to_timestamp()).T


def _rows(tower: xr.Dataset) -> list[str]:
    """Return the variables of a record that change with time; quality has a row of its own."""
    listed = [name for name in VARIABLES if name in tower and name != "NEE_QC"]
    order = [*FLUXES, *(n for n in DRIVERS if n in listed), *(n for n in listed if n not in DRIVERS)]
    return [n for n in dict.fromkeys(order) if n in listed and variable(n).resolution != "static"]


def coverage(tower: xr.Dataset, theme: Theme) -> go.Figure:
    """Return the picture of ``monthly_shares``: one row a variable, one column a month; what is missing is grey."""
    table, step = monthly_shares(tower), step_of(tower)
    names = [_label(name, step) for name in table.index]
    shares = table.to_numpy()
    figure = go.Figure(
        go.Heatmap(
            x=table.columns,
            y=names,
            z=100 * shares,
            zmin=0,
            zmax=100,
            # Nothing at all is grey, as everywhere; a single day is seen beside it.
            colorscale=[[0, MISSING[theme]], [0.001, ALGAE[1]], [1, ALGAE[8]]],
            ygap=2,
            colorbar=dict(title=dict(text="Share of the month [%]", side="right"), thickness=12, outlinewidth=0, len=1),
            hovertemplate="%{y}, %{x|%b %Y}: %{z:.0f} %<extra></extra>",
        )
    )
    style(figure, theme, 90 + ROW_PX * max(len(table), 5), hold=f"coverage-{tower['site'].item()}")
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, tickmode="array", tickvals=names)
    figure.update_xaxes(showgrid=False, zeroline=False)
    return figure


def in_words(tower: xr.Dataset) -> str:
    """Return what the picture shows, for readers who do not see it: the share of the whole record by variable."""
    table, step = monthly_shares(tower), step_of(tower)
    weights = table.columns.days_in_month.to_numpy() if step == TimeStep.DAILY else np.ones(table.shape[1])
    said = [f"{_label(n, step)} {100 * np.average(row, weights=weights):.0f} %" for n, row in table.T.items()]
    span = f"{table.columns[0]:%b %Y} to {table.columns[-1]:%b %Y}" if len(table) else "no value"
    return f"Share of each month with a value at {tower['site'].item()}. {span}; over all: {', '.join(said)}."


def _label(name: str, step: TimeStep) -> str:
    return name if name != VALID or step == TimeStep.DAILY else "valid months"
