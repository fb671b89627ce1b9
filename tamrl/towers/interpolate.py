"""From coarser steps to days: vegetation changes between two satellite observations, precipitation is a monthly mean.

``tamrl.schema`` defines which variables are interpolated: those with ``state`` (LAI, EVI, NDVI, FAPAR). A value of a
month or of a composite stands for the middle of its step; days between two middles lie on the line between them.
Repeating the value instead would make LAI jump on the first of each month.

The mean over the days of a step is not exactly its value: with neighbours a and b and steps of equal length it is
0.125 a + 0.75 v + 0.125 b, so that peaks are slightly flattened. See docs/decisions/tower-data.md.
"""

import numpy as np
import pandas as pd

from tamrl import schema

#: Missing steps between two known ones that are still bridged; in a longer gap a value holds for its own step only.
BRIDGED = 2


def to_days(starts: pd.DatetimeIndex, ends: pd.DatetimeIndex, values: np.ndarray, days: pd.DatetimeIndex) -> np.ndarray:
    """Interpolate the values of steps linearly through the middles of the steps.

    Args:
        starts: (N,) first days of the steps, ascending, each once.
        ends: (N,) first days after the steps; steps do not overlap.
        values: (N, ...) one a step of each of any number of places, NaN where missing.
        days: (T,) days wanted, in any order.

    Returns:
        (T, ...) float32. A gap of at most two missing steps between known ones is bridged. In a longer one, before the
        first middle and after the last one, a value holds to the edge of its own step; beyond that days are missing.
    """
    first, last = _day_number(starts)[:, None], _day_number(ends)[:, None]
    middle, at = (first + last)[:, 0] / 2, _day_number(days)[:, None] + 0.5
    height = np.asarray(values, float).reshape(len(values), -1)
    known, number = np.isfinite(height), np.arange(len(height))[:, None]
    # Of each place the last known step before a day's place among the middles, and the first one after it.
    before = np.maximum.accumulate(np.where(known, number, -1))
    then = np.flip(np.minimum.accumulate(np.flip(np.where(known, number, len(height)), 0)), 0)
    after = np.searchsorted(middle, at[:, 0])
    left = np.where(after[:, None] > 0, before[np.maximum(after - 1, 0)], -1)
    right = np.where(after[:, None] < len(height), then[np.minimum(after, len(height) - 1)], len(height))
    both, neither = (left >= 0) & (right < len(height)), (left < 0) & (right == len(height))
    left, right = np.where(left < 0, right, left), np.where(right == len(height), left, right)
    left, right = (np.where(neither, 0, side) for side in (left, right))
    # Half a step more: months and the last composite of a year differ in length.
    longest = np.where(known, last - first, 0).max(axis=0)
    bridged = both & (first[right, 0] - last[left, 0] <= (BRIDGED + 0.5) * longest)
    weight = np.where(bridged, (at - middle[left]) / np.where(bridged, middle[right] - middle[left], 1), 0.0)
    low, high = (np.take_along_axis(height, side, axis=0) for side in (left, right))
    held = [(first[side, 0] <= at) & (at < last[side, 0]) & ~neither for side in (left, right)]
    found = np.where(bridged, (1 - weight) * low + weight * high, np.select(held, [low, high], np.nan))
    return found.astype(np.float32).reshape(len(days), *np.shape(values)[1:])


def _day_number(dates: pd.DatetimeIndex) -> np.ndarray:
    return dates.values.astype("datetime64[D]").astype(float)


def months_to_days(monthly: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Bring monthly variables to days: states on the line through the middles of months, means repeated.

    Args:
        monthly: one row a month, index of first days in any order, columns of the schema.
        days: (T,) days wanted.

    Returns:
        T rows, float32, the columns of ``monthly``.
    """
    rows = monthly.sort_index()
    starts = pd.DatetimeIndex(rows.index)
    ends = starts + pd.offsets.MonthBegin(1)
    repeated = rows.reindex(days.to_period("M").to_timestamp()).set_axis(days, axis=0).astype(np.float32)
    states = {
        name: to_days(starts, ends, rows[name].to_numpy(float), days)
        for name in rows.columns
        if schema.variable(str(name)).state
    }
    return repeated.assign(**states)
