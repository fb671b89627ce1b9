"""What the Few-shot lab was asked, and one result as its figures read it."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import wording
from tamrl.app.shared import state
from tamrl.app.shared.components import Origin
from tamrl.predict.output import adaptation_dataset, before_after
from tamrl.timestep import TimeStep, step_of

if TYPE_CHECKING:
    from tamrl.predict.adapt import Adaptation
    from tamrl.predict.methods import AdaptSettings


class Asked(Hashable, Protocol):
    """What was asked of a job of the lab: an adaptation to one tower, or to all of them."""

    def place(self) -> tuple[Any, ...]:
        """Return what must be equal for two results to stand for each other meanwhile."""


@dataclass(frozen=True, kw_only=True)
class LabRequest:
    """One adaptation that the user asked for; results are kept under it.

    Attributes:
        workspace: folder and version of the archive.
        model: folder and version of the checkpoint.
        site: tower.
        start: first day, or month, that may be support, ISO date.
        days: number of valid support days, or months of a monthly workspace.
        settings: method, steps, learning rate, seed.
        gaps: whether steps without weather are predicted all the same.
    """

    workspace: tuple[str, int]
    model: tuple[str, int]
    site: str
    start: str
    days: int
    settings: "AdaptSettings"
    gaps: bool = False

    def place(self) -> tuple[Any, ...]:
        """Return what must be equal for two results to be of the same tower and model."""
        return self.workspace, self.model, self.site


@dataclass(frozen=True)
class LabView:
    """One result as the figures read it.

    Attributes:
        request: what was asked.
        result: what came out.
        origin: where the data come from.
    """

    request: LabRequest
    result: "Adaptation"
    origin: Origin

    @property
    def tower(self) -> xr.Dataset:
        """The tower's record, Dataset(time)."""
        return self.result.tower

    @property
    def support(self) -> pd.DatetimeIndex:
        """The labelled days, or months, that were used; never scored."""
        return self.result.support

    @property
    def scored(self) -> np.ndarray:
        """The days, or months, that are scored, bool (time,)."""
        return self.result.scored

    @property
    def step(self) -> TimeStep:
        """The time step of the record."""
        return step_of(self.tower)

    @cached_property
    def means(self) -> dict[str, xr.Dataset]:
        """Ensemble means, Dataset(time), of ``zero-shot`` and ``adapted``."""
        return {"zero-shot": self.result.zero_shot.mean("member"), "adapted": self.result.adapted.mean("member")}

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """One row a flux of ``tamrl.predict.output.before_after``: many parts of the page say them."""
        return before_after(self.result).to_dict("records")

    def dataset(self) -> xr.Dataset:
        """Return observed, zero-shot and adapted fluxes as one CF Dataset."""
        return adaptation_dataset(self.result, self.origin.simulated)

    def address(self) -> str:
        """Return the address that restores this result; empty where there is no browser."""
        asked, settings = self.request, self.request.settings
        return state.address(
            scope=None,
            site=asked.site,
            start=pd.Timestamp(asked.start).date(),
            days=asked.days,
            method=settings.method,
            steps=settings.steps,
            lr=settings.learning_rate,
            gaps=asked.gaps,
            run=True,
        )

    def stem(self, what: str) -> str:
        """Return the stem of a file name."""
        length = wording.short(self.request.days, self.step)
        return f"{self.request.site}_{self.request.settings.method}_{length}_{what}"
