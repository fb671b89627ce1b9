"""Which files of this computer a visitor of the app may open, and what messages may disclose of their paths.

The owner is whoever sits at the computer: the app listens on localhost alone and no proxy is in front of it. The owner
may name any path. Everyone else is a visitor and may name paths inside listed roots only, none where no root is listed.
Paths that lie outside, do not exist or cannot be accessed all give the same message.
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tamrl.errors import TamrlError

#: Folders that every visitor may open, separated as in PATH. Set but empty: no path may be named, by the owner neither.
ENVIRONMENT = "TAMRL_ROOTS"
#: A longer text is not accepted as a path.
LONGEST = 1024
#: Most files that a pattern may name, and most entries of a folder that is looked through for links out of the roots.
_MOST_FILES, _MOST_ENTRIES = 10_000, 200_000
#: Headers that only a proxy adds, besides those that begin with ``x-forwarded``.
_PROXY_HEADERS = frozenset(
    (
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "x-proxycontextpath",
        "x-original-forwarded-for",
        "true-client-ip",
        "cf-connecting-ip",
        "fly-client-ip",
        "fastly-client-ip",
    )
)
_HOSTILE = re.compile(r"[\x00-\x1f\x7f]|://|^~|^\\\\|^//")
_MAGIC = re.compile(r"[*?\[]")
#: An absolute path inside a text: at least two folders, or one below a folder that systems have at the top.
_TOP = "tmp|home|root|data|mnt|media|srv|var|opt|usr|etc|proc|dev|run|Users|Volumes|private|workspace"
_PART = r"[^\\/\s'\"`<>|,;:()\[\]{}]+"
_ABSOLUTE = re.compile(
    rf"(?<![\w.:/\\~-])(?:(?:~[\w.-]*|[A-Za-z]:)?(?:[\\/]{_PART}){{2,}}|/(?:{_TOP})(?![\w.-])|[A-Za-z]:[\\/]{_PART})[\\/]?"
)


def is_local(
    address: str | None, headers: Mapping[str, Iterable[str]], peer: str | None = None, base_path: str = ""
) -> bool:
    """Return whether the request comes from this computer, as far as can be known; in doubt False.

    Behind a reverse proxy a server listens on localhost, too, while its visitors are anywhere. A proxy is
    assumed where one added a header, where the browser asked for a host other than localhost, and where the app is
    served below a path. A proxy that reveals none of this cannot be distinguished from the owner: behind any proxy set
    ``TAMRL_ROOTS``.

    Args:
        address: that the server listens on; None for all.
        headers: of the request by name, empty where there is no request (a test without a browser).
        peer: address of the other end of the connection, None for localhost.
        base_path: that the server puts before its pages.
    """
    if not _loopback(address) or (peer is not None and not _loopback(peer)) or base_path.strip("/"):
        return False
    sent = {name.lower(): [str(value) for value in values] for name, values in headers.items()}
    if any(name.startswith("x-forwarded") or name in _PROXY_HEADERS for name in sent):
        return False
    if not sent:
        return True
    # Also keeps out a page of another site whose name was made to point here.
    hosts = sent.get("host", []) + [urlsplit(origin).netloc for origin in sent.get("origin", [])]
    return bool(sent.get("host")) and all(_loopback(_host_name(host)) for host in hosts)


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _loopback(name: str | None) -> bool:
    if not name:
        return False
    if name.lower() == "localhost":
        return True
    try:
        found = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return (inner or found).is_loopback


@dataclass(frozen=True)
class Access:
    """What one session may name.

    Attributes:
        owner: whether any path may be named and workspaces may be written to.
        roots: folders that a visitor may open, resolved.
        named: the same folders as they were listed, maybe by links.
    """

    owner: bool
    roots: tuple[Path, ...] = ()
    named: tuple[Path, ...] = ()

    @classmethod
    def decide(cls, local: bool, listed: str | None = None) -> "Access":
        """Return what may be named.

        Args:
            local: what ``is_local`` says.
            listed: value of ``TAMRL_ROOTS``, None where it is not set; then the owner alone may name paths.
        """
        if listed is None:
            return cls(local)
        found: dict[Path, Path] = {}
        for part in listed.split(os.pathsep):
            try:
                root = Path(part.strip()).expanduser()
                if part.strip() and root.is_absolute():
                    found[root] = root.resolve()
            except (OSError, ValueError, RuntimeError):
                continue  # what cannot be found opens nothing
        return cls(False, tuple(found.values()), tuple(found))

    @property
    def paths(self) -> bool:
        """Whether paths may be named at all."""
        return self.owner or bool(self.roots)

    def holds(self, path: str | Path) -> bool:
        """Return whether a path, with its links followed, may be opened."""
        if self.owner:
            return True
        try:
            real = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return any(real.is_relative_to(root) for root in self.roots)

    def holds_all(self, folder: Path, depth: int | None = None) -> bool:
        """Return whether no link in a folder leads out of the roots.

        Args:
            folder: is searched recursively, or to ``depth``.
            depth: number of levels, None for all.
        """
        if self.owner:
            return True
        if not self.holds(folder):
            return False
        seen, level, at = 0, [Path(folder)] if folder.is_dir() else [], 0
        while level and (depth is None or at < depth):
            below: list[Path] = []
            for one in level:
                try:
                    entries = list(os.scandir(one))
                except OSError:
                    continue
                seen += len(entries)
                if seen > _MOST_ENTRIES or not all(self.holds(e.path) for e in entries if e.is_symlink()):
                    return False
                below += [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
            level, at = below, at + 1
        return True

    def resolve(self, text: str, where: str) -> Path:
        """Return the file or folder that was named.

        Args:
            text: as typed or as in an address; a visitor may give the path relative to a root.
            where: name of the box or parameter, for the message.

        Raises:
            TamrlError: it is not there, or may not be opened. Visitors are not told which.
        """
        found = [] if _MAGIC.search(text) and not self.owner else self._named(text)
        if len(found) != 1:
            raise self._nothing(where)
        return found[0]

    def expand(self, text: str, where: str) -> list[Path]:
        """Return the files and folders that were named, also by a pattern with ``*``; all of their content may be read.

        Raises:
            TamrlError: see ``resolve``.
        """
        found = self._named(text)
        if not found or not all(self.holds_all(path) for path in found):
            raise self._nothing(where)
        return found

    def _named(self, text: str) -> list[Path]:
        try:
            return self._of_owner(text) if self.owner else self._of_visitor(text)
        except (OSError, ValueError, RuntimeError, NotImplementedError, IndexError):
            return []  # a name that no file can have

    def _of_owner(self, text: str) -> list[Path]:
        if "\0" in text or len(text) > LONGEST:
            return []
        path = Path(text).expanduser()
        if path.exists() or not _MAGIC.search(text):
            return [path] if path.exists() else []
        import glob

        return [Path(one) for one in sorted(glob.glob(str(path), recursive=True))]

    def _of_visitor(self, text: str) -> list[Path]:
        text = text.strip()
        if not text or len(text) > LONGEST or _HOSTILE.search(text) or ".." in re.split(r"[\\/]", text):
            return []
        asked = Path(text)
        if not asked.is_absolute() and (asked.drive or asked.root):
            return []
        for named in dict.fromkeys((*self.named, *self.roots)):
            # What is outside is told without a look at the disk.
            if not asked.is_absolute() or asked.is_relative_to(named):
                found = self._inside(named, asked.relative_to(named) if asked.is_absolute() else asked)
                if found:
                    return found
        return []

    def _inside(self, root: Path, inside: Path) -> list[Path]:
        plain = root / inside
        if not _MAGIC.search(str(inside)) or plain.exists():
            matched: Iterable[Path] = [plain] if plain.exists() else []
        else:
            matched = root.glob(str(inside))
        found = []
        for path in matched:
            if self.holds(path) and (path.is_dir() or path.is_file()):
                found.append(path)
            if len(found) > _MOST_FILES:
                break
        return sorted(found)

    def _nothing(self, where: str) -> TamrlError:
        if self.owner:
            return TamrlError("There is no such file or folder", where, "Check the path")
        if not self.roots:
            return TamrlError(
                "Files of the server cannot be opened here", where, "Upload your files, or run the app on your computer"
            )
        return TamrlError(
            "Nothing that may be opened here has this name",
            where,
            "Give the path as whoever runs this server named it, without '..' or '~'",
        )

    def public(self, text: str, known: Iterable[Path] = ()) -> str:
        """Return a text as this session may read it: for visitors absolute paths are shortened.

        Args:
            text: a message.
            known: folders that paths are made relative to: of ``/data/a/mine/maps`` in the workspace ``/data/a/mine``
                a visitor reads ``mine/maps``.
        """
        if self.owner:
            return text
        for root in sorted({*self.roots, *self.named}, key=lambda path: len(str(path)), reverse=True):
            text = _cut(text, str(root), root.name, "")
        for folder in sorted(known, key=lambda path: len(str(path)), reverse=True):
            text = _cut(text, str(folder), folder.name, f"{folder.name}/")
        return _ABSOLUTE.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)


def _cut(text: str, folder: str, name: str, prefix: str) -> str:
    """Replace a folder by its name, or by ``prefix`` where a path goes on below it."""
    if len(Path(folder).parts) < 2:  # the top of the file system begins every path
        return text
    found = re.compile(re.escape(folder) + r"(?![\w-]|\.\w)(?P<more>[\\/]?)")
    return found.sub(lambda match: prefix if match["more"] else name, text)
