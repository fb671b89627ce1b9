"""Variables derived from others of the same tower where its source lacks them."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from tamrl.towers.archive import Tower

#: A month needs this many days of precipitation for a mean.
DAYS_FOR_MONTH = 20
#: A flux that is negative on more than this share of days is not derived; of the towers known 8 % at most.
IMPOSSIBLE_SHARE = 0.15
_THIRD = {"RECO": "GPP", "GPP": "RECO"}


def complete(tower: Tower, failed: Collection[str] = ()) -> Tower:
    """Add what is missing and follows from the rest, and note it: a third flux, monthly precipitation.

    - One of GPP and RECO without a single value follows from NEE = RECO - GPP (gC m-2 d-1); not where a flux of the
      tower was rejected as a whole, nor where the result is impossible, as with the sign of NEE reversed.
    - P_MON (mm d-1) is the mean of daily P over months with at least 20 days of it.
    """
    table = tower.table

    def has(name: str) -> bool:
        return name in table and bool(table[name].notna().any())

    third = next((name for name, other in _THIRD.items() if has("NEE") and has(other) and not has(name)), "")
    if third and {*_THIRD, "NEE"} & set(failed):
        tower.notes.append(f"{third} is not derived, since a flux of this tower was rejected")
    elif third:
        values = table["NEE"] + table["GPP"] if third == "RECO" else table["RECO"] - table["NEE"]
        how, below = ("NEE + GPP", -0.1) if third == "RECO" else ("RECO - NEE", -2.0)
        share = float((values.dropna() < below).mean())
        if share > IMPOSSIBLE_SHARE:
            said = f"{third} is not derived: {how} is below {below:g} gC m-2 d-1 on {100 * share:.0f} % of the days"
            tower.faults.append(f"{said}; check the signs of the fluxes (NEE is negative for uptake)")
        else:
            table = table.assign(**{third: values})
            tower.notes.append(f"{third} derived as {how}")
    if has("P") and not has("P_MON"):
        table = table.assign(P_MON=monthly_mean(table["P"]))
    tower.table = table
    return tower


def monthly_mean(daily: pd.Series) -> pd.Series:
    """Return the mean of each month on each of its days; missing where a month has fewer than 20 values."""
    groups = daily.groupby(pd.DatetimeIndex(daily.index).to_period("M"))
    mean, n = groups.transform("mean"), groups.transform("count")
    return mean.where(n >= DAYS_FOR_MONTH).astype(np.float32)
