"""Scorecard, the map: each tower's score, and one tower by model and days of labels."""

from typing import Any

import pandas as pd
import streamlit as st

from tamrl.app.scorecard.overview import score_table
from tamrl.app.scorecard.view import ScorecardView, flux_choice, model_legend, shots_choice, told_unscored
from tamrl.app.shared import cache, components, sidebar, sizes, state, static, theme
from tamrl.app.shared.widgets import chart, from_map, from_table, pick, select, tell
from tamrl.errors import TamrlError
from tamrl.evaluation import comparison, results
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import Metric
from tamrl.figures.scorecard import map as maps
from tamrl.figures.scorecard import models as figures
from tamrl.figures.scorecard import names

MAP_PX = 430
_TURN, _ROUND, _TOP = "tamrl_score_turn", "tamrl_score_round", "tamrl_score_top"


def show(view: ScorecardView) -> None:
    """Draw the section."""
    asked = view.asked(one=True)
    if told_unscored(asked):
        return
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        flux = flux_choice()
        known = asked.columns(flux)
        models = in_order([model for model, _ in known])
        with st.container(width=sizes.px(240)):
            model = select("Model", "subject", models, "tamrl", lambda name: names.look(name).label)
        shots = shots_choice([s for m, s in known if m == model])
        reference = view.reference(known, shots)
        texts = {"score": asked.metric.label, "change": f"Against {view.versus(known, shots)}"}
        shown = pick("Colour", "show", list(texts), "score", texts.get)
    found = comparison.per_tower(asked, flux, (model, shots), reference)
    if found.empty:
        tell(f"None of these towers has this score of {flux}. Choose another flux, model or number of days above.")
        return
    table = view.sites.join(found, how="inner")
    column = "change" if shown == "change" and "change" in table else "value"
    site = state.get("tower") or state.get("site")
    # At first the median tower: the best one would say what cannot be hoped for elsewhere.
    order = _order(table, column, asked.metric)
    site = site if site in table.index else order[len(order) // 2]
    _map_and_table(view, table, column, asked.metric, texts, site)
    said = f"{flux}_{model}_{shots}"
    components.footer(f"scorecard_towers_{said}", view.origin, lambda: table)
    st.session_state["score_tower"] = site
    st.selectbox(
        f"Tower ({len(table)} scored)",
        list(table.index),
        key="score_tower",
        on_change=lambda: _choose(st.session_state["score_tower"]),
        format_func=lambda code: f"{code} · {table.loc[code, 'igbp']} · {table.loc[code, 'koeppen']}",
    )
    _tower(view, site, asked)


def _order(table: pd.DataFrame, column: str, metric: Metric) -> list[str]:
    """Return the towers, the best first."""
    values = table[column].abs() if metric.best == "zero" and column == "value" else table[column]
    return list(values.sort_values(ascending=metric.best != "high").index)


def _title(column: str, metric: Metric, texts: dict[str, str]) -> str:
    if column == "value":
        return names.metric_label(metric)
    return names.change_label(metric, texts["change"].removeprefix("Against "))


def _map_and_table(
    view: ScorecardView, table: pd.DataFrame, column: str, metric: Metric, texts: dict[str, str], chosen: str
) -> None:
    """Draw the map and the table; a click on either chooses a tower."""
    title = _title(column, metric, texts)
    digits = 0 if column == "change" and metric.relative else 2
    colours = maps.scale(table[column].to_numpy(dtype=float), metric, column == "change")
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        st.pydeck_chart(
            static.placed(
                maps.score_map(
                    table, column, f"{title}: {{}}", colours, chosen, theme.current(), _turn(), sizes.px(MAP_PX)
                )
            ),
            key="score_map",
            height=sizes.px(MAP_PX),
            on_select=lambda: from_map("score_map", _choose),
            alt=_map_in_words(table[column], title),
        )
        st.html(maps.legend(*colours, title, digits))
    with right:
        # A new key, and the first row, show a tower that was chosen elsewhere.
        order = components.first_row(
            table.loc[_order(table, column, metric)], st.session_state.setdefault(_TOP, chosen)
        )
        key = f"score_towers_{st.session_state.get(_ROUND, 0)}"
        columns = [c for c in ("value", "reference", "change") if c in order]
        shown = order.reset_index()[["site", "igbp", "koeppen", *columns, "network", "days"]]
        change = (1, True, " %") if metric.relative else (3, True, "")
        formats = {"value": (2, False, ""), "reference": (2, False, ""), "change": change}
        sizes.table(
            components.numbers(shown, formats),
            key=key,
            hide_index=True,
            height=MAP_PX,
            selection_mode="single-row",
            on_select=lambda: from_table(key, list(order.index), lambda site: _choose(site, from_table=True)),
            selection_default={"selection": {"rows": [list(order.index).index(chosen)]}},
            column_config=_columns(metric, view),
        )


def _map_in_words(values: pd.Series, title: str) -> str:
    """Return what the map shows, for readers who do not see it."""
    low, middle, high = (names.number(values.quantile(q)) for q in (0.05, 0.5, 0.95))
    return (
        f"World map of {len(values)} towers coloured by {title}. Median {middle}, 90 % between {low} and {high}; the "
        "table beside it offers the same choice."
    )


def _columns(metric: Metric, view: ScorecardView) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "site": st.column_config.TextColumn("Tower", width=80, pinned=True),
        "igbp": st.column_config.TextColumn("IGBP", width=58),
        "koeppen": st.column_config.TextColumn("Köppen", width=72),
        "value": number(metric.label, width=74, help=names.metric_label(metric)),
        "reference": number(names.look(view.against).label, width=84),
        "change": number("Change", width=84),
        "network": st.column_config.TextColumn("Network", width=92),
        "days": number("Valid days", format="localized", width=84),
    }


def _choose(site: str, from_table: bool = False) -> None:
    state.put("tower", site)
    st.session_state[_TURN] = _turn() + 1
    if not from_table:
        st.session_state[_TOP] = site
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _turn() -> int:
    return st.session_state.get(_TURN, 0)


def _tower(view: ScorecardView, site: str, asked: comparison.Asked) -> None:
    """Draw one tower's scores by model and days of labels, and the way to the lab."""
    row = view.sites.loc[site]
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(gap=None, width="stretch"):
            st.header(site, anchor=False)
            facts = [
                components.class_name(row["igbp"]),
                components.climate_name(row["koeppen"]),
                row["network"],
                f"{int(row['days']):,} valid days",
            ]
            st.caption(" · ".join(facts))
        if _in_workspace(site):
            st.page_link(
                "pages/lab.py", label="Open in Few-shot lab", icon=":material/science:", query_params={"site": site}
            )
        else:
            st.caption("Not in the open workspace, so the lab cannot adapt to it.", width="content")
    rows = results.one_tower(asked.table, site)
    model_legend(rows["model"])
    for column, flux in zip(st.columns(len(asked.fluxes), gap="small"), asked.fluxes, strict=True):
        figure = figures.learning_curve(rows, flux, asked.metric, theme.current())
        chart(column, f"scorecard-tower_{flux}", figure, _curve_in_words(rows, flux, asked.metric, site))
    components.footer(f"scorecard_{site}", view.origin, lambda: rows.set_index("flux"))
    score_table(rows, "value", view, "tower_table", towers=False)
    st.caption(
        "One tower: values are means over the placements of the labels, bands run from the best to the worst; "
        "zero-shot here on the same days as the others, outside the support."
    )


def _curve_in_words(rows: pd.DataFrame, flux: str, metric: Metric, site: str) -> str:
    """Return the curve of TAM-RL at one tower in words."""
    mine = rows[(rows["flux"] == flux) & (rows["model"] == "tamrl")].sort_values("shots")
    said = "; ".join(
        f"{names.shots_label(s)} {names.number(v)}" for s, v in zip(mine["shots"], mine["value"], strict=True)
    )
    return f"{metric.label} of {flux} at {site} by days of labels. TAM-RL: {said or 'not scored'}."


def _in_workspace(site: str) -> bool:
    """Say whether the open workspace holds a tower."""
    try:
        return site in cache.towers(sidebar.choice().workspace).index
    except TamrlError:
        return False
