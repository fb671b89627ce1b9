"""From towers to tensors: normalised records, and batches of long sequences for training.

Dimensions: B batch, T days, D drivers, S support steps (bins of several days), A static inputs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from tamrl.config import Config
from tamrl.data.drivers import GROUPS, driver_table
from tamrl.errors import TamrlError
from tamrl.schema import FLUXES, IGBP, KOEPPEN, QC_VALID, UNKNOWN, check_class

IGBP_CLASSES = (*IGBP, UNKNOWN)
KOEPPEN_CLASSES = (*KOEPPEN, UNKNOWN)
#: A, the length of the static inputs: one-hot IGBP and Koeppen main classes, each with ``unknown``.
STATIC_SIZE = len(IGBP_CLASSES) + len(KOEPPEN_CLASSES)


@dataclass(frozen=True)
class Normaliser:
    """Scales of inputs and targets, taken from training towers only.

    Attributes:
        driver_mean: (D,) physical units.
        driver_std: (D,) physical units.
        flux_scale: (3,) standard deviation of GPP, RECO, NEE in gC m-2 d-1; fluxes are divided by
            it but never shifted, so that zero stays zero and the carbon balance stays linear.
    """

    driver_mean: np.ndarray
    driver_std: np.ndarray
    flux_scale: np.ndarray

    @classmethod
    def fit(cls, tables: list[np.ndarray], fluxes: list[np.ndarray]) -> "Normaliser":
        """Take the scales from (T, D) driver tables and (T, 3) fluxes, each tower counting the same.

        A driver that no tower has gets mean 0 and scale 1: it stays masked.
        """

        def moments(values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            first, second, towers = 0.0, 0.0, 0.0
            for v in values:
                n = np.isfinite(v).sum(axis=0)
                x = np.nan_to_num(v.astype(np.float64))
                first = first + x.sum(axis=0) / np.maximum(n, 1)
                second = second + np.square(x).sum(axis=0) / np.maximum(n, 1)
                towers = towers + (n > 0)
            mean = first / np.maximum(towers, 1)
            return mean, np.sqrt(np.maximum(second / np.maximum(towers, 1) - mean**2, 0))

        mean, std = moments(tables)
        _, scale = moments(fluxes)
        return cls(
            mean.astype(np.float32),
            np.where(std > 0, std, 1).astype(np.float32),
            np.where(scale > 0, scale, 1).astype(np.float32),
        )


def static_inputs(igbp: str, koeppen: str) -> np.ndarray:
    """Return (A,) one-hot classes of a place; Koeppen by its first letter.

    Raises:
        TamrlError: a class is neither known nor the explicit ``unknown``.
    """
    check_class(igbp, IGBP, "IGBP")
    check_class(koeppen, KOEPPEN, "Koeppen")
    main = koeppen if koeppen == UNKNOWN else koeppen[0]
    values = np.zeros(STATIC_SIZE, np.float32)
    values[IGBP_CLASSES.index(igbp)] = 1
    values[len(IGBP_CLASSES) + KOEPPEN_CLASSES.index(main)] = 1
    return values


def flux_table(tower: xr.Dataset) -> np.ndarray:
    """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1, NaN where missing."""
    return np.stack([tower[f].values.astype(np.float32) for f in FLUXES], axis=1)


def valid_days(tower: xr.Dataset) -> np.ndarray:
    """Return (T,) bool: quality of at least 0.7 and some flux observed."""
    observed = np.isfinite(flux_table(tower)).any(axis=1)
    return observed & (tower["QC"].values >= QC_VALID)


@dataclass(frozen=True)
class TowerRecord:
    """One tower as normalised tensors; 0 where masked.

    Attributes:
        site: tower id.
        time: T dates.
        drivers: (T, D) normalised.
        driver_mask: (T, D) 1 where present.
        fluxes: (T, 3) gC m-2 d-1.
        weight: (T, 3) QC on valid days with that flux observed, else 0.
        season: (T, 2) sine and cosine of the day of year.
        static: (A,).
    """

    site: str
    time: pd.DatetimeIndex
    drivers: Tensor
    driver_mask: Tensor
    fluxes: Tensor
    weight: Tensor
    season: Tensor
    static: Tensor


def tower_record(tower: xr.Dataset, names: tuple[str, ...], normaliser: Normaliser) -> TowerRecord:
    """Return one tower as normalised tensors on the CPU."""
    time = pd.DatetimeIndex(tower.time.values)
    table = driver_table(tower, names)
    present = np.isfinite(table)
    scaled = (table - normaliser.driver_mean) / normaliser.driver_std
    fluxes = flux_table(tower)
    observed = np.isfinite(fluxes) & valid_days(tower)[:, None]
    weight = np.where(observed, np.nan_to_num(tower["QC"].values)[:, None], 0)
    angle = 2 * np.pi * time.day_of_year.to_numpy() / 365.25
    return TowerRecord(
        str(tower.site.item()),
        time,
        torch.from_numpy(np.where(present, np.clip(scaled, -8, 8), 0).astype(np.float32)),
        torch.from_numpy(present.astype(np.float32)),
        torch.from_numpy(np.nan_to_num(fluxes)),
        torch.from_numpy(weight.astype(np.float32)),
        torch.from_numpy(np.stack([np.sin(angle), np.cos(angle)], 1).astype(np.float32)),
        torch.from_numpy(static_inputs(str(tower.igbp.item()), str(tower.koeppen.item()))),
    )


@dataclass(frozen=True)
class Support:
    """What the encoder reads: S bins of several days each.

    Attributes:
        series: (B, S, F) bin means of drivers, their presence, scaled labels, label presence,
            the share of labelled days, and the season.
        valid: (B, S) 1 where the bin holds any driver.
        labelled: (B, S) 1 where the bin holds any label.
        static: (B, A).
    """

    series: Tensor
    valid: Tensor
    labelled: Tensor
    static: Tensor

    def to(self, device: torch.device) -> "Support":
        """Return the same support on a device."""
        return Support(*(x.to(device) for x in (self.series, self.valid, self.labelled, self.static)))


def support_features(drivers: int) -> int:
    """Return F, the width of the support series for D drivers."""
    return 2 * drivers + 3 + 3 + 1 + 2


def make_support(
    drivers: Tensor, mask: Tensor, fluxes: Tensor, labels: Tensor, season: Tensor, static: Tensor, bin_days: int
) -> Support:
    """Average daily tensors into the encoder's bins; days past the last whole bin are padded.

    Args:
        drivers: (B, T, D) normalised, 0 where masked.
        mask: (B, T, D).
        fluxes: (B, T, 3) scaled, 0 where missing.
        labels: (B, T, 3) 1 where the label may be read.
        season: (B, T, 2).
        static: (B, A).
        bin_days: days in one bin.
    """
    count = drivers.shape[1]
    steps = -(-count // bin_days)
    pad = steps * bin_days - count

    def binned(x: Tensor) -> Tensor:
        x = torch.nn.functional.pad(x, (0, 0, 0, pad))
        return x.view(x.shape[0], steps, bin_days, -1).sum(2)

    n_driver, n_label = binned(mask), binned(labels)
    series = torch.cat(
        [
            binned(drivers * mask) / n_driver.clamp(min=1),
            n_driver / bin_days,
            binned(fluxes * labels) / n_label.clamp(min=1),
            (n_label > 0).float(),
            n_label.amax(-1, keepdim=True) / bin_days,
            binned(season) / bin_days,
        ],
        dim=-1,
    )
    valid = (n_driver.sum(-1) > 0).float()
    return Support(series, valid, (n_label.sum(-1) > 0).float() * valid, static)


def tower_support(record: TowerRecord, days: pd.DatetimeIndex | None, scale: Tensor, bin_days: int) -> Support:
    """Return the support of one tower: its whole record of drivers, labels on ``days`` alone (B = 1)."""
    labels = torch.zeros_like(record.weight)
    if days is not None:
        chosen = torch.from_numpy(record.time.isin(days).astype(np.float32))
        labels = (record.weight > 0).float() * chosen[:, None]
    one = [x[None] for x in (record.drivers, record.driver_mask, record.fluxes / scale, labels, record.season)]
    return make_support(*one, record.static[None], bin_days)


@dataclass(frozen=True)
class Batch:
    """One training step: a support and a query from each of B towers.

    Attributes:
        support: what the encoder reads.
        drivers: (B, T, D) normalised, 0 where hidden or missing.
        mask: (B, T, D).
        fluxes: (B, T, 3) gC m-2 d-1.
        weight: (B, T, 3) QC x tower weight; 0 in the spin-up, on missing and on support days.
    """

    support: Support
    drivers: Tensor
    mask: Tensor
    fluxes: Tensor
    weight: Tensor


class Batcher:
    """Draws random batches of long sequences from towers, on any device.

    The towers lie one after the other in flat tensors whose row 0 is empty, so that a batch is one
    gather and days before or after a record are simply masked: a missing day hides that day alone.
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

        def flat(name: str) -> Tensor:
            rows = torch.cat([getattr(r, name) for r in records])
            return torch.cat([torch.zeros_like(rows[:1]), rows]).to(device)

        self.drivers, self.mask = flat("drivers"), flat("driver_mask")
        self.fluxes, self.weight, self.season = flat("fluxes"), flat("weight"), flat("season")
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

    def _window(self, towers: Tensor, days: int) -> Tensor:
        """Return (B, days) rows of the flat tensors; 0 outside a tower's record."""
        slack = (self.length[towers] - days).clamp(min=0)
        start = (torch.rand(len(towers), generator=self.generator) * (slack + 1)).long()
        position = start[:, None] + torch.arange(days)
        rows = self.offset[towers][:, None] + position
        return torch.where(position < self.length[towers][:, None], rows, 0)

    def _label_rows(self, rows: Tensor) -> Tensor:
        """Return (B, days) bool: the run of support days whose labels the encoder may read.

        Runs are log-uniform between 5 and the whole support, since users bring days as well as years.
        """
        count, days = rows.shape
        draw = torch.rand(3, count, generator=self.generator)
        length = 5 * torch.exp(draw[0] * float(np.log(days / 5)))
        start = draw[1] * (days - length)
        position = torch.arange(days)
        inside = (position >= start[:, None]) & (position < (start + length)[:, None])
        return inside & (draw[2] < self.config.train.labels)[:, None] & (rows > 0)

    def _hide_drivers(self, count: int) -> Tensor:
        """Return (B, 1, D) 0 for the driver groups hidden in this sequence."""
        keep = torch.ones(count, 1, self.drivers.shape[1])
        for group in self.groups:
            hidden = torch.rand(count, generator=self.generator) < self.config.train.driver_dropout
            for column in group:
                keep[hidden, 0, column] = 0
        return keep.to(self.device)

    def _hide_classes(self, static: Tensor) -> Tensor:
        """Set the classes of some towers to ``unknown``."""
        static = static.clone()
        for first, size in ((0, len(IGBP_CLASSES)), (len(IGBP_CLASSES), len(KOEPPEN_CLASSES))):
            hidden = torch.rand(len(static), generator=self.generator) < self.config.train.static_dropout
            hidden = hidden.to(self.device)
            static[hidden, first : first + size] = 0
            static[hidden, first + size - 1] = 1
        return static

    def draw(self) -> Batch:
        """Return the next random batch on the device."""
        train = self.config.train
        towers = self._towers(train.batch)
        support_rows = self._window(towers, train.support_bins * self.config.model.encoder_bin)
        query_rows = self._window(towers, train.window or train.sequence)
        readable = self._label_rows(support_rows)
        # Support days never enter the loss: their rows lose their weight in the query.
        read = torch.zeros(len(self.weight), dtype=torch.bool)
        shown = torch.zeros_like(query_rows, dtype=torch.bool)
        for b in range(len(towers)):
            chosen = support_rows[b][readable[b]]
            read[chosen] = True
            shown[b] = read[query_rows[b]]
            read[chosen] = False
        keep = self._hide_drivers(len(towers))
        s, q = support_rows.to(self.device), query_rows.to(self.device)
        labels = (self.weight[s] > 0).float() * readable.to(self.device)[..., None]
        mask = self.mask[s] * keep
        support = make_support(
            self.drivers[s] * mask, mask, self.fluxes[s] / self.scale, labels, self.season[s],
            self._hide_classes(self.static[towers.to(self.device)]), self.config.model.encoder_bin,
        )  # fmt: skip
        weight = (
            self.weight[q] * (~shown).to(self.device)[..., None] * self.tower_weight[towers.to(self.device)][:, None]
        )
        if not train.window:
            weight[:, : train.spin_up] = 0
        mask = self.mask[q] * keep
        return Batch(support, self.drivers[q] * mask, mask, self.fluxes[q], weight)


def _tower_weight(record: TowerRecord, scale: Tensor, config: Config) -> Tensor:
    """Return (3,) weights that keep towers with large fluxes from ruling the loss."""
    seen = record.weight > 0
    n = seen.sum(0).clamp(min=1)
    mean = (record.fluxes * seen).sum(0) / n
    share = (((record.fluxes - mean) ** 2) * seen).sum(0) / n / scale**2
    floor = config.train.site_weight_floor
    return (1 + floor) / (share + floor)
