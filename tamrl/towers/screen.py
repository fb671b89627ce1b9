"""Screening of variables before anything is derived from them: signs, units, flags, constant values, bounds."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.towers import ranges
from tamrl.towers.archive import Tower, build
from tamrl.towers.checks import REPORT_COLUMNS, balance, check_bounds
from tamrl.towers.readers.numbers import clear_fills

#: Mean and lowest twentieth of GPP or RECO, gC m-2 d-1, below which its sign is the other one.
_MEAN, _LOWEST = -0.1, -1.0
#: Share of values outside the bounds that turns a doubt about a unit into certainty.
_OUTSIDE = 0.01
#: Values that a constant or a flag needs to be one; variables that may well be constant.
_FEW = 30
_FLAGS = (0.0, 1.0, 2.0, 3.0)


@dataclass
class Screened:
    """What was found at towers.

    Attributes:
        rows: rejected values and variables, as ``checks.check_bounds`` reports them.
        doubts: (tower, variable, words) whose magnitude fits no known tower, kept as read.
        constants: (tower, words) of variables that never change, kept as read.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[tuple[str, str, str]] = field(default_factory=list)
    constants: list[tuple[str, str]] = field(default_factory=list)

    def failed(self, site: str) -> set[str]:
        """Return the variables of a tower that were rejected as a whole."""
        return {row["variable"] for row in self.rows if row["failed"] and row["site"] == site}

    def doubt_lines(self) -> list[str]:
        """Return the doubts about units, one line per variable, not per tower."""
        towers: dict[str, list[tuple[str, str]]] = {}
        for site, name, words in self.doubts:
            towers.setdefault(name, []).append((site, words))
        lines = []
        for name, said in towers.items():
            more = f" and at {len(said) - 1} more towers" if len(said) > 1 else ""
            lines.append(f"{name} at {said[0][0]}{more}: {said[0][1]}")
        return lines


def screen(towers: list[Tower]) -> Screened:
    """Reject values and variables of towers that cannot be trusted; the tables are changed in place.

    A variable that fails as a whole is missing afterwards, so that nothing is derived from it.

    Args:
        towers: as read, with what is known of their positions.
    """
    found = Screened()
    for tower in towers:
        table = clear_fills(tower.table, tower.notes)
        checked = {}
        for name in sorted(table.columns, key=lambda name: name != "TA"):
            checked[name] = _one(tower, str(name), table, found)
            if name == "TA":  # others are judged by it, where it can be trusted
                table = table.assign(TA=checked[name])
        tower.table = pd.DataFrame(checked, index=table.index, columns=table.columns).astype(np.float32)
        _reversed_nee(tower, found)
        _constants(tower, found)
    return found


def _one(tower: Tower, name: str, table: pd.DataFrame, found: Screened) -> pd.Series:
    """Return one variable of a tower with what cannot be trusted missing."""
    values = table[name]
    known = values.dropna()
    if known.empty or name not in schema.VARIABLES:
        return values
    reason = _wrong_sign(name, known) or _flags(name, known)
    verdict = None if reason else ranges.judge(name, values, table, tower.lat)
    if verdict and verdict.certain:
        reason = verdict.words
    if reason:
        found.rows.append(_failed(tower.site, name, known, f"{reason}: the whole variable is rejected"))
        return values * np.nan
    array = values.to_numpy(np.float32)[None, :]
    kept, rows = check_bounds(name, array, np.array([tower.site]))
    outside = rows[0]["n_outside"] / rows[0]["n"] if rows else 0.0
    if verdict and outside > _OUTSIDE and not rows[0]["failed"]:
        words = (
            f"{verdict.words}, and {100 * outside:.0f} % of the values are {rows[0]['reason']}: the whole variable is "
            "rejected"
        )
        found.rows.append(_failed(tower.site, name, known, words))
        return values * np.nan
    found.rows += rows
    if verdict and not (rows and rows[0]["failed"]):
        found.doubts.append((tower.site, name, verdict.words))
    return pd.Series(kept[0], index=values.index)


def _failed(site: str, name: str, known: pd.Series, reason: str) -> dict[str, Any]:
    lowest, highest = float(known.min()), float(known.max())
    cells = (site, name, len(known), len(known), lowest, highest, True, reason)
    return dict(zip(REPORT_COLUMNS, cells, strict=True))


def _wrong_sign(name: str, known: pd.Series) -> str:
    """Say that GPP or RECO has the other sign, as files have that count every uptake negative; empty where not."""
    if name not in ("GPP", "RECO", "GPP_DT", "RECO_DT"):
        return ""
    mean, lowest = float(known.mean()), float(known.quantile(0.05))
    if mean < _MEAN and lowest < _LOWEST and -lowest > known.quantile(0.95):
        return f"its mean is {mean:.2g} {schema.FLUX_UNIT}, the sign is reversed ({name} is positive)"
    return ""


def _flags(name: str, known: pd.Series) -> str:
    """Say that NEE_QC holds the half-hourly flags 0 to 3, 0 the best, instead of a fraction; empty where not."""
    if name == "NEE_QC" and known.isin(_FLAGS).all() and (known > 1).any():
        return "it holds the half-hourly flag 0 to 3 (0 is best), not the share of good half-hours (1 is best)"
    return ""


def _reversed_nee(tower: Tower, found: Screened) -> None:
    """Set NEE aside where it closes the balance with the other sign alone."""
    table = tower.table
    if not {"GPP", "RECO", "NEE"} <= set(table.columns) or table.empty:
        return
    row = balance(build([Tower(site=tower.site, table=table[["GPP", "RECO", "NEE"]])])).iloc[0]
    if row["reversed"]:
        reason = "NEE = GPP - RECO closes and RECO - GPP does not, the sign is reversed (NEE is negative for uptake)"
        found.rows.append(
            _failed(tower.site, "NEE", table["NEE"].dropna(), f"{reason}: the whole variable is rejected")
        )
        tower.table = table.assign(NEE=np.float32(np.nan))


def _constants(tower: Tower, found: Screened) -> None:
    """Note variables that never change; quality alone may be the same every day."""
    stuck = []
    for name in tower.table.columns:
        known = tower.table[name].dropna()
        if len(known) < _FEW or known.nunique() > 1 or schema.variable(str(name)).resolution == "static":
            continue
        if name != "NEE_QC" or known.iloc[0] != 1:
            stuck.append(f"{name} {known.iloc[0]:g}")
    if stuck:
        words = f"the same value on all days, kept as read ({', '.join(stuck)}): measured, or a placeholder?"
        found.constants.append((tower.site, words))
    quality = tower.table["NEE_QC"].dropna() if "NEE_QC" in tower.table else pd.Series(dtype=float)
    if len(quality) >= _FEW and set(quality.unique()) == {0.0, 1.0}:
        words = "NEE_QC holds 0 and 1 alone, taken as shares of good half-hours (1 is best); "
        words += "a flag with 0 best would be wrong"
        found.constants.append((tower.site, words))
