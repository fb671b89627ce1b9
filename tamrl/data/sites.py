"""Where towers are and what grows there: ``sites.csv`` tables and the BIF tables that networks publish."""

import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import pandas as pd

from tamrl import schema
from tamrl.data import limits
from tamrl.data.archive import Tower
from tamrl.errors import TamrlError

SITE_ID = re.compile(r"[A-Z]{2}-[A-Za-z0-9]{3}")
# Names that tables in use give to each column, lower case.
_ALIASES = {
    "site": ("site", "site_id", "siteid", "site id", "id"),
    "name": ("name", "site_name", "site name"),
    "lat": ("lat", "latitude", "location_lat"),
    "lon": ("lon", "long", "longitude", "location_long", "location_lon"),
    "igbp": ("igbp", "igbp_class", "vegetation abbreviation (igbp)"),
    "koeppen": ("koeppen", "koppen", "koppen_class", "koeppen_class", "climate_koeppen", "koppen_main"),
}
_BIF = {
    "LOCATION_LAT": "lat",
    "LOCATION_LONG": "lon",
    "IGBP": "igbp",
    "SITE_NAME": "name",
    "CLIMATE_KOEPPEN": "koeppen",
}


@dataclass(frozen=True)
class SiteInfo:
    """What is known of a tower's place: name, position in degrees (NaN unknown), classes."""

    name: str = ""
    lat: float = float("nan")
    lon: float = float("nan")
    igbp: str = schema.UNKNOWN
    koeppen: str = schema.UNKNOWN

    def apply(self, tower: Tower) -> Tower:
        """Write what is known here into ``tower`` and return it."""
        for item in fields(self):
            value = getattr(self, item.name)
            if value not in ("", schema.UNKNOWN) and value == value:
                setattr(tower, item.name, value)
        return tower

    def filled(self, other: "SiteInfo") -> "SiteInfo":
        """Return this with the gaps filled from ``other``."""
        tower = Tower("", pd.DataFrame())
        for info in (other, self):
            info.apply(tower)
        return SiteInfo(*(getattr(tower, item.name) for item in fields(self)))


def _text(value: object) -> str:
    """Return a cell as text, empty for the many ways of saying nothing."""
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()
    return "" if text.lower() in ("", "nan", "na", "none", "-", "-9999", "unk", schema.UNKNOWN) else text


def _info(site: str, cells: dict[str, object], label: str, faults: list[str]) -> SiteInfo:
    """Make a SiteInfo of raw cells; a cell that does not fit counts as unknown and is named in ``faults``."""
    out: dict = {"name": _text(cells.get("name"))}
    for key, limit in (("lat", 90.0), ("lon", 180.0)):
        text = _text(cells.get(key))
        try:
            out[key] = float(text) if text else math.nan
        except ValueError:
            out[key] = math.inf
        if abs(out[key]) > limit:
            faults.append(f"{label}: {key} {text!r} of {site} is not a position in degrees, taken as unknown")
            out[key] = math.nan
    for key, table in (("igbp", schema.IGBP), ("koeppen", schema.KOEPPEN)):
        out[key] = _text(cells.get(key)) or schema.UNKNOWN
        try:
            schema.check_class(out[key], table, key)
        except TamrlError as error:
            faults.append(f"{label}: {site}: {error} It is taken as unknown.")
            out[key] = schema.UNKNOWN
    return SiteInfo(**out)


def read_sites(path: str | Path) -> tuple[dict[str, SiteInfo], list[str]]:
    """Read a table of towers.

    Args:
        path: CSV with a column ``site`` (or SITE_ID) and any of lat, lon, igbp, koeppen (koppen_class), name.

    Returns:
        Site -> SiteInfo, and the faults found in single cells, in words.

    Raises:
        TamrlError: the file cannot be read or has no site column.
    """
    label = Path(path).name
    try:
        # NA would be a missing value to pandas, and so would be Namibia's first letters.
        with limits.open_text(Path(path), limits.MOST_ABOUT) as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (OSError, EOFError, ValueError) as error:
        raise TamrlError(f"The table of sites cannot be read: {error}", str(path), "Check the file") from error
    lower = {str(column).strip().lower(): column for column in table.columns}
    columns = {}
    for key, names in _ALIASES.items():
        found = [lower[name] for name in names if name in lower]
        if found:
            columns[key] = found[0]
    if "site" not in columns:
        raise TamrlError("The table of sites has no column 'site'", str(path), "Name the column of tower ids 'site'")
    faults: list[str] = []
    known: dict[str, SiteInfo] = {}
    for row in table[list(columns.values())].itertuples(index=False):
        cells = dict(zip(columns, row, strict=True))
        site = _text(cells["site"])
        if site:
            known[site] = _info(site, cells, label, faults)
    return known, faults


def read_bif(file: str | Path | IO[bytes], label: str) -> tuple[dict[str, SiteInfo], list[str]]:
    """Read a BIF (BADM interchange format) table: SITE_ID, GROUP_ID, VARIABLE_GROUP, VARIABLE, DATAVALUE.

    Args:
        file: path or open binary file.
        label: name for messages.

    Returns:
        Site -> SiteInfo, and the faults found in single cells, in words.

    Raises:
        TamrlError: the file cannot be read or has other columns.
    """
    wanted = ["SITE_ID", "VARIABLE", "DATAVALUE"]
    try:
        if isinstance(file, str | Path):
            with limits.open_text(Path(file), limits.MOST_ABOUT) as opened:
                return read_bif(opened, label)
        table = pd.read_csv(file, usecols=wanted, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (OSError, ValueError, EOFError) as error:
        raise TamrlError(f"The BIF table cannot be read: {error}", label, "Check the file") from error
    table = table[table["VARIABLE"].isin(list(_BIF))].drop_duplicates(["SITE_ID", "VARIABLE"])
    faults: list[str] = []
    known = {}
    for site, rows in table.groupby("SITE_ID"):
        cells = {_BIF[name]: value for name, value in zip(rows["VARIABLE"], rows["DATAVALUE"], strict=True)}
        known[str(site)] = _info(str(site), cells, label, faults)
    return known, faults
