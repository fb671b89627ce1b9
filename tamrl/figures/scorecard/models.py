"""Models against each other: learning curves, classes of towers, and the distribution over towers."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import Metric
from tamrl.figures import hover
from tamrl.figures.colours import LOSS, LOSS_INK, ON_OUTCOME, TIE, UNSURE, WIN, rgba
from tamrl.figures.scorecard.names import change_label, clear, look, metric_label, shots_label
from tamrl.figures.style import MUTED, SMALL_PX, Theme, number, style, unit_label

#: Height of a figure that stands in a row of three [px].
ROW_HEIGHT = 360
#: Models that know a tower's own fluxes alone, or those of its class: without labels far from all others.
_WITHOUT_DRIVERS = ("seasonal-cycle", "climatology")
#: Towers of a class that may stretch the axis of changes, and how many times longer the others may make it.
_SOME_TOWERS, _STRETCH = 3, 2.0
#: Marks of what lies beyond an axis, at its ends.
BEYOND = {"◂", "▸"}
OUTCOMES = (("win", "better", WIN), ("tie", "within the band", TIE), ("loss", "worse", LOSS))


def _class_points(
    mine: pd.DataFrame, at: list[float], labels: list[str], metric: Metric, theme: Theme, hollow: bool
) -> go.Scatter:
    """Return the changes of one model, at the heights ``at`` of classes, with their intervals."""
    model, shots = mine["model"].iloc[0], mine["shots"].iloc[0]
    sign = 1 if metric.best == "high" else -1
    better = (sign * mine["change"] > 0).tolist()
    known = [look(model).colour(theme) if good else LOSS_INK[theme] for good in better]
    colour = [own if sure else UNSURE[theme] for own, sure in zip(known, clear(mine), strict=True)]
    name, digits = f"{look(model).label}, {shots_label(shots)}", "+.1f" if metric.relative else "+.2f"
    change = hover.value("%" if metric.relative else unit_label(metric.unit), "x", digits)
    said = (
        f"{change} (%{{customdata[0]:{digits}}} to %{{customdata[1]:{digits}}})<br>"
        f"{metric.label} {hover.value(unit_label(metric.unit), 'customdata[2]', '.3f')}, n = %{{customdata[3]}}"
    )
    return go.Scatter(
        x=mine["change"],
        y=at,
        mode="markers",
        name=name,
        marker=dict(
            size=9, symbol="circle-open" if hollow else "circle", color=colour, line=dict(width=2, color=colour)
        ),
        error_x=dict(
            type="data",
            symmetric=False,
            array=mine["change_high"] - mine["change"],
            arrayminus=mine["change"] - mine["change_low"],
            color=rgba(MUTED[theme], 0.7),
            thickness=1.4,
            width=0,
        ),
        customdata=mine[["change_low", "change_high", "value", "towers"]].assign(label=labels),
        hovertemplate=hover.told("%{customdata[4]}", said, name),
    )


def learning_curve(summary: pd.DataFrame, flux: str, metric: Metric, theme: Theme) -> go.Figure:
    """Return a score against the number of support days, with 95 % intervals over towers.

    Days are spaced evenly, since they are few; a model that takes no labels is a line across, from its zero-shot
    value.

    Args:
        summary: of ``tamrl.evaluation.comparison.summary`` with the same towers in every row.
        flux: name of the flux.
        metric: the score.
        theme: light or dark.
    """
    rows = summary[summary["flux"] == flux]
    shots = sorted(int(s) for s in rows["shots"].unique())
    place = {s: i for i, s in enumerate(shots)}
    value = hover.value(unit_label(metric.unit), digits=".3f")
    about = f"{value}<br>(95 %: %{{customdata[0]:.3f}} to %{{customdata[1]:.3f}}), n = %{{customdata[2]}}"
    figure = go.Figure()
    for model in reversed(in_order(list(rows["model"]))):
        mine = rows[rows["model"] == model].sort_values("shots")
        drawn = look(model)
        colour = drawn.colour(theme)
        x = [place[int(s)] for s in mine["shots"]]
        accent = model == "tamrl"
        certain = bool(mine[["low", "high"]].notna().all(axis=None))
        if len(x) > 1 and certain:
            figure.add_trace(_band(x, mine, rgba(colour, 0.2 if accent else 0.07), model))
        elif len(shots) > 1 and x == [0]:
            figure.add_trace(_line_across(mine["value"].iloc[0], len(shots) - 1, model, rgba(colour, 0.6)))
        figure.add_trace(
            go.Scatter(
                x=x,
                y=mine["value"],
                mode="lines+markers",
                name=drawn.label,
                legendgroup=model,
                line=dict(color=colour, width=3 if accent else 1.6, dash=drawn.dash),
                marker=dict(symbol=drawn.symbol, size=9 if accent else 7, color=colour),
                customdata=mine[["low", "high", "towers"]].assign(labels=[shots_label(int(s)) for s in mine["shots"]]),
                hovertemplate=hover.told("%{customdata[3]}", about if certain else value, drawn.label),
            )
        )
    style(figure, theme, ROW_HEIGHT, hold=f"curve-{flux}-{metric.name}")
    figure.update_layout(showlegend=False, margin_t=14)
    ticks = dict(tickvals=list(place.values()), ticktext=[str(s) for s in shots])
    if metric.relative and (top := _top(rows)):
        _note_above(figure, rows[rows["value"] > top[1]], place, top)
    figure.update_xaxes(title_text="Days of labels", range=[-0.25, len(shots) - 0.75], zeroline=False, **ticks)
    figure.update_yaxes(title_text=f"{flux} {metric_label(metric)}")
    return figure


def _top(rows: pd.DataFrame) -> list[float] | None:
    """Return the axis range of the models that learn from drivers, where those without any would make it far longer."""
    ends = rows[["low", "value", "high"]].fillna({"low": rows["value"], "high": rows["value"]})
    learnt = ends[~rows["model"].isin(_WITHOUT_DRIVERS)]
    if learnt.empty:
        return None
    low, high = float(ends.to_numpy().min()), float(learnt.to_numpy().max())
    return [low - 0.05 * (high - low), high + 0.12 * (high - low)] if ends.to_numpy().max() > 1.3 * high else None


def _note_above(figure: go.Figure, beyond: pd.DataFrame, place: dict[int, int], ends: list[float]) -> None:
    """Set the ends of the axis, and write at its upper one what lies beyond it."""
    figure.update_yaxes(range=ends)
    for i, row in enumerate(beyond.sort_values("value", ascending=False).itertuples()):
        side = "left" if 2 * place[int(row.shots)] < len(place) - 1 else "right"
        figure.add_annotation(
            text=f"\N{BLACK UP-POINTING SMALL TRIANGLE} {look(row.model).brief} {number(row.value)}",
            **dict(x=place[int(row.shots)], y=ends[1], xanchor=side, yanchor="top", yshift=-16 * i),
            showarrow=False,
            font=dict(size=SMALL_PX),
        )


def _line_across(value: float, last: int, model: str, colour: str) -> go.Scatter:
    """Return the line of a model that takes no labels."""
    return go.Scatter(
        x=[0, last],
        y=[value] * 2,
        mode="lines",
        legendgroup=model,
        showlegend=False,
        hoverinfo="skip",
        line=dict(color=colour, width=1.2, dash="dot"),
    )


def _band(x: list[int], rows: pd.DataFrame, fill: str, model: str) -> go.Scatter:
    """Return the interval of one model as a closed band."""
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*rows["high"], *rows["low"][::-1]],
        fill="toself",
        fillcolor=fill,
        line_width=0,
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=model,
    )


def classes(
    table: pd.DataFrame, flux: str, metric: Metric, reference: str, names: dict[str, str], theme: Theme
) -> go.Figure:
    """Return the change against a reference within each class of towers, with 95 % intervals; the largest on top.

    What is worse has a colour of its own; what an interval that holds zero cannot tell is grey. A class of few towers
    that is far from all others does not stretch the axis: at its end stands what it is.

    Args:
        table: of ``tamrl.evaluation.comparison.by_class``.
        flux: name of the flux.
        metric: the score.
        reference: what it is compared with, in words.
        names: label of each class.
        theme: light or dark.
    """
    order = list(dict.fromkeys(table["class"]))
    counts = dict(zip(table["class"], table["towers"], strict=True))
    figure = go.Figure()
    columns = list(dict.fromkeys(zip(table["model"], table["shots"], strict=True)))
    reach = _reach(table)
    for i, (model, shots) in enumerate(columns):
        mine = table[(table["model"] == model) & (table["shots"] == shots)]
        offset = 0.16 * (2 * i - len(columns) + 1)
        at = [order.index(c) + offset for c in mine["class"]]
        labels = [names.get(c, c) for c in mine["class"]]
        figure.add_trace(_class_points(mine, at, labels, metric, theme, hollow=i == 0 and len(columns) > 1))
        if reach:
            _note_beyond(figure, mine, at, reach, 1 if metric.relative else 2)
    style(figure, theme, max(200, 76 + 38 * len(order)), hold=f"classes-{flux}-{metric.name}-{len(order)}")
    figure.update_layout(showlegend=False, margin_t=24)
    figure.add_vline(x=0, line=dict(color=MUTED[theme], width=1))
    figure.update_xaxes(title_text=f"{flux} {change_label(metric, reference)}", zeroline=False, range=reach)
    right = metric.best == "high"
    figure.add_annotation(
        text="better \N{RIGHTWARDS ARROW}" if right else "\N{LEFTWARDS ARROW} better",
        **dict(x=1 if right else 0, y=1, xref="paper", yref="paper", xanchor="right" if right else "left"),
        yanchor="bottom",
        showarrow=False,
        font=dict(size=SMALL_PX, color=MUTED[theme]),
    )
    figure.update_yaxes(
        tickvals=list(range(len(order))),
        ticktext=[f"{names.get(c, c)} ({counts[c]})" for c in order],
        range=[len(order) - 0.5, -0.5],
        zeroline=False,
        title_text="",
    )
    return figure


def _reach(table: pd.DataFrame) -> list[float] | None:
    """Return the axis range of the classes that have some towers, where others would make it far longer."""
    ends = table[["change_low", "change", "change_high"]].assign(zero=0.0)
    common = ends[table["towers"] >= _SOME_TOWERS]
    if common["change"].isna().all():
        return None
    low, high = float(np.nanmin(common)), float(np.nanmax(common))
    if not 0 < _STRETCH * (high - low) < np.nanmax(ends) - np.nanmin(ends):
        return None
    return [low - 0.08 * (high - low), high + 0.08 * (high - low)]


def _note_beyond(figure: go.Figure, mine: pd.DataFrame, at: list[float], reach: list[float], digits: int) -> None:
    """Mark what lies beyond the axis at the end where it is: a change by its value, the end of an interval."""
    for (low, value, high), y in zip(mine[["change_low", "change", "change_high"]].to_numpy(float), at, strict=True):
        said = number(value, digits, signed=True)
        if min(low, value) < reach[0] or value < reach[0]:
            text = f"◂ {said}" if value < reach[0] else "◂"
            figure.add_annotation(x=reach[0], y=y, text=text, xanchor="left", showarrow=False)
        if max(high, value) > reach[1] or value > reach[1]:
            text = f"{said} ▸" if value > reach[1] else "▸"
            figure.add_annotation(x=reach[1], y=y, text=text, xanchor="right", showarrow=False)


def cumulative(values: pd.DataFrame, flux: str, metric: Metric, theme: Theme) -> go.Figure:
    """Return the share of towers up to each value of a score, one line a model.

    Args:
        values: DataFrame(site) with a column a (model, shots), without gaps.
        flux: name of the flux.
        metric: the score of one tower.
        theme: light or dark.
    """
    figure = go.Figure()
    share = (np.arange(len(values)) + 1) / max(1, len(values))
    upto = f"{metric.label} up to {hover.value(unit_label(metric.unit), 'x')}"
    order = in_order([model for model, _ in values.columns])
    for model, shots in sorted(values.columns, key=lambda column: -order.index(column[0])):
        drawn = look(model)
        label = f"{drawn.label}, {shots_label(shots)}"
        figure.add_trace(
            go.Scatter(
                x=np.sort(values[(model, shots)].to_numpy()),
                y=share,
                mode="lines",
                name=drawn.label,
                line=dict(shape="hv", color=drawn.colour(theme), width=3 if model == "tamrl" else 1.6, dash=drawn.dash),
                hovertemplate=hover.told(upto, "%{y:.0%} of towers", label),
            )
        )
    style(figure, theme, ROW_HEIGHT, hold=f"cdf-{flux}-{metric.name}")
    figure.update_layout(showlegend=False, margin_t=14)
    figure.update_xaxes(title_text=f"{flux} {metric_label(metric)}", zeroline=False, range=_robust(values.to_numpy()))
    figure.update_yaxes(title_text="Share of towers", tickformat=".0%", range=[0, 1.02])
    return figure


def _robust(values: np.ndarray) -> list[float] | None:
    """Return an axis range without the far tail, which single towers make: skills have no lower bound."""
    if not values.size:
        return None
    low, high = np.nanpercentile(values, [3, 99])
    return [low - 0.04 * (high - low), high + 0.04 * (high - low)]


def contest(table: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return the shares of towers won, tied and lost against a reference, one bar a row.

    Args:
        table: columns ``label, win, tie, loss`` (counts), ``towers`` and ``p`` of the paired Wilcoxon test.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    total = table["towers"].to_numpy().clip(1)
    for kind, label, colours in OUTCOMES:
        colour = colours[theme]
        share = table[kind].to_numpy() / total
        figure.add_trace(
            go.Bar(
                y=table["label"],
                x=share,
                orientation="h",
                name=label,
                marker=dict(color=colour, line_width=0),
                text=[f"{100 * s:.0f} %" if s >= 0.2 else "" for s in share],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                constraintext="none",
                textfont=dict(color=ON_OUTCOME[theme][kind], size=SMALL_PX),
                customdata=np.column_stack([table[kind], total]),
                hovertemplate=hover.told("%{y}", f"%{{customdata[0]}} of %{{customdata[1]}} towers {label}"),
            )
        )
    style(figure, theme, max(180, 76 + 34 * len(table)), hold=f"contest-{flux}-{len(table)}")
    figure.update_layout(barmode="stack", bargap=0.3, margin=dict(r=64, t=10), showlegend=False)
    figure.update_xaxes(title_text=f"Share of towers, {flux}", tickformat=".0%", range=[0, 1], zeroline=False)
    figure.update_yaxes(autorange="reversed", title_text="")
    for label, p in zip(table["label"], table["p"], strict=True):
        figure.add_annotation(
            x=1.01,
            y=label,
            xref="paper",
            yref="y",
            text=p_text(p),
            showarrow=False,
            xanchor="left",
            font=dict(size=SMALL_PX, color=MUTED[theme]),
        )
    return figure


def p_text(p: float) -> str:
    """Return a probability as it is written beside a bar."""
    if p != p:  # NaN
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
