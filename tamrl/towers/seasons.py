"""Monthly means of an archive, their mean annual cycles, and the correlation of two of them.

Glossary: S sites, M months.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.solar import potential_radiation
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.monthly import to_monthly

#: Months that a correlation needs.
LEAST_MONTHS = 12


@dataclass(frozen=True)
class Months:
    """The monthly means of an archive.

    Attributes:
        values: variable -> (S, M), with SW_IN_POT.
        month: (M,) 1 to 12.
    """

    values: dict[str, np.ndarray]
    month: np.ndarray

    def cycle(self, name: str) -> np.ndarray:
        """Return the mean seasonal cycle (S, 12); a calendar month without a value is missing."""
        values = self.values[name]
        known = np.isfinite(values)
        out = np.full((len(values), 12), np.nan)
        for m in range(12):
            here = known & (self.month == m + 1)
            n = here.sum(axis=1)
            total = np.where(here, values, 0).sum(axis=1)
            out[:, m] = np.where(n > 0, total / np.maximum(n, 1), np.nan)
        return out


def monthly_means(ds: xr.Dataset, names: tuple[str, ...]) -> Months:
    """Average variables of an archive (site, time) by month, those of ``names`` that it has, and add SW_IN_POT."""
    wanted = [n for n in names if n in ds]
    table = to_monthly(ds[wanted]) if step_of(ds) == TimeStep.DAILY else ds[wanted]
    time = pd.DatetimeIndex(table["time"].values)
    values = {n: table[n].transpose("site", "time").values.astype(float) for n in wanted}
    values["SW_IN_POT"] = potential_radiation(ds["lat"].values, time, TimeStep.MONTHLY).astype(float)
    return Months(values, time.month.to_numpy())


def correlation(a: np.ndarray, b: np.ndarray, least: int = LEAST_MONTHS) -> tuple[np.ndarray, np.ndarray]:
    """Return Pearson's r of the rows of two (S, M) arrays where both are known, and the number of pairs, each (S,).

    r is missing with fewer than ``least`` pairs or where one of them does not vary.
    """
    known = np.isfinite(a) & np.isfinite(b)
    n = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (np.where(known, v - (np.where(known, v, 0).sum(1) / n)[:, None], 0) for v in (a, b))
        r = (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return np.where(n >= least, r, np.nan), n


def amplitude(cycle: np.ndarray) -> np.ndarray:
    """Return the maximum minus the minimum of each cycle (S, 12), as (S,); NaN where a month is missing."""
    return np.max(cycle, axis=1) - np.min(cycle, axis=1)


def peak(cycle: np.ndarray) -> np.ndarray:
    """Return the phase (S,) of each cycle (S, 12): when its annual harmonic peaks, days from mid-January."""
    angle = 2 * np.pi * np.arange(12) / 12
    return np.angle(cycle @ np.exp(1j * angle)) / (2 * np.pi) * 365.25
