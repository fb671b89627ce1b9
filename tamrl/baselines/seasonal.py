"""The mean seasonal cycle of the support days: what can be done without any model."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.baselines.common import supported
from tamrl.towers.quality import flux_table

#: Days in a year of the circle on which days of year lie.
_YEAR = 365.25


class SeasonalCycle:
    """Mean of each flux by day of year over the support days, and nothing else. Few-shot.

    A Gaussian kernel over the circular distance in day of year (Nadaraya 1964, doi:10.1137/1109020)
    smooths it; the mean of the support counts as ``prior`` days at every day of year, so that seasons
    without support take that mean and a year of support follows the season. Both numbers were chosen on
    training towers (docs/decisions/benchmark.md).

    Args:
        width: standard deviation of the kernel, days.
        prior: days that the mean of the support counts as.
    """

    def __init__(self, width: float = 20.0, prior: float = 0.5) -> None:
        self.width, self.prior = width, prior

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn nothing: only the place's own days are used."""

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1.

        Raises:
            TamrlError: no support day has a valid flux.
        """
        days = supported(tower, support, "seasonal-cycle")
        of_year = pd.DatetimeIndex(tower.time.values).day_of_year.to_numpy()
        fluxes = flux_table(tower)[days].astype(np.float64)
        seen = np.isfinite(fluxes)
        apart = np.abs(np.arange(367)[:, None] - of_year[days][None])
        near = np.exp(-0.5 * (np.minimum(apart, _YEAR - apart) / self.width) ** 2)
        # A flux that no support day has stays unknown; the others are not held back by it.
        mean = np.full(3, np.nan)
        mean[seen.any(0)] = np.nansum(fluxes, 0)[seen.any(0)] / seen.sum(0)[seen.any(0)]
        curve = (near @ np.where(seen, fluxes, 0) + self.prior * mean) / (near @ seen + self.prior)
        return curve[of_year].astype(np.float32)
