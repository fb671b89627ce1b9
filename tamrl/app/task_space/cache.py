"""What the Task space page computes, kept between runs and shared between sessions; read it, never change it.

Keys are a checkpoint and an archive, each a path and its version.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache as scorecard
from tamrl.app.shared import cache
from tamrl.app.shared.late import Late
from tamrl.errors import TamrlError
from tamrl.evaluation import results
from tamrl.model.task_space import TaskSpace, join
from tamrl.model.training_towers import load_reference
from tamrl.protocol.placements import ALL
from tamrl.protocol.support_days import support_days
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.network import Modulation
    from tamrl.predict import task_space
else:
    task_space = Late("tamrl.predict.task_space")

Key = tuple[str, int]


@dataclass(frozen=True)
class Asked:
    """What the page works on, as keys: a checkpoint and the workspace beside it.

    Attributes:
        model: folder and version of what the sidebar chose.
        archive: folder and version of the archive of the workspace.
    """

    model: Key
    archive: Key

    def ensemble(self) -> "Ensemble":
        """Return the one ensemble that all places are read by: of a cross-fitted model that of all towers."""
        return cache.model(Path(self.model[0])).for_site("")

    def workspace(self) -> Workspace:
        """Return the workspace."""
        return Workspace.open(self.archive[0])


@st.cache_resource(max_entries=4, show_spinner="Placing the towers in the task space")
def space(asked: Asked, blind: bool) -> TaskSpace:
    """Return the training towers of the model and the other towers of the workspace in one space.

    Args:
        asked: model and workspace.
        blind: hide the classes of land cover and climate from the encoder.

    Raises:
        TamrlError: the training towers are not known, or the checkpoint is damaged.
    """
    ensemble, archive = asked.ensemble(), asked.workspace().archive()
    here = archive["site"].values.astype(str).tolist()
    kept = load_reference(ensemble.path) if ensemble.path and not blind else None
    trained = [site for site in ensemble.training_sites if site in here]
    if kept is None and not trained:
        raise TamrlError(
            "This model does not keep the embeddings of its training towers, and this workspace does not hold them"
            if not blind
            else "Hiding the classes reads the training towers anew, and this workspace does not hold them",
            str(ensemble.path or "model"),
            "Choose the workspace that the model was trained on",
        )
    reference = task_space.read_places(ensemble, archive, trained, classes=not blind) if kept is None else kept
    others = [site for site in here if site not in reference.sites and site not in ensemble.training_sites]
    try:
        rest = task_space.read_places(ensemble, archive, others, classes=not blind) if others else None
    except TamrlError:  # none of them has a driver that the model reads
        rest = None
    return TaskSpace(reference, join(reference, rest) if rest is not None else reference)


@st.cache_data(max_entries=4, show_spinner=False)
def traits(asked: Asked) -> pd.DataFrame:
    """Return the mean of each driver over the record of each place, DataFrame(site) in the unit of the driver."""
    ensemble, places = asked.ensemble(), space(asked, False).places
    names, scale = ensemble.config.model.drivers, ensemble.members[0].normaliser
    means = places.summaries[:, : len(names)] * scale.driver_std + scale.driver_mean
    return pd.DataFrame(means, index=pd.Index(places.sites, name="site"), columns=list(names)).assign(
        latitude=np.abs(places.lat)
    )


@st.cache_data(max_entries=4, show_spinner="Reading the scores")
def _scores(folder: str, version: int, flux: str) -> pd.Series:
    found = scorecard.results(Path(folder))
    table = scorecard.table(found, "scores")
    rows = table[
        (table["design"] == found.designs[0])
        & (table["model"] == "tamrl")
        & (table["shots"] == 0)
        & (table["placement"] == ALL)
        & (table["scale"] == "daily")
        & (table["flux"] == flux)
    ]
    return rows.assign(site=rows["site"].astype(str)).set_index("site")["rmse"].astype(float)


def scores(flux: str) -> pd.Series:
    """Return the zero-shot RMSE of TAM-RL at each tower of the bundled scores, held out [gC m-2 d-1].

    Raises:
        TamrlError: there are no scores.
    """
    folder = results.bundled()
    return _scores(str(folder), results.version(folder), flux)


@st.cache_data(max_entries=48, show_spinner="Reading the record step by step")
def path(asked: Asked, site: str, way: str, counts: tuple[int, ...]) -> np.ndarray:
    """Return the embeddings (K, S, Z) of a tower along a way, see ``tamrl.predict.task_space``.

    Args:
        asked: model and workspace.
        site: tower of the workspace.
        way: ``labels`` or ``drivers``.
        counts: steps of the way; of ``labels`` a row without any comes first, of ``drivers`` the whole record last.

    Raises:
        TamrlError: the tower has no drivers of the model.
    """
    tower = cache.tower(asked.workspace(), site)
    if way == "drivers":
        return task_space.path_of_drivers(asked.ensemble(), tower, counts)
    return task_space.path_of_labels(asked.ensemble(), tower, [support_days(tower, count) for count in counts])


@st.cache_data(max_entries=96, show_spinner=False)
def fitted(asked: Asked, site: str, count: int) -> np.ndarray:
    """Return the embedding (K, 1, Z) that fine-tuning with so many labelled steps ends at.

    Raises:
        TamrlError: the tower cannot be adapted to.
    """
    tower = cache.tower(asked.workspace(), site)
    return task_space.fitted(asked.ensemble(), tower, support_days(tower, count))


def modulation(asked: Asked, member: int, sites: tuple[str, ...]) -> "Modulation":
    """Return the scales and shifts that one member makes of the embeddings of places."""
    places = space(asked, False).places
    rows = [places.sites.index(site) for site in sites]
    return task_space.modulation(asked.ensemble(), member, places.codes[member, rows])


@st.cache_data(max_entries=8, show_spinner="Decoding")
def decoded(asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """Return the cycles (K, N, 12, D) and classes (K, N, A) that the decoders tell from all places.

    Raises:
        TamrlError: the model has no decoder.
    """
    return task_space.decode(asked.ensemble(), space(asked, False).places.codes)


@st.cache_data(max_entries=48, show_spinner=False)
def seasonal_cycle(asked: Asked, site: str) -> np.ndarray:
    """Return the real cycle (12, D) of a tower of the workspace, see ``tamrl.predict.task_space``."""
    return task_space.seasonal_cycle(asked.ensemble(), cache.tower(asked.workspace(), site))
