"""Downloads that resume after an interruption, are verified, and are put in place whole or not at all.

The downloaded part is kept beside the file in a hidden folder, ``.fetch``, as ``NAME.part`` with a note of its origin;
the next try, or the next run, asks the server for the rest alone (HTTP Range). pooch compares hashes and moves the file
to its place. The transfer is ours: that of pooch starts at the first byte each time and ignores ``Retry-After``.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests

import tamrl
from tamrl.errors import TamrlError
from tamrl.system.patience import LATER, AgainError, Patience, UnreachableError, passing, patiently
from tamrl.system.storage import locked

FOLDER = ".fetch"
_CHUNK = 1 << 16
_COUNT = "[0-9]{1,18}"
_NOWHERE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file to download, and what is known of it beforehand.

    Attributes:
        url: http or https.
        sha256: in hexadecimal; None where it is not known.
        size: in bytes; None where it is not known.
        check: returns what is wrong with the file, in words, or an empty text.
        most_bytes: a larger file is refused.
    """

    url: str
    sha256: str | None = None
    size: int | None = None
    check: Callable[[Path], str] | None = None
    most_bytes: int | None = None

    @property
    def host(self) -> str:
        """The server's name, with its port where that is a special one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def matches(self, path: Path) -> bool:
        """Return whether a file on disk is this one, as far as that is known."""
        if self.size is not None and path.stat().st_size != self.size:
            return False
        if self.sha256 is not None and pooch.file_hash(str(path)) != self.sha256:
            return False
        return not (self.check and self.check(path))


def fetch(
    remote: Remote,
    path: Path,
    *,
    patience: Patience | None = None,
    on_bytes: Callable[[int, int | None], None] | None = None,
) -> Path:
    """Download a file to ``path``, unless it is there already.

    Args:
        remote: the file.
        path: where it goes; a file there that is not the remote one, as far as that is known, is replaced.
        patience: how long to wait.
        on_bytes: called with the bytes downloaded so far and those of the whole file, None where not known.

    Returns:
        ``path``.

    Raises:
        UnreachableError: the server cannot be reached: offline, a wrong name, nothing listens.
        TamrlError: the server refuses, the file is not the published one, the disk is too small, or the folder cannot
            be written.
    """
    work = path.parent / FOLDER
    with locked(path.parent / FOLDER.lstrip("."), wait_s=1.0):
        transfer = _Transfer(remote, work / f"{path.name}.part", patience or Patience(), on_bytes)
        if not (path.is_file() and remote.matches(path)):
            work.mkdir(exist_ok=True)
            # What else lies there is pooch's, of a process that was killed.
            _drop(file for file in work.iterdir() if file.suffix not in (".part", ".note"))
            with _quiet():
                _retrieve(remote, work / path.name, transfer)
            os.replace(work / path.name, path)
        transfer.forget()
        if work.is_dir() and not any(work.iterdir()):
            work.rmdir()
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pooch from telling on the terminal what the caller tells in its own words."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _drop(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _retrieve(remote: Remote, path: Path, transfer: "_Transfer") -> None:
    known = remote.sha256 and f"sha256:{remote.sha256}"
    try:
        pooch.retrieve(remote.url, known, fname=path.name, path=path.parent, downloader=transfer)
    except ValueError as error:
        if not transfer.whole:
            raise
        transfer.forget()  # pooch's word for another hash
        raise transfer.wrong("its hash does not match") from error


class _Transfer:
    """Bytes from a server to a part on disk; called by pooch with the address and the file to fill."""

    def __init__(
        self, remote: Remote, part: Path, patience: Patience, on_bytes: Callable[[int, int | None], None] | None
    ) -> None:
        self.remote, self.part, self.patience, self.on_bytes = remote, part, patience, on_bytes
        self.note = part.with_suffix(".note")
        self.name = part.name.removesuffix(".part")
        self.where = f"{self.name} from {remote.host}"
        self.reached, self.whole = 0, False
        self.session = requests.Session()  # keeps cookies from one redirect to the next, as ICOS's licence page needs
        self.session.headers["User-Agent"] = f"tamrl/{tamrl.__version__}"

    def __call__(self, fname: str, action: Any, pooch: Any, *, check_only: bool | None = None) -> None:
        """Download, check, and hand the file over to pooch at the path ``action``."""
        with self.session:
            patiently(self._attempt, self.where, self.patience, lambda: self.reached)
        fault = self.remote.check(self.part) if self.remote.check else ""
        if fault:
            self.forget()
            raise self.wrong(fault)
        self.whole = True
        os.unlink(action)
        try:
            os.link(self.part, action)  # the part stays until all is done: a process may be killed while pooch compares
        except OSError:  # a disk without hard links
            os.replace(self.part, action)

    def forget(self) -> None:
        """Remove the part and its note."""
        _drop((self.part, self.note))

    def wrong(self, fault: str) -> TamrlError:
        """Return the error of a file that came whole and is not the published one."""
        todo = "Nothing of it is kept: run the same command again; if it happens twice, tell the publisher of the file"
        return TamrlError(f"The download is not the published file: {fault}", self.where, todo)

    def _attempt(self) -> None:
        have, validator = self._part()
        headers = {"Accept-Encoding": "identity"}  # compressed on the way, a part could not be resumed
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
        times = (self.patience.connect_s, self.patience.stall_s)
        try:
            with self.session.get(self.remote.url, headers=headers, timeout=times, stream=True) as response:
                self._refuse(response)
                self._receive(response, have)
        except requests.exceptions.SSLError as error:
            todo = "Check the date of this computer, and whether its network intercepts encrypted connections"
            raise TamrlError("The server's certificate is not trusted", self.where, todo) from error
        except requests.exceptions.ProxyError as error:
            todo = "Check HTTPS_PROXY and HTTP_PROXY"
            raise UnreachableError("The proxy of this network cannot be used", self.where, todo) from error
        except _NOWHERE as error:
            raise TamrlError(
                "The address is not valid, or redirects without end", self.remote.url, "Take a newer catalogue"
            ) from error
        except requests.exceptions.RequestException as error:
            raise self._broken(error) from error

    def _broken(self, error: requests.exceptions.RequestException) -> AgainError:
        """Return the failure of a connection, in words."""
        inner = error.args[0] if error.args else None
        if isinstance(error, requests.exceptions.ConnectTimeout) or getattr(inner, "reason", None) is not None:
            return AgainError(f"{self.remote.host} cannot be reached", unreachable=True)
        if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
            return AgainError(f"The server sent nothing for {self.patience.stall_s:g} s")
        return AgainError("The connection broke off")

    def _part(self) -> tuple[int, str]:
        """Return the size [bytes] of a part that can be resumed, and the validator that the server gave with it."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            have, validator = self.part.stat().st_size, str(note["validator"])
            told = validator or self.remote.sha256 or self.remote.check
            if note["url"] == self.remote.url and told:
                return have, validator
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.forget()
        return 0, ""

    def _refuse(self, response: requests.Response) -> None:
        """Raise the error of an answer that brings no bytes of the file."""
        status = response.status_code
        if again := passing(status, response.headers):
            raise again
        if self.remote.url.startswith("https:") and not response.url.startswith("https:"):
            raise TamrlError(
                "The server redirects to an address without encryption", response.url, "Take a newer catalogue"
            )
        if status in (401, 403):
            raise TamrlError(f"The server refuses the file ({status})", self.where, "It may ask for an account there")
        if status in (404, 410):
            raise TamrlError("The file is no longer there", self.where, "Take a newer catalogue")
        if status not in (200, 206, 416):
            raise TamrlError(f"The server answered {status} {response.reason}", self.where, LATER)
        page = response.headers.get("Content-Type", "").startswith("text/html") and status != 416
        if page and not self.name.endswith((".html", ".htm")):
            todo = "Open the address in a browser: the server, or the network here, may ask to log in"
            raise TamrlError("A web page came in place of the file", self.remote.url, todo)

    def _receive(self, response: requests.Response, have: int) -> None:
        """Append the bytes of an answer to those that have been downloaded."""
        start, total = _span(response)
        if response.status_code == 416:
            if total == have:
                return
            self.forget()
            raise AgainError("The file on the server has changed")
        if start not in (0, have):
            self.forget()
            raise AgainError("The server sent a part of the file that was not asked for")
        self._admit(total, start)
        if not start:
            told = {"url": self.remote.url, "validator": _validator(response)}
            self.note.write_text(json.dumps(told), encoding="utf-8")
        have = start
        with self.part.open("ab" if start else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                self.reached = max(self.reached, have)
                self._bound(have)
                if self.on_bytes:
                    self.on_bytes(have, total)
        if total is not None and have < total:
            raise AgainError(f"The connection broke off after {have:,} of {total:,} bytes")
        self._fit(have)

    def _admit(self, total: int | None, have: int) -> None:
        """Refuse a file that is not of the published size, too large for its kind, or too large for the disk."""
        if total is None:
            return
        self._fit(total)
        self._bound(total)
        free = shutil.disk_usage(self.part.parent).free
        if total - have > free:
            what = f"The disk is too small: {(total - have) / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free"
            raise TamrlError(what, str(self.part.parent.parent), "Make room or choose another folder")

    def _fit(self, count: int) -> None:
        if self.remote.size not in (None, count):
            self.forget()
            raise self.wrong(f"it has {count:,} bytes instead of {self.remote.size:,}")

    def _bound(self, count: int) -> None:
        if self.remote.most_bytes is not None and count > self.remote.most_bytes:
            self.forget()
            most = self.remote.most_bytes / 1e6
            raise TamrlError(f"The file is larger than {most:,.0f} MB", self.where, "Check the address")


def _span(response: requests.Response) -> tuple[int, int | None]:
    """Return where in the file an answer begins, and the bytes of the whole file, None where that is not said."""
    if response.status_code == 200:
        length = re.fullmatch(_COUNT, response.headers.get("Content-Length", "").strip())
        coded = response.headers.get("Content-Encoding", "identity") != "identity"
        return 0, int(length[0]) if length and not coded else None
    told = response.headers.get("Content-Range", "").strip()
    found = re.fullmatch(rf"bytes (?:({_COUNT})-{_COUNT}|\*)/({_COUNT}|\*)", told)
    if not found:
        return -1, None
    return int(found[1] or 0), None if found[2] == "*" else int(found[2])


def _validator(response: requests.Response) -> str:
    """Return what the server can tell this version of the file by: its strong ETag, else when it was last changed."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
