"""One region of the grid: from its drivers, read whole along time, to its fluxes.

Dimensions: K members, T steps, N cells of the region (R rows times C columns), P components of the code.
"""

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD
from tamrl.globe.stored import Tally
from tamrl.model.batch_inference import PLACES_AT_ONCE, STEPS_AT_ONCE, CellBatch, Estimate, estimate
from tamrl.model.calibration import Calibration
from tamrl.model.checkpoint import MANIFEST, Ensemble, load_ensemble
from tamrl.model.drivers import DERIVED
from tamrl.model.training_towers import Reference, load_reference
from tamrl.schema import FLUXES
from tamrl.solar import TREND_DAYS, potential_radiation
from tamrl.system.device import one_thread
from tamrl.timestep import TimeStep, season_angle, time_ends
from tamrl.upscale.drivers.landcover import static_inputs_of
from tamrl.upscale.drivers.open import Drivers
from tamrl.upscale.drivers.read import Driver, read_driver
from tamrl.upscale.gaps import Account, cell_gaps

#: Ending of the names of fluxes of the single members.
MEMBERS = "_members"
LAND = "land_fraction"


class Region(NamedTuple):
    """A rectangle of the grid: rows ``top`` to before ``bottom``, columns ``left`` to before ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def name(self) -> str:
        """Name of the region in files."""
        return f"{self.top}-{self.left}"

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns."""
        return slice(self.left, self.right)


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionJob:
    """What a worker needs to compute regions.

    Attributes:
        checkpoint: folder of the model, at the same path on every worker.
        drivers: to read.
        spin_up: run the first year once before the series.
        dominant: treat each cell as its largest class.
        members: keep the fluxes of each member.
        allow_gaps: predict without a driver where it is missing.
    """

    checkpoint: str
    drivers: Drivers
    spin_up: bool = True
    dominant: bool = False
    members: bool = False
    allow_gaps: bool = True

    def reading(self, drivers: dict[str, Driver]) -> "RegionJob":
        """Return the same with drivers that are read from elsewhere."""
        return dataclasses.replace(self, drivers=dataclasses.replace(self.drivers, drivers=drivers))


@lru_cache(maxsize=2)
def _loaded(path: str, modified: tuple[float, ...]) -> tuple[Ensemble, Reference | None]:
    return load_ensemble(path), load_reference(path)


def load_model(path: Path | str) -> tuple[Ensemble, Reference | None]:
    """Return the model and its training towers on the CPU, once a process as long as the checkpoint does not change.

    Raises:
        TamrlError: there is no checkpoint, it is damaged, or it reads windows.
    """
    file = os.path.join(path, MANIFEST)
    if not os.path.exists(file):
        load_ensemble(path)
    changed = tuple(p.stat().st_mtime for p in sorted([Path(file), *Path(path).glob("*.safetensors")]))
    ensemble, reference = _loaded(str(path), changed)
    if ensemble.config.train.window:
        raise TamrlError(
            f"The model reads windows of {ensemble.config.train.window} steps",
            str(path),
            "Upscale with a model of whole sequences (train: window: 0)",
        )
    return ensemble, reference


def spin_up_steps(time: pd.DatetimeIndex) -> int:
    """Return how many steps the first year is; 0 where the series is shorter: it would not end in its own season."""
    year = time[0] + pd.DateOffset(years=1)
    return int((time < year).sum()) if time_ends(time)[-1] >= year else 0


def read_region(drivers: Drivers, region: Region, tally: Tally | None = None) -> dict[str, np.ndarray]:
    """Return the drivers of a region, (T, R, C) float32; an axis along which one does not change is 1."""
    return {n: read_driver(driver, region.rows, region.columns, tally) for n, driver in drivers.drivers.items()}


@lru_cache(maxsize=4)
def _radiation(lat: tuple[float, ...], time: tuple[str, int], step: TimeStep) -> tuple[np.ndarray, np.ndarray]:
    """Return SW_IN_POT and SW_IN_POT_TREND of R latitudes, (T, R, 1) each, for a first step and a number of steps."""
    latitudes = np.array(lat)
    index = pd.date_range(time[0], periods=time[1], freq="D" if step == TimeStep.DAILY else "MS")
    now = potential_radiation(latitudes, index, step).T[..., None]
    return now, now - potential_radiation(latitudes, index, step, -TREND_DAYS).T[..., None]


def with_derived(
    values: dict[str, np.ndarray], names: tuple[str, ...], drivers: Drivers, region: Region
) -> dict[str, np.ndarray]:
    """Return the drivers with those that follow from latitude and date, (T, R, 1)."""
    out, wanted = dict(values), [n for n in DERIVED if n in names]
    if wanted:
        time = (str(drivers.time[0]), len(drivers.time))
        found = _radiation(tuple(drivers.lat[region.rows].tolist()), time, drivers.step)
        out |= {name: values for name, values in zip(DERIVED, found, strict=True) if name in wanted}
    return out


def _land(values: dict[str, np.ndarray], drivers: Drivers, land: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the cells of a region to compute: land with some driver that changes with time."""
    found = np.zeros(shape, bool)
    for name, array in values.items():
        if not drivers.drivers[name].static:
            found |= np.isfinite(array).any(0)
    return np.flatnonzero(found.ravel() & (land > 0))


def _batch(values: dict[str, np.ndarray], names: tuple[str, ...], cells: np.ndarray, columns: int, steps: int):
    """Return the drivers of some cells as the network reads them, (B, D, T) float32."""
    out = np.full((len(cells), len(names), steps), np.nan, np.float32)
    row, column = np.divmod(cells, columns)
    for i, name in enumerate(names):
        if name in values:
            array = values[name]
            if array.shape[1] > 1 and array.shape[2] == columns:
                out[:, i] = array.reshape(len(array), -1)[:, cells].T
            else:
                out[:, i] = array[
                    :, row if array.shape[1] > 1 else 0 * row, column if array.shape[2] > 1 else 0 * row
                ].T
    return out


def batches(cells: np.ndarray, steps: int) -> Iterator[np.ndarray]:
    """Yield the cells in batches: more at once where series are short."""
    size = PLACES_AT_ONCE * min(16, max(1, STEPS_AT_ONCE // steps))
    for start in range(0, len(cells), size):
        yield cells[start : start + size]


def compute(
    job: RegionJob, region: Region, values: dict[str, np.ndarray], classes: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what the model says of a region.

    Args:
        job: model and settings.
        region: which part of the grid.
        values: its drivers, as ``read_region`` gives them.
        classes: static inputs (N, A), vegetated and land share (N,) of its cells.

    Returns:
        ``GPP`` ... ``NEE_sd`` (T, R, C) in gC m-2 d-1 of land, the latter as ``spread`` says, ``code`` (P, R, C) and
        ``extrapolation`` (R, C) where the checkpoint knows its towers, ``GPP_members`` ... (K, T, R, C) where wanted;
        NaN where there is no land or no driver. Empty where that is everywhere.

    Raises:
        TamrlError: the model's fluxes are not finite.
    """
    one_thread()
    ensemble, reference = load_model(job.checkpoint)
    names, time, steps = ensemble.config.model.drivers, job.drivers.time, len(job.drivers.time)
    shape = (region.bottom - region.top, region.right - region.left)
    static, vegetated, land = classes
    if not len(cells := _land(values, job.drivers, land, shape)):
        return {}
    values, codes, summaries = with_derived(values, names, job.drivers, region), [], []
    season = torch.from_numpy(_season(time, job.drivers.step))
    mean, sd = (_missing(shape, steps) for _ in range(2))
    calibration, spin_up = ensemble.calibration(0), spin_up_steps(time) if job.spin_up else 0
    each = _missing(shape, len(ensemble.members), steps) if job.members else None
    for chosen in batches(cells, steps):
        drivers = torch.from_numpy(_batch(values, names, chosen, shape[1], steps))
        found = estimate(ensemble, CellBatch(drivers, season, torch.from_numpy(static[chosen])), spin_up)
        mean[..., chosen] = found.mean.numpy() * vegetated[chosen]
        sd[..., chosen] = spread(calibration, found, static[chosen]) * vegetated[chosen]
        if each is not None:
            each[..., chosen] = found.members.numpy().swapaxes(0, 1) * vegetated[chosen]
        codes.append(found.codes.numpy())
        summaries.append(found.summaries.numpy())
    _check_finite(mean[..., cells], sd[..., cells], job.checkpoint)
    out = _fields("", mean, shape) | _fields(SD, sd, shape) | ({} if each is None else _fields(MEMBERS, each, shape))
    if reference is not None:
        out |= _places(reference, np.concatenate(codes, axis=1), np.concatenate(summaries), cells, shape)
    return out


def _missing(shape: tuple[int, int], *leading: int) -> np.ndarray:
    """Return (3, ..., N) float32 of missing values of a region of R rows and C columns."""
    return np.full((len(FLUXES), *leading, shape[0] * shape[1]), np.nan, np.float32)


def _check_finite(mean: np.ndarray, sd: np.ndarray, checkpoint: str) -> None:
    """Check that a model gives numbers where there is land.

    Raises:
        TamrlError: it does not.
    """
    if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
        raise TamrlError("The fluxes are not finite numbers", checkpoint, "Train the model again")


def _season(time: pd.DatetimeIndex, step: TimeStep) -> np.ndarray:
    """Return (T, 2) float32, sine and cosine of the place of each step in the year."""
    angle = season_angle(time, step)
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def _fields(suffix: str, values: np.ndarray, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return flux -> (..., R, C) of values (3, ..., N), each name with a suffix."""
    return {flux + suffix: values[i].reshape(*values.shape[1:-1], *shape) for i, flux in enumerate(FLUXES)}


def spread(calibration: Calibration | None, found: Estimate, static: np.ndarray) -> np.ndarray:
    """Return the standard deviation (3, T, B) that maps keep, gC m-2 d-1.

    Where the model is calibrated it is that of what a tower at a new place would measure in one step, fitted on towers
    that the members had not seen. The deviation between members and of the prior of the site's effect alone, which
    uncalibrated models leave, says which places are uncertain, not by how much.
    """
    if calibration is None:
        return found.sd.numpy()
    mean, raw = (values.numpy().transpose(1, 2, 0) for values in (found.mean, found.sd))
    return calibration.sd(mean, raw).transpose(2, 0, 1) * calibration.widening(static).T[:, None]


def _places(
    reference: Reference, codes: np.ndarray, summaries: np.ndarray, cells: np.ndarray, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return the components of the codes and the extrapolation of the cells, on the region."""
    found = reference.project(codes).T
    components = np.full((len(found), shape[0] * shape[1]), np.nan, np.float32)
    components[:, cells] = found
    index = np.full(shape[0] * shape[1], np.nan, np.float32)
    index[cells] = reference.extrapolation(codes, summaries)
    return {"code": components.reshape(-1, *shape), "extrapolation": index.reshape(shape)}


def known_classes(reference: Reference | None) -> frozenset[str] | None:
    """Return the IGBP classes that training towers have; None where the checkpoint does not know."""
    return None if reference is None else frozenset(reference.igbp)


def run_region(job: RegionJob, region: Region, account: Account) -> dict[str, np.ndarray]:
    """Read and compute one region; see ``compute``, and ``land_fraction`` (R, C) where the drivers have it.

    What is set aside and missing goes into ``account``; with gaps that are not allowed nothing is computed.
    """
    _, reference = load_model(job.checkpoint)
    classes = static_inputs_of(job.drivers.classes, region.rows, region.columns, known_classes(reference), job.dominant)
    out = {}
    if (classes[2] > 0).any():
        values = read_region(job.drivers, region, account.tally)
        green = ((classes[1] > 0) & (classes[2] > 0)).reshape(region.bottom - region.top, -1)
        timed = {name: array for name, array in values.items() if not job.drivers.drivers[name].static}
        account.gaps |= cell_gaps(timed, green)
        if account.gaps and not job.allow_gaps:
            return {}
        out = compute(job, region, values, classes)
        if LAND in job.drivers.classes:
            out[LAND] = classes[2].reshape(region.bottom - region.top, -1)
    return out
