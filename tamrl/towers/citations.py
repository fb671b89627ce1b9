"""How towers ask to be cited: the tables of DOIs that lie beside tower files, kept with the workspace.

Networks share data under licences that ask to name each tower (FLUXNET2015 and ICOS: CC-BY-4.0), so the citation goes
wherever the tower's data are shown or saved. It lies beside the archive, in ``citations.csv``: it is no measurement.
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

FILE = "citations.csv"
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
#: Larger tables are no lists of citations [bytes].
_MOST_BYTES = 10_000_000
# Names that tables in use give to each column, lower case.
_ALIASES = {
    "site": ("site", "site_id", "siteid", "site id"),
    "citation": ("citation", "doi_citation", "reference", "how_to_cite", "cite"),
    "doi": ("doi", "product_doi", "dataset_doi", "data_doi"),
    "licence": ("policy", "licence", "license", "data_policy"),
}


@dataclass(frozen=True)
class Citation:
    """How one tower is cited.

    Attributes:
        citation: in words, may be empty.
        doi: without resolver, ``10.18140/FLX/1440191``; may be empty.
        licence: of the data, may be empty.
    """

    citation: str = ""
    doi: str = ""
    licence: str = ""

    def line(self) -> str:
        """Return it as a part of a source line."""
        known = self.doi and self.doi in self.citation
        return ", ".join(
            filter(None, [self.citation, "" if known or not self.doi else f"doi:{self.doi}", self.licence])
        )


def read(path: Path) -> dict[str, Citation]:
    """Return site -> citation of a table with a column of sites and one of DOIs or citations.

    Anything else gives nothing: what a file is for is not asked here, and one without citations is no fault.
    """
    try:
        if not path.name.lower().endswith(".csv") or path.stat().st_size > _MOST_BYTES:
            return {}
        rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig", errors="replace")))
        lower = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
        columns = {key: next((lower[n] for n in names if n in lower), None) for key, names in _ALIASES.items()}
        if columns["site"] is None or not (columns["doi"] or columns["citation"]):
            return {}
        found = {}
        for row in rows:
            cells = {key: _cell(row.get(name)) if name else "" for key, name in columns.items()}
            doi = _DOI.search(cells["doi"] or cells["citation"])
            made = Citation(cells["citation"], doi.group().rstrip(".,;)") if doi else "", cells["licence"])
            if cells["site"] and (made.citation or made.doi):
                found[cells["site"]] = made
    except (OSError, csv.Error):
        return {}
    return found


def _cell(value: object) -> str:
    """Return a cell on one line, empty for the many ways of saying nothing."""
    text = " ".join(str(value or "").split())
    return "" if text.lower() in ("nan", "na", "none", "-", "-9999") else text


def keep(folder: Path, paths: Iterable[Path], sites: Iterable[str]) -> int:
    """Add the citations that tables give for ``sites`` to those of a workspace; return how many were found.

    Args:
        folder: the workspace.
        paths: files that were read; the file ``citations.csv`` beside each is looked at, too.
        sites: towers that went in.
    """
    places = dict.fromkeys(candidate for path in paths for candidate in (path.parent / FILE, path))
    wanted, found = set(sites), dict[str, Citation]()
    for path in places:
        if path.is_file():
            found |= {site: made for site, made in read(path).items() if site in wanted}
    add(folder, found)
    return len(found)


def add(folder: Path, found: Mapping[str, Citation]) -> None:
    """Add site -> citation to those that a folder keeps; a citation of the same tower is replaced."""
    if found:
        _write(folder / FILE, {**load(folder), **found})


def _write(file: Path, citations: dict[str, Citation]) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["site", *(field.name for field in fields(Citation))])
        rows.writerows([site, *astuple(citations[site])] for site in sorted(citations))
    beside.replace(file)


def load(folder: Path) -> dict[str, Citation]:
    """Return site -> citation of a workspace; empty where none were given."""
    return read(folder / FILE)
