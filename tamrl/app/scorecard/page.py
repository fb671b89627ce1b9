"""Scorecard: how well the models do at towers that they have never seen."""

import streamlit as st

from tamrl.app import router
from tamrl.app.scorecard import cache as scorecard_cache
from tamrl.app.scorecard import frame as scorecard
from tamrl.app.scorecard import limits as scorecard_limits
from tamrl.app.shared import components


def _body() -> None:
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


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        _body()
