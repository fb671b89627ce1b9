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

#: Factors that are compared, and pairs of them for GPP and RECO.
GRID = np.round(np.arange(0, 1.21, 0.1), 2)
PAIRS = np.array([(g, r) for g in GRID for r in GRID])
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
            best = int(np.argmin(_costs(here, PAIRS)))
            last = (PAIRS[best, 0], PAIRS[best, 1])
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


def _costs(table: pd.DataFrame, pairs: np.ndarray) -> np.ndarray:
    """Return (P,) the mean over towers and fluxes of the log ratio of RMSE, losses counting more.

    Args:
        table: of ``_moments``.
        pairs: (P, 2) factors of GPP and of RECO.
    """
    site, _ = pd.factorize(table["site"])
    square = {name: table[name].to_numpy() for name in table if name not in ("site", "shots")}
    of_site = np.equal.outer(np.unique(site), site)
    mean_of_site = of_site / of_site.sum(axis=1, keepdims=True)

    def errors(g: np.ndarray, r: np.ndarray) -> np.ndarray:
        """Return (3, P, sites) RMSE of GPP, RECO and NEE for columns (P, 1) of factors."""
        squares = np.stack(
            [
                square["eg eg"] + 2 * g * square["eg cg"] + g**2 * square["cg cg"],
                square["er er"] + 2 * r * square["er cr"] + r**2 * square["cr cr"],
                square["en en"]
                + 2 * r * square["en cr"]
                - 2 * g * square["en cg"]
                + g**2 * square["cg cg"]
                + r**2 * square["cr cr"]
                - 2 * g * r * square["cg cr"],
            ]
        )
        return np.sqrt(np.clip(squares, _TINY, None)) @ mean_of_site.T

    none = np.zeros((len(pairs), 1))  # of the same shape, so that factors of zero change exactly nothing
    ratio = np.log(errors(pairs[:, :1], pairs[:, 1:]) / errors(none, none))
    return np.mean(ratio + HARM * np.maximum(ratio, 0), axis=(0, 2))
