"""Every model of a comparison behind one call: what it predicts at a tower from a support, or without one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.baselines import BASELINES, make_baseline
from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble
from tamrl.model.drivers import driver_table
from tamrl.predict.ensemble import GaussianPrediction, predict, to_gaussian
from tamrl.predict.many import adapt_many
from tamrl.predict.methods import AdaptSettings
from tamrl.protocol.splits import check_disjoint
from tamrl.protocol.support_days import Plan
from tamrl.towers.archive import record
from tamrl.towers.quality import valid_days

#: A model at a tower: what it predicts where it may read the fluxes of the support days, or of none. Returns (T, 3)
#: GPP, RECO, NEE in gC m-2 d-1, or a ``GaussianPrediction``.
Predictor = Callable[[xr.Dataset, pd.DatetimeIndex | None], np.ndarray | GaussianPrediction]

#: TAM-RL's names in tables -> the method of ``tamrl.predict.adapt``; both are the same ensemble.
TAMRL = {"tamrl": AdaptSettings().method, "tamrl-encode": "encode"}


def takes(model: str, shots: int) -> bool:
    """Return whether a model has a prediction at a number of shots.

    ``tamrl`` and models that are not known here have one at any number; baselines without a use for the
    support have one at 0 alone, few-shot models and ``tamrl-encode`` above 0 alone.
    """
    if model == "tamrl-encode":
        return shots > 0
    return model not in BASELINES or BASELINES[model].few_shot == (shots > 0)


@dataclass(frozen=True)
class TamrlPredictor:
    """TAM-RL as a predictor: zero-shot without support, else adapted.

    Attributes:
        ensemble: K members.
        method: of ``tamrl.predict.adapt``.
    """

    ensemble: Ensemble
    method: str = TAMRL["tamrl"]

    def __call__(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> GaussianPrediction:
        """Return the mean over members, and the spread; see ``to_gaussian``."""
        return self.many(tower, [support])[0]

    def many(self, tower: xr.Dataset, supports: list[pd.DatetimeIndex | None]) -> list[GaussianPrediction]:
        """Return one prediction for each of several supports; what they share is computed once."""
        ((_, made),) = adapt_many(self.ensemble, [tower], [supports], AdaptSettings(method=self.method))
        return [to_gaussian(members) for members in made]


@dataclass(frozen=True)
class EncoderPredictor:
    """TAM-RL as published (Renganathan et al. 2025): the encoder reads the labels, and nothing checks what comes of it.

    ``tamrl-encode`` differs in that it keeps some support days back and shrinks towards zero-shot where these suffer.

    Attributes:
        ensemble: K members.
    """

    ensemble: Ensemble

    def __call__(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> GaussianPrediction:
        """Return the mean over members, and the spread between them."""
        return to_gaussian(predict(self.ensemble, tower, support))


def tamrl_predictors(ensemble: Ensemble) -> dict[str, Predictor]:
    """Return ``tamrl`` and ``tamrl-encode``; the first fine-tunes the modulation where there is no site effect."""
    effect = all(member.model.site_effect is not None for member in ensemble.members)
    methods = TAMRL if effect else TAMRL | {"tamrl": "modulation"}
    return {name: TamrlPredictor(ensemble, method) for name, method in methods.items()}


@dataclass(frozen=True)
class Prediction:
    """What one model predicts at one tower from one support.

    Attributes:
        model: name.
        shots: number of support days.
        placement: of the support; a zero-shot prediction is the same at each.
        fluxes: (T, 3) GPP, RECO, NEE in gC m-2 d-1.
        spread: (T, 3) standard deviation before calibration, None where the model gives none.
    """

    model: str
    shots: int
    placement: str
    fluxes: np.ndarray
    spread: np.ndarray | None = None


def predictions(tower: xr.Dataset, predictors: Mapping[str, Predictor], days: Iterable[Plan]) -> Iterator[Prediction]:
    """Yield what each model predicts at each number of shots and placement that it takes.

    A zero-shot prediction is made once and yielded for each placement.

    Args:
        tower: Dataset(time), one tower's record.
        predictors: models by name.
        days: one plan a placement.

    Raises:
        TamrlError: a model returns another shape, or leaves out single days; or it cannot read the tower.
    """
    days = [plan for plan in days if plan.scored.any()]
    for model, predictor in predictors.items():
        wanted: dict[tuple[int, str], pd.DatetimeIndex | None] = {}
        if takes(model, 0) and any(0 in plan.supports for plan in days):
            wanted[0, ""] = None
        for plan in days:
            wanted |= {(n, plan.placement): s for n, s in plan.supports.items() if n and takes(model, n)}
        for (shots, placement), fluxes in zip(wanted, _all(predictor, tower, list(wanted.values())), strict=True):
            mean, spread = _checked(fluxes, model, tower)
            places = [placement] if shots else [plan.placement for plan in days if 0 in plan.supports]
            yield from (Prediction(model, shots, place, mean, spread) for place in places)


def _all(
    predictor: Predictor, tower: xr.Dataset, supports: list[pd.DatetimeIndex | None]
) -> Iterable[np.ndarray | GaussianPrediction]:
    """Predict with each support, at once where the model can."""
    many = getattr(predictor, "many", None)
    return many(tower, supports) if many else (predictor(tower, support) for support in supports)


def _checked(
    fluxes: np.ndarray | GaussianPrediction, model: str, tower: xr.Dataset
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (T, 3) mean, and the spread or None.

    A model may leave out a flux, as one that the support does not hold; not single days, since models would
    then be scored on other days.

    Raises:
        TamrlError: the shape is another, or single values are missing.
    """
    mean, spread = fluxes if isinstance(fluxes, GaussianPrediction) else (fluxes, None)
    site = str(tower.site.item())
    if mean.shape != (tower.sizes["time"], 3):
        raise TamrlError(f"{model} returned an array of shape {mean.shape}", site, "Return (days, 3)")
    known = np.isfinite(mean)
    if (known.any(axis=0) != known.all(axis=0)).any():
        raise TamrlError(f"{model} predicts some days and leaves others missing", site, "Predict the whole record")
    return mean, spread


def fit_baselines(
    names: Iterable[str],
    archive: xr.Dataset,
    scored: Iterable[str],
    drivers: tuple[str, ...],
    config: Config | None = None,
    seed: int = 0,
) -> dict[str, Predictor]:
    """Train baselines on the towers of an archive without those that are scored, and return them as predictors.

    Args:
        names: of ``BASELINES``.
        archive: Dataset(site, time).
        scored: towers to leave out.
        drivers: inputs.
        config: settings of the networks, by default those of TAM-RL.
        seed: of the networks and trees.

    Raises:
        TamrlError: a name is not known, or no tower is left to train on.
    """
    models = {name: make_baseline(name, drivers, config, seed) for name in names}
    if not models:
        return {}
    scored = set(scored)
    candidates = [(s, record(archive, s)) for s in archive.site.values.tolist() if s not in scored]
    towers = {site: tower for site, tower in candidates if valid_days(tower).any()}
    if not towers:
        raise TamrlError(
            "No tower is left to train the baselines on",
            "--models",
            "Give --train-workspace with other towers, or score fewer with --sites",
        )
    check_disjoint(baseline_training=list(towers), scored=sorted(scored))
    for model in models.values():
        model.fit(list(towers.values()))
    return {name: model.predict for name, model in models.items()}


def known_drivers(archive: xr.Dataset, sites: Iterable[str], drivers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the drivers that at least one of the towers has.

    A baseline learns from these alone: TAM-RL is trained with drivers hidden, whereas trees that have learnt from LAI
    cannot do without it.

    Args:
        archive: Dataset(site, time) of the towers.
        sites: to be scored.
        drivers: inputs that are wanted.
    """
    tables = [driver_table(record(archive, site), drivers) for site in sites]
    return tuple(name for i, name in enumerate(drivers) if any(np.isfinite(table[:, i]).any() for table in tables))


def model_names(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of the names are TAM-RL's and which are baselines.

    Raises:
        TamrlError: a name is not known.
    """
    names = tuple(names)
    for name in names:
        if name not in (*TAMRL, *BASELINES):
            raise TamrlError(f"Unknown model {name!r}", "--models", f"Known models: {', '.join((*TAMRL, *BASELINES))}")
    return tuple(n for n in names if n in TAMRL), tuple(n for n in names if n in BASELINES)
