"""The sidebar: which workspace and which model, on which device."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from tamrl.app.shared import cache, components, jobs, own, state, visitor
from tamrl.app.shared.components import Origin
from tamrl.bundled import bundled_models, bundled_workspaces, model_step
from tamrl.errors import TamrlError
from tamrl.towers.workspace import Workspace, bundled, find_workspaces

#: One workspace or a folder of workspaces, or several of either.
ENVIRONMENT = "TAMRL_WORKSPACE"
_CHOICE = "tamrl_choice"
_BOX = "Folder with workspaces"
#: Levels of a workspace that are looked through for links out of the roots: its folders, and what is in them.
_LEVELS = 2


@dataclass(frozen=True)
class Choice:
    """What the pages work on: a workspace and one of its models (None where it has none)."""

    workspace: Workspace
    model: Path | None


def choice() -> Choice:
    """Return what the sidebar chose in this run.

    Raises:
        TamrlError: no workspace could be opened; the message says why.
    """
    chosen = st.session_state.get(_CHOICE)
    if isinstance(chosen, Choice):
        return chosen
    raise chosen or TamrlError("No workspace is open", "sidebar", "Choose a workspace in the sidebar")


def origin(workspace: Workspace, site: str = "") -> Origin:
    """Return where the data of the workspace, or of one of its towers, come from, for source lines and downloads."""
    text = cache.tower_source(workspace, site) if site else cache.source(workspace)
    return Origin(text, workspace.simulated)


def listed(folder: str) -> tuple[dict[str, Path], list[TamrlError]]:
    """Return the available workspaces by the name that the URL uses, and what could not be found.

    Args:
        folder: a folder that the user typed, may be empty.
    """
    problems: list[TamrlError] = []
    found: list[Path] = []
    sources = [(ENVIRONMENT, part) for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    for where, part in sources:
        found += _inside(Path(part).expanduser(), f"{where}: {part}", problems)
    if folder:
        try:
            found += _named(folder, problems)
        except TamrlError as error:
            problems.append(error)
    options: dict[str, Path] = {}
    for name in bundled_workspaces():
        try:
            options[name] = bundled(name).path
        except TamrlError as error:
            problems.append(error)
    for path in dict.fromkeys([*found, *own.workspaces()]):
        name, number = path.name, 2
        while name in options and options[name] != path:
            name, number = f"{path.name}-{number}", number + 1
        options[name] = path
    return options, problems


def _inside(folder: Path, where: str, problems: list[TamrlError]) -> list[Path]:
    """Return the workspaces in a folder; none is a problem."""
    inside = find_workspaces(folder)
    if not inside:
        todo = "Make one with `python -m tamrl ingest SRC --workspace W`, or name another folder"
        problems.append(TamrlError("No workspace found in this folder", where, todo))
    return inside


def name_of(workspace: Workspace) -> str | None:
    """Return the name that the address has for a workspace, None where it is not available."""
    options, _ = listed(state.get("folder", ""))
    return next((name for name, path in options.items() if path == workspace.path), None)


def _named(folder: str, problems: list[TamrlError]) -> list[Path]:
    """Return the workspaces in a folder that the user named: of a visitor those that lie in the roots as a whole.

    Raises:
        TamrlError: there is no such folder, or it may not be opened.
    """
    access = visitor.access()
    path = access.resolve(folder, _BOX)
    shown = visitor.public(f"{_BOX}: {path}")
    return [one for one in _inside(path, shown, problems) if access.holds_all(one, _LEVELS)]


def show() -> None:
    """Draw the sidebar and remember the choice for the page."""
    with st.sidebar:
        folder = state.get("folder", "")
        options, problems = listed(folder)
        visitor.know(options.values())
        try:
            st.session_state[_CHOICE] = _choose(options)
        except TamrlError as error:
            st.session_state[_CHOICE] = error
        if visitor.access().paths:
            with st.expander("Open other workspaces", icon=":material/folder_open:"):
                st.text_input(
                    _BOX,
                    **state.bind("folder", ""),
                    placeholder="/data/workspaces",
                    help="A folder on the computer that runs this app. Only its workspaces are listed.",
                )
        _running()
        for problem in problems:
            components.show_error(problem)
        if folder and any(problem.where.startswith(_BOX) for problem in problems):
            state.refuse("folder")  # said once, not on every page


def _running() -> None:
    """Say on the other pages that an adaptation goes on, or has ended, and offer the page that shows it."""
    job = jobs.current()
    if job is None or job.collected or st.session_state.get(_PAGE) == "lab":
        return
    said = {"running": job.line() or "running", "done": "ready", "failed": "failed"}.get(job.status)
    if said:
        st.page_link("pages/lab.py", label=f"{job.title}: {said}", icon=":material/science:")


def _choose(options: dict[str, Path]) -> Choice:
    """Draw the two select boxes."""
    wanted = state.get("ws")
    if wanted not in options:
        if wanted is not None:
            st.warning(
                f"The workspace {components.quoted(wanted)} of this address is not listed here.",
                icon=":material/link_off:",
            )
            state.put("ws", None)
        # What the environment names is what the user came for; else the towers that come with the project.
        named = [name for name in options if name not in bundled_workspaces()] if os.environ.get(ENVIRONMENT) else []
        wanted = next(iter(named or options), None)
    if wanted is None:
        raise TamrlError("There is no workspace", "", "Make one with `python -m tamrl ingest SRC --workspace W`")
    st.selectbox("Workspace", list(options), format_func=lambda name: _label(options[name]), **state.bind("ws", wanted))
    workspace = Workspace.open(options[state.get("ws", wanted)])
    if workspace.simulated and st.session_state.get(_PAGE) in _OF_TOWERS:
        components.simulated_badge()
    models = {path.name: path for path in workspace.models()}
    if not workspace.simulated:
        # What was learnt from observed towers says nothing about made-up ones.
        models |= {name: path for name, path in bundled_models().items() if name not in models}
    # A monthly model cannot read daily towers, nor a daily one monthly towers.
    step = workspace.step()
    models = {name: path for name, path in models.items() if model_step(path) == step}
    if state.get("model") not in models:
        state.put("model", None)
    first = next(iter(models), None)
    if len(models) > 1:
        st.selectbox("Model", list(models), **state.bind("model", first))
    return Choice(workspace, models.get(state.get("model", first)))


def _label(path: Path) -> str:
    """Return the name of a workspace; a damaged one is offered by its folder, and choosing it says what is wrong."""
    try:
        workspace = Workspace.open(path)
    except TamrlError:
        return f"{path.name} (damaged)"
    said = not workspace.simulated or "simulated" in workspace.name.lower()
    return workspace.name if said else f"{workspace.name} (simulated)"


def show_device() -> None:
    """Show what the model runs on, once a page has loaded torch; to be called after the page."""
    if "torch" in sys.modules:
        from tamrl.system import device

        st.sidebar.caption(f"Device: {device.describe(device.choose())}")


#: Pages that show the towers of the workspace. Elsewhere the mark of simulated ones would be read as that of the maps
#: or scores beside it.
_PAGE, _OF_TOWERS = "tamrl_page", ("towers", "lab", "task_space")


def begin(page: str) -> None:
    """Tell which page is drawn, by its address; to be called before ``show``."""
    st.session_state[_PAGE] = page
