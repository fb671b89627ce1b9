"""The tabs below the map; only the open one is loaded and computes."""

from importlib import import_module

import streamlit as st

from tamrl.app.shared import components, state
from tamrl.app.shared.widgets import choice
from tamrl.app.world.view import WorldView

#: Title of each tab, and the function that draws it.
TABS = {
    "Place": ("cell", "place"),
    "Totals": ("totals", "totals"),
    "Land sink": ("land_sink", "land_sink"),
    "Comparison": ("compare", "comparison"),
    "Zonal mean": ("summaries", "zonal"),
    "Hovmöller": ("summaries", "hovmoeller"),
    "At towers": ("at_towers", "towers"),
}
_BEGUN = "tamrl_world_begun"
#: Seconds after which the tabs are drawn at the latest, where the map does not say that it is there.
_LATEST_S = 4.0


def show(view: WorldView) -> None:
    """Draw the tabs; in a session not before the map is there, which says so and so starts a second run.

    The browser loads the library of the charts for about a second, in which it draws nothing else.
    """
    if _BEGUN not in st.session_state:
        _soon()
        return
    opened = choice("section", list(TABS), "Place" if view.cell else "Totals")
    for tab, (module, name) in zip(st.tabs(list(TABS), **state.bind("section", opened)), TABS.values(), strict=True):
        if tab.open:
            with tab, components.guarded():
                getattr(import_module(f"tamrl.app.world.{module}"), name)(view)


@st.fragment(run_every=_LATEST_S)
def _soon() -> None:
    if _BEGUN in st.session_state:
        st.rerun()
    st.session_state[_BEGUN] = True
    st.caption("Loading charts …")
