"""Fields of a set of maps: the mean over a part of time, the mean seasonal cycle, the cell of a position.

Only the steps asked for are read, in blocks, so that a long product at high resolution needs little memory.
"""

import calendar
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD, edges, flux_attributes, is_climatology, step_of_maps
from tamrl.timestep import time_ends

#: Months of each season.
SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}
MONTHS = tuple(calendar.month_name)[1:]
#: Steps that are read at once.
_BLOCK = 24


@dataclass(frozen=True)
class Period:
    """Which part of time a field is the mean of; with neither month nor season it is the whole year.

    Attributes:
        month: 1-12.
        season: DJF, MAM, JJA or SON; the December of a DJF belongs to the year before.
        year: None for the mean over all years, or the climatology.
    """

    month: int | None = None
    season: str | None = None
    year: int | None = None

    @property
    def label(self) -> str:
        """Return the period in words, for example ``July 2012`` or ``Whole year``."""
        part = MONTHS[self.month - 1] if self.month else self.season
        if part is None:
            return f"Year {self.year}" if self.year else "Whole year"
        return f"{part} {self.year}" if self.year else part

    @property
    def months(self) -> tuple[int, ...]:
        """Return the months of the year that belong to the period."""
        return (self.month,) if self.month else SEASONS[self.season] if self.season else tuple(range(1, 13))


def years_of(maps: xr.Dataset) -> tuple[int, ...]:
    """Return the years of a set of maps: none for a climatology."""
    if is_climatology(maps):
        return ()
    return tuple(int(year) for year in np.unique(pd.DatetimeIndex(maps["time"].values).year))


def years_with(maps: xr.Dataset, period: Period) -> tuple[int, ...]:
    """Return the years whose month or season maps have, a season with each of its months; none for a climatology."""
    return tuple(y for y in years_of(maps) if steps(maps, replace(period, year=y)).size)


def tells_months(maps: xr.Dataset) -> bool:
    """Return whether a set of maps resolves months: not where its steps are years."""
    return is_climatology(maps) or step_of_maps(maps) != "year"


def lacking_months(maps: xr.Dataset, year: int) -> tuple[int, ...]:
    """Return the months, 1-12, of a year that maps do not have; none for a climatology, or where steps are years."""
    if is_climatology(maps) or not tells_months(maps):
        return ()
    time = pd.DatetimeIndex(maps["time"].values)
    return tuple(sorted(set(range(1, 13)) - set(time.month[time.year == year])))


def unknown_months(maps: xr.Dataset, name: str, read: bool = True) -> tuple[int, ...]:
    """Return the months, 1-12, in which maps that tell months have no value of a flux, though in others they do.

    Args:
        maps: set of maps, may be lazy; of each month no more steps are read than until one has a value.
        name: GPP, RECO or NEE.
        read: whether values are looked at; else those months that the time of the maps lacks.

    Returns:
        The months; none where the maps lack the flux, have no value of it at all, or their steps are years.
    """
    if name not in maps or not tells_months(maps):
        return ()
    month, flux = maps["time"].dt.month.values, maps[name]

    def known(steps: np.ndarray) -> bool:
        return any(not read or bool(np.isfinite(flux.isel(time=i).values).any()) for i in steps)

    lacking = tuple(m for m in range(1, 13) if not known(np.flatnonzero(month == m)))
    return lacking if len(lacking) < 12 else ()


def span(maps: xr.Dataset) -> str:
    """Return the years of a set of maps in words: ``2001-2020``, or what its climatology is the mean of."""
    if is_climatology(maps):
        return str(maps.attrs["climatology"])
    years = years_of(maps)
    return f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])


def steps(maps: xr.Dataset, period: Period) -> np.ndarray:
    """Return the positions in time of the steps of a period, (n,), and none where it has no such step.

    A season of a year that lacks one of its months, as the first DJF of a record does, is left out, also of the mean
    over years.
    """
    time = pd.DatetimeIndex(maps["time"].values)
    if not tells_months(maps):
        whole = period.month is None and period.season is None
        return np.flatnonzero((time.year == (period.year or time.year)) & whole)
    chosen = np.isin(time.month, period.months)
    if is_climatology(maps):
        return np.flatnonzero(chosen)
    belongs = (time.year + (time.month == 12) if period.season == "DJF" else time.year).to_numpy()
    if period.season:
        months = pd.Series(time.month[chosen]).groupby(belongs[chosen]).nunique()
        chosen &= np.isin(belongs, months.index[months == len(period.months)])
    if period.year is not None:
        chosen &= belongs == period.year
    return np.flatnonzero(chosen)


def field(maps: xr.Dataset, name: str, period: Period) -> xr.DataArray:
    """Return the mean of one variable over a period, each step weighted by its days, (lat, lon), in memory.

    A cell is averaged over the steps that it has. The mean of standard deviations is the standard deviation of the mean
    only where errors are fully correlated between steps, as those of one model tend to be; else it is an upper bound.

    Args:
        maps: set of maps, see ``tamrl.globe.contract``, may be lazy.
        name: GPP, RECO, NEE or ``<flux>_sd`` (time, lat, lon), or a variable without time, which is returned as it is.
        period: which part of time.

    Raises:
        TamrlError: the maps do not have the variable or the period.
    """
    if name not in maps:
        raise TamrlError(f"{_what(name)} is not part of these maps", _title(maps), "Choose another layer or product")
    found = maps[name]
    if "time" not in found.dims:
        return found.load()
    chosen = steps(maps, period)
    if not chosen.size:
        part = period.month or period.season
        if part and not tells_months(maps):
            what = f"There is no {replace(period, year=None).label} in these maps: their steps are years"
            raise TamrlError(what, _title(maps), "Choose whole years")
        whole = " with each of its months" if period.season else ""
        todo = f"Choose another part of the year, or another of the years {span(maps)}"
        raise TamrlError(f"There is no {period.label}{whole} in these maps", _title(maps), todo)
    start = pd.DatetimeIndex(maps["time"].values)
    days = np.asarray((time_ends(start, step_of_maps(maps)) - start).total_seconds(), float)[chosen] / 86_400
    total = np.zeros((maps.sizes["lat"], maps.sizes["lon"]))
    weight = np.zeros_like(total)
    for at in range(0, chosen.size, _BLOCK):
        values = found.isel(time=chosen[at : at + _BLOCK]).transpose("time", "lat", "lon").values
        valid = np.isfinite(values)
        total += np.einsum("t,tij->ij", days[at : at + _BLOCK], np.where(valid, values, 0))
        weight += np.einsum("t,tij->ij", days[at : at + _BLOCK], valid)
    mean = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    attrs = {**flux_attributes(name), "cell_methods": "time: mean", "period": period.label}
    return xr.DataArray(mean, {"lat": maps["lat"], "lon": maps["lon"]}, ("lat", "lon"), name, attrs)


def cycle(maps: xr.Dataset, name: str, cell: tuple[float, float] | None = None) -> xr.DataArray:
    """Return the mean seasonal cycle of one variable, (month[, lat, lon]), in memory.

    Args:
        maps: set of maps, may be lazy.
        name: GPP, RECO, NEE or ``<flux>_sd``.
        cell: latitude and longitude; only the cell that contains them is read.

    Raises:
        TamrlError: the maps do not have the variable, or none of their months, or the cell lies outside them.
    """
    if cell is not None and name in maps:
        inside = cell_of(maps, *cell)
        if inside is None:
            raise TamrlError(f"{cell[0]:g}, {cell[1]:g} lies outside these maps", _title(maps), "Choose a place inside")
        row, column = inside
        # One read of the whole series, not one a month: files are often stored in blocks of time.
        maps = maps[[name]].isel(lat=[row], lon=[column]).load()
    present = [m for m in range(1, 13) if steps(maps, Period(month=m)).size]
    if not present:
        raise TamrlError(
            "These maps have no seasonal cycle: their steps are years", _title(maps), "Choose monthly maps"
        )
    found = xr.concat([field(maps, name, Period(month=m)) for m in present], pd.Index(present, name="month"))
    found = found.reindex(month=range(1, 13))
    found.attrs.pop("period", None)
    return found if cell is None else found.isel(lat=0, lon=0)


def doubtful(maps: xr.Dataset) -> xr.DataArray | None:
    """Return which cells lie outside the area of applicability, (lat, lon) bool.

    There the dissimilarity index is above its threshold. None where the maps have no such index. See Meyer and Pebesma
    (2021), doi:10.1111/2041-210X.13650.
    """
    if "extrapolation" not in maps or "threshold" not in maps["extrapolation"].attrs:
        return None
    index = maps["extrapolation"].load()
    return index > float(index.attrs["threshold"])


def nearest(centres: np.ndarray, value: float) -> int:
    """Return the index of the nearest of N cell centres (N,) to a value, in their unit."""
    return int(np.abs(np.asarray(centres) - value).argmin())


def cell_of(maps: xr.Dataset | xr.DataArray, lat: float, lon: float) -> tuple[int, int] | None:
    """Return row and column of the cell that a position lies in; None outside the maps, such as those of a region.

    Args:
        maps: with regular coordinates ``lat`` and ``lon``, ascending.
        lat: degrees north.
        lon: degrees east; 360 more or less is the same place.
    """
    south_north, west_east = (edges(maps[axis].values, axis) for axis in ("lat", "lon"))
    inside = [x for x in (lon, lon - 360, lon + 360) if west_east[0] <= x <= west_east[-1]]
    if not inside or not south_north[0] <= lat <= south_north[-1]:
        return None
    return nearest(maps["lat"].values, lat), nearest(maps["lon"].values, inside[0])


def _what(name: str) -> str:
    return f"The spread of {name.removesuffix(SD)}" if name.endswith(SD) else name


def _title(maps: xr.Dataset) -> str:
    return str(maps.attrs.get("title", "maps"))
