"""Lesson 6: where the next towers should be built. A game on SIMULATED places, whose truth is known.

A small network stands already. Fluxes everywhere are predicted from its towers alone by a Gaussian process on monthly
drivers (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapter 2); what it predicts is compared
with the truth, without noise, at all places. Glossary: S places, D drivers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.simulation.towers import SEED, simulate_truth
from tamrl.teaching.marks import Mark
from tamrl.towers.monthly import to_monthly

#: Towers that stand already, all in the temperate and cold middle of the planet's climates; and how many are added.
START, ADDED = ("XS-CR2", "XS-DB2", "XS-EN4", "XS-GR4"), 4
DRIVERS = ("TA", "SW_IN", "VPD", "P_MON", "LAI", "EVI")
FLUX = "GPP"
#: Length scale of the Gaussian process, in standard deviations of the drivers, and noise, in those of the flux. Set
#: beforehand, the same for every network.
LENGTH, NOISE = 2.0, 0.3
#: Networks that are drawn by lot, and the seed of the draw.
DRAWS, DRAW_SEED = 200, 6
RULES = {"lot": "four places drawn at random", "far": "each new tower as unlike all others as can be"}
_MONTHS = range(1, 13)


@dataclass(frozen=True, kw_only=True)
class Planet:
    """The places, in the order of their names.

    Attributes:
        places: DataFrame(site) with ``igbp``, ``koeppen``, ``temperature`` [degC] and ``rain`` [mm yr-1], means.
        drivers: (S, 12, D) mean year, in standard deviations over all places and months.
        measured: (S, 12) mean year of the flux as a tower would measure it [gC m-2 d-1].
        truth: (S, 12) the same without errors and gaps.
    """

    places: pd.DataFrame
    drivers: np.ndarray
    measured: np.ndarray
    truth: np.ndarray

    @cached_property
    def kernel(self) -> np.ndarray:
        """Similarity of all months of all places, (12 S, 12 S), 1 for the same."""
        flat = self.drivers.reshape(-1, self.drivers.shape[-1])
        squares = (flat**2).sum(1)
        distance = np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0)
        return np.exp(-0.5 * distance / LENGTH**2)

    @cached_property
    def unlike(self) -> np.ndarray:
        """Distance of the mean years of all places, (S, S), in standard deviations of the drivers."""
        flat = self.drivers.reshape(len(self.drivers), -1)
        return np.sqrt(((flat[:, None] - flat[None]) ** 2).mean(-1))

    def positions(self, sites: Sequence[str]) -> np.ndarray:
        """Return the positions of places by name."""
        return self.places.index.get_indexer(list(sites))

    @property
    def candidates(self) -> list[str]:
        """Places where a tower may be added."""
        return [site for site in self.places.index if site not in START]


def make_planet(archive: xr.Dataset, seed: int = SEED) -> Planet:
    """Return the planet that a simulated archive was taken from.

    Args:
        archive: of ``tamrl.simulation.towers.simulate`` with that seed, all drivers of ``DRIVERS`` in it.
        seed: of the simulation.
    """
    sites, time, truth = simulate_truth(archive.sizes["site"], seed)
    order = pd.Index(sites.site.astype(str)).get_indexer(archive["site"].values.astype(str))
    monthly = to_monthly(archive)
    month = pd.DatetimeIndex(monthly["time"].values).month.to_numpy()
    stacked = np.stack([_mean_year(monthly[name].values, month) for name in DRIVERS], axis=-1)
    names = archive["site"].values.astype(str)
    places = pd.DataFrame(
        {
            "igbp": archive["igbp"].values.astype(str),
            "koeppen": archive["koeppen"].values.astype(str),
            "temperature": stacked[..., DRIVERS.index("TA")].mean(1),
            "rain": 365.25 * stacked[..., DRIVERS.index("P_MON")].mean(1),
        },
        index=pd.Index(names, name="site"),
    )
    return Planet(
        places=places,
        drivers=(stacked - stacked.mean((0, 1))) / stacked.std((0, 1)),
        measured=_mean_year(monthly[FLUX].values, month),
        truth=_mean_year(truth[FLUX][order], time.month.to_numpy()),
    )


def _mean_year(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Return the mean of each month of the year, (S, 12), of (S, T)."""
    return np.stack([np.nanmean(values[:, month == m], axis=1) for m in _MONTHS], axis=1)


def _months_of(network: np.ndarray) -> np.ndarray:
    return (network[:, None] * 12 + np.arange(12)).ravel()


def predict(planet: Planet, network: np.ndarray) -> np.ndarray:
    """Return the flux (S, 12) at all places that the towers of a network teach [gC m-2 d-1].

    Args:
        planet: the planet.
        network: positions of its towers.
    """
    at = _months_of(network)
    seen = planet.measured[network].ravel()
    middle, spread = seen.mean(), seen.std()
    inside = planet.kernel[np.ix_(at, at)] + NOISE**2 * np.eye(len(at))
    weights = np.linalg.solve(inside, (seen - middle) / spread)
    return (middle + spread * planet.kernel[:, at] @ weights).reshape(planet.truth.shape)


def errors(planet: Planet, network: np.ndarray) -> np.ndarray:
    """Return the RMSE (S,) of the mean year at each place [gC m-2 d-1]."""
    return np.sqrt(((predict(planet, network) - planet.truth) ** 2).mean(1))


def score(planet: Planet, network: np.ndarray) -> float:
    """Return the mean over all places of ``errors``."""
    return float(errors(planet, network).mean())


def network_of(planet: Planet, added: Sequence[str]) -> np.ndarray:
    """Return the positions of the towers that stand already and of those that were added."""
    return planet.positions([*START, *added])


def by_lot(planet: Planet, draws: int = DRAWS) -> np.ndarray:
    """Return the scores (draws,) of networks whose added towers were drawn by lot."""
    rng, free = np.random.default_rng(DRAW_SEED), planet.candidates
    drawn = (rng.choice(free, ADDED, replace=False).tolist() for _ in range(draws))
    return np.array([score(planet, network_of(planet, added)) for added in drawn])


def by_rule(planet: Planet, loss: Callable[[np.ndarray], float]) -> list[str]:
    """Return what a greedy rule adds: one place after another, each time that with the least loss."""
    added: list[str] = []
    for _ in range(ADDED):
        free = [site for site in planet.candidates if site not in added]
        added.append(min(free, key=lambda site: loss(network_of(planet, [*added, site]))))
    return added


def furthest(planet: Planet) -> list[str]:
    """Return the places that a rule without any flux adds: each as unlike all towers as can be (farthest first)."""
    return by_rule(planet, lambda network: -float(planet.unlike[network[-1], network[:-1]].min()))


def knowing(planet: Planet) -> list[str]:
    """Return what a greedy rule adds that knows the truth: a bound, which nobody has in reality."""
    return by_rule(planet, lambda network: score(planet, network))


def mark_rule(planet: Planet, lot: np.ndarray, chosen: str) -> Mark:
    """Return whether the student foresees which of ``RULES`` serves the planet better."""
    far, middle = score(planet, network_of(planet, furthest(planet))), float(np.median(lot))
    truth = "far" if far < middle else "lot"
    said = f"Mean RMSE {far:.2f} gC m⁻² d⁻¹ as unlike as can be, {middle:.2f} at random (median of {len(lot)} draws)."
    return Mark(answer=RULES[chosen], correct=chosen == truth, value=far - middle, said=said)


def mark_network(planet: Planet, lot: np.ndarray, added: Sequence[str]) -> Mark:
    """Return whether the added towers serve the planet better than half of the draws."""
    mine = score(planet, network_of(planet, added))
    beaten = 100 * float((mine < lot).mean())
    before = score(planet, network_of(planet, []))
    said = (
        f"Mean RMSE {mine:.2f} gC m⁻² d⁻¹, before {before:.2f}. Better than {beaten:.0f} % of {len(lot)} networks "
        "drawn at random."
    )
    return Mark(answer=", ".join(added), correct=beaten > 50, value=mine, said=said)


def worst_options(planet: Planet, added: Sequence[str]) -> list[str]:
    """Return four places of a network, among them the worst-predicted, in the order of their names."""
    order = planet.places.index[np.argsort(-errors(planet, network_of(planet, added)))]
    return sorted(order[[0, 8, 18, 30]])


def mark_worst(planet: Planet, added: Sequence[str], chosen: str) -> Mark:
    """Return whether the student names the place that a network predicts worst."""
    found = pd.Series(errors(planet, network_of(planet, added)), planet.places.index)
    worst = str(found.idxmax())
    said = f"RMSE at {chosen} {found[chosen]:.2f}, at {worst} {found[worst]:.2f} gC m⁻² d⁻¹, the worst of all."
    return Mark(answer=chosen, correct=chosen == worst, value=float(found[chosen]), said=said)
