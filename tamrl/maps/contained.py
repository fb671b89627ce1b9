"""Importing what a visitor names or sends in a process of its own, see ``tamrl.system.contained``.

Where a system has no limits of memory and size (Windows), the sizes that a file declares are still checked.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tamrl.errors import TamrlError
from tamrl.maps import catalog, imports
from tamrl.maps.catalog import MapsEntry
from tamrl.system import contained
from tamrl.system.contained import GB, Bounds

_TODO = "Import it on your own computer, or ask whoever runs this server"


def import_contained(
    files: Sequence[str | Path],
    into: Path,
    kind: str,
    mapping: Mapping[str, Any] | None,
    progress: Callable[[float], None],
    bounds: Bounds,
    cancelled: Callable[[], bool] = lambda: False,
) -> MapsEntry:
    """Import a product as ``tamrl.maps.imports.import_product`` does, in a process that is ended if it takes too much.

    Args:
        files: files, Zarr stores, folders, patterns with ``*``, and ZIP files of these.
        into: folder that the maps go to.
        kind: a key of ``tamrl.maps.products.registry.PRODUCTS``, or ``auto``.
        mapping: flux -> {variable, unit, sign}, for other CF files.
        progress: called with the fraction that is done.
        bounds: of the process.
        cancelled: asked again and again; the process is ended once it returns True.

    Returns:
        The entry of the new maps.

    Raises:
        TamrlError: what ``import_product`` raises, a bound of memory, time or size was exceeded, or the work was
            cancelled.
    """

    def broken(how: str) -> TamrlError:
        late = f"The import took longer than {bounds.seconds / 60:.0f} minutes and was stopped"
        what = late if how == "overdue" else "The import stopped before its end"
        return TamrlError(f"{what}; nothing of it is kept", _names(files), _TODO)

    asked = {"files": [str(file) for file in files], "into": str(into), "kind": kind, "mapping": mapping}
    told = contained.run(__name__, asked, progress, bounds, broken, cancelled)
    return catalog.entry(Path(told["path"]))


def _names(files: Sequence[str | Path]) -> str:
    return ", ".join(Path(file).name for file in files[:3]) + (" ..." if len(files) > 3 else "")


def _import(asked: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    into, kind, mapping = Path(asked["into"]), asked["kind"], asked["mapping"]
    made = imports.import_product(asked["files"], into, kind, mapping, progress, asked["size"])
    return {"path": str(made.path)}


def _too_much(asked: dict[str, Any]) -> TamrlError:
    what = f"The import takes more than the {asked['memory'] / GB:.0f} GB of memory that it may use here"
    return TamrlError(what, _names(asked["files"]), _TODO)


def _unforeseen(asked: dict[str, Any], error: Exception) -> TamrlError:
    what = f"The files cannot be imported: {type(error).__name__}: {error}"
    return TamrlError(what, _names(asked["files"]), "Check the files, or give a mapping")


if __name__ == "__main__":
    contained.serve(_import, _too_much, _unforeseen)
