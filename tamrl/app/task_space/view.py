"""What the Task space page is asked; every part of the page reads it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamrl.app.shared.components import Origin
from tamrl.app.task_space.cache import Asked
from tamrl.model.task_space import TaskSpace
from tamrl.timestep import TimeStep

#: Neighbours that are shown.
NEIGHBOURS = 8


@dataclass(frozen=True, kw_only=True)
class SpaceView:
    """Towers in one space, and the one that is picked.

    Attributes:
        asked: model and workspace.
        space: all places.
        table: one row a place, see ``tamrl.app.task_space.space.table``.
        site: the picked one.
        plane: the two principal components of the picture, from 0.
        step: of model and workspace.
        origin: where what is shown comes from.
    """

    asked: Asked
    space: TaskSpace
    table: pd.DataFrame
    site: str
    plane: tuple[int, int]
    step: TimeStep
    origin: Origin

    @property
    def axes(self) -> tuple[str, str]:
        """Titles of both axes of the picture."""
        share = self.space.reference.explained
        one, other = (f"Principal component {i + 1} ({100 * share[i]:.0f} % of the variance)" for i in self.plane)
        return one, other

    @property
    def near(self) -> list[str]:
        """The neighbours of the picked place, the nearest first."""
        return [self.space.sites[i] for i in self.space.neighbours(self.site, NEIGHBOURS)]

    def project(self, codes: np.ndarray) -> pd.DataFrame:
        """Return where embeddings (K, C, Z) lie in the picture: ``x`` and ``y``."""
        points = self.space.reference.project(codes)
        return pd.DataFrame(points[:, list(self.plane)], columns=["x", "y"])
