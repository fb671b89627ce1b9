"""What every model of a comparison offers, and what the baselines share."""

from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.model.drivers import driver_table
from tamrl.towers.quality import flux_table, valid_days


class Model(Protocol):
    """A model that predicts a place it was not trained on.

    ``support`` are the days of that place whose observed fluxes a model may read; of these the valid
    ones count. A zero-shot model ignores them, a few-shot model cannot do without. No model reads
    fluxes on any other day of the place.
    """

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each."""
        ...

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1."""
        ...


def supported(tower: xr.Dataset, support: pd.DatetimeIndex | None, model: str) -> np.ndarray:
    """Return (T,) bool: the days whose fluxes a few-shot model may read.

    Args:
        tower: Dataset(time).
        support: the days offered.
        model: its name, for the message.

    Raises:
        TamrlError: no support day has a valid flux.
    """
    days = valid_days(tower)
    days &= pd.DatetimeIndex(tower.time.values).isin([] if support is None else support)
    if not days.any():
        raise TamrlError(
            f"The model {model} learns from days of the place itself, and no support day has a valid flux",
            str(tower.site.item()),
            "Give support days with quality of at least 0.7, or take a zero-shot model",
        )
    return days


def input_table(tower: xr.Dataset, drivers: tuple[str, ...]) -> np.ndarray:
    """Return (T, D + A): the drivers of the day, NaN where missing, and the classes of the place."""
    table = driver_table(tower, drivers)
    classes = tower_static(tower)
    return np.concatenate([table, np.broadcast_to(classes, (len(table), len(classes)))], axis=1)


def training_days(tower: xr.Dataset, drivers: tuple[str, ...], step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (N, D + A) and fluxes (N, 3) of every ``step``-th valid day of a tower."""
    days = np.flatnonzero(valid_days(tower))[::step]
    return input_table(tower, drivers)[days], flux_table(tower)[days]
