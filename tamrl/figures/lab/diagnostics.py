"""How an adaptation went: its loss, the spread of its members, and the carbon balance."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import ROLE, rgba
from tamrl.figures.lab.adaptation import LABELS, UNIT, member_spread
from tamrl.figures.style import DATE, Theme, marker_size, style, time_axis
from tamrl.schema import FLUXES
from tamrl.timestep import step_of


def loss_figure(history: pd.DataFrame, theme: Theme) -> go.Figure:
    """Return the fit and the held-back loss of each member against the step.

    Each member is fitted twice, first without the held-back days and then with them; the fits are lines apart.

    Args:
        history: rows of ``member, step, loss, held_back`` (NaN in the second fit), in any state of completion.
        theme: light or dark.
    """
    # A hundred points a line are as smooth as a thousand, and the figure is drawn anew several times a second.
    stride = max(1, int(history["step"].max()) // 100) if len(history) else 1
    history = history[history["step"] % stride == 0]
    figure = go.Figure()
    kinds = (("loss", "fit, adapted days", "adapted"), ("held_back", "held-back support days", "zero-shot"))
    for column, label, role in kinds:
        line = dict(width=1.6, color=rgba(ROLE[theme][role], 0.85), dash="dot" if column == "held_back" else "solid")
        known = history.dropna(subset=column)
        for i, ((member, _), rows) in enumerate(known.groupby(["member", known["held_back"].isna()])):
            figure.add_trace(
                go.Scatter(
                    x=rows["step"],
                    y=rows[column],
                    mode="lines",
                    name=label,
                    legendgroup=column,
                    showlegend=i == 0,
                    line=line,
                    hovertemplate=hover.told(f"Member {member + 1}, step %{{x}}", hover.value("", digits=".3f"), label),
                )
            )
    style(figure, theme, 250, hold="loss")
    figure.update_xaxes(title_text="Step", rangemode="tozero")
    figure.update_yaxes(title_text="Loss", rangemode="tozero")
    return figure


def spread(zero_shot: xr.Dataset, adapted: xr.Dataset, theme: Theme) -> go.Figure:
    """Return the ensemble spread (standard deviation of the members) of each flux, before and after.

    Boxes over all days, or months, of the record: quartiles, median, and whiskers at 5 and 95 %.
    """
    figure = go.Figure()
    for role, predictions in (("zero-shot", zero_shot), ("adapted", adapted)):
        table = spread_table(predictions)
        figure.add_trace(
            go.Box(
                x=table.index,
                name=LABELS[role],
                lowerfence=table["p05"],
                q1=table["p25"],
                median=table["p50"],
                q3=table["p75"],
                upperfence=table["p95"],
                line=dict(color=ROLE[theme][role], width=1.5),
                fillcolor=rgba(ROLE[theme][role], 0.25),
            )
        )
    style(figure, theme, 280, hold="spread")
    figure.update_layout(boxmode="group")
    figure.update_yaxes(title_text=f"Spread [{UNIT}]", rangemode="tozero", hoverformat=".2f")
    return figure


def spread_table(predictions: xr.Dataset) -> pd.DataFrame:
    """Return quantiles over time of the members' standard deviation [gC m-2 d-1], one row a flux."""
    levels = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
    rows = {f: np.nanquantile(member_spread(predictions[f]), list(levels.values())) for f in FLUXES}
    return pd.DataFrame(rows, index=list(levels)).T


def residual(values: xr.Dataset) -> np.ndarray:
    """Return the balance residual NEE - (RECO - GPP) [gC m-2 d-1] of each value of ``values``."""
    return (values["NEE"] - (values["RECO"] - values["GPP"])).values


def balance(tower: xr.Dataset, adapted: xr.Dataset, theme: Theme) -> go.Figure:
    """Return the balance residual of the observations and of the adapted ensemble mean over time."""
    axis = time_axis(tower["time"].values)
    mean = adapted.mean("member")
    figure = go.Figure()
    for role, values in (("observed", residual(tower)), ("adapted", residual(mean))):
        marks = (
            dict(marker=dict(size=marker_size(3, step_of(tower)), color=rgba(ROLE[theme][role], 0.5)))
            if role == "observed"
            else {}
        )
        figure.add_trace(
            go.Scatter(
                y=values,
                name=LABELS[role],
                mode="markers" if marks else "lines",
                connectgaps=False,
                line=dict(width=1.6, color=ROLE[theme][role]),
                hovertemplate=hover.value(digits=".3g"),
                **marks,
                **axis,
            )
        )
    style(figure, theme, 280, hold="balance")
    figure.update_xaxes(hoverformat=DATE[step_of(tower)])
    figure.update_layout(hovermode="x unified")
    figure.update_yaxes(title_text=f"NEE \N{MINUS SIGN} (RECO \N{MINUS SIGN} GPP)<br>[{UNIT}]", exponentformat="e")
    # Rounding alone must look like zero.
    figure.update_yaxes(autorangeoptions_include=[-0.05, 0.05])
    return figure
