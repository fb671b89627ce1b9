"""The global maps available: those that come with the project, those of a workspace, and what a user imports."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.globe.contract import check_maps
from tamrl.system.netcdf import open_netcdf
from tamrl.system.storage import locate
from tamrl.towers.workspace import Workspace

#: Folder of maps inside a workspace, and of those that come with the project.
FOLDER = "maps"


@dataclass(frozen=True, kw_only=True)
class MapsEntry:
    """One set of maps that is available.

    Attributes:
        key: name in the URL, unique among those available.
        label: name shown to the user.
        path: NetCDF file or Zarr folder.
        kind: ``model``, ``product``, or ``damaged`` where it cannot be read.
        simulated: whether it was made for demonstration or testing.
        version: changes when the maps are replaced; with the path the key of every cache.
    """

    key: str
    label: str
    path: Path
    kind: str
    simulated: bool
    version: int


def bundled_maps() -> Path:
    """Return the folder of the maps that come with the project."""
    return bundled_folder(FOLDER)


def folders(workspace: Workspace | None, session: Path | None = None) -> list[Path]:
    """Return the folders of maps: the bundled one, then the workspace's, then that of this session's imports."""
    own = [workspace.path / FOLDER] if workspace else []
    return [bundled_maps(), *own, *([session] if session else [])]


def listed(folders: Iterable[Path]) -> list[Path]:
    """Return the NetCDF files and Zarr folders in some folders, in their order; a missing folder has none."""
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix in (".nc", ".zarr") and not path.name.startswith(".")
    ]


def entries(workspace: Workspace | None, session: Path | None = None) -> dict[str, MapsEntry]:
    """Return the available maps by key: bundled ones, then those of the workspace, then those of the session.

    A damaged file is listed too: opening it raises what is wrong.

    Args:
        workspace: the open workspace.
        session: folder with what a user imported while the workspace is read-only.
    """
    return entries_in(folders(workspace, session))


def entries_in(folders: Iterable[Path]) -> dict[str, MapsEntry]:
    """Return the maps in some folders by key; of two with one name the later gets a number."""
    found: dict[str, MapsEntry] = {}
    for path in listed(folders):
        key, number = path.stem, 2
        while key in found:
            key, number = f"{path.stem}-{number}", number + 1
        found[key] = entry(path, key)
    return found


def entry(path: Path, key: str = "") -> MapsEntry:
    """Return the entry of one set of maps; a damaged one is marked as such.

    Args:
        path: NetCDF file or Zarr folder.
        key: name in the URL, that of the file by default.
    """
    key = key or path.stem
    try:
        with _open(path) as maps:
            attrs = maps.attrs
    except TamrlError:
        return MapsEntry(
            key=key, label=f"{path.stem} (damaged)", path=path, kind="damaged", simulated=False, version=version(path)
        )
    label = str(attrs.get("title") or path.stem)
    return MapsEntry(
        key=key,
        label=label,
        path=path,
        kind=str(attrs.get("kind", "product")),
        simulated=bool(attrs.get("simulated", 0)),
        version=version(path),
    )


def version(path: Path) -> int:
    """Return a number that changes when the maps are replaced, 0 where there are none."""
    marker = path / "zarr.json" if path.is_dir() else path
    return marker.stat().st_mtime_ns if marker.is_file() else 0


def open_maps(entry: MapsEntry) -> xr.Dataset:
    """Open maps lazily and check that they meet the contract of ``tamrl.globe.contract``.

    Raises:
        TamrlError: they are missing or damaged, or do not meet the contract.
    """
    maps = _open(entry.path)
    try:
        return check_maps(maps, str(entry.path))
    except TamrlError:
        maps.close()
        raise


def _open(path: Path) -> xr.Dataset:
    try:
        if path.suffix == ".zarr":
            return xr.open_zarr(locate(path) or path, chunks=None, consolidated=False)
        return open_netcdf(path, cache=False)
    except Exception as error:  # whatever a damaged file makes the libraries raise
        what = f"These maps cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise TamrlError(what, str(path), "Import them again, or remove them") from error
