"""Random batches of long sequences for training, on any device.

Dimensions: B batch, T days, D drivers, A static inputs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.landcover import KOEPPEN_CLASSES
from tamrl.model.drivers import GROUPS
from tamrl.model.inputs import Normaliser, Support, TowerRecord, make_support
from tamrl.schema import IGBP_CLASSES
from tamrl.timestep import steps

#: What the flat tensor holds of a record, side by side.
COLUMNS = ("drivers", "driver_mask", "fluxes", "weight", "season")
#: Support days drawn in training are log-uniform between these (in steps of the model): users bring days as well as
#: a year.
FEWEST_SHOTS, MOST_SHOTS = 5, 400


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One training step: a sequence from each of B towers, a run of its days being the support.

    Attributes:
        support: what the encoder reads: the same days, binned.
        drivers: (B, T, D) normalised, 0 where hidden or missing.
        mask: (B, T, D).
        season: (B, T, 2) sine and cosine of the day of year.
        fluxes: (B, T, 3) gC m-2 d-1.
        weight: (B, T, 3) NEE_QC x tower weight; 0 in the spin-up and on missing days.
        shots: (B, T, 3) 1 on support days with that flux observed.
        rows: (B, L) days among which all support days are.
        read: (B, 1, 1) 1 where the encoder reads the labels of the support, too.
    """

    support: Support
    drivers: Tensor
    mask: Tensor
    season: Tensor
    fluxes: Tensor
    weight: Tensor
    shots: Tensor
    rows: Tensor
    read: Tensor


class Batcher:
    """Draws random batches of long sequences from towers.

    The towers lie one after the other in a flat tensor on the device whose row 0 is empty, so that a batch is one
    gather there and days before or after a record are simply masked: a missing day hides that day alone. What is
    random is drawn on the CPU, so that a seed means the same on every device, and sent without waiting for it.

    Raises:
        TamrlError: there is no tower.
    """

    def __init__(
        self, records: list[TowerRecord], normaliser: Normaliser, config: Config, seed: int, device: torch.device
    ) -> None:
        if not records:
            raise TamrlError("There is no tower to train on", "train", "Ingest towers, or exclude fewer")
        self.config, self.device = config, device
        self.generator = torch.Generator().manual_seed(seed)
        self.scale = torch.from_numpy(normaliser.flux_scale).to(device)
        self.length = torch.tensor([len(r.time) for r in records])
        self.offset = 1 + torch.cumsum(self.length, 0) - self.length

        rows = torch.cat([torch.cat([getattr(r, name) for name in COLUMNS], dim=1) for r in records])
        self.table = torch.cat([torch.zeros_like(rows[:1]), rows]).to(device)
        self.widths = [getattr(records[0], name).shape[1] for name in COLUMNS]
        self.static = torch.stack([r.static for r in records]).to(device)
        self.tower_weight = torch.stack([_tower_weight(r, self.scale.cpu(), config) for r in records]).to(device)
        names = config.model.drivers
        self.groups = [[names.index(n) for n in g if n in names] for g in GROUPS]
        self.groups = [g for g in self.groups if g]
        self.order: list[int] = []

    def _towers(self, count: int) -> Tensor:
        """Return the next towers of an endless shuffle: every tower comes equally often."""
        while len(self.order) < count:
            self.order += torch.randperm(len(self.length), generator=self.generator).tolist()
        chosen, self.order = self.order[:count], self.order[count:]
        return torch.tensor(chosen)

    def _sequence(self, towers: Tensor, days: int) -> Tensor:
        """Return (B, days) rows of the flat tensors; 0 outside a tower's record."""
        slack = (self.length[towers] - days).clamp(min=0)
        start = (torch.rand(len(towers), generator=self.generator) * (slack + 1)).long()
        position = start[:, None] + torch.arange(days)
        rows = self.offset[towers][:, None] + position
        return torch.where(position < self.length[towers][:, None], rows, 0)

    def _run(self, count: int, days: int) -> Tensor:
        """Return (B, days) bool: the run of support days of each sequence."""
        draw = torch.rand(2, count, generator=self.generator)
        fewest, most = (steps(shots, self.config.model.step) for shots in (FEWEST_SHOTS, MOST_SHOTS))
        most = min(most, days // 2)
        length = min(fewest, most) * torch.exp(draw[0] * float(np.log(max(1, most / fewest))))
        start = draw[1] * (days - length)
        position = torch.arange(days)
        return (position >= start[:, None]) & (position < (start + length)[:, None])

    def _hide_drivers(self, count: int) -> Tensor:
        """Return (B, 1, D) 0 for the driver groups hidden in this sequence."""
        keep = torch.ones(count, 1, self.widths[0])
        for group in self.groups:
            hidden = torch.rand(count, generator=self.generator) < self.config.train.driver_dropout
            for column in group:
                keep[hidden, 0, column] = 0
        return self._sent(keep)

    def _hide_classes(self, static: Tensor) -> Tensor:
        """Set the classes of some towers to ``unknown``."""
        hidden, unknown = (torch.zeros(static.shape, dtype=torch.bool) for _ in range(2))
        for first, size in ((0, len(IGBP_CLASSES)), (len(IGBP_CLASSES), len(KOEPPEN_CLASSES))):
            chosen = torch.rand(len(static), generator=self.generator) < self.config.train.static_dropout
            hidden[:, first : first + size] = chosen[:, None]
            unknown[:, first + size - 1] = chosen
        return torch.where(self._sent(hidden), self._sent(unknown.float()), static)

    def _sent(self, drawn: Tensor) -> Tensor:
        """Return what was drawn on the device, without waiting until it is there."""
        if self.device.type == "cuda":
            return drawn.pin_memory().to(self.device, non_blocking=True)
        return drawn.to(self.device)

    def draw(self) -> Batch:
        """Return the next random batch on the device."""
        train, bin_days = self.config.train, self.config.model.encoder_bin
        towers = self._towers(train.batch)
        rows = self._sent(self._sequence(towers, train.sequence))
        support = self._run(len(towers), train.sequence)
        run = self._sent(support)
        read = self._sent(torch.rand(len(towers), generator=self.generator) < train.labels)
        towers = self._sent(towers)
        drawn = self.table.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        drivers, mask, fluxes, weight, season = (x.contiguous() for x in drawn.split(self.widths, dim=-1))
        mask = mask * self._hide_drivers(len(towers))
        drivers = drivers * mask
        shots = (weight > 0).float() * run[..., None]
        encoded = make_support(
            drivers,
            mask,
            fluxes / self.scale,
            shots * read[:, None, None],
            season,
            self._hide_classes(self.static[towers]),
            bin_days,
        )
        weight = weight * self.tower_weight[towers][:, None]
        weight[:, : train.spin_up] = 0
        return Batch(
            support=encoded,
            drivers=drivers,
            mask=mask,
            season=season,
            fluxes=fluxes,
            weight=weight,
            shots=shots,
            rows=self._sent(_span(support)),
            read=read.float()[:, None, None],
        )


def _span(run: Tensor) -> Tensor:
    """Return (B, L) days of sequences that hold a run (B, T) of each, as many as the longest has."""
    length, first = max(1, int(run.sum(1).max())), run.int().argmax(1)
    return first.clamp(max=run.shape[1] - length)[:, None] + torch.arange(length)


def _tower_weight(record: TowerRecord, scale: Tensor, config: Config) -> Tensor:
    """Return (3,) weights that keep towers with large fluxes from ruling the loss."""
    seen = record.weight > 0
    n = seen.sum(0).clamp(min=1)
    mean = (record.fluxes * seen).sum(0) / n
    share = (((record.fluxes - mean) ** 2) * seen).sum(0) / n / scale**2
    floor = config.train.site_weight_floor
    return (1 + floor) / (share + floor)
