"""SIMULATED towers: an archive that can be shipped, shown and taught with, and says everywhere what it is.

Weather (``simulate_weather``) drives leaves, soil water, uptake and respiration (``simulate_carbon``) at made-up
places with hidden traits (``simulate_sites``); this module observes them as an eddy-covariance tower would.
Glossary: S sites, T days.
"""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.simulation.carbon import exchange, greenness, grow
from tamrl.simulation.sites import Sites, make_sites
from tamrl.simulation.weather import make_weather, running_mean
from tamrl.towers.archive import Tower, build

#: The seed of the bundled workspace.
SEED = 56
FIRST_DAY, LAST_DAY = "2008-01-01", "2013-12-31"
#: A year before the first day is simulated and thrown away: leaves and soil water start from a guess.
_SPIN_UP = pd.Timedelta(days=366)
#: Shortest record in days, four years.
_SHORTEST = 1461
# Values are rounded to multiples of a power of two, 3 to 4 significant digits: differences of two fluxes stay exact
# in float32, and the archive compresses to a few MB.
_STEPS = {
    "GPP": 2**-7,
    "RECO": 2**-7,
    "NEE": 2**-7,
    "NEE_QC": 2**-6,
    "TA": 2**-5,
    "TA_MIN": 2**-5,
    "TA_MAX": 2**-5,
    "SW_IN": 2**-1,
    "VPD": 2**-5,
    "P": 2**-4,
    "P_MON": 2**-6,
    "LAI": 2**-6,
    "EVI": 2**-9,
}
LICENSE = "CC0-1.0"
SOURCE = (
    "SIMULATED by tamrl.simulation: light-use-efficiency GPP (Monteith 1972), temperature-driven RECO (Lloyd and "
    "Taylor 1994), hidden traits of each tower, noise after Richardson et al. 2006. Not observations."
)


def simulate(n_sites: int = 40, seed: int = SEED) -> xr.Dataset:
    """Simulate an archive of towers.

    The same arguments give the same values; tower ``i`` does not depend on how many towers are asked for.

    Args:
        n_sites: S, 1 to ``simulate_sites.MAX_SITES``.
        seed: of all random numbers.

    Returns:
        Dataset (site, time) in the archive's format, records of 4 to 6 years, fluxes in gC m-2 d-1 with
        NEE = RECO - GPP exactly, attribute ``simulated`` 1.

    Raises:
        TamrlError: ``n_sites`` is out of range.
    """
    sites, time, truth = simulate_truth(n_sites, seed)
    towers = [_observe(sites, s, time, {k: v[s] for k, v in truth.items()}, seed) for s in range(n_sites)]
    title = "SIMULATED daily fluxes and drivers at made-up flux towers"
    archive = build(towers, title=title, simulated=True, source=SOURCE, license=LICENSE)
    archive.attrs["history"] = f"simulate(n_sites={n_sites}, seed={seed})"
    return archive


def simulate_truth(n_sites: int, seed: int) -> tuple[Sites, pd.DatetimeIndex, dict[str, np.ndarray]]:
    """Simulate the towers without measurement errors, gaps or rounding.

    Returns:
        the sites with their hidden traits, the days, and per variable (S, T) values: the schema's fluxes and
        drivers (daily LAI and EVI; no P_MON), ``SW_IN_POT``, ``CLEAR`` and ``WATER`` (share of the roots' water).

    Raises:
        TamrlError: ``n_sites`` is out of range.
    """
    sites = make_sites(n_sites, seed)
    time = pd.date_range(pd.Timestamp(FIRST_DAY) - _SPIN_UP, LAST_DAY)
    weather = make_weather(sites, time, seed)
    leaves, water = grow(sites, weather, time, seed)
    gpp, reco = exchange(sites, weather, leaves, water)
    everything = {**weather, "LAI": leaves, "EVI": greenness(leaves), "WATER": water}
    everything |= {"GPP": gpp, "RECO": reco, "NEE": reco - gpp}
    kept = time >= FIRST_DAY
    return sites, time[kept], {name: values[:, kept] for name, values in everything.items()}


def _observe(sites: Sites, s: int, time: pd.DatetimeIndex, truth: dict[str, np.ndarray], seed: int) -> Tower:
    """Return what a tower measures of the truth (T,): noise, gaps, low quality, monthly satellite values."""
    rng = np.random.default_rng([seed, s, 3])
    begin = rng.integers(0, len(time) - _SHORTEST + 1) if rng.random() < 0.6 else 0
    end = rng.integers(begin + _SHORTEST, len(time) + 1) if rng.random() < 0.6 else len(time)
    table = pd.DataFrame({name: truth[name] for name in ("TA", "TA_MIN", "TA_MAX", "SW_IN", "VPD", "P")}, index=time)
    table["P_MON"] = _monthly(table["P"])
    for name, error in (("LAI", 0.06), ("EVI", 0.03)):
        table[name] = _satellite(truth[name] * (sites.satellite[s] if name == "LAI" else 1.0), time, error, rng)
    table = table.assign(**_fluxes(sites, s, truth, rng)).iloc[begin:end]
    for name, step in _STEPS.items():
        table[name] = (table[name] / step).round() * step
    table["NEE"] = table["RECO"] - table["GPP"]
    return Tower(
        site=str(sites.site[s]),
        table=table,
        name=str(sites.name[s]),
        lat=float(sites.lat[s]),
        lon=float(sites.lon[s]),
        igbp=str(sites.igbp[s]),
        koeppen=str(sites.koeppen[s]),
        source="SIMULATED",
    )


def _fluxes(sites: Sites, s: int, truth: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the measured fluxes and their quality, each (T,).

    The error of NEE follows a Laplace distribution whose width grows with the flux (Richardson et al. 2006,
    Agricultural and Forest Meteorology 136); poor days have three times that. RECO is modelled from nights, so its
    error lasts for weeks; GPP is RECO - NEE, as the night-time partitioning takes it.
    """
    n = len(truth["NEE"])
    poor = _runs(rng, n, rate=0.012, length=7)
    lost = _runs(rng, n, rate=0.002, length=14)
    width = sites.noise[s] * (0.10 + 0.07 * np.abs(truth["NEE"]) + 0.02 * truth["GPP"])
    nee = truth["NEE"] + rng.laplace(0.0, width / np.sqrt(2)) * np.where(poor, 3.0, 1.0)
    slow = running_mean(rng.normal(size=n), 15.0)
    reco = np.maximum(truth["RECO"] * (1.0 + 0.05 * slow / slow.std()), 0.0)
    quality = np.where(poor, rng.uniform(0.0, 0.65, n), rng.beta(12.0, 1.2, n))
    fluxes = {"NEE": nee, "RECO": reco, "GPP": reco - nee}
    fluxes = {name: np.where(lost, np.nan, values) for name, values in fluxes.items()}
    return {**fluxes, "NEE_QC": np.where(lost, 0.0, quality)}


def _runs(rng: np.random.Generator, n: int, rate: float, length: float) -> np.ndarray:
    """Return (n,) bool: runs that start with probability ``rate`` a day and last ``length`` days on average."""
    out = np.zeros(n, bool)
    for start in np.flatnonzero(rng.random(n) < rate):
        out[start : start + rng.geometric(1.0 / length)] = True
    return out


def _monthly(values: pd.Series) -> pd.Series:
    """Return the monthly means, repeated on each day of their month."""
    return values.groupby(values.index.to_period("M")).transform("mean")


def _satellite(values: np.ndarray, time: pd.DatetimeIndex, error: float, rng: np.random.Generator) -> pd.Series:
    """Return monthly means with a relative error; one month in twenty is lost to clouds."""
    months = pd.Series(values, index=time).groupby(time.to_period("M")).mean()
    months *= np.exp(error * rng.normal(size=len(months)))
    months[rng.random(len(months)) < 0.05] = np.nan
    return pd.Series(months.reindex(time.to_period("M")).to_numpy(), index=time)
