"""What kind of file is read and how large it may be: one place for all limits, checked while reading.

A few kilobytes of gz or zip may unpack to gigabytes, a pipe never ends, a line may be longer than the memory: none of
this may stop the machine or the server. The limits lie far above what towers need: the longest daily file published has
about 100 MB and 10,000 rows.
"""

import gzip
import io
import os
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tamrl.errors import TamrlError

MIB = 1 << 20
#: Largest text of one table of values and of one table that describes towers, unpacked; longest line; bytes.
MOST_TEXT, MOST_ABOUT, LONGEST_LINE = 400 * MIB, 48 * MIB, 8 * MIB
#: Largest text of one file of half-hours, unpacked, bytes, and its most rows: 57 years, or 20 years of all columns.
MOST_STEP_TEXT, MOST_STEP_ROWS = 2048 * MIB, 1_000_000
#: Most rows of one daily file; most values and bytes of one parquet file that are read at once; most files in a zip;
#: zips in each other, and the largest that lies in another.
MOST_ROWS, MOST_CELLS, MOST_BYTES, MOST_MEMBERS = 200_000, 60_000_000, 1024 * MIB, 20_000
MOST_ZIPS, MOST_INNER = 3, 4096 * MIB
_BLOCK = 1 << 16
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# First bytes -> what the file is instead of text, and what to do.
_NO_TEXT = (
    (b"\xff\xfe", "It is UTF-16 text", "Save it as UTF-8"),
    (b"\xfe\xff", "It is UTF-16 text", "Save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "It is UTF-32 text", "Save it as UTF-8"),
    (b"PK\x03\x04", "It is a zip archive or a spreadsheet", "Name it .zip, or save the sheet as CSV"),
    (b"\x1f\x8b", "It is a gz file", "Name it .csv.gz"),
    (b"PAR1", "It is a parquet file", "Name it .parquet"),
    (b"%PDF", "It is a PDF", "Give the CSV file"),
    (b"\x89HDF", "It is a NetCDF or HDF5 file", "Give the CSV file"),
)


def kind(path: Path) -> str:
    """Return in words what a path is where it is not a plain file; empty for a plain file.

    Raises:
        OSError: it does not exist, or may not be accessed.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISREG(mode):
        return ""
    return next((words for test, words in _KINDS if test(mode)), "a special file")


def check_file(path: Path) -> None:
    """Make sure that reading a file will end.

    Raises:
        TamrlError: it is a pipe, a socket, a device or a folder, or cannot be accessed.
    """
    try:
        found = kind(path)
    except OSError as error:
        raise TamrlError(f"The file cannot be read: {error.strerror}", path.name, "Check its name") from error
    if found:
        raise TamrlError(f"This is {found}, not a file", str(path), "Give a plain file")


def open_text(path: Path, limit: int | None = None) -> IO[bytes]:
    """Open a CSV file, plain or gz, whose size and lines are checked while it is read.

    Args:
        path: the file; ``.gz`` is unpacked.
        limit: most bytes, unpacked; ``MOST_TEXT`` where None.

    Raises:
        TamrlError: it is not a plain file, or not text; while reading: it is too large or a line is too long.
        OSError, EOFError, zlib.error: it cannot be read.
    """
    limit = MOST_TEXT if limit is None else limit
    check_file(path)
    packed = path.suffix.lower() == ".gz"
    if not packed and path.stat().st_size > limit:
        raise _too_large(path.name, limit)
    return bounded(gzip.open(path) if packed else path.open("rb"), path.name, limit)


def open_member(archive: zipfile.ZipFile, member: str, label: str, limit: int | None = None) -> IO[bytes]:
    """Open a text file inside an open zip, plain or gz, as ``open_text`` does.

    Raises:
        TamrlError: as there; the size is checked against what the zip declares, and again while reading.
    """
    limit = MOST_TEXT if limit is None else limit
    if archive.getinfo(member).file_size > limit:
        raise _too_large(label, limit)
    file = archive.open(member)
    return bounded(gzip.open(file) if member.lower().endswith(".gz") else file, label, limit)


def check_members(archive: zipfile.ZipFile, label: str) -> None:
    """Refuse a zip of too many files.

    Raises:
        TamrlError: it holds more than ``MOST_MEMBERS``.
    """
    if len(archive.filelist) > MOST_MEMBERS:
        what = f"The zip holds {len(archive.filelist):,} files, more than {MOST_MEMBERS:,}"
        raise TamrlError(what, label, "Unpack it and give the folder")


def bounded(file: IO[bytes] | gzip.GzipFile, label: str, limit: int) -> IO[bytes]:
    """Return a binary file that raises once more than ``limit`` bytes were read from it or a line is too long.

    Raises:
        TamrlError: its first bytes are not those of text; while reading: see ``Bounded.readinto``.
    """
    reader = io.BufferedReader(Bounded(file, label, limit), _BLOCK)
    try:
        first = reader.peek(8)[:8]
        for start, what, todo in _NO_TEXT:
            if first.startswith(start):
                raise TamrlError(what, label, todo)
    except BaseException:
        reader.close()
        raise
    return reader


def contents(file: IO[bytes], label: str) -> bytes:
    """Return all that an open binary file of the size of a table of towers holds.

    Raises:
        TamrlError: that is more than ``MOST_ABOUT`` bytes.
    """
    return Bounded(file, label, MOST_ABOUT, longest=MOST_ABOUT).readall()


class Bounded(io.RawIOBase):
    """A binary file that counts the bytes read from it: in all, and since the last line feed.

    Args:
        file: open for reading, from its beginning.
        label: name for messages.
        limit: most bytes.
        longest: most bytes of a line, ``LONGEST_LINE`` where None; equal to ``limit`` for data without lines.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile, label: str, limit: int, longest: int | None = None) -> None:
        self._file, self._label, self._limit = file, label, limit
        self._longest = LONGEST_LINE if longest is None else longest
        self._total = self._line = 0

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer that can be cut
        """Fill the buffer.

        Raises:
            TamrlError: the file holds more than the limit, or a line is too long.
        """
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._total += len(data)
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = self._line + len(data) if last < 0 else len(data) - last - 1
        if self._total > self._limit:
            raise _too_large(self._label, self._limit)
        if self._line > self._longest:
            what = f"The file has a line of more than {self._longest // MIB} MB"
            raise TamrlError(what, self._label, "Give a table with one row a line")
        return len(data)

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._file.close()
        super().close()


def _too_large(label: str, limit: int) -> TamrlError:
    what = f"The file holds more than {limit // MIB} MB of text"
    return TamrlError(what, label, "Give one file a tower, or the table layout as parquet")


def check_rows(count: int, label: str, most: int | None = None) -> None:
    """Refuse a file of one tower with more rows than there are days, or half-hours.

    Raises:
        TamrlError: there are more than ``most``, ``MOST_ROWS`` where None.
    """
    most = MOST_ROWS if most is None else most
    if count > most:
        raise TamrlError(f"The file has more than {most:,} rows", label, "Give a file of one tower")


def check_parquet(path: Path, columns: Sequence[str]) -> None:
    """Refuse a parquet file whose needed columns do not fit into memory, by the sizes in its footer.

    Args:
        path: the file, or the folder of the parts of a table.
        columns: that will be read.

    Raises:
        TamrlError: they are too large together, or it is not a plain file.
        OSError, ValueError: it is not a parquet file.
    """
    import pyarrow.parquet as pq

    size = count = 0
    for part in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
        check_file(part)
        about = pq.read_metadata(part)
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        for column in (group.column(i) for group in groups for i in range(group.num_columns)):
            if column.path_in_schema.split(".")[0] in columns:
                size += column.total_uncompressed_size
                count += column.num_values
    if size > MOST_BYTES or count > MOST_CELLS:
        what = f"The table holds {count:,} values of the wanted columns ({size / MIB:,.0f} MB), too many for the memory"
        raise TamrlError(what, str(path), "Give it in parts of fewer towers, one file each")
