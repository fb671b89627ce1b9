"""Towers: where they stand, and what each measured."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from tamrl.app import router
from tamrl.app.shared import cache, components, sidebar, state
from tamrl.app.towers import sections
from tamrl.timestep import step_of


def _body() -> None:
    """Draw the page."""
    choice = sidebar.choice()
    table = cache.towers(choice.workspace)
    shown = sections.filters(table)
    if shown.empty:
        st.info("No tower passes these filters.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", on_click=sections.clear_filters)
        return
    site = state.get("site")
    if site is not None and site not in table.index:
        st.warning(f"{components.quoted(site)} of this address is not in this workspace.", icon=":material/link_off:")
        state.put("site", None)
    site = site if site in shown.index else shown.index[0]
    sections.map_and_table(shown, site, choice.workspace.step())
    st.session_state["tower_select"] = site
    st.selectbox(
        f"Tower ({len(shown)} of {len(table)})",
        list(shown.index),
        key="tower_select",
        on_change=lambda: sections.choose(st.session_state["tower_select"]),
        format_func=lambda code: sections.label(code, table),
    )
    st.divider()
    tower, origin = cache.tower(choice.workspace, site), sidebar.origin(choice.workspace, site)
    sections.tower_heading(site, table.loc[site], step_of(tower), cache.citation(choice.workspace, site))
    sections.account_section(site, choice.workspace)
    for part in (sections.series_section, sections.fingerprint_section):
        _alone(part, site, tower, origin)


@st.fragment
def _alone(part: Callable[..., None], *asked: Any) -> None:
    """Draw a part of the page; a choice in it draws it anew, and not the map and the table above it."""
    try:
        with components.guarded():
            part(*asked)
    finally:
        state.publish()  # else only the run of a whole page tells the address


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(
            "Towers", "Eddy-covariance towers, their fluxes and what drives them.", sidebar.choice().workspace.simulated
        )
        _body()
