"""What is slow to prepare and the same for every process of a test run, made by the first that asks."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder ``name`` that ``make`` filled, once for all processes of the run; nobody may write in it.

    A process that asks while another makes it waits; what a maker left half done is thrown away.
    """
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder, begun = base / name, base / f"{name}.begun"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder


def own_copy(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a copy of :func:`made_once` in which this process may write."""
    source = made_once(tmp_path_factory, name, make)
    return Path(shutil.copytree(source, tmp_path_factory.mktemp(name) / name))
