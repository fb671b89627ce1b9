"""The report of what was done to a product: gathered from its files, without repetition, kept with its maps."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from tamrl.globe.contract import is_climatology, step_of_maps
from tamrl.maps.products.months import without_leap_days
from tamrl.system.account import AccountEntry, IngestReport

if TYPE_CHECKING:
    from tamrl.maps.products.sources import Source

#: Attribute of maps that holds the report; ``notes`` holds its words.
REPORT = "report"
_MOST = 4
_EVERY = {"day": "D", "month": "MS", "year": "YS"}


def noted(
    rejected: Iterable[str] = (),
    missing: Iterable[str] = (),
    converted: Iterable[str] = (),
    assumed: Iterable[str] = (),
    subject: str = "product",
) -> IngestReport:
    """Return a report of sentences by kind."""
    report = IngestReport()
    for add, every in (
        (report.rejected, rejected),
        (report.missing, missing),
        (report.converted, converted),
        (report.assumed, assumed),
    ):
        for words in every:
            add(subject, words)
    return report


def collect(report: IngestReport, sources: Sequence["Source"], subject: str) -> None:
    """Add what was done to files to the report of their product: once where it is the same of several."""
    found: dict[tuple[str, str], list[tuple[str, int | None]]] = {}
    for source in sources:
        for entry in source.report:
            found.setdefault((entry.kind, entry.words), []).append((source.name, entry.count))
    entries = []
    for (kind, words), where in found.items():
        names, counts = [name for name, _ in where], [count for _, count in where if count is not None]
        which = f" ({_names(names)})" if 1 <= len(names) < len(sources) else ""
        entries.append(AccountEntry(kind, subject, words + which, sum(counts) if counts else None))
    report.extend(IngestReport(entries))


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST else f"{names[0]} and {len(names) - 1} more files"


def lacking(maps: xr.Dataset) -> str:
    """Return in words which steps are missing between the first and the last one of a set of maps; empty for none."""
    step = step_of_maps(maps)
    if step not in _EVERY or is_climatology(maps):
        return ""
    time = pd.DatetimeIndex(maps["time"].values)
    gone = pd.date_range(time[0], time[-1], freq=_EVERY[step]).difference(time)
    if step == "day" and without_leap_days(maps):
        gone = gone[(gone.month != 2) | (gone.day != 29)]
    if not gone.size:
        return ""
    form = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[step]
    said = ", ".join(gone[:_MOST].strftime(form)) + (f" and {gone.size - _MOST} more" if gone.size > _MOST else "")
    return f"Between its first and its last step it lacks {gone.size} {step}{'s' * (gone.size > 1)}: {said}."


def with_report(maps: xr.Dataset, report: IngestReport) -> xr.Dataset:
    """Return maps that keep the report of their import in their attributes."""
    if not len(report):
        return maps
    return maps.assign_attrs(
        {"notes": " ".join(entry.words for entry in report), REPORT: json.dumps(report.to_list(), ensure_ascii=False)}
    )


def report_of(maps: xr.Dataset) -> IngestReport:
    """Return the report that maps keep; of older ones, which keep notes alone, empty."""
    try:
        return IngestReport.from_list(json.loads(str(maps.attrs.get(REPORT, "[]"))))
    except (ValueError, TypeError):
        return IngestReport()
