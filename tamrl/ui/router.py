"""The list of pages, and the guarantee that a page is always drawn through the router.

Streamlit takes a folder named ``pages`` for pages that run on their own until ``st.navigation`` is called for the
first time in a process. A deep link to a page that comes before that would skip ``app.py``.
"""

from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tamrl.ui import components

LOGO = str(Path(__file__).resolve().parents[2] / "assets" / "logo.svg")
NAME = "TAM-RL Explorer"
_ROUTED = "tamrl_routed"


@lru_cache(maxsize=1)
def _history() -> str:
    return f"<script>{(Path(__file__).parent / 'history.js').read_text(encoding='utf-8')}</script>"


def pages() -> list["st.Page"]:
    """Return the pages of the app, the first one first."""
    return [
        st.Page("pages/world.py", title="World", icon=":material/public:", default=True),
        st.Page("pages/towers.py", title="Towers", icon=":material/cell_tower:"),
        st.Page("pages/lab.py", title="Few-shot lab", icon=":material/science:"),
        st.Page("pages/scorecard.py", title="Scorecard", icon=":material/leaderboard:"),
    ]


def navigation() -> "st.Page | None":
    """Set up the window, draw the navigation and return the page that the address names; None where there is none."""
    # The icon is set before the navigation: else the page's own becomes that of the window, from a font server.
    st.set_page_config(page_title=NAME, page_icon=LOGO, layout="wide")
    st.logo(LOGO, size="large")
    known = pages()
    asked = _asked()
    page = st.navigation(known)
    if asked and asked not in {one.url_path for one in known}:
        st.set_page_config(page_title=f"Not found · {NAME}")
        _not_found(asked, known)
        return None
    st.set_page_config(page_title=f"{page.title} · {NAME}")
    with st.container(key="tamrl_history"):
        st.html(_history(), unsafe_allow_javascript=True)
    return page


def _asked() -> str:
    """Return the page that a fresh address names, empty for the first; a later run names none."""
    context = get_script_run_ctx()
    return (context.pages_manager.intended_page_name or "") if context else ""


def _not_found(asked: str, known: list["st.Page"]) -> None:
    st.title("There is no such page", anchor=False)
    st.caption(f"The address names the page {components.quoted(asked)}. These are the pages of the app:")
    for page in known:
        st.page_link(page)


def run(page: "st.Page") -> None:
    """Run a page through the router."""
    st.session_state[_ROUTED] = True
    page.run()


def require() -> None:
    """Start this run again through ``app.py`` where the page was run on its own."""
    if not st.session_state.pop(_ROUTED, False):
        navigation()
        st.rerun()
