"""Few-shot lab: adapt the model to a tower it has not seen, from a few of its days or months."""

from typing import TYPE_CHECKING

import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.app import router
from tamrl.app.lab import inputs, network, results, stories, zero_shot
from tamrl.app.lab import support as lab_support
from tamrl.app.lab.view import LabRequest, LabView
from tamrl.app.shared import cache, components, jobs, scrolling, sidebar, widgets
from tamrl.bundled import bundled_workspaces
from tamrl.errors import TamrlError
from tamrl.timestep import TimeStep, step_of

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble

#: Key of the part of the page that comes into view when Adapt was pressed, and when its result is there.
ANSWER = "lab_answer"
SCOPES = {"tower": "One tower", "network": "All held-out towers"}


def _body() -> None:
    """Draw the page."""
    choice = sidebar.choice()
    workspace = choice.workspace
    table = cache.towers(workspace)
    if choice.model is None:
        todo = (
            f"Train one with `python -m tamrl train --workspace {workspace.path} --out {workspace.path}/models/first`"
        )
        raise TamrlError("This workspace has no model yet", str(workspace.path), todo)
    model = cache.model(choice.model)
    if workspace.step() == TimeStep.DAILY:
        scope = widgets.pick("What to adapt to", "scope", list(SCOPES), "tower", SCOPES.get, hidden=True)
        if scope == "network":
            version = (str(choice.model), cache.model_version(choice.model))
            network.section(workspace, model, version, table, sidebar.origin(workspace))
            return
    if workspace.path == bundled_workspaces()["fluxnet2015"]:
        stories.section()
    site = inputs.tower_choice(table, model, workspace.example)
    ensemble = model.for_site(site)
    if like := cache.likeness(choice.workspace, site, ensemble):
        st.warning(f"{like}, which is a training tower: this one is less new to the model.", icon=":material/warning:")
    inputs.model_section(model, ensemble, site)
    tower, origin = cache.tower(workspace, site), sidebar.origin(workspace, site)
    gaps = inputs.cautions_section(ensemble, tower)
    first = stories.first_day(site) if workspace.path == bundled_workspaces()["fluxnet2015"] else None
    support = lab_support.section(site, tower, origin, first)
    settings, pressed = inputs.settings_section()
    request = LabRequest(
        workspace=(str(workspace.path), workspace.archive_version()),
        model=(str(choice.model), cache.model_version(choice.model)),
        site=site,
        start=f"{support[0]:%Y-%m-%d}",
        days=len(support),
        settings=settings,
        gaps=gaps,
    )
    jobs.collect()
    if fresh := inputs.asked_for(request, pressed):
        # Each method on the device that is faster at it.
        inputs.start(request, cache.model(choice.model, settings.method).for_site(site), tower, support)
    with st.container(key=ANSWER):
        _answer(request, ensemble, tower, origin, fresh)
    scrolling.to(ANSWER, jobs.turn())


def _answer(
    request: LabRequest, ensemble: "Ensemble", tower: xr.Dataset, origin: components.Origin, fresh: bool
) -> None:
    """Draw the running adaptation, or its result; ``fresh`` where this run has begun it."""
    jobs.collect()
    if inputs.running_section(request):
        return
    found = inputs.result_for(request)
    if found is None:
        st.caption(
            f"Press Adapt to see the model before and after it has seen these {wording.unit(step_of(tower), 0)}."
        )
        zero_shot.section(request, ensemble, tower)
        return
    shown, result = found
    view = LabView(shown, result, origin)
    results.show(view, current=shown == request, fresh=fresh)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(
            "Few-shot lab",
            f"Show the model a few {wording.unit(sidebar.choice().workspace.step(), 0)} of a tower it has never seen, "
            "and look at what changes.",
            sidebar.choice().workspace.simulated,
        )
        _body()
