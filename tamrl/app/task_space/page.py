"""Task space: which places the model takes for alike, and what moves them."""

from dataclasses import replace

import streamlit as st

from tamrl.app import router
from tamrl.app.shared import cache, components, sidebar, sizes, state
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import pick
from tamrl.app.task_space import cache as space_cache
from tamrl.app.task_space import parts, picture
from tamrl.app.task_space.view import SpaceView
from tamrl.errors import TamrlError

TITLE = "Task space"
LEAD = "Every place is a point: the encoder reads its drivers into a task embedding, and what lies close behaves alike."


def _body() -> None:
    """Draw the page."""
    choice = sidebar.choice()
    workspace = choice.workspace
    if choice.model is None:
        todo = (
            f"Train one with `python -m tamrl train --workspace {workspace.path} --out {workspace.path}/models/first`"
        )
        raise TamrlError("This workspace has no model yet", str(workspace.path), todo)
    asked = space_cache.Asked(
        (str(choice.model), cache.model_version(choice.model)), (str(workspace.path), workspace.archive_version())
    )
    ensemble = asked.ensemble()
    controls = st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="space_controls")
    blind = state.get("blind", False)
    space = space_cache.space(asked, blind)
    name = ensemble.path.name if ensemble.path else "unnamed"
    with controls:
        with st.container(width=sizes.px(250)):
            site = picture.tower_choice(space, workspace.example)
        plane = picture.PLANES[pick("Components", "plane", list(picture.PLANES), "1-2", str)]
    view = SpaceView(
        asked=asked,
        space=space,
        table=picture.table(space, plane),
        site=site,
        plane=plane,
        step=workspace.step(),
        origin=Origin(f"Task embeddings of {name}; {cache.source(workspace)}", workspace.simulated),
    )
    with controls:
        hue, title, values = picture.hue_choice(view)
        st.toggle(
            "Hide the classes",
            **state.bind("blind", False),
            help="The encoder is told land cover and climate class. Hidden from it, what still lies together does so "
            "by the drivers alone. Reading all towers anew takes about ten seconds, and waits for its turn.",
        )
    if len(view.table) < 3:
        st.info("A space needs at least three towers.", icon=":material/info:")
        return
    picture.section(view, hue, title, values)
    st.caption(picture.honesty(view, len(ensemble.members), blind, ensemble.config.model.drivers))
    if blind:
        # What follows from an embedding follows from that which the model uses.
        st.info("The parts below are of the embedding with classes.", icon=":material/info:")
        whole = space_cache.space(asked, False)
        view = replace(view, space=whole, table=picture.table(whole, plane))
    parts.section(view)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(TITLE, LEAD, sidebar.choice().workspace.simulated)
        _body()
