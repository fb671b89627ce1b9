"""Published zips: the files of days or half-hours, BIF tables and tables of sites in them, and in zips inside them."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from tamrl.errors import TamrlError
from tamrl.towers.archive import Tower
from tamrl.towers.readers import limits, one_tower
from tamrl.towers.readers.bif import read_bif
from tamrl.towers.readers.names import FileName, classify, outdone
from tamrl.towers.readers.sites import SiteInfo, names_sites, places_sites, read_sites
from tamrl.towers.readers.text import decode, separator

_CSV = (".csv", ".csv.gz")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)


@dataclass(kw_only=True)
class Contents:
    """What a zip holds.

    Attributes:
        towers: read from it.
        sites: positions and classes.
        notes: what the user should know.
        faults: members that could not be read, in words; the others still count.
        steps: the time steps of files that are not read (such as WW, MM).
    """

    towers: list[Tower] = field(default_factory=list)
    sites: dict[str, SiteInfo] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    steps: set[str] = field(default_factory=set)
    _empty: list[tuple[str, str]] = field(default_factory=list)


def read_zip(path: Path) -> Contents:
    """Read the content of a zip, with zips inside it to a depth of three.

    Raises:
        TamrlError: it is damaged, or holds too many files.
    """
    found = Contents()
    try:
        with zipfile.ZipFile(path) as archive:
            _read(archive, path.name, 1, found)
    except _DAMAGED as error:
        raise TamrlError(f"the zip is cut off or damaged: {error}; download it again") from error
    there = {tower.site for tower in found.towers}
    found.faults += [words for site, words in found._empty if site not in there]
    return found


def _read(archive: zipfile.ZipFile, label: str, depth: int, found: Contents) -> None:
    names = [n for n in sorted(archive.namelist()) if "__MACOSX" not in n and not n.endswith("/")]
    limits.check_members(archive, label)
    kinds = {name: classify(name) for name in names if name.lower().endswith(_CSV)}
    # A zip that users made holds files under names of their own; a published one has days, or half-hours.
    read = {n for n, known in kinds.items() if known.kind in ("daily", "subdaily", "base")} - set(outdone(kinds))
    read = read or {n for n, known in kinds.items() if known.kind == "unknown" and known.site}
    found.steps |= {known.step or known.kind for name, known in kinds.items() if name not in read}
    for name in names:
        inside = f"{label}/{PurePosixPath(name).name}"
        try:
            if name.lower().endswith(".zip"):
                _read_inner(archive, name, inside, depth, found)
            elif name in kinds:
                _read_member(archive, name, inside, kinds[name], name in read, found)
            elif name.lower().endswith(".xlsx") and classify(name).kind == "bif":
                with archive.open(name) as file:
                    _keep(found, *read_bif(file, inside, found.notes))
        except (TamrlError, *_DAMAGED) as error:
            found.faults.append(str(error))
        except (RuntimeError, NotImplementedError) as error:  # a password, a compression that Python lacks
            found.faults.append(str(TamrlError(f"It cannot be unpacked: {error}", inside, "Unpack the zip first")))


def _read_inner(archive: zipfile.ZipFile, name: str, inside: str, depth: int, found: Contents) -> None:
    """Read a zip inside a zip; one of a tower without days or half-hours is a fault unless another zip has them."""
    if depth >= limits.MOST_ZIPS:
        raise TamrlError(f"More than {limits.MOST_ZIPS} zips are nested", inside, "Unpack the outer ones first")
    before, held = len(found.towers), Contents()
    with _unpacked(archive, name, inside) as file, zipfile.ZipFile(file) as inner:
        _read(inner, inside, depth + 1, held)
    found.towers += held.towers
    found.sites |= held.sites
    found.notes += held.notes
    found.faults += held.faults
    found._empty += held._empty
    site = classify(name).site
    if site and len(found.towers) == before and not held.faults:
        found._empty.append((site, f"{inside}: {without_tower(held)}"))


@contextmanager
def _unpacked(archive: zipfile.ZipFile, name: str, label: str) -> Iterator[IO[bytes]]:
    """Unpack one member into a temporary file, which can be read in any order."""
    with tempfile.TemporaryFile() as file, archive.open(name) as packed:
        source = limits.Bounded(packed, label, limits.MOST_INNER, limits.MOST_INNER)
        while block := source.read(1 << 20):
            file.write(block)
        file.seek(0)
        yield file


def _read_member(
    archive: zipfile.ZipFile, name: str, inside: str, known: FileName, read: bool, found: Contents
) -> None:
    """Read one CSV of a zip, if it holds something that is read."""
    if read:
        found.towers.append(one_tower.read_member(archive, name, inside))
    elif known.kind == "bif":
        with archive.open(name) as file:
            _keep(found, *read_bif(file, inside, found.notes))
    elif known.kind == "unknown" and name.lower().endswith(".csv"):
        with limits.open_member(archive, name, inside, limits.MOST_ABOUT) as file:
            line = decode(file.readline(1_000_000), "", [])
        columns = line.split(separator(line))
        if names_sites(columns) and places_sites(columns) and "TIMESTAMP" not in columns:
            with archive.open(name) as file:
                _keep(found, *read_sites(file, found.notes, inside))


def _keep(found: Contents, sites: dict[str, SiteInfo], faults: list[str]) -> None:
    found.sites |= sites
    found.faults += faults


def without_tower(found: Contents) -> str:
    """Return why a zip gave no tower, in words."""
    only = ", ".join(sorted(found.steps)) or "other files"
    return f"the zip holds no daily (DD), half-hourly (HH) or hourly (HR) file, only {only}"
