"""From half-hours and hours to local days: one set of rules for every sub-daily file of a tower.

- A step lies in the day in which it begins, in the time of the file, which is local standard time: the last step of a
  day ends at 00:00 of the next.
- A variable has a value on a day with at least 90 % of the steps; otherwise it is missing there.
- Meteorology is the mean over the steps that are there; TA_MIN and TA_MAX are the coldest and warmest of them.
- Fluxes are that mean, from umol CO2 m-2 s-1 to gC m-2 d-1 by 12.011e-6 g umol-1 and 86,400 s; precipitation is the
  mean of a step times the steps of a day. On days without gaps these are the sums; gaps do not make them smaller.
- NEE_QC is the fraction of the day's steps with flag 0 (measured) or 1 (gap-filled well), as FLUXNET defines the NEE_QC
  of its daily files (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3). A missing step counts as not good.
"""

import numpy as np
import pandas as pd

from tamrl import schema

#: Grams of carbon in a micromole of CO2, and seconds of a day.
CARBON, DAY_SECONDS = 12.011e-6, 86_400
#: From umol CO2 m-2 s-1 to gC m-2 d-1.
TO_DAILY_CARBON = CARBON * DAY_SECONDS
#: Share of a day's steps that a variable needs on that day.
LEAST_SHARE = 0.9
#: Quality flags of steps, and those that count as good.
FLAGS, GOOD_FLAGS = (0.0, 1.0, 2.0, 3.0), (0.0, 1.0)
_FLUX_LIKE = tuple(name for name, variable in schema.VARIABLES.items() if variable.unit == schema.FLUX_UNIT)


def to_days(steps: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Aggregate steps to local days.

    Args:
        steps: index of the beginnings of steps, local standard time, each once; columns named as in the schema: fluxes
            in umol CO2 m-2 s-1, NEE_QC as flag 0 to 3, P in mm a step, others in the units of the schema. NaN is
            missing.
        minutes: length of a step, 30 or 60.

    Returns:
        One row a day that has a step, ascending, in the units of the schema; with TA_MIN and TA_MAX where there is TA.
    """
    per_day = 24 * 60 // minutes
    days = pd.DatetimeIndex(steps.index).normalize().rename("date")
    values = steps.assign(NEE_QC=_good(steps["NEE_QC"])) if "NEE_QC" in steps else steps
    grouped = values.groupby(days)
    count, mean = grouped.count(), grouped.mean()
    enough = count >= LEAST_SHARE * per_day
    table = mean.where(enough)
    fluxes = [name for name in _FLUX_LIKE if name in table]
    table[fluxes] *= TO_DAILY_CARBON
    if "P" in table:
        table["P"] *= per_day
    if "NEE_QC" in table:
        table["NEE_QC"] *= count["NEE_QC"] / per_day
    if "TA" in table:
        extremes = grouped["TA"].agg(["min", "max"]).where(enough["TA"])
        table[["TA_MIN", "TA_MAX"]] = extremes[["min", "max"]]
    return table


def _good(flags: pd.Series) -> pd.Series:
    """Return 1 where a flag is good, 0 where it is not, NaN where there is none."""
    return flags.isin(GOOD_FLAGS).astype(float).where(flags.notna())


def unknown_flags(flags: pd.Series) -> pd.Series:
    """Return the values of a column of quality flags that are not 0 to 3, missing ones left out."""
    known = flags.dropna()
    return known[~known.isin(FLAGS)]


def gaps(steps: pd.DataFrame, table: pd.DataFrame, minutes: int) -> str:
    """Return in words what the 90 % rule left out; empty where it left out nothing.

    Args:
        steps: as given to ``to_days``.
        table: what it returned.
        minutes: length of a step.
    """
    some = steps.notna().groupby(pd.DatetimeIndex(steps.index).normalize()).any()
    lost = {name: int((some[name] & table[name].isna()).sum()) for name in some}
    named = ", ".join(f"{name} {n}" for name, n in lost.items() if n)
    if not named:
        return ""
    least = int(np.ceil(LEAST_SHARE * 24 * 60 / minutes))
    return f"days with values, but on fewer than {least} of {24 * 60 // minutes} steps, are missing ({named})"
