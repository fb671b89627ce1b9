"""From the NEE of towers to the net land sink, step by step, with published numbers and an explicit remainder.

A tower measures the exchange of an ecosystem with the air above it. It misses fires, and carbon that is carried away
and released elsewhere: harvest, wood, carbon in rivers. The atmosphere sees the sum of all. The numbers, their sources
and the sentences they were taken from are in ``assets/land-sink.yaml``; positive is a loss of land, PgC yr-1.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.globe.contract import DAYS_PER_YEAR
from tamrl.maps.aggregate import TOTAL_UNIT
from tamrl.system.yaml_file import read_yaml

_FIX = "Restore the file from the project"
#: What is left between our sum and the published one.
REMAINDER = "Unexplained: bias of the towers and of the model"
ATMOSPHERE = "What the atmosphere sees"
#: gC in TgC.
_TERA = 1e12


@dataclass(frozen=True, kw_only=True)
class SinkStep:
    """One published number between tower NEE and the land sink.

    Attributes:
        key: short name.
        label: name in words.
        value: PgC yr-1, positive where land loses carbon.
        statement: the sentence of its authors.
        read_in: where it was found.
        citation: authors, year and journal.
        doi: of the paper.
        years: first and last that it is valid for, None where its authors name none.
        plus_minus: uncertainty as its authors give it after the plus-minus sign, PgC yr-1; None where they give none.
        plus_minus_is: what that uncertainty is, such as one standard deviation.
        about: whether the authors call the number approximate.
        overlaps: keys of steps that count some of the same carbon.
    """

    key: str
    label: str
    value: float
    statement: str
    read_in: str
    citation: str
    doi: str
    years: tuple[int, int] | None = None
    plus_minus: float | None = None
    plus_minus_is: str = ""
    about: bool = False
    overlaps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The number as it was published."""
        sign = f"{self.value:g}".replace("-", "\N{MINUS SIGN}")
        return "about " * self.about + sign + (f" ± {self.plus_minus:g}" if self.plus_minus else "")

    @property
    def when(self) -> str:
        """The years in words."""
        if self.years is None:
            return "no years given"
        first, last = self.years
        if last < 1850:
            return "pre-industrial"
        return str(first) if first == last else f"{first}\N{EN DASH}{last}"


@dataclass(frozen=True)
class Budget:
    """The steps between towers and the net land sink.

    Attributes:
        steps: from towers to what the atmosphere sees of land.
        river: from there to what land stores.
        target: the published net land sink.
        not_quantified: causes of the remainder that have no published global number.
    """

    steps: tuple[SinkStep, ...]
    river: SinkStep
    target: SinkStep
    not_quantified: tuple[str, ...]

    @property
    def all(self) -> tuple[SinkStep, ...]:
        """Every published number."""
        return (*self.steps, self.river, self.target)


def sink_path() -> Path:
    """Return where the published numbers lie."""
    return bundled_folder("land-sink.yaml")


def read_budget(path: Path | None = None) -> Budget:
    """Read the published numbers.

    Raises:
        TamrlError: the file is missing, or an entry is not understood.
    """
    import yaml

    path = path or sink_path()
    try:
        content = read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TamrlError(f"The steps to the land sink cannot be read: {error}", str(path), _FIX) from error
    keys = {"unit", "steps", "river", "target", "not_quantified"}
    if not isinstance(content, dict) or set(content) != keys or content["unit"] != TOTAL_UNIT:
        raise TamrlError(f"The file needs the unit {TOTAL_UNIT} and {', '.join(sorted(keys))}", str(path), _FIX)
    steps = tuple(_step(item, f"{path}: step {i}") for i, item in enumerate(content["steps"], start=1))
    known = {step.key for step in steps}
    if len(known) < len(steps) or any(set(step.overlaps) - known for step in steps):
        raise TamrlError("Two steps have the same key, or one overlaps with a step that is not there", str(path), _FIX)
    river, target = (_step(content[name], f"{path}: {name}") for name in ("river", "target"))
    return Budget(steps, river, target, tuple(map(str, content["not_quantified"])))


def _step(item: Any, where: str) -> SinkStep:
    names = {f.name for f in fields(SinkStep)}
    if not isinstance(item, dict) or set(item) - names:
        extra = ", ".join(sorted(map(str, set(item) - names))) if isinstance(item, dict) else "no mapping"
        raise TamrlError(f"A step is not understood: {extra}", where, f"Known keys: {', '.join(sorted(names))}")
    try:
        years: Any = tuple(int(year) for year in item["years"]) if "years" in item else None
        texts = {k: str(item[k]) for k in ("key", "label", "statement", "read_in", "citation", "doi")}
        more = None if item.get("plus_minus") is None else float(item["plus_minus"])
        found = SinkStep(
            **texts,
            value=float(item["value"]),
            years=years,
            plus_minus=more,
            plus_minus_is=str(item.get("plus_minus_is", "")),
            about=bool(item.get("about", False)),
            overlaps=tuple(map(str, item.get("overlaps", ()))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TamrlError(f"A step lacks something, or it is not a number: {error}", where, _FIX) from error
    dated = years is None or (len(years) == 2 and years[0] <= years[1])
    if not found.doi.startswith("10.") or not dated or (more is not None) != bool(found.plus_minus_is):
        raise TamrlError("A step has a DOI, years in order, and says what its uncertainty is", where, _FIX)
    return found


def bridge(ours: float, budget: Budget, sd: float | None = None) -> pd.DataFrame:
    """Return the steps from our total to the published net land sink, one row per bar, in order.

    The remainder is what is left: what the atmosphere sees is the net land sink less what rivers carry to the ocean.

    Args:
        ours: global NEE of a set of maps, PgC yr-1.
        budget: of ``read_budget``.
        sd: its spread, where known.

    Returns:
        ``label``; ``kind`` (``ours``, ``published``, ``remainder``, ``total``); ``value``, the step, or the level of a
        total; ``start`` and ``end`` of the bar; ``plus_minus`` (NaN where not known); ``years``, ``citation``, ``doi``.
    """
    rows, level = [("Our maps: NEE", "ours", ours, 0.0, ours, np.nan if sd is None else sd, "", "", "")], ours
    for step in budget.steps:
        rows.append(_row(step, level))
        level += step.value
    seen = budget.target.value - budget.river.value
    rows.append((REMAINDER, "remainder", seen - level, level, seen, np.nan, "", "", ""))
    rows.append((ATMOSPHERE, "total", seen, 0.0, seen, np.nan, "", "", ""))
    rows.append(_row(budget.river, seen))
    t = budget.target
    rows.append((t.label, "total", t.value, 0.0, t.value, _known(t.plus_minus), t.when, t.citation, t.doi))
    names = ["label", "kind", "value", "start", "end", "plus_minus", "years", "citation", "doi"]
    return pd.DataFrame(rows, columns=names)


def _row(step: SinkStep, level: float) -> tuple[Any, ...]:
    return (
        step.label,
        "published",
        step.value,
        level,
        level + step.value,
        _known(step.plus_minus),
        step.when,
        step.citation,
        step.doi,
    )


def _known(value: float | None) -> float:
    return np.nan if value is None else value


def verdict(table: pd.DataFrame, budget: Budget) -> str:
    """Return in words how much of the difference between our NEE and the net land sink published numbers explain."""
    ours, rest = (float(table.loc[table["kind"] == kind, "value"].iloc[0]) for kind in ("ours", "remainder"))
    known = sum(step.value for step in budget.steps)
    gap = known + rest
    if gap <= 0:
        return f"Our NEE of {_number(ours)} PgC yr⁻¹ is no larger a sink than what the atmosphere sees of land."
    twice = sum(step.value for step in budget.steps if step.overlaps)
    return (
        f"Our NEE of {_number(ours)} PgC yr⁻¹ is a sink {_number(gap)} PgC yr⁻¹ larger than the atmosphere sees over "
        f"land. Published fluxes that towers do not measure account for {_number(known)} of the difference, or "
        f"{_number(known - twice)} if land-use change is already contained in fire and wood harvest. The remaining "
        f"{_number(rest)} PgC yr⁻¹, or {_number(rest + twice)} in that case, is unexplained: bias of the towers and of "
        "the model."
    )


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def contributions(of: xr.DataArray, area: xr.DataArray, step: float = 2.0) -> xr.DataArray:
    """Return the contribution of each block of cells to the global total, TgC yr-1, (lat, lon), missing without land.

    Args:
        of: mean flux (lat, lon), gC m-2 d-1.
        area: land of each cell, m2.
        step: size of a block in degrees; that of the cells where they are larger.
    """
    amount = (of * area).where(area > 0) * (DAYS_PER_YEAR / _TERA)
    lat, lon = (np.floor((amount[n].values + 1e-9) / step) * step + step / 2 for n in ("lat", "lon"))
    rows, columns = np.unique(lat), np.unique(lon)
    index = np.searchsorted(rows, lat)[:, None] * columns.size + np.searchsorted(columns, lon)[None]
    known = np.isfinite(amount.values)
    size = rows.size * columns.size
    total = np.bincount(index[known], amount.values[known], size)
    count = np.bincount(index[known], minlength=size)
    found = np.where(count > 0, total, np.nan).reshape(rows.size, columns.size)
    attrs = {"units": "TgC yr-1", "long_name": f"Contribution of blocks of {step:g} degrees to the total"}
    return xr.DataArray(found, {"lat": rows, "lon": columns}, ("lat", "lon"), attrs=attrs)
