"""Intervals around an ensemble's mean, calibrated on towers that it was not trained on.

The spread of an ensemble says where its members disagree, not how much a day varies: on its own it is far too narrow.
So the variance of a day is modelled as a + b spread^2 + c size^2, since errors of daily fluxes grow with the flux, and
the intervals are mean -+ factor x sd, with factors that cover the wanted share of the days of validation towers. Errors
of some land-cover classes are larger than that (croplands, whose sowing and harvest no driver shows), so the sd is
multiplied by a factor of the class, shrunk towards one where few towers of it are known. Shapes: T days, C classes in
the order of ``schema.IGBP_CLASSES``, 3 fluxes GPP, RECO, NEE in gC m-2 d-1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.schema import FLUXES, IGBP, IGBP_CLASSES, UNKNOWN

LEVELS = (0.5, 0.9)
#: Towers that the factor of a class is worth before any is seen: to widen, and to narrow, which has to be earned.
WIDEN_TOWERS, NARROW_TOWERS = 6, 24
# gC m-2 d-1: keeps the fit defined where a spread or an error is zero everywhere.
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What a calibration learns from: one held-out tower.

    Attributes:
        observed: (T, 3) gC m-2 d-1, NaN where missing.
        mean: (T, 3) ensemble mean.
        spread: (T, 3) standard deviation that the ensemble gives: between members, and within where known.
        used: (T,) or (T, 3) bool, the days that count.
        site: name of the tower; several residuals may be of one.
        igbp: its land-cover class.
    """

    observed: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    used: np.ndarray
    site: str = ""
    igbp: str = UNKNOWN

    def of(self, flux: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return error, spread and size of one flux on the N days that count, (N,) each."""
        used = self.used if self.used.ndim == 1 else self.used[:, flux]
        keep = used & np.isfinite(self.observed[:, flux]) & np.isfinite(self.mean[:, flux])
        error = self.mean[keep, flux] - self.observed[keep, flux]
        return (error.astype(float), self.spread[keep, flux].astype(float), _size(self.mean)[keep, flux].astype(float))


def _size(mean: Any) -> Any:
    """Return (T, 3) what the noise of a flux grows with: GPP, RECO, and for NEE the sum of the two.

    NEE is a difference of two large fluxes and may be near zero where both, and its noise, are large.
    """
    size = abs(mean)
    size[..., 2] = size[..., 0] + size[..., 1]
    return size


def _like(values: Any, table: Any) -> Any:
    """Return a table as an array, or beside a tensor as one on its device: maps are computed there."""
    return np.array(table) if isinstance(values, np.ndarray) else values.new_tensor(table)


@dataclass(frozen=True)
class Calibration:
    """Coefficients that turn an ensemble mean and spread into prediction intervals.

    Attributes:
        variance: for GPP, RECO, NEE the a (gC2 m-4 d-2), b and c (1) of a + b spread^2 + c size^2.
        factors: level (0.5, 0.9) -> for GPP, RECO, NEE how many standard deviations to either side.
        towers: number of towers that it was fitted on.
        classes: land-cover class -> for GPP, RECO, NEE what the standard deviation is multiplied by; one elsewhere.
    """

    variance: tuple[tuple[float, float, float], ...]
    factors: Mapping[float, tuple[float, float, float]]
    towers: int
    classes: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    def of_class(self, igbp: str) -> "Calibration":
        """Return the calibration of places of one land-cover class, the same for all places."""
        squared = np.square(self.classes.get(igbp, (1.0, 1.0, 1.0)))
        variance = tuple(tuple(float(v) * k for v in row) for row, k in zip(self.variance, squared, strict=True))
        return Calibration(variance, self.factors, self.towers)

    def widening(self, shares: Any) -> Any:
        """Return (..., 3) what ``sd`` of places is multiplied by, the mean over their classes.

        Args:
            shares: (..., C or more) shares of the classes, summing to one, as an array or a tensor; what follows them
                is not read.
        """
        table = _like(shares, [self.classes.get(name, (1.0, 1.0, 1.0)) for name in IGBP_CLASSES])
        return shares[..., : len(IGBP_CLASSES)] @ table

    def sd(self, mean: Any, spread: Any) -> Any:
        """Return (T, 3) standard deviation of what will be observed, gC m-2 d-1, before that of the class.

        Args:
            mean: (T, 3) ensemble mean, an array or a tensor.
            spread: (T, 3) standard deviation over members, of the same kind.
        """
        a, b, c = _like(mean, self.variance).T
        return (a + b * spread**2 + c * _size(mean) ** 2) ** 0.5

    def interval(
        self, mean: np.ndarray, spread: np.ndarray, level: float, widening: np.ndarray | float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the (T, 3) lower and upper ends of the intervals that cover ``level`` of the days.

        Args:
            mean: (T, 3) ensemble mean.
            spread: (T, 3) standard deviation over members.
            level: 0.5 or 0.9.
            widening: (3,) of ``widening``.

        Raises:
            TamrlError: the level was not calibrated.
        """
        if level not in self.factors:
            known = ", ".join(f"{known:g}" for known in self.factors)
            raise TamrlError(f"No intervals were calibrated at {level:g}", "calibration", f"Known levels: {known}")
        half = np.array(self.factors[level]) * self.sd(mean, spread) * widening
        return mean - half, mean + half

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, for YAML; ``from_dict`` reads them."""
        return {
            "variance": {f: [float(v) for v in row] for f, row in zip(FLUXES, self.variance, strict=True)},
            "factors": {
                f"{level:g}": {f: float(v) for f, v in zip(FLUXES, row, strict=True)}
                for level, row in self.factors.items()
            },
            "towers": self.towers,
            "classes": {
                igbp: {f: float(v) for f, v in zip(FLUXES, row, strict=True)} for igbp, row in self.classes.items()
            },
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Calibration":
        """Return the calibration that ``to_dict`` wrote.

        Raises:
            TamrlError: a key is missing or holds no numbers.
        """
        try:
            variance = tuple(tuple(float(v) for v in content["variance"][f]) for f in FLUXES)
            factors = {float(k): _three(float(row[f]) for f in FLUXES) for k, row in content["factors"].items()}
            towers = int(content["towers"])
            # Checkpoints of 0.1 have none.
            classes = {str(k): _three(float(row[f]) for f in FLUXES) for k, row in content.get("classes", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TamrlError(f"Not a calibration: {error!r}", "calibration", "Calibrate again") from error
        if any(len(row) != 3 or min(row) < 0 for row in variance):
            raise TamrlError(
                "A calibration needs three variances of 0 or more a flux", "calibration", "Calibrate again"
            )
        return cls(tuple(_three(row) for row in variance), factors, towers, classes)


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    first, second, third = values
    return first, second, third


def fit_calibration(towers: Sequence[Residuals], levels: Sequence[float] = LEVELS) -> Calibration:
    """Fit the variance and the interval factors on held-out towers, each counting the same.

    The variance maximises the Gaussian likelihood. The factor of a level is the quantile of |error| / sd over the
    pooled days, each tower with the same total weight: split-conformal prediction (Lei et al. 2018,
    doi:10.1080/01621459.2017.1307116) for groups that stand for a population of groups (Dunn et al. 2022,
    doi:10.1080/01621459.2022.2060112, pooling CDFs). It covers the level on the average over new towers like these, not
    at each of them, and for many towers: the three variance terms come from the same ones. The correction
    (K + 1) / K for K towers is left out, since intervals of 90 % then covered 94 % at K = 17 (without it 89 %).
    The factor of a class is the ratio of its own quantile at 0.9 to that of all, shrunk in its logarithm.

    Raises:
        TamrlError: no tower has a day of a flux that counts.
    """
    factors: dict[float, list[float]] = {level: [] for level in levels}
    variance, classes = [], []
    for flux, name in enumerate(FLUXES):
        kept = [(tower, part) for tower, part in ((t, t.of(flux)) for t in towers) if len(part[0])]
        parts = [part for _, part in kept]
        if not parts:
            raise TamrlError(f"No tower has a valid day of {name} to calibrate on", "calibration", "Give more towers")
        weight = np.concatenate([np.full(len(p[0]), 1 / len(p[0])) for p in parts])
        error, spread, size = (np.concatenate([p[i] for p in parts]) for i in range(3))
        terms = _fit_variance(error, spread, size, weight)
        variance.append(terms)
        ratio = np.abs(error) / np.sqrt(terms[0] + terms[1] * spread**2 + terms[2] * size**2)
        for level in levels:
            factors[level].append(_quantile(ratio, weight, level))
        ratios = np.split(ratio, np.cumsum([len(p[0]) for p in parts])[:-1])
        classes.append(_class_factors([(t.site, t.igbp, r) for (t, _), r in zip(kept, ratios, strict=True)]))
    names = sorted({name for of_flux in classes for name in of_flux})
    by_class = {name: _three(of_flux.get(name, 1.0) for of_flux in classes) for name in names}
    return Calibration(tuple(variance), {k: _three(row) for k, row in factors.items()}, len(towers), by_class)


def _class_factors(ratios: Sequence[tuple[str, str, np.ndarray]], level: float = 0.9) -> dict[str, float]:
    """Return the factor of each class from (site, class, |error| / sd) of each residual, (N,) each."""

    def quantile(of: Sequence[tuple[str, str, np.ndarray]]) -> float:
        values = [r for _, _, r in of]
        weight = np.concatenate([np.full(len(r), 1 / len(r)) for r in values])
        return max(_quantile(np.concatenate(values), weight, level), _TINY)

    overall, found = quantile(ratios), {}
    for name in sorted({igbp for _, igbp, _ in ratios if igbp in IGBP}):
        own = [row for row in ratios if row[1] == name]
        count, move = len({site for site, _, _ in own}), np.log(quantile(own) / overall)
        found[name] = float(np.exp(move * count / (count + (WIDEN_TOWERS if move > 0 else NARROW_TOWERS))))
    return found


def _fit_variance(
    error: np.ndarray, spread: np.ndarray, size: np.ndarray, weight: np.ndarray
) -> tuple[float, float, float]:
    """Return a, b, c >= 0 that maximise the weighted Gaussian likelihood of errors with that variance."""
    from scipy.optimize import minimize

    weight = weight / weight.sum()
    typical = max(float((weight * error**2).sum()), _TINY**2)
    # In units of the typical squared error each term is of order one, whatever the unit of the flux.
    second = [max(float((weight * x**2).sum()), _TINY**2) for x in (spread, size)]
    terms = np.stack([np.ones_like(error), spread**2 / second[0], size**2 / second[1]])
    squared = error**2 / typical

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        v = x @ terms
        slope = weight * (1 / v - squared / v**2)
        return float((weight * (np.log(v) + squared / v)).sum()), terms @ slope

    # What is zero on every day says nothing: its coefficient is zero, not whatever the search began with.
    told = [s > (_TINY * 1e3) ** 2 for s in second]
    start = np.array([1.0, *(1 / 3 if t else 0.0 for t in told)])
    bounds = [(1e-3, 50), *((0, 50) if t else (0, 0) for t in told)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return _three(float(v) for v in found * typical / np.array([1.0, *second]))


def _quantile(values: np.ndarray, weight: np.ndarray, level: float) -> float:
    """Return the smallest value that at least ``level`` of the weight does not exceed."""
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(share, level - 1e-12)), len(values) - 1)])


def crps_gaussian(observed: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of normal distributions, in the unit of the flux.

    Gneiting et al. 2005, doi:10.1175/MWR2904.1, equation 5; ``scores`` has it for ensembles and CDFs alone.

    Args:
        observed: any shape.
        mean: of the distributions, the same shape.
        sd: of the distributions, above zero, the same shape.
    """
    from scipy.special import ndtr

    z = (observed - mean) / sd
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return sd * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))


def interval_scores(tower: Residuals, calibration: Calibration) -> pd.DataFrame:
    """Score the intervals at one tower.

    Args:
        tower: observed and predicted fluxes, and the scored days.
        calibration: fitted on other towers, at 0.5 and 0.9.

    Returns:
        One row a flux: ``flux``, ``n``; ``coverage50``, ``coverage90``, shares of the days inside; ``width50``,
        ``width90``, mean widths; ``crps`` of the normal distribution with the calibrated sd, mean; ``spread``, root
        mean square of that sd, which equals ``rmse`` where it is right (spread-skill); gC m-2 d-1. NaN without a day.
    """
    sd = calibration.sd(tower.mean, tower.spread)
    ends = {level: calibration.interval(tower.mean, tower.spread, level) for level in LEVELS}
    rows = []
    for i, flux in enumerate(FLUXES):
        used = tower.used if tower.used.ndim == 1 else tower.used[:, i]
        keep = used & np.isfinite(tower.observed[:, i]) & np.isfinite(tower.mean[:, i])
        o, m, s = (x[keep, i].astype(float) for x in (tower.observed, tower.mean, sd))
        row: dict[str, Any] = {"flux": flux, "n": len(o)}
        for level, (low, high) in ends.items():
            inside = (o >= low[keep, i]) & (o <= high[keep, i])
            row[f"coverage{level * 100:.0f}"] = inside.mean() if len(o) else np.nan
            row[f"width{level * 100:.0f}"] = (high - low)[keep, i].mean() if len(o) else np.nan
        row["crps"] = crps_gaussian(o, m, s).mean() if len(o) else np.nan
        row["spread"] = np.sqrt(np.square(s).mean()) if len(o) else np.nan
        row["rmse"] = np.sqrt(np.square(m - o).mean()) if len(o) else np.nan
        rows.append(row)
    columns = ["flux", "n", "coverage50", "coverage90", "width50", "width90", "crps", "spread", "rmse"]
    return pd.DataFrame(rows)[columns]
