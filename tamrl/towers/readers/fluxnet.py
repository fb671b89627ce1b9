"""Reader of the daily CSV files that FLUXNET2015, AmeriFlux FLUXNET, ICOS and the newest FLUXNET releases publish.

Those of JapanFlux2024 and FluxDataKit, which follow them but for the names of some columns, are read as well.

Plain, ``.gz`` or inside the published ``.zip``. Missing is -9999; days are local standard time; DD fluxes are in
gC m-2 d-1 and their NEE_QC is a fraction (1 best), so no value is converted.

The fluxes are taken as published: NEE, GPP (night-time partitioning) and RECO (the same) of one variant, the first of
``VARIANTS`` that has all three. The daily reference of each flux is chosen separately by the provider, so
NEE = RECO - GPP need not close (0 to 60 % of days are off by more than 0.1 gC m-2 d-1); ingest reports it.
Closing it by RECO = NEE + GPP was measured on 19 towers against fluxes summed from the half-hourly files: agreement is
no better (median r of RECO 0.9986 against 0.9990; below 0.99 at two towers against one), so published values stay.
"""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.schema import VARIABLES
from tamrl.towers.archive import Tower
from tamrl.towers.readers import limits
from tamrl.towers.readers.dates import read_dates, set_aside
from tamrl.towers.readers.ids import tower_id
from tamrl.towers.readers.names import SITE_ID, classify, find_id, release
from tamrl.towers.readers.numbers import clear_fills, to_numbers
from tamrl.towers.readers.ragged import WholeRows
from tamrl.towers.readers.text import separator

#: Variants of the fluxes, best first: variable or constant u* threshold, reference or median-threshold version.
#: JapanFlux2024 (Ueyama et al. 2025, doi:10.5194/essd-17-3807-2025) writes vUT for its reference with a variable
#: threshold.
VARIANTS = ("VUT_REF", "VUT_USTAR50", "CUT_REF", "CUT_USTAR50", "vUT", "vUT_USTAR50")
#: Column stem (the variant follows) -> variable of the schema.
FLUX_COLUMNS = {"NEE": "NEE", "GPP_NT": "GPP", "RECO_NT": "RECO", "GPP_DT": "GPP_DT", "RECO_DT": "RECO_DT"}
#: Column -> variable of the schema, in its units; the same where the file lacks that column.
DRIVER_COLUMNS = {v.columns[0]: v.name for v in VARIABLES.values() if v.columns}
OTHER_COLUMNS = {column: v.name for v in VARIABLES.values() for column in v.columns[1:]}
#: Cells of a file that are parsed at once.
_PART_CELLS = 4_000_000
# Columns that may name the tower, in small letters.
_ID_COLUMNS = ("site", "site_id", "siteid", "sitename", "site_code", "fluxnet_id")
_DAILY = "Give the daily (DD) file of the same product"
_UNREAD = (
    "Its fluxes are in columns that ingest does not read; rename them to NEE_VUT_REF, GPP_NT_VUT_REF, RECO_NT_VUT_REF"
)

__all__ = ["FLUX_COLUMNS", "SITE_ID", "VARIANTS", "classify", "read_csv", "read_member"]


def read_csv(path: str | Path) -> Tower:
    """Read one daily file, plain or gz; the tower's id comes from the file name, or from a column that names it.

    Raises:
        TamrlError: the file is empty, cut off, too large, not daily, without a tower id or with two, lacks TIMESTAMP or
            every flux, or more than 5 % of its rows have no date or one that another row has.
    """
    path = Path(path)
    return _guarded(partial(limits.open_text, path), path.name, path.name)


def read_member(archive: zipfile.ZipFile, member: str, label: str) -> Tower:
    """Read one daily file inside an open zip, plain or gz, see ``read_csv``.

    Raises:
        TamrlError: as ``read_csv``.
    """
    return _guarded(partial(limits.open_member, archive, member, label), member, label)


def _guarded(opener: Callable[[], IO[bytes]], name: str, label: str) -> Tower:
    """Read a tower."""
    with in_words(label):
        columns = _header(opener, label)
        raw, ragged = read_columns(opener, columns, wanted(columns), ["TIMESTAMP"], label)
    tower = Tower(site=identity(raw, name, label), table=pd.DataFrame(), source=label, release=release(name))
    return _tower(tower, raw, columns, label, ragged)


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """Turn what damaged files raise into a TamrlError."""
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise TamrlError(f"The file is cut off or damaged: {error}", label, "Download it again") from error
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise TamrlError(f"The file cannot be read: {error}", label, "Download it again") from error


def identity(raw: pd.DataFrame, name: str, label: str) -> str:
    """Return the tower's id from the name of the file and the column that names it; drop that column.

    Raises:
        TamrlError: there is none, or more than one.
    """
    named, why = find_id(name)
    for column in [c for c in raw.columns if c.lower() in _ID_COLUMNS]:
        inside = list(dict.fromkeys(tower_id(text) for text in raw.pop(column).dropna().astype(str)))
        if len(inside) > 1:
            what = f"The file holds {len(inside)} towers ({', '.join(inside[:3])} ...)"
            raise TamrlError(what, label, "Give one file a tower, or a parquet table with a column site")
        if not inside or not SITE_ID.fullmatch(inside[0]):
            continue
        if named and inside[0] != named:
            what = f"The file name says {named}, its column {column} says {inside[0]}"
            raise TamrlError(what, label, "Rename the file after the tower that it holds")
        named = inside[0]
    if not named:
        raise TamrlError(why, label, "Rename it to FLX_<site>_FLUXNET2015_SUBSET_DD_<years>.csv")
    return named


def _header(opener: Callable[[], IO[bytes]], label: str) -> list[str]:
    """Return the column names of a daily file; raise with what it is instead where it is not one."""
    with closing(opener()) as file:
        # A FULLSET header has about 6 kB; more than this is not a header.
        line = file.readline(1_000_000).decode("utf-8-sig", errors="replace").strip()
    if not line:
        raise TamrlError("The file is empty", label, "Download it again")
    columns = [column.strip().strip('"') for column in line.split(separator(line))]
    if "TIMESTAMP_START" in columns:
        raise TamrlError("The file is half-hourly or hourly", label, _DAILY)
    if line.startswith("# Site:"):
        raise TamrlError("The file is AmeriFlux BASE, raw data without GPP and RECO", label, "Give the FLUXNET DD file")
    if "TIMESTAMP" not in columns:
        what = f"The file has no column TIMESTAMP; its columns are {', '.join(columns[:6])[:120]}"
        raise TamrlError(what, label, "Give a FLUXNET daily (DD) file")
    if not any(f"{stem}_{variant}" in columns for stem in ("NEE", "GPP_NT", "RECO_NT") for variant in VARIANTS):
        what = f"The file has no flux column (NEE, GPP_NT or RECO_NT as {', '.join(VARIANTS)})"
        like = [column for column in columns if column.upper().startswith(("NEE", "GPP", "RECO"))]
        if like:
            raise TamrlError(f"{what}; it has {', '.join(like[:4])[:120]}", label, _UNREAD)
        raise TamrlError(what, label, "Give a FLUXNET daily (DD) file")
    return columns


def wanted(columns: list[str]) -> list[str]:
    """Return the columns of values to read: all flux variants and the drivers."""
    fluxes = {f"{stem}_{variant}" for stem in FLUX_COLUMNS for variant in VARIANTS}
    quality = {f"NEE_{variant}_QC" for variant in VARIANTS}
    others = {column for column, name in OTHER_COLUMNS.items() if not _has(columns, name)}
    return [column for column in columns if column in fluxes | quality | set(DRIVER_COLUMNS) | others]


def _has(columns: list[str], variable: str) -> bool:
    return any(name == variable and column in columns for column, name in DRIVER_COLUMNS.items())


def _separator(opener: Callable[[], IO[bytes]]) -> str:
    with closing(opener()) as file:
        return separator(file.readline(1_000_000).decode("utf-8-sig", errors="replace"))


def read_columns(
    opener: Callable[[], IO[bytes]],
    columns: list[str],
    values: list[str],
    times: list[str],
    label: str,
    most_rows: int | None = None,
) -> tuple[pd.DataFrame, WholeRows]:
    """Read some columns of a delimited text, those that may name the tower and the last one, which marks a whole line.

    Args:
        opener: opens the text at its header.
        columns: of the header.
        values: those to read.
        times: those to read as text.
        label: name for messages.
        most_rows: that the file may have; those of a daily file where None.

    Returns:
        The rows, and what counted the ragged ones among them.

    Raises:
        TamrlError: it has more rows.
    """
    names = [column for column in dict.fromkeys(columns) if column.lower() in _ID_COLUMNS]
    used = {*values, *times, *names, columns[-1]}
    text = dict.fromkeys((*times, *names), str)
    sep = _separator(opener)
    parts, rows = [], 0  # by parts: the parser keeps the text of all columns of what it reads at once
    with (
        WholeRows(opener(), sep) as whole,
        pd.read_csv(
            whole,
            index_col=False,
            sep=sep,
            decimal="," if sep == ";" else ".",
            usecols=[column for column in dict.fromkeys(columns) if column in used],
            dtype=text,
            skipinitialspace=True,
            encoding_errors="replace",
            encoding="utf-8-sig",
            low_memory=False,
            chunksize=_PART_CELLS // len(columns) + 1,
        ) as reader,
    ):
        for part in reader:
            parts.append(part)
            rows += len(part)
            limits.check_rows(rows, label, most_rows)
    return (pd.concat(parts, ignore_index=True) if len(parts) != 1 else parts[0]), whole


def _tower(tower: Tower, raw: pd.DataFrame, columns: list[str], label: str, ragged: WholeRows) -> Tower:
    """Turn the raw columns into a tower: dates, one variant of the fluxes, missing values."""
    check_end(raw, columns[-1], label)
    raw = _dated(raw, tower, label, ragged)
    values, notes, faults = to_numbers(raw, label)
    tower.notes += notes
    tower.table = named(tower, values, faults, columns, label).astype(np.float32)
    return tower


def named(tower: Tower, values: pd.DataFrame, faults: dict[str, str], columns: list[str], label: str) -> pd.DataFrame:
    """Return values under the names of the schema, in the units of the file; the fluxes are those of one variant.

    Args:
        tower: what was taken, is absent or could not be read is noted in it, and its source and variant.
        values: as published.
        faults: of columns that could not be read, see ``to_numbers``.
        columns: of the file.
        label: name for messages.
    """
    tower.faults += faults.values()
    variant = _choose(values)
    names = {f"{stem}_{variant}": name for stem, name in FLUX_COLUMNS.items()}
    names |= {f"NEE_{variant}_QC": "NEE_QC"} | DRIVER_COLUMNS | OTHER_COLUMNS
    tower.failed |= {names[column] for column in faults if column in names}
    there = [column for column in names if column in values]
    table = clear_fills(values[there].rename(columns=names), tower.notes)
    tower.source, tower.variant = f"{label} ({variant})", variant
    instead = [column for column in OTHER_COLUMNS if column in values]
    if instead:
        lacks = [column for column, name in DRIVER_COLUMNS.items() if name in {OTHER_COLUMNS[c] for c in instead}]
        tower.notes.append(f"{', '.join(instead)} taken, since the file lacks {', '.join(lacks)}")
    if tower.release.processing == "FluxDataKit":
        unread = [column for column in ("LAI", "FPAR") if column in columns]
        more = f"; its {' and '.join(unread)} are not read, give them as a satellite series" if unread else ""
        tower.notes.append(f"the units of FLUXNET daily files are assumed, FluxDataKit does not state them{more}")
    if "vUT" in variant:
        tower.notes.append(f"fluxes are {variant}, those of JapanFlux2024 with a variable u* threshold")
    elif variant != VARIANTS[0]:
        tower.notes.append(f"fluxes are {variant}, since {VARIANTS[0]} is not complete in the file")
    absent = [name for name in ("NEE", "GPP", "RECO", "NEE_QC", "TA", "SW_IN", "VPD") if name not in table]
    if absent:
        tower.notes.append(f"the file has no {', '.join(absent)}")
    return table


def check_end(raw: pd.DataFrame, last: str, label: str) -> None:
    """Refuse a file whose last line was cut off: published files write -9999, never an empty cell.

    Half a record must not replace a whole one in the archive.

    Args:
        raw: rows as read.
        last: name of the last column.
        label: name for messages.

    Raises:
        TamrlError: the last line lacks its last cell.
    """
    if last in raw and len(raw) > 1 and pd.isna(raw[last].iloc[-1]) and raw[last].iloc[:-1].notna().all():
        raise TamrlError("The file is cut off in its last line", label, "Download it again")


def _dated(raw: pd.DataFrame, tower: Tower, label: str, ragged: WholeRows) -> pd.DataFrame:
    """Index the rows by day, ascending; ragged rows, rows without a readable day and repeated days are noted."""
    stamps = raw["TIMESTAMP"].astype(str).str.strip()
    if len(stamps) and (stamps.str.len() == 6).mean() > 0.5:
        raise TamrlError("The file is monthly", label, _DAILY)
    if len(stamps) and (stamps.str.len() == 4).mean() > 0.5:
        raise TamrlError("The file is yearly", label, _DAILY)
    found = read_dates(raw["TIMESTAMP"], f"{label}, column TIMESTAMP")
    good = found.days.notna()
    if words := set_aside({tower.site: (ragged.count, len(raw) + ragged.count)}, label, ragged.reason):
        raise TamrlError(words, "", "Check the separators of the file")
    if found.future.any():
        what = f"A row has a day that is still to come, {stamps[found.future].iloc[0]!r}: its dates cannot be right"
        raise TamrlError(what, f"{label}, column TIMESTAMP", "Correct the dates, or remove the row")
    if not good.any():
        raise TamrlError("The file has no row with a day (YYYYMMDD)", label, "Give a FLUXNET daily (DD) file")
    tower.notes += found.notes
    if ragged.count:
        tower.notes.append(f"{ragged.count} rows rejected, which {ragged.reason}")
    if not good.all():
        tower.notes.append(
            f"{int((~good).sum())} rows without a readable day rejected, the first has {found.first_bad!r}"
        )
    rows = raw.assign(TIMESTAMP=found.days)[good]
    repeated = rows["TIMESTAMP"].duplicated()
    differing = repeated & ~rows.duplicated()
    bad = int((~good).sum() + differing.sum()) + ragged.count
    first = f" (the first: {found.first_bad!r})" if found.first_bad else ""
    faults = f"have no day that can be read{first}, or one that another row has"
    if words := set_aside({tower.site: (bad, len(raw) + ragged.count)}, label, faults):
        raise TamrlError(words, "", "Check the column TIMESTAMP")
    if repeated.any():
        tower.notes.append(f"{int(repeated.sum())} repeated days rejected, the first of each kept")
    rows = rows[~repeated]
    days = pd.DatetimeIndex(rows.pop("TIMESTAMP"), name="date")
    return rows.set_index(days).sort_index()


def _choose(values: pd.DataFrame) -> str:
    """Return the first variant with the most of NEE, GPP and RECO that hold any value."""

    def complete(variant: str) -> int:
        columns = [f"{stem}_{variant}" for stem in ("NEE", "GPP_NT", "RECO_NT")]
        return sum(column in values and bool(values[column].notna().any()) for column in columns)

    return max(VARIANTS, key=complete)  # max returns the first of equals
