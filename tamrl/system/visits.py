"""What visitors import into a server: a folder for each of them, limited in number, size and lifetime.

The folders of a server are kept in one that only its process uses; it is removed with the process, and what a killed
process left behind is removed by the next.
"""

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tamrl.errors import TamrlError
from tamrl.system.settings import number
from tamrl.system.storage import try_lock

_PREFIX = "tamrl-visits-"
#: Age at which a folder without a process is left over [s].
_YOUNG_S = 60.0
_GB = 2**30


@dataclass(frozen=True)
class Limits:
    """How much a visitor may keep on the server.

    Attributes:
        imports: most products at once.
        visitor_bytes: most bytes, unpacked, of all that one visitor sends or imports.
        total_bytes: most bytes on the disk of all visitors together.
        hours: time after the last use at which everything of a visitor is removed.
        minutes: time after the last window was closed at which everything of a visitor is removed; long enough for a
            reload.
    """

    imports: int = 8
    visitor_bytes: int = 4 * _GB
    total_bytes: int = 32 * _GB
    hours: float = 12.0
    minutes: float = 10.0

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> "Limits":
        """Return the limits that the environment sets.

        Args:
            settings: may have ``TAMRL_IMPORTS``, ``TAMRL_IMPORT_GB``, ``TAMRL_IMPORTS_GB``, ``TAMRL_IMPORT_HOURS``
                and ``TAMRL_VISIT_MINUTES``.

        Raises:
            TamrlError: one of them is not a number above zero.
        """
        return cls(
            int(number(settings, "TAMRL_IMPORTS", cls.imports)),
            int(number(settings, "TAMRL_IMPORT_GB", cls.visitor_bytes / _GB) * _GB),
            int(number(settings, "TAMRL_IMPORTS_GB", cls.total_bytes / _GB) * _GB),
            number(settings, "TAMRL_IMPORT_HOURS", cls.hours),
            number(settings, "TAMRL_VISIT_MINUTES", cls.minutes),
        )


class Visits:
    """The folders of the visitors of one server.

    Args:
        limits: what each may leave there.
        parent: where the server's folder is made; the system's folder for temporary files by default.

    Raises:
        TamrlError: no folder can be made there.
    """

    def __init__(self, limits: Limits, parent: Path | None = None) -> None:
        self.limits = limits
        self._used: dict[str, float] = {}
        self._lasting: set[str] = set()
        self._guard = threading.Lock()
        try:
            parent = Path(parent or tempfile.gettempdir())
            _remove_left_over(parent)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = (self.path / "lock").open("w")
        except OSError as error:
            what = f"Imports cannot be stored: {error.strerror or error}"
            raise TamrlError(what, "TMPDIR", "Set TMPDIR to a folder that the server may write to") from error
        try_lock(self._lock)
        atexit.register(self.close)

    def folder(self, visitor: str, make: bool = False) -> Path | None:
        """Return the folder of a visitor, None where there is none yet; asking for it counts as a use.

        Args:
            visitor: identifies the visitor; must not be guessable by others.
            make: whether to make it.
        """
        path = self.path / _folder_name(visitor)
        with self._guard:
            if make:
                path.mkdir(exist_ok=True)
            if not path.is_dir():
                return None
            self._used[path.name] = time.monotonic()
        return path

    def keep(self, visitor: str) -> None:
        """Keep what belongs to the owner of the computer as long as the server runs, used or not."""
        with self._guard:
            self._lasting.add(_folder_name(visitor))

    def remove(self, visitor: str) -> None:
        """Remove what belongs to a visitor who has left."""
        with self._guard:
            self._remove({_folder_name(visitor)})

    def owns(self, visitor: str, path: Path) -> bool:
        """Return whether something lies in the folder of a visitor."""
        own = self.folder(visitor)
        return own is not None and Path(path).parent == own

    def room(self, visitor: str) -> int:
        """Return how many bytes a visitor may still import.

        Raises:
            TamrlError: there is no room, or no further product may be imported.
        """
        left, own = self.bytes_left(visitor), self.folder(visitor)
        if own and len([p for p in own.iterdir() if not p.name.startswith(".")]) >= self.limits.imports:
            raise TamrlError(
                f"You have imported {self.limits.imports} products, the most that are kept here",
                "Import",
                "Remove one that you no longer need",
            )
        return left

    def bytes_left(self, visitor: str) -> int:
        """Return how many bytes a visitor may still keep, of products and of workspaces.

        Raises:
            TamrlError: there is no room.
        """
        self.sweep()
        own = self.folder(visitor)
        taken, all_taken = _size(own) if own else 0, _size(self.path)
        if taken >= self.limits.visitor_bytes:
            what = f"Your imports fill the {self.limits.visitor_bytes / _GB:g} GB that you may use here"
            raise TamrlError(what, "Import", "Remove one that you no longer need")
        if all_taken >= self.limits.total_bytes:
            raise TamrlError("This server has no room for more imports", "Import", "Try again in some hours")
        return min(self.limits.visitor_bytes - taken, self.limits.total_bytes - all_taken)

    def sweep(self) -> None:
        """Remove what has not been used for longer than the limits allow."""
        before = time.monotonic() - self.limits.hours * 3600
        with self._guard:
            self._remove({name for name, used in self._used.items() if used < before})

    def _remove(self, names: set[str]) -> None:
        for name in names - self._lasting:
            shutil.rmtree(self.path / name, ignore_errors=True)
            self._used.pop(name, None)

    def close(self) -> None:
        """Remove everything."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _folder_name(visitor: str) -> str:
    return sha256(visitor.encode()).hexdigest()[:32]


def _remove_left_over(parent: Path) -> None:
    """Remove the folders of servers that are gone: the system frees a lock when its process ends."""
    for path in parent.glob(f"{_PREFIX}*"):
        try:
            if path.is_symlink() or path.stat().st_mtime > time.time() - _YOUNG_S:
                continue
            if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
                continue
            with (path / "lock").open("a") as lock:
                free = try_lock(lock)
        except OSError:
            continue
        if free:
            shutil.rmtree(path, ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(here, name)).st_size
            except OSError:
                continue  # removed meanwhile
    return total
