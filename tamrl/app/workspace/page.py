"""Workspace: drop tower files, look at what was read, accept it, adapt to it; and the workspaces that hold it."""

import streamlit as st

from tamrl.app import router
from tamrl.app.shared import components, own
from tamrl.app.workspace import accept, drop, look, manage


def _body() -> None:
    """Draw the page."""
    shelf = own.shelf()
    with components.guarded():  # what is refused hides nothing that is there, as what could be deleted to make room
        drop.section(shelf)
    if not drop.running():
        accept.accepted()
        draft = drop.current(shelf)
        if draft is not None:
            with st.container(border=True, key="workspace_draft"), components.guarded():
                look.show(draft, shelf)
    with components.guarded():
        manage.section(shelf)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(
            "Workspace", "Drop the files of your own towers, look at what was read, and adapt to them.", simulated=False
        )
        _body()
