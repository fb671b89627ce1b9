"""Task embeddings of places by each member, how they move with labels and drivers, and what is decoded from them.

Dimensions: K members, N places, Z code, D drivers, A static inputs, E embedding, H hidden.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.landcover import static_inputs
from tamrl.model.checkpoint import Ensemble
from tamrl.model.inputs import TowerRecord, tower_support
from tamrl.model.network import Modulation
from tamrl.model.reconstruction import seasonal_means
from tamrl.model.training_towers import Reference, summarise
from tamrl.predict.adapt import Cancelled, adapt
from tamrl.predict.ensemble import member_code, member_record, member_records
from tamrl.predict.methods import AdaptSettings
from tamrl.schema import UNKNOWN
from tamrl.timestep import TimeStep
from tamrl.towers.archive import record

#: Labelled days, or months, of the path of an embedding, and days or months of drivers.
LABELS: dict[str, tuple[int, ...]] = {
    TimeStep.DAILY: (7, 14, 30, 60, 90, 180, 365),
    TimeStep.MONTHLY: (1, 3, 6, 12, 24),
}
DRIVERS: dict[str, tuple[int, ...]] = {
    TimeStep.DAILY: (30, 90, 180, 365, 730, 1460),
    TimeStep.MONTHLY: (3, 6, 12, 24, 48),
}
#: Fits take seconds each, so that they have fewer steps on the way.
FITTED: dict[str, tuple[int, ...]] = {TimeStep.DAILY: (7, 30, 90, 365), TimeStep.MONTHLY: (3, 12, 24)}


def read_places(
    ensemble: Ensemble,
    archive: xr.Dataset,
    sites: Sequence[str],
    classes: bool = True,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Reference:
    """Return what the members make of towers of an archive, without their labels.

    A tower without any of the model's drivers is left out.

    Args:
        ensemble: K members.
        archive: Dataset(site, time) that holds the towers.
        sites: the towers.
        classes: whether the encoder is told the land-cover and climate class; else it reads ``unknown``.
        progress: called with the share that is done, 0-1, before each tower.
        cancelled: asked before each tower; ``Cancelled`` is raised then.

    Raises:
        TamrlError: none of the towers has drivers that the model reads.
    """
    kept, codes, summaries, places = [], [], [], []
    for site in _each(sites, progress, cancelled):
        tower = record(archive, site)
        try:
            records = member_records(ensemble, tower)
        except TamrlError:
            continue
        records = [one if classes else _without_classes(one) for one in records]
        codes.append(_codes(ensemble, records, None)[:, 0])
        summaries.append(summarise(records[0].drivers[None], records[0].driver_mask[None])[0].numpy())
        places.append((float(tower.lat), float(tower.lon), str(tower.igbp.item()), str(tower.koeppen.item())))
        kept.append(site)
    if not kept:
        raise _without_drivers(ensemble, sites)
    lat, lon, igbp, koeppen = zip(*places, strict=True)
    return Reference(
        sites=tuple(kept),
        lat=np.array(lat),
        lon=np.array(lon),
        igbp=igbp,
        koeppen=koeppen,
        codes=np.stack(codes, axis=1).astype(np.float32),
        summaries=np.stack(summaries).astype(np.float32),
    )


def _each(sites: Sequence[str], progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Iterator[str]:
    """Yield each tower, telling the share that is done; raise ``Cancelled`` where nobody waits for it any more."""
    for done, site in enumerate(sites):
        if cancelled():
            raise Cancelled
        progress(done / len(sites))
        yield site


def _without_drivers(ensemble: Ensemble, sites: Sequence[str]) -> TamrlError:
    return TamrlError(
        "None of these towers has a driver that the model reads",
        ", ".join(list(sites)[:8]),
        f"Ingest records with some of: {', '.join(ensemble.config.model.drivers)}",
    )


def _without_classes(one: TowerRecord) -> TowerRecord:
    return dataclasses.replace(one, static=torch.from_numpy(static_inputs(UNKNOWN, UNKNOWN)))


def _codes(ensemble: Ensemble, records: list[TowerRecord], labels: pd.DatetimeIndex | None) -> np.ndarray:
    """Return the task embedding (K, 1, Z) of one tower; the encoder reads the fluxes of ``labels`` alone."""
    each = [member_code(ensemble, m, r, labels) for m, r in zip(ensemble.members, records, strict=True)]
    return np.stack([code.cpu().numpy() for code in each]).astype(np.float32)


def path_of_labels(ensemble: Ensemble, tower: xr.Dataset, supports: Sequence[pd.DatetimeIndex]) -> np.ndarray:
    """Return the embedding of a tower that the encoder reads with more and more labels, (K, 1 + S, Z).

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        supports: S sets of labelled days; the first row is without any.

    Raises:
        TamrlError: the tower has no drivers that the model reads.
    """
    records = member_records(ensemble, tower)
    return np.concatenate([_codes(ensemble, records, support) for support in (None, *supports)], axis=1)


def path_of_drivers(ensemble: Ensemble, tower: xr.Dataset, counts: Sequence[int]) -> np.ndarray:
    """Return the embedding of a tower of whose record the encoder reads the first steps alone, (K, C + 1, Z).

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        counts: C numbers of steps; the last row is of the whole record.

    Raises:
        TamrlError: the tower has no drivers that the model reads in these steps.
    """
    rows = []
    for count in (*counts, tower.sizes["time"]):
        part = tower.isel(time=slice(count))
        rows.append(_codes(ensemble, member_records(ensemble, part), None))
    return np.concatenate(rows, axis=1)


def fitted(
    ensemble: Ensemble, tower: xr.Dataset, support: pd.DatetimeIndex, cancelled: Callable[[], bool] | None = None
) -> np.ndarray:
    """Return the embedding (K, 1, Z) of a tower that fine-tuning of the modulation ends at.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: labelled days, at least two.
        cancelled: asked at each step.

    Raises:
        TamrlError: see ``adapt``; or nothing could be held back.
        Cancelled: ``cancelled`` returned true.
    """
    result = adapt(ensemble, tower, support, AdaptSettings(method="modulation"), cancelled=cancelled)
    if len(result.states) < len(ensemble.members):
        raise TamrlError("Fine-tuning kept nothing at this tower", str(tower.site.item()), "Choose more labelled days")
    rows = []
    for state in result.states:
        shrinkage = float(state["spread_and_shrinkage"][1])
        rows.append((state["code"] + shrinkage * state["of_code"] @ state["factor"].T).cpu().numpy())
    return np.stack(rows).astype(np.float32)


@torch.no_grad()
def modulation(ensemble: Ensemble, member: int, codes: np.ndarray) -> Modulation:
    """Return the scales and shifts that one member makes of embeddings, of N rows each.

    Args:
        ensemble: K members.
        member: index of the member; hidden units of two members cannot be compared.
        codes: (N, Z) of this member.
    """
    made = ensemble.members[member].model.modulator(torch.from_numpy(codes).to(ensemble.device))
    return Modulation(*(part.cpu() for part in made))


def has_decoder(ensemble: Ensemble) -> bool:
    """Return whether the ensemble was trained to reconstruct drivers from its embeddings."""
    return all(member.model.decoder is not None for member in ensemble.members)


@torch.no_grad()
def decode(ensemble: Ensemble, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the decoders of the members tell from embeddings.

    Args:
        ensemble: K members.
        codes: (K, N, Z).

    Returns:
        Mean seasonal cycle of each driver in its unit (K, N, 12, D), and the probability of each class (K, N, A).

    Raises:
        TamrlError: the model has no decoder.
    """
    cycles, classes = [], []
    for member, code in zip(ensemble.members, codes, strict=True):
        decoder = member.model.decoder
        if decoder is None:
            raise TamrlError(
                "This model was trained without a decoder",
                str(ensemble.path or "model"),
                "Train one whose setting model.reconstruction is above 0",
            )
        means, logits = decoder(torch.from_numpy(code).to(ensemble.device))
        scale = member.normaliser
        cycles.append(means.cpu().numpy() * scale.driver_std + scale.driver_mean)
        classes.append(torch.sigmoid(logits).cpu().numpy())
    return np.stack(cycles).astype(np.float32), np.stack(classes).astype(np.float32)


def seasonal_cycle(ensemble: Ensemble, tower: xr.Dataset) -> np.ndarray:
    """Return the mean seasonal cycle of each driver of a tower in its unit (12, D): what the decoder is to tell.

    Args:
        ensemble: names the drivers.
        tower: Dataset(time), one tower's record.

    Returns:
        NaN where the tower lacks the driver in that month. Years are cut into twelve equal parts, and values
        further than 8 standard deviations from the mean over towers are cut, as in training.

    Raises:
        TamrlError: the tower has no drivers that the model reads.
    """
    member, names = ensemble.members[0], ensemble.config.model.drivers
    one = member_record(ensemble, member, tower)
    bins = tower_support(one, None, torch.ones(3), ensemble.config.model.encoder_bin)
    means, present = seasonal_means(bins, len(names))
    values = means[0].numpy() * member.normaliser.driver_std + member.normaliser.driver_mean
    return np.where(present[0].numpy() > 0, values, np.nan).astype(np.float32)
