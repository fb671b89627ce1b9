"""The mean annual cycle of a class: the minimum that a model must beat."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.towers.quality import flux_table, valid_days


class Climatology:
    """Mean of each flux by IGBP class and day of year over the training towers, each tower counting the same.

    Zero-shot. Smoothed over 15 days around the year; a class that no training tower has takes the mean of all.
    """

    _WINDOW = 15

    def __init__(self) -> None:
        self._curves: dict[str, np.ndarray] = {}
        self._all = np.zeros((367, 3))

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each."""
        curves = [_day_of_year_means(tower) for tower in towers]
        classes = np.array([str(tower.igbp.item()) for tower in towers])
        self._all = self._smooth(curves)
        self._curves = {
            name: self._smooth([c for c, label in zip(curves, classes, strict=True) if label == name])
            for name in np.unique(classes)
        }

    def _smooth(self, curves: list[np.ndarray]) -> np.ndarray:
        """Return the mean over towers (367, 3), row d for day of year d, running over the turn of the year."""
        stacked = np.stack(curves)[:, 1:]
        n = np.isfinite(stacked).sum(axis=0)
        total = np.nan_to_num(stacked).sum(axis=0)
        mean = pd.DataFrame(np.where(n > 0, total / np.maximum(n, 1), np.nan))
        around = pd.concat([mean, mean, mean], ignore_index=True)
        rolled = around.rolling(self._WINDOW, center=True, min_periods=1).mean().interpolate(limit_direction="both")
        return np.vstack([np.zeros((1, 3)), rolled.iloc[366:732].to_numpy()])

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1; ``support`` is ignored."""
        curve = self._curves.get(str(tower.igbp.item()), self._all)
        curve = np.where(np.isfinite(curve), curve, self._all)
        day = pd.DatetimeIndex(tower.time.values).day_of_year
        return curve[day].astype(np.float32)


def _day_of_year_means(tower: xr.Dataset) -> np.ndarray:
    """Return (367, 3) means of the valid days by day of year, NaN where there are none; row 0 is unused."""
    fluxes = np.where(valid_days(tower)[:, None], flux_table(tower), np.nan)
    frame = pd.DataFrame(fluxes).groupby(pd.DatetimeIndex(tower.time.values).day_of_year).mean()
    return frame.reindex(range(367)).to_numpy()
