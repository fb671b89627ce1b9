"""The list of pages, and the guarantee that a page is always drawn through the router.

Streamlit takes a folder named ``pages`` for pages that run on their own until ``st.navigation`` is called for the
first time in a process. A deep link to a page that comes before that would skip ``app.py``.
"""

from pathlib import Path

import streamlit as st

LOGO = str(Path(__file__).resolve().parents[2] / "assets" / "logo.svg")
_ROUTED = "tamrl_routed"


def navigation() -> "st.Page":
    """Set up the window, draw the navigation and return the page that the address names."""
    # The icon is set before the navigation: else the page's own becomes that of the window, from a font server.
    st.set_page_config(page_title="TAM-RL Explorer", page_icon=LOGO, layout="wide")
    st.logo(LOGO, size="large")
    return st.navigation(
        [
            st.Page("pages/world.py", title="World", icon=":material/public:", default=True),
            st.Page("pages/towers.py", title="Towers", icon=":material/cell_tower:"),
            st.Page("pages/lab.py", title="Few-shot lab", icon=":material/science:"),
            st.Page("pages/scorecard.py", title="Scorecard", icon=":material/leaderboard:"),
        ]
    )


def run(page: "st.Page") -> None:
    """Run a page through the router."""
    st.session_state[_ROUTED] = True
    page.run()


def require() -> None:
    """Start this run again through ``app.py`` where the page was run on its own."""
    if not st.session_state.pop(_ROUTED, False):
        navigation()
        st.rerun()
