"""Antecedent conditions, for models that see one day at a time."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.model.drivers import driver_table

#: Days of the trailing means of the weather; of precipitation the season counts.
WINDOWS = (7, 30, 90)
RAIN_WINDOWS = (90,)
#: Days over which the change of the canopy is taken.
CHANGE_DAYS = 30
CANOPY, RAIN = ("LAI", "EVI"), ("P", "P_MON")
#: Known from position and date alone: their past says nothing new.
_ASTRONOMICAL = ("SW_IN_POT", "SW_IN_POT_TREND")


def lag_table(tower: xr.Dataset, drivers: tuple[str, ...]) -> np.ndarray:
    """Return the recent past of the drivers at each day of a tower's record.

    Trailing means over 7, 30 and 90 days of the weather, over 90 of precipitation, the day itself included, and the
    change of LAI and EVI over 30 days. Only the day and those before it enter, so a forecast could have them.

    Args:
        tower: Dataset(time), one tower's daily record.
        drivers: names of the inputs, of which the past is taken.

    Returns:
        (T, L) float32, NaN where fewer than half of the days of a mean are known, or either end of a change.
    """
    table = pd.DataFrame(driver_table(tower, drivers), columns=list(drivers))
    columns = []
    for name in drivers:
        if name in _ASTRONOMICAL:
            continue
        values = table[name]
        if name in CANOPY:
            columns.append(values - values.shift(CHANGE_DAYS))
            continue
        for days in RAIN_WINDOWS if name in RAIN else WINDOWS:
            columns.append(values.rolling(days, min_periods=(days + 1) // 2).mean())
    if not columns:
        return np.empty((len(table), 0), np.float32)
    return np.stack([column.to_numpy(np.float32) for column in columns], axis=1)
