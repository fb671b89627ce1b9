"""Reader of the table layout: one folder with ``daily.parquet``, ``sites.csv`` and, if there, ``monthly.parquet``.

Monthly LAI and EVI are interpolated to the days of the tower's record, monthly precipitation is repeated on them
(``tamrl.towers.interpolate``). Satellite variables in the daily table, at whatever step, replace them, and so do
those of further files (``read_series``).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers import satellite
from tamrl.towers.archive import Tower
from tamrl.towers.interpolate import months_to_days
from tamrl.towers.readers import limits, parquet
from tamrl.towers.readers.dates import Dates, read_dates, set_aside
from tamrl.towers.readers.ids import read_ids
from tamrl.towers.readers.numbers import to_numbers
from tamrl.towers.readers.ragged import WholeRows
from tamrl.towers.readers.sites import SiteInfo, read_sites
from tamrl.towers.readers.text import REJECTED_SHARE, check_whole, header

#: Column of daily.parquet -> variable of the schema; units are the schema's already.
DAILY_COLUMNS = {
    "GPP_NT": "GPP",
    "RECO_NT": "RECO",
    "NEE": "NEE",
    "NEE_QC": "NEE_QC",
    "GPP_DT": "GPP_DT",
    "RECO_DT": "RECO_DT",
    "TA": "TA",
    "TA_MIN": "TA_MIN",
    "TA_MAX": "TA_MAX",
    "SW_IN": "SW_IN",
    "VPD": "VPD",
    "LW_IN": "LW_IN",
    "P": "P",
    "PA": "PA",
    "WS": "WS",
    "CO2": "CO2",
    "SWC": "SWC",
}
#: Names that the date of a satellite series may have.
DATES = ("date", "time")
#: Column of monthly.parquet -> variable of the schema.
MONTHLY_COLUMNS = {"P_F": "P_MON", "LAI": "LAI", "EVI": "EVI"}


@dataclass
class TableReading:
    """What a reader found.

    Attributes:
        towers: one a site.
        notes: what the user should know about the source as a whole.
        failures: parts that could not be read although the rest could.
        site_faults: the same, about the table of sites.
    """

    towers: list[Tower] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    site_faults: list[str] = field(default_factory=list)


def read_tables(folder: str | Path, sites: dict[str, SiteInfo] | None = None) -> TableReading:
    """Read all towers of a table folder.

    Args:
        folder: the folder, or its daily parquet file, which may be a folder of parts.
        sites: positions and classes that take precedence over those of ``sites.csv``.

    Returns:
        One Tower per site of the daily table, also those that ``sites.csv`` does not know (noted); rows of
        ``sites.csv`` without daily data are noted too.

    Raises:
        TamrlError: the daily table cannot be read, lacks ``date``, ``site`` or every flux, or its dates are refused
            (``tamrl.towers.readers.dates``). A tower of which more than 5 % of the rows are rejected is among the
            failures.
    """
    path = Path(folder)
    daily = path if parquet.is_table(path) else path / "daily.parquet"
    seen = satellite.columns(parquet.columns(daily))
    table = parquet.read(daily, ["date", "site"], DAILY_COLUMNS | seen)
    if not {"GPP", "RECO", "NEE"} & set(table.columns):
        raise TamrlError("The table has no flux column (GPP_NT, RECO_NT or NEE)", str(daily), "Check its columns")
    reading = TableReading()
    failed: set[str] = set()
    table = clean(table, "date", daily.name, reading.notes, reading.failures, failed)
    listed = _known_sites(daily.with_name("sites.csv"), reading)
    known = listed | (sites or {})
    monthly = _read_monthly(daily.with_name("monthly.parquet"), reading)
    empty = SiteInfo()
    lost = []
    for site, rows in table.groupby("site", sort=True, observed=True):
        info = known.get(str(site), empty)
        if info is empty:
            lost.append(str(site))
        frame = rows.drop(columns=["site", *seen.values()]).set_index("date")
        if str(site) in monthly:
            frame = frame.join(months_to_days(monthly[str(site)], frame.index))
        tower = Tower(site=str(site), table=frame, source=daily.name, failed=set(failed))
        if seen:
            satellite.put_on_days(tower, rows.set_index("date")[list(seen.values())].sort_index(), daily.name)
        reading.towers.append(info.apply(tower))
    if lost:
        reading.notes.append(f"{daily.name}: not in sites.csv, ingested without position: {', '.join(lost)}")
    absent = sorted(set(listed) - {tower.site for tower in reading.towers})
    if absent:
        reading.notes.append(f"sites.csv: no daily data for {', '.join(absent)}")
    return reading


def is_series(path: Path) -> bool:
    """Return whether a parquet or CSV file holds satellite variables by site and date, and no flux."""
    try:
        names = _names(path)
    except TamrlError:
        return False
    no_flux = not {"GPP", "RECO", "NEE"} & {DAILY_COLUMNS.get(name) for name in names}
    return "site" in names and bool(set(DATES) & set(names)) and bool(satellite.columns(names)) and no_flux


def read_series(path: Path, notes: list[str], failures: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read satellite variables by site and date from a parquet or CSV file.

    Args:
        path: table with ``site``, ``date`` (or ``time``) and columns such as ``fapar``, ``LAI``, ``EVI``.
        notes: rejected rows are added.
        failures: towers of which more than 5 % of the rows were rejected, and columns that are not numbers, are added;
            without it they raise.

    Returns:
        by site the rows at the dates of the file, columns as ``satellite.columns`` names them.

    Raises:
        TamrlError: the file cannot be read or is of another kind.
    """
    names = _names(path)
    date = next((name for name in DATES if name in names), DATES[0])
    seen = satellite.columns(names)
    if parquet.is_table(path):
        table = parquet.read(path, ["site", date], seen)
    else:
        try:
            how = {"usecols": ["site", date, *seen], "dtype": {"site": str, date: str}, "index_col": False}
            with WholeRows(limits.open_text(path), ",", cut=False) as whole:
                table = pd.read_csv(whole, **how)
        except (OSError, EOFError, ValueError) as error:
            raise TamrlError(f"The table cannot be read: {error}", str(path), "Check its layout") from error
        check_whole(whole, len(table), path.name, notes)
        table = table.rename(columns=seen)
    wrong: list[str] = []
    table = clean(table, date, path.name, notes, wrong, passes=True).sort_values(date)
    if wrong and failures is None:
        raise TamrlError(wrong[0], str(path), "Check the table")
    if failures is not None:
        failures += wrong
    return {str(site): rows.drop(columns="site").set_index(date) for site, rows in table.groupby("site", sort=False)}


def _names(path: Path) -> list[str]:
    """Return the columns of a parquet or CSV file.

    Raises:
        TamrlError: they cannot be read.
    """
    try:
        if parquet.is_table(path):
            return parquet.columns(path)
        with limits.open_text(path) as file:
            return header(path) or [str(name) for name in pd.read_csv(file, nrows=0, encoding_errors="replace").columns]
    except (OSError, EOFError, ValueError) as error:
        raise TamrlError(f"This is not a readable table: {error}", str(path), "Download it again") from error


def clean(
    table: pd.DataFrame,
    date: str,
    label: str,
    notes: list[str],
    failures: list[str],
    failed: set[str] | None = None,
    **how: Any,
) -> pd.DataFrame:
    """Read dates and ids, turn fills into missing, drop repeated days; what is dropped is noted.

    Towers of which more than 5 % of the rows have no readable date, or one that another row has with other values,
    are left out and named in ``failures``; so are columns that are not numbers, which are missing
    as a whole and named in ``failed``.

    Raises:
        TamrlError: the dates or ids as a whole are refused, or more than 5 % of the rows have no site.
    """
    table = table.reset_index(drop=True)
    dates = read_dates(table[date], f"{label}, column {date}", **how)
    notes += [f"{label}: {note}" for note in dates.notes]
    table = table.assign(**{date: dates.days, "site": read_ids(table["site"], label, notes)})
    dated, named = table[date].notna(), table["site"].notna()
    if int((~named).sum()) > REJECTED_SHARE * len(table):
        what = f"{int((~named).sum())} of {len(table)} rows have no site"
        raise TamrlError(what, label, "Write the tower's id in every row")
    good = dated & named
    repeated = good & table[good].duplicated(["site", date]).reindex(table.index, fill_value=False)
    faulty = ~dated
    if repeated.any():
        faulty |= repeated & ~table.duplicated()
    if failing := _failing(table["site"], faulty, dates, label, failures):
        kept = ~table["site"].isin(failing)
        table, good, repeated = table[kept], good[kept], repeated[kept]
    if not good.all():
        notes.append(f"{label}: {int((~good).sum())} rows without a readable date or site rejected{_first(dates)}")
    if repeated.any():
        notes.append(f"{label}: {int(repeated.sum())} repeated site-days rejected, the first of each kept")
    table = table[good & ~repeated]
    values, said, wrong = to_numbers(table.drop(columns=["site", date]), label)
    notes += [f"{label}: {note}" for note in said]
    failures += wrong.values()
    if failed is not None:
        failed |= set(wrong)
    return pd.concat([table[["site", date]], values.astype(np.float32)], axis=1)


def _failing(sites: pd.Series, faulty: pd.Series, dates: Dates, label: str, failures: list[str]) -> set[str]:
    """Return the towers whose dates cannot be trusted, and name them in ``failures``."""
    failing = {str(site) for site in sites[dates.future].dropna()}
    if failing:
        some = ", ".join(sorted(failing)[:6]) + (f" and {len(failing) - 6} more" if len(failing) > 6 else "")
        failures.append(f"{label}: days that are still to come{_first(dates)} at {some}: not ingested")
    sums = pd.DataFrame({"bad": faulty, "all": 1}).groupby(sites).sum()
    counts = {str(site): (int(bad), int(rows)) for site, bad, rows in sums.itertuples() if str(site) not in failing}
    if words := set_aside(counts, label, f"have no readable date{_first(dates)} or one that another row has"):
        failures.append(words)
        failing |= {site for site, (bad, rows) in counts.items() if bad > REJECTED_SHARE * rows}
    return failing


def _first(dates: Dates) -> str:
    return f" (the first: {dates.first_bad!r})" if dates.first_bad else ""


def _known_sites(path: Path, reading: TableReading) -> dict[str, SiteInfo]:
    """Read ``sites.csv``; its absence is noted, its faults are failures that cost no tower."""
    if not path.is_file():
        reading.notes.append(f"{path.name} is not beside the table: towers without position unless --sites is given")
        return {}
    try:
        known, faults = read_sites(path, reading.notes)
    except TamrlError as error:
        known, faults = {}, [str(error)]
    reading.site_faults += faults
    return known


def _read_monthly(path: Path, reading: TableReading) -> dict[str, pd.DataFrame]:
    """Read the monthly drivers by site, index of month starts; empty where the file is absent or unreadable."""
    if not path.exists():
        reading.notes.append(f"{path.name} is not beside the table: no monthly LAI, EVI and precipitation")
        return {}
    try:
        table = parquet.read(path, ["site", "TIMESTAMP"], MONTHLY_COLUMNS)
        table = clean(table, "TIMESTAMP", path.name, reading.notes, reading.failures, step="month")
    except TamrlError as error:
        reading.failures.append(str(error))
        return {}
    groups = table.groupby("site", sort=False, observed=True)
    return {str(site): rows.drop(columns="site").set_index("TIMESTAMP") for site, rows in groups}
