"""Drivers that a tower lacks, filled from the bundled global drivers at its position; each is marked as such.

Only slowly varying drivers, which depend on the place more than on the day, are filled: monthly precipitation, LAI and
EVI, as mean annual cycles. Daily weather is not: a climatology in its place would give the model days that never
occurred. The cost of either choice is measured in docs/benchmarks.md (``python -m benchmarks.missing_drivers``).
"""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.globe.earth import land_cells
from tamrl.towers.archive import Tower
from tamrl.towers.interpolate import to_days

#: Drivers that are filled, in the order of notes.
FILLED = ("P_MON", "LAI", "EVI")
SOURCE = "bundled global drivers, mean year"


def fill(tower: Tower, earth: xr.Dataset) -> list[str]:
    """Give a tower the drivers among ``FILLED`` of which it has no value at all, on the days of its record.

    Args:
        tower: changed in place: its table, its source, which names what was filled, and its notes.
        earth: of ``tamrl.globe.earth.load_earth``.

    Returns:
        Names of the drivers that were filled; none where its position is not known or lies a degree or more from land.
    """
    lacking = [name for name in FILLED if name in earth and not _has(tower, name)]
    cell = int(land_cells(earth, np.array([tower.lat]), np.array([tower.lon]))[0])
    if not lacking or cell < 0:
        return []
    days, found = pd.DatetimeIndex(tower.table.index), {}
    for name in lacking:
        year = earth[name].values.reshape(12, -1)[:, cell].astype(float)
        if np.isfinite(year).all():
            found[name] = daily_cycle(year, days, monthly=name == "P_MON")
    if found:
        tower.table = tower.table.assign(**found)
        names = ", ".join(found)
        tower.source = f"{tower.source}; {names}: {SOURCE}"
        tower.notes.append(f"{names} filled from the {SOURCE}: not observed at this tower")
    return list(found)


def daily_cycle(year: np.ndarray, days: pd.DatetimeIndex, monthly: bool) -> np.ndarray:
    """Return a mean annual cycle on days.

    Args:
        year: (12,) monthly means.
        days: (T,) days.
        monthly: repeat the mean of a month on each of its days, as P_MON is; else interpolate between their middles.

    Returns:
        (T,) float32.
    """
    if monthly:
        return year[days.month.to_numpy() - 1].astype(np.float32)
    starts = pd.date_range(
        days[0] - pd.offsets.MonthBegin(2), days[-1] + pd.offsets.MonthBegin(1), freq="MS"
    ).normalize()
    return to_days(starts, starts + pd.offsets.MonthBegin(1), year[starts.month.to_numpy() - 1], days).astype(
        np.float32
    )


def _has(tower: Tower, name: str) -> bool:
    return name in tower.table and bool(tower.table[name].notna().any())
