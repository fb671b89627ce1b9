"""World: fluxes of every place on land, by models and products, as a map that plays through the year."""

import streamlit as st

from tamrl.app import router
from tamrl.app.shared import components, sidebar
from tamrl.app.world import frame, imported, session, tabs
from tamrl.app.world import map as world_stage
from tamrl.errors import TamrlError


def _body() -> None:
    """Draw the page; its header also where the maps cannot be shown."""
    header = st.container()
    try:
        workspace = sidebar.choice().workspace
    except TamrlError:  # the sidebar says why; the maps that come with the project need no workspace
        workspace = None
    entries, view = session.catalogue(workspace), None
    with components.guarded():
        view = frame.asked(entries)
    with header:
        components.page_header(frame.TITLE, frame.LEAD, view is not None and view.origin.simulated)
    frame.controls(entries, view, workspace)
    imported.remarks(view)
    if view is not None:
        world_stage.show(view, entries, workspace)
        tabs.show(view)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        _body()
