"""Scorecard: what kind of error, by Taylor diagram, density of predicted against observed, and seasonal cycles."""

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.models import line_up
from tamrl.app.scorecard.view import ScorecardView, model_legend, shots_choice, told_unscored
from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.widgets import chart, legend, select, tell
from tamrl.evaluation import comparison, results, taylor
from tamrl.evaluation.comparison import Column
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import SITE_MEAN
from tamrl.figures.scorecard import names
from tamrl.figures.scorecard import patterns as figures
from tamrl.schema import FLUXES, IGBP


def show(view: ScorecardView) -> None:
    """Draw the section."""
    shots = shots_choice([0, 7, 30, 90, 365])
    _taylor(view, shots)
    st.divider()
    _season(view, shots)
    st.divider()
    _density(view, shots)


def _taylor(view: ScorecardView, shots: int) -> None:
    st.markdown(f"**Taylor diagram** · {names.SCALE_LABELS[view.scale].lower()} values")
    if told_unscored(view.asked()):
        return
    points = {flux: _points(view, flux, shots) for flux in FLUXES}
    model_legend(m for table in points.values() for m in table["model"])
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        figure = figures.taylor(points[flux], flux, theme.current())
        chart(column, f"scorecard-taylor_{flux}", figure, _taylor_in_words(points[flux], flux))
    components.footer(f"scorecard_taylor_{view.scale}_{shots}", view.origin, lambda: pd.concat(points, names=["flux"]))
    with st.expander("The points in numbers", icon=":material/table_rows:"):
        _taylor_table(points)
    how = "over the site means" if view.scale == SITE_MEAN else "medians over towers"
    counts = ", ".join(f"{flux} n = {table['towers'].max() if len(table) else 0}" for flux, table in points.items())
    st.caption(
        f"Angle: correlation. Distance from the centre: standard deviation of the predicted over that of the observed "
        f"({how}, {counts}). The star is a perfect model; thin arcs join equal centred RMSE. Taylor 2001, "
        "doi:10.1029/2000JD900719."
    )


def _taylor_in_words(points: pd.DataFrame, flux: str) -> str:
    said = "; ".join(
        f"{names.look(r['model']).label} {names.number(r['correlation'])}, {names.number(r['deviation'])}"
        for _, r in points.iterrows()
    )
    return f"Taylor diagram of {flux}. Correlation and normalised standard deviation: {said or 'none'}."


def _taylor_table(points: dict[str, pd.DataFrame]) -> None:
    """List the points, which lie in a heap where models are alike."""
    tables = {f: t.set_index("model")[["correlation", "deviation"]] for f, t in points.items() if len(t)}
    if not tables:
        return
    wide = pd.concat(tables, axis="columns")
    wide.columns = [f"{flux} {'correlation' if what == 'correlation' else 'sd ratio'}" for flux, what in wide.columns]
    wide = wide.loc[in_order(list(wide.index))]
    wide.index = pd.Index([names.look(model).label for model in wide.index], name="Model")
    shown = wide.reset_index()
    sizes.table(
        components.numbers(shown, dict.fromkeys(wide, (3, False, ""))),
        hide_index=True,
        key="taylor_table",
        alt="Correlation and ratio of standard deviations of each model by flux",
    )


def _points(view: ScorecardView, flux: str, shots: int) -> pd.DataFrame:
    """Return correlation and normalised standard deviation of each model on the same towers."""
    pair = ("mean_observed", "mean_predicted") if view.scale == SITE_MEAN else ("sd_observed", "sd_predicted")
    scores = cache.table(view.results, "scores")
    seen, made = (results.wide(scores, view.design, view.scale, name, view.placement) for name in pair)
    asked = comparison.Asked(view.metric, view.scale, made, seen).keep(view.keys)
    team = line_up(asked, flux, shots)
    if not team:
        return taylor.points(pd.DataFrame(), pd.DataFrame(), [])
    observed, predicted, correlations = results.by_towers(asked.observed, flux, team), asked.towers(flux, team), None
    if view.scale != SITE_MEAN:
        question = cache.question(view.results, view.design, view.scale, "correlation", view.placement, "scores", True)
        correlations = cache.asked(question, view.keys).towers(flux, team)
    return taylor.points(observed, predicted, team, correlations)


def _group_name(group: str) -> str:
    return "All towers" if group == "all" else components.class_name(group)


def _season(view: ScorecardView, shots: int) -> None:
    cycles = cache.table(view.results, "cycles")
    cycles = cycles[cycles["design"] == view.design]
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    left.markdown("**Mean seasonal cycle, observed and predicted**")
    present = set(cycles["group"].astype(str))
    groups = ["all", *(code for code in [*IGBP, "unknown"] if code in present)]
    with right:
        group = select("Towers", "group", groups, "all", _group_name)
    rows = cycles[cycles["group"] == group]
    if rows.empty:
        tell(
            "These results have no seasonal cycles of this cross-validation scheme. Choose another one under Protocol."
        )
        return
    known = list({(str(m), int(s)) for m, s in zip(rows["model"], rows["shots"], strict=True)})
    wanted: list[Column] = [("tamrl", shots), ("tamrl", 0), view.reference(known, shots)]
    columns = [c for c in dict.fromkeys(wanted) if c in known]
    shade = theme.current()
    items = [("━", names.observed_colour(shade), names.OBSERVED)]
    for column in columns:
        glyph = names.LINES[figures.season_dash(column, columns)]
        items.append((glyph, names.look(column[0]).colour(shade), names.column_label(column, names.plain(known))))
    legend(items, "Lines")
    for place, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        figure = figures.season(rows[rows["flux"] == flux], flux, columns, shade)
        chart(place, f"scorecard-season_{flux}", figure, _season_in_words(rows, flux, columns))
    keys = ["flux", "model", "shots", "month"]
    components.footer(f"scorecard_season_{group}", view.origin, lambda: rows.set_index(keys))
    towers = int(rows["towers"].max()) if len(rows) else 0
    st.caption(
        f"Mean over {towers} towers of their monthly means; the band is one standard deviation between towers. Months "
        "are those of the calendar, also south of the equator. Observed and zero-shot: all valid days; with labels: "
        "the days outside them. The filters of towers and the placement do not apply."
    )


def _season_in_words(rows: pd.DataFrame, flux: str, columns: list[Column]) -> str:
    """Return between which values each mean seasonal cycle runs."""
    said = []
    for model, shots in [("observed", 0), *columns]:
        mine = rows[(rows["flux"] == flux) & (rows["model"] == model) & (rows["shots"] == shots)]["mean"]
        if len(mine):
            label = names.OBSERVED if model == "observed" else names.column_label((model, shots))
            said.append(f"{label} {names.number(mine.min())} to {names.number(mine.max())}")
    return f"Mean seasonal cycle of {flux}, observed and predicted. Lowest to highest month: {'; '.join(said)}."


def _density(view: ScorecardView, shots: int) -> None:
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    left.markdown("**Predicted against observed, all scored days**")
    table = cache.table(view.results, "density")
    table = table[table["design"] == view.design]
    if table.empty:
        tell("These results have no such counts of this cross-validation scheme. Choose another one under Protocol.")
        return
    models = in_order([str(m) for m in table["model"].unique()])
    with right:
        model = select("Model", "subject", models, "tamrl", lambda name: names.look(name).label)
    mine = table[table["model"] == model]
    taken = shots if shots in set(mine["shots"]) else int(mine["shots"].min()) if len(mine) else 0
    rows = mine[mine["shots"] == taken]
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        figure = figures.density(rows[rows["flux"] == flux], flux, theme.current())
        days = int(rows.loc[rows["flux"] == flux, "days"].sum())
        words = (
            f"Number of days by observed and predicted {flux}. {names.column_label((model, taken))}, {days:,} "
            "tower-days; with the 1:1 line."
        )
        chart(column, f"scorecard-density_{flux}", figure, words)
    keys = ["flux", "observed", "predicted"]
    components.footer(f"scorecard_density_{model}_{taken}", view.origin, lambda: rows.set_index(keys))
    st.caption(
        f"{names.column_label((model, taken))}: {int(rows['days'].sum()):,} tower-days of the three fluxes, pooled "
        "over towers and placements, so towers with long records count more. The filters of towers do not apply here."
    )
