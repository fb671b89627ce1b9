"""Zonal means, totals and differences of global fields, everything weighted by land area.

Dimensions: lat, lon of a regular grid; G groups of cells (regions, classes, bands; see ``tamrl.maps.regions``). Each
cell is weighted by its area of land (``tamrl.globe.contract.land_area``), and cells without a value are left out. A
total is therefore that of the cells with a value, and its area is always given beside it.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import DAYS_PER_YEAR, GC_PER_PGC, edges, is_climatology
from tamrl.maps.time_means import Period, field, tells_months, years_of
from tamrl.schema import FLUX_UNIT

if TYPE_CHECKING:
    from tamrl.maps.regions import Groups

TOTAL_UNIT = "PgC yr-1"
#: m2 in a million km2.
M2_PER_MKM2 = 1e12
#: The row of a table by groups that stands for every cell with a value.
ALL = "All land"
#: Row of the totals of a climatology, whose years are not told apart.
MEAN_YEAR = 0
#: Bins of a histogram along one axis, and the share of the area that its range leaves out at either end.
BINS, _TAIL = 60, 0.0005


def zonal_mean(of: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Return the area-weighted zonal mean of a field (..., lat, lon): (..., lat) in its unit, NaN without land."""
    weight = area.where(of.notnull()).fillna(0)
    mean = (of.fillna(0) * weight).sum("lon") / weight.sum("lon").where(weight.sum("lon") > 0)
    mean.attrs = {**of.attrs, "cell_methods": "lon: mean (weighted by area of land)"}
    return mean.rename(of.name)


def zonal_total(of: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Return the total over the land of each row of latitude, (lat), PgC yr-1 per degree, comparable between grids.

    Args:
        of: mean flux (lat, lon), gC m-2 d-1.
        area: land of each cell, m2.
    """
    height = np.diff(edges(of["lat"].values, "lat"))
    whole = (of * area).sum("lon") * (DAYS_PER_YEAR / GC_PER_PGC)
    found = (whole / xr.DataArray(height, {"lat": of["lat"]}, ("lat",))).where(
        (area.where(of.notnull()) > 0).any("lon")
    )
    found.attrs = {"units": f"{TOTAL_UNIT} degree-1", "long_name": "Total of each degree of latitude"}
    return found.rename(of.name)


def hovmoeller(maps: xr.Dataset, name: str, area: xr.DataArray) -> xr.DataArray:
    """Return the zonal mean of each month of the mean year, (month, lat); one month of maps is read at a time.

    Args:
        maps: set of maps, may be lazy.
        name: GPP, RECO, NEE or ``<flux>_sd``.
        area: land of each cell, m2.

    Raises:
        TamrlError: the maps do not have the variable, or their steps are years.
    """
    if not tells_months(maps):
        what = "These maps have no seasonal cycle: their steps are years"
        raise TamrlError(what, str(maps.attrs.get("title", "maps")), "Choose monthly maps")
    present = np.unique(maps["time"].dt.month.values)
    rows = [zonal_mean(field(maps, name, Period(month=int(m))), area) for m in present]
    found = xr.concat(rows, pd.Index(present, name="month")).reindex(month=range(1, 13))
    found.attrs.pop("period", None)
    return found


def total(of: xr.DataArray, area: xr.DataArray) -> float:
    """Return the total over land of a mean flux (lat, lon) [gC m-2 d-1], PgC in a year of 365.25 days; area in m2."""
    return float((of * area).sum() * DAYS_PER_YEAR / GC_PER_PGC)


def annual_totals(maps: xr.Dataset, name: str, area: xr.DataArray, groups: "Groups | None" = None) -> pd.DataFrame:
    """Return the total of one flux in each year, over all land and over each group.

    Years that lack a month are left out, since part of a year has no annual total. Of a climatology, and of maps that
    have no whole year, there is one row ``MEAN_YEAR``. A cell that lacks some months enters with the mean of
    the others.

    Args:
        maps: set of maps, may be lazy; one year is read at a time.
        name: GPP, RECO or NEE.
        area: land of each cell, m2.
        groups: cells by region.

    Returns:
        DataFrame(year) [PgC yr-1], columns ``ALL`` and the names of the groups.

    Raises:
        TamrlError: the maps do not have the flux.
    """
    years = whole_years(maps) or (MEAN_YEAR,)
    rows = {year: group_totals(field(maps, name, Period(year=year or None)), area, groups) for year in years}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")


def group_totals(of: xr.DataArray, area: xr.DataArray, groups: "Groups | None" = None) -> dict[str, float]:
    """Return ``total`` of a mean flux (lat, lon) [gC m-2 d-1] over all land and over each group, PgC yr-1."""
    return {n: v * DAYS_PER_YEAR / GC_PER_PGC for n, v in group_sums(of, area, groups).items()}


def whole_years(maps: xr.Dataset) -> tuple[int, ...]:
    """Return the years that maps have every month of; none for a climatology."""
    if is_climatology(maps):
        return ()
    if not tells_months(maps):
        return years_of(maps)
    time = pd.DatetimeIndex(maps["time"].values)
    return tuple(y for y in years_of(maps) if time.month[time.year == y].nunique() == 12)


def group_sums(of: xr.DataArray, area: xr.DataArray, groups: "Groups | None" = None) -> dict[str, float]:
    """Return the sum of a field (lat, lon) times area [m2] over all cells with a value and over those of each group.

    Where no cell has a value the sums are NaN: nothing is known of them.
    """
    valid = np.isfinite(of.values) & (area.values > 0)
    product = np.where(valid, of.values, 0) * np.where(valid, area.values, 0)
    if not valid.any():
        return dict.fromkeys([ALL, *(groups.names.values() if groups is not None else ())], np.nan)
    found = {ALL: float(product.sum())}
    if groups is not None:
        sums = np.bincount(groups.codes.values.ravel(), product.ravel(), max(groups.names, default=0) + 1)
        found |= {name: float(sums[code]) for code, name in groups.names.items()}
    return found


def covered(of: xr.DataArray, area: xr.DataArray, groups: "Groups | None" = None) -> pd.Series:
    """Return the land [million km2] on which a field (lat, lon) has a value, in all and in each group; area in m2."""
    ones = of.where(of.isnull(), 1.0)
    return pd.Series(group_sums(ones, area, groups)).fillna(0.0) / M2_PER_MKM2


def differences(
    first: xr.DataArray, second: xr.DataArray, area: xr.DataArray, groups: "Groups | None" = None
) -> pd.DataFrame:
    """Return how two fields on one grid differ, weighted by area, over all land and within each group.

    Args:
        first: field (lat, lon).
        second: field (lat, lon) that the first is compared with.
        area: land of each cell, m2.
        groups: cells by region or class; a group without a cell where both have a value is left out.

    Returns:
        DataFrame(group): ``cells``; ``area``, million km2; ``first`` and ``second``, their means; ``bias``, first minus
        second; ``rmse``; ``correlation`` (Pearson, weighted), missing where one of the fields does not vary.
    """
    keep = np.isfinite(first.values) & np.isfinite(second.values) & (area.values > 0)
    a, b, w = (x.values[keep].astype(np.float64) for x in (first, second, area))
    rows = {ALL: _moments(a, b, w)}
    if groups is not None:
        code = groups.codes.values[keep]
        rows |= {name: _moments(a[code == c], b[code == c], w[code == c]) for c, name in groups.names.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    return table[(table["cells"] > 0) | (table.index == ALL)].astype({"cells": int})


def _moments(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> dict[str, float]:
    """Return the row of ``differences`` of N cells with weights."""
    whole = w.sum()
    row = {"cells": len(w), "area": whole / M2_PER_MKM2}
    if not len(w):
        return row | dict.fromkeys(("first", "second", "bias", "rmse", "correlation"), np.nan)
    share = w / whole
    mean_a, mean_b = share @ a, share @ b
    var_a, var_b = share @ (a - mean_a) ** 2, share @ (b - mean_b) ** 2
    both = np.sqrt(var_a * var_b)
    # A constant may have a variance that rounds to something above zero.
    varies = np.ptp(a) > 0 and np.ptp(b) > 0 and both > 0
    return row | {
        "first": mean_a,
        "second": mean_b,
        "bias": mean_a - mean_b,
        "rmse": np.sqrt(share @ (a - b) ** 2),
        "correlation": share @ ((a - mean_a) * (b - mean_b)) / both if varies else np.nan,
    }


def density(first: xr.DataArray, second: xr.DataArray, area: xr.DataArray, bins: int = BINS) -> xr.Dataset:
    """Return the area of land at each pair of values of two fields, and at each value of either.

    Both axes have the same bins, so that the 1:1 line is the diagonal. The range leaves out 0.05 % of the area at
    either end, so that single outliers do not compress the rest; ``outside`` is the area left out.

    Args:
        first: field (lat, lon).
        second: field (lat, lon) on the same grid.
        area: land of each cell, m2.
        bins: along each axis.

    Returns:
        Dataset (second, first) of ``area``, and ``area_first`` (first), ``area_second`` (second), million km2, over bin
        centres; attribute ``outside``, million km2.
    """
    keep = np.isfinite(first.values) & np.isfinite(second.values) & (area.values > 0)
    a, b, w = first.values[keep], second.values[keep], area.values[keep] / M2_PER_MKM2
    low, high = _range(np.concatenate([a, b]), np.concatenate([w, w]))
    ends = np.linspace(low, high, bins + 1)
    table, _, _ = np.histogram2d(b, a, (ends, ends), weights=w)
    middle = (ends[1:] + ends[:-1]) / 2
    about = {"units": FLUX_UNIT}
    return xr.Dataset(
        {
            "area": (("second", "first"), table, {"units": "1e6 km2"}),
            "area_first": ("first", np.histogram(a, ends, weights=w)[0], {"units": "1e6 km2"}),
            "area_second": ("second", np.histogram(b, ends, weights=w)[0], {"units": "1e6 km2"}),
        },
        coords={"first": ("first", middle, about), "second": ("second", middle, about)},
        attrs={"outside": float(w.sum() - table.sum())},
    )


def _range(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the values between which all but the tails of the weight lies, a little widened."""
    if not values.size:
        return 0.0, 1.0
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    low, high = (float(values[order][min(int(np.searchsorted(share, s)), len(share) - 1)]) for s in (_TAIL, 1 - _TAIL))
    pad = 0.01 * (high - low) or 0.5
    return low - pad, high + pad
