"""What TAM-RL is compared with, trained on the same towers and days, with the same inputs."""

from typing import ClassVar, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.data.drivers import driver_table
from tamrl.data.sequences import flux_table, static_inputs, valid_days
from tamrl.errors import TamrlError


class Baseline(Protocol):
    """A model that predicts a place it was not trained on."""

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each."""
        ...

    def predict(self, tower: xr.Dataset) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1."""
        ...


class Climatology:
    """Mean of each flux by IGBP class and day of year over the training towers, each tower counting the same.

    Smoothed over 15 days around the year; a class that no training tower has takes the mean of all.
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

    def predict(self, tower: xr.Dataset) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1."""
        curve = self._curves.get(str(tower.igbp.item()), self._all)
        curve = np.where(np.isfinite(curve), curve, self._all)
        day = pd.DatetimeIndex(tower.time.values).day_of_year
        return curve[day].astype(np.float32)


def _day_of_year_means(tower: xr.Dataset) -> np.ndarray:
    """Return (367, 3) means of the valid days by day of year, NaN where there are none; row 0 is unused."""
    fluxes = np.where(valid_days(tower)[:, None], flux_table(tower), np.nan)
    frame = pd.DataFrame(fluxes).groupby(pd.DatetimeIndex(tower.time.values).day_of_year).mean()
    return frame.reindex(range(367)).to_numpy()


class XGBoost:
    """Gradient-boosted trees on the drivers of the same day and the classes: the algorithm of FLUXCOM-X-BASE.

    Nelson, Walther et al. 2024, doi:10.5194/bg-21-5079-2024. One model a flux, as there. The inputs
    are those of the TAM-RL checkpoint compared with; the settings were chosen by grouped
    cross-validation over training towers (docs/decisions.md).
    """

    SETTINGS: ClassVar = {
        "n_estimators": 200, "max_depth": 6, "learning_rate": 0.05, "subsample": 0.5,
        "colsample_bytree": 0.6, "min_child_weight": 50, "tree_method": "hist",
    }  # fmt: skip

    def __init__(self, drivers: tuple[str, ...], seed: int = 0) -> None:
        self.drivers, self.seed = drivers, seed
        self._models: list = []

    def _inputs(self, tower: xr.Dataset) -> np.ndarray:
        """Return (T, D + A); trees read NaN as missing."""
        table = driver_table(tower, self.drivers)
        classes = static_inputs(str(tower.igbp.item()), str(tower.koeppen.item()))
        return np.concatenate([table, np.broadcast_to(classes, (len(table), len(classes)))], axis=1)

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each."""
        from xgboost import XGBRegressor

        days = [valid_days(tower) for tower in towers]
        inputs = np.concatenate([self._inputs(t)[d] for t, d in zip(towers, days, strict=True)])
        targets = np.concatenate([flux_table(t)[d] for t, d in zip(towers, days, strict=True)])
        self._models = []
        for flux in range(3):
            seen = np.isfinite(targets[:, flux])
            if not seen.any():
                raise TamrlError("The training towers have no valid day of a flux", "xgboost", "Ingest more towers")
            model = XGBRegressor(**self.SETTINGS, random_state=self.seed)
            self._models.append(model.fit(inputs[seen], targets[seen, flux]))

    def predict(self, tower: xr.Dataset) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1."""
        inputs = self._inputs(tower)
        return np.stack([model.predict(inputs) for model in self._models], axis=1)


#: Models that ``evaluate`` knows besides TAM-RL.
BASELINES = ("xgboost", "climatology")


def make_baseline(name: str, drivers: tuple[str, ...]) -> Baseline:
    """Return an untrained baseline by name.

    Raises:
        TamrlError: the name is not known.
    """
    if name == "xgboost":
        return XGBoost(drivers)
    if name == "climatology":
        return Climatology()
    raise TamrlError(f"Unknown model {name!r}", "--models", f"Known models: tamrl, {', '.join(BASELINES)}")
