"""The device of tensors: CUDA, Apple MPS or CPU, chosen once and reported."""

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tamrl.errors import TamrlError

NAMES = ("auto", "cuda", "mps", "cpu")


def available() -> tuple[str, ...]:
    """Return the devices of this machine, best first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose(name: str = "auto") -> torch.device:
    """Return the device to work on.

    Args:
        name: ``auto`` takes the device in the variable TAMRL_DEVICE, else the best available; ``cuda``,
            ``cuda:1``, ``mps`` and ``cpu`` insist.

    Raises:
        TamrlError: the name is not a device, or this machine does not have it.
    """
    if name == "auto":
        name = os.environ.get("TAMRL_DEVICE") or name
    kind, _, index = name.partition(":")
    if kind not in NAMES or (index and (kind != "cuda" or not index.isdigit())):
        raise TamrlError(f"Unknown device {name!r}", "device", f"Known devices: {', '.join(NAMES)}, cuda:<number>")
    found = available()
    if kind == "auto":
        kind = name = found[0]
    if kind not in found or (index and int(index) >= torch.cuda.device_count()):
        raise TamrlError(f"This machine has no {name}", "device", f"Choose one of: auto, {', '.join(found)}")
    if kind == "cuda":
        # cuDNN's recurrent layers round to 10 bits (TF32) unless told not to; scores with it are not verified.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def one_of(device: torch.device, index: int) -> torch.device:
    """Return the device for the piece of work ``index``: where ``cuda`` means several GPUs, each in turn."""
    if device.type == "cuda" and device.index is None and (count := torch.cuda.device_count()) > 1:
        return torch.device("cuda", index % count)
    return device


def describe(device: torch.device) -> str:
    """Return the device in words, for the user."""
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "GPU (Apple MPS)"
    return f"CPU ({os.cpu_count()} cores)"


def wait(device: torch.device) -> None:
    """Wait until a device has finished all work given to it; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def processors() -> str:
    """Return the processor of this machine in words: how many cores, of what kind."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8", errors="replace").splitlines() if listed.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return ", ".join(filter(None, (f"{os.cpu_count()} cores", name, platform.machine(), platform.system())))


def fast_bfloat16(device: torch.device) -> bool:
    """Return whether a recurrent layer is faster in bfloat16 than in 32 bits on this device.

    On a CPU that takes instructions for it (AVX512-BF16); elsewhere it is emulated and slower. On a
    GPU small recurrent steps are limited by kernel launches, so nothing is gained.
    """
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and known is not None and bool(known())


@contextmanager
def no_denormals() -> Iterator[None]:
    """Flush denormal numbers (below 1e-38) to zero in this thread, within the context; other numbers are unchanged.

    Gradients propagated through a year without observations become that small, and a CPU takes a hundred times as long
    for them: they took a third of the time of a training step.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def one_thread() -> None:
    """Keep torch to one thread in this process and its threads.

    OpenMP threads spin while they wait: with two of them and anything else running, fifty small
    steps took from 0.3 s to 47 s. Small recurrent steps are as fast on one.
    """
    torch.set_num_threads(1)


class _Meanwhile(threading.local):
    """Whether this thread is inside ``one_thread_meanwhile``; of all how many are, and torch's number before them."""

    guard, count, before = threading.Lock(), 0, 1

    def __init__(self) -> None:
        self.inside = False


_meanwhile = _Meanwhile()


@contextmanager
def one_thread_meanwhile() -> Iterator[None]:
    """Keep torch to one thread within the context, in this thread; then it has as many as before.

    For work that is shared out to threads of its own, each with ``one_thread``, in a process whose number of threads is
    its owner's, such as a notebook. With torch's two threads beside two of ours, adapting took 2 to 4 times as long.
    """
    if _meanwhile.inside:
        yield
        return
    with _Meanwhile.guard:
        # What torch is told holds for the thread that tells it, and for threads that first use torch later.
        own = torch.get_num_threads()
        if not _Meanwhile.count:
            _Meanwhile.before = own
        elif own == 1:
            own = _Meanwhile.before
        _Meanwhile.count += 1
        torch.set_num_threads(1)
    _meanwhile.inside = True
    try:
        yield
    finally:
        _meanwhile.inside = False
        with _Meanwhile.guard:
            _Meanwhile.count -= 1
            torch.set_num_threads(own)
