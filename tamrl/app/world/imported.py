"""What a visitor sent last to be imported, and what was noted about it."""

import shutil
from pathlib import Path

import streamlit as st

from tamrl.app.shared import state, visitor
from tamrl.app.world.view import WorldView

_SAID = "tamrl_world_import_notes"
#: Number of uploaders so far: a new one is empty.
_UPLOADER = "tamrl_world_import_uploader"


def empty_uploader() -> None:
    """Forget the files that were sent: the next uploader is a new one."""
    st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1


def uploader_key() -> str:
    """Return the key of the uploader that is shown now."""
    return f"world_import_files_{st.session_state.get(_UPLOADER, 0)}"


def say(path: Path, words: str) -> None:
    """Keep what was noted while maps were imported, for ``remarks``.

    Args:
        path: of the maps.
        words: Markdown.
    """
    st.session_state[_SAID] = (path, words)


def remarks(view: WorldView | None) -> None:
    """Show what was noted while the chosen maps were imported, until it is put away or other maps are chosen."""
    path, said = st.session_state.get(_SAID, (None, ""))
    if view is None or view.entry.path != path:
        st.session_state.pop(_SAID, None)
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", wrap=False, key="world_import_notes"):
        st.info(said, icon=":material/upload_file:", width="stretch")
        if visitor.visits().owns(visitor.name(), path):
            st.button("Remove", on_click=_remove, args=(path,), type="tertiary", key="world_import_remove")
        st.button("Close", on_click=st.session_state.pop, args=(_SAID, None), type="tertiary", key="world_import_read")


def _remove(path: Path) -> None:
    """Remove an import of this visitor."""
    if visitor.visits().owns(visitor.name(), path):
        shutil.rmtree(path, ignore_errors=True)
    st.session_state.pop(_SAID, None)
    state.put("map", None)
