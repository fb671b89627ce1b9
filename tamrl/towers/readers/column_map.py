"""Which column of a tidy table is which variable, in which unit: guessed, checked, and kept as YAML to be edited.

The guess uses the names, units in the names (``TA [degC]``, ``Rg_MJ``) or in a row below them, and the magnitude of
the values where neither gives the unit (``tamrl.towers.ranges``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.readers import column_times, column_units

_KEYS = ("time", "stamps", "site", "columns", "ignored")
STAMPS = ("begin", "end")
_HEAD = """\
# Which column is which variable. Edit it, then: tamrl ingest TABLE --columns THIS-FILE --workspace W
# time: column of dates, or several (year and doy; year, month and day; date and time)
# stamps: whether times of half-hours begin or end them; site: column of tower ids, left out where there is one tower
# columns: unit as in the table (degC, K; W m-2, MJ m-2 d-1; hPa, kPa, Pa; mm; umol m-2 s-1, gC m-2 d-1; flag 0 to 3 as
#   flag); negate: true where the sign is reversed (NEE is negative for uptake, GPP and RECO are positive)
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column holds.

    Attributes:
        variable: of the schema.
        unit: of the values, see ``column_units.conversion``.
        negate: whether the sign is reversed, as for net ecosystem production (NEP = -NEE).
    """

    variable: str
    unit: str
    negate: bool = False


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """The columns of a table and the variables they are read as.

    Attributes:
        time: column of the time, or several that make it, see ``column_times.SETS``.
        stamps: whether times of half-hours and hours ``begin`` or ``end`` them.
        site: column of the towers' ids; empty for a table of one tower, which is named after the file.
        columns: column -> what it holds.
        ignored: the other columns.
        remarks: assumptions of a guess, whole sentences without the full stop; written as comments.
        strict: the map is used only for tables that have exactly these columns; not written.
    """

    time: tuple[str, ...]
    stamps: str = "begin"
    site: str = ""
    columns: dict[str, Column]
    ignored: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)
    strict: bool = field(default=False, compare=False)

    @property
    def used(self) -> list[str]:
        """Every column that is read."""
        return [*self.time, *([self.site] if self.site else []), *self.columns]

    def check(self, where: str) -> "ColumnMap":
        """Check that a table can be read by the map, and return it.

        Args:
            where: file of the map, for messages.

        Raises:
            TamrlError: no time, no variable or one that is not known, two columns for one variable, one column for two
                purposes, or a unit that the variable cannot be in.
        """
        column_times.check(self.time, where)
        if self.stamps not in STAMPS:
            raise TamrlError(f"stamps is {self.stamps!r}", where, "Write begin or end")
        if not self.columns:
            raise TamrlError("The map gives no column a variable", where, "Name at least one, NEE for example")
        seen: dict[str, str] = {}
        for name, column in self.columns.items():
            if column.variable not in schema.VARIABLES:
                what = f"{name} is given the unknown variable {column.variable!r}"
                raise TamrlError(what, where, f"Known variables: {', '.join(schema.VARIABLES)}")
            if column.variable in seen:
                what = f"Two columns are given {column.variable}, {seen[column.variable]} and {name}"
                raise TamrlError(what, where, "Keep one of them, and move the other to ignored")
            seen[column.variable] = name
            column_units.conversion(column.variable, column.unit, f"{where}, column {name}")
        for name in self.used:
            if self.used.count(name) > 1 or name in self.ignored:
                raise TamrlError(f"The column {name} is named for two purposes", where, "Name each column once")
        return self

    def lacking(self, names: Sequence[str]) -> list[str]:
        """Return the columns that a table with these names lacks."""
        return [name for name in self.used if name not in names]

    def covers(self, names: Sequence[str]) -> bool:
        """Return whether a table has the columns of the map and no other."""
        return {*self.used, *self.ignored} == set(names)

    def fits(self, names: Sequence[str]) -> bool:
        """Return whether a table with these columns can be read by the map."""
        return self.covers(names) if self.strict else not self.lacking(names)

    def check_table(self, names: Sequence[str], where: str) -> None:
        """Make sure that a table has every column that is read.

        Raises:
            TamrlError: it lacks some.
        """
        if missing := self.lacking(names):
            what = f"The table has no column {', '.join(missing)}"
            raise TamrlError(what, where, f"Correct the map; the columns are {', '.join(map(str, names))[:300]}")

    def to_dict(self) -> dict[str, Any]:
        """Return the map as YAML and JSON hold it."""
        one = {
            name: {"variable": c.variable, "unit": c.unit} | ({"negate": True} if c.negate else {})
            for name, c in self.columns.items()
        }
        time = self.time[0] if len(self.time) == 1 else list(self.time)
        found: dict[str, Any] = {"time": time, "stamps": self.stamps}
        found |= {"site": self.site} if self.site else {}
        return found | {"columns": one, "ignored": list(self.ignored)}

    def to_yaml(self) -> str:
        """Return the map as text to be edited, with its assumptions as comments."""
        body = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=1000, default_flow_style=None)
        remarks = "".join(f"# CHECK: {remark}\n" for remark in self.remarks)
        return _HEAD + remarks + body

    @classmethod
    def from_dict(cls, content: Any, where: str) -> "ColumnMap":
        """Return the map that ``to_dict`` gave, or that somebody wrote.

        Raises:
            TamrlError: a key is not known, a value is not a name, or see ``check``.
        """
        _keys(content, _KEYS, where)
        time = content.get("time")
        columns = content.get("columns")
        if not isinstance(columns, Mapping):
            raise TamrlError(
                "The map has no columns", where, "Write columns: and below it NAME: {variable: .., unit: ..}"
            )
        return cls(
            time=_names([time] if isinstance(time, str | int) else time, "time", where),
            stamps=str(content.get("stamps", "begin")),
            site=str(content.get("site") or ""),
            columns={str(name): _column(name, given, where) for name, given in columns.items()},
            ignored=_names(content.get("ignored"), "ignored", where),
        ).check(where)

    def save(self, path: Path) -> None:
        """Write the map as YAML."""
        path.write_text(self.to_yaml(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "ColumnMap":
        """Read a map.

        Raises:
            TamrlError: the file cannot be read, or see ``from_dict``.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            todo = "Write one with tamrl ingest TABLE --show-columns"
            raise TamrlError(f"The column map cannot be read: {error}", str(path), todo) from error
        return cls.from_dict(content, str(path))


def _keys(values: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(values, Mapping):
        what = f"Expected entries by name, got {type(values).__name__}"
        raise TamrlError(what, where, f"Known keys: {', '.join(known)}")
    if unknown := sorted(str(key) for key in set(values) - set(known)):
        raise TamrlError(f"Unknown key {', '.join(unknown)}", where, f"Known keys: {', '.join(known)}")


def _names(value: Any, key: str, where: str) -> tuple[str, ...]:
    names = value if value is not None else []
    if not isinstance(names, list | tuple) or not all(isinstance(name, str | int) for name in names):
        raise TamrlError(f"{key} is not a list of columns", where, f"Write {key}: [NAME, NAME]")
    return tuple(str(name) for name in names)


def _column(name: Any, given: Any, where: str) -> Column:
    """Return what a column holds; a variable alone is in the unit of the schema."""
    given = {"variable": given} if isinstance(given, str) else given
    at = f"{where}, column {name}"
    _keys(given, ("variable", "unit", "negate"), at)
    variable, negate = schema.current_name(str(given.get("variable", ""))), given.get("negate", False)
    if not isinstance(negate, bool):
        raise TamrlError(f"negate is {negate!r}", at, "Write true or false")
    known = schema.VARIABLES.get(variable)
    # YAML reads the unit 1 as a number.
    unit = given.get("unit", known.unit if known else "")
    if isinstance(unit, bool) or not isinstance(unit, str | int):
        raise TamrlError(f"Not a unit: {unit!r}", at, "Write it as text, for example unit: W m-2")
    return Column(variable=variable, unit=str(unit), negate=negate)
