"""Scorecard: learning curves, and how scores are distributed over towers."""

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import ScorecardView, model_legend, shots_choice, told_unscored
from tamrl.app.shared import components, state, theme
from tamrl.app.shared.widgets import chart, legend, tell
from tamrl.evaluation.comparison import Asked, Column
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import Metric
from tamrl.figures.scorecard import models as figures
from tamrl.figures.scorecard import names

#: Half the width of the neutral band at first, of errors and of skills.
BAND = 0.02


def curves(view: ScorecardView) -> None:
    """Draw the learning curves, one figure a flux."""
    if told_unscored(view.asked()):
        return
    summary = view.summary(same=True)
    if not summary["towers"].any():
        tell("None of these towers has a score of every model and number of days. Choose more towers.")
        return
    fluxes = list(summary["flux"].unique())
    model_legend(summary["model"].unique())
    for column, flux in zip(st.columns(len(fluxes), gap="small"), fluxes, strict=True):
        figure = figures.learning_curve(summary, flux, view.metric, theme.current())
        chart(column, f"scorecard-curve_{flux}", figure, _curve_in_words(summary, flux, view.metric))
    components.footer(f"scorecard_curves_{view.metric.name}", view.origin, lambda: summary.set_index("flux"))
    counts = summary.groupby("flux")["towers"].max()
    said = ", ".join(f"{flux} n = {counts[flux]}" for flux in fluxes)
    st.caption(
        f"{view.asked().statistic.capitalize()} that have every model and number of days ({said}); bands are 95 % "
        "bootstrap intervals over towers, all on the days outside the support. Dotted lines: models without labels."
    )


def _curve_in_words(summary: pd.DataFrame, flux: str, metric: Metric) -> str:
    """Return where each learning curve begins and ends."""
    said = []
    for model, rows in summary[summary["flux"] == flux].sort_values("shots").groupby("model", sort=False):
        ends = rows.iloc[[0, -1]].drop_duplicates("shots")
        points = zip(ends["shots"], ends["value"], strict=True)
        said.append(
            f"{names.look(model).label}: " + ", ".join(f"{names.shots_label(s)} {names.number(v)}" for s, v in points)
        )
    return f"{metric.label} of {flux} by days of labels and model. {'; '.join(said)}."


def line_up(asked: Asked, flux: str, shots: int) -> list[Column]:
    """Return every model at a number of days, zero-shot where it takes no labels."""
    known = asked.columns(flux)
    always = names.plain(known)
    return [(m, s) for m, s in known if s == shots or (m in always and s == 0)]


def distribution(view: ScorecardView) -> None:
    """Draw the distribution over towers, and who wins where."""
    asked = view.asked(one=True)
    if told_unscored(asked):
        return
    shots = shots_choice(sorted({s for flux in asked.fluxes for _, s in asked.columns(flux)}))
    teams = {flux: line_up(asked, flux, shots) for flux in asked.fluxes}
    _cumulative(view, asked, teams)
    st.divider()
    _contest(view, asked, teams, shots)


def _cumulative(view: ScorecardView, asked: Asked, teams: dict[str, list[Column]]) -> None:
    st.markdown(f"**Share of towers up to a value of {asked.metric.label}**")
    model_legend(model for team in teams.values() for model, _ in team)
    values = {flux: asked.towers(flux, team) for flux, team in teams.items()}
    for column, flux in zip(st.columns(len(teams), gap="small"), teams, strict=True):
        figure = figures.cumulative(values[flux], flux, asked.metric, theme.current())
        chart(column, f"scorecard-cdf_{flux}", figure, _shares_in_words(values[flux], flux, asked.metric))
    components.footer(
        f"scorecard_cdf_{asked.metric.name}",
        view.origin,
        lambda: pd.concat(
            {f: v.stack(["model", "shots"]).rename("value") for f, v in values.items()}, names=["flux"]
        ).to_frame(),
    )
    st.caption("The same towers in every line: " + ", ".join(f"{f} n = {len(v)}" for f, v in values.items()) + ".")


def _shares_in_words(values: pd.DataFrame, flux: str, metric: Metric) -> str:
    """Return the median and the quartiles of each line."""
    said = []
    for model, shots in values.columns:
        low, middle, high = (names.number(values[(model, shots)].quantile(q)) for q in (0.25, 0.5, 0.75))
        said.append(f"{names.look(model).label} {middle} ({low} to {high})")
    return f"Cumulative share of towers by {metric.label} of {flux}. Median (quartiles): {'; '.join(said)}."


def _contest(view: ScorecardView, asked: Asked, teams: dict[str, list[Column]], shots: int) -> None:
    left, right = st.columns([1.4, 1], vertical_alignment="bottom", gap="large")
    versus = view.versus(asked.columns(asked.fluxes[0]), shots)
    left.markdown(f"**At how many towers each model is better or worse than {versus}**")
    with right:
        band = _band(asked.metric)
    legend([("■", colours[theme.current()], label) for _, label, colours in figures.OUTCOMES], "Outcomes")
    parts = {}
    for column, flux in zip(st.columns(len(teams), gap="small"), teams, strict=True):
        known = asked.columns(flux)
        reference = view.reference(known, shots)
        team = tuple(c for c in teams[flux] if c != reference and reference in known)
        found = cache.contest(view.question(one=True), view.keys, flux, team, reference, band)
        found.insert(0, "label", [names.look(m).brief for m in found["model"]])
        parts[flux] = found = found.set_index("model").loc[in_order(list(found["model"]))].reset_index()
        figure = figures.contest(found, flux, theme.current())
        chart(column, f"scorecard-contest_{flux}", figure, _contest_in_words(found, flux))
    components.footer(f"scorecard_wins_{shots}", view.origin, lambda: pd.concat(parts, names=["flux"]))
    st.caption(
        f"Reference: {versus}, on the same towers and days. p is of "
        "Wilcoxon's signed-rank test over towers, two-sided, paired, without correction for the number of tests."
    )


def _contest_in_words(found: pd.DataFrame, flux: str) -> str:
    """Return the counts of each bar."""
    said = "; ".join(f"{r['label']} {r['win']}, {r['tie']}, {r['loss']}" for _, r in found.iterrows())
    return f"Towers won, tied and lost against the reference, {flux}. {said}."


def _band(metric: Metric) -> float:
    """Draw the neutral band and return half its width: a share of errors, a difference of skills."""
    share = metric.best != "high"
    label = f"Neutral band (± % of {metric.label})" if share else f"Neutral band (± {metric.label})"
    scale = 100 if share else 1
    value = min(state.get("band", BAND), 0.2)
    st.session_state["score_band"] = value * scale
    st.slider(
        label,
        0.0,
        0.2 * scale,
        step=0.01 * scale,
        key="score_band",
        format="%.0f %%" if share else "%.2f",
        on_change=lambda: state.put("band", round(st.session_state["score_band"] / scale, 4)),
        help="Two models that differ by less at a tower count as tied there.",
    )
    return value
