"""What the lessons read and compute, kept between runs and shared between sessions; read it, never change it.

The lessons run on what comes with the project, whatever workspace is open.
"""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import cache, sidebar
from tamrl.app.shared.files import Origin
from tamrl.bundled import CROSS_FITTED_NAME, bundled_folder, bundled_models
from tamrl.errors import TamrlError
from tamrl.teaching import by_hand, measured, places
from tamrl.teaching.measured import Year
from tamrl.towers.workspace import Workspace, bundled

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted
    from tamrl.predict.hand_modulation import OpenMember

REAL, SIMULATED = "fluxnet2015", "demo"


def workspace(name: str = REAL) -> Workspace:
    """Return a workspace that comes with the project.

    Raises:
        TamrlError: it is missing.
    """
    return bundled(name)


def tower(site: str) -> xr.Dataset:
    """Return the record of one observed tower."""
    return cache.tower(workspace(), site)


def towers() -> pd.DataFrame:
    """Return one row an observed tower."""
    return cache.towers(workspace())


def origin(site: str = "") -> Origin:
    """Return where the data of the observed towers, or of one of them, come from."""
    return sidebar.origin(workspace(), site)


def model() -> "Ensemble | CrossFitted":
    """Return the cross-fitted model, which has seen no tower that it predicts.

    Raises:
        TamrlError: it is missing.
    """
    path = bundled_models().get(CROSS_FITTED_NAME)
    if path is None:
        raise TamrlError("The bundled models are missing", str(bundled_folder("models")), "Install the project again")
    return cache.model(path)


@st.cache_data(max_entries=64, show_spinner=False)
def _year(version: int, site: str, year: int) -> Year:
    return measured.year_of(tower(site), year)


def year(site: str, year: int) -> Year:
    """Return one calendar year of an observed tower."""
    return _year(workspace().archive_version(), site, year)


@st.cache_data(max_entries=2, show_spinner="Reading the scores")
def _scores(version: int) -> pd.DataFrame:
    return places.tower_scores(bundled_folder("scores"))


def scores(flux: str) -> pd.DataFrame:
    """Return how each held-out tower is predicted, ranked, DataFrame(site) with its class and climate."""
    version = bundled_folder("scores").stat().st_mtime_ns
    return places.of_flux(_scores(version), flux).join(towers()[["igbp", "koeppen"]], how="inner")


@st.cache_data(max_entries=24, show_spinner="Predicting a tower that the model has not seen")
def _zero_shot(version: int, site: str) -> pd.DataFrame:
    from tamrl.teaching.predictions import zero_shot

    return zero_shot(model(), tower(site))


def zero_shot(site: str) -> pd.DataFrame:
    """Return observed and predicted fluxes of a tower, see ``tamrl.teaching.predictions.zero_shot``."""
    return _zero_shot(workspace().archive_version(), site)


@st.cache_data(max_entries=256, show_spinner=False)
def _relatives(version: int, site: str) -> dict[str, int]:
    return places.relatives(model(), site, towers())


def relatives(site: str) -> dict[str, int]:
    """Return how many towers of the training are like a tower, see ``tamrl.teaching.places.relatives``."""
    return _relatives(workspace().archive_version(), site)


@st.cache_resource(max_entries=4, show_spinner="Opening the network")
def _laid_open(version: int, site: str) -> "OpenMember":
    from tamrl.predict.adapt import usable_support
    from tamrl.teaching.predictions import laid_open

    days = pd.date_range(by_hand.SUPPORT[site], periods=by_hand.SUPPORT_DAYS)
    return laid_open(model(), tower(site), usable_support(tower(site), days))


def laid_open(site: str) -> "OpenMember":
    """Return one member of the model at a tower of lesson 3, laid open."""
    return _laid_open(workspace().archive_version(), site)


@st.cache_data(max_entries=24, show_spinner=False)
def _observed(version: int, site: str) -> pd.DataFrame:
    from tamrl.teaching.predictions import observed

    return observed(tower(site))


def observed(site: str) -> pd.DataFrame:
    """Return the fluxes of a tower on its valid days, NaN on others."""
    return _observed(workspace().archive_version(), site)
