"""What the lessons read and compute, kept between runs and shared between sessions; read it, never change it.

The lessons run on what comes with the project, whatever workspace is open.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import cache, sidebar
from tamrl.app.shared.files import Origin
from tamrl.app.shared.late import Late
from tamrl.app.shared.waiting import Shared
from tamrl.bundled import CROSS_FITTED_NAME, bundled_folder, bundled_models
from tamrl.errors import TamrlError
from tamrl.evaluation import results
from tamrl.globe.earth import load_earth
from tamrl.maps import catalog
from tamrl.system.turns import Kind
from tamrl.teaching import by_hand, labels, measured, places, siting, trust
from tamrl.teaching.measured import Year
from tamrl.towers.workspace import Workspace, bundled

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted
    from tamrl.predict.hand_modulation import OpenMember
    from tamrl.teaching import predictions
else:
    predictions = Late("tamrl.teaching.predictions")

REAL, SIMULATED = "fluxnet2015", "demo"
#: The bundled maps that carry the dissimilarity index.
MAP = "tamrl-climate"
#: The many adaptations of lesson 4 are made in their turn; what else the lessons ask of the model takes a few tenths of
#: a second.
_ERRORS = Shared(Kind("lesson"), "lesson_labelling", 256)


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


def _scores_version() -> int:
    return results.version(bundled_folder("scores"))


@st.cache_data(max_entries=2, show_spinner=False)
def _scores_source(version: int) -> str:
    return results.open_results(bundled_folder("scores")).source()


def scores_origin() -> Origin:
    """Return where the scores of the held-out towers come from."""
    return Origin(_scores_source(_scores_version()), False)


def scores(flux: str) -> pd.DataFrame:
    """Return how each held-out tower is predicted, ranked, DataFrame(site) with its class and climate."""
    return places.of_flux(_scores(_scores_version()), flux).join(towers()[["igbp", "koeppen"]], how="inner")


@st.cache_data(max_entries=24, show_spinner="Predicting a tower that the model has not seen")
def _zero_shot(version: int, site: str) -> pd.DataFrame:
    return predictions.zero_shot(model(), tower(site))


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

    days = pd.date_range(by_hand.SUPPORT[site], periods=by_hand.SUPPORT_DAYS)
    return predictions.laid_open(model(), tower(site), usable_support(tower(site), days))


def laid_open(site: str) -> "OpenMember":
    """Return one member of the model at a tower of lesson 3, laid open."""
    return _laid_open(workspace().archive_version(), site)


@st.cache_data(max_entries=24, show_spinner=False)
def _observed(version: int, site: str) -> pd.DataFrame:
    return predictions.observed(tower(site))


def observed(site: str) -> pd.DataFrame:
    """Return the fluxes of a tower on its valid days, NaN on others."""
    return _observed(workspace().archive_version(), site)


def _errors(
    site: str, title: str, asked: tuple[Any, ...], supports: Callable[..., list[pd.DatetimeIndex]]
) -> np.ndarray:
    """Return the RMSE of a tower of lesson 4 after each of some supports; this run waits for its turn."""
    _, flux, year = labels.TOWERS[site]
    opened, record = model(), tower(site)

    def work(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> np.ndarray:
        scored = labels.scored(record, year)
        return predictions.errors_with(opened, record, supports(record, year, *asked), flux, scored)

    return _ERRORS.get((workspace().archive_version(), site, asked), title, work)


def _each_month(record: xr.Dataset, year: int) -> list[pd.DatetimeIndex]:
    return [pd.DatetimeIndex([]), *labels.months(record, year), labels.whole_year(record, year)]


def benchmark(site: str) -> labels.Benchmark:
    """Return what the weeks of lesson 4 compete with at a tower."""
    found = _errors(site, "Labelling each month in turn", (), _each_month)
    return labels.Benchmark(float(found[0]), found[1:-1], float(found[-1]))


def _each_week(record: xr.Dataset, year: int, weeks: tuple[int, ...]) -> list[pd.DatetimeIndex]:
    return [*labels.growing(record, year, weeks), *labels.alone(record, year, weeks)]


def weeks(site: str, chosen: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the RMSE with the first week, the first two and so on, and with each week alone [gC m-2 d-1]."""
    found = _errors(site, "Labelling your weeks", (chosen,), _each_week)
    return found[: len(chosen)], found[len(chosen) :]


@st.cache_resource(max_entries=1, show_spinner="Opening the map")
def index_maps() -> xr.Dataset:
    """Return the dissimilarity index of the bundled maps, with what its cells are weighed by.

    Raises:
        TamrlError: the maps are missing or damaged.
    """
    maps = catalog.open_maps(catalog.entries_in((bundled_folder("maps"),))[MAP])
    return maps[["extrapolation", "land_fraction"]].load()


@st.cache_data(max_entries=2, show_spinner="Comparing the regions with the towers")
def _by_region(version: int) -> pd.DataFrame:
    rows = places.of_flux(_scores(version), "GPP").join(towers()[["lat", "lon"]], how="inner")
    return trust.by_region(index_maps(), load_earth(), rows)


def by_region() -> pd.DataFrame:
    """Return what is known of each land region, see ``tamrl.teaching.trust.by_region``."""
    return _by_region(_scores_version())


@st.cache_data(max_entries=1, show_spinner=False)
def region_codes() -> tuple[np.ndarray, dict[int, str]]:
    """Return the regions on the grid of ``index_maps``, see ``tamrl.teaching.trust.region_codes``."""
    field = index_maps()["extrapolation"]
    return trust.region_codes(load_earth(), field["lat"].values, field["lon"].values)


@st.cache_resource(max_entries=1, show_spinner="Simulating the planet")
def _planet(version: int) -> siting.Planet:
    return siting.make_planet(workspace(SIMULATED).archive().load())


def planet() -> siting.Planet:
    """Return the SIMULATED planet of lesson 6."""
    return _planet(workspace(SIMULATED).archive_version())


@st.cache_data(max_entries=1, show_spinner="Drawing networks at random")
def _by_lot(version: int) -> np.ndarray:
    return siting.by_lot(planet())


def by_lot() -> np.ndarray:
    """Return the scores of networks drawn by lot."""
    return _by_lot(workspace(SIMULATED).archive_version())


@st.cache_data(max_entries=1, show_spinner=False)
def _rules(version: int) -> dict[str, list[str]]:
    return {"as unlike as can be": siting.furthest(planet()), "knowing the truth": siting.knowing(planet())}


def rules() -> dict[str, list[str]]:
    """Return the towers that each rule of lesson 6 adds, by its name."""
    return _rules(workspace(SIMULATED).archive_version())


def simulated_origin() -> Origin:
    """Return where the simulated places come from."""
    return sidebar.origin(workspace(SIMULATED))
