"""What a student has answered and moved: kept while other steps and pages are shown, and found again by a reload."""

from typing import Any

import streamlit as st

from tamrl.app.shared import presence, visitor
from tamrl.teaching.marks import Mark
from tamrl.teaching.notebook import Notebook, Notebooks

_NOTEBOOK = "tamrl_lesson_notebook"
#: Seconds between two looks for notebooks that are too old.
_SWEEP_S = 60.0


@st.cache_resource(show_spinner=False)
def notebooks() -> Notebooks:
    """Return the notebooks of this server's students."""
    made = Notebooks()
    presence.people().also(made.sweep, _SWEEP_S)
    return made


def moved(name: str, default: Any) -> Any:
    """Return what the student has set ``name`` to."""
    return _own().moved.get(name, default)


def move(name: str, value: Any) -> None:
    """Set ``name``."""
    own, browser = _own(), visitor.browser()
    if browser:
        notebooks().move(browser, own, name, value)
    else:
        own.moved[name] = value


def bind(name: str, default: Any) -> dict[str, Any]:
    """Return the key and callback that tie a widget to ``name``; the widget takes no default itself."""
    key = f"lesson_{name}"
    st.session_state[key] = moved(name, default)
    return {"key": key, "on_change": _take, "args": (name, key)}


def mark(lesson: str, question: str) -> Mark | None:
    """Return how the answer to a question was marked, None before it."""
    return _own().marks.get((lesson, question))


def settle(lesson: str, question: str, made: Mark) -> None:
    """Keep the mark of an answer."""
    own, browser = _own(), visitor.browser()
    if browser:
        notebooks().settle(browser, own, (lesson, question), made)
    else:
        own.marks[lesson, question] = made


def anything() -> bool:
    """Return whether the student has answered or moved anything."""
    return bool(_own().moved or _own().marks)


def start_over() -> None:
    """Forget all of it in every window of this browser, so that somebody else can begin."""
    browser = visitor.browser()
    st.session_state[_NOTEBOOK] = notebooks().start_over(browser) if browser else Notebook()


def _take(name: str, key: str) -> None:
    move(name, st.session_state[key])


def _own() -> Notebook:
    """Return this session's notebook; without a cookie the session is all that is known of a browser."""
    own, browser = st.session_state.get(_NOTEBOOK), visitor.browser()
    st.session_state[_NOTEBOOK] = own = notebooks().of(browser, own) if browser else own or Notebook()
    return own
