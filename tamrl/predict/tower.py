"""One tower from a model, as the command line and the public API give it: gaps in the drivers are left out.

A step at which weather is missing that the tower otherwise has is not predicted unless the user wants it: what the
model makes of the other drivers alone can jump there.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.metrics import score_sets
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.predict import saved
from tamrl.predict.adapt import Adaptation, adapt, usable_support
from tamrl.predict.ensemble import predict
from tamrl.predict.gaps import describe, driver_gaps, leave_out, leave_out_adapted
from tamrl.predict.many import adapt_many
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import prediction_dataset
from tamrl.predict.saved import AdaptedModel
from tamrl.schema import FLUXES
from tamrl.towers.quality import valid_days


def predict_tower(
    model: Ensemble | AdaptedModel, tower: xr.Dataset, allow_gaps: bool = False, simulated: bool | None = None
) -> xr.Dataset:
    """Return the fluxes of one tower as a CF Dataset, see ``prediction_dataset``; none of its own fluxes is read.

    Args:
        model: zero-shot, or adapted already; then the attributes ``adapted_to`` and ``method`` say so.
        tower: Dataset(time), one tower's record.
        allow_gaps: predict steps without weather as well.
        simulated: whether the tower is; by default as its attributes say. What was left out is its attribute ``notes``.

    Raises:
        TamrlError: the tower has no drivers of the model.
    """
    if isinstance(model, AdaptedModel):
        ensemble, made = model.ensemble, saved.predict(model, tower)
        about = {"adapted_to": model.site, "method": model.method}
    else:
        ensemble, made, about = model, predict(model, tower), {}
    gaps = driver_gaps(tower, ensemble.config.model.drivers)
    simulated = bool(tower.attrs.get("simulated", 0)) if simulated is None else simulated
    dataset = prediction_dataset(tower, leave_out(made, {} if allow_gaps else gaps), simulated).assign_attrs(about)
    said = describe(gaps, tower, allow_gaps)
    return dataset.assign_attrs(notes=" ".join(said)) if said else dataset


def adapt_tower(
    ensemble: Ensemble,
    tower: xr.Dataset,
    support: pd.DatetimeIndex,
    settings: AdaptSettings | None = None,
    allow_gaps: bool = False,
    **hooks: Any,
) -> Adaptation:
    """Adapt an ensemble to one tower, see ``tamrl.predict.adapt.adapt``.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: days whose fluxes may be used.
        settings: how.
        allow_gaps: predict steps without weather as well; what was left out is among the notes.
        hooks: ``on_step`` and ``cancelled`` of ``adapt``.

    Raises:
        TamrlError: no support day is valid (unless zero-shot), or the tower has no drivers.
        Cancelled: ``cancelled`` returned true.
    """
    gaps = driver_gaps(tower, ensemble.config.model.drivers)
    result = adapt(ensemble, tower, support, settings, **hooks)
    result = leave_out_adapted(result, {} if allow_gaps else gaps)
    return dataclasses.replace(result, notes=[*result.notes, *describe(gaps, tower, allow_gaps)])


def zero_shot_scores(ensemble: Ensemble, tower: xr.Dataset) -> pd.DataFrame:
    """Return the scores of each flux without any label, on all valid days, or months, of the record.

    These are the rows of 0 shots and placement ``all`` of ``tamrl evaluate`` and of the Scorecard.

    Returns:
        Columns ``flux, n, rmse, r2, mae, bias``; gC m-2 d-1 but for r2.

    Raises:
        TamrlError: the tower has no drivers that the model reads.
    """
    made, valid = predict(ensemble, tower), valid_days(tower)
    sets = [(tower[flux].values[valid], made[flux].mean("member").values[None, valid]) for flux in FLUXES]
    rows = []
    for flux, found in zip(FLUXES, score_sets(sets), strict=True):
        numbers = {key: float(found[key][0]) for key in ("rmse", "r2", "mae", "bias")}
        rows.append({"flux": flux, "n": int(found["n"][0]), **numbers})
    return pd.DataFrame(rows)


def adapt_towers(
    model: Ensemble | CrossFitted, towers: Sequence[xr.Dataset], days: Sequence[Iterable[Any]], settings: AdaptSettings
) -> list[xr.Dataset]:
    """Return the fluxes (member, time) of each tower, adapted to those of its days that are valid, see ``adapt_many``.

    Raises:
        TamrlError: there are not as many supports as towers, or a tower has none of the model's drivers.
    """
    if len(towers) != len(days):
        raise TamrlError(f"{len(towers)} towers, but {len(days)} supports", "days", "Give one support a tower")
    supports = [[usable_support(t, pd.DatetimeIndex(list(own)))] for t, own in zip(towers, days, strict=True)]
    made = dict(adapt_many(model, towers, supports, settings))
    return [made[i][0] for i in range(len(towers))]
