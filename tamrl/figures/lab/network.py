"""What adapting does at many towers: the distribution of the change of the error, one line a flux."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures.colours import FLUX, rgba
from tamrl.figures.style import Theme, style
from tamrl.schema import FLUXES

#: Ends of the axis [%]: single towers beyond them are drawn there.
LOWEST, HIGHEST = -80.0, 80.0
#: Change from which a tower counts as improved or harmed [%].
BAND = 10.0
HEIGHT = 300


def distribution(table: pd.DataFrame, selected: str | None, theme: Theme) -> go.Figure:
    """Return one strip a flux: a point a tower at the change of its RMSE, with box and median.

    Args:
        table: of ``tamrl.predict.network.NetworkResult``.
        selected: tower whose points wear a ring.
        theme: light or dark.
    """
    figure = go.Figure()
    for flux in FLUXES:
        rows = table[table["flux"] == flux].dropna(subset=["change"])
        colour = FLUX[theme][flux]
        chosen = (rows["site"] == selected).to_numpy()
        figure.add_trace(
            go.Box(
                x=rows["change"].clip(LOWEST, HIGHEST),
                y=[flux] * len(rows),
                orientation="h",
                name=flux,
                boxpoints="all",
                jitter=0.6,
                pointpos=0,
                width=0.7,
                line=dict(color=rgba(colour, 0.85), width=1.4),
                fillcolor=rgba(colour, 0.08),
                marker=dict(color=rgba(colour, 0.6), size=6),
                selectedpoints=list(np.flatnonzero(chosen)) if chosen.any() else None,
                selected=dict(marker=dict(size=12, color=colour)),
                unselected=dict(marker=dict(opacity=0.45)),
                customdata=rows[["site", "change", "rmse_before", "rmse_after"]],
                hovertemplate="%{customdata[0]}: %{customdata[1]:+.0f} %, RMSE %{customdata[2]:.2f} to "
                "%{customdata[3]:.2f}<extra></extra>",
                hoveron="points",
            )
        )
    figure.add_vrect(-BAND, BAND, fillcolor="#888888", opacity=0.12, line_width=0, layer="below")
    figure.add_vline(0, line=dict(width=1, dash="dot", color="#888888"))
    style(figure, theme, HEIGHT, hold="network")
    figure.update_layout(showlegend=False, margin_t=10)
    figure.update_xaxes(title_text="Change of RMSE by adapting [%]", range=[LOWEST * 1.05, HIGHEST * 1.05])
    figure.update_yaxes(autorange="reversed")
    return figure


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return DataFrame(flux): median change, share of towers improved and harmed by ``BAND`` or more [%], towers."""
    rows = {}
    for flux in FLUXES:
        change = table.loc[table["flux"] == flux, "change"].dropna()
        rows[flux] = {
            "median": change.median(),
            "improved": 100 * (change <= -BAND).mean(),
            "harmed": 100 * (change >= BAND).mean(),
            "towers": len(change),
        }
    return pd.DataFrame(rows).T
