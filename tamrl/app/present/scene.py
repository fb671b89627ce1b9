"""What is on stage: one tower, its labels, and what the model makes of it before and after."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.lab import inputs, stories
from tamrl.app.lab import support as lab_support
from tamrl.app.lab.view import LabRequest
from tamrl.app.shared import cache, jobs, sidebar, state
from tamrl.app.shared.components import Origin
from tamrl.app.shared.sidebar import Choice
from tamrl.bundled import bundled_workspaces
from tamrl.errors import TamrlError
from tamrl.metrics import score
from tamrl.predict.gaps import driver_gaps, leave_out
from tamrl.predict.methods import AdaptSettings
from tamrl.schema import FLUXES
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.quality import valid_days

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.predict.adapt import Adaptation


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One tower on stage.

    Attributes:
        table: one row a tower of the workspace, of ``tower_table``.
        ensemble: the model for this tower.
        tower: Dataset(time), its record.
        support: its labelled days, or months.
        request: the adaptation, the same as the lab asks for with these choices.
        origin: where the data come from.
        like: which tower of the training this one is like, in words; empty where none.
    """

    table: pd.DataFrame
    ensemble: "Ensemble"
    tower: xr.Dataset
    support: pd.DatetimeIndex
    request: LabRequest
    origin: Origin
    like: str

    @property
    def site(self) -> str:
        """The tower."""
        return self.request.site

    @property
    def step(self) -> TimeStep:
        """The time step of the record."""
        return step_of(self.tower)

    @property
    def seen(self) -> bool:
        """Whether the model was trained, or its training stopped, on this tower."""
        return self.site in self.ensemble.seen_sites

    @cached_property
    def flux(self) -> str:
        """The flux to look at: the one chosen, else the first that was observed."""
        known = [flux for flux in FLUXES if np.isfinite(self.tower[flux].values).any()]
        return state.get("flux") if state.get("flux") in known else known[0]

    @cached_property
    def zero_shot(self) -> xr.Dataset:
        """What the model predicts without any label, Dataset(member, time) [gC m-2 d-1]."""
        asked = self.request
        return _zero_shot(asked.workspace, asked.model, asked.site, self.ensemble, self.tower)

    @cached_property
    def scored(self) -> np.ndarray:
        """The valid days, or months, that are no support and have the flux, bool (time,)."""
        known = valid_days(self.tower) & np.isfinite(self.tower[self.flux].values)
        return known & ~pd.DatetimeIndex(self.tower["time"].values).isin(self.support)

    def zero_shot_rmse(self) -> float:
        """Return the RMSE of the flux zero-shot on the days, or months, that are scored [gC m-2 d-1]."""
        predicted = self.zero_shot[self.flux].mean("member").values
        return score(self.tower[self.flux].values, predicted, self.scored)["rmse"]

    def result(self) -> "Adaptation | None":
        """Return the adaptation where it is there."""
        jobs.collect()
        return inputs.results_at(self.request).get(self.request)

    def start(self) -> None:
        """Start the adaptation, unless it runs or has failed."""
        job = jobs.current()
        if job is None or job.key != self.request or job.status not in ("running", "failed"):
            inputs.start(self.request, self.ensemble, self.tower, self.support)


@st.cache_data(max_entries=40, show_spinner=False)
def _zero_shot(
    workspace: tuple[str, int], model: tuple[str, int], site: str, _ensemble: "Ensemble", _tower: xr.Dataset
) -> xr.Dataset:
    from tamrl.predict.ensemble import predict

    gaps = driver_gaps(_tower, _ensemble.config.model.drivers)
    return leave_out(predict(_ensemble, _tower), gaps)


def make(choice: Choice) -> Scene:
    """Return what is on stage by the choices of the address.

    Raises:
        TamrlError: the workspace has no model, or the tower no valid day.
    """
    workspace = choice.workspace
    if choice.model is None:
        todo = "Choose a workspace with a model in the sidebar of the Few-shot lab, or one of the stories"
        raise TamrlError("This workspace has no model yet", workspace.path.name, todo)
    table, model = cache.towers(workspace), cache.model(choice.model)
    site = state.get("site")
    if site not in table.index:
        state.leave_out("site")
        site = first_tower(table, frozenset(model.seen_sites), workspace.example)
    ensemble, tower = model.for_site(site), cache.tower(workspace, site)
    at_home = workspace.path == bundled_workspaces()["fluxnet2015"]
    support = lab_support.chosen(site, tower, stories.first_day(site) if at_home else None)
    request = LabRequest(
        workspace=(str(workspace.path), workspace.archive_version()),
        model=(str(choice.model), cache.model_version(choice.model)),
        site=site,
        start=f"{support[0]:%Y-%m-%d}",
        days=len(support),
        settings=AdaptSettings(),
    )
    return Scene(
        table=table,
        ensemble=ensemble,
        tower=tower,
        support=support,
        request=request,
        origin=sidebar.origin(workspace, site),
        like=cache.likeness(workspace, site, ensemble),
    )


def first_tower(table: pd.DataFrame, seen: frozenset[str], example: str) -> str:
    """Return the tower that is shown before one was picked: the example, else the unseen one with the most days."""
    unseen = table[~table.index.isin(seen)]
    if example in unseen.index:
        return example
    return str((unseen if len(unseen) else table)["valid_days"].idxmax())
