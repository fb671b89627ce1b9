"""How towers ask to be cited: the tables of DOIs that lie beside tower files, kept with the workspace.

Networks share data under licences that ask to name each tower (FLUXNET2015 and ICOS: CC-BY-4.0), so the citation goes
wherever the tower's data are shown or saved. It is kept beside the archive, in ``citations.csv``.
A list of references has each as a ``Work``, which is written as text and as BibTeX.
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

FILE = "citations.csv"
#: How the DOIs of the towers of FLUXNET2015 begin.
FLUXNET2015_DOI = "10.18140/FLX/"
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
#: Larger tables are not lists of citations [bytes].
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

    def work(self, site: str, name: str = "") -> "Work":
        """Return the data of a tower as an entry of a list of references.

        Args:
            site: id of the tower.
            name: of the tower in words, may be empty.
        """
        title = f"Eddy covariance data of the tower {site}" + (f" ({name})" if name else "")
        product = {"publisher": "FLUXNET2015"} if self.doi.startswith(FLUXNET2015_DOI) else {}
        note = {"note": self.citation} if self.citation else {}
        doi = {"doi": self.doi} if self.doi else {}
        words = f"{title}: {self.citation}" if self.citation else ""
        return Work(
            key=re.sub(r"[^\w-]", "", site),
            fields={"title": title, **product, **doi, **note},
            licence=self.licence,
            words=words,
        )


#: What BibTeX reads as markup, and how it is written so that it is read as itself.
_TEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
#: Fields that are addresses and keep their signs.
_VERBATIM = ("doi", "url", "eprint")


@dataclass(frozen=True, kw_only=True)
class Work:
    """A paper, data set or piece of software in a list of references.

    Attributes:
        key: of the BibTeX entry.
        kind: of the BibTeX entry.
        fields: of the BibTeX entry by their names, as plain text; authors as ``Family, G.`` joined by `` and ``, others
            as ``and others``.
        licence: of what is cited, may be empty.
        words: the reference in the words of its provider; where empty, it is composed from the fields.
    """

    key: str
    kind: str = "misc"
    fields: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    words: str = ""

    def text(self) -> str:
        """Return the reference as one line of text with its licence."""
        get = {name: str(value) for name, value in self.fields.items()}.get
        if self.words:
            known = get("doi", "") in self.words
            parts = [self.words.rstrip("."), "" if known else f"doi:{get('doi')}"]
        else:
            authors = get("author", "").replace(" and others", ", et al.").replace(" and ", ", ")
            year = f"({get('year')})" if get("year") else ""
            head = " ".join(filter(None, [authors, year]))
            volume = get("volume", "") + (f"({get('number')})" if get("number") else "")
            place = " ".join(filter(None, [get("journal") or get("booktitle") or get("publisher"), volume]))
            parts = [
                ": ".join(filter(None, [head, get("title", "").rstrip(".")])),
                ", ".join(filter(None, [place, get("pages", "").replace("--", "\N{EN DASH}")])),
                f"version {get('version')}" if get("version") else "",
                get("note", ""),
                f"arXiv:{get('eprint')}" if get("eprint") else "",
                f"doi:{get('doi')}" if get("doi") else "",
                get("url", "") if not (get("doi") or get("eprint")) else "",
            ]
        return ". ".join(filter(None, [*parts, f"Licence: {self.licence}" if self.licence else ""]))

    def bibtex(self) -> str:
        """Return the reference as a BibTeX entry."""
        kept = {"title": "", **self.fields} | ({"copyright": self.licence} if self.licence else {})
        lines = [
            f"  {name} = {{{value if name in _VERBATIM else _braced(name, value)}}},"
            for name, value in kept.items()
            if value
        ]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def _braced(name: str, value: str) -> str:
    """Return the value of a BibTeX field, escaped; titles and the names of groups keep their capitals."""
    text = value.translate(_TEX)
    return f"{{{text}}}" if name == "title" or (name == "author" and "," not in value) else text


def read(path: Path) -> dict[str, Citation]:
    """Return site -> citation of a table with a column of sites and one of DOIs or citations.

    Any other file gives an empty result: a table without citations is not an error.
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
