"""What a student has answered and moved: kept while other steps and pages are shown, and found again by a reload."""

from typing import Any

import streamlit as st

from tamrl.app.shared import visitor
from tamrl.teaching.marks import Mark
from tamrl.teaching.notebook import Notebook, Notebooks

_NOTEBOOK = "tamrl_lesson_notebook"


@st.cache_resource(show_spinner=False)
def notebooks() -> Notebooks:
    """Return the notebooks of this server's students."""
    return Notebooks()


def moved(name: str, default: Any) -> Any:
    """Return what the student has set ``name`` to."""
    return _own().moved.get(name, default)


def move(name: str, value: Any) -> None:
    """Set ``name``."""
    _own().moved[name] = value
    _keep()


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
    _own().marks[lesson, question] = made
    _keep()


def anything() -> bool:
    """Return whether the student has answered or moved anything."""
    return bool(_own().moved or _own().marks)


def forget() -> None:
    """Forget all of it, so that somebody else can begin."""
    st.session_state[_NOTEBOOK] = Notebook()
    _keep()


def _take(name: str, key: str) -> None:
    move(name, st.session_state[key])


def _own() -> Notebook:
    """Return this session's notebook: at first as the browser's last session has left it."""
    if _NOTEBOOK not in st.session_state:
        st.session_state[_NOTEBOOK] = notebooks().of(visitor.name())
    return st.session_state[_NOTEBOOK]


def _keep() -> None:
    notebooks().keep(visitor.name(), _own())
