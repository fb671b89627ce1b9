"""The columns of half-hourly and hourly files: FLUXNET, REddyProc and AmeriFlux BASE, recognised by their first lines.

All give fluxes in umol CO2 m-2 s-1, positive from the ecosystem to the air, and meteorology in the units of the schema:
FLUXNET HH and HR files (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3), exports of REddyProc (Wutzler et al.
2018, doi:10.5194/bg-15-5015-2018) and AmeriFlux BASE (https://ameriflux.lbl.gov/data/aboutdata/data-variables).
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.archive import Tower
from tamrl.towers.readers import fluxnet
from tamrl.towers.readers.names import Release, classify
from tamrl.towers.readers.numbers import clear_fills
from tamrl.towers.readers.stamps import time_columns
from tamrl.towers.readers.text import decode, separator

#: Variables of REddyProc with their columns, best first; fluxes have the scenario of the u* threshold in their names.
REDDYPROC_DRIVERS = {"TA": ("Tair_f", "Tair"), "SW_IN": ("Rg_f", "Rg"), "VPD": ("VPD_f", "VPD")}
REDDYPROC_FLUXES = {"NEE": "NEE{}_f", "NEE_QC": "NEE{}_fqc", "GPP": "GPP{}_f", "RECO": "Reco{}"} | {
    "GPP_DT": "GPP_DT{}",
    "RECO_DT": "Reco_DT{}",
}
#: Scenarios, best first: the threshold of the data, the median of the bootstrap, no filter; then any other.
SCENARIOS = ("_uStar", "_U50", "")
#: Drivers that AmeriFlux BASE may have, and what may follow their names: filled by the tower's team first, then as
#: measured, then the uppermost of several sensors.
BASE_DRIVERS = ("TA", "SW_IN", "LW_IN", "VPD", "P", "PA", "WS", "CO2", "SWC")
_FILLED = ("_PI_F", "_PI_F_1_1_1", "_PI_F_1")
_MEASURED = ("", "_PI", "_1_1_1", "_1", "_PI_1_1_1", "_PI_1")
_HEADER_BYTES, _COMMENTS = 1_000_000, 10
_FILL_GAPS = "Filter by u*, fill gaps and partition it, with REddyProc for example, and give the output of that"
Namer = Callable[[Tower, pd.DataFrame, dict[str, str], list[str], str], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file of half-hours or hours is written.

    Attributes:
        product: REddyProc, AmeriFlux BASE; empty for FLUXNET, whose file names give it.
        skip: lines before the header.
        columns: of the header.
        values: columns of values to read.
        named: gives them the names of the schema, see ``fluxnet.named``.
        units: text in the row of units below the header, in the column of NEE; empty where there is no such row.
    """

    product: str
    skip: int
    columns: list[str]
    values: list[str]
    named: Namer
    units: str = ""

    @property
    def release(self) -> Release | None:
        """The processing of the fluxes, where the name of the file does not say it."""
        return Release(processing=self.product) if self.product else None


def find(opener: Callable[[], IO[bytes]], name: str, label: str) -> Layout | None:
    """Return the layout of a file of half-hours or hours; None for any other file.

    Args:
        opener: opens it at its beginning.
        name: of the file.
        label: name for messages.

    Raises:
        TamrlError: it is output of EddyPro, or has times of half-hours and no flux that is read.
    """
    with closing(opener()) as file:
        lines = [decode(file.readline(_HEADER_BYTES), "", []).strip() for _ in range(2)]
        while lines[-1] and lines[-2].startswith("#") and len(lines) < _COMMENTS:
            lines.append(decode(file.readline(_HEADER_BYTES), "", []).strip())
    skip = len(lines) - 2
    columns, below = (_cells(line, lines[-2]) for line in lines[-2:])
    if lines[0].startswith("file_info") or {"co2_flux", "qc_co2_flux"} <= set(columns):
        what = "It is output of EddyPro: fluxes that are not filtered by u*, nor gap-filled, nor partitioned"
        raise TamrlError(what, label, _FILL_GAPS)
    if scenarios(columns) and time_columns(columns):
        values = [c for names in REDDYPROC_DRIVERS.values() for c in names] + _flux_columns(scenarios(columns))
        units = below[columns.index(_nee(columns))] if len(below) == len(columns) else ""
        return Layout(
            product="REddyProc",
            skip=skip,
            columns=columns,
            values=[column for column in columns if column in values],
            named=_reddyproc,
            units=units if any(letter.isalpha() for letter in units.lower().replace("na", "")) else "",
        )
    if not any(column.upper().startswith("TIMESTAMP_") for column in columns) or "TIMESTAMP" in columns:
        return None
    values = fluxnet.wanted(columns)
    if any(column.startswith(("NEE", "GPP", "RECO")) for column in values):
        return Layout(product="", skip=skip, columns=columns, values=values, named=fluxnet.named)
    if lines[0].startswith("# Site:") or classify(name).kind == "base":
        return Layout(product="AmeriFlux BASE", skip=skip, columns=columns, values=_of_base(columns), named=_base)
    like = [column for column in columns if column.upper().startswith(("NEE", "GPP", "RECO", "FC"))]
    what = f"It is half-hourly or hourly and its fluxes are in no column that is read ({', '.join(like[:4]) or 'none'})"
    raise TamrlError(what, label, "Rename the columns to NEE_VUT_REF, GPP_NT_VUT_REF, RECO_NT_VUT_REF, umol m-2 s-1")


def _cells(line: str, header: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(separator(header))]


def scenarios(columns: list[str]) -> list[str]:
    """Return the u* scenarios of a REddyProc file, best first, as written in its columns: ``_uStar``; else none."""
    found = [c.removeprefix("NEE").removesuffix("_f") for c in columns if c.startswith("NEE") and c.endswith("_f")]
    known = [scenario for scenario in found if scenario == "" or scenario.startswith("_")]
    return sorted(known, key=lambda s: (SCENARIOS.index(s) if s in SCENARIOS else len(SCENARIOS), s))


def _nee(columns: list[str]) -> str:
    return REDDYPROC_FLUXES["NEE"].format(scenarios(columns)[0])


def _flux_columns(found: list[str]) -> list[str]:
    return [column.format(scenario) for scenario in found for column in REDDYPROC_FLUXES.values()]


def _take(tower: Tower, values: pd.DataFrame, faults: dict[str, str], names: dict[str, str]) -> pd.DataFrame:
    """Return the columns under their names in the schema; note what could not be read."""
    tower.faults += faults.values()
    tower.failed |= {names[column] for column in faults if column in names}
    return clear_fills(values[list(names)].rename(columns=names), tower.notes)


def _there(values: pd.DataFrame, columns: list[str]) -> str:
    """Return the first of some columns that has a value; empty where none has."""
    return next((column for column in columns if column in values and values[column].notna().any()), "")


def _reddyproc(
    tower: Tower, values: pd.DataFrame, faults: dict[str, str], columns: list[str], label: str
) -> pd.DataFrame:
    """Name the columns of REddyProc: the first scenario with the most of NEE, GPP and RECO."""
    found = scenarios(columns)

    def complete(scenario: str) -> int:
        three = [REDDYPROC_FLUXES[flux].format(scenario) for flux in ("NEE", "GPP", "RECO")]
        return sum(bool(_there(values, [column])) for column in three)

    scenario = max(found, key=complete)
    names = {c.format(scenario): name for name, c in REDDYPROC_FLUXES.items() if c.format(scenario) in values}
    for name, candidates in REDDYPROC_DRIVERS.items():
        if column := _there(values, list(candidates)):
            names[column] = name
    tower.variant = scenario.removeprefix("_") or "no u* scenario"
    tower.source = f"{label} (REddyProc, {tower.variant})"
    if scenario != SCENARIOS[0]:
        tower.notes.append(f"fluxes are those of REddyProc with {tower.variant}")
    absent = [name for name in ("NEE", "GPP", "RECO", "NEE_QC", *REDDYPROC_DRIVERS) if name not in names.values()]
    if absent:
        tower.notes.append(f"the file has no {', '.join(absent)}")
    return _take(tower, values, faults, names)


def _of_base(columns: list[str]) -> list[str]:
    stems = ("NEE", "FC", "SC", "RH", *BASE_DRIVERS)
    known = {stem + qualifier for stem in stems for qualifier in (*_FILLED, *_MEASURED)}
    return [column for column in columns if column in known]


def _base(tower: Tower, values: pd.DataFrame, faults: dict[str, str], columns: list[str], label: str) -> pd.DataFrame:
    """Name the columns of AmeriFlux BASE: NEE as the team gives it, or FC with its storage where that is given.

    NEE_QC is 0 where the flux was measured and 3 where the team filled it by a method that the file does not state.
    """

    def first(stem: str, qualifiers: tuple[str, ...]) -> str:
        return _there(values, [stem + qualifier for qualifier in qualifiers])

    measured = first("NEE", _MEASURED) or first("FC", _MEASURED)
    taken = first("NEE", _FILLED) or measured
    if not taken:
        raise TamrlError("The file has no value of NEE or FC", label, "Give the FLUXNET product of the tower")
    names = {taken: "NEE"}
    for name in BASE_DRIVERS:
        if column := first(name, (*_FILLED, *_MEASURED)):
            names[column] = name
    storage, humidity = first("SC", _MEASURED), first("RH", (*_FILLED, *_MEASURED))
    table = _take(tower, values, faults, names)
    said = taken
    if taken.startswith("FC"):
        whole = values[taken] + values[storage] if storage else values[taken]
        enough = storage and whole.notna().sum() >= 0.9 * values[taken].notna().sum()
        said = f"{taken} + {storage}" if enough else f"{taken}, the flux at the sensor without storage below it"
        table["NEE"] = whole if enough else table["NEE"]
    known = values[measured].notna() if measured else pd.Series(False, values.index)
    table["NEE_QC"] = np.where(known, 0.0, 3.0)
    table["NEE_QC"] = table["NEE_QC"].where(table["NEE"].notna())
    if "VPD" not in table and "TA" in table and humidity:
        table["VPD"] = vapour_deficit(table["TA"], values[humidity])
        tower.notes.append(f"VPD is computed from {humidity} and the air temperature")
    tower.variant, tower.source = taken, f"{label} (AmeriFlux BASE, {taken})"
    tower.notes.append(f"NEE is {said}, not filtered for weak turbulence here; AmeriFlux BASE has no GPP and RECO")
    return table


def vapour_deficit(temperature: pd.Series, humidity: pd.Series) -> pd.Series:
    """Return the vapour pressure deficit in hPa, see ``saturation``.

    Args:
        temperature: of the air, degC.
        humidity: relative, %.
    """
    return saturation(temperature) * (1 - humidity.clip(0, 100) / 100)


def saturation(temperature: pd.Series) -> pd.Series:
    """Return the saturation vapour pressure over water in hPa by the Magnus formula.

    Alduchov and Eskridge 1996, doi:10.1175/1520-0450(1996)035<0601:IMFAOS>2.0.CO;2, equation 21.

    Args:
        temperature: of the air, degC.
    """
    return 6.1094 * np.exp(17.625 * temperature / (temperature + 243.04))
