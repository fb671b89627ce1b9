"""What the lessons ask of the model: zero-shot series, one member laid open, errors after some labelled days."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.metrics import score_models
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.predict.endings import HIGH, LOW
from tamrl.predict.ensemble import predict
from tamrl.predict.hand_modulation import OpenMember, open_member
from tamrl.predict.many import adapt_many
from tamrl.schema import FLUXES
from tamrl.towers.quality import valid_days


def unseen(model: Ensemble | CrossFitted, site: str) -> Ensemble:
    """Return the ensemble that has not seen a tower."""
    return model.groups((site,))[0][0]


def observed(tower: xr.Dataset) -> pd.DataFrame:
    """Return the fluxes of one tower on its valid days, NaN on others, DataFrame(time) [gC m-2 d-1]."""
    valid = valid_days(tower)
    columns = {flux: np.where(valid, tower[flux].values, np.nan) for flux in FLUXES}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(tower["time"].values, name="time"))


def zero_shot(model: Ensemble | CrossFitted, tower: xr.Dataset) -> pd.DataFrame:
    """Return what the ensemble that has not seen a tower predicts there without labels.

    Returns:
        DataFrame(time) with ``<flux>`` (ensemble mean), ``<flux>_low`` and ``<flux>_high`` (ends of the 90 % interval)
        and ``<flux>_observed`` (NaN on days that are not valid), gC m-2 d-1.

    Raises:
        TamrlError: the tower has no drivers that the model reads.
    """
    made = predict(unseen(model, str(tower["site"].item())), tower)
    columns = {flux: made[flux].mean("member").values for flux in FLUXES}
    columns |= {flux + end: made[flux + end].values for flux in FLUXES for end in (LOW, HIGH) if flux + end in made}
    seen = observed(tower)
    return pd.DataFrame(columns, index=seen.index).join(seen.add_suffix("_observed"))


def laid_open(model: Ensemble | CrossFitted, tower: xr.Dataset, support: pd.DatetimeIndex) -> OpenMember:
    """Return one member of the ensemble that has not seen a tower, see ``open_member``."""
    return open_member(unseen(model, str(tower["site"].item())), tower, support)


def errors_with(
    model: Ensemble | CrossFitted,
    tower: xr.Dataset,
    supports: Sequence[pd.DatetimeIndex],
    flux: str,
    scored: np.ndarray,
) -> np.ndarray:
    """Return the RMSE after the site effect has read each of several supports [gC m-2 d-1].

    Args:
        model: a checkpoint or a cross-fitted model.
        tower: Dataset(time), one tower's record.
        supports: valid days; an empty one is zero-shot.
        flux: name of the flux.
        scored: (T,) bool, the days that all are scored on, none of them of a support.

    Raises:
        TamrlError: see ``tamrl.predict.many.adapt_many``.
    """
    _, made = next(adapt_many(model, [tower], [supports]))
    means = np.stack([one[flux].mean("member").values for one in made])
    return score_models(tower[flux].values, means, scored)["rmse"]
