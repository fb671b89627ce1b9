"""Model inputs of one tower at each step: archive variables and those that follow from position and date."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.data.steps import Step, step_of
from tamrl.errors import TamrlError
from tamrl.schema import DRIVERS

#: Inputs that are computed, not stored; of a monthly step the mean over its days.
DERIVED = {
    "SW_POT": "Mean extraterrestrial radiation on a horizontal surface, W m-2",
    "SW_POT_TREND": "Change of SW_POT over the preceding 10 days, W m-2: tells spring from autumn",
}
#: Days over which SW_POT_TREND is taken.
TREND_DAYS = 10
#: Drivers that come and go together, and the order in which groups are hidden: a new one goes to the end, or trained
#: models could not be trained again to the same weights.
_TOGETHER = (
    ("TA_MIN", "TA_MAX"), ("LAI", "EVI"), ("P_MON",), ("P",), ("VPD",), ("SW_IN",), ("TA",), ("SW_POT", "SW_POT_TREND"),
    ("NDVI_MIN", "NDVI_MAX"), ("C4",), ("FAPAR_MAX",), ("FAPAR",), ("NDVI",),
)  # fmt: skip
#: All groups: hidden together in training so that their absence is familiar; a driver in no other group is one alone.
GROUPS: tuple[tuple[str, ...], ...] = (
    *_TOGETHER,
    *((name,) for name in DRIVERS if not any(name in group for group in _TOGETHER)),
)


def extraterrestrial_radiation(latitude: float | np.ndarray, time: pd.DatetimeIndex) -> np.ndarray:
    """Return the daily mean extraterrestrial radiation on a horizontal surface.

    Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equation 21, with the sun's declination
    and distance after Spencer 1971 as in pvlib.

    Args:
        latitude: degrees north, one or (L,).
        time: T dates.

    Returns:
        (T,) or (L, T) float32, W m-2; NaN where the latitude is not known.
    """
    from pvlib import irradiance, solarposition

    day = time.day_of_year.to_numpy()
    declination = solarposition.declination_spencer71(day)
    normal = irradiance.get_extra_radiation(day, method="spencer")
    phi = np.deg2rad(np.asarray(latitude, float))[..., None]
    # Beyond the polar circles the sun does not set (or rise): the hour angle is pi (or 0).
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    mean = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return (normal * mean / np.pi).astype(np.float32)


def potential_radiation(latitude: float | np.ndarray, time: pd.DatetimeIndex, step: Step, shift: int = 0) -> np.ndarray:
    """Return the mean extraterrestrial radiation of each step; see ``extraterrestrial_radiation``.

    Args:
        latitude: degrees north, one or (L,).
        time: T starts of steps.
        step: daily or monthly; of a month the mean over its days is taken.
        shift: days by which all days are moved.

    Returns:
        (T,) or (L, T) float32, W m-2; NaN where the latitude is not known.
    """
    moved = pd.Timedelta(days=shift)
    if step == "1D":
        return extraterrestrial_radiation(latitude, time + moved)
    days = np.concatenate([pd.date_range(first, periods=first.days_in_month) + moved for first in time])
    each = extraterrestrial_radiation(latitude, pd.DatetimeIndex(days))
    lengths = time.days_in_month.to_numpy()
    return (np.add.reduceat(each, np.cumsum(lengths) - lengths, axis=-1) / lengths).astype(np.float32)


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
        if name == "SW_POT":
            column = potential_radiation(lat, time, step)
        elif name == "SW_POT_TREND":
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
