"""Reading of packed files with a limit, so that a small download cannot fill the memory or the disk."""

import io
from typing import IO, Any

from tamrl.errors import TamrlError

#: Largest daily CSV or table of sites, unpacked, bytes; FULLSET daily files of thirty years have about 40 MB.
LARGEST = 120_000_000


class Bounded(io.RawIOBase):
    """A binary file that refuses to give more than a number of bytes.

    Args:
        file: open for reading, from its beginning.
        label: name for the message.
        limit: bytes.
    """

    def __init__(self, file: IO[bytes], label: str, limit: int = LARGEST) -> None:
        self._file, self._label, self._limit, self._read = file, label, limit, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into ``buffer``.

        Raises:
            TamrlError: there is more than the limit.
        """
        data = self._file.read(len(buffer))
        self._read += len(data)
        if self._read > self._limit:
            what = f"Unpacked, the file has more than {self._limit / 1e6:.0f} MB, the limit for it"
            raise TamrlError(what, self._label, "Check the file; if it is right, split it")
        buffer[: len(data)] = data
        return len(data)


def contents(file: IO[bytes], label: str, limit: int = LARGEST) -> bytes:
    """Return all that ``file`` holds.

    Raises:
        TamrlError: that is more than ``limit`` bytes.
    """
    return Bounded(file, label, limit).readall()
