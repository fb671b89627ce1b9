"""Which device a job runs on: of several the one that was faster at it on this machine, measured once and kept.

Small recurrent steps are bound by their launches on a GPU, so that adapting to one tower may be faster on the CPU
beside it, and upscaling a hundred times slower.
"""

import json
import logging
import os
import platform
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch

import tamrl
from tamrl.predict.methods import METHODS
from tamrl.system.device import available, choose, describe, processors

log = logging.getLogger(__name__)
#: Jobs that a device is chosen for: adapting by each method, of which ``zero-shot`` is predicting, adapting to many
#: towers at once, and upscaling.
MANY, UPSCALE = "many", "upscale"
JOBS = (*METHODS, MANY, UPSCALE)
#: Job and device -> seconds.
SecondsOf = Callable[[str, torch.device], float]
#: One measurement at a time, which others wait for.
_MEASURING = threading.Lock()


class Picked(NamedTuple):
    """A device, and why it was taken."""

    device: torch.device
    why: str

    def __str__(self) -> str:
        """Return both in words."""
        return f"{describe(self.device)}, {self.why}"


def cache_folder(settings: dict[str, str] | None = None) -> Path:
    """Return the user's folder for what can be made again: ``tamrl`` in XDG_CACHE_HOME, LOCALAPPDATA or ~/.cache."""
    found = os.environ if settings is None else settings
    named = found.get("XDG_CACHE_HOME") or (found.get("LOCALAPPDATA") if os.name == "nt" else None)
    return Path(named or Path.home() / ".cache") / "tamrl"


class Measured:
    """The figures of this machine, kept in a file; where it cannot be written they last as long as the process.

    Args:
        file: of all machines that share the folder; by default ``devices.json`` of ``cache_folder``.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_folder() / "devices.json"
        self._key = _machine()
        self._own: dict[str, Any] | None = None

    def figures(self) -> dict[str, Any] | None:
        """Return ``date`` and ``seconds``: job -> device -> seconds, None where it failed; None before any."""
        if self._own is None:
            found = self._all().get(self._key)
            if isinstance(found, dict) and _whole(found):
                self._own = found
        return self._own

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def measure(self, seconds_of: SecondsOf) -> None:
        """Time every job on every device and keep it; a device that fails at a job is not taken for it."""
        made: dict[str, dict[str, float | None]] = {}
        for job in JOBS:
            made[job] = {}
            for name in available():
                try:
                    made[job][name] = seconds_of(job, choose(name))
                except RuntimeError as error:  # out of memory, or an operation that the device does not have
                    if name == "cpu":
                        raise
                    log.warning("%s failed at %s and is not used for it: %s", name, job, error)
                    made[job][name] = None
        self._own = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "seconds": made}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(json.dumps(self._all() | {self._key: self._own}, indent=1), encoding="utf-8")
            partial.replace(self._file)
        except OSError as error:
            log.info("What the devices are good at is not kept: %s", error)


def _machine() -> str:
    """Return what the figures depend on: the machine, its processor and cards, and the software."""
    cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if "cuda" in available() else []
    versions = f"torch {torch.__version__}, tamrl {tamrl.__version__}"
    return " | ".join([platform.node(), processors(), ", ".join(cards) or "no card", versions])


def _whole(found: dict[str, Any]) -> bool:
    """Return whether kept figures have every job on every device."""
    seconds = found.get("seconds")
    if not isinstance(seconds, dict) or not isinstance(found.get("date"), str):
        return False
    rows = (seconds.get(job) for job in JOBS)
    return all(isinstance(row, dict) and set(row) == set(available()) and row["cpu"] is not None for row in rows)


def is_open(name: str = "auto") -> bool:
    """Return whether a device is to be chosen at all: ``auto``, not set by TAMRL_DEVICE, and more than one there."""
    return name == "auto" and (os.environ.get("TAMRL_DEVICE") or "auto") == "auto" and len(available()) > 1


def pick(job: str, name: str = "auto", measured: Measured | None = None) -> Picked:
    """Return the device for a job; nothing is measured here.

    Args:
        job: one of ``JOBS``.
        name: ``auto``, or a device that the user insists on, see ``tamrl.system.device.choose``.
        measured: what is known of this machine; by default what is kept.

    Raises:
        TamrlError: the device that was insisted on is unknown or not there.
    """
    if not is_open(name):
        device = choose(name)
        if len(available()) == 1:
            return Picked(device, "the only device")
        return Picked(device, "as asked" if name != "auto" else "as TAMRL_DEVICE says")
    found = (measured or Measured()).figures()
    if found is None:
        return Picked(choose(), "not yet compared with the others")
    seconds = {device: took for device, took in found["seconds"][job].items() if took is not None}
    best, *others = sorted(seconds, key=seconds.__getitem__)
    device = choose(best)
    if not others:
        return Picked(device, "the only one that can do this")
    ratio = seconds[others[0]] / max(seconds[best], 1e-9)
    other = describe(torch.device(others[0]))
    return Picked(device, f"{ratio:.1f} times as fast at this as {other}, measured on {found['date']}")


def settle(seconds_of: SecondsOf, name: str = "auto", measured: Measured | None = None) -> bool:
    """Measure where a device is to be chosen and nothing is known of this machine yet; return whether that was so."""
    if not is_open(name):
        return False
    with _MEASURING:
        known = measured or Measured()
        if known.figures() is not None:
            return False
        known.measure(seconds_of)
        return True
