"""Reader of BIF (BADM interchange format) tables: what networks publish about their towers, in dated groups."""

from pathlib import Path
from typing import IO, Any

import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.readers.date_forms import span
from tamrl.towers.readers.ids import tower_id
from tamrl.towers.readers.site_values import Faults, check, text_of
from tamrl.towers.readers.sites import SiteInfo
from tamrl.towers.readers.spells import Spell
from tamrl.towers.readers.text import read_table
from tamrl.towers.readers.workbook import read_sheet

#: Variable of the BIF -> field of ``SiteInfo``.
VARIABLES = {
    "LOCATION_LAT": "lat",
    "LOCATION_LONG": "lon",
    "IGBP": "igbp",
    "SITE_NAME": "name",
    "CLIMATE_KOEPPEN": "koeppen",
    "UTC_OFFSET": "utc_offset",
}
_STARTS, _ENDS = ("_DATE_START", "_DATE"), ("_DATE_END",)


def read_bif(
    file: str | Path | IO[bytes], label: str, notes: list[str] | None = None
) -> tuple[dict[str, SiteInfo], list[str]]:
    """Read a BIF table: SITE_ID, GROUP_ID, VARIABLE_GROUP, VARIABLE, DATAVALUE.

    Several groups of a kind are kept with their dates (YYYY, YYYYMM, YYYYMMDD or with a time), so that the one that
    is valid for a tower's record can be taken (``SiteInfo.apply``).

    Args:
        file: path or open binary file.
        label: name for messages; its ending says whether it is CSV or an Excel workbook.
        notes: assumptions are added.

    Returns:
        Site -> SiteInfo, and the faults found, in words, one per variable.

    Raises:
        TamrlError: the file cannot be read or has other columns.
    """
    if label.lower().endswith(".xlsx"):
        table = read_sheet(file, label)
    else:
        table = read_table(file, label, notes if notes is not None else [])
    table.columns = [str(column).strip().upper() for column in table.columns]
    missing = [name for name in ("SITE_ID", "VARIABLE", "DATAVALUE") if name not in table]
    if missing:
        raise TamrlError(f"The BIF table has no column {', '.join(missing)}", label, "Check the file")
    faults = Faults(label)
    known = {}
    for site, rows in table.groupby("SITE_ID", sort=True):
        name = tower_id(text_of(site))
        if name:
            known[name] = _info(name, rows, faults)
    return {site: info for site, info in known.items() if info.spells or info.known()}, faults.words()


def _info(site: str, rows: pd.DataFrame, faults: Faults) -> SiteInfo:
    """Return what the groups of one tower say."""
    spells: dict[str, list[Spell]] = {}
    keys = rows["GROUP_ID"] if "GROUP_ID" in rows else pd.Series("", index=rows.index)
    groups = [_cells(group) for _, group in rows.groupby(keys, sort=False)]
    whole = any({"LOCATION_LAT", "LOCATION_LONG"} <= set(cells) for cells in groups)
    for cells in groups:
        start, end = _dates(site, cells, faults)
        for variable, key in VARIABLES.items():
            if variable not in cells or (whole and key in ("lat", "lon") and not _is_place(cells)):
                continue
            value = check(key, cells[variable], site, faults)
            if value not in ("", schema.UNKNOWN) and value == value:
                spells.setdefault(key, []).append(Spell(key, value, start, end))
    plain: dict[str, Any] = {
        key: found[0].value for key, found in spells.items() if len({spell.value for spell in found}) == 1
    }
    dated = [spell for key, found in spells.items() if key not in plain for spell in found]
    return SiteInfo(**plain, spells=tuple(dated))


def _is_place(cells: dict[str, str]) -> bool:
    return {"LOCATION_LAT", "LOCATION_LONG"} <= set(cells)


def _cells(group: pd.DataFrame) -> dict[str, str]:
    """Return variable -> value of a group, the first of each."""
    cells: dict[str, str] = {}
    for name, value in zip(group["VARIABLE"], group["DATAVALUE"], strict=True):
        cells.setdefault(str(name).strip().upper(), str(value).strip())
    return cells


def _dates(site: str, cells: dict[str, str], faults: Faults) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the first and last day of a group, None where it gives none; a date that cannot be read is a fault."""
    found: list[pd.Timestamp | None] = []
    for endings, which in ((_STARTS, 0), (_ENDS, 1)):
        text = next((cells[name] for ending in endings for name in cells if name.endswith(ending)), "")
        dates = span(text) if text_of(text) else None
        if text_of(text) and dates is None:
            faults.add(f"the date {text!r} of a group of {site} cannot be read; the group counts as undated")
        found.append(pd.Timestamp(dates[which]) if dates else None)
    return found[0], found[1]
