"""Daily products as monthly ones, lazily."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.data.globe import SD, step_days
from tamrl.errors import TamrlError


def to_months(maps: xr.Dataset) -> xr.Dataset:
    """Return the means of whole calendar months; monthly ones as they are.

    A month of which a day is missing is missing. Spreads are averaged like their fluxes, which takes the errors of the
    days of a month to be fully correlated: an upper bound. What has no time is kept.

    Args:
        maps: fluxes over time, daily or monthly, lazy or not; other dimensions may be any.

    Raises:
        TamrlError: the steps are neither days nor months.
    """
    if not maps.sizes["time"]:
        return maps
    days = step_days(maps).values
    if ((days >= 28) & (days <= 31)).all():
        return maps
    # A gap makes the day before it look long; days are as long as most of them.
    if np.median(days) != 1:
        what = f"The steps are {np.median(days):g} days long, neither days nor months"
        raise TamrlError(what, str(maps.attrs.get("title", "maps")), "Give a daily or a monthly product")
    timed = [name for name, array in maps.data_vars.items() if "time" in array.dims and "bnds" not in array.dims]
    groups = maps[timed].resample(time="MS")
    means = groups.mean(skipna=False, keep_attrs=True)
    length = pd.DatetimeIndex(means["time"].values).days_in_month.to_numpy()
    counted = maps["time"].resample(time="MS").count().values
    out = maps.drop_dims("time").assign(means.isel(time=counted == length))
    for name in timed:
        out[name] = out[name].astype(maps[name].dtype).transpose(*maps[name].dims)
        if str(name).endswith(SD):
            out[name].attrs["comment"] = "Errors of the days of a month taken as fully correlated: an upper bound"
    return out.assign_attrs(maps.attrs)
