"""Finding out what a source is (a folder, a table folder, a CSV, a gz, a zip), and reading its content."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.archive import Tower
from tamrl.towers.readers import carbonfluxbench, fluxnet, layouts, limits, one_tower, parquet, tidy
from tamrl.towers.readers.bif import read_bif
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.readers.names import outdone
from tamrl.towers.readers.sites import SiteInfo, names_sites, places_sites, read_sites
from tamrl.towers.readers.tables import is_series, read_series, read_tables
from tamrl.towers.readers.text import header
from tamrl.towers.readers.zips import read_zip, without_tower
from tamrl.towers.satellite import CLIMATOLOGY

Status = Literal["ingested", "used", "skipped", "failed"]
_CSV = (".csv", ".csv.gz")
_TABLES = (*_CSV, ".parquet")


@dataclass(kw_only=True)
class Item:
    """One file (or folder) that ingest found, and its outcome.

    Attributes:
        path: the file.
        explicit: the user named it; otherwise it was found in a folder.
        status: ingested, used (site table, satellite series), skipped (nothing lost) or failed.
        reason: why it was skipped or failed, in words.
        site: tower in its name, empty where none.
        sibling: a failed file that belongs to a published set; nothing is lost when its tower has a daily file.
        towers: towers read from it.
        sites: positions and classes read from it.
        series: satellite variables by site, see ``tables.read_series``.
        notes: what the user should know.
        columns: the map that it is read by; None for files whose layout is known.
        guess: its columns, where a map is or could be followed.
        hint: how a failed table could be read by a map, for the command line.
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
    columns: ColumnMap | None = None
    guess: tidy.Guess | None = None
    hint: str = ""

    def fail(self, reason: str) -> "Item":
        """Mark as failed for ``reason`` and return it."""
        self.status, self.reason = "failed", reason
        return self


def find(source: str | Path) -> list[Item]:
    """List the files to consider for one source, in a fixed order; folders are searched recursively.

    A folder of parts of a parquet table is one item. Hidden files, Zarr stores and workspaces inside a folder are
    skipped.
    """
    path = Path(source).expanduser()
    try:
        what = limits.kind(path)
    except OSError as error:
        gone = error.errno == errno.ENOENT
        reason = "there is no such file or folder" if gone else f"it cannot be read: {error.strerror}"
        return [Item(path=path, explicit=True).fail(reason)]
    if what != "a folder":
        return (
            [Item(path=path, explicit=True).fail(f"it is {what}, neither a file nor a folder")]
            if what
            else [Item(path=path, explicit=True)]
        )
    if parquet.is_parts(path):
        return [Item(path=path, explicit=True)]
    items: list[Item] = []

    def unreadable(error: OSError) -> None:
        items.append(
            Item(path=Path(error.filename), explicit=False).fail(f"the folder cannot be read: {error.strerror}")
        )

    for folder, below, names in os.walk(path, onerror=unreadable):
        here = Path(folder)
        tables = [name for name in below if not name.startswith(".") and parquet.is_parts(here / name)]
        items += [Item(path=here / name, explicit=False) for name in tables]
        below[:] = [name for name in below if name not in tables]
        closed = [name for name in below if _closed(here / name)]
        items += [
            Item(path=here / name, explicit=False, reason="a Zarr store or a workspace, no tower files")
            for name in closed
        ]
        linked = [name for name in below if name not in closed and (here / name).is_symlink()]
        items += [
            Item(path=here / name, explicit=False, reason="a link to a folder, not followed: name the folder")
            for name in linked
        ]
        below[:] = sorted(name for name in below if name not in closed and not name.startswith((".", "__MACOSX")))
        items += [Item(path=here / name, explicit=False) for name in sorted(names) if not name.startswith(".")]
    if not items:
        items.append(Item(path=path, explicit=True).fail("the folder is empty"))
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
    return [Item(path=path, explicit=False) for path in paths if path.is_file() and path.resolve() not in there]


def pass_over(items: list[Item]) -> None:
    """Skip files of half-hours whose tower has a daily file among the items, see ``names.outdone``."""
    instead = outdone(item.path.name for item in items)
    for item in items:
        if not item.reason and item.path.name in instead:
            item.reason = f"its tower has {instead[item.path.name]}, which is read instead"


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(_TABLES) and path.is_file()


def _closed(folder: Path) -> bool:
    return not folder.name.startswith(".") and ((folder / "zarr.json").exists() or (folder / "workspace.yaml").exists())


def read(item: Item, maps: Sequence[ColumnMap] = ()) -> Item:
    """Read the content of ``item`` into it; a failure becomes its ``reason``, so that other files are still read.

    Args:
        item: as found.
        maps: of columns; a table of no known layout is read by the one that fits it best.
    """
    if item.status == "failed" or item.reason:
        return item
    item = _understand(item, maps)
    if item.columns is not None or item.status == "failed":
        try:
            _guess(item, maps)
        except Exception:  # a file that cannot even be guessed at has its reason already, or was read
            item.guess = None
    return item


def _guess(item: Item, maps: Sequence[ColumnMap]) -> None:
    """Look at the columns of a table; where it was refused for them, say how they can be named."""
    item.guess = tidy.offer(item.path)
    if item.guess is None:
        return
    if item.columns is not None:
        item.guess = replace(item.guess, columns=item.columns)
        return
    lacking = [", ".join(columns.lacking(item.guess.names)) for columns in maps]
    what = f"The column map does not fit: the table has no {lacking[0]}. " if lacking else ""
    item.hint = f"{what}To say which column is what, begin with: tamrl ingest {item.path.name} --show-columns"


def _understand(item: Item, maps: Sequence[ColumnMap]) -> Item:
    """Read an item by a map that fits it, or as what it is; what goes wrong becomes its reason."""
    try:
        item.columns = tidy.fitting(item.path, maps)
        if item.columns is not None:
            _read_tidy(item, item.columns)
        else:
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
    if carbonfluxbench.belongs(item.path):
        _read_benchmark(item)
    elif parquet.is_table(item.path):
        _read_table(item)
    elif name.endswith(".zip"):
        _read_zip(item)
    elif name == "sites.csv":
        _use_sites(item, *read_sites(item.path, item.notes))
    elif name.endswith(_CSV) or (name.endswith((".txt", ".tsv")) and layouts.scenarios(header(item.path))):
        _read_text(item)
    elif name.endswith(".xlsx") and fluxnet.classify(name := item.path.name).kind == "bif":
        _use_sites(item, *read_bif(item.path, name, item.notes))
    else:
        reason = "not a CSV, gz, zip or parquet file"
        if name.endswith(".xlsx"):
            reason = "it is an Excel workbook, whose first sheet is read by a map of its columns alone"
        elif name.endswith(".xls"):
            reason = "it is an old Excel workbook; save its sheet as CSV or xlsx to have it read"
        item.status, item.reason = ("failed" if item.explicit else "skipped"), reason


def _read_tidy(item: Item, columns: ColumnMap) -> None:
    """Read a table by a map of its columns."""
    reading = tidy.read_tidy(item.path, columns)
    item.towers, item.notes, item.status = reading.towers, reading.notes, "ingested"
    if reading.failures:
        item.fail("; ".join(reading.failures))


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


def _read_benchmark(item: Item) -> None:
    """Read CarbonFluxBench by its file of fluxes, and the files beside it with it."""
    name = carbonfluxbench.TARGETS
    if item.path.name != name:
        item.status, item.reason = "used", f"read with {name}"
        if item.explicit:
            item.fail(f"it belongs to {name} beside it: give that file, or their folder")
        return
    reading = carbonfluxbench.read_benchmark(item.path)
    item.towers, item.notes, item.status = reading.towers, reading.notes, "ingested"
    if reading.failures:
        item.fail("; ".join(reading.failures))


def _use_sites(item: Item, known: dict[str, SiteInfo], faults: list[str]) -> None:
    item.sites, item.status, item.reason = known, "used", f"positions and classes of {len(known)} towers"
    if faults:
        item.fail("; ".join(faults))


def _use_series(item: Item) -> None:
    failures: list[str] = []
    item.series = read_series(item.path, item.notes, failures)
    names = sorted({n for rows in item.series.values() for n in rows.columns if not n.endswith(CLIMATOLOGY)})
    item.status, item.reason = "used", f"{', '.join(names)} of {len(item.series)} towers"
    if failures:
        item.fail("; ".join(failures))


def _read_text(item: Item) -> None:
    """Read a CSV: days or half-hours, a BIF table, satellite series or a table of sites; else say what it is."""
    known = fluxnet.classify(item.path.name)
    item.site = known.site
    if known.kind == "bif":
        _use_sites(item, *read_bif(item.path, item.path.name, item.notes))
    elif known.kind in ("daily", "subdaily", "base", "unknown"):
        if known.kind == "unknown" and is_series(item.path):
            _use_series(item)
            return
        columns = header(item.path) if known.kind == "unknown" else []
        if names_sites(columns) and places_sites(columns) and "TIMESTAMP" not in columns:
            _use_sites(item, *read_sites(item.path, item.notes))
            return
        if known.kind == "unknown" and not item.explicit and _describes_sites(item.path):
            item.reason = "it describes towers, without a position or a class, and has no fluxes"
            return
        item.sibling = known.kind == "base"
        item.towers, item.status = [one_tower.read_csv(item.path)], "ingested"
    else:
        item.sibling = True
        item.fail(known.reason)


def _describes_sites(path: Path) -> bool:
    """Return whether a plain CSV has a site column and no time, as a table of citations has."""
    columns = header(path)
    timed = {column.lower() for column in columns} & {"timestamp", "timestamp_start", "date", "time"}
    return names_sites(columns) and not timed


def _read_zip(item: Item) -> None:
    """Read the daily files and the BIF table inside a published zip, and in zips inside it."""
    item.site = fluxnet.classify(item.path.name).site
    found = read_zip(item.path)
    item.towers, item.sites, item.notes, item.status = found.towers, found.sites, found.notes, "ingested"
    if found.faults:
        item.fail("; ".join(found.faults))
    elif not found.towers:
        item.sibling = True
        item.fail(without_tower(found))
