"""How fast the engine is, and how much memory it takes: ratios from one run on one machine, on SIMULATED drivers.

Rates are in steps of a cell, times members. The bare network is ``torch.nn.LSTM`` on tensors of the same size, in the
same precision, in the faster of two ways (whole series, or the pieces of time that the engine uses).
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.synthetic_drivers import write_synthetic
from tamrl.evaluation.benchmark.upscaling_report import COARSE, FINE, Figures, Whole
from tamrl.model.batch_inference import steps_at_once
from tamrl.system.device import choose, describe, one_thread, processors, wait
from tamrl.timestep import TimeStep
from tamrl.upscale.cluster import connect, run_all
from tamrl.upscale.drivers.landcover import static_inputs_of
from tamrl.upscale.drivers.mapping import default_mapping
from tamrl.upscale.drivers.open import Drivers, open_drivers
from tamrl.upscale.rechunk import create_staged, plan_staging, stage, staged_drivers, times_read
from tamrl.upscale.regions import Region, RegionJob, compute, known_classes, load_model, read_region, spin_up_steps
from tamrl.upscale.run import tile_size, work
from tamrl.upscale.store import RunFolder, create, regions
from tamrl.upscale.workers import Workers, device_here, places_at_once, plan_workers

#: Series of the speed measurements, days, and of the memory ones, where the fine grid has sixteen times the cells.
DAYS, FEW_DAYS = 365, 32
SPEED = 1.5
#: The grid of the speed measurements on a GPU, which more cells keep busy.
SPEED_GPU = 0.5
#: Rows and columns of a region in the speed measurements.
_TILE = 24


def measure(
    checkpoint: Path,
    folder: Path,
    say: Callable[[str], None],
    repeats: int = 8,
    device: str = "cpu",
    precision: str = "float32",
) -> Figures:
    """Measure the engine.

    Args:
        checkpoint: of a daily model.
        folder: for drivers and maps, some 3 GB; what is made there is left there.
        say: told what is done.
        repeats: of the measurement in memory, of which the fastest counts.
        device: to measure, of several GPUs the first.
        precision: of the recurrence.

    Raises:
        TamrlError: the model is not daily, or this machine has no such device.
    """
    kind = choose(device)
    gpu = kind.type != "cpu"
    one = plan_workers("cuda:0" if kind.type == "cuda" and kind.index is None else device, precision, "local", 1, None)
    ensemble, _ = load_model(checkpoint)
    if ensemble.config.model.step != TimeStep.DAILY:
        raise TamrlError("The benchmark runs a daily model", str(checkpoint), "Choose fluxnet2015-daily")
    say("Making SIMULATED drivers")
    stores = _drivers(folder, SPEED_GPU if gpu else SPEED)
    say("The engine in memory against the bare recurrent network")
    bare, rate, ratio = in_memory(checkpoint, stores["series"], repeats, one, precision)
    found = _wholes(checkpoint, stores, folder, one, precision, say)
    drivers = _open(checkpoint, stores["maps"])
    tile = _tile(checkpoint, drivers, one)
    reads = max(times_read(d.pieces[0], tile) for d in drivers.drivers.values())
    return Figures(
        bare=bare,
        memory_rate=rate,
        ratio=ratio,
        two=found.pop("two", None),
        **found,
        maps_read=reads,
        members=len(ensemble.members),
        device=describe(kind) if gpu else processors(),
        gpu=gpu,
        precision=precision,
    )


def _wholes(
    checkpoint: Path, stores: dict[str, Path], folder: Path, one: Workers, precision: str, say: Callable[[str], None]
) -> dict[str, Whole]:
    """Run the engine over each grid of drivers on the disk; on GPUs with one worker alone."""
    found: dict[str, Whole] = {}
    for name, store, workers, label in (
        ("one", "series", 1, "One worker"),
        ("two", "series", 2, "Two workers"),
        ("maps", "maps", 1, "Whole maps"),
        ("coarse", "coarse", 1, f"{COARSE} degree"),
        ("fine", "fine", 1, f"{FINE} degree"),
    ):
        if workers > 1 and one.device != "cpu":
            continue
        say(f"{label}, drivers and maps on the disk")
        out, of = folder / f"{name}-maps.zarr", one._replace(number=workers)
        found[name] = whole(checkpoint, stores[store], out, of, precision)
    return found


def _drivers(folder: Path, degrees: float) -> dict[str, Path]:
    """Write SIMULATED drivers: of a year, as series and as whole maps, and of a month on a coarse and a fine grid."""
    days, few = (pd.date_range("2001-01-01", periods=n) for n in (DAYS, FEW_DAYS))
    return {
        "series": write_synthetic(folder / "series.zarr", degrees, days),
        "maps": write_synthetic(folder / "maps.zarr", degrees, days, "maps"),
        "coarse": write_synthetic(folder / "coarse.zarr", COARSE, few),
        "fine": write_synthetic(folder / "fine.zarr", FINE, few),
    }


def _open(checkpoint: Path, store: Path) -> Drivers:
    config = load_model(checkpoint)[0].config.model
    return open_drivers([store], default_mapping(), config.drivers, config.step)


def _tile(checkpoint: Path, drivers: Drivers, workers: Workers) -> int:
    """Return the size of a region, of long series smaller than needed, so that two workers end at about one time."""
    tile = tile_size(drivers, len(load_model(checkpoint)[0].members), False, workers)
    return min(tile, _TILE) if len(drivers.time) >= DAYS and workers.device == "cpu" else tile


def in_memory(
    checkpoint: Path, store: Path, repeats: int, workers: Workers, precision: str = "float32"
) -> tuple[float, float, float]:
    """Return the rates of the bare network and of the engine between drivers in memory and fluxes, and their ratio.

    Both run in turns, so that other load on the machine affects both alike; of each the fastest turn counts.
    """
    one_thread()
    device = device_here(workers.device, precision)
    ensemble, reference = load_model(checkpoint, str(device))
    drivers = _open(checkpoint, store)
    # Central Europe: nearly all land. Without spin-up both run the same steps. A GPU is given all of Eurasia.
    side = 16 if device.type == "cpu" else 160
    top, left = (int(np.searchsorted(axis, at)) for axis, at in ((drivers.lat, 44.0), (drivers.lon, 8.0)))
    region = Region(top, min(top + side, drivers.lat.size), left, min(left + side, drivers.lon.size))
    job = RegionJob(
        checkpoint=str(checkpoint), drivers=drivers, spin_up=False, device=workers.device, precision=precision
    )
    values = read_region(drivers, region)
    classes = static_inputs_of(drivers.classes, region.rows, region.columns, known_classes(reference), False)
    made = compute(job, region, values, classes)
    cells, steps = int(np.isfinite(made["GPP"][0]).sum()), len(drivers.time)
    layers = [m.model.forward_model.recurrent for m in ensemble.members]
    batch = min(cells, places_at_once(device, steps, ensemble.config.model, len(layers)))
    series = torch.randn(batch, steps, layers[0].input_size, device=device)
    pieces = [part.contiguous() for part in series.split(steps_at_once(device), dim=1)]
    # As much work in a turn as the engine has.
    rounds = max(1, cells // batch)
    times = {"whole": np.inf, "pieces": np.inf, "engine": np.inf}
    calls: dict[str, Callable[[], object]] = {
        "whole": partial(_alone, layers * rounds, [series], precision),
        "pieces": partial(_alone, layers * rounds, pieces, precision),
        "engine": lambda: compute(job, region, values, classes),
    }
    # One thread of a CPU is timed by what it was given of the processor, whatever else runs.
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    with torch.inference_mode():
        for _ in range(repeats):
            for name, call in calls.items():
                began = clock()
                call()
                wait(device)
                times[name] = min(times[name], clock() - began)
    bare = rounds * batch * steps * len(layers) / min(times["whole"], times["pieces"])
    rate = cells * steps * len(layers) / times["engine"]
    return bare, rate, rate / bare


def _alone(layers: list[torch.nn.LSTM], parts: list[torch.Tensor], precision: str) -> None:
    """Run recurrent layers over the parts of a series."""
    with torch.autocast(parts[0].device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for layer in layers:
            for part in parts:
                layer(part)


def _warm(checkpoint: str, workers: Workers, precision: str, pause: float) -> None:
    """Load the model on a worker, and stay there so that the next task goes to another one."""
    load_model(checkpoint, str(device_here(workers.device, precision)))
    time.sleep(pause)


def peak_memory() -> float:
    """Return the largest resident memory that this process had, bytes."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return float(psutil.Process().memory_info().peak_wset)
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def whole(checkpoint: Path, store: Path, out: Path, workers: Workers, precision: str) -> Whole:
    """Run the engine over a grid of drivers on the disk, with worker processes, and time it."""
    import shutil

    ensemble, reference = load_model(checkpoint)
    drivers, place = _open(checkpoint, store), RunFolder(out)
    shutil.rmtree(place.work, ignore_errors=True)
    (place.work / "done").mkdir(parents=True)
    tile = _tile(checkpoint, drivers, workers)
    job = RegionJob(checkpoint=str(checkpoint), drivers=drivers, device=workers.device, precision=precision)
    staging = plan_staging(drivers.drivers, tile, 500_000_000)
    create(place, job, tile, reference, len(ensemble.members), {})
    if staging.pieces:
        create_staged(place, staging)
    every = list(regions(drivers.lat.size, drivers.lon.size, tile))
    with connect("local", workers.number, workers.threads) as client:
        warming = [(str(checkpoint), workers, precision, 1.0)] * (2 * workers.number * workers.threads)
        run_all(client, _warm, warming, lambda _: None)
        began = time.perf_counter()
        slabs = [(str(place.staged), place.mark(slab.mark), slab) for slab in staging.slabs()]
        run_all(client, stage, slabs, lambda _: None)
        staged = time.perf_counter() - began
        turned = job.reading(staged_drivers(drivers.drivers, place, staging))
        run_all(client, work, [(turned, str(place.store), place.mark(r.name), r) for r in every], lambda _: None)
        seconds = time.perf_counter() - began
        peak = max(client.run(peak_memory).values())
    cells = _computed(place)
    steps = len(drivers.time) + spin_up_steps(drivers.time)
    shutil.rmtree(place.work)
    return Whole(cells * steps * len(ensemble.members) / seconds, seconds, staged, peak, cells)


def _computed(place: RunFolder) -> int:
    import zarr

    return int(np.isfinite(zarr.open_array(place.store / "GPP", mode="r")[0]).sum())
