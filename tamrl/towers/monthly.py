"""From a daily archive to a monthly one, with the static values of the bundled global drivers at each position.

Means of a month are taken over its days as published, gap-filled ones included, as FLUXNET's own monthly files do
(Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3): days of good quality alone would be the dry and windy ones.
The quality of a month is the mean over its days, so that a month of gap-filled values does not count as observed.
"""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.globe.earth import STATIC_DRIVERS, at_positions
from tamrl.timestep import ATTRIBUTE, TimeStep, step_of
from tamrl.towers.archive import now
from tamrl.towers.checks import attributes

#: Share of the days of a month that a mean needs.
LEAST_SHARE = 0.8


def to_monthly(daily: xr.Dataset, earth: xr.Dataset | None = None) -> xr.Dataset:
    """Average a daily archive by calendar month.

    Args:
        daily: Dataset(site, time) of daily steps.
        earth: of ``tamrl.globe.earth.load_earth``; then each tower has the static drivers of its position, too.

    Returns:
        Dataset(site, time) of months dated by their first day; a mean needs 80 % of the days of its month.

    Raises:
        TamrlError: the archive is not daily.
    """
    if step_of(daily) != TimeStep.DAILY:
        raise TamrlError("The archive is monthly already", "aggregate", "Give a daily workspace")
    month = daily["time"].values.astype("datetime64[M]")
    first, start = np.unique(month, return_index=True)
    time = pd.DatetimeIndex(first.astype("datetime64[ns]"))
    arrays = {}
    for name in daily.data_vars:
        values = daily[name].transpose("site", "time").values.astype(np.float64)
        known = np.isfinite(values)
        n = np.add.reduceat(known.astype(int), start, axis=1)
        total = np.add.reduceat(np.where(known, values, 0), start, axis=1)
        enough = n >= LEAST_SHARE * time.days_in_month.to_numpy()
        if name == "NEE_QC":
            # Days without quality were not observed.
            enough, n = n > 0, np.broadcast_to(time.days_in_month.to_numpy(), n.shape)
        arrays[str(name)] = np.where(enough, total / np.maximum(n, 1), np.nan)
    coords = {n: daily[n] for n in daily.coords if n != "time"} | {"time": time}
    if earth is not None:
        at = at_positions(earth, daily["lat"].values, daily["lon"].values)
        # Only within the tower's record, or every tower would seem to have one over all years.
        inside = np.any([np.isfinite(arrays[n]) for n in (*schema.FLUXES, *schema.DRIVERS) if n in arrays], axis=0)
        for name in [n for n in STATIC_DRIVERS if n in at]:
            arrays[name] = np.where(inside, at[name].to_numpy()[:, None], np.nan)
    attrs = dict(daily.attrs) | {
        ATTRIBUTE: TimeStep.MONTHLY.value,
        "title": "Monthly fluxes and drivers at flux towers",
        "history": "\n".join(filter(None, [str(daily.attrs.get("history", "")), f"{now()} averaged by month"])),
    }
    names = [name for name in schema.VARIABLES if name in arrays]
    data = {n: (("site", "time"), arrays[n].astype(np.float32), attributes(n)) for n in names}
    return xr.Dataset(data, coords, attrs)
