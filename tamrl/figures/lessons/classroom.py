"""Figures of the teacher's page: how far a class is, what it answered, and the numbers that go with the answers."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import LOSS, ROLE, TIE, WIN
from tamrl.figures.style import INK, MUTED, Theme, style

#: Names of right, wrong and unmarked answers, and how each is drawn: colour by theme, hatch of bars, sign of points.
#: Who answers again may have seen what is right.
KINDS = {
    "right at once": (WIN, "", "circle"),
    "right after more tries": (WIN, "x", "circle-open"),
    "not right": (LOSS, "/", "diamond"),
    "not marked": (TIE, ".", "square"),
}


def kinds(rows: pd.DataFrame) -> pd.Series:
    """Return the key of ``KINDS`` of each answer."""
    named = rows["correct"].map({True: "right at once", False: "not right"}).fillna("not marked")
    return named.mask((named == "right at once") & (rows["tries"] > 1), "right after more tries")


def _bar(kind: str, theme: Theme) -> dict[str, Any]:
    """Return the look of the bars of a kind, told apart without colours, too."""
    colour, hatch, _ = KINDS[kind]
    return dict(color=colour[theme], pattern=dict(shape=hatch, fgcolor=INK[theme], fillmode="overlay", fgopacity=0.35))


def progress(rows: pd.DataFrame, labels: dict[tuple[str, str], str], theme: Theme) -> go.Figure:
    """Return how many students have answered each question, how many of them rightly, and whether at once.

    Args:
        rows: answers, of ``tamrl.teaching.classroom.Board``.
        labels: (lesson, question) -> the question in a few words, in the order of the course.
        theme: light or dark.
    """
    counts = rows.assign(kind=kinds(rows)).groupby(["lesson", "question", "kind"]).size()
    shown = [key for key in labels if key in set(zip(rows["lesson"], rows["question"], strict=True))]
    figure = go.Figure()
    for kind in KINDS:
        values = [int(counts.get((*key, kind), 0)) for key in shown]
        if any(values):
            figure.add_trace(
                go.Bar(
                    x=values,
                    y=[labels[key] for key in shown],
                    orientation="h",
                    name=kind.capitalize(),
                    marker=_bar(kind, theme),
                    hovertemplate=hover.told("%{y}", "n = %{x}", kind.capitalize()),
                )
            )
    style(figure, theme, 90 + 30 * len(shown), hold="class-progress")
    figure.update_layout(barmode="stack", margin_b=44)
    figure.update_xaxes(title_text="Students", rangemode="tozero", dtick=1 if rows["student"].nunique() < 12 else None)
    figure.update_yaxes(autorange="reversed")
    return figure


def answers(rows: pd.DataFrame, theme: Theme) -> go.Figure:
    """Return how often each answer to one question was given."""
    counts = rows.assign(kind=kinds(rows)).groupby(["answer", "kind"]).size().reset_index(name="students")
    order = counts.groupby("answer")["students"].sum().sort_values().index
    figure = go.Figure()
    for kind in KINDS:
        part = counts[counts["kind"] == kind]
        if len(part):
            figure.add_trace(
                go.Bar(
                    x=part["students"],
                    y=part["answer"],
                    orientation="h",
                    name=kind.capitalize(),
                    marker=_bar(kind, theme),
                    hovertemplate=hover.told("%{y}", "n = %{x}", kind.capitalize()),
                )
            )
    style(figure, theme, 90 + 30 * len(order), hold="class-answers")
    figure.update_layout(barmode="stack", margin_b=44)
    figure.update_xaxes(title_text="Students", rangemode="tozero", dtick=1 if counts["students"].max() < 12 else None)
    figure.update_yaxes(categoryorder="array", categoryarray=list(order))
    return figure


def values(rows: pd.DataFrame, label: str, marks: dict[str, float], theme: Theme) -> go.Figure:
    """Return the number that goes with each answer to one question, a point a student.

    Args:
        rows: answers with a value.
        label: of the axis.
        marks: name -> value that a line stands at.
        theme: light or dark.
    """
    figure = go.Figure()
    for kind, (colour, _, sign) in KINDS.items():
        part = rows[kinds(rows) == kind]
        if len(part):
            figure.add_trace(
                go.Box(
                    x=part["value"],
                    y=["class"] * len(part),
                    orientation="h",
                    name=kind.capitalize(),
                    boxpoints="all",
                    jitter=0.7,
                    pointpos=0,
                    line=dict(width=0),
                    fillcolor="rgba(0,0,0,0)",
                    marker=dict(color=colour[theme], symbol=sign, size=10, line=dict(width=1, color=MUTED[theme])),
                    customdata=part["student"],
                    hovertemplate=hover.told("Student %{customdata}", hover.value("", "x"), kind.capitalize()),
                    hoveron="points",
                )
            )
    for i, (name, value) in enumerate(marks.items()):
        figure.add_vline(
            value,
            line=dict(width=1.6, dash="dash", color=ROLE[theme]["observed"]),
            annotation=dict(text=name, font=dict(color=INK[theme], size=12), yshift=-16 * i),
        )
    style(figure, theme, 250, hold="class-values")
    # The colours are those of the answers above, whose legend names them.
    figure.update_layout(margin_b=44, margin_t=50, showlegend=False)
    figure.update_xaxes(title_text=label)
    figure.update_yaxes(visible=False)
    return figure
