"""The guess of ``column_map``: which column of a table is which variable, by its name, its unit and its values."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers import ranges
from tamrl.towers.readers import column_times, column_units
from tamrl.towers.readers.column_map import Column, ColumnMap
from tamrl.towers.readers.layouts import BASE_DRIVERS
from tamrl.towers.readers.numbers import to_numbers
from tamrl.towers.readers.sites import names_sites, plain
from tamrl.towers.satellite import NAMES

#: Variable -> names of its column beside its own, as ``sites.plain`` writes them.
ALIASES = {
    "NEE": ("nee", "nep", "net_ecosystem_exchange", "fco2", "co2_flux"),
    "GPP": ("gpp", "gpp_nt", "gross_primary_productivity", "gross_primary_production", "gep", "gee"),
    "RECO": ("reco", "reco_nt", "er", "ter", "ecosystem_respiration", "re", "respiration"),
    "GPP_DT": ("gpp_dt",),
    "RECO_DT": ("reco_dt",),
    "NEE_QC": ("qc", "nee_qc", "nee_fqc", "qc_nee", "quality", "quality_flag", "qf"),
    "TA_MIN": ("ta_min", "tmin", "t_min", "tair_min", "min_ta", "minimum_temperature"),
    "TA_MAX": ("ta_max", "tmax", "t_max", "tair_max", "max_ta", "maximum_temperature"),
    "TA": ("ta", "tair", "t_air", "air_temperature", "air_temp", "airtemp", "temperature", "temp", "tmean", "t2m"),
    "SW_IN": (
        *("sw_in", "rg", "swin", "swdown", "sw_down", "rsds", "srad", "global_radiation", "solar_radiation"),
        *("shortwave_in", "incoming_shortwave", "shortwave", "shortwave_radiation", "glorad", "radiation"),
    ),
    "LW_IN": ("lw_in", "lwin", "lwdown", "lw_down", "rlds", "longwave_in", "incoming_longwave", "longwave"),
    "VPD": ("vpd", "vapour_pressure_deficit", "vapor_pressure_deficit"),
    "P": ("p", "precip", "precipitation", "rain", "rainfall", "prcp", "ppt"),
    "PA": ("pa", "pressure", "air_pressure", "atmospheric_pressure", "patm", "press", "psurf"),
    "WS": ("ws", "wind", "wind_speed", "windspeed", "u"),
    "CO2": ("co2", "co2_concentration", "co2_mole_fraction"),
    "SWC": ("swc", "soil_water_content", "soil_moisture", "soil_water", "vwc", "theta"),
} | {name: tuple(key for key, known in NAMES.items() if known == name) for name in dict.fromkeys(NAMES.values())}
_NEGATED = ("nep", "gee")
#: Ends of names that say how a column was made; gap-filled columns are taken first.
_FILLED = ("f", "filled", "gf", "gapfilled", "mds")
_ENDS = (*_FILLED, "mean", "avg", "daily", "day", "sum", "total", "1", "ustar", "u50", "ref", "vut")
_BRACKETS = re.compile(r"(?P<name>[^\[(]*[^\[(\s_])[\s_]*[\[(](?P<unit>[^\])]*)[\])]\s*")
#: Share of GPP's variance that NEE must go with for its sign to be told by it alone.
_SIGN_R = 0.3
_SITES = ("station", "tower", "plot")


def guess(columns: Sequence[str], sample: pd.DataFrame, units: Mapping[str, str] | None = None) -> ColumnMap:
    """Guess which column of a table is which variable.

    Args:
        columns: of the table.
        sample: rows of it as written, at least a year of them where units are to be inferred from magnitude.
        units: column -> text in a row of units below the names.

    Returns:
        A map, with its assumptions among the remarks. It passes ``ColumnMap.check`` where a time and a
        variable were found.
    """
    time = column_times.find(columns, sample)
    rest = [c for c in columns if c not in time]
    site = next((c for c in rest if names_sites([c])), "") or next((c for c in rest if plain(c) in _SITES), "")
    remarks: list[str] = []
    times = column_times.compose(sample, time) if time else pd.Series(dtype=object)
    steps = bool(time) and column_times.within_days(times)
    stamps = "begin"
    if steps:
        stamps = _stamps(time, times, remarks)
    values = _values(sample, [c for c in rest if c != site])
    per_day = max(1, round(len(times) / max(1, times.map(str).str.slice(0, 10).nunique()))) if steps else 1
    found: dict[str, Column] = {}
    for column in _chosen([c for c in rest if c != site], values):
        name, unit = split(column)
        variable = _variable(name)
        text = unit or (units or {}).get(column, "")
        taken = _column(column, variable, text, _of_days(values[column], per_day), steps, remarks)
        if taken is not None:
            found[column] = taken
    found = {c: found[c] for c in columns if c in found}
    found |= _signs(found, values, remarks)
    ignored = tuple(c for c in columns if c not in found and c not in time and c != site)
    return ColumnMap(time=time, stamps=stamps, site=site, columns=found, ignored=ignored, remarks=tuple(remarks))


def split(column: str) -> tuple[str, str]:
    """Split a column's name into the name proper and the text that may be its unit, empty where there is none."""
    if found := _BRACKETS.fullmatch(column):
        return found["name"].strip(), found["unit"].strip() or "-"
    tokens = re.split(r"[\s_.]+", column.strip())
    for end in range(len(tokens), 0, -1):
        variable = _variable("_".join(tokens[:end]))
        rest = " ".join(token for token in tokens[end:] if token.lower() not in _ENDS)
        # What follows is a unit, or the column is another one: TA_QC, SWC_10cm.
        if variable and (not rest or column_units.written(variable, rest)):
            return "_".join(tokens[:end]), rest
    return column, ""


def _variable(name: str) -> str:
    """Return the variable that a name without its unit stands for, empty where none."""
    tokens = plain(name).split("_")
    while tokens:
        key = "_".join(tokens)
        own = next((v for v in schema.VARIABLES if v.lower() == key), "")
        if found := own or next((v for v, names in ALIASES.items() if key in names), ""):
            return found
        if tokens[-1] not in _ENDS:
            return ""
        tokens.pop()
    return ""


def _values(sample: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the sample as numbers; what is none is missing."""
    return to_numbers(sample[columns], "")[0] if columns else pd.DataFrame(index=sample.index)


def _chosen(columns: list[str], values: pd.DataFrame) -> list[str]:
    """Return one column a variable: a gap-filled one first, then the one with more values, then the first."""
    groups: dict[str, list[str]] = {}
    for column in columns:
        if (variable := _variable(split(column)[0])) and values[column].notna().any():
            groups.setdefault(variable, []).append(column)

    def rank(column: str) -> tuple[bool, int]:
        return bool(set(plain(split(column)[0]).split("_")) & set(_FILLED)), int(values[column].notna().sum())

    return [max(group, key=rank) for group in groups.values()]


def _column(
    column: str, variable: str, text: str, values: np.ndarray, steps: bool, remarks: list[str]
) -> Column | None:
    """Return what a column holds, None where its unit is written and not understood."""
    negate = plain(split(column)[0]).split("_")[0] in _NEGATED
    own = schema.variable(variable).unit
    unit = "" if text in ("", "-") else column_units.written(variable, text, steps)
    if text not in ("", "-") and not unit and variable != "NEE_QC":
        remarks.append(f"{column} is left out: its unit {text!r} is not understood for {variable}")
        return None
    if unit:
        return Column(variable=variable, unit=unit, negate=negate)
    if variable == "NEE_QC":
        return Column(variable=variable, unit=_quality(values, steps))
    # Means of half-hours are not those of days where the unit is of a step.
    told = not (steps and (column_units.is_flux(variable) or variable == "P"))
    unit = column_units.by_size(variable, values, len(values) >= ranges.YEAR_DAYS) if told else ""
    default = column_units.of_steps(variable) if steps else own
    if unit:
        remarks.append(f"{column} is taken to be in {unit}, by the magnitude of its values")
    elif variable in (*schema.FLUXES, *BASE_DRIVERS):
        remarks.append(f"{column} does not say its unit; {default} is taken")
    return Column(variable=variable, unit=unit or default, negate=negate)


def _quality(values: np.ndarray, steps: bool) -> str:
    """Return the unit of a column of quality: flags of steps, or shares, or shares in percent."""
    if steps:
        return column_units.FLAG
    return "%" if values.size and np.max(values) > 3 else "1"


def _of_days(values: pd.Series, per_day: int) -> np.ndarray:
    """Return values of days, (N,) without missing ones: of steps the means over as many as a day has."""
    known = values.reset_index(drop=True)
    if per_day > 1:
        known = known.groupby(known.index // per_day).mean()
    return known.dropna().to_numpy(np.float64)


def _stamps(time: Sequence[str], times: pd.Series, remarks: list[str]) -> str:
    """Return whether times of steps begin or end them."""
    names = {word for column in time for word in plain(column).split("_")}
    if names & {"start", "begin", "end"}:
        return "end" if "end" in names else "begin"
    ends = column_times.first_is_end(times)
    said = "the first one lies a step past midnight" if ends else "nothing says otherwise"
    remarks.append(f"times are taken as the {'ends' if ends else 'beginnings'} of steps, since {said}")
    return "end" if ends else "begin"


def _signs(found: dict[str, Column], values: pd.DataFrame, remarks: list[str]) -> dict[str, Column]:
    """Return the fluxes whose sign is the other one, by their values."""
    by = {c.variable: name for name, c in found.items() if c.variable in schema.FLUXES}
    out: dict[str, Column] = {}
    signed = {}
    for variable, name in by.items():
        series = _schema_values(values[name], found[name])
        if variable != "NEE" and not found[name].negate and _mostly_negative(series):
            out[name] = Column(variable=variable, unit=found[name].unit, negate=True)
            series = -series
            remarks.append(f"{name} is mostly negative: its sign is changed, since {variable} is positive")
        signed[variable] = series
    if "NEE" in by and not found[by["NEE"]].negate and _is_uptake_positive(signed):
        out[by["NEE"]] = Column(variable="NEE", unit=found[by["NEE"]].unit, negate=True)
        remarks.append(f"{by['NEE']} is positive for uptake, as GPP and RECO tell: its sign is changed")
    return out


def _schema_values(values: pd.Series, column: Column) -> pd.Series:
    try:
        change = column_units.conversion(column.variable, column.unit, "")
    except TamrlError:
        return values
    return column_units.apply(values, change, 1.0) * (-1 if column.negate else 1)


def _mostly_negative(values: pd.Series) -> bool:
    known = values.dropna()
    return bool(len(known)) and known.mean() < 0 and -known.quantile(0.05) > known.quantile(0.95)


def _is_uptake_positive(fluxes: Mapping[str, pd.Series]) -> bool:
    """Return whether NEE closes the balance with the other sign, or rises with GPP."""
    table = pd.DataFrame(dict(fluxes)).dropna()
    if len(table) < 3 or "GPP" not in table:
        return False
    if "RECO" in table:
        balance = table["RECO"] - table["GPP"]
        return bool((table["NEE"] + balance).abs().mean() < (table["NEE"] - balance).abs().mean())
    if table.nunique().min() < 2:
        return False
    return bool(np.corrcoef(table["NEE"], table["GPP"])[0, 1] > _SIGN_R)


def has_flux(columns: Sequence[str]) -> bool:
    """Return whether a column is NEE, GPP or RECO by its name."""
    return any(_variable(split(column)[0]) in schema.FLUXES for column in columns)
