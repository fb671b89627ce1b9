"""Jobs done for practice at a bundled tower: to warm up the first call of a process, and to time each device."""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl.bundled import bundled_models
from tamrl.landcover import STATIC_SIZE
from tamrl.model.batch_inference import CellBatch, estimate
from tamrl.model.checkpoint import Ensemble, load_ensemble
from tamrl.predict import fastest
from tamrl.predict.adapt import adapt
from tamrl.predict.many import adapt_many
from tamrl.predict.methods import METHODS, AdaptSettings
from tamrl.protocol.support_days import support_days
from tamrl.solar import extraterrestrial_radiation
from tamrl.system.device import wait
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

#: Labelled days, steps of a fit whose number is set, and calls of which the fastest counts.
SUPPORT, STEPS, CALLS = 30, 10, 3
#: Cells and days of a rehearsal of upscaling, and towers of one of adapting to many.
CELLS, DAYS, TOWERS = 256, 365, 8
_MODEL, _SITE = "fluxnet2015-daily", "DE-Hai"


class Rehearsal:
    """The jobs of ``fastest.JOBS`` at one bundled tower, by the bundled daily model."""

    def __init__(self) -> None:
        self._tower = record(bundled().archive(), _SITE)
        self._support = support_days(self._tower, SUPPORT)
        self._several = cache(_several)
        self._ensemble: Callable[[torch.device], Ensemble] = cache(
            lambda device: load_ensemble(bundled_models()[_MODEL], device)
        )

    def run(self, job: str, device: torch.device) -> None:
        """Do a job once and wait until it is done."""
        ensemble = self._ensemble(device)
        if job == fastest.UPSCALE:
            estimate(ensemble, _cells(ensemble, device))
        elif job == fastest.MANY:
            list(adapt_many(ensemble, *self._several(), variances=False))
        else:
            adapt(ensemble, self._tower, self._support, AdaptSettings(method=job, steps=STEPS))
        wait(device)

    def seconds(self, job: str, device: torch.device) -> float:
        """Return how long a job takes once the device is warm; others may use the machine, so the fastest counts."""
        self.run(job, device)
        took = []
        for _ in range(CALLS):
            began = time.perf_counter()
            self.run(job, device)
            took.append(time.perf_counter() - began)
        return min(took)


def _several() -> tuple[list[xr.Dataset], list[list[pd.DatetimeIndex]]]:
    """Return the records of some bundled towers, and the labelled days of each."""
    archive = bundled().archive()
    towers = [record(archive, site) for site in archive["site"].values[:TOWERS].astype(str)]
    return towers, [[support_days(tower, SUPPORT)] for tower in towers]


def _cells(ensemble: Ensemble, device: torch.device) -> CellBatch:
    """Return made-up weather of some places, about the means of the training."""
    scales = ensemble.members[0].normaliser
    mean, std = (torch.from_numpy(v)[:, None] for v in (scales.driver_mean, scales.driver_std))
    noise = torch.randn(CELLS, len(mean), DAYS, generator=torch.Generator().manual_seed(0))
    angle = torch.arange(DAYS) * (2 * np.pi / 365.25)
    season = torch.stack([angle.sin(), angle.cos()], 1)
    parts = ((mean + std * noise).float(), season.float(), torch.zeros(CELLS, STATIC_SIZE))
    return CellBatch(*(part.to(device) for part in parts))


def warm_up(device: torch.device | None = None) -> None:
    """Do what the first adaptation would wait for.

    The import of pvlib takes 1.5 s. On a GPU every method runs once besides: its libraries load
    and its memory is set aside; where the devices of this machine were not compared yet, they are. On a CPU the first
    adaptation is as fast as the second.

    Args:
        device: of the model that was opened; None is a CPU.
    """
    extraterrestrial_radiation(0.0, pd.date_range("2001-01-01", periods=1))
    compare = fastest.is_open() and fastest.Measured().figures() is None
    if not compare and (device is None or device.type == "cpu"):
        return
    practice = Rehearsal()
    if not fastest.settle(practice.seconds) and device is not None:
        for job in METHODS:
            practice.run(job, device)


def ready(job: str, name: str, say: Callable[[str], None]) -> fastest.Picked:
    """Return the device for a job; where the devices of this machine were not compared yet, they are now.

    Args:
        job: one of ``fastest.JOBS``.
        name: ``auto``, or a device that the user insists on.
        say: told that it takes a while.

    Raises:
        TamrlError: the device is unknown or not there.
    """
    if fastest.is_open(name) and fastest.Measured().figures() is None:
        say("Comparing the devices of this machine, once; --device or TAMRL_DEVICE insists on one")
        fastest.settle(Rehearsal().seconds, name)
    return fastest.pick(job, name)
