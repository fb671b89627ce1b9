"""Reader of the table layout: one folder with ``daily.parquet``, ``sites.csv`` and, if there, ``monthly.parquet``.

Monthly LAI and EVI are interpolated to the days of the tower's record, monthly precipitation is repeated on them
(``tamrl.data.interpolate``). Satellite variables in the daily table, at whatever step, take their place, and so do
those of further files (``read_series``).
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tamrl.data import limits, satellite
from tamrl.data.archive import Tower
from tamrl.data.checks import FIRST_DAY, LAST_DAY
from tamrl.data.interpolate import months_to_days
from tamrl.data.numbers import to_numbers
from tamrl.data.sites import SiteInfo, read_sites
from tamrl.errors import TamrlError

#: Column of daily.parquet -> variable of the schema; units are the schema's already.
DAILY_COLUMNS = {
    "GPP_NT": "GPP", "RECO_NT": "RECO", "NEE": "NEE", "NEE_QC": "QC", "GPP_DT": "GPP_DT", "RECO_DT": "RECO_DT",
    "TA": "TA", "TA_MIN": "TA_MIN", "TA_MAX": "TA_MAX", "SW_IN": "SW_IN", "VPD": "VPD", "LW_IN": "LW_IN", "P": "P",
    "PA": "PA", "WS": "WS", "CO2": "CO2", "SWC": "SWC",
}  # fmt: skip
#: Names that the date of a satellite series may have.
DATES = ("date", "time")
#: Column of monthly.parquet -> variable of the schema.
MONTHLY_COLUMNS = {"P_F": "P_MON", "LAI": "LAI", "EVI": "EVI"}


@dataclass
class Reading:
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


def read_tables(folder: str | Path, sites: dict[str, SiteInfo] | None = None) -> Reading:
    """Read all towers of a table folder.

    Args:
        folder: the folder, or its daily parquet file.
        sites: positions and classes that take precedence over those of ``sites.csv``.

    Returns:
        One Tower a site of the daily table, also those that ``sites.csv`` does not know (noted); rows of
        ``sites.csv`` without daily data are noted too.

    Raises:
        TamrlError: the daily table cannot be read or lacks ``date``, ``site`` or every flux.
    """
    path = Path(folder)
    daily = path if path.is_file() else path / "daily.parquet"
    seen = satellite.columns(_names(daily) if daily.suffix == ".parquet" else [])
    table = _read_parquet(daily, ["date", "site"], DAILY_COLUMNS | seen)
    if not {"GPP", "RECO", "NEE"} & set(table.columns):
        raise TamrlError("The table has no flux column (GPP_NT, RECO_NT or NEE)", str(daily), "Check its columns")
    reading = Reading()
    faults: dict[str, str] = {}
    table = _clean(table, "date", daily.name, reading.notes, faults)
    reading.failures += faults.values()
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
        tower = Tower(str(site), frame, source=daily.name, failed=set(faults))
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
    """Say whether a parquet or CSV file holds satellite variables by site and date, and no flux."""
    try:
        names = _names(path)
    except TamrlError:
        return False
    no_flux = not {"GPP", "RECO", "NEE"} & {DAILY_COLUMNS.get(name) for name in names}
    return "site" in names and bool(set(DATES) & set(names)) and bool(satellite.columns(names)) and no_flux


def read_series(path: Path, notes: list[str], faults: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read satellite variables by site and date from a parquet or CSV file.

    Args:
        path: table with ``site``, ``date`` (or ``time``) and columns such as ``fapar``, ``LAI``, ``EVI``.
        notes: what was set aside is added.
        faults: columns that are no numbers are added; to ``notes`` where there is no such list.

    Returns:
        by site the rows at the dates of the file, columns as ``satellite.columns`` names them.

    Raises:
        TamrlError: the file cannot be read or is of another kind.
    """
    names = _names(path)
    date = next((name for name in DATES if name in names), DATES[0])
    seen = satellite.columns(names)
    if path.suffix == ".parquet":
        table = _read_parquet(path, ["site", date], seen)
    else:
        try:
            with limits.open_text(path) as file:
                table = pd.read_csv(file, usecols=["site", date, *seen]).rename(columns=seen)
        except (OSError, EOFError, ValueError) as error:
            raise TamrlError(f"The table cannot be read: {error}", str(path), "Check its layout") from error
    wrong: dict[str, str] = {}
    table = _clean(table, date, path.name, notes, wrong).sort_values(date)
    (notes if faults is None else faults).extend(wrong.values())
    return {str(site): rows.drop(columns="site").set_index(date) for site, rows in table.groupby("site", sort=False)}


def _names(path: Path) -> list[str]:
    """Return the columns of a parquet or CSV file.

    Raises:
        TamrlError: they cannot be read.
    """
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            return pq.read_schema(path).names
        with limits.open_text(path) as file:
            return [str(name) for name in pd.read_csv(file, nrows=0, encoding_errors="replace").columns]
    except (OSError, EOFError, ValueError) as error:
        kind = "parquet file" if path.suffix == ".parquet" else "table"
        raise TamrlError(f"This is not a readable {kind}: {error}", str(path), "Download it again") from error


def _read_parquet(path: Path, keys: list[str], wanted: dict[str, str]) -> pd.DataFrame:
    """Read the key columns and those of ``wanted`` that are there, renamed to the schema."""
    import pyarrow.parquet as pq

    try:
        there = pq.read_schema(path).names
        missing = [key for key in keys if key not in there]
        if missing:
            raise TamrlError(f"The table lacks the column {', '.join(missing)}", str(path), "Check its layout")
        columns = [*keys, *(name for name in wanted if name in there)]
        limits.check_parquet(path, columns)
        table = pq.read_table(path, columns=columns).to_pandas()
    except (OSError, ValueError) as error:
        raise TamrlError(f"This is not a readable parquet file: {error}", str(path), "Download it again") from error
    return table.rename(columns=wanted)


def _clean(table: pd.DataFrame, date: str, label: str, notes: list[str], faults: dict[str, str]) -> pd.DataFrame:
    """Parse dates, turn fills into missing, drop repeated days; what is dropped is noted, text columns are faults."""
    days = pd.to_datetime(_as_text_dates(table[date]), errors="coerce").dt.normalize()
    readable = days.between(FIRST_DAY, LAST_DAY) & table["site"].notna()
    if not readable.all():
        notes.append(f"{label}: {int((~readable).sum())} rows without a readable date or site set aside")
    table = table.assign(**{date: days, "site": table["site"].astype(str)})[readable]
    repeated = table.duplicated(["site", date])
    if repeated.any():
        notes.append(f"{label}: {int(repeated.sum())} repeated site-days set aside, the first of each kept")
        table = table[~repeated]
    values, said, wrong = to_numbers(table.drop(columns=["site", date]), label)
    notes += [f"{label}: {note}" for note in said]
    faults |= wrong
    return pd.concat([table[["site", date]], values.astype(np.float32)], axis=1)


def _as_text_dates(column: pd.Series) -> pd.Series:
    """Return whole-number dates (YYYYMMDD) as text, which ``to_datetime`` reads right; others unchanged."""
    return column.astype(str) if pd.api.types.is_integer_dtype(column) else column


def _known_sites(path: Path, reading: Reading) -> dict[str, SiteInfo]:
    """Read ``sites.csv``; its absence is noted, its faults are failures that cost no tower."""
    if not path.is_file():
        reading.notes.append(f"{path.name} is not beside the table: towers without position unless --sites is given")
        return {}
    try:
        known, faults = read_sites(path)
    except TamrlError as error:
        known, faults = {}, [str(error)]
    reading.site_faults += faults
    return known


def _read_monthly(path: Path, reading: Reading) -> dict[str, pd.DataFrame]:
    """Read the monthly drivers by site, index of month starts; empty where the file is absent or unreadable."""
    if not path.is_file():
        reading.notes.append(f"{path.name} is not beside the table: no monthly LAI, EVI and precipitation")
        return {}
    try:
        table = _read_parquet(path, ["site", "TIMESTAMP"], MONTHLY_COLUMNS)
    except TamrlError as error:
        reading.failures.append(str(error))
        return {}
    month = pd.to_datetime(table["TIMESTAMP"].astype(str), format="%Y%m", errors="coerce")
    faults: dict[str, str] = {}
    table = _clean(table.assign(TIMESTAMP=month), "TIMESTAMP", path.name, reading.notes, faults)
    reading.failures += faults.values()
    groups = table.groupby("site", sort=False, observed=True)
    return {str(site): rows.drop(columns="site").set_index("TIMESTAMP") for site, rows in groups}
