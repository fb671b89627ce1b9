"""The workspaces of one visitor, and uploads not yet accepted: limited in number, all in one folder."""

import hashlib
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tamrl.errors import TamrlError, printable
from tamrl.system.contained import Bounds
from tamrl.towers.contained import ingest_contained, unpack_contained
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.readers.site_values import Faults, check
from tamrl.towers.report import ReadReport
from tamrl.towers.workspace import Workspace, find_workspaces

#: Hidden from what else a visitor keeps: it is neither listed nor counted among the products that were imported.
FOLDER, _DRAFTS, _COLUMNS = ".workspaces", ".drafts", ".columns"
#: Drafts that are kept; files of one draft; letters of a name.
MOST_DRAFTS, MOST_FILES, LONGEST_NAME = 3, 200, 60
#: Maps of columns that are kept for the next files.
MOST_MAPS = 20
_REPORT, _FILES, _READ = "report.json", "files", "read"
#: Marks a draft whose towers get the drivers that they lack from the bundled global ones.
_FILL = "fill"
_FIELDS = ("lat", "lon", "igbp", "koeppen")


@dataclass(frozen=True)
class Draft:
    """Uploaded files, and the workspace that they were read into.

    Attributes:
        path: its folder.
    """

    path: Path

    @property
    def files(self) -> list[Path]:
        """The files as they were uploaded."""
        return sorted(path for path in (self.path / _FILES).rglob("*") if path.is_file())

    def place_for(self, name: str) -> Path:
        """Return where an uploaded file is to be written; files of one upload lie side by side, as tables need.

        Raises:
            TamrlError: there are too many.
        """
        taken = self.files
        if len(taken) >= MOST_FILES:
            what = f"More than {MOST_FILES} files were uploaded at once"
            raise TamrlError(what, name, "Upload one zip of them, or fewer files")
        folder = self.path / _FILES
        clean = file_name(name)
        if (folder / clean).exists():
            folder = folder / str(len(taken))
        folder.mkdir(parents=True, exist_ok=True)
        return folder / clean

    @property
    def workspace(self) -> Workspace:
        """The workspace that the files were read into.

        Raises:
            TamrlError: they were not read, or the result of the reading is gone.
        """
        return Workspace.open(self.path / _READ)

    @property
    def ready(self) -> bool:
        """Whether the files were read."""
        return (self.path / _REPORT).is_file()

    def report(self) -> ReadReport:
        """Return what was found in the files.

        Raises:
            TamrlError: they were not read, or the result of the reading is gone.
        """
        return ReadReport.load(self.path / _REPORT)

    def places(self) -> dict[str, dict[str, str]]:
        """Return what was entered about the place of each tower: site -> field -> text."""
        import csv

        path = self.path / "sites.csv"
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            return {row.pop("site"): row for row in csv.DictReader(file)}

    def put_place(self, site: str, values: dict[str, str]) -> None:
        """Keep what was entered about the place of a tower, for the next ``read``.

        Args:
            site: tower.
            values: some of lat, lon (degrees), igbp and koeppen as text; empty where not known.

        Raises:
            TamrlError: a value is not a position in degrees or a known class.
        """
        import csv

        faults = Faults("Position and class")
        for name, text in values.items():
            check(name, text, site, faults)
        if words := faults.words():
            raise TamrlError("; ".join(words), site, "Correct it")
        known = {**self.places(), site: {name: values.get(name, "") for name in _FIELDS}}
        with (self.path / "sites.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, ("site", *_FIELDS))
            out.writeheader()
            out.writerows({"site": name, **row} for name, row in sorted(known.items()))

    @property
    def filled(self) -> bool:
        """Whether drivers that a tower lacks are filled from the bundled global ones, see ``tamrl.towers.fill``."""
        return (self.path / _FILL).is_file()

    def put_filled(self, wanted: bool) -> None:
        """Set whether drivers are filled at the next ``read``."""
        if wanted:
            (self.path / _FILL).touch()
        else:
            (self.path / _FILL).unlink(missing_ok=True)

    @property
    def _columns(self) -> Path:
        """Where maps of columns lie, beside the drafts: they outlive them."""
        return self.path.parent.parent / _COLUMNS

    def put_columns(self, columns: ColumnMap) -> None:
        """Keep a map of columns, for the next ``read`` of this draft and of later ones with tables of these columns.

        Raises:
            TamrlError: the map is not valid, see ``ColumnMap.check``.
        """
        columns.check("Columns")
        names = "\n".join(sorted({*columns.used, *columns.ignored}))
        self._columns.mkdir(parents=True, exist_ok=True)
        columns.save(self._columns / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.yaml")
        for old in sorted(self._columns.glob("*.yaml"), key=lambda path: -path.stat().st_mtime_ns)[MOST_MAPS:]:
            old.unlink(missing_ok=True)

    def read(
        self, progress: Callable[[float], None], bounds: Bounds, cancelled: Callable[[], bool] = lambda: False
    ) -> ReadReport:
        """Read the files into the draft's workspace, anew where they were read before.

        Args:
            progress: called with the fraction of the files that were read.
            bounds: of the process that reads them.
            cancelled: asked again and again; the process is ended once it returns True.

        Raises:
            TamrlError: as ``ingest_contained``; an earlier reading is then gone.
        """
        (self.path / _REPORT).unlink(missing_ok=True)
        shutil.rmtree(self.path / _READ, ignore_errors=True)
        files = self.files
        # A table is read with the monthly one that lies beside it.
        tables = {path.parent for path in files if path.name == "daily.parquet"}
        sources = [path for path in files if path.name != "monthly.parquet" or path.parent not in tables]
        sites = self.path / "sites.csv"
        table = sites if sites.is_file() else None
        maps = sorted(self._columns.glob("*.yaml"))
        report = ingest_contained(sources, self.path / _READ, table, progress, bounds, self.filled, maps, cancelled)
        report.save(self.path / _REPORT)
        return report

    def discard(self) -> None:
        """Remove the files and what was read."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True)
class Shelf:
    """The workspaces of one visitor.

    Attributes:
        path: their folder, which nobody else has.
        most: number of workspaces that may be there.
    """

    path: Path
    most: int

    def workspaces(self) -> list[Path]:
        """Return the folders of the workspaces, by name."""
        return [path for path in find_workspaces(self.path) if path.parent == self.path.resolve()]

    def holds(self, path: Path) -> bool:
        """Return whether a workspace is one of these."""
        return Path(path) in self.workspaces()

    def place_for(self, name: str) -> Path:
        """Return the folder of a new workspace.

        Raises:
            TamrlError: there are too many, the name has no letter and no digit or is too long, or it is taken.
        """
        there = self.workspaces()
        if len(there) >= self.most:
            what = f"You have {len(there)} workspaces, the most that are kept here"
            raise TamrlError(what, "Workspace", "Delete one that you no longer need")
        path = self.path.resolve() / slug(name)
        if path.exists():
            raise TamrlError("You have a workspace of this name already", name, "Choose another name")
        return path

    def create(self, name: str) -> Workspace:
        """Make an empty workspace.

        Raises:
            TamrlError: see ``place_for``.
        """
        return Workspace.create(self.place_for(name), name=clean_name(name))

    def take_in(
        self,
        file: Path,
        name: str,
        bounds: Bounds,
        progress: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Workspace:
        """Make a workspace of an exported one.

        Args:
            file: zip that ``workspace_zip.pack`` wrote.
            name: of the workspace.
            bounds: of the process that unpacks it.
            progress: called with the fraction that is done.
            cancelled: asked again and again; the process is ended once it returns True.

        Raises:
            TamrlError: see ``place_for`` and ``unpack_contained``; then nothing is kept.
        """
        into = self.place_for(name)
        try:
            return Workspace.open(unpack_contained(file, into, clean_name(name), progress, bounds, cancelled))
        except BaseException:
            shutil.rmtree(into, ignore_errors=True)
            for left in self.path.glob(".unpack-*"):
                shutil.rmtree(left, ignore_errors=True)
            raise

    def delete(self, path: Path) -> None:
        """Remove a workspace.

        Raises:
            TamrlError: it is not one of these.
        """
        if not self.holds(path):
            raise TamrlError("This is not one of your workspaces", Path(path).name, "Choose one of your own")
        shutil.rmtree(path, ignore_errors=True)

    def drafts(self) -> list[Draft]:
        """Return the uploads that are not yet accepted, the oldest first."""
        folder = self.path / _DRAFTS
        found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        return [Draft(path) for path in sorted(found, key=lambda path: path.name)]

    def new_draft(self) -> Draft:
        """Return a new draft for uploads; where there are too many, the oldest one is removed."""
        for old in self.drafts()[: 1 - MOST_DRAFTS]:
            old.discard()
        folder = self.path / _DRAFTS
        folder.mkdir(parents=True, exist_ok=True)
        return Draft(Path(tempfile.mkdtemp(prefix=f"{time.time_ns():020d}-", dir=folder)))


def clean_name(name: str) -> str:
    """Return the name of a workspace as it is shown.

    Raises:
        TamrlError: it has no letter and no digit, or is too long.
    """
    shown = printable(" ".join(name.split()))
    if not any(sign.isalnum() for sign in shown):
        raise TamrlError("The workspace needs a name", "Name", "Type letters or digits")
    if len(shown) > LONGEST_NAME:
        raise TamrlError(f"The name has more than {LONGEST_NAME} characters", "Name", "Choose a shorter one")
    return shown


def slug(name: str) -> str:
    """Return the name of a workspace as a folder and in the address: ``My towers, 2020`` is my-towers-2020.

    Raises:
        TamrlError: see ``clean_name``.
    """
    text = clean_name(name)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    # A name in letters that are not Latin has none of these left; its code tells it from others.
    return short or f"workspace-{sum(ord(sign) * 31**at for at, sign in enumerate(text)) % 10**8}"


def file_name(name: str) -> str:
    """Return the name under which an uploaded file is written: without folders, else kept, since readers use it."""
    last = re.split(r"[\\/]", name)[-1].replace("\0", "")
    return last if last.strip(". ") and len(last.encode()) < 200 else f"file{Path(last).suffix[:8]}"
