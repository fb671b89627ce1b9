"""The error at one tower by month of the year, before and after adapting: where adapting helps, and where it harms."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import ROLE
from tamrl.figures.lab.adaptation import LABELS, UNIT
from tamrl.figures.style import Theme, style
from tamrl.figures.towers.fingerprint import MONTH_NAMES

_ROLES = ("zero-shot", "adapted")


def by_month_table(
    tower: xr.Dataset, zero_shot: xr.Dataset, adapted: xr.Dataset, scored: np.ndarray, flux: str
) -> pd.DataFrame:
    """Return the RMSE of the ensemble mean by month of the year, on the scored days that have an observation.

    Args:
        tower: Dataset(time) of one tower's record.
        zero_shot: Dataset(member, time) [gC m-2 d-1].
        adapted: likewise.
        scored: (time,) bool, the days, or months, that the metrics use.
        flux: name of the flux.

    Returns:
        DataFrame indexed by ``month`` (1-12, those with a day) with ``zero-shot, adapted`` [gC m-2 d-1] and ``n``.
    """
    observed = tower[flux].values
    made = [values[flux].mean("member").values for values in (zero_shot, adapted)]
    keep = scored & np.isfinite(observed) & np.isfinite(made).all(axis=0)
    month = pd.Index(pd.DatetimeIndex(tower["time"].values).month[keep], name="month")
    squared = pd.DataFrame({role: (v - observed)[keep] ** 2 for role, v in zip(_ROLES, made, strict=True)}, index=month)
    groups = squared.groupby("month")
    return np.sqrt(groups.mean()).assign(n=groups.size())


def by_month(table: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return the errors of ``by_month_table`` as two bars a month."""
    figure = go.Figure()
    for role in _ROLES:
        figure.add_trace(
            go.Bar(
                x=[MONTH_NAMES[month - 1] for month in table.index],
                y=table[role],
                name=LABELS[role],
                marker=dict(color=ROLE[theme][role]),
                hovertemplate=hover.value(),
            )
        )
    style(figure, theme, 300, hold=f"by-month-{flux}")
    figure.update_layout(barmode="group", bargap=0.25, hovermode="x unified")
    figure.update_yaxes(title_text=f"{flux} RMSE [{UNIT}]", rangemode="tozero")
    return figure
