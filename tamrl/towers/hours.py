"""Checking the clock of half-hourly and hourly records: the diurnal cycle of incoming radiation against the sun."""

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError

#: Shifts that are tried, hours.
MOST_SHIFT, TRIED_STEP = 12.0, 0.25
#: Hours with the sun up that a judgement needs: about a month.
LEAST_HOURS = 300
#: Shifts that are worth a word, hours: against local standard time, and against the zone of the longitude, from which
#: those of the 163 towers of FLUXNET2015 lie up to two hours off.
CLOCK_SHIFT, ZONE_SHIFT = 0.75, 2.5


def hourly_potential(lat: float, lon: float, middles: pd.DatetimeIndex, utc_offset: float) -> np.ndarray:
    """Return extraterrestrial radiation on a horizontal surface at instants of local standard time.

    Declination, distance and equation of time after Spencer 1971 as in pvlib (Anderson et al. 2023,
    doi:10.21105/joss.05994).

    Args:
        lat: degrees north.
        lon: degrees east.
        middles: (N,) instants, local standard time; of a half-hour its middle.
        utc_offset: local standard time less UTC, hours.

    Returns:
        (N,) W m-2, 0 at night.
    """
    from pvlib import irradiance, solarposition

    day = middles.day_of_year.to_numpy()
    clock = (middles - middles.normalize()) / pd.Timedelta(hours=1)
    solar = clock.to_numpy() + (4 * (lon - 15 * utc_offset) + solarposition.equation_of_time_spencer71(day)) / 60
    declination, phi, angle = solarposition.declination_spencer71(day), np.deg2rad(lat), np.deg2rad(15 * (solar - 12))
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    return np.maximum(irradiance.get_extra_radiation(day, method="spencer") * height, 0.0)


def hour_shift(radiation: pd.Series, lat: float, lon: float, utc_offset: float) -> float:
    """Return by how many hours a record of radiation runs late against the sun.

    The shift of the potential radiation, in quarters of an hour up to half a day either way, that correlates best with
    the record: clouds change the days, but mornings and afternoons alike. A record in UTC, in summer time, or stamped
    at the end of its steps is recognised in this way.

    Args:
        radiation: SW_IN or PPFD of any unit, index of middles of steps in what should be local standard time.
        lat: degrees north.
        lon: degrees east.
        utc_offset: of local standard time, hours.

    Returns:
        Hours, positive where the record is late; NaN with less than about a month of values or without a diurnal cycle.

    Raises:
        TamrlError: the steps are longer than an hour.
    """
    known = radiation.dropna()
    time = pd.DatetimeIndex(known.index)
    if len(time) > 1 and np.median(np.diff(time.values)) > np.timedelta64(1, "h"):
        raise TamrlError("The steps are longer than an hour", "radiation", "Give hourly or half-hourly values")
    if np.count_nonzero(known.to_numpy() > 0) < LEAST_HOURS or known.std() == 0:
        return float("nan")
    shifts = np.arange(-MOST_SHIFT, MOST_SHIFT, TRIED_STEP)
    r = []
    for shift in shifts:
        sun = hourly_potential(lat, lon, time - pd.Timedelta(hours=shift), utc_offset)
        r.append(np.corrcoef(known, sun)[0, 1] if sun.std() > 0 else -1.0)
    return float(shifts[int(np.argmax(r))])


def clock_note(radiation: pd.Series, lat: float, lon: float, utc_offset: float = float("nan")) -> str:
    """Return a sentence on a record that runs early or late against the sun; empty if it does not or cannot be judged.

    Where the time zone of the tower is not known, that of its longitude is assumed; national time zones differ from it
    by up to two hours, so that only larger shifts are reported.

    Args:
        radiation: SW_IN by the middles of steps, see ``hour_shift``.
        lat: degrees north, NaN where not known.
        lon: degrees east, NaN where not known.
        utc_offset: of local standard time, hours, NaN where not known.

    Raises:
        TamrlError: the steps are longer than an hour.
    """
    if not (np.isfinite(lat) and np.isfinite(lon)):
        return ""
    known = np.isfinite(utc_offset)
    offset = utc_offset if known else float(round(lon / 15))
    shift = hour_shift(radiation, lat, lon, offset)
    if not abs(shift) >= (CLOCK_SHIFT if known else ZONE_SHIFT):
        return ""
    side = "late" if shift > 0 else "early"
    zone = "its local standard time" if known else "the zone of its longitude"
    what = f"SW_IN runs {abs(shift):g} hours {side} against the sun in {zone} (UTC{offset:+g})"
    return f"{what}: its times may be in UTC or another zone, so that its days begin at the wrong hour"
