"""The space of task embeddings as it is shown: distances between places, nearest neighbours, shared traits.

Numpy alone. Every place comes from one ensemble: embeddings of two ensembles, such as two folds of a benchmark, have
axes of their own and cannot be compared. Within an ensemble the embeddings of the members stand side by side, so that
the squared distance of two places is the mean over members, and the picture, principal components of them all, is
classical scaling of these distances (Gower 1966, doi:10.1093/biomet/53.3-4.325): no member has to be turned onto
another.

Dimensions: K members, N places, T training towers among them, Z code, P principal components.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from tamrl.model.training_towers import Reference


def join(first: Reference, second: Reference) -> Reference:
    """Return the places of both, the first ones first."""
    axis = {"codes": 1}
    parts: dict[str, Any] = {}
    for field in fields(Reference):
        one, other = getattr(first, field.name), getattr(second, field.name)
        whole = one + other if isinstance(one, tuple) else np.concatenate([one, other], axis=axis.get(field.name, 0))
        parts[field.name] = whole
    return Reference(**parts)


@dataclass(frozen=True, eq=False)
class TaskSpace:
    """Places in the space of task embeddings of one ensemble.

    Attributes:
        reference: the T towers that the ensemble was trained on: they set scale and axes.
        places: all N places that are shown, the training towers first.
    """

    reference: Reference
    places: Reference

    @property
    def sites(self) -> tuple[str, ...]:
        """N names."""
        return self.places.sites

    @property
    def trained(self) -> np.ndarray:
        """Whether the ensemble was trained on each place, bool (N,)."""
        return np.arange(len(self.sites)) < len(self.reference.sites)

    @cached_property
    def components(self) -> np.ndarray:
        """(N, P) principal components."""
        return self.reference.project(self.places.codes)

    @cached_property
    def _apart(self) -> np.ndarray:
        """(N, N) distances in all dimensions."""
        return self.reference.apart(self.places.codes, self.places.codes)

    @cached_property
    def usual(self) -> float:
        """The median over training towers of the distance to the nearest other one; 1 where there is only one."""
        count = len(self.reference.sites)
        apart = self._apart[:count, :count] + np.diag(np.full(count, np.inf))
        return max(float(np.median(apart.min(1))), 1e-9) if count > 1 else 1.0

    def distances(self, site: str) -> np.ndarray:
        """Return how far all places are from one, (N,), in units of ``usual``.

        Raises:
            ValueError: there is no such place.
        """
        return self._apart[self.sites.index(site)] / self.usual

    def neighbours(self, site: str, count: int) -> list[int]:
        """Return the places nearest to one, without itself, the nearest first."""
        own = self.sites.index(site)
        return [int(i) for i in np.argsort(self.distances(site), kind="stable") if i != own][:count]

    def alike(self, labels: np.ndarray) -> tuple[float, float]:
        """Return how often a place and its nearest other one have the same label, and how often any two places have.

        Args:
            labels: (N,) classes; places whose label is empty are left out.
        """
        labels = np.asarray(labels)
        known = np.flatnonzero(labels != "")
        if len(known) < 2:
            return np.nan, np.nan
        apart = self._apart[np.ix_(known, known)] + np.diag(np.full(len(known), np.inf))
        named = labels[known]
        _, counts = np.unique(named, return_counts=True)
        chance = float((counts * (counts - 1)).sum() / (len(known) * (len(known) - 1)))
        return float((named == named[apart.argmin(1)]).mean()), chance

    def follows(self, values: np.ndarray) -> float:
        """Return how much of the variance of a trait over places its 5 nearest others explain, R2 of their mean.

        Args:
            values: (N,), NaN where not known.
        """
        known = np.flatnonzero(np.isfinite(values))
        if len(known) < 7:
            return np.nan
        apart = self._apart[np.ix_(known, known)] + np.diag(np.full(len(known), np.inf))
        value = np.asarray(values, float)[known]
        predicted = value[np.argsort(apart, axis=1, kind="stable")[:, :5]].mean(1)
        total = ((value - value.mean()) ** 2).sum()
        return float(1 - ((value - predicted) ** 2).sum() / total) if total > 0 else np.nan
