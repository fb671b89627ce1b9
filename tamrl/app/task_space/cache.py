"""What the Task space page computes, kept between runs and shared between sessions; read it, never change it.

Keys are a checkpoint and an archive, each a path and its version.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache as scorecard
from tamrl.app.shared import cache
from tamrl.app.shared.late import Late
from tamrl.app.shared.waiting import Shared
from tamrl.errors import TamrlError
from tamrl.evaluation import results
from tamrl.model.task_space import TaskSpace, join
from tamrl.model.training_towers import Reference, load_reference
from tamrl.protocol.placements import ALL
from tamrl.protocol.support_days import support_days
from tamrl.system.turns import Kind
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.network import Modulation
    from tamrl.predict import task_space
else:
    task_space = Late("tamrl.predict.task_space")

Key = tuple[str, int]
#: What takes long is computed in its turn. Reading all towers of an archive takes longer than adapting.
_SPACES = Shared(Kind("space", long=True), "space_reading", 4)
_FITS = Shared(Kind("fit"), "space_fitting", 96)


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


@dataclass(frozen=True)
class _Reading:
    """What the space of a model and a workspace is made of.

    Attributes:
        kept: the training towers as the checkpoint keeps them; None where they are to be read.
        trained: training towers that the workspace holds.
        others: the other towers of the workspace, which are read.
    """

    kept: Reference | None
    trained: tuple[str, ...]
    others: tuple[str, ...]


@st.cache_resource(max_entries=4, show_spinner="Placing the towers in the task space")
def _reading(asked: Asked, blind: bool) -> _Reading:
    ensemble, archive = asked.ensemble(), asked.workspace().archive()
    here = archive["site"].values.astype(str).tolist()
    kept = load_reference(ensemble.path) if ensemble.path and not blind else None
    trained = [site for site in ensemble.training_sites if site in here]
    if kept is None and not trained:
        raise TamrlError(
            "This model does not keep the embeddings of its training towers, and this workspace does not hold them"
            if not blind
            else "Without the classes the training towers must be read again, and this workspace does not hold them",
            str(ensemble.path or "model"),
            "Choose the workspace that the model was trained on",
        )
    known = {*(kept.sites if kept is not None else trained), *ensemble.training_sites}
    return _Reading(kept, tuple(trained), tuple(site for site in here if site not in known))


def space(asked: Asked, blind: bool) -> TaskSpace:
    """Return the training towers of the model and the other towers of the workspace in one space.

    Where towers are to be read, this run waits for its turn.

    Args:
        asked: model and workspace.
        blind: hide the classes of land cover and climate from the encoder.

    Raises:
        TamrlError: the training towers are not known, the checkpoint is damaged, or the work was cancelled.
    """
    reading = _reading(asked, blind)
    if reading.kept is not None and not reading.others:
        return _kept_space(asked)
    ensemble, archive = asked.ensemble(), asked.workspace().archive()

    def work(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> TaskSpace:
        def read(sites: tuple[str, ...], before: int) -> Reference:
            def tell(share: float) -> None:
                progress((before + share * len(sites)) / count)

            return task_space.read_places(ensemble, archive, sites, not blind, tell, cancelled)

        new = () if reading.kept is not None else reading.trained
        count = len(new) + len(reading.others)
        reference = reading.kept if reading.kept is not None else read(new, 0)
        try:
            rest = read(reading.others, len(new)) if reading.others else None
        except TamrlError:  # none of them has a driver that the model reads
            rest = None
        return TaskSpace(reference, join(reference, rest) if rest is not None else reference)

    return _SPACES.get((asked, blind), "Placing the towers in the task space", work)


@st.cache_resource(max_entries=4, show_spinner=False)
def _kept_space(asked: Asked) -> TaskSpace:
    reference = _reading(asked, False).kept
    assert reference is not None  # as was asked before
    return TaskSpace(reference, reference)


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


def fitted(asked: Asked, site: str, count: int, title: str) -> np.ndarray:
    """Return the embedding (K, 1, Z) that fine-tuning with so many labelled steps ends at; this run waits for its turn.

    Args:
        asked: model and workspace.
        site: tower of the workspace.
        count: labelled steps.
        title: what the user is told meanwhile.

    Raises:
        TamrlError: the tower cannot be adapted to, or the work was cancelled.
    """
    ensemble, tower = asked.ensemble(), cache.tower(asked.workspace(), site)

    def work(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> np.ndarray:
        return task_space.fitted(ensemble, tower, support_days(tower, count), cancelled=cancelled)

    return _FITS.get((asked, site, count), title, work)


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
