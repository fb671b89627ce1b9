"""Fluxes at seven time scales: days, weeks, months, mean seasonal cycle, anomalies from it, years, the whole record.

A monthly record has months for days, and no scales of weeks and months.

Every scale is made of the scored days alone, of the same days for the observations and for every model.
Shapes: R series (the observed one and the models'), T days of record, N scored days.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tamrl.metrics import METRICS, MOMENTS, score_sets
from tamrl.timestep import TimeStep
from tamrl.wording import axis_step

SCALES = {
    "daily": "scored days",
    "weekly": "means of calendar weeks (Monday to Sunday) with at least 4 scored days",
    "monthly": "means of calendar months, every one of each year, with at least 10 scored days",
    "seasonal": "mean seasonal cycle: means by calendar month over all years, of months with at least 5 scored days "
    "in all (one value of a monthly record), where there are 6 such months",
    "anomaly": "scored days minus the own mean seasonal cycle, the mean of all scored days of all years within 15 days "
    "of the day of year",
    "interannual": "annual means of the anomalies, of years with scored days on at least 70 % of their days "
    "(of a monthly record, months), where there are 3 such years",
    "site-mean": "the mean of all scored days: one number a tower",
}
WEEK_DAYS, EACH_MONTH_DAYS, MONTH_DAYS, MONTHS, YEAR_SHARE, YEARS = 4, 10, 5, 6, 0.7, 3
#: Half the width, in days, of the window that smooths the mean seasonal cycle.
HALF_WINDOW = 15
_DAYS = 366
# numpy counts days from Thursday 1 January 1970.
_TO_MONDAY = 3


def to_scales(
    time: pd.DatetimeIndex, observed: np.ndarray, predicted: np.ndarray, scored: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the observed and predicted series of one flux at each scale.

    Args:
        time: T dates, all days or all months of a record.
        observed: (T,) gC m-2 d-1, NaN where missing.
        predicted: (M, T) gC m-2 d-1 of M models.
        scored: (T,) bool.

    Returns:
        Scale -> (N,) observed and (M, N) predicted, gC m-2 d-1; N = 0 where the scale has too few days. A day
        that a model leaves missing is missing at every scale of that model that it enters.
    """
    keep = scored & np.isfinite(observed)
    values = np.concatenate([observed[keep][None], predicted[:, keep]]).astype(np.float64)
    days = time[keep]
    step = axis_step(time)
    of_month, of_year = (MONTH_DAYS, 365) if step == TimeStep.DAILY else (1, 12)
    number = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    of_epoch = days.year.to_numpy() * 12 + days.month.to_numpy()
    anomaly = values - _seasonal_cycle(values, days.day_of_year.to_numpy() - 1) if len(days) else values
    series = {
        "daily": values,
        "weekly": _means(values, (number + _TO_MONDAY) // 7, WEEK_DAYS) if step == TimeStep.DAILY else values[:, :0],
        "monthly": _means(values, of_epoch, EACH_MONTH_DAYS) if step == TimeStep.DAILY else values[:, :0],
        "seasonal": _at_least(_means(values, days.month.to_numpy(), of_month), MONTHS),
        "anomaly": anomaly,
        "interannual": _at_least(_means(anomaly, days.year.to_numpy(), int(np.ceil(YEAR_SHARE * of_year))), YEARS),
        "site-mean": _means(values, np.zeros(len(days), np.int64), 1),
    }
    return {name: (x[0], x[1:]) for name, x in series.items()}


def score_scales(
    time: pd.DatetimeIndex,
    observed: np.ndarray,
    predicted: np.ndarray,
    scored: np.ndarray,
    scales: Iterable[str] = tuple(SCALES),
) -> pd.DataFrame:
    """Return the scores of M models at the scales wanted; see ``to_scales`` for the other arguments.

    Returns:
        M rows a scale, in the order of the models: ``model`` (0 to M - 1), ``scale``, ``n``, the scores and the
        moments. Of the scale ``site-mean``, one number, only ``mae``, ``bias`` and the two means are given.
    """
    return score_series([to_scales(time, observed, predicted, scored)], scales)[0]


def score_series(
    cases: Iterable[dict[str, tuple[np.ndarray, np.ndarray]]], scales: Iterable[str] = tuple(SCALES)
) -> list[pd.DataFrame]:
    """Return the scores of several cases, such as all fluxes of a tower, in one call of the library, which is faster.

    Args:
        cases: what ``to_scales`` returns of each.
        scales: those wanted.

    Returns:
        What ``score_scales`` returns of each case.
    """
    cases, scales = list(cases), tuple(scales)
    scores, tables = iter(score_sets([case[scale] for case in cases for scale in scales])), []
    for case in cases:
        parts = []
        for scale in scales:
            found, models = next(scores), len(case[scale][1])
            if scale == "site-mean":
                for name in {*METRICS, *MOMENTS} - {"mae", "bias", "mean_observed", "mean_predicted"}:
                    found[name] = np.full(models, np.nan)
            parts.append(pd.DataFrame({"model": np.arange(models), "scale": scale, **found}))
        tables.append(pd.concat(parts, ignore_index=True))
    return tables


def _means(values: np.ndarray, groups: np.ndarray, least: int) -> np.ndarray:
    """Return (R, G) means of (R, N) values over the groups that have at least ``least`` days, in order."""
    if not len(groups):
        return values[:, :0]
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    means = np.add.reduceat(values[:, order], starts, axis=1) / counts
    return means[:, counts >= least]


def _at_least(values: np.ndarray, count: int) -> np.ndarray:
    """Return the values, or none of them where there are fewer than ``count``."""
    return values if values.shape[1] >= count else values[:, :0]


def _seasonal_cycle(values: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return (R, N) the mean over all years within ``HALF_WINDOW`` days of each day of year, around the year.

    Args:
        values: (R, N).
        day: (N,) day of year from 0.
    """
    sums, counts = np.zeros((_DAYS, len(values))), np.bincount(day, minlength=_DAYS)
    np.add.at(sums, day, values.T)
    around = np.arange(-HALF_WINDOW, _DAYS + HALF_WINDOW) % _DAYS
    width = 2 * HALF_WINDOW + 1

    def windows(x: np.ndarray) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(x[around], width, axis=0).sum(axis=-1)

    cycle = windows(sums) / np.maximum(windows(counts), 1)[:, None]
    return cycle[day].T
