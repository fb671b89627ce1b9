"""Daily products as monthly ones, lazily."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import ATTRIBUTE, MAP_STEPS, SD, step_days, step_of_maps


def to_months(maps: xr.Dataset) -> xr.Dataset:
    """Return the means of whole calendar months; monthly ones as they are.

    A month of which a day is missing is missing, and a note says so; in a calendar without leap days (attribute
    ``calendar``, or where 29 February is the one day that is missing, in every leap year) the 28 days of February are
    the whole of it. Spreads are averaged like their fluxes, which takes the errors of the
    days of a month to be fully correlated: an upper bound. Variables without time are kept.

    Args:
        maps: fluxes over time, daily or monthly, lazy or not; other dimensions may be any.

    Raises:
        TamrlError: the steps are neither days nor months.
    """
    if not maps.sizes["time"]:
        return maps
    step = step_of_maps(maps)
    if step == "month":
        return maps
    # A gap makes the day before it look long; days are as long as most of them.
    apart = float(np.median(step_days(maps.drop_attrs(deep=False)).values))
    if step != "day" or apart != 1:
        long = "years" if step == "year" else f"{apart:g} days long"
        what = f"The steps are {long}, neither days nor months"
        raise TamrlError(what, str(maps.attrs.get("title", "maps")), "Give a daily or a monthly product")
    timed = [name for name, array in maps.data_vars.items() if "time" in array.dims and "bnds" not in array.dims]
    groups = maps[timed].resample(time="MS")
    means = groups.mean(skipna=False, keep_attrs=True)
    counted = maps["time"].resample(time="MS").count().values
    whole = counted == _lengths(pd.DatetimeIndex(means["time"].values), maps)
    out = maps.drop_dims("time").assign(means.isel(time=whole))
    for name in timed:
        out[name] = out[name].astype(maps[name].dtype).transpose(*maps[name].dims)
        if str(name).endswith(SD):
            out[name].attrs["comment"] = "Errors of the days of a month taken as fully correlated: an upper bound"
    attrs = {**maps.attrs, ATTRIBUTE: MAP_STEPS["month"]}
    if (part := (counted > 0) & ~whole).any():
        said = f"{part.sum()} months of which days are missing were left out."
        attrs["notes"] = " ".join(filter(None, (str(maps.attrs.get("notes", "")), said)))
    return out.assign_attrs(attrs)


def _lengths(months: pd.DatetimeIndex, maps: xr.Dataset) -> np.ndarray:
    """Return the days of each month in the calendar that maps were counted in."""
    length = months.days_in_month.to_numpy()
    return np.where((months.month == 2) & without_leap_days(maps), 28, length)


def without_leap_days(maps: xr.Dataset) -> bool:
    """Return whether daily maps are of a calendar without 29 February, by their attribute or by their days."""
    if maps.attrs.get("calendar") == "noleap":
        return True
    time = pd.DatetimeIndex(maps["time"].values)
    gone = pd.date_range(time[0], time[-1]).difference(time)
    return bool(
        gone.size and ((gone.month == 2) & (gone.day == 29)).all() and not ((time.month == 2) & (time.day == 29)).any()
    )
