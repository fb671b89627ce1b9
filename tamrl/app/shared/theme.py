"""Which theme the reader uses, and the few rules of CSS that streamlit's own settings do not cover."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from tamrl.figures.style import MUTED, Theme

#: Text in the colour of the project on a tint of it, with the 4.5 to 1 of WCAG 2 AA, which streamlit's own has not.
_ON_TINT = {"light": "#22663e", "dark": "#8fd0a5"}
_CSS = """
<style>
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] :is(p, li) {
  color: var(--tamrl-muted); opacity: 1; }
[data-testid="stButtonGroup"] button:is([aria-checked="true"], [aria-pressed="true"]) *,
[data-testid="stSliderThumbValue"] {
  color: var(--tamrl-on-tint) !important; }
:is([data-testid="stSlider"], [data-testid="stNumberInput"]) [data-testid="stWidgetLabel"] {
  color: inherit; }  /* a label stays legible where its widget is disabled */
[data-testid="stHeading"] h2 { font-size: 1.75rem; padding-top: 0; }
[data-testid="stMainBlockContainer"] { padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-size: 1.65rem; }
[data-testid="stMetricDelta"] { font-size: .76rem; white-space: nowrap; }
[data-testid="stSidebarHeader"] > :first-child { display: flex; align-items: center; gap: .6rem; color: inherit; }
[data-testid="stSidebarHeader"] > :first-child::after { content: "TAM-RL Explorer"; font-weight: 600; }
/* The buttons of a chart stand above it, or they would lie on its legend. */
[data-testid="stElementContainer"]:has(> [data-testid="stFullScreenFrame"] > [data-testid="stPlotlyChart"]) {
  overflow: visible; margin-top: .5rem; }
[data-testid="stPlotlyChart"] .js-plotly-plot { overflow: visible !important; }
[data-testid="stPlotlyChart"] .modebar-container { top: -1.4rem !important; }
.tamrl-legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8rem; line-height: 1.5; }
.tamrl-legend span { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; }
.tamrl-legend b { font-size: 1.05rem; line-height: 1; }
.st-key-score_targets table { display: block; overflow-x: auto; }
.st-key-score_targets td { min-width: 8rem; }
.st-key-lab_answer { scroll-margin-top: 11rem; }  /* method and button stay in view */
:is(.st-key-tamrl_history, .st-key-tamrl_hover) { display: none; }
@media (max-width: 640px) {
  [data-testid="stPlotlyChart"] .modebar-container { display: none; }
  [data-testid="stMainBlockContainer"] { padding: 4.2rem .9rem 3rem; }
}
</style>
"""


def current() -> Theme:
    """Return the theme that the browser shows; light where it is not known yet."""
    return "dark" if st.context.theme.type == "dark" else "light"


@lru_cache(maxsize=1)
def _hover() -> str:
    return f"<script>{(Path(__file__).parent / 'hover.js').read_text(encoding='utf-8')}</script>"


@lru_cache(maxsize=1)
def _watch() -> Callable[..., Any]:
    js = (Path(__file__).parent / "theme.js").read_text(encoding="utf-8")
    return st.components.v2.component("tamrl_theme", js=js)


def apply() -> None:
    """Add the project's rules to the page."""
    shade = current()
    colours = f"--tamrl-muted: {MUTED[shade]}; --tamrl-on-tint: {_ON_TINT[shade]};"
    st.html(f"{_CSS}<style>:root {{ {colours} }}</style>")
    with st.container(key="tamrl_hover"):
        st.html(_hover(), unsafe_allow_javascript=True)
        _watch()(key="tamrl_theme", on_theme_change=lambda: None, height="content")
