"""What kind of error: Taylor diagram, density of predicted against observed, mean seasonal cycles."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import density_scale, rgba
from tamrl.figures.scorecard.models import ROW_HEIGHT
from tamrl.figures.scorecard.names import OBSERVED, column_label, look, observed_colour
from tamrl.figures.style import GRID, HEAD_PX, INK, MUTED, SMALL_PX, Theme, one_to_one, style, unit_label
from tamrl.schema import FLUX_UNIT

UNIT = unit_label(FLUX_UNIT)
_CORRELATIONS = (0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_MONTHS = ("J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D")
#: What the distance from the centre of a Taylor diagram and the angle are.
_RADIUS = "<br>sd over that of the observed"
_ANGLE = dict(text="angle: correlation", x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="bottom")
#: Size of a bin of ``density.parquet`` [gC m-2 d-1].
BIN = 0.5


def taylor(points: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return a Taylor diagram (Taylor 2001, doi:10.1029/2000JD900719).

    The angle is the correlation, the distance from the centre the standard deviation of the predicted over that of
    the observed; thin arcs around the observed point join equal centred RMSE.

    Args:
        points: columns ``model, shots, correlation, deviation`` (normalised), one row a point.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    known = points.dropna(subset=["correlation", "deviation"])
    outer = max(1.5, float(known["deviation"].max()) * 1.1) if len(known) else 1.5
    sector = 180 if len(known) and known["correlation"].min() < 0 else 90
    _observed(figure, outer, sector, theme)
    for _, row in known.iterrows():
        figure.add_trace(_model(row, flux, theme))
    style(figure, theme, ROW_HEIGHT + 30, hold=f"taylor-{flux}")
    axis = dict(gridcolor=GRID[theme], linecolor=MUTED[theme], tickfont=dict(color=MUTED[theme], size=SMALL_PX))
    radius = dict(text=_RADIUS, font=axis["tickfont"])
    ticks = [c for c in _CORRELATIONS if c >= 0] + ([-c for c in _CORRELATIONS[1:]] if sector == 180 else [])
    figure.update_layout(
        margin=dict(l=30, r=30, t=30, b=44),
        showlegend=False,
        title=_title(flux, theme),
        annotations=[_ANGLE | dict(showarrow=False, font=dict(size=SMALL_PX, color=MUTED[theme]))],
        polar=dict(
            bgcolor="rgba(0,0,0,0)",
            sector=[0, sector],
            radialaxis=dict(range=[0, outer], dtick=0.5, angle=0, title=radius, **axis),
            angularaxis=dict(
                tickvals=[float(np.degrees(np.arccos(c))) for c in ticks], ticktext=[f"{c:g}" for c in ticks], **axis
            ),
        ),
    )
    return figure


def _model(row: pd.Series, flux: str, theme: Theme) -> go.Scatterpolar:
    """Return the point of one model."""
    drawn, label = look(row["model"]), column_label((row["model"], int(row["shots"])))
    said = f"correlation {row['correlation']:.2f}, sd {row['deviation']:.2f} of the observed"
    return go.Scatterpolar(
        r=[row["deviation"]],
        theta=[np.degrees(np.arccos(np.clip(row["correlation"], -1, 1)))],
        mode="markers",
        name=label,
        marker=dict(
            symbol=drawn.symbol,
            size=12 if row["model"] == "tamrl" else 9,
            color=drawn.colour(theme),
            line=dict(width=1.5, color=drawn.colour(theme)),
        ),
        hovertemplate=hover.told(flux, said, label),
    )


def _observed(figure: go.Figure, outer: float, sector: float, theme: Theme) -> None:
    """Draw what every model is measured by: the observed point, its deviation, and arcs of equal centred RMSE."""
    for distance in (0.25, 0.5, 0.75, 1.0):
        figure.add_trace(_arc(distance, outer, theme))
    angle = np.linspace(0, sector, 91)
    figure.add_trace(
        go.Scatterpolar(
            r=np.ones_like(angle),
            theta=angle,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line=dict(color=observed_colour(theme), width=1.2, dash="dash"),
        )
    )
    figure.add_trace(
        go.Scatterpolar(
            r=[1],
            theta=[0],
            mode="markers",
            name=OBSERVED,
            hovertemplate=hover.told("Observed", "correlation 1, sd 1"),
            marker=dict(symbol="star", size=13, color=observed_colour(theme)),
            cliponaxis=False,
        )
    )


def _arc(distance: float, outer: float, theme: Theme) -> go.Scatterpolar:
    """Return the points at one centred RMSE (in observed standard deviations) from the observed, inside the plot."""
    turn = np.linspace(0, np.pi, 91)
    x, y = 1 + distance * np.cos(turn), distance * np.sin(turn)
    radius = np.hypot(x, y)
    inside = (radius <= outer) & (x >= 0)
    return go.Scatterpolar(
        r=radius[inside],
        theta=np.degrees(np.arctan2(y, x))[inside],
        mode="lines",
        showlegend=False,
        line=dict(color=GRID[theme], width=1.2),
        hovertemplate=hover.told("Centred RMSE", f"{distance:g} sd of the observed"),
    )


def _title(text: str, theme: Theme) -> dict[str, Any]:
    return dict(text=text, x=0.02, y=0.98, xanchor="left", yanchor="top", font=dict(size=HEAD_PX, color=INK[theme]))


def density(rows: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return how many days fall on each pair of observed and predicted, with a logarithmic colour and the 1:1 line.

    Args:
        rows: columns ``observed, predicted`` (bin centres, gC m-2 d-1) and ``days`` of one model and flux.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    if len(rows):
        table = rows.pivot_table(index="predicted", columns="observed", values="days", aggfunc="sum")
        axes = [np.arange(a.min(), a.max() + BIN / 2, BIN) for a in (table.index, table.columns)]
        table = table.reindex(index=axes[0], columns=axes[1], method="nearest", tolerance=BIN / 4)
        days = table.to_numpy(dtype=float)
        top = max(1, int(np.ceil(np.log10(np.nanmax(days)))))
        where = f"Observed %{{x:.1f}}, predicted {hover.value(digits='.1f')}"
        figure.add_trace(
            go.Heatmap(
                x=axes[1],
                y=axes[0],
                z=np.log10(days),
                zmin=0,
                zmax=top,
                customdata=days,
                colorscale=density_scale(theme),
                colorbar=dict(
                    title=dict(text="Days", side="top", font_size=SMALL_PX),
                    thickness=9,
                    len=0.9,
                    tickvals=list(range(top + 1)),
                    ticktext=[f"{10**k:,}" for k in range(top + 1)],
                    tickfont=dict(size=SMALL_PX, color=MUTED[theme]),
                    outlinewidth=0,
                ),
                hovertemplate=hover.told(where, "%{customdata:,} days"),
            )
        )
        ends = [min(a.min() for a in axes), max(a.max() for a in axes)]
        figure.add_trace(one_to_one(ends, theme))
    style(figure, theme, ROW_HEIGHT, hold=f"density-{flux}")
    figure.update_layout(margin_t=14)
    figure.update_xaxes(title_text=f"Observed {flux} [{UNIT}]", constrain="domain")
    figure.update_yaxes(title_text=f"Predicted {flux} [{UNIT}]", scaleanchor="x", constrain="domain")
    return figure


def season_dash(column: tuple[str, int], columns: list[tuple[str, int]]) -> str:
    """Return how the line of a column is dashed: zero-shot beside the same model with labels is dotted."""
    model, shots = column
    return "dot" if not shots and any(m == model and s for m, s in columns) else look(model).dash


def season(rows: pd.DataFrame, flux: str, columns: list[tuple[str, int]], theme: Theme) -> go.Figure:
    """Return mean seasonal cycles of a group of towers, observed and predicted.

    Args:
        rows: rows of ``cycles.parquet`` of one design, group and flux.
        flux: name of the flux.
        columns: (model, shots) to draw; a model without labels is dotted where it is also there with them.
        theme: light or dark.
    """
    figure = go.Figure()
    seen = rows[rows["model"] == "observed"].sort_values("month")
    colour = observed_colour(theme)
    if len(seen):
        month = list(seen["month"])
        figure.add_trace(
            go.Scatter(
                x=[*month, *month[::-1]],
                y=[*(seen["mean"] + seen["sd"]), *(seen["mean"] - seen["sd"])[::-1]],
                fill="toself",
                fillcolor=rgba(colour, 0.1),
                mode="lines",
                line_width=0,
                hoverinfo="skip",
                name="sd over towers",
            )
        )
    lines = [("observed", 0, OBSERVED, colour, "solid", 3.5)]
    for model, shots in reversed(columns):
        label, tint = column_label((model, shots)), look(model).colour(theme)
        lines.append((model, shots, label, tint, season_dash((model, shots), columns), 2.2))
    for model, shots, label, tint, dash, width in lines:
        mine = rows[(rows["model"] == model) & (rows["shots"] == shots)].sort_values("month")
        figure.add_trace(
            go.Scatter(
                x=mine["month"],
                y=mine["mean"],
                # What was measured has points: in grey it is near some of the models.
                mode="lines+markers" if model == "observed" else "lines",
                name=label,
                line=dict(color=tint, width=width, dash=dash),
                hovertemplate=hover.value(),
            )
        )
    style(figure, theme, ROW_HEIGHT, hold=f"season-{flux}")
    figure.update_layout(hovermode="x unified", showlegend=False, margin_t=14)
    figure.update_xaxes(tickvals=list(range(1, 13)), ticktext=list(_MONTHS), range=[0.8, 12.2], title_text="Month")
    figure.update_xaxes(unifiedhovertitle_text=hover.MONTH)
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    return figure
