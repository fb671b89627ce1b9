"""Reader of the daily CSV files that FLUXNET2015, AmeriFlux FLUXNET, ICOS and the newest FLUXNET releases publish.

Plain, ``.gz`` or inside the published ``.zip``. Missing is -9999; days are local standard time; DD fluxes are in
gC m-2 d-1 and their QC is a share (1 best), so no value is converted.

The fluxes are taken as published: NEE, GPP (night-time partitioning) and RECO (the same) of one variant, the first of
``VARIANTS`` that has all three. The daily reference of each flux is chosen separately by the provider, so
NEE = RECO - GPP need not close (0 to 60 % of days are off by more than 0.1 gC m-2 d-1); ingest reports it.
Closing it by RECO = NEE + GPP was measured on 19 towers against fluxes summed from the half-hourly files: it agrees
no better (median r of RECO 0.9986 against 0.9990; below 0.99 at two towers against one), so published values stay.
"""

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import numpy as np
import pandas as pd

from tamrl.data import limits
from tamrl.data.archive import Tower
from tamrl.data.checks import FIRST_DAY, LAST_DAY
from tamrl.data.numbers import clear_fills, to_numbers
from tamrl.data.sites import SITE_ID
from tamrl.errors import TamrlError

#: Variants of the fluxes, best first: variable or constant u* threshold, reference or median-threshold version.
VARIANTS = ("VUT_REF", "VUT_USTAR50", "CUT_REF", "CUT_USTAR50")
#: Column stem (the variant follows) -> variable of the schema.
FLUX_COLUMNS = {"NEE": "NEE", "GPP_NT": "GPP", "RECO_NT": "RECO", "GPP_DT": "GPP_DT", "RECO_DT": "RECO_DT"}
#: Column -> variable of the schema; the units are the schema's.
DRIVER_COLUMNS = {
    "TA_F": "TA", "SW_IN_F": "SW_IN", "LW_IN_F": "LW_IN", "VPD_F": "VPD", "P_F": "P", "PA_F": "PA", "WS_F": "WS",
    "CO2_F_MDS": "CO2", "SWC_F_MDS_1": "SWC",
}  # fmt: skip

#: Cells of a file that are parsed at once.
_PART_CELLS = 4_000_000

Kind = Literal["daily", "resolution", "auxiliary", "reanalysis", "base", "bif", "varinfo", "unknown"]
_STEPS = {"HH": "half-hourly", "HR": "hourly", "DD": "daily", "WW": "weekly", "MM": "monthly", "YY": "yearly"}
_REASONS: dict[str, str] = {
    "auxiliary": "it holds processing details, no fluxes",
    "reanalysis": "it holds reanalysis meteorology, no fluxes",
    "base": "AmeriFlux BASE is raw half-hourly data without GPP and RECO; ingest reads the FLUXNET product (DD files)",
    "varinfo": "it describes variables, it holds no fluxes",
    "bif": "it describes the tower, it holds no fluxes",
}


@dataclass(frozen=True)
class FileName:
    """What the name of a file says.

    Attributes:
        kind: what the file holds.
        site: tower id, empty where the name has none.
        step: DD, HH, HR, WW, MM, YY or empty.
    """

    kind: Kind
    site: str = ""
    step: str = ""

    @property
    def reason(self) -> str:
        """Why a file of this kind is not ingested, in words."""
        if self.kind == "resolution":
            return f"it is {_STEPS[self.step]} ({self.step}); ingest reads the daily (DD) file of the same product"
        return _REASONS.get(self.kind, "its name is not that of a FLUXNET daily file")


def classify(name: str) -> FileName:
    """Read what a file is from its name; never from its content.

    Args:
        name: file name, with or without folder, ``.csv`` and ``.gz``.
    """
    stem = re.sub(r"(\.csv)?(\.gz)?$", "", PurePosixPath(name.replace("\\", "/")).name, flags=re.IGNORECASE)
    tokens = stem.split("_")
    site = next((token for token in tokens if SITE_ID.fullmatch(token)), "")
    step = next((token for token in tokens if token in _STEPS), "")
    kind: Kind = "unknown"
    if "BIFVARINFO" in tokens:
        kind = "varinfo"
    elif "BIF" in tokens:
        kind = "bif"
    elif "BASE" in tokens:
        kind = "base"
    elif any(token.startswith("AUX") for token in tokens):
        kind = "auxiliary"
    elif {"ERA5", "ERAI"} & set(tokens):
        kind = "reanalysis"
    elif step and site and any(token.startswith("FLUXNET") for token in tokens):
        kind = "daily" if step == "DD" else "resolution"
    return FileName(kind, site, step)


def read_csv(path: str | Path) -> Tower:
    """Read one daily file, plain or gz; the tower's id comes from the file name.

    Raises:
        TamrlError: the file is empty, cut off, not daily, without a tower id, or lacks TIMESTAMP or every flux.
    """
    path = Path(path)
    return _guarded(partial(limits.open_text, path), path.name, path.name)


def read_member(archive: zipfile.ZipFile, member: str, label: str) -> Tower:
    """Read one daily file inside an open zip, see ``read_csv``."""
    return _guarded(partial(limits.open_member, archive, member, label), member, label)


def _guarded(opener: Callable[[], IO[bytes]], name: str, label: str) -> Tower:
    """Read a tower, turning what damaged files raise into words."""
    found = SITE_ID.search(name)
    try:
        columns = _header(opener, label)
        if not found:
            what = "The file name has no tower id such as AU-Lox"
            raise TamrlError(what, label, "Rename it to FLX_<site>_FLUXNET2015_SUBSET_DD_<years>.csv")
        tower = Tower(found.group(), pd.DataFrame(), source=label)
        raw = _read_columns(opener, columns, label)
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise TamrlError(f"The file is cut off or damaged: {error}", label, "Download it again") from error
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise TamrlError(f"The file cannot be read: {error}", label, "Download it again") from error
    return _tower(tower, raw, columns, label)


def _header(opener: Callable[[], IO[bytes]], label: str) -> list[str]:
    """Return the column names of a daily file; say what it is instead where it is none."""
    with closing(opener()) as file:
        # A FULLSET header has about 6 kB; more than this is no header.
        line = file.readline(1_000_000).decode("utf-8-sig", errors="replace").strip()
    if not line:
        raise TamrlError("The file is empty", label, "Download it again")
    columns = [column.strip().strip('"') for column in line.split(",")]
    if "TIMESTAMP_START" in columns:
        raise TamrlError("The file is half-hourly or hourly", label, "Give the daily (DD) file of the same product")
    if line.startswith("# Site:"):
        raise TamrlError("The file is AmeriFlux BASE, raw data without GPP and RECO", label, "Give the FLUXNET DD file")
    if "TIMESTAMP" not in columns:
        what = f"The file has no column TIMESTAMP; its columns are {', '.join(columns[:6])[:120]}"
        raise TamrlError(what, label, "Give a FLUXNET daily (DD) file")
    if not any(f"{stem}_{variant}" in columns for stem in ("NEE", "GPP_NT", "RECO_NT") for variant in VARIANTS):
        what = f"The file has no flux column (NEE, GPP_NT or RECO_NT as {', '.join(VARIANTS)})"
        raise TamrlError(what, label, "Give a FLUXNET daily (DD) file")
    return columns


def _wanted(columns: list[str]) -> list[str]:
    """Return the columns to read: all flux variants, the drivers, and the last column, which marks a whole line."""
    fluxes = {f"{stem}_{variant}" for stem in FLUX_COLUMNS for variant in VARIANTS}
    quality = {f"NEE_{variant}_QC" for variant in VARIANTS}
    wanted = fluxes | quality | set(DRIVER_COLUMNS) | {"TIMESTAMP", columns[-1]}
    return [column for column in dict.fromkeys(columns) if column in wanted]


def _read_columns(opener: Callable[[], IO[bytes]], columns: list[str], label: str) -> pd.DataFrame:
    """Read the wanted columns; nothing else of the file is kept in memory."""
    parts, rows = [], 0
    # By parts: the parser keeps the text of all columns of what it reads at once.
    with (
        closing(opener()) as file,
        pd.read_csv(
            file,
            usecols=_wanted(columns),
            dtype={"TIMESTAMP": str},
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
            limits.check_rows(rows, label)
    return pd.concat(parts) if len(parts) != 1 else parts[0]


def _tower(tower: Tower, raw: pd.DataFrame, columns: list[str], label: str) -> Tower:
    """Turn the raw columns into a tower: dates, one variant of the fluxes, missing values."""
    _check_end(raw, columns[-1], label)
    raw = _dated(raw, tower, label)
    values, notes, faults = to_numbers(raw, label)
    tower.notes += notes
    tower.faults += faults.values()
    variant = _choose(values)
    names = {f"{stem}_{variant}": name for stem, name in FLUX_COLUMNS.items()}
    names |= {f"NEE_{variant}_QC": "QC"} | DRIVER_COLUMNS
    tower.failed |= {names[column] for column in faults if column in names}
    there = [column for column in names if column in values]
    tower.table = clear_fills(values[there].rename(columns=names), tower.notes).astype(np.float32)
    tower.source = f"{label} ({variant})"
    if variant != VARIANTS[0]:
        tower.notes.append(f"fluxes are {variant}, since {VARIANTS[0]} is not complete in the file")
    absent = [name for name in ("NEE", "GPP", "RECO", "QC", "TA", "SW_IN", "VPD") if name not in tower.table]
    if absent:
        tower.notes.append(f"the file has no {', '.join(absent)}")
    return tower


def _check_end(raw: pd.DataFrame, last: str, label: str) -> None:
    """Refuse a file whose last line was cut off: published files write -9999, never an empty cell.

    Half a record must not replace a whole one in the archive.
    """
    if len(raw) > 1 and pd.isna(raw[last].iloc[-1]) and raw[last].iloc[:-1].notna().all():
        raise TamrlError("The file is cut off in its last line", label, "Download it again")


def _dated(raw: pd.DataFrame, tower: Tower, label: str) -> pd.DataFrame:
    """Index the rows by day, ascending; rows without a readable day and repeated days are set aside and noted."""
    stamps = raw["TIMESTAMP"].astype(str).str.strip()
    if len(stamps) and (stamps.str.len() == 6).mean() > 0.5:
        raise TamrlError("The file is monthly", label, "Give the daily (DD) file of the same product")
    if len(stamps) and (stamps.str.len() == 4).mean() > 0.5:
        raise TamrlError("The file is yearly", label, "Give the daily (DD) file of the same product")
    days = pd.to_datetime(stamps.where(stamps.str.fullmatch(r"\d{8}")), format="%Y%m%d", errors="coerce")
    good = days.between(FIRST_DAY, LAST_DAY)
    if not good.any():
        raise TamrlError("The file has no row with a day (YYYYMMDD)", label, "Give a FLUXNET daily (DD) file")
    if not good.all():
        tower.notes.append(f"{int((~good).sum())} rows without a readable day set aside")
    rows = raw.drop(columns="TIMESTAMP").set_index(pd.DatetimeIndex(days, name="date"))[good.to_numpy()]
    repeated = rows.index.duplicated()
    if repeated.any():
        tower.notes.append(f"{int(repeated.sum())} repeated days set aside, the first of each kept")
    return rows[~repeated].sort_index()


def _choose(values: pd.DataFrame) -> str:
    """Return the first variant with the most of NEE, GPP and RECO that hold any value."""

    def complete(variant: str) -> int:
        columns = [f"{stem}_{variant}" for stem in ("NEE", "GPP_NT", "RECO_NT")]
        return sum(column in values and bool(values[column].notna().any()) for column in columns)

    return max(VARIANTS, key=complete)  # max returns the first of equals
