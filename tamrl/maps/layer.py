"""From a question to a field: which maps, which flux, which part of time, and what is subtracted.

A ``Layer`` is the question, hashable, so that its field can be cached. Maps and fields of entries are passed in, so
that a caller can cache them (``Reader``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from tamrl.maps import common_grid, time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.time_means import Period

#: Months whose values set the colour range of every month and season, so that it stays while they play.
_RANGE_MONTHS = (1, 4, 7, 10)
#: Percentiles that a colour range runs between.
TAILS = (2.0, 98.0)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The content of one map on screen: a field, or a field minus another.

    Attributes:
        entry: the maps.
        name: the variable.
        period: which part of time.
        other: the maps that are subtracted, None for none.
        other_period: which part of their time.
        vegetated: whether a difference leaves out land without vegetation, see ``tamrl.maps.regions.vegetated``.
    """

    entry: MapsEntry
    name: str
    period: Period
    other: MapsEntry | None = None
    other_period: Period | None = None
    vegetated: bool = False

    def over_months(self) -> list["Layer"]:
        """Return the layers of four months over the year where the period is a part of it, else the layer itself."""
        if not (self.period.month or self.period.season) or self.name == "extrapolation":
            return [self]
        other_year = self.other_period.year if self.other_period else None
        return [
            replace(
                self,
                period=Period(month=month, year=self.period.year),
                other_period=Period(month=month, year=other_year) if self.other else None,
            )
            for month in _RANGE_MONTHS
        ]


@dataclass(frozen=True)
class Reader:
    """The functions that layers are computed with; an application passes cached ones.

    Attributes:
        maps: entry -> its maps, lazy.
        field: entry, variable and period -> mean over the period, (lat, lon).
        vegetated: field -> which of its cells are vegetated, (lat, lon) bool.
    """

    maps: Callable[[MapsEntry], xr.Dataset]
    field: Callable[[MapsEntry, str, Period], xr.DataArray]
    vegetated: Callable[[xr.DataArray], xr.DataArray]

    def has(self, layer: Layer) -> bool:
        """Return whether the maps of a layer have the part of time that it asks for."""
        asked = [(layer.entry, layer.period)]
        if layer.other and layer.other_period:
            asked.append((layer.other, layer.other_period))
        return all(time_means.steps(self.maps(entry), period).size for entry, period in asked)

    def land(self, entry: MapsEntry) -> xr.DataArray | None:
        """Return the land fraction of maps, (lat, lon), where they have one."""
        return self.field(entry, "land_fraction", Period()) if "land_fraction" in self.maps(entry) else None

    def difference(self, layer: Layer) -> xr.DataArray:
        """Return one field minus the other (lat, lon), on the coarser of the two grids.

        Raises:
            TamrlError: maps do not have the variable or the period.
        """
        one, other, period = layer.entry, layer.other, layer.other_period
        assert other is not None  # a layer has both or none
        assert period is not None
        a, b, _ = common_grid.on_common_grid(
            self.field(one, layer.name, layer.period),
            self.field(other, layer.name, period),
            self.land(one),
            self.land(other),
        )
        found = (a - b).assign_attrs(a.attrs).rename(layer.name)
        return found.where(self.vegetated(found)) if layer.vegetated else found

    def compute(self, layer: Layer) -> xr.DataArray:
        """Return the field (lat, lon) of a layer, or its difference.

        Raises:
            TamrlError: the maps do not have the variable or the period.
        """
        return self.difference(layer) if layer.other else self.field(layer.entry, layer.name, layer.period)


def limits(
    layers: Iterable[Layer],
    reader: Reader,
    compute: Callable[[Layer], xr.DataArray],
    centred: bool,
    tails: tuple[float, float],
) -> tuple[float, float]:
    """Return the ends of the colour range of several layers, the same for every month and season of a year.

    Args:
        layers: what is shown.
        reader: of their maps.
        compute: returns the field of a layer: that of the reader, or a cached one.
        centred: whether the colour scale is diverging, centred on zero.
        tails: percentiles.
    """
    layers = tuple(layers)
    # A year may lack some of the months that set the range.
    wider = [one for layer in layers for one in layer.over_months() if reader.has(one)]
    found = [compute(one).values.ravel() for one in wider or layers]
    return colour_range(np.concatenate(found), centred, tails)


def colour_range(values: np.ndarray, centred: bool, tails: tuple[float, float] = TAILS) -> tuple[float, float]:
    """Return the ends of a colour range: percentiles of the values, the same on both sides of zero where ``centred``.

    Args:
        values: of any shape; missing ones do not count.
        centred: whether the colour scale is diverging, centred on zero.
        tails: lower and upper percentile, 0-100.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return (-1.0, 1.0) if centred else (0.0, 1.0)
    low, high = (float(v) for v in np.percentile(known, tails))
    if centred:
        end = max(abs(low), abs(high)) or 1.0
        return -end, end
    return low, high if high > low else low + 1.0
