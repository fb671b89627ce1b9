"""What follows from other variables of the same tower where a source does not carry it itself."""

import numpy as np
import pandas as pd

from tamrl.data.archive import Tower

#: A month needs this many days of precipitation for a mean.
DAYS_FOR_MONTH = 20


def complete(tower: Tower) -> Tower:
    """Add what is missing and follows from the rest, and note it: a third flux, monthly precipitation.

    - One of GPP and RECO without a single value follows from NEE = RECO - GPP (gC m-2 d-1).
    - P_MON (mm d-1) is the mean of daily P over months with at least 20 days of it.
    """
    table = tower.table

    def has(name: str) -> bool:
        return name in table and bool(table[name].notna().any())

    if has("NEE") and has("GPP") and not has("RECO"):
        table = table.assign(RECO=table["NEE"] + table["GPP"])
        tower.notes.append("RECO derived as NEE + GPP")
    elif has("NEE") and has("RECO") and not has("GPP"):
        table = table.assign(GPP=table["RECO"] - table["NEE"])
        tower.notes.append("GPP derived as RECO - NEE")
    if has("P") and not has("P_MON"):
        table = table.assign(P_MON=monthly_mean(table["P"]))
    tower.table = table
    return tower


def monthly_mean(daily: pd.Series) -> pd.Series:
    """Return the mean of each month on each of its days; missing where a month has fewer than 20 values."""
    groups = daily.groupby(pd.DatetimeIndex(daily.index).to_period("M"))
    mean, n = groups.transform("mean"), groups.transform("count")
    return mean.where(n >= DAYS_FOR_MONTH).astype(np.float32)
