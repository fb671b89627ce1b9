"""The list of pages, and the guarantee that a page is always drawn through the router.

Streamlit takes a folder named ``pages`` for pages that run on their own until ``st.navigation`` is called for the
first time in a process. A deep link to a page that comes before that would skip ``app.py``.
"""

from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tamrl.app.shared import components
from tamrl.bundled import bundled_folder

LOGO = str(bundled_folder("logo.svg"))
NAME = "TAM-RL Explorer"
#: Name of the first page, whose address is that of the app: streamlit keeps the name for it all the same.
FIRST = "start"
#: The page that the address of the app itself once named.
WORLD = "pages/world.py"
_NO_PAGE = "There is no such page"
_ROUTED, _LOST, _LED = "tamrl_routed", "tamrl_lost_page", "tamrl_led_to_world"


@lru_cache(maxsize=1)
def _scripts() -> str:
    folder = Path(__file__).parent
    texts = ((folder / f"{name}.js").read_text(encoding="utf-8") for name in ("history", "navigation"))
    return "".join(f"<script>{text}</script>" for text in texts)


def sections() -> dict[str, list["st.Page"]]:
    """Return the pages of the app by the heading that they stand under in the navigation, the first page first."""
    return {
        "": [st.Page(f"pages/{FIRST}.py", title="Start", icon=":material/home:", default=True)],
        "Explore": [
            st.Page(WORLD, title="World", icon=":material/public:"),
            st.Page("pages/towers.py", title="Towers", icon=":material/cell_tower:"),
            st.Page("pages/lab.py", title="Few-shot lab", icon=":material/science:"),
            st.Page("pages/task_space.py", title="Task space", icon=":material/bubble_chart:"),
            st.Page("pages/scorecard.py", title="Scorecard", icon=":material/leaderboard:"),
        ],
        "Your data": [st.Page("pages/workspace.py", title="Workspace", icon=":material/drive_folder_upload:")],
        "Learn and teach": [
            st.Page("pages/lessons.py", title="Lessons", icon=":material/school:"),
            st.Page("pages/glossary.py", title="Glossary", icon=":material/menu_book:"),
            st.Page("pages/present.py", title="Present", icon=":material/slideshow:"),
            st.Page("pages/teacher.py", title="Teacher", icon=":material/groups:"),
        ],
    }


def pages() -> list["st.Page"]:
    """Return the pages of the app, the first one first."""
    return [page for section in sections().values() for page in section]


def navigation(asked: bool = False) -> "st.Page":
    """Set up the window, draw the navigation and return the page that the address names.

    Args:
        asked: whether the address asks for something that the first page has no use for. World was the first page
            once, and its addresses still lead to it.
    """
    # The icon is set before the navigation: else the page's own becomes that of the window, from a font server.
    st.set_page_config(page_title=NAME, page_icon=LOGO, layout="wide")
    st.logo(LOGO, size="large")
    shown = sections()
    shown[""] += _lost([page for section in shown.values() for page in section])
    page = st.navigation(shown, expanded=True)
    wanted = st.query_params.to_dict()
    if asked and page.url_path == "" and st.session_state.get(_LED) != wanted:
        st.session_state[_LED] = wanted  # once: who goes back from there wants to be here
        # With what it asks for: else a bare address of the page would stand before it in the history.
        st.switch_page(WORLD, query_params=wanted)
    st.set_page_config(page_title=f"{page.title} \N{MIDDLE DOT} {NAME}")
    with st.container(key="tamrl_history"):
        st.html(_scripts(), unsafe_allow_javascript=True)
    return page


def _lost(known: list["st.Page"]) -> list["st.Page"]:
    """Return the page that says that there is none of the name that the address of this session began with."""
    context = get_script_run_ctx()
    asked = context.pages_manager.intended_page_name if context else ""
    if asked and asked not in {page.url_path or FIRST for page in known}:
        st.session_state[_LOST] = asked
    lost = st.session_state.get(_LOST)
    if not lost:
        return []
    try:
        return [st.Page(lambda: _not_found(lost, known), title=_NO_PAGE, url_path=lost, visibility="hidden")]
    except StreamlitAPIException:  # no name that a page can have: streamlit says so itself
        return []


def _not_found(asked: str, known: list["st.Page"]) -> None:
    st.title(_NO_PAGE, anchor=False)
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
