"""One account of what was done to data while reading: the same for towers, products and drivers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

#: Kind of entry -> what it means; also the order in which they are shown.
KINDS = {
    "rejected": "values or rows that were rejected",
    "missing": "what the files lack, or lack for some time",
    "converted": "values that were brought to the project's units, days or grid",
    "assumed": "what the files do not say and was assumed",
}


@dataclass(frozen=True)
class AccountEntry:
    """One thing that was done to the data.

    Attributes:
        kind: one of ``KINDS``.
        subject: tower, product or driver that it concerns.
        words: what was done and why, a whole sentence.
        count: how many values, rows, steps or cells it concerns; None where that has no meaning.
    """

    kind: str
    subject: str
    words: str
    count: int | None = None

    def __post_init__(self) -> None:
        """Check the kind.

        Raises:
            ValueError: it is not one of ``KINDS``.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")


@dataclass
class IngestReport:
    """What was done to the data of one reading: shown by the command line and in the page, kept in the provenance.

    The same entry twice is kept once.

    Attributes:
        entries: in the order in which they were made.
    """

    entries: list[AccountEntry] = field(default_factory=list)

    def rejected(self, subject: str, words: str, count: int | None = None) -> None:
        """Note values or rows that were rejected."""
        self._add(AccountEntry("rejected", subject, words, count))

    def missing(self, subject: str, words: str, count: int | None = None) -> None:
        """Note what the files lack."""
        self._add(AccountEntry("missing", subject, words, count))

    def converted(self, subject: str, words: str, count: int | None = None) -> None:
        """Note values that were brought to other units, days or another grid."""
        self._add(AccountEntry("converted", subject, words, count))

    def assumed(self, subject: str, words: str, count: int | None = None) -> None:
        """Note what the files do not say."""
        self._add(AccountEntry("assumed", subject, words, count))

    def note(self, subject: str, words: str) -> None:
        """Note a whole sentence of a reader; its kind is inferred from its words (``kind_of``)."""
        self._add(AccountEntry(kind_of(words), subject, words))

    def extend(self, other: "IngestReport") -> None:
        """Add the entries of another report."""
        for entry in other.entries:
            self._add(entry)

    def _add(self, entry: AccountEntry) -> None:
        if entry not in self.entries:
            self.entries.append(entry)

    def __iter__(self) -> Iterator[AccountEntry]:
        """Go through the entries, kind by kind."""
        for kind in KINDS:
            yield from (entry for entry in self.entries if entry.kind == kind)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def of(self, subject: str) -> list[AccountEntry]:
        """Return the entries of one tower, product or driver."""
        return [entry for entry in self if entry.subject == subject]

    def lines(self) -> list[str]:
        """Return the report in words, a line an entry: ``rejected: BE-Bra: ...``."""
        return [f"{entry.kind}: {entry.subject}: {entry.words}" for entry in self]

    def grouped(self) -> list[tuple[str, str, list[str]]]:
        """Return kind, words and the subjects that they apply to, so that what applies to many is one line."""
        found: dict[tuple[str, str], list[str]] = {}
        for entry in self:
            found.setdefault((entry.kind, entry.words), []).append(entry.subject)
        return [(kind, words, list(dict.fromkeys(subjects))) for (kind, words), subjects in found.items()]

    def table(self) -> pd.DataFrame:
        """Return the report as a table of kind, subject, count and words."""
        rows = [(e.kind, e.subject, e.count, e.words) for e in self]
        return pd.DataFrame(rows, columns=["kind", "subject", "count", "words"]).astype({"count": "Int64"})

    def to_list(self) -> list[dict[str, Any]]:
        """Return the report for YAML or JSON."""
        return [{k: v for k, v in asdict(entry).items() if v is not None} for entry in self]

    @classmethod
    def from_list(cls, entries: Iterable[dict[str, Any]]) -> "IngestReport":
        """Return the report that ``to_list`` gave.

        Raises:
            TypeError, ValueError: an entry is not valid.
        """
        return cls([AccountEntry(**entry) for entry in entries])


#: Names of files and columns, which must not decide the kind.
_NAMED = re.compile(r"\S+\.(?:csv|tsv|txt|gz|zip|parquet|nc|zarr|xlsx)\S*|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", re.I)
#: Words that decide the kind of a sentence of a reader; the first kind with one of them is taken.
_TELLING = {
    "assumed": ("taken, since",),
    "rejected": ("rejected", "set aside", "was taken, it has", "damaged", "refused", "not read", "overlap"),
    "missing": (
        *("has no ", "no monthly", "not beside", "lacks", "without position", "no daily data", "not in sites.csv"),
        *("is ingested here", "gap"),
    ),
    "converted": (
        *("derived", "in place of", "converted", "local day", "replaces", "joined", "from utc", "taken from"),
        "interpolat",
    ),
}


def kind_of(words: str) -> str:
    """Return the kind of a sentence of a reader; ``assumed`` where it has none of the deciding words."""
    text = _NAMED.sub("", words).lower()
    return next(
        (kind for kind, tellings in _TELLING.items() if any(telling in text for telling in tellings)), "assumed"
    )


def kept(provenance: Iterable[dict[str, Any]]) -> IngestReport:
    """Return the account of the data that a workspace holds now, from its provenance.

    Args:
        provenance: entries, oldest first; those with ``account`` count. A later reading of a tower replaces the
            account of an earlier one.
    """
    report = IngestReport()
    for entry in provenance:
        listed = entry.get("account")
        if not isinstance(listed, list):
            continue
        try:
            later = IngestReport.from_list(listed)
        except (TypeError, ValueError):  # written by another version
            continue
        again = {str(site) for part in entry.get("inputs", []) for site in part.get("towers", [])}
        again |= {e.subject for e in later.entries}
        report = IngestReport([e for e in report.entries if e.subject not in again])
        report.extend(later)
    return report
