"""The folder a user works in: one archive of towers, the models trained on it, and where everything came from.

Layout: ``workspace.yaml`` (name, simulated, created, tamrl_version), ``archive.zarr``, ``models/<name>/`` and
``provenance.json``. The bundled workspaces are read-only: the towers of FLUXNET2015, and
simulated ones.
"""

import hashlib
import json
import os
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

import tamrl
from tamrl.bundled import bundled_workspaces
from tamrl.errors import TamrlError, printable
from tamrl.system.storage import locate, locked, subfolders
from tamrl.system.yaml_file import read_yaml
from tamrl.timestep import ATTRIBUTE, TimeStep, time_step
from tamrl.towers.archive import load_archive

MARKER = "workspace.yaml"
#: Folders below the one searched; workspaces lie side by side, not deep.
_SEARCH_DEPTH = 2


@dataclass(frozen=True)
class Workspace:
    """One workspace folder; make it with ``Workspace.open`` or ``Workspace.create``.

    Attributes:
        path: the folder, absolute.
        name: shown to the user.
        simulated: whether its towers come from the simulation.
        read_only: whether commands may write into it.
        created: ISO 8601, UTC.
        example: tower that the Few-shot lab shows first; empty where the workspace names none.
    """

    path: Path
    name: str
    simulated: bool = False
    read_only: bool = False
    created: str = ""
    _: KW_ONLY
    example: str = ""

    @classmethod
    def open(cls, path: str | Path) -> "Workspace":
        """Open an existing workspace.

        Raises:
            TamrlError: the folder is not a workspace, or its ``workspace.yaml`` cannot be understood.
        """
        folder = Path(path).expanduser().resolve()
        if not is_workspace(folder):
            todo = "Make one with `python -m tamrl ingest SRC --workspace W`"
            raise TamrlError(f"This folder is not a workspace, it has no {MARKER}", str(path), todo)
        try:
            content = read_yaml(folder / MARKER)
            name, simulated = str(content["name"]), content.get("simulated", False)
            if not isinstance(simulated, bool):
                raise ValueError(f"simulated must be true or false, not {simulated!r}")
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise TamrlError(f"{MARKER} cannot be understood: {error}", str(folder), "Restore or remove it") from error
        read_only = folder in bundled_workspaces().values() or not os.access(folder, os.W_OK)
        return cls(
            folder, name, simulated, read_only, str(content.get("created", "")), example=str(content.get("example", ""))
        )

    @classmethod
    def create(cls, path: str | Path, simulated: bool = False, name: str = "") -> "Workspace":
        """Make a workspace in a new or existing folder; an existing workspace is opened.

        Raises:
            TamrlError: the folder cannot be written, or holds a workspace of the other kind (simulated or not) or one
                that ``open`` refuses.
        """
        folder = Path(path).expanduser().resolve()
        if is_workspace(folder):
            found = cls.open(folder)
            if found.simulated != simulated:
                kind = "simulated" if found.simulated else "real"
                raise TamrlError(f"This workspace holds {kind} towers", str(path), "Choose another folder")
            return found
        content = {
            "name": name or folder.name,
            "simulated": simulated,
            "created": _now(),
            "tamrl_version": tamrl.__version__,
        }
        try:
            (folder / "models").mkdir(parents=True, exist_ok=True)
            _write_text(folder / MARKER, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        except OSError as error:
            what = f"The workspace cannot be made: {error.strerror or error}"
            raise TamrlError(what, str(path), "Choose a folder that you may write to") from error
        return cls.open(folder)

    @property
    def archive_path(self) -> Path:
        """Path of the archive."""
        return self.path / "archive.zarr"

    def archive(self) -> xr.Dataset:
        """Open the archive lazily.

        Raises:
            TamrlError: nothing was ingested yet, or the archive is damaged.
        """
        return load_archive(self.archive_path)

    def archive_version(self) -> int:
        """Return a number that changes when the archive is replaced (0: none); the key of every cache of it."""
        found = locate(self.archive_path)
        marker = found / "zarr.json" if found else None
        return marker.stat().st_mtime_ns if marker and marker.is_file() else 0

    def step(self) -> TimeStep:
        """Return the time step of the archive; daily where there is none yet, or it cannot be read."""
        found = locate(self.archive_path)
        try:
            attributes = json.loads((found / "zarr.json").read_text(encoding="utf-8"))["attributes"] if found else {}
            return time_step(attributes.get(ATTRIBUTE, TimeStep.DAILY.value), ATTRIBUTE)
        except (OSError, ValueError, KeyError, AttributeError, TamrlError):
            return TimeStep.DAILY

    def models(self) -> list[Path]:
        """Return the folders under ``models/`` that hold something, by name."""
        folder = self.path / "models"
        if not folder.is_dir():
            return []
        return sorted(
            path for path in folder.iterdir() if path.is_dir() and path.name[0] != "." and any(path.iterdir())
        )

    def check_writable(self) -> None:
        """Raise a TamrlError when commands may not write here."""
        if self.read_only:
            raise TamrlError("This workspace is read-only", str(self.path), "Choose a folder of your own")

    def provenance(self) -> list[dict[str, Any]]:
        """Return the entries of ``provenance.json``, oldest first.

        Raises:
            TamrlError: the file is damaged.
        """
        path = self.path / "provenance.json"
        if not path.is_file():
            return []
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TamrlError(f"provenance.json cannot be read: {error}", str(path), "Restore or remove it") from error
        return entries if isinstance(entries, list) else [entries]

    def add_provenance(self, entry: dict[str, Any]) -> None:
        """Append one entry; ``when`` (UTC) and ``tamrl_version`` are added where it lacks them.

        Args:
            entry: what was done, for example ``{"command": "ingest", "inputs": [...]}``; JSON values only.

        Raises:
            TamrlError: the workspace is read-only, its provenance is damaged, or the disk is full.
        """
        self.check_writable()
        path = self.path / "provenance.json"
        complete = {"when": _now(), "tamrl_version": tamrl.__version__, **entry}
        with locked(path):  # two writers would each write the entries that they have read
            text = json.dumps([*self.provenance(), complete], indent=2, ensure_ascii=False)
            try:
                _write_text(path, printable(text, keep="\n") + "\n")
            except OSError as error:
                what = f"The provenance cannot be written: {error.strerror or error}"
                raise TamrlError(what, str(path), "Free some disk space, then run the same command again") from error


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_text(path: Path, text: str) -> None:
    """Write a small file so that a killed process leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def is_workspace(path: str | Path) -> bool:
    """Return whether a folder is a workspace."""
    return (Path(path) / MARKER).is_file()


def find_workspaces(root: str | Path) -> list[Path]:
    """Return the workspaces at or below ``root`` (two levels), sorted; an unreadable folder is skipped."""
    start = Path(root).expanduser()
    found: list[Path] = []
    level = [start] if start.is_dir() else []
    for depth in range(_SEARCH_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            if is_workspace(folder):
                found.append(folder.resolve())
            elif depth < _SEARCH_DEPTH:
                below += subfolders(folder)
        level = below
    return sorted(set(found))


def bundled(name: str = "fluxnet2015") -> Workspace:
    """Open a workspace that comes with the project: ``fluxnet2015``, or the SIMULATED ``demo``.

    Raises:
        TamrlError: it is not there (an incomplete installation).
    """
    return Workspace.open(bundled_workspaces()[name])


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
