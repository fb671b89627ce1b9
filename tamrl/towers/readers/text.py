"""Small text tables: detecting their encoding and column separator."""

import csv
import io
from pathlib import Path
from typing import IO

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers.limits import check_file, contents
from tamrl.towers.readers.ragged import WholeRows

#: A table, or a tower, fails when more than this fraction of its rows is rejected.
REJECTED_SHARE = 0.05
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_HEADER_BYTES = 1_000_000


def decode(raw: bytes, label: str, notes: list[str]) -> str:
    """Return text of unknown encoding: UTF-8, UTF-16 with its mark, else Windows-1252, which is noted."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        notes.append(f"{label} is not in UTF-8; its text is read as Windows-1252")
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def separator(header: str) -> str:
    """Return the separator of a header line: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)


def read_table(file: str | Path | IO[bytes], label: str, notes: list[str]) -> pd.DataFrame:
    """Read a small table, every cell as text.

    Args:
        file: path or open binary file.
        label: name for messages.
        notes: an encoding that is not UTF-8 is added, and rows with more or fewer fields than the header, left out.

    Raises:
        TamrlError: it cannot be read, is larger than any table of towers, or more than 5 % of its rows have more or
            fewer fields than the header.
    """
    try:
        if isinstance(file, (str, Path)):
            check_file(Path(file))
            with Path(file).open("rb") as opened:
                raw = contents(opened, label)
        else:
            raw = contents(file, label)
        text = decode(raw, label, notes).replace("\0", "")
        sep = separator(text.split("\n", 1)[0])
        raw = text.encode()  # a StringIO would take four times the memory
        del text
        # NA would be a missing value to pandas, and so would be Namibia's first letters.
        whole = WholeRows(io.BytesIO(raw), sep, cut=False)
        how = {"dtype": str, "keep_default_na": False, "skipinitialspace": True, "index_col": False}
        table = pd.read_csv(whole, sep=sep, **how)
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise TamrlError(f"The table cannot be read: {error}", label, "Check the file") from error
    check_whole(whole, len(table), label, notes)
    return table


def check_whole(whole: WholeRows, rows: int, label: str, notes: list[str]) -> None:
    """Note ragged rows of a table.

    Args:
        whole: what left them out.
        rows: that are left.
        label: name for messages.
        notes: what was left out is added.

    Raises:
        TamrlError: more than 5 % of the rows are ragged.
    """
    if whole.count > REJECTED_SHARE * (rows + whole.count):
        what = f"{whole.count} of {rows + whole.count} rows {whole.reason}"
        raise TamrlError(what, label, "Check its separators; write a text that holds one in quotes")
    if whole.count:
        notes.append(f"{label}: {whole.count} rows rejected, which {whole.reason}")


def header(path: Path) -> list[str]:
    """Return the columns of a plain CSV file; of anything else none."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return []
    with path.open("rb") as file:
        line = decode(file.readline(_HEADER_BYTES), "", []).strip()
    return [column.strip().strip('"').strip() for column in line.split(separator(line))]
