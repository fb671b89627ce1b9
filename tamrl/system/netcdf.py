"""Opening and writing NetCDF files from several threads of one process, such as the sessions of the dashboard.

The NetCDF and HDF5 libraries are not thread-safe. xarray holds a lock where it reads values, but none where it
reads attributes and dimensions: two threads that open files at the same moment can end the process with a segmentation
fault. Here one lock of the process is held over the whole of opening, reading and writing.
"""

import contextlib
import threading
from pathlib import Path
from typing import Any

import xarray as xr

from tamrl.errors import TamrlError


class _Lock:
    """A re-entrant lock that is the same one wherever it is unpickled in a process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> "_Lock":
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        return "LOCK"


#: Held over every use of the NetCDF library; take it around uses of ``netCDF4`` itself.
LOCK = _Lock()


def open_netcdf(source: str | Path | bytes, **options: Any) -> xr.Dataset:
    """Open a NetCDF file; ``xarray.open_dataset`` with the engine ``netcdf4``, thread-safe.

    Args:
        source: path, or the content of a file.
        options: of ``xarray.open_dataset``.

    Raises:
        OSError, ValueError: as ``xarray.open_dataset`` does.
    """
    with LOCK:
        return xr.open_dataset(source, engine="netcdf4", lock=LOCK, **options)


def write_netcdf(ds: xr.Dataset, path: str | Path, **options: Any) -> None:
    """Write a NetCDF 4 file, whole or not at all; ``Dataset.to_netcdf``, thread-safe.

    Lazy values must be computed by the calling thread alone (``dask.config.set(scheduler="synchronous")``), since
    others would wait for the lock that it holds.

    Args:
        ds: what to write.
        path: the file, replaced where it exists.
        options: of ``Dataset.to_netcdf``.

    Raises:
        TamrlError: the file cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with LOCK:
            ds.to_netcdf(partial, engine="netcdf4", **options)
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # the library knows no reason but its own
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        what = f"The file cannot be written: {getattr(error, 'strerror', None) or error}"
        raise TamrlError(what, str(path), "Free some disk space, or choose another folder") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
