"""Cells of a tidy table as written: text with any separator, the first sheet of a workbook, or Parquet."""

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers import limits, parquet
from tamrl.towers.readers.column_times import part
from tamrl.towers.readers.ragged import WholeRows
from tamrl.towers.readers.sites import plain
from tamrl.towers.readers.text import check_whole, decode
from tamrl.towers.readers.workbook import read_sheet

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".dat", ".xlsx", ".parquet", ".parq", ".pq")
_HEADER_BYTES, _COMMENTS = 1_000_000, 50
_SEPARATORS = ",;\t|"
#: Days of 1950 to 2100 as spreadsheets count them, and the days that they count from.
_SERIALS, _FROM_1900, _FROM_1904 = (18_264.0, 73_415.0), "1899-12-30", "1904-01-01"
_DECIMAL_COMMA = re.compile(r"\s*([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)\s*")
_TODO = "Give one row of names, and below it one row a time"


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A table as written.

    Attributes:
        table: cells, text or as Parquet types them.
        columns: all of the file, in its order.
        units: column -> text in the row of units below the names, empty where there is no such row.
        notes: rows that were left out.
    """

    table: pd.DataFrame
    columns: list[str]
    units: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def is_tidy_file(path: Path) -> bool:
    """Return whether a file is one that tables come in, by its name."""
    return path.name.lower().endswith(SUFFIXES) or parquet.is_table(path)


def read_columns(path: Path) -> list[str]:
    """Return the names of the columns of a table.

    Raises:
        TamrlError: as ``read_cells``.
    """
    return list(parquet.columns(path)) if parquet.is_table(path) else read_cells(path, rows=1).columns


def read_cells(path: Path, wanted: Sequence[str] | None = None, rows: int | None = None) -> Cells:
    """Read cells of a table.

    Args:
        path: the file.
        wanted: columns to read, all where None; all must be there.
        rows: most rows to read, all where None.

    Raises:
        TamrlError: it cannot be read, is too large, two columns have one name, or more than 5 % of its rows have
            another number of cells than there are columns.
    """
    if parquet.is_table(path):
        names = list(parquet.columns(path))
        table = parquet.read(path, [], {name: name for name in wanted or names})
        return Cells(table=table if rows is None else table.head(rows), columns=names)
    if path.name.lower().endswith(".xlsx"):
        return _of_workbook(path, wanted, rows)
    try:
        return _of_text(path, wanted, rows)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise TamrlError(f"The table cannot be read: {error}", path.name, _TODO) from error


def _of_text(path: Path, wanted: Sequence[str] | None, rows: int | None) -> Cells:
    skip, line, raw_line = 0, "", b""
    with limits.open_text(path) as file:
        while not line and skip < _COMMENTS:
            raw_line = file.readline(_HEADER_BYTES)
            line = decode(raw_line, "", []).strip("\r\n")
            line = "" if line.startswith("#") or not line.strip() else line
            skip += not line
            if not raw_line:
                break
    sep = max(_SEPARATORS, key=line.count)
    spaced = not line.count(sep)
    names = line.split() if spaced else line.split(sep)
    columns = _unique([name.strip().strip('"').strip() for name in names], path.name)
    with limits.open_text(path) as file:
        for _ in range(skip):
            file.readline()
        source: IO[bytes] = io.BytesIO(_with_tabs(file)) if spaced else file
        with WholeRows(source, "\t" if spaced else sep, cut=False) as whole:
            table = pd.read_csv(
                whole,
                sep="\t" if spaced else sep,
                header=0,
                names=columns,
                index_col=False,
                usecols=list(wanted) if wanted is not None else None,
                nrows=rows,
                dtype=str,
                skipinitialspace=True,
                encoding="utf-8-sig" if _is_utf8(raw_line) else "cp1252",
                encoding_errors="replace",
            )
    notes: list[str] = []
    check_whole(whole, len(table), path.name, notes)
    table, units = _without_units(table)
    if not spaced and sep == ";":
        table = table.apply(lambda cells: cells.str.replace(_DECIMAL_COMMA, r"\1.\2", regex=True))
    return Cells(table=table, columns=columns, units=units, notes=notes)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _with_tabs(file: IO[bytes]) -> bytes:
    """Return a text whose columns are separated by spaces with a tab between them."""
    return b"\n".join(re.sub(rb"[ \t]+", b"\t", line.strip()) for line in file) + b"\n"


def _unique(names: list[str], label: str) -> list[str]:
    """Return the names of columns; empty ones at the end, which spreadsheets write, are dropped.

    Raises:
        TamrlError: there is none, one is empty, or two are the same.
    """
    while names and not names[-1]:
        names = names[:-1]
    if len(names) < 2:
        raise TamrlError("The file is not a table: its first row has fewer than two names", label, _TODO)
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise TamrlError(f"Two columns have the name {twice[0]!r}", label, "Rename one of them")
    return names


def _without_units(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Cut off a row of units below the names: one without any number, above rows that have some."""
    if len(table) < 2:
        return table, {}
    first = table.iloc[0].fillna("").astype(str).str.strip()
    numbers = pd.to_numeric(first, errors="coerce").notna() | first.str.fullmatch(r".*\d{2}.*")
    below = pd.to_numeric(table.iloc[1], errors="coerce").notna()
    if numbers.any() or not first.ne("").any() or not below.any():
        return table, {}
    return table.iloc[1:].reset_index(drop=True), {str(name): text for name, text in first.items() if text}


def _of_workbook(path: Path, wanted: Sequence[str] | None, rows: int | None) -> Cells:
    limits.check_file(path)
    sheet = read_sheet(path, path.name)
    columns = _unique([str(name).strip() for name in sheet.columns], path.name)
    sheet = sheet.iloc[:, : len(columns)].set_axis(columns, axis=1).replace("", None)
    table, units = _without_units(sheet)
    origin = _FROM_1904 if _counts_from_1904(path) else _FROM_1900
    dated = {c: _days(table[c], origin) for c in columns if part(c) in ("date", "time") or _says_time(c)}
    table = table.assign(**dated)
    table = table if wanted is None else table[list(wanted)]
    return Cells(table=table if rows is None else table.head(rows), columns=columns, units=units)


def _says_time(column: str) -> bool:
    return any(word in plain(column) for word in ("date", "time", "day"))


def _counts_from_1904(path: Path) -> bool:
    with zipfile.ZipFile(path) as book:
        if "xl/workbook.xml" not in book.namelist():
            return False
        with book.open("xl/workbook.xml") as file:
            return bool(re.search(rb'date1904="(1|true)"', file.read(limits.MIB)))


def _days(cells: pd.Series, origin: str) -> pd.Series:
    """Return the day numbers of a spreadsheet as text of times; other cells as they are."""
    numbers = pd.to_numeric(cells, errors="coerce")
    known = cells.notna()
    if not known.any() or not numbers[known].between(*_SERIALS).all():
        return cells
    times = pd.Timestamp(origin) + pd.to_timedelta((numbers * 24 * 60).round(), unit="min")
    whole = bool((numbers[known] == numbers[known].round()).all())
    return times.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M").where(known)
