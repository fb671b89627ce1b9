"""Calibration of the intervals of an ensemble on the towers that stopped its training, by number of shots.

A validation tower of one member is a training tower of others, so each member is calibrated at its own
validation towers alone. The spread that is calibrated is therefore the uncertainty of the site's effect; the
variance between members, which is added to it in a prediction, widens the intervals by the same coefficient
without having been calibrated itself. A member errs a little more than the mean of all, which makes the intervals
of the ensemble a little too wide rather than too narrow.
"""

import dataclasses

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.model.calibration import Calibration, Residuals, fit_calibration
from tamrl.model.checkpoint import Ensemble
from tamrl.predict.ensemble import to_gaussian
from tamrl.predict.many import adapt_many
from tamrl.protocol.support_days import SHOTS, plan
from tamrl.towers.archive import record
from tamrl.towers.quality import flux_table

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
        alone = dataclasses.replace(ensemble, members=[member])
        for site in member.info["validation_sites"]:
            tower = record(archive, site)
            days = plan(tower, PLACEMENT, SHOTS)
            shots = [n for n in days.supports if n == 0 or member.model.site_effect is not None]
            try:
                ((_, members),) = adapt_many(alone, [tower], [[days.supports[n] for n in shots]])
            except TamrlError:
                # A tower without any of the drivers is trained on, all masked, but not predicted.
                continue
            for count, made in zip(shots, map(to_gaussian, members), strict=True):
                found.setdefault(count, []).append(
                    Residuals(
                        observed=flux_table(tower),
                        mean=made.mean,
                        spread=made.spread,
                        used=days.scored,
                        site=site,
                        igbp=str(tower["igbp"].item()),
                    )
                )
    calibrations = {}
    for count in sorted(found):
        try:
            calibrations[count] = fit_calibration(found[count])
        except TamrlError:
            # No validation tower has a scored day of some flux: then there are no intervals.
            continue
    return calibrations
