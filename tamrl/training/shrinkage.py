"""The shrinkage of the site effect given few days of a new place, fitted on validation towers.

The prior of the site effect is learnt on the towers that the network itself is fitted to. Their residuals are smaller
and more alike than those of a place that it has never seen, so its posterior there is overconfident: at held-out towers
the full correction leaves more towers worse than a shrunken one and gains less on average. A factor on the posterior
mean, fitted where nothing was trained, mends both: empirical Bayes in the sense of Efron and Morris (1973,
doi:10.1080/01621459.1973.10481350), with the loss that users care about.

Shapes: T days, M members.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble
from tamrl.model.site_effect import SHRINKAGE_DAYS
from tamrl.predict.ensemble import to_gaussian
from tamrl.predict.many import adapt_many
from tamrl.protocol.support_days import plans
from tamrl.towers.archive import record
from tamrl.towers.quality import flux_table

#: Factors that are compared.
GRID = np.round(np.arange(0, 1.21, 0.1), 2)
#: A tower that gets worse counts this much more than one that gets better by the same ratio.
HARM = 1.0
_TINY = 1e-9


def fit_shrinkage(ensemble: Ensemble, archive: xr.Dataset) -> dict[int, dict[str, float]]:
    """Fit the factors of GPP and of RECO for each number of days, on the validation towers of each member.

    At a tower the RMSE of GPP, RECO and NEE = RECO - GPP is the mean over the placements of the support. The factors
    minimise the mean over towers and fluxes of the log ratio of RMSE with support to RMSE without, in which a ratio
    above one counts ``1 + HARM`` times.

    Args:
        ensemble: K members with ``validation_sites``; their own shrinkage must be one.
        archive: Dataset(site, time) that holds them.

    Returns:
        Days of ``SHRINKAGE_DAYS`` -> ``{"GPP": factor, "RECO": factor}``; empty without a site effect of hard balance.
        Days that no validation tower has a record for take the factors of the next fewer days.
    """
    if ensemble.config.model.site_effect <= 0 or ensemble.config.model.balance != "hard":
        return {}
    table = pd.DataFrame(_moments(ensemble, archive))
    found: dict[int, dict[str, float]] = {}
    last = (1.0, 1.0)
    for days in map(int, SHRINKAGE_DAYS):
        here = table[table["shots"] == days] if len(table) else table
        if len(here):
            last = min(((g, r) for g in GRID for r in GRID), key=lambda pair: _cost(here, *pair))
        found[days] = {"GPP": float(last[0]), "RECO": float(last[1])}
    return found


def _moments(ensemble: Ensemble, archive: xr.Dataset) -> Iterable[dict[str, object]]:
    """Yield, a tower, placement and number of shots, the means of squares of which each RMSE is made.

    With errors e without support and corrections c of GPP (g) and RECO (r), the squared error of GPP is
    (e_g + s_g c_g)^2, that of NEE (e_n + s_r c_r - s_g c_g)^2: polynomials in the factors s.
    """
    shots = tuple(map(int, SHRINKAGE_DAYS))
    for member in ensemble.members:
        alone = dataclasses.replace(ensemble, members=[member])
        for site in member.info["validation_sites"]:
            tower = record(archive, site)
            observed = flux_table(tower)
            days = [p for p in plans(tower, shots=shots) if p.scored.any()]
            wanted = [(p, n) for p in days for n in p.supports]
            if not wanted:
                continue
            try:
                supports = [None, *(p.supports[n] for p, n in wanted)]
                ((_, members),) = adapt_many(alone, [tower], [supports])
            except TamrlError:
                # A tower without any of the drivers is trained on, all masked, but not predicted.
                continue
            before, *after = map(to_gaussian, members)
            for (plan, count), made in zip(wanted, after, strict=True):
                keep = plan.scored & np.isfinite(observed).all(axis=1)
                if keep.any():
                    error = (before.mean - observed)[keep]
                    moved = (made.mean - before.mean)[keep]
                    yield {"site": site, "shots": count, **_squares(error, moved)}


def _squares(error: np.ndarray, moved: np.ndarray) -> dict[str, float]:
    terms = {"eg": error[:, 0], "er": error[:, 1], "en": error[:, 2], "cg": moved[:, 0], "cr": moved[:, 1]}
    pairs = ("eg eg", "eg cg", "cg cg", "er er", "er cr", "cr cr", "en en", "en cg", "en cr", "cg cr")
    return {pair: float(np.mean(np.multiply(*(terms[k] for k in pair.split())))) for pair in pairs}


def _cost(table: pd.DataFrame, of_gpp: float, of_reco: float) -> float:
    """Return the mean over towers and fluxes of the log ratio of RMSE, losses counting more."""

    def errors(g: float, r: float) -> pd.DataFrame:
        squares = {
            "GPP": table["eg eg"] + 2 * g * table["eg cg"] + g**2 * table["cg cg"],
            "RECO": table["er er"] + 2 * r * table["er cr"] + r**2 * table["cr cr"],
            "NEE": table["en en"]
            + 2 * r * table["en cr"]
            - 2 * g * table["en cg"]
            + g**2 * table["cg cg"]
            + r**2 * table["cr cr"]
            - 2 * g * r * table["cg cr"],
        }
        return pd.DataFrame(squares).clip(lower=_TINY).pow(0.5).groupby(table["site"]).mean()

    ratio = np.log(errors(of_gpp, of_reco) / errors(0.0, 0.0)).to_numpy()
    return float(np.mean(ratio + HARM * np.maximum(ratio, 0)))
