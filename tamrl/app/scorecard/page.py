"""Scorecard: how well the models do at towers that they have never seen."""

import streamlit as st

from tamrl.app import router
from tamrl.app.scorecard import cache, frame, limits, sections
from tamrl.app.shared import components


def _body() -> None:
    """Draw the page; its header also where there are no scores."""
    folder, header, results = frame.folder_choice(), st.container(), None
    with components.guarded():
        results = cache.results(folder)
    with header:
        components.page_header(frame.TITLE, frame.LEAD, results is not None and results.simulated)
    if results is None:
        st.caption("Another results folder can be opened in the sidebar.")
        return
    view = frame.controls(results)
    if view is not None:
        sections.show(view)
    limits.show(results)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        _body()
