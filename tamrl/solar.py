"""Sun above the atmosphere: daily and monthly mean radiation of a place, from latitude and date alone."""

import numpy as np
import pandas as pd

from tamrl.timestep import TimeStep

#: Days over which SW_IN_POT_TREND is taken.
TREND_DAYS = 10


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


def potential_radiation(
    latitude: float | np.ndarray, time: pd.DatetimeIndex, step: TimeStep, shift: int = 0
) -> np.ndarray:
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
    if step == TimeStep.DAILY:
        return extraterrestrial_radiation(latitude, time + moved)
    days = np.concatenate([pd.date_range(first, periods=first.days_in_month) + moved for first in time])
    each = extraterrestrial_radiation(latitude, pd.DatetimeIndex(days))
    lengths = time.days_in_month.to_numpy()
    return (np.add.reduceat(each, np.cumsum(lengths) - lengths, axis=-1) / lengths).astype(np.float32)
