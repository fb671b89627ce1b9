"""The tabs of the Scorecard."""

import streamlit as st

from tamrl.app.scorecard import checks, intervals, models, overview, patterns, targets, towers
from tamrl.app.scorecard.view import ScorecardView
from tamrl.app.shared import components, state
from tamrl.app.shared.widgets import choice

#: Title of each tab, and the function that draws it.
TABS = {
    "Overview": overview.show,
    "Map and towers": towers.show,
    "Learning curves": models.curves,
    "Distribution": models.distribution,
    "Patterns": patterns.show,
    "Intervals": intervals.show,
    "Ablations": checks.ablations,
    "Published": checks.published,
    "Targets": targets.show,
}


def show(view: ScorecardView) -> None:
    """Draw the tabs; only the open one computes."""
    opened = choice("section", list(TABS), "Overview")
    for tab, draw in zip(st.tabs(list(TABS), **state.bind("section", opened)), TABS.values(), strict=True):
        if tab.open:
            with tab, components.guarded():
                draw(view)
