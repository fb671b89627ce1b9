"""Scorecard: how well the models do at towers that they have never seen."""

import streamlit as st

from tamrl.ui import components, router, scorecard, scorecard_cache, scorecard_limits


def body() -> None:
    """Draw the page; its header also where there are no scores."""
    folder, header, results = scorecard.folder_choice(), st.container(), None
    with components.guarded():
        results = scorecard_cache.results(folder)
    with header:
        components.page_header(scorecard.TITLE, scorecard.LEAD, results is not None and results.simulated)
    if results is None:
        st.caption("Another results folder can be opened in the sidebar.")
        return
    view = scorecard.controls(results)
    if view is not None:
        scorecard.sections(view)
    scorecard_limits.show(results)


router.require()
with components.guarded():
    body()
