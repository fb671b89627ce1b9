"""World, below the map: two sets of maps against each other."""

from typing import Any

import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, state, theme
from tamrl.app.shared.widgets import chart, pick, tell
from tamrl.app.world import cache, numbers
from tamrl.app.world.view import WorldView
from tamrl.figures.world import charts
from tamrl.figures.world import compare as figures
from tamrl.maps import common_grid, regions, time_means
from tamrl.maps.aggregate import ALL

_MINUS = "\N{MINUS SIGN}"


def comparison(view: WorldView) -> None:
    """Draw how two sets of maps differ: scores, scatter, histograms, and scores by class and band."""
    if view.other_entry is None:
        _invite(view)
        return
    missing = numbers.lacking(view)
    if missing:
        tell(f"{missing} Choose a flux that both have.")
        return
    periods = [numbers.period_of(entry, view.period) for entry in (view.entry, view.other_entry)]
    question = (view.entry, view.other_entry, view.flux, *periods, view.vegetated)
    kind = _kind()
    if view.mode != "difference":  # there the switch stands above the map, which it changes
        vegetated_switch()
    table, spread = numbers.differences(question, kind), numbers.density(question)
    if not table.loc[ALL, "cells"]:
        tell("The two share no cell with a value.")
        return
    _scores(table.loc[ALL], view)
    drawn = numbers.drawn(view)
    first, second = drawn[view.entry.key], drawn[view.other_entry.key]
    left, right = st.columns(2, gap="medium")
    names = f"{view.flux} of {view.entry.label} against {view.other_entry.label}"
    row = table.loc[ALL]
    bias, rmse = _signed(row["bias"]), f"{row['rmse']:.2f}"
    alt = f"Cell by cell, {names}. Correlation {row['correlation']:.2f}, bias {bias}, RMSE {rmse} {charts.UNIT}."
    chart(left, "world-density", figures.density(spread, first, second, view.flux, theme.current()), alt)
    alt = f"Land on each value, {names}. Means {row['first']:.2f} and {row['second']:.2f} {charts.UNIT}."
    chart(right, "world-histogram", figures.histograms(spread, first, second, view.flux, theme.current()), alt)
    stem = f"compare_{view.entry.key}_{view.other_entry.key}_{view.flux}"
    components.footer(stem, view.origin, lambda: spread["area"].to_series().to_frame(), lambda: spread)
    st.caption(_how(view, question, spread.attrs["outside"]))
    pick("Differences by", "by", list(regions.KINDS), regions.FIRST, regions.KINDS.get)
    _table(table, view, f"{stem}_{kind}")


def vegetated_switch(label: str = "Vegetated land only") -> None:
    """Draw the switch that leaves out what nothing grows on."""
    st.toggle(
        label,
        **state.bind("veg", True),
        help="Vegetated land only: on ice, bare land and water maps are 0 by construction, and any two of them agree.",
    )


def _kind() -> str:
    return state.get("by") if state.get("by") in regions.KINDS else regions.FIRST


def _invite(view: WorldView) -> None:
    """Say how to choose what to compare with, and offer it."""
    others = [entry for key, entry in view.entries.items() if key != view.entry.key and entry.kind != "damaged"]
    if not others:
        tell("There is nothing to compare with yet; import a product above the map.")
        return
    st.info(
        "Choose *Side by side* or *Difference* above the map to compare two sets of maps, or begin here.",
        icon=":material/compare:",
    )
    with st.container(horizontal=True, gap="small"):
        for entry in others[:4]:
            st.button(f"Compare with {entry.label}", key=f"compare_{entry.key}", on_click=_start, args=(entry.key,))


def _start(key: str) -> None:
    state.put("with", key)
    state.put("mode", "side")


def _scores(row: pd.Series, view: WorldView) -> None:
    """Draw the scores over all land."""
    assert view.other_entry is not None  # two are compared
    unit = charts.UNIT
    cards = (
        (f"Bias [{unit}]", _signed(row["bias"]), f"Mean of {view.entry.label} minus mean of {view.other_entry.label}"),
        (f"RMSE [{unit}]", f"{row['rmse']:.2f}", "Root mean square difference of the cells"),
        ("Correlation", f"{row['correlation']:.3f}".replace("-", _MINUS), "Pearson's, over cells"),
        (f"Means [{unit}]", f"{row['first']:.2f} / {row['second']:.2f}".replace("-", _MINUS), "Of both"),
        ("Land [10⁶ km²]", f"{row['area']:.1f}", f"{int(row['cells']):,} cells where both have a value"),
    )
    with st.container(horizontal=True, gap="large", key="world_scores"):
        for label, value, tip in cards:
            st.metric(label, value, help=tip, width="content")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", _MINUS)


def _how(view: WorldView, question: tuple[Any, ...], outside: float) -> str:
    assert view.other_entry is not None  # two are compared
    a, _, _ = numbers.common(*question)
    lat, lon = (abs(float(a[n][1] - a[n][0])) if a.sizes[n] > 1 else 1.0 for n in ("lat", "lon"))
    size = f"{lat:.3g}° by {lon:.3g}°"
    one, other = (cache.field(e, view.flux, p) for e, p in zip(question[:2], question[3:5], strict=True))
    grid = f"on the grid of both, {size}"
    if not common_grid.same_grid(one, other):
        grid = f"on the coarser grid of the two, {size}, to which the finer one is averaged conservatively"
    said = [f"{view.period.label}, weighted by area of land, {grid}."]
    if view.period.year is None:
        spans = [time_means.span(cache.maps(e)) for e in (view.entry, view.other_entry)]
        said.append(f"Both are means of {spans[0]}." if spans[0] == spans[1] else "Years: {} and {}.".format(*spans))
    if view.vegetated:
        said.append(
            f"Land without vegetation is left out: cells of which less than {100 * regions.LEAST_VEGETATED:.0f} % is "
            "vegetated (MODIS land cover) carry no flux by construction and would agree in any two maps."
        )
    if outside > 0:
        said.append(f"{outside:.2g} million km² of rare values lie outside the axes.")
    return " ".join(said)


def _table(table: pd.DataFrame, view: WorldView, stem: str) -> None:
    """Draw the scores of each class or band."""
    assert view.other_entry is not None  # two are compared
    number = st.column_config.NumberColumn
    unit = charts.UNIT
    formats = {
        "area": (2, False, ""),
        "first": (2, False, ""),
        "second": (2, False, ""),
        "bias": (2, True, ""),
        "rmse": (2, False, ""),
        "correlation": (3, False, ""),
    }
    sizes.table(
        components.numbers(table, formats),
        key="world_differences",
        height="content",
        column_order=["cells", "area", "first", "second", "bias", "rmse", "correlation"],
        column_config={
            "group": st.column_config.TextColumn("Group", width=230),
            "cells": number("Cells (n)", format="localized"),
            "area": number("Land [10⁶ km²]"),
            "first": number(f"Mean [{unit}]", help=view.entry.label),
            "second": number(f"Compared with [{unit}]", help=view.other_entry.label),
            "bias": number(f"Bias [{unit}]"),
            "rmse": number(f"RMSE [{unit}]"),
            "correlation": number("Correlation"),
        },
    )
    components.footer(f"{stem}_table", view.origin, lambda: table)
