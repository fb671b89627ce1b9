"""From towers to tensors: normalised records, and the supports that the encoder reads.

Dimensions: B batch, T steps (days or months), D drivers, S support steps (bins of several of them), A static inputs.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from tamrl.landcover import tower_static
from tamrl.model.drivers import driver_table
from tamrl.timestep import season_angle, step_of
from tamrl.towers.quality import flux_table, valid_days

#: Normalised drivers are cut at so many standard deviations.
CLIP = 8.0


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


@dataclass(frozen=True, kw_only=True)
class TowerRecord:
    """One tower as normalised tensors; 0 where masked.

    Attributes:
        site: tower id.
        time: T dates.
        drivers: (T, D) normalised.
        driver_mask: (T, D) 1 where present.
        fluxes: (T, 3) gC m-2 d-1.
        weight: (T, 3) NEE_QC on valid days with that flux observed, else 0.
        season: (T, 2) sine and cosine of the time of year.
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
    return tower_records(tower, names, [normaliser])[0]


def tower_records(tower: xr.Dataset, names: tuple[str, ...], normalisers: list[Normaliser]) -> list[TowerRecord]:
    """Return one tower as normalised tensors on the CPU, once for each normaliser; what does not differ is shared."""
    time = pd.DatetimeIndex(tower.time.values)
    table = driver_table(tower, names)
    present = np.isfinite(table)
    fluxes = flux_table(tower)
    observed = np.isfinite(fluxes) & valid_days(tower)[:, None]
    weight = np.where(observed, np.nan_to_num(tower["NEE_QC"].values)[:, None], 0)
    angle = season_angle(time, step_of(tower))
    first = TowerRecord(
        site=str(tower.site.item()),
        time=time,
        drivers=torch.empty(0),
        driver_mask=torch.from_numpy(present.astype(np.float32)),
        fluxes=torch.from_numpy(np.nan_to_num(fluxes)),
        weight=torch.from_numpy(weight.astype(np.float32)),
        season=torch.from_numpy(np.stack([np.sin(angle), np.cos(angle)], 1).astype(np.float32)),
        static=torch.from_numpy(tower_static(tower)),
    )

    def drivers(normaliser: Normaliser) -> Tensor:
        scaled = (table - normaliser.driver_mean) / normaliser.driver_std
        return torch.from_numpy(np.where(present, np.clip(scaled, -CLIP, CLIP), 0).astype(np.float32))

    return [replace(first, drivers=drivers(normaliser)) for normaliser in normalisers]


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

    daily = torch.cat([drivers * mask, mask, fluxes * labels, labels, season], dim=-1)
    sums = torch.nn.functional.pad(daily, (0, 0, 0, pad)).unflatten(1, (steps, bin_days)).sum(2)
    widths = [x.shape[-1] for x in (drivers, mask, fluxes, labels, season)]
    of_drivers, n_driver, of_fluxes, n_label, of_season = sums.split(widths, -1)
    series = torch.cat(
        [
            of_drivers / n_driver.clamp(min=1),
            n_driver / bin_days,
            of_fluxes / n_label.clamp(min=1),
            (n_label > 0).float(),
            n_label.amax(-1, keepdim=True) / bin_days,
            of_season / bin_days,
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
    drivers, mask, fluxes, labels, season, static = (
        x[None]
        for x in (record.drivers, record.driver_mask, record.fluxes / scale, labels, record.season, record.static)
    )
    return make_support(drivers, mask, fluxes, labels, season, static, bin_days)
