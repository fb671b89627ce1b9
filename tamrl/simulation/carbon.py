"""Leaves, soil water, uptake and respiration of the simulated towers, without measurement errors."""

import numpy as np
import pandas as pd

from tamrl.simulation.sites import Sites
from tamrl.simulation.weather import running_mean, saturation

#: MJ m-2 d-1 per W m-2.
MEGAJOULE = 0.0864
#: Share of shortwave radiation that plants can use; Monteith 1972, doi:10.2307/2401901.
PAR_SHARE = 0.45
#: Latent heat of vaporisation, MJ kg-1, and psychrometric constant, hPa K-1; Allen et al. 1998, FAO 56.
LATENT_HEAT, PSYCHROMETRIC = 2.45, 0.66
#: Lloyd and Taylor 1994, doi:10.2307/2389824, equation 11: reference 10 degC, and T0 in degC.
REFERENCE, LOWEST = 10.0, -46.02
#: First and last day of growth of each crop, and the days of the year on which leaves are cut (northern hemisphere).
SEASONS = {"summer": ((125, 275),), "winter": ((50, 205),), "double": ((55, 163), (172, 275))}
CUTS = {"mown": (150, 205, 262)}


def ramp(values: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """Return 0 below ``low``, 1 above ``high`` and a straight line between."""
    return np.clip((values - low) / (np.asarray(high) - low), 0.0, 1.0)


def lloyd_taylor(temperature: np.ndarray, activation: np.ndarray) -> np.ndarray:
    """Return respiration relative to that at 10 degC (Lloyd and Taylor 1994).

    Args:
        temperature: degC, (S, T); taken as -20 degC where colder, as soils under snow are.
        activation: E0 in K, (S,).
    """
    warm = np.maximum(temperature, -20.0)
    return np.exp(activation[:, None] * (1.0 / (REFERENCE - LOWEST) - 1.0 / (warm - LOWEST)))


def grow(sites: Sites, weather: dict[str, np.ndarray], time: pd.DatetimeIndex, seed: int) -> tuple[np.ndarray, ...]:
    """Step leaves and soil water through time, since each needs the other's yesterday.

    Returns:
        leaf area index (m2 m-2) and soil water as a share of what roots can hold, each (S, T).
    """
    allowed, cut = _management(sites, time, seed)
    warm = running_mean(weather["TA"], 15.0)
    woody = np.isin(sites.igbp, ("DBF", "MF", "WET")) & (np.abs(sites.lat) > 30)
    thirsty = np.isin(sites.igbp, ("GRA", "SAV", "OSH", "CRO", "WSA"))
    by_season = ramp(warm, sites.green_up[:, None], sites.green_up[:, None] + 8.0) * allowed
    by_season *= np.where(woody[:, None], ramp(weather["SW_IN_POT"], 150.0, 280.0), 1.0)
    demand = _evaporation(weather)
    leaf_share, water, snow = by_season[:, 0].copy(), 0.7 * sites.roots, np.zeros(len(sites.site))
    leaves, soil = np.empty_like(warm), np.empty_like(warm)
    for t in range(len(time)):
        frozen = weather["TA"][:, t] < 0
        rain = weather["P"][:, t]
        melt = np.minimum(snow, np.where(frozen, 0.0, 3.0 * weather["TA"][:, t]))
        snow += np.where(frozen, rain, 0.0) - melt
        filled = water / sites.roots
        target = by_season[:, t] * np.where(thirsty, ramp(filled, 0.08, 0.35), 1.0)
        leaf_share += (target - leaf_share) / np.where(target > leaf_share, 14.0, 18.0)
        leaf_share *= cut[:, t]
        leaf = sites.leaf_max * (sites.evergreen + (1 - sites.evergreen) * leaf_share)
        cover = 1.0 - np.exp(-0.5 * leaf)
        loss = demand[:, t] * (0.3 + 0.7 * cover) * ramp(filled, 0.0, 0.4)
        water = np.clip(water + np.where(frozen, 0.0, rain) + melt - loss, 0.0, sites.roots)
        leaves[:, t], soil[:, t] = leaf, water / sites.roots
    return leaves, soil


def exchange(
    sites: Sites, weather: dict[str, np.ndarray], leaves: np.ndarray, soil: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return GPP and RECO in gC m-2 d-1, each (S, T).

    GPP is light-use efficiency times absorbed PAR (Monteith 1972, doi:10.2307/2401901) with the ramps of MOD17
    (Running et al. 2004) in acclimated temperature (Makela et al. 2004, doi:10.1093/treephys/24.4.369), VPD and
    soil water, higher under diffuse light. RECO follows temperature as in Lloyd and Taylor 1994, with a substrate of
    which a share is recent uptake (Migliavacca et al. 2011, doi:10.1111/j.1365-2486.2010.02243.x), and is scaled to
    the tower's long-term RECO over GPP.
    """
    absorbed = (1.0 - np.exp(-0.5 * leaves)) * PAR_SHARE * MEGAJOULE * weather["SW_IN"]
    acclimated = running_mean(weather["TA"], 7.0)
    by_warmth = ramp(acclimated, -2.0, sites.optimum[:, None]) * (1.0 - 0.7 * ramp(weather["TA_MAX"], 36.0, 50.0))
    by_air = 1.0 - ramp(weather["VPD"], 6.0, sites.dry_air[:, None])
    by_water = 0.1 + 0.9 * ramp(soil, 0.03, 0.3)
    diffuse = 1.0 + 0.45 * (0.76 - weather["CLEAR"])
    gpp = sites.efficiency[:, None] * absorbed * by_warmth * by_air * by_water * diffuse

    depth = 0.5 * weather["TA"] + 0.5 * running_mean(weather["TA"], 12.0)
    pace = lloyd_taylor(depth, sites.activation) * (0.25 + 0.75 * ramp(soil, 0.02, 0.35))
    recent = running_mean(gpp, sites.memory) * pace
    total = sites.respired * gpp.sum(1)
    reco = (sites.fresh * total / recent.sum(1))[:, None] * recent
    reco += ((1 - sites.fresh) * total / pace.sum(1))[:, None] * pace
    return gpp, reco


def greenness(leaves: np.ndarray) -> np.ndarray:
    """Return an enhanced vegetation index of leaves over bare ground; saturates like the satellites' does."""
    return 0.08 + 0.52 * (1.0 - np.exp(-0.45 * leaves))


def _evaporation(weather: dict[str, np.ndarray]) -> np.ndarray:
    """Return the water that radiation can evaporate, mm d-1, (S, T); Makkink's formula, de Bruin 1987."""
    shifted = weather["TA"] + 237.3
    slope = saturation(weather["TA"]) * 17.27 * 237.3 / shifted**2
    return 0.65 * slope / (slope + PSYCHROMETRIC) * weather["SW_IN"] * MEGAJOULE / LATENT_HEAT


def _management(sites: Sites, time: pd.DatetimeIndex, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the days on which growth is allowed and the share of leaves left by a cut, each (S, T)."""
    allowed, cut = np.ones((len(sites.site), len(time))), np.ones((len(sites.site), len(time)))
    for s, kind in enumerate(sites.management):
        rng = np.random.default_rng([seed, s, 2])
        shift = rng.normal(0, 5)
        if kind in SEASONS:
            allowed[s] = 0.0
        for year in range(time.year.min(), time.year.max() + 1):
            start = pd.Timestamp(year, 1, 1)
            for first, last in SEASONS.get(kind, ()):
                days = np.array([first, last]) + shift + rng.normal(0, 4, 2)
                begin, end = time.searchsorted(start + pd.to_timedelta(days.round(), unit="D"))
                allowed[s, begin:end] = 1.0
                cut[s, end : end + 1] = 0.05
            for day in CUTS.get(kind, ()):
                at = time.searchsorted(start + pd.Timedelta(days=round(day + shift + rng.normal(0, 6))))
                cut[s, at : at + 1] = rng.uniform(0.15, 0.35)
    return allowed, cut
