"""Satellite series of weekly, 8-day or 16-day steps on the days of a tower, in place of monthly ones.

A value is dated by the first day of its step, as MODIS composites are, and is taken as that of its middle; days between
middles are interpolated as those of months are (``tamrl.towers.interpolate``). The last composite of a year may
be shorter: a step ends where the next begins.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tamrl.towers.archive import Tower
from tamrl.towers.interpolate import to_days

#: Column, in any case -> variable of the schema, in the schema's unit.
NAMES = {"fapar": "FAPAR", "fpar": "FAPAR", "lai": "LAI", "evi": "EVI", "ndvi": "NDVI"}
#: Ending of a column of flags: true where the value is a mean annual cycle and not a look at that time.
CLIMATOLOGY = "_is_climatology"


def columns(names: Iterable[str]) -> dict[str, str]:
    """Return column -> variable, or variable with ``_is_climatology``, of the satellite columns among ``names``.

    Of two columns for one variable the first is used.
    """
    found: dict[str, str] = {}
    for name in names:
        stem, flag, rest = name.lower().partition(CLIMATOLOGY)
        if stem in NAMES and not rest and NAMES[stem] + flag not in found.values():
            found[name] = NAMES[stem] + flag
    return found


def put_on_days(tower: Tower, series: pd.DataFrame, source: str) -> None:
    """Give a tower the variables of a satellite series within its record; what was there of them is replaced.

    A variable is taken from one source alone, never mixed; a series without a value in the record changes nothing.

    Args:
        tower: changed in place; what was replaced and what is not observed is noted.
        series: rows at first days of steps, ascending, each once; columns as ``columns`` names them.
        source: file, for the notes.
    """
    days = pd.DatetimeIndex(tower.table.index)
    for name in [n for n in series.columns if not n.endswith(CLIMATOLOGY)]:
        known = series[name].dropna()
        if known.empty:
            continue
        starts = pd.DatetimeIndex(known.index)
        ends = _ends(starts)
        values = to_days(starts, ends, known.to_numpy(float), days)
        if not np.isfinite(values).any():
            continue
        replaced = name in tower.table and bool(tower.table[name].notna().any())
        tower.table = tower.table.assign(**{name: values})
        if replaced:
            tower.notes.append(f"{name} from {source}, in place of the coarser one")
        if name + CLIMATOLOGY in series:
            within = (ends > days.min()) & (starts <= days.max())
            share = float((series[name + CLIMATOLOGY].reindex(starts).to_numpy(float)[within] > 0).mean())
            if share:
                tower.notes.append(
                    f"{100 * share:.0f} % of {name} from {source} is a mean annual cycle, not observed then"
                )


def _ends(starts: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the first day after each step: that of the next one, the usual step away at most."""
    gaps = np.diff(starts.values.astype("datetime64[D]")).astype(int)
    usual = int(np.median(gaps)) if gaps.size else 1
    return starts + pd.to_timedelta(np.append(np.minimum(gaps, usual), usual), unit="D")
