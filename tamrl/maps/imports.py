"""Import a gridded product into the maps of a workspace, or of a session."""

import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.catalog import FOLDER, MapsEntry, entry
from tamrl.maps.products.accounting import report_of
from tamrl.maps.products.links import check_self_contained
from tamrl.maps.products.registry import open_product
from tamrl.system.storage import locked, swap_in
from tamrl.towers.workspace import Workspace

#: Most bytes that a ZIP from a user may unpack to, and most files: 20 years of daily maps at a quarter degree.
_MOST_BYTES, _MOST_FILES = 64 * 2**30, 200_000
#: Bytes of a ZIP that are unpacked at a time.
_UNPACK_BYTES = 2**20
#: What a damaged or locked ZIP makes the libraries raise.
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    LZMAError,
)
#: Cells of a stored block: a map is read in few blocks, the series of a cell in small ones.
_BLOCK = {"lat": 360, "lon": 720}


def import_product(
    files: Sequence[str | Path],
    into: Workspace | Path,
    kind: str = "auto",
    mapping: Mapping[str, Any] | str | Path | None = None,
    progress: Callable[[float], None] | None = None,
    most_bytes: int | None = None,
) -> MapsEntry:
    """Read a gridded product and store it as maps; a killed import leaves nothing behind.

    Args:
        files: files, Zarr stores, folders, patterns with ``*``, and ZIP files of these.
        into: workspace, whose folder ``maps`` it goes to, or a folder.
        kind: a key of ``tamrl.maps.products.registry.PRODUCTS``, or ``auto``.
        mapping: flux -> {variable, unit, sign}, or a YAML file of it, for other CF files.
        progress: called with the fraction that is done.
        most_bytes: that a ZIP may unpack to, and that the maps may take before they are compressed; None for the
            owner of the computer: then only a ZIP is bounded, and files may take values from others.

    Returns:
        The entry of the new maps.

    Raises:
        TamrlError: the workspace is read-only, a file cannot be read or is not of a known product, or the maps are too
            large or cannot be written.
    """
    if isinstance(into, Workspace):
        into.check_writable()
    folder = into.path / FOLDER if isinstance(into, Workspace) else into
    with tempfile.TemporaryDirectory(prefix="tamrl-import-") as scratch:
        paths = [_unpacked(Path(file), Path(scratch), most_bytes or _MOST_BYTES) for file in files]
        if most_bytes is not None:
            check_self_contained(paths)
        with open_product(paths, kind, mapping) as maps, ExitStack() as held:
            if most_bytes is not None:
                _check_size(maps, most_bytes, Path(files[0]).name)
            path = _claim(folder, str(maps.attrs.get("title") or Path(files[0]).stem), held)
            try:
                swap_in(path, lambda new: _write(maps, new, progress or (lambda share: None)))
            except RuntimeError as error:  # what the libraries raise where a block cannot be unpacked
                what = f"A part of the product cannot be read, it is damaged: {error}"
                raise TamrlError(what, Path(files[0]).name, "Download it again") from error
            report = report_of(maps).to_list()
    if isinstance(into, Workspace):
        about = {"inputs": [str(file) for file in files], "maps": path.name}
        into.add_provenance({"command": "import maps", **about, "report": report})
    return entry(path)


def _check_size(maps: xr.Dataset, most: int, where: str) -> None:
    """Raise where maps would take more than ``most`` bytes: a file of a few bytes may declare any size."""
    taken = sum(array.size * min(array.dtype.itemsize, 4) for array in maps.data_vars.values())
    if taken > most:
        what = (
            f"The maps of this product would take {taken / 2**30:,.1f} GB, at most {most / 2**30:,.1f} GB are imported"
        )
        raise TamrlError(what, where, "Import a part of it: fewer years, or a coarser grid")


def _claim(folder: Path, title: str, held: ExitStack) -> Path:
    """Return a path that is neither taken nor being written, named after a title; locked until ``held`` is closed."""
    stem, number = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "maps", 2
    path = folder / f"{stem}.zarr"
    # One import at a time chooses a name; what takes long, the writing, waits for no other.
    with locked(folder / "names"):
        while path.exists() or not _locks(path, held):
            path, number = folder / f"{stem}-{number}.zarr", number + 1
    return path


def _locks(path: Path, held: ExitStack) -> bool:
    """Lock a path without waiting; False where another import writes it."""
    try:
        held.enter_context(locked(path, 0.0))
    except TamrlError as error:
        if error.__cause__ is not None:  # not another import: the folder cannot be written
            raise
        return False
    return True


def _unpacked(path: Path, scratch: Path, most: int) -> Path:
    """Return where the content of a ZIP lies; another path is returned as it is.

    The size that a ZIP declares is not trusted: bytes are counted while reading.

    Raises:
        TamrlError: the ZIP is damaged, far too large, or would write outside its folder.
    """
    if path.suffix.lower() != ".zip" or path.is_dir():
        return path
    folder, left = scratch / f"{len(list(scratch.iterdir()))}" / path.stem, most
    size = f"{most / 2**30:,.0f} GB" if most >= 2**30 else f"{most / 2**20:,.0f} MB"
    too_large = TamrlError(
        f"This ZIP unpacks to more than {size} or {_MOST_FILES:,} files",
        path.name,
        "Unpack it yourself and give its path",
    )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MOST_FILES or sum(member.file_size for member in members) > most:
                raise too_large
            for member in members:
                target = folder / member.filename
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise TamrlError("This ZIP names files outside its folder", path.name, "Pack it again")
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("wb") as file:
                    while block := packed.read(_UNPACK_BYTES):
                        left -= len(block)
                        if left < 0:
                            raise too_large
                        file.write(block)
    except _BROKEN_ZIP as error:
        raise TamrlError(
            f"This ZIP cannot be unpacked: {error}", path.name, "Pack it again, or upload it again"
        ) from error
    return folder


def _write(maps: xr.Dataset, path: Path, progress: Callable[[float], None]) -> None:
    """Write maps as Zarr, some steps at a time, so that a long product needs little memory."""
    maps = maps.drop_encoding()
    sizes = {"time": 1, **{axis: min(most, maps.sizes[axis]) for axis, most in _BLOCK.items()}}
    over_time = [name for name, array in maps.data_vars.items() if "time" in array.dims]
    encoding = {
        name: {"chunks": tuple(sizes.get(str(dim), maps.sizes[dim]) for dim in maps[name].dims)}
        | ({"dtype": "float32"} if maps[name].dtype.kind == "f" else {})
        for name in maps.data_vars
    }
    try:
        still = maps.drop_vars(over_time)
        still.drop_vars("time").to_zarr(
            path,
            mode="w",
            zarr_format=3,
            consolidated=False,
            encoding={name: encoding[name] for name in still.data_vars},
        )
        at, count = 0, maps.sizes["time"]
        # About 64 MB of one variable at a time.
        several = max(1, 2**24 // (maps.sizes["lat"] * maps.sizes["lon"]))
        while at < count:
            part = maps[over_time].isel(time=slice(at, at + several)).load()
            part = part.drop_vars(["lat", "lon"])
            for name, array in part.data_vars.items():
                if array.dtype.kind == "f" and not str(name).endswith("_bnds"):
                    part[name] = array.astype(np.float32)
            first = at == 0
            part.to_zarr(
                path,
                zarr_format=3,
                consolidated=False,
                mode="a",
                append_dim=None if first else "time",
                encoding={name: encoding[name] for name in over_time} if first else None,
            )
            at += several
            progress(min(1.0, at / count))
    except OSError as error:
        what = f"The maps cannot be written: {error.strerror or error}"
        raise TamrlError(what, str(path.parent), "Free some disk space, or choose another workspace") from error
