"""Finding out what a source is: a folder, a table folder, a CSV, a gz, a zip; and reading what it holds."""

import errno
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from tamrl.data import fluxnet, limits
from tamrl.data.archive import Tower
from tamrl.data.satellite import CLIMATOLOGY
from tamrl.data.sites import SiteInfo, read_bif, read_sites
from tamrl.data.tables import is_series, read_series, read_tables
from tamrl.errors import TamrlError

Status = Literal["ingested", "used", "skipped", "failed"]
_CSV = (".csv", ".csv.gz")
_TABLES = (*_CSV, ".parquet")
_HEADER_BYTES = 1_000_000


@dataclass
class Item:
    """One file (or folder) that ingest came across, and what became of it.

    Attributes:
        path: the file.
        explicit: the user named it, it was not found in a folder.
        status: ingested, used (site table, satellite series), skipped (nothing lost) or failed.
        reason: why it was skipped or failed, in words.
        site: tower that its name says, empty where none.
        sibling: a failed file that belongs to a published set; nothing is lost when its tower has a daily file.
        towers: towers read from it.
        sites: positions and classes read from it.
        series: satellite variables by site, see ``tables.read_series``.
        notes: what the user should know.
    """

    path: Path
    explicit: bool
    status: Status = "skipped"
    reason: str = ""
    site: str = ""
    sibling: bool = False
    towers: list[Tower] = field(default_factory=list)
    sites: dict[str, SiteInfo] = field(default_factory=dict)
    series: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, reason: str) -> "Item":
        """Mark as failed for ``reason`` and return it."""
        self.status, self.reason = "failed", reason
        return self


def find(source: str | Path) -> list[Item]:
    """List the files to look at for one source, in a fixed order; folders are searched to the bottom.

    Hidden files, Zarr stores and workspaces inside a folder are passed over.
    """
    path = Path(source).expanduser()
    try:
        what = limits.kind(path)
    except OSError as error:
        gone = error.errno == errno.ENOENT
        reason = "there is no such file or folder" if gone else f"it cannot be read: {error.strerror}"
        return [Item(path, True).fail(reason)]
    if what != "a folder":
        return [Item(path, True).fail(f"it is {what}, neither a file nor a folder")] if what else [Item(path, True)]
    items: list[Item] = []

    def unreadable(error: OSError) -> None:
        items.append(Item(Path(error.filename), False).fail(f"the folder cannot be read: {error.strerror}"))

    for folder, below, names in os.walk(path, onerror=unreadable):
        here = Path(folder)
        closed = [name for name in below if _closed(here / name)]
        items += [Item(here / name, False, reason="a Zarr store or a workspace, no tower files") for name in closed]
        linked = [name for name in below if name not in closed and (here / name).is_symlink()]
        items += [
            Item(here / name, False, reason="a link to a folder, not followed: name the folder") for name in linked
        ]
        below[:] = sorted(name for name in below if name not in closed and not name.startswith((".", "__MACOSX")))
        items += [Item(here / name, False) for name in sorted(names) if not name.startswith(".")]
    if not items:
        items.append(Item(path, True).fail("the folder is empty"))
    return items


def beside(items: list[Item]) -> list[Item]:
    """Return the ``sites.csv`` and satellite series that lie beside files the user named, as items of their own.

    Series are looked for beside a ``daily.parquet`` alone: a folder of tower files may hold anything.
    """
    there = {item.path.resolve() for item in items}
    named = [item.path for item in items if item.explicit and item.towers]
    paths = [folder / "sites.csv" for folder in dict.fromkeys(path.parent for path in named)]
    for path in named:
        if path.name == "daily.parquet":
            paths += [p for p in sorted(path.parent.iterdir()) if _is_table(p) and is_series(p)]
    return [Item(path, False) for path in paths if path.is_file() and path.resolve() not in there]


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(_TABLES) and path.is_file()


def _closed(folder: Path) -> bool:
    return not folder.name.startswith(".") and ((folder / "zarr.json").exists() or (folder / "workspace.yaml").exists())


def read(item: Item) -> Item:
    """Read what ``item`` holds into it; whatever goes wrong becomes its reason, so that other files go on."""
    if item.status == "failed" or item.reason:
        return item
    try:
        _read(item)
    except TamrlError as error:
        item.fail(str(error))
    except OSError as error:
        item.fail(f"the file cannot be read: {error.strerror or error}")
    except Exception as error:  # one strange file must not cost the user the others
        item.fail(f"the file cannot be understood: {type(error).__name__}: {error}")
    return item


def _read(item: Item) -> None:
    """Dispatch on the name, then on the content."""
    name = item.path.name.lower()
    if name.endswith((*_TABLES, ".zip")) and not item.path.is_dir():
        limits.check_file(item.path)
    if name.endswith(".parquet"):
        _read_table(item)
    elif name.endswith(".zip"):
        _read_zip(item)
    elif name == "sites.csv":
        _use_sites(item, *read_sites(item.path))
    elif name.endswith(_CSV):
        _read_text(item)
    else:
        reason = "it is no CSV, gz, zip or parquet file"
        item.status, item.reason = ("failed" if item.explicit else "skipped"), reason


def _read_table(item: Item) -> None:
    """Read a table folder by its daily file, and the monthly file beside it with it.

    Faults of the ``sites.csv`` beside it are not counted here: that file is an item of its own.
    """
    if item.path.name == "monthly.parquet" and item.path.with_name("daily.parquet").is_file() and not item.explicit:
        item.status, item.reason = "used", "read with daily.parquet"
        return
    if is_series(item.path):
        _use_series(item)
        return
    reading = read_tables(item.path)
    item.towers, item.notes, item.status = reading.towers, reading.notes, "ingested"
    if reading.failures:
        item.fail("; ".join(reading.failures))


def _use_sites(item: Item, known: dict[str, SiteInfo], faults: list[str]) -> None:
    item.sites, item.status, item.reason = known, "used", f"positions and classes of {len(known)} towers"
    if faults:
        item.fail("; ".join(faults))


def _use_series(item: Item) -> None:
    faults: list[str] = []
    item.series = read_series(item.path, item.notes, faults)
    names = sorted({n for rows in item.series.values() for n in rows.columns if not n.endswith(CLIMATOLOGY)})
    item.status, item.reason = "used", f"{', '.join(names)} of {len(item.series)} towers"
    if faults:
        item.fail("; ".join(faults))


def _read_text(item: Item) -> None:
    """Read a CSV: a daily file, a BIF table, satellite series, a table of sites, or a failure that says what it is."""
    known = fluxnet.classify(item.path.name)
    item.site = known.site
    if known.kind == "bif":
        _use_sites(item, *read_bif(item.path, item.path.name))
    elif known.kind in ("daily", "unknown"):
        if known.kind == "unknown" and is_series(item.path):
            _use_series(item)
            return
        if known.kind == "unknown" and _is_site_table(item.path):
            _use_sites(item, *read_sites(item.path))
            return
        if known.kind == "unknown" and not item.explicit and _describes_sites(item.path):
            item.reason = "it describes towers, without a position or a class, and has no fluxes"
            return
        item.towers, item.status = [fluxnet.read_csv(item.path)], "ingested"
    else:
        item.sibling = True
        item.fail(known.reason)


def _is_site_table(path: Path) -> bool:
    """Say whether a plain CSV has a site and a position column and no time."""
    columns = _header(path)
    return bool(columns & {"site", "site_id"}) and bool(columns & {"lat", "latitude", "location_lat", "igbp"})


def _describes_sites(path: Path) -> bool:
    """Say whether a plain CSV has a site column and no time, as a table of citations has."""
    columns = _header(path)
    return bool(columns & {"site", "site_id"}) and not columns & {"timestamp", "timestamp_start", "date", "time"}


def _header(path: Path) -> set[str]:
    """Return the columns of a plain CSV in small letters; of anything else none."""
    if path.suffix.lower() != ".csv":
        return set()
    with path.open("rb") as file:
        header = file.readline(_HEADER_BYTES).decode("utf-8-sig", errors="replace").lower()
    return {column.strip().strip('"') for column in header.split(",")}


def _read_zip(item: Item) -> None:
    """Read the daily files and the BIF table inside a published zip."""
    item.site = next(iter(fluxnet.SITE_ID.findall(item.path.name)), "")
    try:
        with zipfile.ZipFile(item.path) as archive:
            limits.check_members(archive, item.path.name)
            members = [name for name in sorted(archive.namelist()) if name.lower().endswith(_CSV)]
            kinds = {name: fluxnet.classify(name) for name in members if "__MACOSX" not in name}
            daily = [name for name, known in kinds.items() if known.kind == "daily"]
            if not daily:
                held = sorted({known.step or known.kind for known in kinds.values()})
                item.sibling = True
                item.fail(f"the zip holds no daily (DD) file, only {', '.join(held) or 'other files'}")
                return
            faults = _read_members(item, archive, kinds, daily)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        item.fail(f"the zip is cut off or damaged: {error}; download it again")
        return
    item.status = "ingested"
    if faults:
        item.fail("; ".join(faults))


def _read_members(item: Item, archive: zipfile.ZipFile, kinds: dict, daily: list[str]) -> list[str]:
    """Read the members of an open zip; a damaged one is returned as a fault and the others still count."""
    faults = []
    for name, known in kinds.items():
        label = f"{item.path.name}/{Path(name).name}"
        try:
            if name in daily:
                if name.lower().endswith(".gz"):
                    raise TamrlError("A gz inside a zip is not read", label, "Unpack the zip first")
                item.towers.append(fluxnet.read_member(archive, name, label))
            elif known.kind == "bif":
                with limits.open_member(archive, name, label, limits.MOST_ABOUT) as file:
                    found, wrong = read_bif(file, label)
                item.sites |= found
                faults += wrong
        except (TamrlError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            faults.append(str(error))
    return faults
