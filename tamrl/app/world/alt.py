"""What charts of the World page show, in words: for readers who hear the page instead of seeing it."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.figures.world.charts import latitude
from tamrl.figures.world.map import number
from tamrl.maps.time_means import MONTHS


def month(value: float) -> str:
    """Return the name of a month, 1-12."""
    return MONTHS[int(value) - 1]


def extremes(values: pd.Series, unit: str, where: Callable[[float], str]) -> str:
    """Return the highest and the lowest of some values, and where they lie: ``highest 7.3 at 3° S, lowest ...``.

    Args:
        values: indexed by what ``where`` names.
        unit: as it is read out.
        where: the index in words.
    """
    known = values.dropna()
    if known.empty:
        return "no value"
    span = float(known.max() - known.min()) or 1.0
    high, low = (f"{number(float(known[at]), span)} {unit} ({where(at)})" for at in (known.idxmax(), known.idxmin()))
    return f"highest {high}, lowest {low}"


def curves(title: str, tables: Mapping[str, pd.Series], unit: str, where: Callable[[float], str]) -> str:
    """Return a title and, of each curve by its label, ``extremes``."""
    return " ".join([f"{title}.", *(f"{label}: {extremes(values, unit, where)}." for label, values in tables.items())])


def hovmoeller(title: str, table: xr.DataArray, unit: str) -> str:
    """Return where and when the zonal means of a mean year (month, lat) are highest and lowest."""
    values = table.transpose("month", "lat").values
    if not np.isfinite(values).any():
        return f"{title}. No value."
    span = float(np.nanmax(values) - np.nanmin(values)) or 1.0
    said = []
    for word, find in (("Highest", np.nanargmax), ("lowest", np.nanargmin)):
        row, column = np.unravel_index(find(values), values.shape)
        at = f"{latitude(round(float(table['lat'][column])))} in {month(float(table['month'][row]))}"
        said.append(f"{word} {number(float(values[row, column]), span)} {unit} at {at}")
    return f"{title}. {', '.join(said)}."


def amounts(title: str, values: Mapping[str, float], unit: str) -> str:
    """Return a title and each amount by its label, as ``Europe 5.2, Asia 30.1 PgC yr⁻¹``."""
    known = {label: value for label, value in values.items() if np.isfinite(value)}
    span = max((abs(value) for value in known.values()), default=0.0) or 1.0
    said = ", ".join(f"{label} {number(value, span)}" for label, value in known.items())
    return f"{title}. {said} {unit}." if said else f"{title}. No value."
