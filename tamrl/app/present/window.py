"""How much larger the window is than the 1280 x 720 that the stage is laid out for."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

_KEY = "tamrl_window"


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    js = (Path(__file__).parent / "window.js").read_text(encoding="utf-8")
    return st.components.v2.component("tamrl_window", js=js)


def scale() -> float:
    """Return how many times larger the window is, at least 1; 1 until the browser has told."""
    told = st.session_state.get(_KEY) or {}
    return float(told.get("scale") or 1)


def watch() -> None:
    """Let the browser tell when the window has another size; the page is then drawn anew."""
    with st.container(key="tamrl_watch"):
        _component()(key=_KEY, data={"scale": scale()}, on_scale_change=lambda: None, height="content")
