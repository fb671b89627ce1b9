"""Finding and opening the files of a product: lazily, in their own chunks, with errors in words."""

import dataclasses
import glob
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.earth import to_open
from tamrl.maps.products.naming import with_time
from tamrl.maps.products.placing import Step
from tamrl.maps.products.times import by_distance
from tamrl.system.account import IngestReport
from tamrl.system.netcdf import LOCK, open_netcdf

_NETCDF = (".nc", ".nc4", ".cdf", ".netcdf")
_ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata")
_MAGIC = {b"\x89HDF": "hdf5", b"CDF\x01": "classic", b"CDF\x02": "classic", b"CDF\x05": "netcdf"}
_AGAIN = "Download it again"
#: Size of a block where a file is in one piece.
_BLOCK_BYTES = 4_000_000
#: What the NetCDF library may keep of each variable.
_CACHE_BYTES = 1_000_000
#: Arrays smaller than this, such as bounds, are not processed in blocks.
_SMALL_BYTES = 100_000

Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True, eq=False)
class Source:
    """One opened file or Zarr store.

    Attributes:
        path: of the file or store.
        ds: its content, lazy, times as the numbers of the file, see ``products.times``.
        expected: length of its single step, by its distance to those of other files; None where that is not known.
        report: what was done to it while reading.
    """

    path: Path
    ds: xr.Dataset
    expected: Step | None = None
    report: IngestReport = field(default_factory=IngestReport)

    @property
    def name(self) -> str:
        """Name of the file, without its folder."""
        return self.path.name


def find(paths: Paths) -> list[Path]:
    """Return the NetCDF files and Zarr stores that are meant, sorted, each once.

    Args:
        paths: a file, a store, a folder (searched to the bottom), a pattern with ``*``, or several of these.

    Raises:
        TamrlError: nothing is there, or a file is neither.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    found: dict[Path, None] = {}
    for one in several:
        path = Path(one).expanduser()
        if path.exists():
            inside = _in_folder(path) if path.is_dir() and not _is_store(path) else [path]
        elif glob.has_magic(str(path)):
            inside = [Path(p) for p in sorted(glob.glob(str(path), recursive=True)) if _readable(Path(p))]
        else:
            raise TamrlError("There is no such file or folder", str(one), "Check the path")
        if not inside:
            raise TamrlError("There is no NetCDF file or Zarr store", str(one), "Choose where the product's files lie")
        found |= dict.fromkeys(inside)
    if not found:
        raise TamrlError("No file was given", "product", "Choose at least one NetCDF file or Zarr store")
    return list(found)


def _is_store(path: Path) -> bool:
    return path.is_dir() and any((path / name).exists() for name in _ZARR_FILES)


def _readable(path: Path) -> bool:
    return _is_store(path) or (path.is_file() and path.suffix.lower() in _NETCDF)


def _in_folder(folder: Path) -> list[Path]:
    """Return the readable files of a folder and of those below it; stores are not looked into."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if _readable(path):
            found.append(path)
        elif path.is_dir():
            found += _in_folder(path)
    return found


def open_source(path: Path) -> Source:
    """Open one file or store without reading values.

    Raises:
        TamrlError: it is another kind of file, cut off, damaged or empty.
    """
    store = _is_store(path)
    if path.is_dir() and not store:
        raise TamrlError("This folder is not a Zarr store", str(path), "Choose the store itself")
    if not store:
        _check_file(path)
    try:
        ds = _open(path, store)
    except Exception as error:
        raise _damaged(path, error) from error
    return Source(path, _in_blocks(ds, path))


def open_sources(paths: Iterable[Path]) -> list[Source]:
    """Open files or stores; where each has one step, their distance tells whether they are days, months or years.

    Raises:
        TamrlError: as ``open_source``; or a time is missing.
    """
    sources = [open_source(path) for path in paths]
    steps = by_distance((s.name, with_time(s.ds)) for s in sources)
    return [dataclasses.replace(source, expected=steps.get(source.name)) for source in sources]


def _open(path: Path, store: bool) -> xr.Dataset:
    import netCDF4

    # For the whole process, since xarray closes files and opens them again: the NetCDF library would keep up to 64 MB
    # of every variable of every file, a whole product in the end, though blocks are read once and as they are.
    with LOCK:
        netCDF4.set_chunk_cache(_CACHE_BYTES)
    with warnings.catch_warnings():
        # Two missing values and stores without consolidated metadata are dealt with.
        warnings.simplefilter("ignore")
        if store:
            return xr.open_zarr(path, chunks=None, decode_times=False, decode_timedelta=False)
        return open_netcdf(to_open(path), chunks=None, decode_times=False, decode_timedelta=False)


def _damaged(path: Path, error: Exception) -> TamrlError:
    return TamrlError(f"The file cannot be read, it is cut off or damaged: {error}", path.name, _AGAIN)


def _check_file(path: Path) -> None:
    """Raise for files whose first bytes are not NetCDF, and for a classic file shorter than its header says."""
    if not path.is_file():
        raise TamrlError("This is neither a file nor a folder", path.name, "Choose the product's NetCDF files")
    with path.open("rb") as file:
        start = file.read(512)
    kind = _MAGIC.get(start[:4])
    if not start:
        raise TamrlError("The file is empty", path.name, _AGAIN)
    if kind is None:
        text = start.lstrip().lower()
        if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
            raise TamrlError("This is a web page, not a NetCDF file", path.name, "Download the file that it links to")
        if text.startswith((b"pk\x03\x04", b"\x1f\x8b")):
            raise TamrlError("This is a compressed archive, not a NetCDF file", path.name, "Unpack it first")
        plain = all(byte >= 32 or byte in (9, 10, 13) for byte in start)
        what = "a text file" if plain else "another kind of file"
        raise TamrlError(f"This is {what}, not NetCDF or Zarr", path.name, "Choose the product's NetCDF files")
    if kind == "classic":
        _check_classic(path)


def _check_classic(path: Path) -> None:
    """Raise where a classic NetCDF file is cut off: the NetCDF library would read zeros from it."""
    from scipy.io import netcdf_file

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            netcdf_file(path, mmap=True).close()
    except (ValueError, TypeError, IndexError) as error:
        raise TamrlError("The file is cut off or damaged", path.name, _AGAIN) from error


def _in_blocks(ds: xr.Dataset, path: Path) -> xr.Dataset:
    """Return the fields of a Dataset as dask arrays, in the blocks of the file; in few maps each where it has none."""
    changed = path.stat().st_mtime_ns
    blocks = {}
    for name, array in ds.data_vars.items():
        if array.ndim < 2 or (array.ndim == 2 and array.nbytes < _SMALL_BYTES):
            continue
        own = array.encoding.get("preferred_chunks")
        if not own and array.ndim > 2:
            own = {array.dims[0]: max(1, _BLOCK_BYTES * array.shape[0] // max(array.nbytes, 1))}
        sizes = {dim: (own or {}).get(dim, size) for dim, size in array.sizes.items()}
        # Without a token of its own the values would be read to name the array.
        blocks[name] = array.chunk(sizes, token=f"{path.resolve()}-{changed}-{name}")
    lazy = ds.assign(blocks)
    lazy.set_close(ds.close)
    return lazy


def same_axis(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two axes, (N,) and (M,), have the same cells, up to rounding to a fiftieth of a cell."""
    if a.shape != b.shape:
        return False
    step = np.abs(np.diff(a)).min() if a.size > 1 else 1.0
    return bool(np.abs(a.astype(float) - b.astype(float)).max() <= 0.02 * step)
