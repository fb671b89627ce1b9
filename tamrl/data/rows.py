"""Rows of a delimited table that hold as many fields as its header: the others are set aside, and counted.

A parser that reads some of the columns passes over a field too many and fills up a row too short, so that values could
stand in the wrong column without a word.
"""

import csv
import io
from typing import IO

from tamrl.errors import TamrlError


class WholeRows(io.RawIOBase):
    """The rows of a table with as many fields as the header; empty fields after the last column are cut off.

    Attributes:
        rows: rows read, without the header and empty lines.
        ragged: how many of them have another number of fields.
        first: the number of the line with the first of them and its fields in words, for messages; empty where none is.
        ends_short: the last row has too few fields, as where a file was cut off.
    """

    def __init__(self, file: IO[bytes], sep: str, label: str) -> None:
        """Read from ``file``, open at its header; ``sep`` stands between the fields, ``label`` names it in messages."""
        self._file, self._sep, self._byte, self._label = file, sep, sep.encode(), label
        self._line, self._left = 0, b""
        self._width: int | None = None
        self.rows, self.ragged, self.first, self.ends_short = 0, 0, "", False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with whole rows; return the number of bytes, 0 at the end.

        Raises:
            TamrlError: a quotation mark is left open, so that the rest of the file may be one field.
        """
        while not self._left:
            line = self._file.readline()
            if not line:
                return 0
            self._line += 1
            self._left = self._checked(line)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def said(self) -> str:
        """Return in words what was set aside; empty where nothing was."""
        if not self.ragged:
            return ""
        return f"{self.ragged} of {self.rows} rows with too many or too few fields set aside ({self.first})"

    def _checked(self, line: bytes) -> bytes:
        """Return a line, without what is empty after its last field; nothing where its number of fields is wrong."""
        body = line.rstrip(b"\r\n")
        if not body.strip():
            return line
        found = self._fields(body)
        if self._width is None:
            self._width = found
            return line
        self.rows += 1
        while found > self._width and body.rstrip(b" ").endswith(self._byte):
            body, found = body.rstrip(b" ")[:-1], found - 1
        self.ends_short = found < self._width
        if found == self._width:
            return body + b"\n"
        self.ragged += 1
        self.first = self.first or f"line {self._line} has {found} fields, the header {self._width}"
        return b""

    def _fields(self, body: bytes) -> int:
        if b'"' not in body:
            return body.count(self._byte) + 1
        if body.count(b'"') % 2:
            what = f"A quotation mark is left open in line {self._line}"
            raise TamrlError(what, self._label, "Mend the line, or download the file again")
        text = body.decode("utf-8", errors="replace")
        return len(next(csv.reader([text], delimiter=self._sep, skipinitialspace=True)))
