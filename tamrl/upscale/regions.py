"""One region of the grid: from its drivers, read over the whole time, to its fluxes.

Dimensions: K members, T steps, N cells of the region (R rows times C columns), P components of the code.
"""

import dataclasses
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD
from tamrl.globe.stored import Tally
from tamrl.model.batch_inference import CellBatch, Estimate, estimate
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
from tamrl.upscale.workers import device_here, fetched, lent, places_at_once, sent, stream

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
        dominant: treat each cell as its dominant class.
        members: keep the fluxes of each member.
        allow_gaps: predict without a driver where it is missing, instead of refusing.
        device: where to compute, see ``tamrl.upscale.workers.device_here``.
        precision: of the recurrence.
    """

    checkpoint: str
    drivers: Drivers
    spin_up: bool = True
    dominant: bool = False
    members: bool = False
    allow_gaps: bool = True
    device: str = "cpu"
    precision: str = "float32"

    def reading(self, drivers: dict[str, Driver]) -> "RegionJob":
        """Return the same job with other drivers, such as rechunked ones."""
        return dataclasses.replace(self, drivers=dataclasses.replace(self.drivers, drivers=drivers))


@lru_cache(maxsize=16)
def _loaded(path: str, modified: tuple[float, ...], device: str) -> tuple[Ensemble, Reference | None]:
    return load_ensemble(path, device), load_reference(path)


def load_model(path: Path | str, device: str = "cpu") -> tuple[Ensemble, Reference | None]:
    """Return the model on a device and its training towers; loaded once per process unless the checkpoint changes.

    Raises:
        TamrlError: there is no checkpoint, it is damaged, or its model reads windows instead of whole sequences.
    """
    file = os.path.join(path, MANIFEST)
    if not os.path.exists(file):
        load_ensemble(path)
    changed = tuple(p.stat().st_mtime for p in sorted([Path(file), *Path(path).glob("*.safetensors")]))
    ensemble, reference = _loaded(str(path), changed, device)
    if ensemble.config.train.window:
        raise TamrlError(
            f"The model reads windows of {ensemble.config.train.window} steps",
            str(path),
            "Upscale with a model of whole sequences (train: window: 0)",
        )
    return ensemble, reference


def spin_up_steps(time: pd.DatetimeIndex) -> int:
    """Return the number of steps in the first year; 0 for a shorter series, which would end in another season."""
    year = time[0] + pd.DateOffset(years=1)
    return int((time < year).sum()) if time_ends(time)[-1] >= year else 0


def read_region(drivers: Drivers, region: Region, tally: Tally | None = None) -> dict[str, np.ndarray]:
    """Return the drivers of a region, (T, R, C) float32; an axis along which one does not change is 1.

    Args:
        drivers: of the run.
        region: which part of the grid.
        tally: counts rejected values.

    Raises:
        TamrlError: a file can no longer be opened or read.
    """
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


def _batch(fields: dict[str, Tensor], names: tuple[str, ...], cells: Tensor, columns: int, steps: int) -> Tensor:
    """Return the drivers of some cells as the network reads them, (B, D, T) float32, NaN where there is none.

    Args:
        fields: (T, R, C) of each driver, an axis along which one does not change being 1.
        names: D drivers.
        cells: (B,) of the region, row by row.
        columns: C of the region.
        steps: T.
    """
    out = cells.new_full((len(cells), len(names), steps), float("nan"), dtype=torch.float32)
    for i, name in enumerate(names):
        if name in fields:
            _, height, width = fields[name].shape
            where = (cells // columns if height > 1 else 0 * cells) * width + (cells % columns if width > 1 else 0)
            out[:, i] = fields[name].flatten(1).index_select(1, where).T
    return out


def compute(
    job: RegionJob, region: Region, values: dict[str, np.ndarray], classes: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the fluxes of a region, their spread and the other fields of the maps.

    Args:
        job: model and settings.
        region: which part of the grid.
        values: its drivers, as ``read_region`` gives them.
        classes: static inputs (N, A), vegetated and land fractions (N,) of its cells.

    Returns:
        ``GPP`` ... ``NEE_sd`` (T, R, C) in gC m-2 d-1 of land, the latter as ``spread`` says, ``code`` (P, R, C) and
        ``extrapolation`` (R, C) where the checkpoint holds its towers, ``GPP_members`` ... (K, T, R, C) where wanted;
        NaN where there is no land or no driver. Empty where no cell has a value.

    Raises:
        TamrlError: the model's fluxes are not finite.
    """
    one_thread()
    device = device_here(job.device, job.precision)
    ensemble, reference = load_model(job.checkpoint, str(device))
    shape = (region.bottom - region.top, region.right - region.left)
    static, vegetated, land = classes
    if not len(cells := _land(values, job.drivers, land, shape)):
        return {}
    values = with_derived(values, ensemble.config.model.drivers, job.drivers, region)
    with stream(device):
        fluxes, codes, summaries = _estimated(job, ensemble, values, cells, (static[cells], vegetated[cells]), shape)
    _check_finite(fluxes[""][..., cells], fluxes[SD][..., cells], job.checkpoint)
    out = {name: field for suffix, made in fluxes.items() for name, field in _fields(suffix, made, shape).items()}
    if reference is not None:
        out |= _places(reference, codes, summaries, cells, shape)
    return out


def _estimated(
    job: RegionJob,
    ensemble: Ensemble,
    values: dict[str, np.ndarray],
    cells: np.ndarray,
    classes: tuple[np.ndarray, np.ndarray],
    shape: tuple[int, int],
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return what a model on some device says of the cells of a region.

    Args:
        job: settings.
        ensemble: K members.
        values: drivers, (T, R, C).
        cells: (B,) those to compute.
        classes: static inputs (B, A) and vegetated share (B,) of these.
        shape: R, C.

    Returns:
        Ending of the name -> fluxes (3, ..., T, N) of all cells, NaN where not computed; codes (K, B, Z); and
        summaries (B, F).
    """
    device, config, steps = ensemble.device, ensemble.config.model, len(job.drivers.time)
    fields = {name: sent(torch.from_numpy(np.ascontiguousarray(v, np.float32)), device) for name, v in values.items()}
    season = sent(torch.from_numpy(_season(job.drivers.time, job.drivers.step)), device)
    where, static, share = (sent(torch.from_numpy(x), device) for x in (cells, *classes))
    share = share.to(season.dtype)
    leading = {"": (), SD: (), **({MEMBERS: (len(ensemble.members),)} if job.members else {})}
    size = shape[0] * shape[1]
    out = {k: season.new_full((len(FLUXES), *lead, steps, size), float("nan")) for k, lead in leading.items()}
    calibration, spin_up = ensemble.calibration(0), spin_up_steps(job.drivers.time) if job.spin_up else 0
    most, codes, summaries = places_at_once(device, steps, config, len(ensemble.members)), [], []
    for start in range(0, len(cells), most):
        chosen = slice(start, start + most)
        with lent(device):
            drivers = _batch(fields, config.drivers, where[chosen], shape[1], steps)
            found = estimate(ensemble, CellBatch(drivers, season, static[chosen]), spin_up, job.precision)
            made = {"": found.mean, SD: spread(calibration, found, static[chosen])}
            made |= {MEMBERS: found.members.swapaxes(0, 1)} if job.members else {}
            for suffix, one in made.items():
                out[suffix].index_copy_(-1, where[chosen], one * share[chosen])
        codes.append(found.codes)
        summaries.append(found.summaries)
    told = (fetched(torch.cat(codes, dim=1)).numpy(), fetched(torch.cat(summaries)).numpy())
    return {suffix: fetched(one).numpy() for suffix, one in out.items()}, *told


def _check_finite(mean: np.ndarray, sd: np.ndarray, checkpoint: str) -> None:
    """Check that the fluxes of a model are finite where there is land.

    Raises:
        TamrlError: they are not.
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


def spread(calibration: Calibration | None, found: Estimate, static: Tensor) -> Tensor:
    """Return the standard deviation (3, T, B) that maps keep, gC m-2 d-1.

    Of a calibrated model it is that of the flux that a tower at a new place would measure in one step, fitted on towers
    that the members had not seen. Of an uncalibrated one it is that between the members and of the prior of the site
    effect alone, which shows where fluxes are uncertain, not by how much.
    """
    if calibration is None:
        return found.sd
    sd = calibration.sd(found.mean.permute(1, 2, 0), found.sd.permute(1, 2, 0)).permute(2, 0, 1)
    return sd * calibration.widening(static).T[:, None]


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
    """Return the IGBP classes that training towers have; None where the checkpoint does not hold them."""
    return None if reference is None else frozenset(reference.igbp)


def run_region(job: RegionJob, region: Region, account: Account) -> dict[str, np.ndarray]:
    """Read and compute one region; see ``compute``, and ``land_fraction`` (R, C) where the drivers have it.

    Rejected and missing values are added to ``account``; with gaps that are not allowed nothing is computed.

    Args:
        job: model, drivers and settings.
        region: which part of the grid.
        account: changed in place.

    Raises:
        TamrlError: the checkpoint or the drivers cannot be read, or the fluxes are not finite.
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
