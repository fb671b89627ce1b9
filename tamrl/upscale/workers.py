"""Where regions are computed: on the cores of a machine, or on its GPUs, one worker each.

A worker of a GPU has several threads, each with a region of its own: while one computes, others read and write theirs.
One thread at a time computes on the device, so that its memory is bounded; copies to and from it do not block the
others. Workers of an existing cluster take the first device that they see, which dask-cuda makes a different
one for each (it rotates ``CUDA_VISIBLE_DEVICES``); start them with ``--nthreads 3``.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from tamrl.config import ModelConfig
from tamrl.errors import TamrlError
from tamrl.model.batch_inference import PLACES_AT_ONCE, PRECISIONS, STEPS_AT_ONCE, places_fitting
from tamrl.system.device import NAMES, choose
from tamrl.upscale.cluster import is_address

#: The device of workers that share the GPUs of one machine: to each its own.
EACH = "cuda:*"
#: Threads of a worker of a GPU: one region is read, one computed, one written.
THREADS = 3
#: Memory that the arrays of a worker may take: on a CPU, and of that of the machine for all of its GPUs.
_CPU_BYTES, _GPU_SHARE = 1_000_000_000, 0.5
#: Share of the free memory of a GPU that one batch is fitted to; the rest holds drivers and fluxes of all its regions.
_BATCH_SHARE = 0.6
_LOCKS: dict[torch.device, Lock] = defaultdict(Lock)


class Workers(NamedTuple):
    """Who computes.

    Attributes:
        device: of each, as ``device_here`` reads it.
        number: of workers; ignored for an existing cluster.
        threads: of each.
        memory: bytes that the arrays of one region may take.
        speed: of one worker, in cores, approximately: determines how large a region is.
    """

    device: str
    number: int
    threads: int
    memory: int
    speed: int


def plan_workers(device: str, precision: str, scheduler: str, count: int, memory: int | None) -> Workers:
    """Return who computes.

    Args:
        device: ``auto``, ``cuda``, ``cuda:<number>``, ``mps`` or ``cpu``.
        precision: one of ``PRECISIONS``.
        scheduler: as of ``tamrl.upscale.cluster.connect``.
        count: workers on a CPU.
        memory: bytes that the arrays of one worker may take; None for a value that suits the device.

    Raises:
        TamrlError: the precision is not known, this machine has no such device, or it does not support the precision.
    """
    if precision not in PRECISIONS:
        raise TamrlError(f"Unknown precision {precision!r}", "--precision", f"Known: {', '.join(PRECISIONS)}")
    if is_address(scheduler):
        if device.partition(":")[0] not in NAMES:
            choose(device)  # says what is wrong
        # What the workers have is not known here; what they do with a region has to fit into the least of them.
        return Workers(device, count, 1, memory or _CPU_BYTES, 1)
    chosen = choose(device)
    if precision == "tf32" and chosen.type != "cuda":
        raise TamrlError("TF32 is available on NVIDIA GPUs only", "--precision", "Choose float32 or bfloat16")
    if chosen.type == "cpu":
        return Workers("cpu", count, 1, memory or _CPU_BYTES, 1)
    if chosen.type == "cuda":
        gpus = list(range(torch.cuda.device_count())) if chosen.index is None else [chosen.index]
        here = memory or int(_GPU_SHARE * _machine_bytes() / len(gpus))
        there = (1 - _BATCH_SHARE) * min(torch.cuda.mem_get_info(gpu)[0] for gpu in gpus)
        name = EACH if chosen.index is None else str(chosen)
        return Workers(name, len(gpus), THREADS, min(here, int(there)) // THREADS, 100)
    return Workers(str(chosen), 1, THREADS, (memory or _CPU_BYTES * THREADS) // THREADS, 5)


def _machine_bytes() -> int:
    """Return the memory of this machine that is free."""
    import psutil

    return int(psutil.virtual_memory().available)


def device_here(name: str, precision: str) -> torch.device:
    """Return the device on which the current worker computes.

    Args:
        name: of ``Workers.device``.
        precision: one of ``PRECISIONS``, of all that the process computes from now on.

    Raises:
        TamrlError: see ``choose``.
    """
    if name != EACH:
        return _prepared(name, precision)
    _prepared("cuda", precision)
    return torch.device("cuda", worker_number() % torch.cuda.device_count())


@lru_cache
def _prepared(name: str, precision: str) -> torch.device:
    device = choose(name)
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        return torch.device("cuda", device.index or 0)
    return device


def worker_number() -> int:
    """Return the number of the dask worker that this runs on, as numbered by a local cluster; else 0."""
    from distributed import get_worker

    try:
        return int(get_worker().name)
    except (ValueError, TypeError):
        return 0


@lru_cache
def places_at_once(device: torch.device, steps: int, config: ModelConfig, members: int) -> int:
    """Return how many places a device computes at once: on a CPU as many as fit its cache, on a GPU its memory.

    Computed once per process: the free memory later depends on what was computed before.
    """
    if device.type == "cpu":
        # More at once where series are short: of twelve months 640 were 3 % faster than 320.
        return PLACES_AT_ONCE * min(16, max(1, 2 * STEPS_AT_ONCE // steps))
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else _machine_bytes() // 2
    return places_fitting(int(_BATCH_SHARE * free), steps, config, members)


def sent(array: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device, without waiting for the copy."""
    return array.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else array.to(device)


def fetched(array: Tensor) -> Tensor:
    """Return a tensor on the CPU, after waiting for the copy."""
    if array.device.type != "cuda":
        return array.cpu()
    out = torch.empty(array.shape, dtype=array.dtype, pin_memory=True).copy_(array, non_blocking=True)
    torch.cuda.current_stream(array.device).synchronize()
    return out


@contextmanager
def stream(device: torch.device) -> Iterator[None]:
    """Run the GPU work of a thread in a stream of its own, so that it does not wait for that of others."""
    if device.type != "cuda":
        yield
        return
    with torch.cuda.device(device), torch.cuda.stream(torch.cuda.Stream(device)):
        yield


@contextmanager
def lent(device: torch.device) -> Iterator[None]:
    """Keep other threads from computing on a GPU; on a CPU the operating system shares the cores."""
    if device.type == "cpu":
        yield
        return
    with _LOCKS[device]:
        yield
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()
