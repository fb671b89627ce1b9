"""Positions and classes of towers: tables of sites. For the BIF tables that networks publish see ``bif``."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.archive import Tower
from tamrl.towers.readers.ids import tower_id
from tamrl.towers.readers.names import SITE_ID
from tamrl.towers.readers.site_values import Faults, check, text_of
from tamrl.towers.readers.spells import Spell, choose
from tamrl.towers.readers.text import read_table

# Names that tables in use give to each column, in small letters with underscores between words.
_ALIASES = {
    "site": ("site", "site_id", "siteid", "id", "sitename", "site_code", "sitecode", "fluxnet_id", "station_id"),
    "name": ("name", "site_name", "long_name", "station_name"),
    "lat": ("lat", "latitude", "location_lat"),
    "lon": ("lon", "long", "longitude", "location_long", "location_lon"),
    "utc_offset": ("utc_offset", "utc_offset_h", "utc_offset_hours", "gmt_offset"),
    "igbp": ("igbp", "igbp_class", "vegetation_abbreviation_igbp", "igbp_land_use", "igbp_veg_short", "veg_igbp"),
    "koeppen": (
        "koeppen",
        "koppen",
        "koppen_class",
        "koeppen_class",
        "climate_koeppen",
        "climate_class_abbreviation_koeppen",
        "koeppen_code",
        "koppen_code",
        "koppen_geiger",
        "koeppen_geiger",
        "koppen_name",
        "koeppen_name",
        "koppen_main",
        "koeppen_main",
    ),
}
# Stems that, with anything before or after, name a position (lat_icos, site_latitude, longitude_degrees).
_STEMS = {"lat": ("lat", "latitude"), "lon": ("lon", "long", "longitude")}
#: Positions of one tower in two columns that differ by less are the same, degrees.
_SAME_PLACE = 0.02


@dataclass(frozen=True, kw_only=True)
class SiteInfo:
    """What is known of a tower's place: name, position in degrees and UTC offset in hours (NaN unknown), classes.

    Those that changed are dated.
    """

    name: str = ""
    lat: float = float("nan")
    lon: float = float("nan")
    igbp: str = schema.UNKNOWN
    koeppen: str = schema.UNKNOWN
    utc_offset: float = float("nan")
    spells: tuple[Spell, ...] = ()

    def known(self) -> dict[str, Any]:
        """Return the fields that are known whatever the time."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "spells"}
        return {key: v for key, v in values.items() if v not in ("", schema.UNKNOWN) and v == v}

    def apply(self, tower: Tower) -> Tower:
        """Write the known fields into ``tower`` and return it; of dated values the one that is valid for its record."""
        known = self.known()
        record = tower.table.index[tower.table.notna().any(axis=1)] if len(tower.table.columns) else []
        first, last = (min(record), max(record)) if len(record) else (None, None)
        for key in dict.fromkeys(spell.key for spell in self.spells if spell.key not in known):
            known[key], note = choose([spell for spell in self.spells if spell.key == key], first, last)
            if note and not (key == "lon" and any(spell.key == "lat" for spell in self.spells)):
                tower.notes.append(note)
        for key, value in known.items():
            setattr(tower, key, value)
        return tower

    def filled(self, other: "SiteInfo") -> "SiteInfo":
        """Return this with the gaps filled from ``other``."""
        mine = {spell.key for spell in self.spells} | set(self.known())
        spells = self.spells + tuple(spell for spell in other.spells if spell.key not in mine)
        plain = {key: value for key, value in other.known().items() if key not in mine} | self.known()
        return SiteInfo(**plain, spells=spells)


def read_sites(
    path: str | Path | IO[bytes], notes: list[str] | None = None, label: str = ""
) -> tuple[dict[str, SiteInfo], list[str]]:
    """Read a table of towers.

    Args:
        path: file or open binary file: CSV (or with semicolons or tabs) with a column ``site`` (or SITE_ID) and any of
            lat, lon, igbp, koeppen, name, under the names that tables in use give them.
        notes: assumptions are added.
        label: name for messages, of the file where not given.

    Returns:
        Site -> SiteInfo, and the faults found, in words, one per column.

    Raises:
        TamrlError: the file cannot be read, is larger than any table of towers, or has no site column.
    """
    label = label or Path(str(path)).name
    table = read_table(path, label, notes if notes is not None else [])
    faults = Faults(label)
    columns = _columns(table, faults)
    if "site" not in columns:
        raise TamrlError("The table of sites has no column 'site'", label, "Name the column of tower ids 'site'")
    known: dict[str, SiteInfo] = {}
    for row in table[list(columns.values())].itertuples(index=False):
        cells = dict(zip(columns, row, strict=True))
        site = tower_id(text_of(cells.pop("site")))
        if site:
            about: dict[str, Any] = {key: check(key, cell, site, faults) for key, cell in cells.items()}
            info = SiteInfo(**about)
            known[site] = _joined(site, known[site], info, faults) if site in known else info
    return known, faults.words()


def _joined(site: str, one: SiteInfo, other: SiteInfo, faults: Faults) -> SiteInfo:
    """Join two rows of one tower; what they contradict each other in is a fault, and unknown."""
    mine, theirs = one.known(), other.known()
    both = set(mine) & set(theirs)
    unclear: set[str] = set()
    if any(_apart(key, mine[key], theirs[key]) for key in both & set(_STEMS)):
        unclear |= set(_STEMS)
        faults.add(f"{site} is at two places, {_place(one)} and {_place(other)}, taken as unknown: keep the right row")
    for key in sorted(key for key in both & {"igbp", "koeppen"} if mine[key] != theirs[key]):
        unclear.add(key)
        faults.add(f"{site} has two {key} classes, {mine[key]} and {theirs[key]}, taken as unknown: keep the right row")
    return SiteInfo(**{key: value for key, value in one.filled(other).known().items() if key not in unclear})


def _apart(key: str, one: float, other: float) -> bool:
    """Return whether two coordinates are not the same; 180 degrees east and west are."""
    gap = abs(one - other)
    return (min(gap, 360 - gap) if key == "lon" else gap) > _SAME_PLACE


def _place(info: SiteInfo) -> str:
    return f"{info.lat:g}, {info.lon:g}"


def plain(name: str) -> str:
    """Return the name of a column in small letters with underscores: ``Latitude (degrees)`` is latitude_degrees."""
    return re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")


def names_sites(columns: Iterable[str]) -> bool:
    """Return whether a table has a column of tower ids, by its name."""
    return bool({plain(c) for c in columns} & (set(_ALIASES["site"]) - {"id"}))


def places_sites(columns: Iterable[str]) -> bool:
    """Return whether a table has a column of positions or IGBP classes."""
    names = [plain(c) for c in columns]
    return any(name in _ALIASES["igbp"] or _is_position(name, "lat") for name in names)


def _is_position(name: str, key: str) -> bool:
    return name in _ALIASES[key] or any(name.startswith(f"{s}_") or name.endswith(f"_{s}") for s in _STEMS[key])


def _columns(table: pd.DataFrame, faults: Faults) -> dict[str, str]:
    """Return field -> column."""
    names = {column: plain(column) for column in table.columns}
    found: dict[str, str] = {}
    for key, aliases in _ALIASES.items():
        listed = sorted((c for c in names if names[c] in aliases), key=lambda c: aliases.index(names[c]))
        if key == "site":
            column = _id_column(table, listed)
        elif key in _STEMS:
            column = _position(table, key, listed or [c for c in names if _is_position(names[c], key)], faults)
        elif key == "koeppen":
            column = _class_column(table, listed)
        else:
            column = listed[0] if listed else None
        if column is not None:
            found[key] = column
    return found


def _id_column(table: pd.DataFrame, listed: list[str]) -> str | None:
    """Return the column of tower ids: the first with the name and the look, else by either."""

    def looks(column: str) -> bool:
        cells = [cell for cell in map(text_of, table[column]) if cell]
        return bool(cells) and sum(bool(SITE_ID.fullmatch(tower_id(cell))) for cell in cells) > 0.8 * len(cells)

    of_both = [column for column in listed if looks(column)]
    of_look = [column for column in table.columns if looks(column)]
    return next(iter((*of_both, *listed, *of_look)), None)


def _position(table: pd.DataFrame, key: str, columns: list[str], faults: Faults) -> str | None:
    """Return the column of a coordinate; several that disagree are a fault, since none is the right one by its name."""
    if not columns:
        return None
    values = table[columns].apply(lambda c: pd.to_numeric(c.str.replace(",", "."), errors="coerce"))
    spread = values.max(axis=1) - values.min(axis=1)
    if len(columns) > 1 and (spread > _SAME_PLACE).any() and plain(columns[0]) != key:
        far = int((spread > _SAME_PLACE).sum())
        faults.add(f"the columns {' and '.join(columns)} differ at {far} towers: call the right one {key!r}")
        return None
    return columns[0]


def _class_column(table: pd.DataFrame, listed: list[str]) -> str | None:
    """Return the first column whose cells are Koeppen classes, else the first of the name, whose cells are faults."""

    def share(column: str) -> float:
        cells = [cell for cell in map(text_of, table[column]) if cell]
        ignored = Faults("")
        good = sum(check("koeppen", cell, "", ignored) != schema.UNKNOWN for cell in cells)
        return good / len(cells) if cells else math.nan

    shares = {column: share(column) for column in listed}
    return next((c for c in listed if shares[c] > 0.5), next((c for c in listed if shares[c] == shares[c]), None))
