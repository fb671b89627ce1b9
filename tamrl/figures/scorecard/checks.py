"""Calibration of intervals, ablations, and published figures beside ours."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.evaluation.results import METRICS, Metric
from tamrl.figures import hover
from tamrl.figures.colours import ACCENT, CLASS, CLASS_SIGN, LOSS_INK, OTHER_SIGN, UNSURE, rgba
from tamrl.figures.scorecard.models import ROW_HEIGHT
from tamrl.figures.scorecard.names import clear, look, metric_label
from tamrl.figures.style import INK, MUTED, Theme, style, unit_label
from tamrl.schema import FLUX_UNIT, UNKNOWN

UNIT = unit_label(FLUX_UNIT)
#: The range that 90 % intervals are asked to stay in.
TARGET_90 = (0.88, 0.92)


def coverage(table: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return the share of days inside the 50 % and 90 % intervals, mean and quartiles over towers.

    Args:
        table: columns ``shots`` and, for 50 and 90, ``coverage50, coverage50_low, coverage50_high``.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    names = [str(int(s)) for s in table["shots"]]
    for level, symbol in ((90, "circle"), (50, "diamond-open")):
        column = f"coverage{level}"
        figure.add_hline(y=level / 100, line=dict(color=MUTED[theme], width=1.2, dash="dash"))
        figure.add_trace(
            go.Scatter(
                x=names,
                y=table[column],
                mode="markers",
                name=f"{level} % intervals",
                marker=dict(symbol=symbol, size=11, color=ACCENT[theme], line=dict(width=2, color=ACCENT[theme])),
                error_y=dict(
                    type="data",
                    symmetric=False,
                    array=(table[f"{column}_high"] - table[column]).clip(lower=0),
                    arrayminus=(table[column] - table[f"{column}_low"]).clip(lower=0),
                    color=rgba(ACCENT[theme], 0.5),
                    width=0,
                ),
                hovertemplate=hover.told(
                    "%{x} days of labels", "%{y:.1%} of days inside,<br>mean over towers", f"{level} % intervals"
                ),
            )
        )
    figure.add_hrect(y0=TARGET_90[0], y1=TARGET_90[1], fillcolor=rgba(ACCENT[theme], 0.1), line_width=0, layer="below")
    style(figure, theme, ROW_HEIGHT, hold=f"coverage-{flux}")
    figure.update_layout(showlegend=False, margin_t=14)
    figure.update_xaxes(title_text="Days of labels", type="category")
    figure.update_yaxes(title_text=f"{flux}: days inside", tickformat=".0%", range=[0.2, 1.02])
    return figure


def class_coverage(table: pd.DataFrame, flux: str, names: dict[str, str], theme: Theme) -> go.Figure:
    """Return the share of days inside the 90 % intervals in each class of towers, mean and quartiles over its towers.

    Args:
        table: columns ``class, coverage90, coverage90_low, coverage90_high, towers``, in the order to draw.
        flux: name of the flux.
        names: label of each class.
        theme: light or dark.
    """
    labels = [f"{names.get(name, name)} ({count})" for name, count in zip(table["class"], table["towers"], strict=True)]
    outside = ~table["coverage90"].between(*TARGET_90)
    colour = [LOSS_INK[theme] if out else ACCENT[theme] for out in outside]
    figure = go.Figure(
        go.Scatter(
            x=table["coverage90"],
            y=labels,
            mode="markers",
            name="90 % intervals",
            marker=dict(size=10, color=colour, symbol=["diamond" if out else "circle" for out in outside]),
            error_x=dict(
                type="data",
                symmetric=False,
                array=(table["coverage90_high"] - table["coverage90"]).clip(lower=0),
                arrayminus=(table["coverage90"] - table["coverage90_low"]).clip(lower=0),
                color=MUTED[theme],
                thickness=1.2,
                width=0,
            ),
            hovertemplate=hover.told("%{y}", "%{x:.1%} of days inside,<br>mean over towers"),
        )
    )
    figure.add_vline(x=0.9, line=dict(color=MUTED[theme], width=1.2, dash="dash"))
    figure.add_vrect(x0=TARGET_90[0], x1=TARGET_90[1], fillcolor=rgba(ACCENT[theme], 0.1), line_width=0, layer="below")
    style(figure, theme, max(200, 86 + 28 * len(table)), hold=f"coverage-by-{flux}-{len(table)}")
    figure.update_layout(showlegend=False, margin_t=14)
    figure.update_xaxes(title_text=f"{flux}: days inside 90 %", tickformat=".0%", range=[0.48, 1.02])
    figure.update_yaxes(autorange="reversed", title_text="")
    return figure


def spread_skill(table: pd.DataFrame, flux: str, names: dict[str, str], theme: Theme) -> go.Figure:
    """Return the error of each class of towers against the spread that the model gave it, with the 1:1 line.

    Args:
        table: columns ``class, spread, rmse`` (medians over towers, gC m-2 d-1) and ``towers``.
        flux: name of the flux.
        names: label of each class.
        theme: light or dark.
    """
    figure = go.Figure()
    for _, row in table.iterrows():
        figure.add_trace(
            go.Scatter(
                x=[row["spread"]],
                y=[row["rmse"]],
                mode="markers",
                name=row["class"],
                marker=dict(
                    size=7 + 2 * np.sqrt(row["towers"]),
                    color=rgba(CLASS.get(row["class"], CLASS[UNKNOWN]), 0.85),
                    symbol=CLASS_SIGN.get(row["class"], OTHER_SIGN),
                    line=dict(width=1, color=INK[theme]),
                ),
                hovertemplate=hover.told(
                    names.get(row["class"], row["class"]),
                    f"spread %{{x:.2f}}, RMSE {hover.value()}, n = {row['towers']}",
                ),
            )
        )
    both = table[["spread", "rmse"]].to_numpy(dtype=float)
    ends = [0.85 * float(both.min()), 1.1 * float(both.max())] if len(table) else [0.0, 1.0]
    figure.add_trace(
        go.Scatter(
            x=ends, y=ends, mode="lines", hoverinfo="skip", line=dict(color=MUTED[theme], width=1.2, dash="dash")
        )
    )
    style(figure, theme, ROW_HEIGHT, hold=f"spread-{flux}")
    figure.update_xaxes(title_text=f"Spread, {flux} [{UNIT}]", range=ends)
    figure.update_yaxes(title_text=f"RMSE [{UNIT}]", range=ends)
    figure.update_layout(showlegend=False, margin_t=14)
    return figure


def ablations(table: pd.DataFrame, flux: str, metric: Metric, reference: str, theme: Theme) -> go.Figure:
    """Return what each ablation changes against the full single member, with 95 % intervals; grey where one holds zero.

    Args:
        table: rows of ``tamrl.evaluation.comparison.summary`` of one flux and number of shots, in the order to draw.
        flux: name of the flux.
        metric: the score.
        reference: name of the model that the changes are against.
        theme: light or dark.
    """
    rows = table[table["model"] != reference].iloc[::-1]
    colour = [
        UNSURE[theme] if not sure else ACCENT[theme] if _better(value, metric) else LOSS_INK[theme]
        for value, sure in zip(rows["change"], clear(rows), strict=True)
    ]
    unit = "%" if metric.relative else unit_label(metric.unit)
    figure = go.Figure(
        go.Bar(
            x=rows["change"],
            y=rows["model"],
            orientation="h",
            marker=dict(color=colour, line_width=0),
            name="",
            error_x=dict(
                type="data",
                symmetric=False,
                array=rows["change_high"] - rows["change"],
                arrayminus=rows["change"] - rows["change_low"],
                color=MUTED[theme],
                thickness=1.2,
                width=3,
            ),
            customdata=rows[["value", "towers"]],
            hovertemplate=hover.told(
                "%{y}",
                f"{hover.value(unit, 'x', '+.1f' if metric.relative else '+.2f')}, "
                f"{metric.label} {hover.value(unit_label(metric.unit), 'customdata[0]', '.3f')}, "
                "n = %{customdata[1]}",
            ),
        )
    )
    style(figure, theme, max(220, 96 + 30 * len(rows)), hold=f"ablations-{flux}-{metric.name}")
    figure.update_layout(bargap=0.4, showlegend=False, margin_t=14)
    figure.update_xaxes(title_text=f"Change of {flux} {metric.label}" + (f" [{unit}]" if unit else ""))
    figure.update_yaxes(title_text="")
    return figure


def _better(value: float, metric: Metric) -> bool:
    return value > 0 if metric.best == "high" else value < 0


def published(table: pd.DataFrame, metric: str, theme: Theme) -> go.Figure:
    """Return published scores beside ours: hollow theirs, on their towers, filled ours, on ours.

    Args:
        table: columns ``whose`` (theirs, ours), ``split, model, flux`` and the metric.
        metric: ``r2`` or ``rmse``.
        theme: light or dark.
    """
    figure = go.Figure()
    rows = list(dict.fromkeys(zip(table["split"], table["flux"], strict=True)))
    score = METRICS[metric]
    said = f"{score.label} {hover.value(unit_label(score.unit), 'x', '.3f')}"
    for (whose, model), mine in table.groupby(["whose", "model"], sort=False):
        drawn, ours = look(model), whose == "ours"
        figure.add_trace(
            go.Scatter(
                x=mine[metric],
                y=[
                    rows.index(key) + (0.14 if ours else -0.14) for key in zip(mine["split"], mine["flux"], strict=True)
                ],
                mode="markers",
                name=f"{drawn.label}, {whose}",
                customdata=[f"{split}, {flux}" for split, flux in zip(mine["split"], mine["flux"], strict=True)],
                hovertemplate=hover.told("%{customdata}", said, f"{drawn.label}, {whose}"),
                marker=dict(
                    size=11,
                    symbol=drawn.symbol.removesuffix("-open") + ("" if ours else "-open"),
                    color=drawn.colour(theme),
                    line=dict(width=2, color=drawn.colour(theme)),
                ),
            )
        )
    style(figure, theme, 150 + 46 * len(rows), hold=f"published-{metric}")
    figure.update_xaxes(title_text=metric_label(score), zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[f"{split} · {flux}" for split, flux in rows],
        range=[len(rows) - 0.5, -0.5],
        zeroline=False,
        title_text="",
    )
    return figure
