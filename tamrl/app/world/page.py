"""World: fluxes of every place on land, by models and products, as a map that plays through the year."""

import streamlit as st

from tamrl.app import router
from tamrl.app.shared import components, sidebar
from tamrl.app.world import frame as world
from tamrl.app.world import import_dialog as world_import
from tamrl.app.world import map as world_stage
from tamrl.app.world import tabs as world_tabs
from tamrl.errors import TamrlError


def _body() -> None:
    """Draw the page; its header also where the maps cannot be shown."""
    header = st.container()
    try:
        workspace = sidebar.choice().workspace
    except TamrlError:  # the sidebar says why; the maps that come with the project need no workspace
        workspace = None
    entries, view = world.catalogue(workspace), None
    with components.guarded():
        view = world.asked(entries)
    with header:
        components.page_header(world.TITLE, world.LEAD, view is not None and view.origin.simulated)
    world.controls(entries, view, workspace)
    world_import.remarks(view)
    if view is not None:
        world_stage.show(view, entries, workspace)
        world_tabs.show(view)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        _body()
