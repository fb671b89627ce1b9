"""The button that opens the import of a product."""

from typing import TYPE_CHECKING

import streamlit as st

from tamrl.app.shared.late import Late
from tamrl.app.world import imported
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.app.world import import_form
else:  # the readers of every product stand behind it
    import_form = Late("tamrl.app.world.import_form")


def button(workspace: Workspace | None) -> None:
    """Draw the button that opens the dialog."""
    if st.button("Import", icon=":material/upload_file:", key="world_import", help="Add a product or maps of your own"):
        imported.empty_uploader()
        st.dialog("Import a product", width="large", icon=":material/upload_file:")(import_form.form)(workspace)
