"""Towers of any tidy table, one or many, days or half-hours, by a ``ColumnMap``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.schema import variable
from tamrl.towers.archive import Tower
from tamrl.towers.readers import column_guess, column_times, column_units, fluxnet, layouts, parquet
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.readers.ids import read_ids
from tamrl.towers.readers.names import classify, find_id, tokens
from tamrl.towers.readers.numbers import to_numbers
from tamrl.towers.readers.sites import names_sites, places_sites
from tamrl.towers.readers.stamps import STEPS, by_step, read_stamps, time_columns
from tamrl.towers.readers.subdaily import LEAST_SHARE, gaps, to_days, unknown_flags
from tamrl.towers.readers.tables import DAILY_COLUMNS, TableReading, clean, is_series
from tamrl.towers.readers.tidy_cells import is_tidy_file, read_cells, read_columns

#: Rows that a guess looks at, and values of each column that are shown.
_SAMPLE, _SHOWN = 20_000, 3
#: Days of radiation that are kept to compare the hours with the sun.
_SUN_DAYS = 366
_WHOLE_DAY = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The likely content of a table, to be shown and corrected.

    Attributes:
        columns: the guess.
        names: every column of the table.
        first: column -> its first values as text.
        steps: whether the table has half-hours or hours.
    """

    columns: ColumnMap
    names: tuple[str, ...]
    first: dict[str, tuple[str, ...]]
    steps: bool = False


def look(path: Path) -> Guess:
    """Guess the columns of a table.

    Raises:
        TamrlError: it cannot be read.
    """
    cells = read_cells(path, rows=_SAMPLE)
    first = {}
    for name in cells.columns:
        known = cells.table[name].dropna().head(_SHOWN)
        first[name] = tuple(str(value)[:40] for value in known)
    columns = column_guess.guess(cells.columns, cells.table, cells.units)
    steps = bool(columns.time) and column_times.within_days(column_times.compose(cells.table, columns.time))
    return Guess(columns=columns, names=tuple(cells.columns), first=first, steps=steps)


def offer(path: Path) -> Guess | None:
    """Return a guess for a table that ingest does not know but that has dates and a variable; None for any other."""
    try:
        if not is_tidy_file(path) or is_known(path):
            return None
        found = look(path)
    except (TamrlError, OSError):
        return None
    return found if found.columns.time and found.columns.columns else None


def fitting(path: Path, maps: Sequence[ColumnMap]) -> ColumnMap | None:
    """Return the map that fits a table of no known layout best; None where none does.

    One that names every column comes first, then the one that names most.
    """
    try:
        if not maps or not is_tidy_file(path) or is_known(path):
            return None
        names = read_columns(path)
    except (TamrlError, OSError):
        return None
    fits = [columns for columns in maps if columns.fits(names)]
    return max(fits, key=lambda columns: (columns.covers(names), len(columns.used)), default=None)


def is_known(path: Path) -> bool:
    """Return whether a file is one that ingest reads, or refuses with a reason, without a map.

    Raises:
        TamrlError: its columns cannot be read.
    """
    if parquet.is_table(path):
        names = set(parquet.columns(path))
        return path.name == "monthly.parquet" or is_series(path) or _is_table_layout(names)
    if classify(path.name).kind not in ("unknown", "daily", "subdaily") or path.name.lower() == "sites.csv":
        return True
    names_ = read_columns(path)
    if names_sites(names_) and places_sites(names_) and not column_guess.has_flux(names_):
        return True
    fluxes = [c for c in fluxnet.wanted(names_) if c.startswith(("NEE", "GPP", "RECO"))]
    stamped = "TIMESTAMP" in names_ or any(c.startswith("TIMESTAMP_") for c in names_)
    published = bool(fluxes) and stamped
    reddyproc = bool(layouts.scenarios(names_) and time_columns(names_))
    eddypro = {"co2_flux", "qc_co2_flux"} <= set(names_)
    return published or reddyproc or eddypro or (path.suffix.lower() == ".csv" and is_series(path))


def _is_table_layout(names: set[str]) -> bool:
    fluxes = {column for column, name in DAILY_COLUMNS.items() if name in ("GPP", "RECO", "NEE")}
    return {"date", "site"} <= names and bool(fluxes & names)


def read_tidy(path: Path, columns: ColumnMap) -> TableReading:
    """Read the towers of a table.

    Args:
        path: the file.
        columns: which column is what.

    Returns:
        One Tower per site, in the units of the schema, with conversions and omissions among its notes.

    Raises:
        TamrlError: the table lacks a column of the map or cannot be read, its dates are refused, an amount or a quality
            is in a unit that its steps cannot have, or no tower is named.
    """
    columns.check_table(read_columns(path), path.name)
    cells = read_cells(path, columns.used)
    rows = cells.table.dropna(how="all")
    if rows.empty:
        raise TamrlError("The table has no row", path.name, "Give a table with values")
    times = column_times.compose(rows, columns.time)
    steps = column_times.within_days(times)
    reading = TableReading(notes=[f"{path.name}: {note}" for note in cells.notes])
    _check_quality(columns, steps, path.name)
    table = rows[list(columns.columns)]
    sites = rows[columns.site] if columns.site else pd.Series(_name(path, reading.notes), index=table.index)
    if steps:
        _steps(table, times, sites, columns, path.name, reading)
    else:
        _days(table, times, sites, columns, path.name, reading)
    if not reading.towers and not reading.failures:
        raise TamrlError("No row names a tower", path.name, f"Write its id in the column {columns.site}")
    left = [name for name in cells.columns if name not in columns.used]
    for tower in reading.towers:
        tower.notes += _said(columns)
        if left:
            tower.notes.append(f"columns that are not read: {', '.join(left)[:300]}")
    return reading


def _name(path: Path, notes: list[str]) -> str:
    """Return the tower that a table without a column of ids is of: the id in its name, or the name."""
    named, _ = find_id(path.name)
    if named:
        return named
    words = "-".join(tokens(path.name))[:60]
    if not words:
        raise TamrlError("Nothing names the tower", path.name, "Name the file after it, such as AT-Neu.csv")
    notes.append(f"{path.name}: its tower is taken to be {words}, the name of the file")
    return words


def _check_quality(columns: ColumnMap, steps: bool, label: str) -> None:
    """Refuse flags of half-hours in a table of days, and shares in one of half-hours."""
    for name, column in columns.columns.items():
        if column.variable == "NEE_QC" and (column.unit == column_units.FLAG) != steps:
            what = "half-hours have a flag 0 to 3" if steps else "days have the share of good half-hours, 1 or %"
            raise TamrlError(f"NEE_QC is in {column.unit!r}, but {what}", f"{label}, column {name}", "Correct the unit")


def _days(
    table: pd.DataFrame, times: pd.Series, sites: pd.Series, columns: ColumnMap, label: str, reading: TableReading
) -> None:
    """Make towers of days."""
    time = " and ".join(columns.time)
    cells = pd.concat([pd.DataFrame({time: times, "site": sites}), table], axis=1)
    faults: list[str] = []
    failed: set[str] = set()
    values = clean(cells, time, label, reading.notes, faults, failed)
    reading.failures += faults
    gone = {columns.columns[name].variable for name in failed}
    for site, rows in values.groupby("site", sort=True):
        frame = _in_schema(rows.set_index(time).rename_axis("date").sort_index(), columns, 1.0)
        reading.towers.append(Tower(site=str(site), table=frame.astype(np.float32), source=label, failed=set(gone)))


def _steps(
    table: pd.DataFrame, times: pd.Series, sites: pd.Series, columns: ColumnMap, label: str, reading: TableReading
) -> None:
    """Make towers of half-hours and hours; one that cannot be read does not cost the others."""
    ids = read_ids(sites, label, reading.notes)
    for site in sorted(ids.dropna().unique()):
        mine = ids == site
        try:
            reading.towers.append(_of_steps(str(site), table[mine], times[mine], columns, label))
        except TamrlError as error:
            reading.failures.append(f"{site}: {error}")
    if ids.isna().any():
        reading.notes.append(f"{label}: {int(ids.isna().sum())} rows without a site rejected")


def _of_steps(site: str, table: pd.DataFrame, times: pd.Series, columns: ColumnMap, label: str) -> Tower:
    where = f"{label}, column {' and '.join(columns.time)}"
    stamps = read_stamps(column_times.to_stamps(times, columns.stamps == "end", where), where)
    rows = by_step(table, stamps, label, site, (0, ""))
    values, notes, faults = to_numbers(rows, label)
    tower = Tower(site=site, table=pd.DataFrame(), source=label, notes=[*stamps.notes, *notes])
    tower.faults += faults.values()
    tower.failed |= {columns.columns[name].variable for name in faults}
    step_days = stamps.minutes / _WHOLE_DAY
    steps = _in_schema(values, columns, step_days)
    steps = steps.apply(lambda cells: column_units.per_step(str(cells.name), cells, step_days))
    if "NEE_QC" in steps and len(odd := unknown_flags(steps["NEE_QC"])):
        tower.faults.append(f"NEE_QC: {len(odd)} flags are not 0 to 3, the first is {odd.iloc[0]:g} ({label})")
        tower.failed.add("NEE_QC")
        steps = steps.drop(columns="NEE_QC")
    days = to_days(steps, stamps.minutes)
    tower.table, tower.steps = days.astype(np.float32), _WHOLE_DAY // stamps.minutes
    made = f"{len(days):,} local days are made from {len(steps):,} {STEPS[stamps.minutes]}"
    tower.notes.append(f"{made}: means where at least {100 * LEAST_SHARE:.0f} % of a day's steps are there")
    if left_out := gaps(steps, days, stamps.minutes):
        tower.notes.append(left_out)
    if "SW_IN" in steps:
        middles = steps["SW_IN"].set_axis(steps.index + pd.Timedelta(minutes=stamps.minutes / 2)).dropna()
        tower.radiation = middles.iloc[-_SUN_DAYS * tower.steps :]
    return tower


def _in_schema(values: pd.DataFrame, columns: ColumnMap, step_days: float) -> pd.DataFrame:
    """Return values under the names and in the units of the schema."""
    found = {}
    for name, column in columns.columns.items():
        change = column_units.conversion(column.variable, column.unit, f"column {name}")
        series = column_units.apply(values[name].astype(np.float64), change, step_days)
        found[column.variable] = -series if column.negate else series
    return pd.DataFrame(found, index=values.index)


def _said(columns: ColumnMap) -> list[str]:
    """Return in words which columns were converted."""
    lines = []
    for name, column in columns.columns.items():
        own = variable(column.variable).unit
        changed = column.unit not in (own, column_units.FLAG)
        if changed or column.negate:
            units = f" from {column.unit} to {own}" if changed else ""
            sign = " with the sign reversed" if column.negate else ""
            lines.append(f"{column.variable}: column {name} converted{units}{sign}")
    return lines
