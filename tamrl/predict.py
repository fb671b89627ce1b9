"""Predictions of an ensemble at one tower, as a Dataset with the archive's names and units."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from tamrl.data.sequences import TowerRecord, tower_record, tower_support
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.network import Modulation
from tamrl.schema import FLUXES, variable

T = TypeVar("T")
Forward = Callable[[Tensor, Tensor, Modulation], Tensor]
#: Members are independent and torch releases the interpreter lock, so two run at once on a CPU.
WORKERS = 2
#: Sliding windows of one forward pass: bounds the memory of a long record.
WINDOWS_AT_ONCE = 512


def over_members(ensemble: Ensemble, work: Callable[[int, Member], T]) -> list[T]:
    """Call ``work(index, member)`` for each member, on a CPU two at a time, and return the results in order."""
    workers = WORKERS if ensemble.device.type == "cpu" else 1
    with ThreadPoolExecutor(min(workers, len(ensemble.members))) as pool:
        return list(pool.map(work, range(len(ensemble.members)), ensemble.members))


def to_predictions(values: list[np.ndarray], time: pd.DatetimeIndex) -> xr.Dataset:
    """Return K arrays (T, 3) in gC m-2 d-1 as a Dataset(member, time) of GPP, RECO and NEE."""
    stacked = np.stack(values).astype(np.float32)
    data = {
        flux: (
            ("member", "time"),
            stacked[..., i],
            {"units": variable(flux).unit, "long_name": variable(flux).long_name},
        )
        for i, flux in enumerate(FLUXES)
    }
    return xr.Dataset(data, coords={"member": np.arange(len(values)), "time": time})


def member_record(ensemble: Ensemble, member: Member, tower: xr.Dataset) -> TowerRecord:
    """Return one tower as the tensors that this member reads.

    Raises:
        TamrlError: the tower has none of the model's drivers.
    """
    names = ensemble.config.model.drivers
    record = tower_record(tower, names, member.normaliser)
    stored = [i for i, name in enumerate(names) if name in tower]
    if not stored or not record.driver_mask[:, stored].any():
        raise TamrlError(
            "The tower has none of the drivers that the model reads",
            record.site,
            f"Ingest a record with some of: {', '.join(names)}",
        )
    return record


def cautions(ensemble: Ensemble, tower: xr.Dataset) -> list[str]:
    """Return what a user of a prediction at this tower must know: seen in training, no position, unfinished model."""
    found = [ensemble.caution] if ensemble.caution else []
    site = str(tower.site.item())
    if site in ensemble.seen_sites:
        found.append(f"The model was trained on {site}: this says nothing about new places.")
    if np.isnan(float(tower.lat)):
        found.append(
            "The position of the tower is not known, so the model does without potential radiation and predicts "
            "GPP and RECO worse; ingest again with --sites."
        )
    return found


def member_code(ensemble: Ensemble, member: Member, record: TowerRecord, support: pd.DatetimeIndex | None) -> Tensor:
    """Return the task code (1, Z) of a tower; labels are read on the support days alone."""
    scale = member.model.forward_model.flux_scale.cpu()
    bins = tower_support(record, support, scale, ensemble.config.model.encoder_bin)
    with torch.no_grad():
        return member.model.encoder(bins.to(ensemble.device))


def run_forward(forward: Forward, drivers: Tensor, mask: Tensor, modulation: Modulation, window: int) -> Tensor:
    """Return the fluxes (B, T, 3) in gC m-2 d-1 of one tower under B modulations.

    Args:
        forward: the forward model, or it with other weights.
        drivers: (1, T, D).
        mask: (1, T, D).
        modulation: B rows.
        window: 0 runs once over the whole sequence; otherwise each day is the last of its own
            sliding window of that many days, as in the paper.
    """
    rows = len(modulation.gamma_in)
    if not window:
        return forward(drivers.expand(rows, -1, -1), mask.expand(rows, -1, -1), modulation)

    def slide(x: Tensor) -> Tensor:
        return functional.pad(x, (0, 0, window - 1, 0))[0].unfold(0, window, 1).transpose(1, 2)

    fluxes = []
    for row in range(rows):
        parts = []
        for start in range(0, drivers.shape[1], WINDOWS_AT_ONCE):
            x, m = (slide(v)[start : start + WINDOWS_AT_ONCE] for v in (drivers, mask))
            same = Modulation(*(v[row : row + 1].expand(len(x), -1) for v in modulation))
            parts.append(forward(x, m, same)[:, -1])
        fluxes.append(torch.cat(parts))
    return torch.stack(fluxes)


def predict(ensemble: Ensemble, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> xr.Dataset:
    """Predict the fluxes of one tower without a gradient step.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: days whose observed fluxes the encoder may read; None or empty is zero-shot.

    Returns:
        Dataset(member, time) of GPP, RECO, NEE in gC m-2 d-1.

    Raises:
        TamrlError: the tower has no drivers that the model reads, or a class that is not known.
    """

    @torch.no_grad()
    def one(_: int, member: Member) -> np.ndarray:
        record = member_record(ensemble, member, tower)
        modulation = member.model.modulator(member_code(ensemble, member, record, support))
        drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
        fluxes = run_forward(member.model.forward_model, drivers, mask, modulation, ensemble.config.train.window)
        return fluxes[0].cpu().numpy()

    return to_predictions(over_members(ensemble, one), pd.DatetimeIndex(tower.time.values))
