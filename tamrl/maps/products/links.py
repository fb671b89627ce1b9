"""Files that take their values from other files: refused where the user must not read those.

An HDF5 file, and so a NetCDF 4 file, may refer to any file of the computer for its values: external raw data, links to
other HDF5 files, virtual datasets. Whoever uploads such a file could read whatever the server may read.
"""

from pathlib import Path

from tamrl.errors import TamrlError
from tamrl.maps.products.sources import Paths, find

_MAGIC = b"\x89HDF"


def check_self_contained(paths: Paths) -> None:
    """Raise where an HDF5 file among those that are meant takes values from other files.

    Args:
        paths: see ``tamrl.maps.products.sources.find``.

    Raises:
        TamrlError: one does, or cannot be searched.
    """
    for path in find(paths):
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(len(_MAGIC))
            if start == _MAGIC:
                _check_hdf5(path)


def _check_hdf5(path: Path) -> None:
    import h5py

    def look(group: "h5py.Group", seen: set[bytes]) -> str:
        """Return the first name below a group that leads out of the file."""
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                return name
            item = group.get(name)
            if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                return name
            if isinstance(item, h5py.Group):
                # A group may hold itself.
                number = repr(h5py.h5o.get_info(item.id).addr).encode()
                if number not in seen:
                    seen.add(number)
                    found = look(item, seen)
                    if found:
                        return f"{name}/{found}"
        return ""

    try:
        with h5py.File(path, "r") as file:
            found = look(file, set())
    except (OSError, RuntimeError, ValueError, KeyError, RecursionError) as error:
        raise TamrlError("The file cannot be read, it is cut off or damaged", path.name, "Download it again") from error
    if found:
        raise TamrlError(
            f"The variable {found} takes its values from another file",
            path.name,
            "Copy the values into the file itself (nccopy, ncks), then upload it again",
        )
