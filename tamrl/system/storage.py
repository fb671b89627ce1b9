"""Replacing a folder so that a killed process never leaves half of it.

The new folder is written beside the old one and then renamed into its place; the lock file keeps two
writers apart, so whatever temporary folder a writer finds belongs to a process that no longer runs.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tamrl.errors import TamrlError

_WAIT_S = 20.0


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}")


def locate(path: Path) -> Path | None:
    """Return the folder that holds ``path`` now, also in the instant between the two renames of a swap."""
    for _ in range(3):
        for candidate in (path, _beside(path, "old")):
            if (candidate / "zarr.json").is_file():
                return candidate
        if not _beside(path, "new").exists():
            return path if path.exists() else None
        time.sleep(0.02)
    return path if path.exists() else None


def try_lock(handle: TextIO) -> bool:
    """Take the exclusive lock of an open file without waiting; False when another process has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Keep every other writer of ``path`` away; the system frees the lock when the process ends.

    Raises:
        TamrlError: another process has held it for ``wait_s`` seconds, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _beside(path, "lock").open("a")
    except OSError as error:
        raise TamrlError(f"Cannot write here: {error.strerror}", str(path.parent), "Choose another folder") from error
    with handle:
        until = time.monotonic() + wait_s
        while not try_lock(handle):
            if time.monotonic() > until:
                raise TamrlError("Another process is writing here", str(path), "Wait until it has finished")
            time.sleep(0.1)
        yield


def swap_in(path: Path, write: Callable[[Path], None]) -> None:
    """Write a folder beside ``path`` and put it in its place. The caller holds ``locked(path)``.

    Args:
        path: the folder to replace or create.
        write: writes the new folder to the path it is given.

    Raises:
        TamrlError: the folder cannot be written (a full disk, a folder that is read-only); what was there is untouched.
    """
    new, old = _beside(path, "new"), _beside(path, "old")
    try:
        if not path.exists() and old.exists():  # killed between the two renames below
            old.rename(path)
        for leftover in (new, old):
            if leftover.exists():
                shutil.rmtree(leftover)
        write(new)
        if path.exists():
            path.rename(old)
        new.rename(path)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        todo = "Make room or choose another folder; what was there is untouched"
        raise TamrlError(f"The folder cannot be written: {error.strerror or error}", str(path), todo) from error
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones apart; none where it cannot be read."""
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []
