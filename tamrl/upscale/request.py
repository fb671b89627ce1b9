"""Request, progress and outcome of an upscaling run."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from tamrl.system.account import IngestReport
from tamrl.upscale.rechunk import SMALL_BYTES


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """What is upscaled, and how.

    Attributes:
        checkpoint: folder of the model.
        files: drivers, see ``tamrl.upscale.drivers.open.open_drivers``.
        out: Zarr to write.
        mapping: YAML file or name of a bundled mapping; None for variables named as in the schema.
        scheduler: ``threads``, ``local`` or the address of a dask scheduler.
        workers: threads or processes.
        bbox: west, south, east, north, degrees.
        period: first and last day.
        resume: continue a run that was stopped.
        memory: bytes that the arrays of one worker may take; None for a value that suits the device.
        members: keep the fluxes of each member.
        spin_up: run the first year once before the series.
        dominant: treat each cell as its dominant class instead of by the fractions of all.
        smallest: bytes below which map-chunked drivers are read without rechunking.
        allow_gaps: where a driver is missing for some steps or cells, predict without it instead of refusing.
        device: ``auto``, ``cuda``, ``cuda:<number>``, ``mps`` or ``cpu``; ``cuda`` is a worker for each GPU.
        precision: of the recurrence, see ``tamrl.model.batch_inference.PRECISIONS``.
    """

    checkpoint: Path
    files: tuple[str, ...]
    out: Path
    mapping: str | None = None
    scheduler: str = "local"
    workers: int = 1
    bbox: tuple[float, float, float, float] | None = None
    period: tuple[pd.Timestamp, pd.Timestamp] | None = None
    resume: bool = False
    memory: int | None = None
    members: bool = False
    spin_up: bool = True
    dominant: bool = False
    smallest: int = SMALL_BYTES
    allow_gaps: bool = False
    device: str = "auto"
    precision: str = "float32"


@dataclass(frozen=True)
class UpscaleProgress:
    """Progress of a run: ``what`` is being done, in pieces of work."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a finished run.

    Attributes:
        out: the maps.
        cells: of the grid.
        steps: of time.
        computed: number of regions computed now.
        before: number of regions finished before.
        staged: drivers that were rechunked.
        notes: what the user should know.
        report: what was done to the drivers.
    """

    out: Path
    cells: int
    steps: int
    computed: int
    before: int
    staged: tuple[str, ...]
    notes: tuple[str, ...]
    report: IngestReport = field(default_factory=IngestReport)
