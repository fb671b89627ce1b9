"""Which theme the reader uses, and the rules of CSS of every page: colours of the theme, sizes of the window."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from tamrl.app.shared import sizes
from tamrl.figures.style import GROUND, INK, MUTED, Theme

#: Text in the colour of the project on a tint of it, with the 4.5 to 1 of WCAG 2 AA, which streamlit's own has not.
_ON_TINT = {"light": "#22663e", "dark": "#8fd0a5"}


def current() -> Theme:
    """Return the theme that the browser shows; light where it is not known yet."""
    return "dark" if st.context.theme.type == "dark" else "light"


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@lru_cache(maxsize=2)
def _css(shade: Theme) -> str:
    colours = {"muted": MUTED, "on-tint": _ON_TINT, "ink": INK, "ground": GROUND}
    said = "".join(f"--tamrl-{name}: {colour[shade]};" for name, colour in colours.items())
    return f"<style>{_read('page.css')}</style><style>:root {{ {said} }}</style>"


@lru_cache(maxsize=1)
def _hover() -> str:
    return f"<script>{_read('hover.js')}</script>"


@lru_cache(maxsize=1)
def _watch() -> Callable[..., Any]:
    return st.components.v2.component("tamrl_theme", js=_read("theme.js"))


def apply() -> None:
    """Add the project's rules to the page."""
    st.html(_css(current()))
    with st.container(key="tamrl_hover"):
        st.html(_hover(), unsafe_allow_javascript=True)
        told = dict.fromkeys(("on_theme_change", "on_scale_change"), lambda: None)
        _watch()(key=sizes.KEY, data={"scale": sizes.scale()}, height="content", **told)
