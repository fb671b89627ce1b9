"""Workspace, at the bottom: the visitor's own workspaces, made, opened, exported, imported and deleted."""

import os
import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from tamrl.app.shared import cache, components, jobs, own, sidebar, sizes, state, waiting, widgets
from tamrl.errors import TamrlError
from tamrl.towers.shelf import LONGEST_NAME, Shelf
from tamrl.towers.workspace import Workspace
from tamrl.towers.workspace_zip import pack

#: A larger workspace is not packed for the browser, which would hold it in memory [bytes].
MOST_EXPORT = 2**30
_ROUND = "tamrl_workspace_round"


def section(shelf: Shelf) -> None:
    """Draw the list of workspaces and what can be done with them."""
    st.space("small")
    st.header("Your workspaces", anchor=False)
    paths = shelf.workspaces()
    if paths:
        _table(paths)
        _actions(shelf, paths)
    else:
        st.caption("None yet: accept what you have dropped, make an empty one, or import one that you exported.")
    st.caption(own.limits_in_words())
    with st.expander("New workspace, or import one", icon=":material/create_new_folder:", expanded=False):
        left, right = st.columns(2, gap="large")
        with left:
            _create(shelf)
        with right:
            _import(shelf)


def _name(path: Path) -> str:
    try:
        return Workspace.open(path).name
    except TamrlError:
        return f"{path.name} (damaged)"


def _table(paths: list[Path]) -> None:
    rows: list[tuple[str, int | None, str, str, float]] = []
    for path in paths:
        try:
            workspace = Workspace.open(path)
            sites = list(cache.towers(workspace).index) if workspace.archive_version() else []
            models = ", ".join(p.name for p in workspace.models())
        except TamrlError:
            rows.append((_name(path), None, "cannot be read", "", size(path) / 1e6))
            continue
        named = ", ".join(sites[:6]) + (f" and {len(sites) - 6} more" if len(sites) > 6 else "")
        rows.append((workspace.name, len(sites), named, models, size(path) / 1e6))
    sizes.table(
        pd.DataFrame(rows, columns=["name", "count", "towers", "models", "size"]),
        hide_index=True,
        key="workspace_table",
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "count": st.column_config.NumberColumn("Towers", width=70),
            "towers": st.column_config.TextColumn("Which", width="medium"),
            "models": st.column_config.TextColumn("Models", width="small"),
            "size": st.column_config.NumberColumn("Size [MB]", format="%.1f", width=80),
        },
    )


def size(folder: Path) -> int:
    """Return the bytes of the files of a folder."""
    return sum(os.lstat(os.path.join(here, name)).st_size for here, _, names in os.walk(folder) for name in names)


def _actions(shelf: Shelf, paths: list[Path]) -> None:
    """Draw the buttons that open, export and delete one of the workspaces."""
    chosen: Path = st.selectbox(
        "Workspace to open, export or delete", paths, format_func=_name, key=f"workspace_own_{_turn()}"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if widgets.button("Open", icon=":material/folder_open:", key="workspace_open"):
            with components.guarded():
                _open(Workspace.open(chosen))
                st.rerun()
        large = size(chosen) > MOST_EXPORT
        st.download_button(
            "Export as ZIP",
            lambda: packed(chosen),
            file_name=f"{chosen.name}.zip",
            mime="application/zip",
            key="workspace_export",
            on_click="ignore",
            icon=":material/download:",
            disabled=large,
            help="Larger than 1 GB, too much for a browser" if large else "Towers, models, citations and provenance",
        )
        if widgets.button("Delete", icon=":material/delete:", key="workspace_delete"):
            st.dialog("Delete a workspace", icon=":material/delete:")(_confirm)(shelf, chosen)


def packed(path: Path) -> bytes:
    """Return a workspace as zip."""
    with tempfile.TemporaryDirectory(prefix="tamrl-sent-") as scratch:
        return pack(Workspace.open(path), Path(scratch) / "workspace.zip").read_bytes()


def _confirm(shelf: Shelf, path: Path) -> None:
    """Ask before a workspace is deleted."""
    name = _name(path)
    st.markdown(f"Delete {components.quoted(name)} with all its towers and models? This cannot be undone.")
    with st.container(horizontal=True, gap="small"):
        go = st.button(
            "Delete it",
            type="primary",
            icon=":material/delete:",
            key="workspace_delete_sure",
            on_click=_delete,
            args=(shelf, path),
        )
        if go:
            st.toast(f"{components.plain(name)} is deleted.", icon=":material/delete:")
        if st.button("Keep it", key="workspace_delete_not") or go:
            st.rerun()


def _delete(shelf: Shelf, path: Path) -> None:
    """Delete a workspace; one that was deleted in another window meanwhile is gone as well."""
    _close(path)
    if shelf.holds(path):
        shelf.delete(path)
    _next_turn()


def _close(path: Path) -> None:
    """Have another workspace opened where the one that goes is open."""
    chosen = st.session_state.get("tamrl_choice")
    if isinstance(chosen, sidebar.Choice) and chosen.workspace.path == path:
        for name in ("ws", "model", "site"):
            state.put(name, None)


def _open(workspace: Workspace) -> None:
    state.put("ws", sidebar.name_of(workspace))
    state.put("model", None)
    state.put("site", None)


def _create(shelf: Shelf) -> None:
    """Draw what makes an empty workspace."""
    name = st.text_input("Name", max_chars=LONGEST_NAME, key=f"workspace_name_{_turn()}", placeholder="My towers")
    icon, empty = ":material/create_new_folder:", not name.strip()
    if widgets.button("Make it", icon=icon, key="workspace_create", disabled=empty):
        with components.guarded():
            made = shelf.create(name)
            _next_turn()
            st.toast(f"{components.plain(made.name)} was created.", icon=":material/check:")
            st.rerun()


def _import(shelf: Shelf) -> None:
    """Draw what imports an exported workspace."""
    sent = st.file_uploader("Exported workspace", type=["zip"], key=f"workspace_zip_{_turn()}")
    if sent is None:
        return
    name = st.text_input("Its name here", Path(sent.name).stem[:LONGEST_NAME], key=f"workspace_zip_name_{_turn()}")
    if not widgets.button("Import", icon=":material/upload_file:", key="workspace_import"):
        return
    with components.guarded(), tempfile.TemporaryDirectory(prefix="tamrl-sent-") as scratch:
        bounds = own.bounds(sent.size, sent.name)
        file = Path(scratch) / "workspace.zip"
        file.write_bytes(sent.getbuffer())
        made = waiting.done(
            f"Unpacking {sent.name}",
            lambda progress, cancelled: shelf.take_in(file, name, bounds, progress, cancelled),
            jobs.READ,
            "workspace_unpacking",
        )
        _open(made)
        _next_turn()
        st.toast(f"{components.plain(made.name)} is imported, and open.", icon=":material/check:")
        st.rerun()


def _turn() -> int:
    return st.session_state.get(_ROUND, 0)


def _next_turn() -> None:
    """Empty the boxes."""
    st.session_state[_ROUND] = _turn() + 1
