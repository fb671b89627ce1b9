"""``python -m tamrl ingest SRC... --workspace W``."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError, printable
from tamrl.towers.account import NO_CLASS, NO_POSITION
from tamrl.towers.ingest import Result, ingest
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.readers.tidy import is_known, look
from tamrl.towers.readers.tidy_cells import is_tidy_file
from tamrl.towers.workspace import Workspace

_NAMES = 12


@click.command("ingest")
@click.argument("sources", metavar="SRC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--workspace",
    "-w",
    envvar="TAMRL_WORKSPACE",
    type=click.Path(file_okay=False, path_type=Path),
    help="Workspace folder, created if it does not exist (or TAMRL_WORKSPACE).",
)
@click.option(
    "--sites",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with site, lat, lon, igbp, koeppen for towers whose files do not say where they are.",
)
@click.option(
    "--fill",
    is_flag=True,
    help="Give towers that lack precipitation, LAI or EVI the mean year of the bundled global drivers; marked as such.",
)
@click.option(
    "--columns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML that says which column of a table is which variable, in which unit; see --show-columns.",
)
@click.option(
    "--show-columns",
    is_flag=True,
    help="Print such a YAML for the table SRC, guessed, to be edited; nothing is read in.",
)
def command(
    sources: tuple[Path, ...],
    workspace: Path | None,
    sites: Path | None,
    fill: bool,
    columns: Path | None,
    show_columns: bool,
) -> None:
    """Read tower files into the archive of a workspace.

    SRC is a folder (searched to the bottom), a table folder (daily.parquet, sites.csv, monthly.parquet), or a
    FLUXNET, AmeriFlux or ICOS file of days, half-hours or hours (csv, csv.gz or the published zip), or output of
    REddyProc, or the folder of CarbonFluxBench. Half-hours become local days. A tower that the archive has already is
    replaced. Parquet or CSV files with site, date and FAPAR, LAI, EVI or NDVI, at steps from days to months, are
    satellite series of these towers.
    Any other table of one row a time (CSV with any separator, Excel, Parquet) is read by a map of its columns.
    Exit status 0: all went in; 1: something failed, nothing went in, or a variable contradicts the others at most
    towers (it is kept); 2: wrong usage.
    """
    if show_columns:
        click.echo(printable(columns_text(sources), keep="\n"), nl=False)
        return
    if workspace is None:
        raise click.MissingParameter(param_hint="'--workspace' / '-w'", param_type="option")
    maps = [ColumnMap.load(columns)] if columns else []
    space = Workspace.create(workspace)
    line = "ingest " + " ".join(str(source) for source in sources) + (f" --sites {sites}" if sites else "")
    line += f" --columns {columns}" if columns else ""
    with click.progressbar(length=1000, label="Reading", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        result = ingest(
            sources,
            space,
            sites,
            line + " --fill" * fill,
            on_item=lambda done, total: bar.update(done * 1000 // total - bar.pos),
            fill_drivers=fill,
            columns=maps,
        )
    for block in (faults_text(result), towers_text(result), set_aside_text(result), notes_text(result)):
        if block:
            click.echo(printable(block, keep="\n") + "\n")
    if files := files_text(result):
        click.echo(printable(files, keep="\n") + "\n", err=not result.ok)
    click.echo(printable(last_line(result)))
    if not result.ok:
        raise SystemExit(1)


def columns_text(sources: Sequence[Path]) -> str:
    """Return the guessed map of the columns of one table, as YAML to be edited.

    Raises:
        TamrlError: there are several tables, it cannot be read, needs no map, or has no dates or no variable.
    """
    if len(sources) > 1:
        raise TamrlError("Several files are given", "--show-columns", "Name one table")
    path = sources[0]
    if not is_tidy_file(path) or not path.exists():
        raise TamrlError("This is not a table", str(path), "Give a CSV, Excel or Parquet file")
    if is_known(path):
        raise TamrlError("The layout of this file is known: no map is needed", str(path), "Ingest it as it is")
    found = look(path).columns
    if not found.time or not found.columns:
        what = "No column is a date" if not found.time else "No column is a variable by its name"
        raise TamrlError(what, str(path), "Write a map by hand, or rename its columns")
    return found.to_yaml()


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
    lines = []
    if result.faults:
        lines.append(
            "FAULT OF THE FILE, not of single towers: the values are kept as read; check dates, units and sources."
        )
        lines += [f"  {fault}" for fault in result.faults]
    if result.doubts:
        lines.append("UNIT IN DOUBT: the values are kept as read; check the unit, convert them and ingest again.")
        lines += [f"  {doubt}" for doubt in result.doubts]
    return "\n".join(lines)


def towers_text(result: Result) -> str:
    """Return the table of towers: record, share missing by variable, rejected values."""
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
    cells["rejected"] = rows["site"].map(lambda site: counts.get(site, "-"))
    head = (
        "Towers. Per variable: share of the record's days without a value, in %; a dot: the tower lacks the variable."
    )
    return f"{head}\n{_table(pd.DataFrame(cells))}"


def set_aside_text(result: Result) -> str:
    """Return the rejected values, tower by tower, with the reason."""
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
    return f"Rejected values (set to missing).\n{_table(pd.DataFrame(cells))}"


def _names(names: list[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def notes_text(result: Result) -> str:
    """Return the account of what was done to the data, a line for what is said of several towers."""
    lines = []
    reasons = {item.reason for item in result.items}
    above = {f"{row.variable}: " for row in result.report.itertuples()}
    for kind, words, subjects in result.account.grouped():
        head, _, rest = words.partition(": ")
        if kind == "rejected" and (f"{head}: " in above or words in reasons):
            continue  # in the table above, or among the files
        if head in (NO_POSITION, NO_CLASS):
            lines.append(f"{kind}: {head} for {_names(subjects)}: {rest}.")
        else:
            lines.append(f"{kind}: {_names(subjects)}: {words}{'' if words.endswith(('.', '?')) else '.'}")
    return "\n".join(["What was done to the data", *(f"  {line}" for line in lines)]) if lines else ""


def _failed_variables(result: Result) -> list[str]:
    """Return the variables rejected as a whole, a line for all towers where the same one is."""
    lines = []
    for name, rows in result.report[result.report["failed"].astype(bool)].groupby("variable", sort=False):
        sites, reason = rows["site"].tolist(), rows["reason"].iloc[0]
        first = f" (at {sites[0]})" if len(sites) > 1 else ""
        lines.append(f"  {_names(sites)} {name}: {reason}{first}")
    return lines


def _hint(text: str) -> str:
    return f"\n    {text}" if text else ""


def files_text(result: Result) -> str:
    """Return the files that were skipped and those that failed, with the reason."""
    lines = []
    for status, title in (("skipped", "Skipped files"), ("failed", "FAILED")):
        found = [f"  {os.fspath(i.path)}: {i.reason}{_hint(i.hint)}" for i in result.items if i.status == status]
        if status == "failed":
            found += [f"  {reason}" for reason in result.failures]
            found += _failed_variables(result)
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
