"""Cells of tables of sites: positions and classes in their usual spellings, and faults, each reported once."""

import math
import re
from dataclasses import dataclass, field

from tamrl import schema

_NOTHING = ("", "nan", "na", "n/a", "none", "null", "-", "-9999", "-9999.0", "unk", "tbd", schema.UNKNOWN)
_LIMITS = {"lat": 90.0, "lon": 180.0}
_TABLES = {"igbp": schema.IGBP, "koeppen": schema.KOEPPEN}
# Koeppen-Geiger classes of one to three letters, Beck et al. 2023, table 2, with H (highland) left out.
_KOEPPEN = re.compile(r"A[fmws]?|B([WS][hk]?)?|[CD]([fsw][abcd]?)?|E[TF]?")
_GROUPS = {name.lower(): key for key, name in schema.KOEPPEN.items()} | {"dry": "B", "continental": "D", "snow": "D"}
# Longer names of IGBP classes as MODIS products and AmeriFlux write them, beside those of the schema.
_IGBP_NAMES = {
    "grasslands": "GRA",
    "croplands": "CRO",
    "savannas": "SAV",
    "woody savannas": "WSA",
    "permanent wetlands": "WET",
    "wetland": "WET",
    "wetlands": "WET",
    "open shrublands": "OSH",
    "closed shrublands": "CSH",
    "mixed forests": "MF",
    "barren": "BSV",
    "water bodies": "WAT",
    "urban and built-up lands": "URB",
    "snow and ice": "SNO",
    "cropland/natural vegetation mosaic": "CVM",
    "cropland/natural vegetation mosaics": "CVM",
} | {name.lower() + end: code for code, name in schema.IGBP.items() for end in ("", "s")}
_SHOWN = 5
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-]?\d{1,2})(?:[:.,](\d+))?", re.IGNORECASE)


@dataclass
class Faults:
    """Faults of the cells of one table, one line per column, however many towers it concerns.

    Attributes:
        label: name of the table.
    """

    label: str
    _cells: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _said: list[str] = field(default_factory=list)

    def cell(self, key: str, site: str, text: str) -> None:
        """Note one cell that is not valid."""
        self._cells.setdefault(key, []).append((site, text))

    def add(self, words: str) -> None:
        """Note a fault of the table as a whole."""
        self._said.append(f"{self.label}: {words}")

    def words(self) -> list[str]:
        """Return the faults in words."""
        return [*self._said, *(self._line(key, cells) for key, cells in self._cells.items())]

    def _line(self, key: str, cells: list[tuple[str, str]]) -> str:
        sites = [site for site, _ in cells]
        named = ", ".join(sites[:_SHOWN]) + (f" and {len(sites) - _SHOWN} more" if len(sites) > _SHOWN else "")
        text = cells[0][1]
        if key in _LIMITS:
            return f"{self.label}: {key} {text!r} of {named} is not a position in degrees, taken as unknown"
        known = ", ".join(_TABLES[key])
        number = " A number needs a legend: give a column with the class itself." if text[:1].isdigit() else ""
        what = f"{self.label}: {key} {text!r} of {named} is not a known class, taken as unknown"
        return f"{what}.{number} Known classes: {known}"


def text_of(value: object) -> str:
    """Return a cell as text, empty for the many spellings of a missing value."""
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()
    return "" if text.lower() in _NOTHING else text


def check(key: str, value: object, site: str, faults: Faults) -> str | float:
    """Return a cell as a field of ``SiteInfo``; an invalid one counts as unknown and is noted.

    Args:
        key: name, lat, lon, utc_offset, igbp or koeppen.
        value: the cell.
        site: tower, for the fault.
        faults: an invalid cell is added.
    """
    text = text_of(value)
    if key == "name":
        return text
    if key == "utc_offset":
        return _hours(text)
    if key in _LIMITS:
        number = _number(text) if text else math.nan
        if math.isinf(number) or abs(number) > _LIMITS[key]:
            faults.cell(key, site, text)
            return math.nan
        return number
    found = (_igbp if key == "igbp" else _koeppen)(text) if text else schema.UNKNOWN
    if not found:
        faults.cell(key, site, text)
    return found or schema.UNKNOWN


def _number(text: str) -> float:
    """Return a coordinate, with a decimal comma too; infinity where it is not one."""
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return math.inf


def _hours(text: str) -> float:
    """Return an offset such as -5, +5.5, UTC+9 or 05:30 in hours; NaN where it is invalid: little depends on it."""
    found = _OFFSET.fullmatch(text)
    if not found:
        return math.nan
    whole, rest = found.groups(default="0")
    part = int(rest) / 60 if ":" in text else float(f"0.{rest}")
    hours = math.copysign(abs(int(whole)) + part, -1 if whole.startswith("-") else 1)
    return hours if abs(hours) <= 14 else math.nan


def _igbp(text: str) -> str:
    """Return the IGBP code of a code, a name or a code with its name behind it; empty where it is not one."""
    code = re.split(r"[\s(:,;-]", text.strip(), maxsplit=1)[0].upper()
    return _IGBP_NAMES.get(text.strip().lower(), code if code in schema.IGBP else "")


def _koeppen(text: str) -> str:
    """Return the Koeppen class of a class, a main group or a class followed by its name; empty where it is not one."""
    group = _GROUPS.get(text.strip().lower())
    if group:
        return group
    code = re.split(r"[\s(:,;]", text.strip(), maxsplit=1)[0]
    return code if _KOEPPEN.fullmatch(code) else ""
