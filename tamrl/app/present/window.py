"""How much larger the window is than the 1280 x 720 that the stage is laid out for, and whether it is a narrow one."""

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


def room() -> int:
    """Return the height that is left where all on the stage is as large as the window is wide [px]."""
    return 0 if narrow() else int((st.session_state.get(_KEY) or {}).get("room") or 0)


def narrow() -> bool:
    """Return whether words and picture stand below each other, as on a telephone; no until the browser has told."""
    return bool((st.session_state.get(_KEY) or {}).get("narrow"))


def watch() -> None:
    """Let the browser tell when the window has another size; the page is then drawn anew."""
    with st.container(key="tamrl_watch"):
        known = st.session_state.get(_KEY) or {}
        data = {"scale": scale(), "room": known.get("room") or 0, "narrow": narrow()}
        told = {f"on_{name}_change": lambda: None for name in data}
        _component()(key=_KEY, data=data, height="content", **told)
