"""World: fluxes of every place on land, by models and products, as a map that plays through the year."""

import streamlit as st

from tamrl.errors import TamrlError
from tamrl.ui import components, router, sidebar, world, world_import, world_stage, world_tabs


def body() -> None:
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


router.require()
with components.guarded():
    body()
