"""Workspace, below what was read: accept or discard it, and adapt to it."""

import streamlit as st

from tamrl import wording
from tamrl.app.lab import inputs
from tamrl.app.shared import cache, components, sidebar, state, visitor, widgets
from tamrl.app.workspace import drop
from tamrl.bundled import bundled_models, model_step
from tamrl.errors import TamrlError
from tamrl.towers.adopt import adopt
from tamrl.towers.report import ReadReport
from tamrl.towers.shelf import LONGEST_NAME, Draft, Shelf
from tamrl.towers.workspace import Workspace

#: The bundled model that a tower of one's own is adapted with.
MODEL = "cross-fitted"
_NEW, _FIRST = "A new workspace", "My towers"


def section(draft: Draft, report: ReadReport, shelf: Shelf, site: str) -> None:
    """Draw what is kept and where, and the buttons.

    Args:
        draft: what was read.
        report: of the reading.
        shelf: this visitor's workspaces.
        site: tower that is shown.
    """
    sites = report.sites
    if len(sites) > 1:
        sites = st.multiselect(
            "Towers to keep", sites, default=sites, key=f"workspace_keep_{draft.path.name}", filter_mode="contains"
        )
    target, name = _target(shelf)
    if target is not None:
        _say_replaced(target, sites)
    with st.container(horizontal=True, gap="small"):
        go = widgets.button(
            "Accept and adapt to my tower" if len(sites) < 2 else f"Accept and adapt to {components.plain(site)}",
            type="primary",
            icon=":material/science:",
            key="workspace_adapt_now",
            disabled=site not in sites,
        )
        keep = widgets.button("Accept", icon=":material/check:", key="workspace_accept", disabled=not sites)
        st.button("Discard", icon=":material/delete:", key="workspace_discard", on_click=drop.forget, args=(draft,))
    if not (go or keep):
        return
    with components.guarded():
        into = target or shelf.create(name)
        adopt(draft.workspace, into, sites)
        drop.forget(draft)
        st.session_state[drop.ACCEPTED] = (into.path, tuple(sites))
        _switch(into, site if site in sites else sites[0])
        if go:
            _to_the_lab(into)
        st.rerun()


def _target(shelf: Shelf) -> tuple[Workspace | None, str]:
    """Draw the choice of the workspace that takes the towers in; return it, or None and the name of a new one."""
    options: dict[str, Workspace | None] = {}
    opened = st.session_state.get("tamrl_choice")
    if isinstance(opened, sidebar.Choice) and _may_write(opened.workspace, shelf):
        options[f"{opened.workspace.name} (open)"] = opened.workspace
    for path in shelf.workspaces():
        try:
            workspace = Workspace.open(path)
        except TamrlError:
            continue  # the list of workspaces below says what is wrong with it
        if not workspace.simulated and workspace.path not in {w.path for w in options.values() if w}:
            options[workspace.name] = workspace
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    chosen = left.selectbox("Into the workspace", [*options, _NEW], key="workspace_target")
    if options.get(chosen) is not None:
        return options[chosen], ""
    taken = {path.name for path in shelf.workspaces()}
    first = next(
        n for n in (_FIRST, *(f"{_FIRST} {i}" for i in range(2, 99))) if n.lower().replace(" ", "-") not in taken
    )
    return None, right.text_input("Name", first, max_chars=LONGEST_NAME, key=f"workspace_new_name_{first}")


def _may_write(workspace: Workspace, shelf: Shelf) -> bool:
    """Return whether towers of this visitor may go into a workspace: what others see is the owner's alone."""
    own_one = shelf.holds(workspace.path)
    return not workspace.read_only and not workspace.simulated and (own_one or visitor.access().owner)


def _say_replaced(target: Workspace, sites: list[str]) -> None:
    if not target.archive_version():
        return
    there = sorted(set(sites) & set(cache.towers(target).index))
    if there:
        st.warning(
            f"{components.plain(', '.join(there))}: {'is' if len(there) == 1 else 'are'} in "
            f"{components.quoted(target.name)} already and will be replaced.",
            icon=":material/swap_horiz:",
        )


def _switch(workspace: Workspace, site: str | None = None) -> None:
    """Open a workspace in the sidebar."""
    state.put("ws", sidebar.name_of(workspace))
    state.put("model", None)
    state.put("site", site)
    state.put("start", None)


def _to_the_lab(workspace: Workspace) -> None:
    """Adapt to the chosen tower of a workspace with the bundled model, in the lab."""
    model = bundled_models().get(MODEL)
    if model is None or model_step(model) != workspace.step():
        what = f"The bundled model {MODEL} does not fit this workspace, whose towers are not daily"
        raise TamrlError(what, workspace.name, "Open the Few-shot lab and choose a model there")
    state.put("model", MODEL)
    inputs.press()
    st.switch_page("pages/lab.py")


def accepted() -> None:
    """Say which towers were accepted, and offer to adapt to one of them."""
    path, sites = st.session_state.get(drop.ACCEPTED, (None, ()))
    if path is None:
        return
    try:
        workspace = Workspace.open(path)
    except TamrlError:  # deleted since
        st.session_state.pop(drop.ACCEPTED, None)
        return
    with st.container(border=True, key="workspace_accepted"):
        count = f"{components.plain(sites[0])} is" if len(sites) == 1 else f"{len(sites)} towers are"
        st.success(
            f"{count} in the workspace {components.quoted(workspace.name)}, which is open now.", icon=":material/check:"
        )
        site = sites[0]
        if len(sites) > 1:
            site = st.selectbox("Tower", sites, key="workspace_adapt_site")
        days = cache.towers(workspace).loc[site, "valid_days"]
        if not days:
            named = components.plain(site)
            st.caption(
                f"{named} has no valid day (NEE_QC of at least 0.7 and some flux), so there is nothing to adapt to."
            )
        with st.container(horizontal=True, gap="small"):
            go = widgets.button(
                "Adapt to my tower",
                type="primary",
                icon=":material/science:",
                key="workspace_adapt",
                disabled=not days,
                help=f"With the bundled model and {wording.counted(30, workspace.step())} of its record, in the lab",
            )
            look = widgets.button("Look at its record", icon=":material/cell_tower:", key="workspace_towers")
    if go or look:
        with components.guarded():
            _switch(workspace, site)
            if look:
                st.switch_page("pages/towers.py")
            _to_the_lab(workspace)
