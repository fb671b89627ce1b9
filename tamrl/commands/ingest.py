"""``python -m tamrl ingest SRC... --workspace W``."""

import os
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.data.checks import BALANCE_TOLERANCE
from tamrl.data.ingest import Result, ingest
from tamrl.workspace import Workspace

_NAMES = 12


@click.command("ingest")
@click.argument("sources", metavar="SRC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--workspace", "-w", required=True, envvar="TAMRL_WORKSPACE", type=click.Path(file_okay=False, path_type=Path),
    help="Folder to work in, made where it does not exist (or TAMRL_WORKSPACE).",
)  # fmt: skip
@click.option(
    "--sites", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with site, lat, lon, igbp, koeppen for towers whose files do not say where they are.",
)  # fmt: skip
def command(sources: tuple[Path, ...], workspace: Path, sites: Path | None) -> None:
    """Read tower files into the archive of a workspace.

    SRC is a folder (searched to the bottom), a table folder (daily.parquet, sites.csv, monthly.parquet), or a
    FLUXNET, AmeriFlux or ICOS daily file: csv, csv.gz or the published zip. A tower that the archive has already
    is replaced. Parquet or CSV files with site, date and FAPAR, LAI, EVI or NDVI, at steps from days to months, are
    satellite series of these towers. Exit status 0: all went in; 1: something failed, nothing went in, or a variable
    contradicts the others at most towers (it is kept); 2: wrong usage.
    """
    space = Workspace.create(workspace)
    line = "ingest " + " ".join(str(source) for source in sources) + (f" --sites {sites}" if sites else "")
    with click.progressbar(length=1000, label="Reading", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        result = ingest(
            sources, space, sites, line, on_item=lambda done, total: bar.update(done * 1000 // total - bar.pos)
        )
    for block in (faults_text(result), towers_text(result), set_aside_text(result), notes_text(result)):
        if block:
            click.echo(block + "\n")
    if files := files_text(result):
        click.echo(files + "\n", err=not result.ok)
    click.echo(last_line(result))
    if not result.ok:
        raise SystemExit(1)


def _table(frame: pd.DataFrame) -> str:
    """Lay out text cells in columns, the first to the left and the others to the right."""
    widths = [max(len(str(name)), *(len(cell) for cell in frame[name])) for name in frame]
    lines = [list(frame.columns), *frame.to_numpy().tolist()]
    left = {0, len(widths) - 1}
    aligned = [
        [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join("  ".join(line).rstrip() for line in aligned)


def _percent(value: float) -> str:
    """Write a share in percent; a dot where the tower lacks the variable, ``<1`` rather than a rounded 0."""
    if np.isnan(value):
        return "."
    return "<1" if 0 < value < 0.005 else f"{100 * value:.0f}"


def faults_text(result: Result) -> str:
    """Return the faults of the file: variables that contradict the others at most towers."""
    if not result.faults:
        return ""
    head = "FAULT OF THE FILE, not of single towers: the values are kept as read; check their dates, units and sources."
    return "\n".join([head, *(f"  {fault}" for fault in result.faults)])


def towers_text(result: Result) -> str:
    """Return the table of towers: record, share missing by variable, values set aside."""
    rows = result.summary
    if rows.empty:
        return ""
    shown = [name for name in schema.VARIABLES if f"missing_{name}" in rows and rows[f"missing_{name}"].notna().any()]
    cells = {"tower": rows["site"]} | {
        name: rows[name].astype(str) for name in ("days", "first", "last", "igbp", "koeppen")
    }
    cells |= {name: rows[f"missing_{name}"].map(_percent) for name in shown}
    counts = {
        site: ", ".join(f"{row.variable} {row.n_outside}" for row in found.itertuples())
        for site, found in result.report.groupby("site")
    }
    cells["set aside"] = rows["site"].map(lambda site: counts.get(site, "-"))
    head = (
        "Towers. Per variable: share of the record's days without a value, in %; a dot: the tower lacks the variable."
    )
    return f"{head}\n{_table(pd.DataFrame(cells))}"


def set_aside_text(result: Result) -> str:
    """Return the values set aside, tower by tower, with the reason."""
    if result.report.empty:
        return ""
    rows = result.report.sort_values(["failed", "site"], ascending=[False, True], kind="stable")
    cells = {
        "tower": rows["site"],
        "variable": rows["variable"],
        "values": rows["n_outside"].astype(str) + " of " + rows["n"].astype(str),
        "from": rows["lowest"].map("{:.4g}".format),
        "to": rows["highest"].map("{:.4g}".format),
        "why": rows["reason"],
    }
    return f"Values set aside (now missing).\n{_table(pd.DataFrame(cells))}"


def _names(names: list[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def notes_text(result: Result) -> str:
    """Return what the user should know: open balances, unknown positions and classes, notes of the readers."""
    lines = []
    rows = result.summary
    for row in result.balance.itertuples():
        hint = "; the sign of NEE looks reversed (NEE must be negative for uptake)" if row.reversed else ""
        lines.append(
            f"{row.site}: NEE = RECO - GPP is open by more than {BALANCE_TOLERANCE:g} {schema.FLUX_UNIT} on "
            f"{row.share_open:.1%} of {row.n} days, at most by {row.largest:.2g}{hint}"
        )
    if lines:
        lines.append("Published files choose the reference of each flux separately; their values are kept as they are.")
    if not rows.empty:
        nowhere = rows.loc[~rows["position"].astype(bool), "site"].tolist()
        classless = rows.loc[(rows["igbp"] == schema.UNKNOWN) | (rows["koeppen"] == schema.UNKNOWN), "site"].tolist()
        todo = "give --sites FILE, a CSV with site, lat, lon, igbp, koeppen"
        if nowhere:
            lines.append(f"No position for {_names(nowhere)}: not on the map until you {todo}.")
        if classless:
            lines.append(f"IGBP or Koeppen class unknown for {_names(classless)}: {todo}.")
        lines += [f"{row.site}: {row.notes}." for row in rows.itertuples() if row.notes]
    lines += [f"{note}." for item in result.items for note in item.notes]
    return "Notes\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def files_text(result: Result) -> str:
    """Return the files that were skipped and those that failed, with the reason."""
    lines = []
    for status, title in (("skipped", "Skipped files"), ("failed", "FAILED")):
        found = [f"  {os.fspath(item.path)}: {item.reason}" for item in result.items if item.status == status]
        if status == "failed":
            found += [f"  {reason}" for reason in result.failures]
            wrong = result.report[result.report["failed"].astype(bool)]
            found += [f"  {row.site} {row.variable}: {row.reason}" for row in wrong.itertuples()]
        if found:
            lines += [title, *found]
    return "\n".join(lines)


def last_line(result: Result) -> str:
    """Return the outcome in one line."""
    counts = result.summary["action"].value_counts()
    added, replaced = int(counts.get("added", 0)), int(counts.get("replaced", 0))
    if not added + replaced:
        return "Nothing was ingested."
    return f"Towers added: {added}, replaced: {replaced}. {result.archive} now holds {result.n_sites}."
