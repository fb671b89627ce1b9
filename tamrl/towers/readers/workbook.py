"""The first sheet of an Excel workbook (xlsx) as text: FLUXNET2015 and AmeriFlux publish their BIF tables so.

Read from the XML inside (ECMA-376, SpreadsheetML), since a table of text needs no more.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers.limits import MOST_ABOUT, Bounded, contents

_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")


def read_sheet(file: str | Path | IO[bytes], label: str) -> pd.DataFrame:
    """Read the first sheet, every cell as text, its first row as the names of the columns.

    Args:
        file: path or open binary file.
        label: name for messages.

    Raises:
        TamrlError: it is damaged, not a workbook, too large, or has no rows.
    """
    source = file if isinstance(file, (str, Path)) else io.BytesIO(contents(file, label))
    try:
        with zipfile.ZipFile(source) as book:
            found = sorted((int(m.group(1)), m.group()) for n in book.namelist() if (m := _SHEET.fullmatch(n)))
            sheets = [name for _, name in found]
            if not sheets:
                raise TamrlError("The workbook has no sheet", label, "Save the table as CSV")
            shared = _shared(book, label)
            with book.open(sheets[0]) as sheet:
                rows = list(_rows(Bounded(sheet, label, MOST_ABOUT, MOST_ABOUT), shared))
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, OSError, ValueError, IndexError) as error:
        raise TamrlError(f"The workbook cannot be read: {error}", label, "Save the table as CSV") from error
    if not rows:
        raise TamrlError("The first sheet of the workbook is empty", label, "Save the table as CSV")
    width = max(map(len, rows))
    table = pd.DataFrame([row + [""] * (width - len(row)) for row in rows[1:]], dtype=str)
    table.columns = rows[0] + [""] * (width - len(rows[0])) if len(rows) > 1 else table.columns
    return table


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element) -> str:
    """Return the text of a cell or shared string; parts in different fonts are joined, readings aids left out."""
    parts = [e for e in element if _local(e) in ("t", "r")]
    return "".join(t.text or "" for part in parts for t in part.iter() if _local(t) == "t")


def _shared(book: zipfile.ZipFile, label: str) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    out = []
    with book.open("xl/sharedStrings.xml") as file:
        for _, element in ElementTree.iterparse(Bounded(file, label, MOST_ABOUT, MOST_ABOUT)):
            if _local(element) == "si":
                out.append(_text(element))
                element.clear()
    return out


def _rows(file: Bounded, shared: list[str]) -> Iterator[list[str]]:
    """Yield the rows of a sheet; cells that are not written are empty."""
    for _, element in ElementTree.iterparse(file):
        if _local(element) != "row":
            continue
        cells: list[str] = []
        for cell in element:
            letters = re.match(r"[A-Z]{1,3}", cell.get("r", ""))
            at = _column(letters.group()) if letters else len(cells)
            cells += [""] * (at - len(cells) + 1)
            cells[at] = _cell(cell, shared)
        element.clear()
        yield cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _cell(cell: ElementTree.Element, shared: list[str]) -> str:
    inside = {_local(e): e for e in cell}
    if "is" in inside:
        return _text(inside["is"])
    value = (inside["v"].text or "") if "v" in inside else ""
    return shared[int(value)] if cell.get("t") == "s" and value else value
