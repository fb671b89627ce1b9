"""Which variable of the files is which driver: names and units, from YAML with strict keys.

A mapping names, under ``drivers``, the variable of each driver (one name, or several of which the first one found is
taken), where the file has none or a wrong one its ``units``, ``per`` (hour, day, month or step) where an amount such as
``m`` does not say over which time it was summed, and ``average: month`` where finer steps are to be averaged
by calendar month. VPD may be derived from ``dew_point``. Under ``classes`` it names the fields of land cover and
climate, with the class of each code where the file has no CF flags. Without a mapping, variables bear the names of the
schema.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.schema import DRIVERS, IGBP, KOEPPEN, UNKNOWN, check_class
from tamrl.upscale.amounts import PERIODS

FOLDER = "driver-maps"
#: Fields of classes that a mapping may name, and whether they have codes.
CLASSES = {"igbp": True, "igbp_fraction": True, "koeppen": True, "land_fraction": False}


@dataclass(frozen=True)
class DriverEntry:
    """One driver in the files.

    Attributes:
        names: variables, the first one found is taken.
        units: of its values; None takes that of the file.
        average: the mean over each calendar month is taken.
        per: over which time an amount such as ``m`` or ``J m-2`` was summed; None takes that of the file.
        dew_point: name and units of the dew point that VPD is derived from; its names are then not used.
    """

    names: tuple[str, ...]
    units: str | None = None
    average: bool = False
    per: str | None = None
    dew_point: "DriverEntry | None" = None


@dataclass(frozen=True)
class ClassEntry:
    """One field of classes in the files; ``codes`` gives the class of each number, empty for the flags of the file."""

    names: tuple[str, ...]
    codes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """Names of drivers and of fields of classes in the files."""

    drivers: dict[str, DriverEntry]
    classes: dict[str, ClassEntry]


def default_mapping() -> Mapping:
    """Return the mapping of files whose variables bear the names of the schema."""
    return Mapping({n: DriverEntry((n,)) for n in DRIVERS}, {n: ClassEntry((n,)) for n in CLASSES})


def bundled_mappings() -> dict[str, Path]:
    """Return name -> file of the bundled mappings."""
    return {path.stem: path for path in sorted(bundled_folder(FOLDER).glob("*.yaml"))}


def load_mapping(source: Path | str) -> Mapping:
    """Read a mapping.

    Args:
        source: YAML file, or the name of a bundled one.

    Raises:
        TamrlError: it cannot be read, or a key, driver or class is not known.
    """
    path = Path(source)
    if not path.exists():
        path = bundled_mappings().get(str(source), path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        known = ", ".join(bundled_mappings())
        raise TamrlError(
            f"The mapping cannot be read: {error}", str(source), f"Give a YAML file or a bundled mapping: {known}"
        ) from error
    where = str(path)
    _keys(content, ("name", "source", "drivers", "classes"), where)
    drivers, classes = content.get("drivers") or {}, content.get("classes") or {}
    _keys(drivers, DRIVERS, f"{where}: drivers")
    _keys(classes, tuple(CLASSES), f"{where}: classes")
    return Mapping(
        {name: _entry(name, value, f"{where}: {name}") for name, value in drivers.items()},
        {name: _class_entry(name, value, f"{where}: {name}") for name, value in classes.items()},
    )


def _keys(values: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(values, dict):
        raise TamrlError(f"Expected entries by name, got {type(values).__name__}", where, f"Known: {', '.join(known)}")
    if unknown := sorted(str(k) for k in set(values) - set(known)):
        raise TamrlError(f"Unknown key {', '.join(unknown)}", where, f"Known keys: {', '.join(known)}")


def _names(values: dict[str, Any], where: str) -> tuple[str, ...]:
    names = values.get("variable")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise TamrlError("The variable is not named", where, "Write variable: NAME, or a list of names")
    return tuple(names)


def _units(values: dict[str, Any], where: str) -> str | None:
    units = values.get("units")
    # YAML reads the unit 1 as a number.
    if isinstance(units, bool) or not isinstance(units, str | int | None):
        raise TamrlError(f"Not a unit: {units!r}", where, "Write it as text, for example units: W m-2")
    return None if units is None else str(units)


def _entry(name: str, values: Any, where: str) -> DriverEntry:
    values = {"variable": values} if isinstance(values, str) else values
    derived = name == "VPD" and isinstance(values, dict) and "dew_point" in values
    _keys(values, ("dew_point",) if derived else ("variable", "units", "average", "per"), where)
    if derived:
        _keys(values["dew_point"], ("variable", "units"), f"{where}: dew_point")
        point = values["dew_point"]
        return DriverEntry((), dew_point=DriverEntry(_names(point, where), _units(point, where)))
    if values.get("average") not in (None, "month"):
        raise TamrlError(f"Unknown average {values['average']!r}", where, "Known: month")
    per = values.get("per")
    if per is not None and per not in PERIODS:
        raise TamrlError(f"Unknown period {per!r}", where, f"Known: {', '.join(PERIODS)}")
    return DriverEntry(_names(values, where), _units(values, where), values.get("average") == "month", per)


def _class_entry(name: str, values: Any, where: str) -> ClassEntry:
    values = {"variable": values} if isinstance(values, str) else values
    _keys(values, ("variable", "codes") if CLASSES[name] else ("variable",), where)
    codes = values.get("codes") or {}
    if not isinstance(codes, dict) or not all(type(code) is int for code in codes):
        raise TamrlError("Codes are numbers with their class", where, "Write codes: {1: ENF, 2: EBF, ...}")
    table, kind = (KOEPPEN, "Koeppen") if name == "koeppen" else (IGBP, "IGBP")
    found = {}
    for code, label in codes.items():
        try:
            found[code] = check_class(str(label), table, kind)
        except TamrlError as error:
            raise TamrlError(error.what, where, f"{error.todo}, {UNKNOWN}") from None
    return ClassEntry(_names(values, where), found)
