"""Which theme the reader uses, and the few rules of CSS that streamlit's own settings do not cover."""

import streamlit as st

from tamrl.figures.style import Theme

_CSS = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-size: 1.65rem; }
[data-testid="stMetricDelta"] { font-size: .76rem; white-space: nowrap; }
[data-testid="stSidebarHeader"] > :first-child { display: flex; align-items: center; gap: .6rem; color: inherit; }
[data-testid="stSidebarHeader"] > :first-child::after { content: "TAM-RL Explorer"; font-weight: 600; }
.tamrl-legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8rem; line-height: 1.5; }
.tamrl-legend span { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; }
.tamrl-legend b { font-size: 1.05rem; line-height: 1; }
.st-key-lab_answer { scroll-margin-top: 4rem; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 4.2rem .9rem 3rem; }
}
</style>
"""


def current() -> Theme:
    """Return the theme that the browser shows; light where it is not known yet."""
    return "dark" if st.context.theme.type == "dark" else "light"


def apply() -> None:
    """Add the project's rules to the page."""
    st.html(_CSS)
