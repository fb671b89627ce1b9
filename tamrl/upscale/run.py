"""An upscaling run: from drivers and a checkpoint to maps on disk, resumable at any region."""

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tamrl
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble, digest
from tamrl.model.training_towers import Reference
from tamrl.system.account import IngestReport
from tamrl.system.storage import locked
from tamrl.towers.archive import now
from tamrl.upscale.cluster import connect, run_all
from tamrl.upscale.drivers.mapping import Mapping, default_mapping, load_mapping
from tamrl.upscale.drivers.open import Drivers, open_drivers
from tamrl.upscale.gaps import Account, accounts, check_cells, check_steps
from tamrl.upscale.rechunk import Staging, create_staged, plan_staging, stage, staged_drivers
from tamrl.upscale.regions import Region, RegionJob, load_model, run_region, spin_up_steps
from tamrl.upscale.request import Outcome, UpscaleProgress, UpscaleRequest
from tamrl.upscale.store import RunFolder, create, finish, prepare, regions, save_plan, set_mark, write_region
from tamrl.upscale.workers import Workers, plan_workers

#: Rows and columns of a region are a multiple of this, and at most that many.
_TILE, _LARGEST = 8, 128
#: Steps of cells, times members, of one region: a minute or so of one core, which is what Ctrl-C loses at most.
_WORK = 40_000_000
#: What the standard deviations of the maps are, of models that are calibrated and of others.
SPREAD = {
    True: "Standard deviation of what a new tower would measure in a time step, calibrated on held-out towers",
    False: "Standard deviation between the members and of the prior of the site's effect, not calibrated",
}
CITATION = "TAM-RL: Rozanov, Renganathan and Kumar 2026, arXiv:2603.09974; upscaling with TAM-RL Explorer"


def upscale(request: UpscaleRequest, on_progress: Callable[[UpscaleProgress], None] | None = None) -> Outcome:
    """Compute the maps.

    Args:
        request: what and how.
        on_progress: called after each piece of work.

    Returns:
        What was made.

    Raises:
        TamrlError: see ``plan_workers``, ``open_drivers``, ``load_model`` and ``prepare``; or a region failed, or a
            driver is missing for some steps or cells and that is not allowed. Finished regions are kept.
    """
    report = on_progress or (lambda progress: None)
    workers = plan_workers(request.device, request.precision, request.scheduler, request.workers, request.memory)
    ensemble, reference = load_model(request.checkpoint)
    mapping = load_mapping(request.mapping) if request.mapping else default_mapping()
    drivers = _drivers(request, mapping, ensemble)
    place = RunFolder(Path(request.out).resolve())
    with locked(place.out, wait_s=0.0):
        plan = _plan(request, drivers, mapping)
        layout = {"tile": tile_size(drivers, len(ensemble.members), request.members, workers), "memory": workers.memory}
        layout = prepare(place, plan, layout, request.resume)
        tile = int(layout["tile"])
        job = _job(request, drivers, workers)
        staging = plan_staging(drivers.drivers, tile, int(layout["memory"]) // 2, request.smallest)
        if not place.plan.exists():
            create(place, job, tile, reference, len(ensemble.members), _attributes(request, drivers, ensemble))
            if staging.pieces:
                create_staged(place, staging)
            save_plan(place, plan, layout)
        every = list(regions(drivers.lat.size, drivers.lon.size, tile))
        left = [region for region in every if not place.mark(region.name).exists()]
        refused = (
            _compute(request.scheduler, workers, place, job, staging, left, len(every), report) if left else Account()
        )
        done = _account_for(request, place, drivers, refused)
        history = f"{now()} tamrl upscale, version {tamrl.__version__}"
        finish(place, {"history": history, "ingest_report": json.dumps(done.to_list())})
    return Outcome(
        out=place.out,
        cells=drivers.lat.size * drivers.lon.size,
        steps=len(drivers.time),
        computed=len(left),
        before=len(every) - len(left),
        staged=tuple(staging.pieces),
        notes=tuple(_notes(request, drivers, ensemble, reference)),
        report=done,
    )


def _compute(
    scheduler: str,
    workers: Workers,
    place: RunFolder,
    job: RegionJob,
    staging: Staging,
    left: list[Region],
    count: int,
    report: Callable[[UpscaleProgress], None],
) -> Account:
    """Compute the regions that are left of ``count``; return where drivers were missing in those that were refused."""
    # Files that were forgotten unclosed are closed now, not by some thread while another one reads.
    gc.collect()
    with connect(scheduler, workers.number, workers.threads) as client:
        return _regions(client, place, _staged(client, place, job, staging, report), left, count, report)


def _job(request: UpscaleRequest, drivers: Drivers, workers: Workers) -> RegionJob:
    """Return what the workers are told."""
    return RegionJob(
        checkpoint=str(Path(request.checkpoint).resolve()),
        drivers=drivers,
        spin_up=request.spin_up,
        dominant=request.dominant,
        members=request.members,
        allow_gaps=request.allow_gaps,
        device=workers.device,
        precision=request.precision,
    )


def _drivers(request: UpscaleRequest, mapping: Mapping, ensemble: Ensemble) -> Drivers:
    """Open the drivers that a model reads.

    Raises:
        TamrlError: see ``open_drivers``; or a driver is missing for some steps, and that is not allowed.
    """
    config = ensemble.config.model
    drivers = open_drivers(request.files, mapping, config.drivers, config.step, request.bbox, request.period)
    if not request.allow_gaps:
        check_steps(drivers.drivers, drivers.time, drivers.step, ", ".join(map(str, request.files[:3])))
    return drivers


def _account_for(request: UpscaleRequest, place: RunFolder, drivers: Drivers, refused: Account) -> IngestReport:
    """Return what was done to the drivers, gathered from all regions.

    Raises:
        TamrlError: a driver is missing in some cells, and that is not allowed.
    """
    account = accounts(sorted((place.work / "done").iterdir()))
    account.add(refused)
    if not request.allow_gaps:
        check_cells(account, drivers.time, drivers.step, str(place.out))
    done = IngestReport()
    done.extend(drivers.report)
    done.extend(account.report(drivers.time, drivers.step))
    return done


def _notes(request: UpscaleRequest, drivers: Drivers, ensemble: Ensemble, reference: Reference | None) -> Iterator[str]:
    """Yield what the user should know of a run."""
    if request.spin_up and not spin_up_steps(drivers.time):
        yield "The series is shorter than a year: it starts without spin-up."
    if reference is None:
        yield "The checkpoint does not hold its training towers: no task embeddings and no dissimilarity index."
    if ensemble.caution:
        yield ensemble.caution


def tile_size(drivers: Drivers, members: int, kept: bool, workers: Workers) -> int:
    """Return the rows and columns of a region: as many as fit into memory and take a worker about a minute.

    Args:
        drivers: of the run.
        members: K.
        kept: whether the fluxes of each member are written.
        workers: who computes.

    Raises:
        TamrlError: a worker has too little memory for the smallest region.
    """
    steps, fluxes = len(drivers.time), 3 * (2 + members * kept)
    timed = sum(1 + len(d.parts) for d in drivers.drivers.values() if not d.static)
    # Drivers as read and one on its way; fluxes as computed, and one on its way to the disk.
    per_cell = 4 * steps * (timed + 2 + fluxes + 2)
    cells = min(workers.memory // per_cell, workers.speed * _WORK // (steps * members))
    side = int(max(1, cells) ** 0.5)
    if side < 1 or workers.memory < per_cell * _TILE**2:
        raise TamrlError(
            f"{workers.memory / 1e6:.0f} MB are too little for {_TILE} x {_TILE} cells of {steps} steps",
            "--memory",
            f"Give at least {workers.threads * per_cell * _TILE**2 / 1e6:.0f}MB, or a shorter --time",
        )
    aligned = [
        b for d in drivers.drivers.values() for p in d.pieces for n, b in p.blocks.items() if n in ("lat", "lon")
    ]
    fitting = [b for b in aligned if _TILE <= b <= side]
    side = side // max(fitting) * max(fitting) if fitting else side // _TILE * _TILE
    widest = max(drivers.lat.size, drivers.lon.size)
    return max(_TILE, min(side, _LARGEST, -(-widest // _TILE) * _TILE))


def _staged(
    client: Any, place: RunFolder, job: RegionJob, staging: Staging, report: Callable[[UpscaleProgress], None]
) -> RegionJob:
    """Turn what is in whole maps; return the job that reads it."""
    if not staging.pieces:
        return job
    every = list(staging.slabs())
    left = [slab for slab in every if not place.mark(slab.mark).exists()]
    done = len(every) - len(left)

    def count(_: Any) -> None:
        nonlocal done
        done += 1
        report(UpscaleProgress("Rechunking drivers", done, len(every)))

    run_all(client, stage, [(str(place.staged), place.mark(slab.mark), slab) for slab in left], count)
    return job.reading(staged_drivers(job.drivers.drivers, place, staging))


def _regions(
    client: Any,
    place: RunFolder,
    job: RegionJob,
    left: list[Region],
    total: int,
    report: Callable[[UpscaleProgress], None],
) -> Account:
    """Compute regions; return the account of those that were not computed, for gaps that are not allowed."""
    done, refused = total - len(left), Account()
    report(UpscaleProgress("Regions", done, total))

    def count(account: str) -> None:
        nonlocal done
        done += 1
        refused.add(Account.from_text(account))
        report(UpscaleProgress("Regions", done, total))

    run_all(client, work, [(job, str(place.store), place.mark(region.name), region) for region in left], count)
    return refused


def work(job: RegionJob, store: str, mark: Path, region: Region) -> str:
    """Compute and write one region on a worker, then set its completion marker; nothing where that exists.

    Args:
        job: model, drivers and settings.
        store: Zarr of the maps.
        mark: completion marker of the region.
        region: which part of the grid.

    Returns:
        The account of a region that was not computed because of gaps that are not allowed; else an empty text.

    Raises:
        TamrlError: see ``run_region`` and ``write_region``; or the marker cannot be written.
    """
    if mark.exists():
        return ""
    account = Account()
    values = run_region(job, region, account)
    if account.gaps and not job.allow_gaps:
        return account.to_text()
    write_region(store, region, values)
    set_mark(mark, account.to_text())
    return ""


def _plan(request: UpscaleRequest, drivers: Drivers, mapping: Mapping) -> dict[str, Any]:
    """Return what must be the same to go on with a run."""
    return {
        "checkpoint": digest(request.checkpoint),
        "drivers": [list(file) for file in drivers.files],
        "mapping": json.loads(json.dumps(asdict(mapping))),
        "bbox": request.bbox,
        "time": [str(drivers.time[0]), str(drivers.time[-1]), len(drivers.time)],
        "settings": {
            "spin_up": request.spin_up,
            "dominant": request.dominant,
            "members": request.members,
            "smallest": request.smallest,
            # Absent from runs that were started before there was a choice.
            **({"precision": request.precision} if request.precision != "float32" else {}),
        },
    }


def _attributes(request: UpscaleRequest, drivers: Drivers, ensemble: Ensemble) -> dict[str, Any]:
    """Return the attributes of the maps: what they are, of which model and which drivers."""
    name = Path(request.checkpoint).resolve().name
    simulated = drivers.simulated or bool(ensemble.info.get("simulated"))
    settings = {
        "spin_up": request.spin_up,
        "classes": "dominant" if request.dominant else "shares",
        "bbox": request.bbox,
        "members": len(ensemble.members),
        "precision": request.precision,
        "drivers": [Path(f[0]).name for f in drivers.files],
    }
    attrs = {
        "Conventions": "CF-1.11",
        "title": f"TAM-RL upscaling with {name}" + (", SIMULATED" if simulated else ""),
        "source": f"TAM-RL ensemble {name}, zero-shot at each cell; drivers: {'; '.join(drivers.sources)}",
        "citation": CITATION,
        "license": "Subject to the terms of the training towers and of the drivers",
        "kind": "model",
        "simulated": int(simulated),
        "derived": "NEE" if ensemble.config.model.balance == "hard" else "",
        "checkpoint": name,
        "checkpoint_sha256": digest(request.checkpoint),
        "checkpoint_created": str(ensemble.info.get("created", "")),
        "settings": json.dumps(settings),
        "comment": "Fluxes per area of land: those of the vegetated part of a cell times its vegetated fraction",
        "spread": SPREAD[ensemble.calibration(0) is not None],
    }
    return attrs | ({"climatology": drivers.climatology} if drivers.climatology else {})
