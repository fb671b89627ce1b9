"""Model inputs of one tower at each step: archive variables and those that follow from position and date."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.schema import DRIVERS, variable
from tamrl.solar import TREND_DAYS, potential_radiation
from tamrl.timestep import step_of

#: Inputs that are computed, not stored; of a monthly step the mean over its days.
DERIVED = {
    "SW_IN_POT": "Mean extraterrestrial radiation on a horizontal surface, W m-2",
    "SW_IN_POT_TREND": "Change of SW_IN_POT over the preceding 10 days, W m-2: tells spring from autumn",
}
#: First of each group of drivers in the order in which groups are hidden, before and after those derived: a new
#: group comes last, or trained models could not be trained again to the same weights.
_BEFORE = ("TA_MIN", "LAI", "P_MON", "P", "VPD", "SW_IN", "TA")
_AFTER = ("NDVI_MIN", "C4", "FAPAR_MAX", "FAPAR", "NDVI")


def _groups() -> tuple[tuple[str, ...], ...]:
    together: dict[str, list[str]] = {}
    for name in DRIVERS:
        together.setdefault(variable(name).group or name, []).append(name)
    groups = {names[0]: tuple(names) for names in together.values()}
    before, after = ([groups.pop(name) for name in names] for names in (_BEFORE, _AFTER))
    return (*before, tuple(DERIVED), *after, *groups.values())


#: Drivers that are hidden together in training, so that their absence is familiar: each driver is in one group.
GROUPS = _groups()


def driver_table(tower: xr.Dataset, names: tuple[str, ...]) -> np.ndarray:
    """Return the inputs of one tower in physical units.

    Args:
        tower: Dataset(time) with scalar coordinate ``lat``.
        names: D drivers, in the order wanted.

    Returns:
        (T, D) float32, NaN where missing or where the tower has no such driver.

    Raises:
        TamrlError: a name is neither an archive driver nor a derived one.
    """
    time, lat, step = pd.DatetimeIndex(tower.time.values), float(tower.lat), step_of(tower)
    columns = []
    for name in names:
        if name == "SW_IN_POT":
            column = potential_radiation(lat, time, step)
        elif name == "SW_IN_POT_TREND":
            column = potential_radiation(lat, time, step) - potential_radiation(lat, time, step, -TREND_DAYS)
        elif name in tower:
            column = tower[name].values.astype(np.float32)
        elif name in DRIVERS:
            column = np.full(len(time), np.nan, np.float32)
        else:
            known = ", ".join((*DRIVERS, *DERIVED))
            raise TamrlError(f"Unknown driver {name!r}", "model: drivers", f"Known drivers: {known}")
        columns.append(column)
    return np.stack(columns, axis=1)
