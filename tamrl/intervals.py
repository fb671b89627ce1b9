"""Intervals of an ensemble: calibrated on towers that stopped its training, looked up by number of shots.

A validation tower of one member is a training tower of others, so each member is calibrated at its own
validation towers alone. A member errs a little more than the mean of all, which makes the intervals of the
ensemble a little too wide rather than too narrow.
"""

import dataclasses
import math

import numpy as np
import xarray as xr

from tamrl.calibration import Calibration, Residuals, fit_calibration
from tamrl.data.archive import record
from tamrl.data.sequences import flux_table
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble
from tamrl.predictors import TamrlPredictor, to_forecast
from tamrl.protocol import SHOTS, plan
from tamrl.schema import FLUXES

#: Key of the manifest of a checkpoint.
CALIBRATION = "calibration"
#: Placement of the supports that intervals are calibrated with.
PLACEMENT = "random"


def calibrate(ensemble: Ensemble, archive: xr.Dataset) -> dict[int, Calibration]:
    """Calibrate the intervals of an ensemble for each number of shots.

    Args:
        ensemble: K members with ``validation_sites``.
        archive: Dataset(site, time) that holds them.

    Returns:
        Shots -> calibration; without the shots that no validation tower has a long enough record for.
    """
    found: dict[int, list[Residuals]] = {}
    for member in ensemble.members:
        alone = TamrlPredictor(dataclasses.replace(ensemble, members=[member]))
        for site in member.info["validation_sites"]:
            tower = record(archive, site)
            days = plan(tower, PLACEMENT, SHOTS)
            shots = [n for n in days.supports if n == 0 or member.model.site_effect is not None]
            for count, made in zip(shots, alone.many(tower, [days.supports[n] for n in shots]), strict=True):
                found.setdefault(count, []).append(Residuals(flux_table(tower), made.mean, made.spread, days.scored))
    calibrations = {}
    for count in sorted(found):
        try:
            calibrations[count] = fit_calibration(found[count])
        except TamrlError:
            # No validation tower has a scored day of some flux: then there are no intervals.
            continue
    return calibrations


def calibration_of(ensemble: Ensemble, shots: int) -> Calibration | None:
    """Return the calibration for the nearest number of shots, or None where the ensemble has none.

    Raises:
        TamrlError: the checkpoint's calibration is damaged.
    """
    known = {int(n): content for n, content in (ensemble.info.get(CALIBRATION) or {}).items()}
    if not known:
        return None
    nearest = min(known, key=lambda n: abs(math.log1p(n) - math.log1p(shots)))
    return Calibration.from_dict(known[nearest])


def interval(
    ensemble: Ensemble, predictions: xr.Dataset, shots: int, level: float = 0.9
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the interval that covers ``level`` of the daily observations at a new place.

    Args:
        ensemble: what made the predictions.
        predictions: Dataset(member, time) with the variances of the effect of the site.
        shots: number of support days they have read.
        level: 0.5 or 0.9.

    Returns:
        Lower and upper ends (T, 3) in gC m-2 d-1; None where the ensemble is not calibrated or the method
        leaves the variance unknown.
    """
    calibration = calibration_of(ensemble, shots)
    if calibration is None or f"{FLUXES[0]}_variance" not in predictions:
        return None
    made = to_forecast(predictions)
    return calibration.interval(made.mean, made.spread, level)
