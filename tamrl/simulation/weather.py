"""Daily weather of the simulated towers: seasons, fronts, clouds and rain that belong together."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from tamrl.simulation.sites import Sites
from tamrl.solar import extraterrestrial_radiation

YEAR = 365.25


def running_mean(values: np.ndarray, days: float | np.ndarray) -> np.ndarray:
    """Return the exponential running mean over the past.

    Args:
        values: (..., T), one value a day.
        days: time scale, one number or one a row (first axis).

    Returns:
        (..., T), starting from the first value.
    """
    scales = np.broadcast_to(np.asarray(days, float), values.shape[:-1])
    out = np.empty_like(values, dtype=float)
    for row in np.ndindex(*values.shape[:-1]):
        keep = np.exp(-1.0 / scales[row])
        out[row] = lfilter([1 - keep], [1, -keep], values[row], zi=[keep * values[row][0]])[0]
    return out


def saturation(temperature: np.ndarray) -> np.ndarray:
    """Return the saturation vapour pressure in hPa over water; Allen et al. 1998, FAO 56, equation 11; degC in."""
    return 6.108 * np.exp(17.27 * temperature / (temperature + 237.3))


def make_weather(sites: Sites, time: pd.DatetimeIndex, seed: int) -> dict[str, np.ndarray]:
    """Simulate daily weather.

    Wet days come from a Markov chain, clouds follow them, and clouds lower radiation and the daily temperature
    range; temperature anomalies persist for days and are larger in winter; air dries out between rains.

    Returns:
        SW_IN_POT, SW_IN (W m-2), CLEAR (SW_IN / SW_IN_POT), TA, TA_MIN, TA_MAX (degC), VPD (hPa), P (mm d-1); each
        (S, T).
    """
    parts = [_one_place(sites, s, time, np.random.default_rng([seed, s, 1])) for s in range(len(sites.site))]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def _one_place(sites: Sites, s: int, time: pd.DatetimeIndex, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Simulate the weather of one place; see ``make_weather``."""
    day = time.day_of_year.to_numpy()
    potential = extraterrestrial_radiation(float(sites.lat[s]), time).astype(float)
    rain, chance = _rain(sites, s, day, rng)
    wet = rain > 0
    cloud = 0.13 + 0.25 * np.sqrt(chance / 0.4) + 0.40 * wet + 0.16 * _persistent(rng, len(day), 2.0)
    cloud = np.clip(cloud, 0.0, 1.0)
    clear = 0.76 - 0.60 * cloud

    # The warmest day comes about four weeks after the summer solstice.
    warmest = 200.0 if sites.lat[s] >= 0 else 17.0
    season = np.cos(2 * np.pi * (day - warmest) / YEAR)
    spread = (1.0 + 0.17 * sites.half_range[s]) * (1.0 - 0.25 * season)
    yearly = rng.normal(0, 0.12 + 0.03 * sites.half_range[s], time.year.max() - time.year.min() + 1)
    by_cloud = 6.0 * (0.45 - cloud) * (potential / 400.0 - 0.35)
    mean = sites.mean[s] + sites.half_range[s] * season + spread * _persistent(rng, len(day), 4.0)
    mean = mean + by_cloud + yearly[time.year - time.year.min()]

    dry = np.exp(-running_mean(rain, 20.0) / 1.3)
    swing = (7.0 + 6.0 * dry) * (1.35 - 0.9 * cloud) * (0.55 + 0.45 * np.clip(potential / 300.0, 0, 1))
    swing = np.clip(swing * np.exp(0.12 * rng.normal(size=len(day))), 1.5, 26.0)
    low, high = mean - 0.5 * swing, mean + 0.5 * swing
    dew = low - 0.3 - 11.0 * dry * (1.0 - 0.6 * wet)
    vpd = np.clip(0.9 * (0.5 * (saturation(low) + saturation(high)) - saturation(dew)), 0.02, 70.0)
    return {
        "SW_IN_POT": potential,
        "SW_IN": clear * potential,
        "CLEAR": clear,
        "TA": mean,
        "TA_MIN": low,
        "TA_MAX": high,
        "VPD": vpd,
        "P": rain,
    }


def _persistent(rng: np.random.Generator, n: int, days: float) -> np.ndarray:
    """Return (n,) first-order autoregressive noise of unit variance that forgets over ``days``."""
    keep = np.exp(-1.0 / days)
    return lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.normal(size=n))


def _rain(sites: Sites, s: int, day: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return daily precipitation (mm d-1) and the climatological chance of a wet day, each (T,)."""
    weight = np.exp(sites.season[s] * np.cos(2 * np.pi * (day - sites.wettest[s]) / YEAR))
    climatology = sites.rain[s] / YEAR * weight / weight.mean()
    per_wet_day = 3.5 + 0.0035 * sites.rain[s]
    chance = np.clip(climatology / per_wet_day, 0.005, 0.8)
    draws, amounts = rng.random(len(day)), rng.gamma(0.8, 1 / 0.8, len(day))
    wet, state = np.zeros(len(day), bool), False
    persistence = 0.3
    for t in range(len(day)):
        state = draws[t] < chance[t] * (1 - persistence) + persistence * state
        wet[t] = state
    return np.where(wet, amounts * climatology / chance, 0.0), chance
