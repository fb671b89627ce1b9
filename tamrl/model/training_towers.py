"""What a checkpoint keeps of its training towers: positions, task embeddings, and summaries of their drivers.

With it a new place can be told its nearest towers and how far it lies from all of them. Kept as
``towers.safetensors`` beside the weights; holds no observation. Reading it takes numpy alone.

Dimensions: K members, N towers, C places, D drivers, Z code, F = 2 D summaries, P principal components.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tamrl.errors import TamrlError

if TYPE_CHECKING:
    from torch import Tensor


FILE = "towers.safetensors"
#: P: principal components of the codes that maps keep; the first eight hold nearly all of their variance.
COMPONENTS = 8
#: Places whose distances to all towers are computed at once.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """The training towers of a checkpoint.

    Attributes:
        sites: N tower ids.
        lat, lon: (N,) degrees, NaN where not known.
        igbp, koeppen: N classes.
        codes: (K, N, Z) task embeddings, read without labels.
        summaries: (N, F) mean and standard deviation over its record of each driver, normalised by the first member.
    """

    sites: tuple[str, ...]
    lat: np.ndarray
    lon: np.ndarray
    igbp: tuple[str, ...]
    koeppen: tuple[str, ...]
    codes: np.ndarray
    summaries: np.ndarray

    def _standardised(self, codes: np.ndarray) -> np.ndarray:
        """Return (C, K Z): the codes of all members side by side, in standard deviations over the towers."""
        mean, sd = self.codes.mean(1), self.codes.std(1)
        scaled = (codes - mean[:, None]) / np.where(sd > 1e-6, sd, 1)[:, None]
        return scaled.transpose(1, 0, 2).reshape(codes.shape[1], -1)

    @cached_property
    def _principal(self) -> tuple[np.ndarray, np.ndarray]:
        """(K Z, P) principal axes of the standardised codes, and the share of their variance along each (P,)."""
        _, spread, axes = np.linalg.svd(self._standardised(self.codes), full_matrices=False)
        return axes[:COMPONENTS].T, (spread**2 / max(float((spread**2).sum()), 1e-9))[:COMPONENTS]

    @property
    def explained(self) -> np.ndarray:
        """Share of the variance of the codes of the towers along each principal component, (P,)."""
        return self._principal[1]

    def apart(self, codes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return the distance of places (C, O) in all dimensions of the code, in standard deviations over the towers.

        Its square is the mean over members of their squared distances: each member has axes of its own, and distances
        are what they share.

        Args:
            codes: (K, C, Z).
            others: (K, O, Z).
        """
        one, other = self._standardised(codes), self._standardised(others)
        return np.linalg.norm(one[:, None] - other[None], axis=2) / np.sqrt(len(self.codes))

    def project(self, codes: np.ndarray) -> np.ndarray:
        """Return (C, P) principal components of the codes of C places, float32.

        Args:
            codes: (K, C, Z) of the same members.
        """
        return (self._standardised(codes) @ self._principal[0]).astype(np.float32)

    @cached_property
    def components(self) -> np.ndarray:
        """(N, P) of the towers."""
        return self.project(self.codes)

    def nearest(self, components: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Return the towers whose task embeddings are most like that of a place: (index, distance), nearest first.

        Args:
            components: (P,) of the place.
            count: how many.
        """
        distance = np.linalg.norm(self.components - components, axis=1)
        return [(int(i), float(distance[i])) for i in np.argsort(distance)[:count]]

    @cached_property
    def _alone(self) -> np.ndarray:
        """Sorted distance in code of each tower to the nearest other one (N,); empty of a single tower."""
        distance = np.linalg.norm(self.components[:, None] - self.components[None], axis=2)
        np.fill_diagonal(distance, np.inf)
        nearest = distance.min(1, initial=np.inf)
        return np.sort(nearest[np.isfinite(nearest)])

    def usual(self, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how distances in code (C,) compare with that of a training tower to the nearest other one.

        Distances in many components have no scale that a reader knows; that between towers is one.

        Args:
            distance: (C,) as of ``nearest``.

        Returns:
            How many times as far as is usual (the median of the towers), and the share of the towers, 0-1, that have
            another one nearer; both (C,), NaN where there is a single tower.
        """
        if not len(self._alone):
            return np.full(len(distance), np.nan), np.full(len(distance), np.nan)
        usual = max(float(np.median(self._alone)), 1e-9)
        return distance / usual, np.searchsorted(self._alone, distance) / len(self._alone)

    def _features(self, codes: np.ndarray, summaries: np.ndarray) -> np.ndarray:
        """Return (C, F + K Z): drivers and codes with the same weight, in standard deviations over the towers."""
        mean, sd = self.summaries.mean(0), self.summaries.std(0)
        drivers = (summaries - mean) / np.where(sd > 1e-6, sd, 1)
        code = self._standardised(codes)
        return np.concatenate([drivers / np.sqrt(drivers.shape[1]), code / np.sqrt(code.shape[1])], axis=1)

    @cached_property
    def _towers(self) -> tuple[np.ndarray, float, float]:
        """Features of the towers, their mean distance from each other, and the threshold of the index."""
        features = self._features(self.codes, self.summaries)
        distance = np.linalg.norm(features[:, None] - features[None], axis=2)
        if len(features) < 2:
            return features, 1.0, 0.0
        mean = distance.sum() / (len(features) * (len(features) - 1))
        np.fill_diagonal(distance, np.inf)
        own = distance.min(1) / max(mean, 1e-9)
        low, high = np.quantile(own, [0.25, 0.75])
        return features, max(mean, 1e-9), float(own[own <= high + 1.5 * (high - low)].max())

    @property
    def threshold(self) -> float:
        """The largest index that a training tower has against the others, outliers left out."""
        return self._towers[2]

    def extrapolation(self, codes: np.ndarray, summaries: np.ndarray) -> np.ndarray:
        """Return how far places lie from the training towers, (C,).

        The dissimilarity index of Meyer and Pebesma (2021, doi:10.1111/2041-210X.13650): distance to the nearest tower
        over the mean distance between towers, in the space of drivers and task embeddings, each with half the weight.
        Above ``threshold`` a place is outside the area of applicability.

        Args:
            codes: (K, C, Z).
            summaries: (C, F), see ``summarise``.
        """
        towers, mean, _ = self._towers
        features, square = self._features(codes, summaries), (towers**2).sum(1)
        nearest = np.empty(len(features))
        for start in range(0, len(features), _AT_ONCE):
            part = features[start : start + _AT_ONCE]
            squared = (part**2).sum(1)[:, None] + square - 2 * part @ towers.T
            nearest[start : start + _AT_ONCE] = np.sqrt(np.maximum(squared.min(1), 0))
        return (nearest / mean).astype(np.float32)


def summarise(drivers: "Tensor", mask: "Tensor") -> "Tensor":
    """Return (B, F) the mean and the standard deviation of each driver over the steps that have it, 0 without any.

    Args:
        drivers: (B, T, D) normalised.
        mask: (B, T, D) 1 where present.
    """
    import torch

    count = mask.sum(1).clamp(min=1)
    mean = (drivers * mask).sum(1) / count
    square = ((drivers - mean[:, None]).square() * mask).sum(1) / count
    return torch.cat([mean, square.sqrt()], dim=1)


def save_reference(reference: Reference, path: Path) -> None:
    """Write the reference into the folder of a checkpoint, whole or not at all."""
    from safetensors.numpy import save_file

    texts = {name: json.dumps(getattr(reference, name)) for name in ("sites", "igbp", "koeppen")}
    arrays = {
        "lat": reference.lat.astype(np.float32),
        "lon": reference.lon.astype(np.float32),
        "codes": reference.codes.astype(np.float16),
        "summaries": reference.summaries,
    }
    partial = Path(path) / (FILE + ".partial")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial, metadata=texts)
    partial.replace(Path(path) / FILE)


def load_reference(path: Path | str) -> Reference | None:
    """Return the training towers of a checkpoint, or None where it was made before they were kept.

    Raises:
        TamrlError: the file is damaged.
    """
    file = Path(path) / FILE
    if not file.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            texts: dict[str, Any] = {name: tuple(json.loads(text)) for name, text in opened.metadata().items()}
            arrays = {name: opened.get_tensor(name).astype(np.float32) for name in ("lat", "lon", "codes", "summaries")}
        found = Reference(**texts, **arrays)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise TamrlError(
            f"The training towers of the checkpoint cannot be read: {error}", str(file), "Copy or train it again"
        ) from error
    if not all(np.isfinite(a).all() for a in (found.codes, found.summaries)):
        raise TamrlError("Task embeddings of the towers are not finite numbers", str(file), "Copy or train it again")
    return found
