"""Reading what a visitor sends, tower files or a workspace as zip, in a process of its own.

See ``tamrl.system.contained``: a file that exhausts memory or crashes a library ends that process, not the server.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tamrl.errors import TamrlError
from tamrl.system import contained
from tamrl.system.contained import GB, Bounds
from tamrl.towers.ingest import ingest
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.report import ReadReport
from tamrl.towers.workspace import Workspace
from tamrl.towers.workspace_zip import unpack

_TODO = "Upload fewer or smaller files, or use the command line on your own computer"


def ingest_contained(
    files: Sequence[Path],
    into: Path,
    sites: Path | None,
    progress: Callable[[float], None],
    bounds: Bounds,
    fill_drivers: bool = False,
    columns: Sequence[Path] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> ReadReport:
    """Ingest files into a new workspace as ``tamrl.towers.ingest.ingest`` does.

    Args:
        files: tower files; what belongs together lies in one folder.
        into: folder of the workspace, made where it is not there.
        sites: table of positions and classes that takes precedence over all others.
        progress: called with the fraction of the files that were read.
        bounds: of the process.
        fill_drivers: as of ``ingest``.
        columns: YAML files of column maps, each for tables that have its columns and no other.
        cancelled: asked again and again; the process is ended once it returns True.

    Raises:
        TamrlError: what ``ingest`` raises, a bound was exceeded, or the work was cancelled.
    """
    report = into.with_name(f"{into.name}.json")
    asked = {
        "files": [str(file) for file in files],
        "into": str(into),
        "sites": str(sites) if sites else None,
        "report": str(report),
        "fill": fill_drivers,
        "columns": [str(path) for path in columns],
    }
    contained.run(__name__, {"work": "ingest", **asked}, progress, bounds, _broken(files, bounds), cancelled)
    found = ReadReport.load(report)
    report.unlink(missing_ok=True)
    return found


def unpack_contained(
    file: Path,
    into: Path,
    name: str,
    progress: Callable[[float], None],
    bounds: Bounds,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Unpack a workspace as ``tamrl.towers.workspace_zip.unpack`` does and return its folder.

    Args:
        file: zip of an exported workspace.
        into: folder of the new workspace; must not exist yet.
        name: of the workspace, that of the zip where empty.
        progress: called with the fraction that is done.
        bounds: of the process.
        cancelled: asked again and again; the process is ended once it returns True.

    Raises:
        TamrlError: what ``unpack`` raises, a bound was exceeded, or the work was cancelled.
    """
    asked = {"files": [str(file)], "into": str(into), "name": name}
    contained.run(__name__, {"work": "unpack", **asked}, progress, bounds, _broken([file], bounds), cancelled)
    return into


def _broken(files: Sequence[Path], bounds: Bounds) -> Callable[[str], TamrlError]:
    def made(how: str) -> TamrlError:
        late = f"Reading took longer than {bounds.seconds / 60:.0f} minutes and was stopped"
        what = late if how == "overdue" else "Reading stopped before its end"
        return TamrlError(f"{what}; nothing of it is kept", _names(files), _TODO)

    return made


def _names(files: Sequence[str | Path]) -> str:
    return ", ".join(Path(file).name for file in files[:3]) + (" ..." if len(files) > 3 else "")


def _work(asked: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    into = Path(asked["into"])
    if asked["work"] == "unpack":
        unpack(Path(asked["files"][0]), into, asked["size"], asked["name"])
    else:
        result = ingest(
            asked["files"],
            Workspace.create(into),
            asked["sites"],
            "ingest " + " ".join(Path(file).name for file in asked["files"]) + " --fill" * asked["fill"],
            on_item=lambda done, total: progress(done / total),
            fill_drivers=asked["fill"],
            columns=[replace(ColumnMap.load(Path(path)), strict=True) for path in asked["columns"]],
        )
        ReadReport.of(result).save(Path(asked["report"]))
    return {"path": str(into)}


def _too_much(asked: dict[str, Any]) -> TamrlError:
    what = f"Reading takes more than the {asked['memory'] / GB:.0f} GB of memory that it may use here"
    return TamrlError(what, _names(asked["files"]), _TODO)


def _unforeseen(asked: dict[str, Any], error: Exception) -> TamrlError:
    what = f"The files cannot be read: {type(error).__name__}: {error}"
    return TamrlError(what, _names(asked["files"]), "Check the files")


if __name__ == "__main__":
    contained.serve(_work, _too_much, _unforeseen)
