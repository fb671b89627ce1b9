"""Is a held-out tower new to the model? Records of a training tower under another id, and towers in the same place.

A tower may be published twice (another network, another release, a renamed site); scored as held out, its copy would
be a score on what the model has learnt. Between different towers of FLUXNET2015 daily NEE agrees with r = 0.95 at most
and differs by a third of its standard deviation (DE-Hai and DE-Lnf); the same record of two releases agrees with r
above 0.99. Towers of one cluster (US-Ne1, US-Ne2, US-Ne3) are towers of their own, and named.

Glossary: K scored towers, J towers that the model has seen, T steps.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.schema import FLUXES
from tamrl.timestep import TimeStep, step_of

#: A copy: r and the RMS difference in standard deviations of a flux, over at least so many common days or months.
LEAST_R, MOST_DIFFERENCE, LEAST_DAYS, LEAST_MONTHS = 0.975, 0.25, 60, 24
#: Two towers closer than this stand in one cluster, km.
CLUSTER_KM = 1.0
_EARTH_KM = 6371.0
_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """A scored tower that is not as independent of the training as its id suggests.

    Attributes:
        site: the scored tower.
        seen: the tower that the model was trained on.
        copy: whether their records are the same.
        km: distance; NaN where a position is not known.
        r: of the flux that agrees best; NaN without common days.
        steps: common days or months of that flux.
    """

    site: str
    seen: str
    copy: bool
    km: float
    r: float = float("nan")
    steps: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        if self.copy:
            return f"{self.site} is {self.seen} (r = {self.r:.3f} over {self.steps} steps)"
        return f"{self.site} is {self.km * 1000:.0f} m from {self.seen}"


def likenesses(
    archive: xr.Dataset, scored: Iterable[str], seen: Collection[str], training: xr.Dataset | None = None
) -> list[Likeness]:
    """Find scored towers that are copies or neighbours of towers that a model has seen.

    Args:
        archive: Dataset(site, time) of the scored towers.
        scored: K towers of it.
        seen: towers that the model was trained or validated on; those that neither archive has are known by their
            position alone, if the project knows it.
        training: archive of the towers of the training, where that is another.

    Returns:
        One for each pair, copies first.
    """
    here = set(archive["site"].values.astype(str).tolist())
    scored = [site for site in scored if site in here]
    found = {(like.site, like.seen): like for like in _neighbours(archive, scored, seen, training)}
    for source in (archive, *([training] if training is not None else [])):
        for like in _copies(archive, scored, source, seen):
            found[like.site, like.seen] = like
    return sorted(found.values(), key=lambda like: (not like.copy, like.site, like.seen))


def check_held_out(
    archive: xr.Dataset,
    scored: Iterable[str],
    seen: Collection[str],
    training: xr.Dataset | None = None,
    allow: bool = False,
) -> list[str]:
    """Make sure that no held-out tower is a training tower under another id.

    Args:
        archive: Dataset(site, time) of the scored towers.
        scored: K towers of it.
        seen: towers that the model was trained or validated on.
        training: archive of the towers of the training, where that is another.
        allow: report copies as warnings instead of refusing them.

    Returns:
        Warnings in words: neighbours within ``CLUSTER_KM``, and copies where they are allowed.

    Raises:
        TamrlError: a scored tower is a copy of one that the model has seen.
    """
    found = likenesses(archive, scored, seen, training)
    copies, near = [like for like in found if like.copy], [like for like in found if not like.copy]
    if copies and not allow:
        raise TamrlError(
            f"{len({like.site for like in copies})} held-out towers are towers of the training under another id: "
            f"{_listed(copies)}",
            "held-out towers",
            "Leave them out (--sites), or give --allow-seen to score them all the same",
        )
    warnings = [f"Copies of towers of the training, a score on them says nothing of new places: {_listed(copies)}."]
    warnings = warnings * bool(copies)
    if near:
        warnings.append(
            f"Within {CLUSTER_KM:g} km of towers of the training, so less new than others "
            f"({len({like.site for like in near})} towers): {_listed(near)}."
        )
    return warnings


def _listed(found: list[Likeness]) -> str:
    more = len(found) - _NAMES
    return "; ".join(map(str, found[:_NAMES])) + (f"; and {more} more" if more > 0 else "")


def _copies(archive: xr.Dataset, scored: list[str], source: xr.Dataset, seen: Collection[str]) -> list[Likeness]:
    """Return the scored towers whose record is that of a seen tower of ``source``."""
    there = source["site"].values.astype(str)
    theirs = [site for site in there if site in seen]
    if not scored or not theirs or step_of(archive) != step_of(source):
        return []
    time = np.intersect1d(archive["time"].values, source["time"].values)
    if not time.size:
        return []
    least = LEAST_DAYS if step_of(archive) == TimeStep.DAILY else LEAST_MONTHS
    best: dict[tuple[str, str], Likeness] = {}
    ours, others = archive.sel(site=scored, time=time), source.sel(site=theirs, time=time)
    km = _distances(_positions(ours), _positions(others))
    for flux in FLUXES:
        r, difference, n = _agreement(*(ds[flux].transpose("site", "time").values for ds in (ours, others)))
        same = (n >= least) & (r >= LEAST_R) & (difference <= MOST_DIFFERENCE)
        for i, j in zip(*np.nonzero(same), strict=True):
            if scored[i] != theirs[j] and r[i, j] > getattr(best.get((scored[i], theirs[j])), "r", -1.0):
                like = Likeness(
                    site=scored[i], seen=theirs[j], copy=True, km=float(km[i, j]), r=float(r[i, j]), steps=int(n[i, j])
                )
                best[scored[i], theirs[j]] = like
    return list(best.values())


def _agreement(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return r, RMS difference over the smaller standard deviation and common steps (K, J) of (K, T) and (J, T)."""
    known = [np.isfinite(x).astype(np.float64) for x in (a, b)]
    x, y = np.nan_to_num(a).astype(np.float64), np.nan_to_num(b).astype(np.float64)
    n = known[0] @ known[1].T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = (x @ known[1].T) / n, (known[0] @ y.T) / n
        square_x, square_y, product = ((x**2) @ known[1].T) / n, (known[0] @ (y**2).T) / n, (x @ y.T) / n
        var_x, var_y = square_x - mean_x**2, square_y - mean_y**2
        r = (product - mean_x * mean_y) / np.sqrt(var_x * var_y)
        apart = np.sqrt(np.maximum(square_x + square_y - 2 * product, 0))
        difference = apart / np.sqrt(np.minimum(var_x, var_y))
    return np.nan_to_num(r, nan=-1.0), np.nan_to_num(difference, nan=np.inf), n


def _positions(ds: xr.Dataset) -> np.ndarray:
    """Return latitude and longitude (S, 2), degrees."""
    return np.stack([ds[name].values.astype(np.float64) for name in ("lat", "lon")], axis=1)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return great-circle distances (K, J) of positions (K, 2) and (J, 2), km; NaN where one is not known."""
    p, q = np.deg2rad(a)[:, None], np.deg2rad(b)[None, :]
    half = np.sin((p - q) / 2) ** 2
    return 2 * _EARTH_KM * np.arcsin(np.sqrt(half[..., 0] + np.cos(p[..., 0]) * np.cos(q[..., 0]) * half[..., 1]))


def _neighbours(
    archive: xr.Dataset, scored: list[str], seen: Collection[str], training: xr.Dataset | None
) -> list[Likeness]:
    """Return the scored towers that stand within ``CLUSTER_KM`` of a seen one."""
    known = _known_places()
    for ds in (training, archive):
        if ds is not None:
            known |= dict(zip(ds["site"].values.astype(str).tolist(), map(tuple, _positions(ds)), strict=True))
    theirs = sorted(site for site in seen if site in known)
    if not scored or not theirs:
        return []
    km = _distances(_positions(archive.sel(site=scored)), np.array([known[site] for site in theirs]))
    with np.errstate(invalid="ignore"):
        near = zip(*np.nonzero(km <= CLUSTER_KM), strict=True)
    return [
        Likeness(site=scored[i], seen=theirs[j], copy=False, km=float(km[i, j]))
        for i, j in near
        if scored[i] != theirs[j]
    ]


def _known_places() -> dict[str, tuple[float, float]]:
    """Return the positions of the towers that the bundled models were trained on; none where they are not there."""
    path = bundled_folder("scores") / "sites.parquet"
    if not path.is_file():
        return {}
    table = pd.read_parquet(path, columns=["site", "lat", "lon"])
    return {row.site: (float(row.lat), float(row.lon)) for row in table.itertuples()}
