"""What an ingest found, small and plain enough to be kept as JSON beside what it made."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tamrl import wording
from tamrl.errors import TamrlError
from tamrl.system.account import IngestReport
from tamrl.towers.account import NO_CLASS, NO_POSITION

if TYPE_CHECKING:
    from tamrl.towers.ingest import Result

#: What became of a file, in words.
STATUS = {"ingested": "read", "used": "used", "skipped": "not needed", "failed": "rejected"}


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """The outcome for files and towers, in JSON values alone.

    Attributes:
        files: one row a file: name, status (a key of ``STATUS``), reason.
        towers: one row a tower, see ``ingest.Result.summary``; None where a value is missing.
        audit: one row for each tower and check, see ``audit.audit``.
        account: what was done to the data, see ``account.IngestReport``.
        failures: reasons in words that are not about one file.
        faults: variables that contradict the others at most towers, in words.
        doubts: variables whose magnitude does not fit their unit, in words.
        tables: one row a table that is, or can be, read by a map of its columns: name, mapped (whether it was), columns
            (``ColumnMap.to_dict``), remarks, names, first (column -> first values), steps (half-hours).
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    towers: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    account: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, result: "Result") -> "ReadReport":
        """Return the report of an ingest."""
        files = [{"name": i.path.name, "status": i.status, "reason": _reason(i)} for i in result.items]
        return cls(
            files=files,
            towers=_rows(result.summary),
            audit=_rows(result.audit),
            account=result.account.to_list(),
            failures=result.failures,
            faults=result.faults,
            doubts=result.doubts,
            tables=[_table(item) for item in result.items if item.guess is not None],
        )

    @property
    def sites(self) -> list[str]:
        """The towers that were read."""
        return [row["site"] for row in self.towers]

    def tower(self, site: str) -> dict[str, Any]:
        """Return the row of one tower.

        Raises:
            KeyError: there is no such tower.
        """
        for row in self.towers:
            if row["site"] == site:
                return row
        raise KeyError(site)

    def checks(self, site: str) -> pd.DataFrame:
        """Return the checks of one tower: check, found (in words), expected, verdict; those that contradict first."""
        order = {"contradicts": 0, "agrees": 1, "not judged": 2}
        mine = sorted((r for r in self.audit if r["site"] == site), key=lambda r: order[r["verdict"]])
        rows = [(r["check"], _found(r), r["expected"], r["verdict"]) for r in mine]
        return pd.DataFrame(rows, columns=["check", "found", "expected", "verdict"])

    def of_tower(self, site: str) -> IngestReport:
        """Return what was done to the data of one tower, apart from its position and classes."""
        every = IngestReport.from_list(self.account)
        return IngestReport([e for e in every.of(site) if not e.words.startswith((NO_POSITION, NO_CLASS))])

    def of_files(self) -> IngestReport:
        """Return what was done to the data of no single tower."""
        every = IngestReport.from_list(self.account)
        failed = {row["name"] for row in self.files if row["status"] == "failed"}
        return IngestReport([e for e in every if e.subject not in {*self.sites, *failed}])

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "ReadReport":
        """Read what ``save`` wrote.

        Raises:
            TamrlError: it is gone or damaged.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            what = "The result of the reading is no longer there"
            raise TamrlError(what, path.parent.name, "Upload the files again") from error


def _table(item: Any) -> dict[str, Any]:
    guess = item.guess
    return {
        "name": item.path.name,
        "mapped": item.columns is not None,
        "columns": guess.columns.to_dict(),
        "remarks": list(guess.columns.remarks),
        "names": list(guess.names),
        "first": {name: list(values) for name, values in guess.first.items()},
        "steps": guess.steps,
    }


def _reason(item: Any) -> str:
    if item.reason or not item.towers:
        return item.reason
    return ", ".join(sorted({tower.site for tower in item.towers}))


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records", date_format="iso"))


def _found(row: dict[str, Any]) -> str:
    """Return what a check found, in words; empty where it was not judged."""
    return wording.told(row["words"], row["value"]) if row["value"] is not None else ""
