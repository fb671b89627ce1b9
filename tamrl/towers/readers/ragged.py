"""Rows of delimited text with more or fewer fields than the header: found, counted and kept from the parser.

The parser pads short rows and cuts long ones, or takes a column of them for an index: values would silently end up in
the wrong columns.
"""

import csv
import io
from collections.abc import Iterator
from typing import IO

#: Lines that one row may go over; a quotation mark that is still open then was left open.
LINES = 100
#: Consecutive empty lines that a table may have; a file with more is not a table.
BLANKS = 1_000_000


class WholeRows(io.RawIOBase):
    """A delimited text file without the rows whose number of fields is not that of its header.

    Empty fields beyond the last column do not count: spreadsheets write them.

    Args:
        file: open binary file, from its beginning.
        sep: what separates the fields.
        cut: keep the last row even where it is short: a truncated file ends in one, which the reader must see.

    Attributes:
        count: rows left out so far.
        first: the first of them, in words; empty where there is none.
    """

    def __init__(self, file: IO[bytes], sep: str, cut: bool = True) -> None:
        self._file, self._sep, self._cut = file, sep, cut
        self._rows = self._whole()
        self._rest = b""
        self.count, self.first = 0, ""

    @property
    def reason(self) -> str:
        """Return what is wrong with the omitted rows, to follow their number."""
        return f"have another number of fields than the header (the first: {self.first})"

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer that can be cut
        """Fill the buffer with whole rows.

        Raises:
            TamrlError: what the file raises.
            ValueError: a quotation mark is left open, or very many lines are empty.
        """
        while len(self._rest) < len(buffer):
            row = next(self._rows, None)
            if row is None:
                break
            self._rest += row
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._file.close()
        super().close()

    def _whole(self) -> Iterator[bytes]:
        """Go through the rows, header included."""
        header = self._file.readline()
        yield header
        columns = self._fields(header)
        short: tuple[int, int, bytes] | None = None
        blanks = 0
        for number, line in self._joined():
            blanks = 0 if line.strip() else blanks + 1
            if blanks > BLANKS:
                raise ValueError(f"more than {BLANKS:,} lines before line {number} are empty")
            if blanks:
                yield line
                continue
            if short:
                self._leave_out(*short[:2], columns)
                short = None
            fields = self._fields(line)
            if fields > columns:
                line, fields = self._trimmed(line, columns, fields)
            if fields == columns:
                yield line
            elif fields > columns:
                self._leave_out(number, fields, columns)
            else:
                short = (number, fields, line)
        if short and self._cut:
            yield short[2]
        elif short:
            self._leave_out(*short[:2], columns)

    def _joined(self) -> Iterator[tuple[int, bytes]]:
        """Go through the rows with the number of their first line; a text in quotes may go over several lines.

        Raises:
            ValueError: a quotation mark is left open, so that the rest of the file would be one text.
        """
        held, begun = b"", 0
        for number, line in enumerate(self._file, start=2):
            begun = begun if held else number
            held += line
            if not self._open(held):
                yield begun, held
                held = b""
            elif number - begun >= LINES:
                break
        if held:
            raise ValueError(f"a quotation mark is left open in line {begun}")

    def _open(self, row: bytes) -> bool:
        """Return whether a text in quotes does not end in this row; a mark inside of a plain text is a letter."""
        if row.count(b'"') % 2 == 0:
            return False
        try:
            list(csv.reader(self._text(row), delimiter=self._sep, skipinitialspace=True, strict=True))
        except csv.Error as error:
            return "unexpected end" in str(error)
        return False

    @staticmethod
    def _text(row: bytes) -> io.StringIO:
        return io.StringIO(row.decode("utf-8", errors="replace").rstrip("\r\n"), newline="")

    def _fields(self, line: bytes) -> int:
        if b'"' not in line:
            return line.count(self._sep.encode()) + 1
        return len(next(csv.reader(self._text(line), delimiter=self._sep, skipinitialspace=True), []))

    def _trimmed(self, line: bytes, columns: int, fields: int) -> tuple[bytes, int]:
        """Return a row without empty fields beyond the last column, and the number of its fields then."""
        text = line.rstrip(b"\r\n")
        while fields > columns and (bare := text.rstrip(b" ")).endswith(self._sep.encode()):
            text, fields = bare[:-1], fields - 1
        return text + b"\n", fields

    def _leave_out(self, number: int, fields: int, columns: int) -> None:
        self.count += 1
        self.first = self.first or f"line {number} has {fields} fields, the header has {columns}"
