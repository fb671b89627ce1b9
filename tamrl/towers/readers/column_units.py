"""Units of the columns of a tidy table: as written in a name or inferred from the magnitude of the values.

Drivers follow ``tamrl.towers.units``. A flux must say what it counts, carbon (``gC``), carbon dioxide (``gCO2``) or
moles of it (``umol``): grams alone are refused.
"""

import re

import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers import ranges
from tamrl.towers.readers.subdaily import CARBON, DAY_SECONDS, TO_DAILY_CARBON
from tamrl.towers.units import Conversion, parse
from tamrl.towers.units import conversion as of_driver

#: Unit of the quality of half-hours, 0 to 3; days are given by a share.
FLAG = "flag"
FLUX_UNITS = "gC m-2 d-1, umol m-2 s-1, gCO2 m-2 d-1, kgC m-2 s-1"
#: Of half-hours where nothing says another.
STEP_FLUX = "umol m-2 s-1"
_FLUX_LIKE = tuple(name for name, variable in schema.VARIABLES.items() if variable.unit == schema.FLUX_UNIT)
#: Grams of carbon in a mole, and share of carbon in the mass of carbon dioxide.
_MOLE, _SHARE = CARBON * 1e6, 12.011 / 44.009
_COUNTED = re.compile(r"(?<=[gl])[ -]?CO2\b|(?<=[gl])[ -]?C\b")
_SIGNS = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u2212": "-", "\u00b2": "2", "\u00b3": "3", "\u00b9": "1"})
#: What names of columns leave out of a unit, most likely first: ``Rg_MJ``, ``GPP_gC``, ``NEE_umol``.
_MOLES, _CARBON = ("", "m-2 s-1", "m-2 d-1"), ("", "m-2 d-1", "m-2 s-1")
_ENERGY, _STEP_ENERGY, _OTHER = ("", "m-2 d-1"), ("", "m-2"), ("", "m-2", "s-1", "d-1")
_MISTAKEN = {"kelvin": "K", "percent": "%"}


def is_flux(name: str) -> bool:
    """Return whether a variable is a flux of carbon."""
    return name in _FLUX_LIKE


def of_steps(name: str) -> str:
    """Return the usual unit of half-hourly and hourly values: fluxes per second, precipitation per step."""
    return STEP_FLUX if is_flux(name) else "mm" if name == "P" else schema.variable(name).unit


def conversion(name: str, unit: str, where: str) -> Conversion:
    """Return how a column is brought from its unit to that of the schema.

    Args:
        name: variable of the schema.
        unit: as the map gives it.
        where: column, for messages.

    Raises:
        TamrlError: the unit is not understood, is that of another quantity, does not say what its grams are of, or is
            per month.
    """
    unit = unit.translate(_SIGNS).strip()
    if name == "NEE_QC" and unit == FLAG:
        return Conversion()
    if not is_flux(name):
        if name == "NEE_QC":
            return _share(unit, where)
        try:
            found = of_driver(name, unit, where)
        except TamrlError as error:
            known = schema.variable(name).accepted_units or schema.variable(name).unit
            raise TamrlError(error.what, where, f"Known units of {name}: {known}") from None
        if found.month:
            raise TamrlError(f"{name} is a monthly amount, {unit!r}", where, "Give a daily amount")
        return found
    if unit == schema.FLUX_UNIT:
        return Conversion()
    counted = _COUNTED.search(unit)
    read = parse(_COUNTED.sub("", unit))
    if read is not None and read[1] == (-2, 0, -1, 0, 1):
        return Conversion(read[0] * _MOLE * DAY_SECONDS)
    if read is None or read[1] != (-2, 1, -1, 0, 0):
        raise TamrlError(f"{name} cannot be in {unit!r}", where, f"Known units of {name}: {FLUX_UNITS}")
    if not counted:
        raise TamrlError(
            f"{unit!r} does not say what the grams of {name} are of", where, "Write gC or gCO2, such as gC m-2 d-1"
        )
    dioxide = counted.group().endswith("O2")
    return Conversion(read[0] * 1e3 * DAY_SECONDS * (_SHARE if dioxide else 1.0))


def _share(unit: str, where: str) -> Conversion:
    factors = {"1": 1.0, "%": 0.01, "percent": 0.01}
    if unit not in factors:
        raise TamrlError(
            f"NEE_QC cannot be in {unit!r}", where, f"Known units of NEE_QC: 1, %, {FLAG} (0 to 3, half-hours)"
        )
    return Conversion(factors[unit])


def apply(values: pd.Series, change: Conversion, step_days: float) -> pd.Series:
    """Return values in the unit of the schema.

    Args:
        values: in the unit of the file.
        change: from there.
        step_days: length of a step in days; an amount over a step is divided by it.
    """
    return values * (change.factor / (step_days if change.per_step else 1.0)) + change.offset


def undo(values: pd.Series, change: Conversion, step_days: float) -> pd.Series:
    """Return values in the unit of the file: the inverse of ``apply``."""
    return (values - change.offset) / (change.factor / (step_days if change.per_step else 1.0))


def written(name: str, text: str, steps: bool = False) -> str:
    """Return the unit that a text such as ``umol_m2_s`` or ``MJ`` means, in the spelling that is read; empty if none.

    Args:
        name: variable of the schema.
        text: from the name of a column or the row below it.
        steps: the table has half-hours or hours.
    """
    plain = " ".join(text.translate(_SIGNS).replace("_", " ").split())
    if not plain or plain == "-":
        return ""
    # m2 and a letter of time that follow something divide: W_m2, gC_m2_d.
    divide = {"m2": "m-2", "m3": "m-3", "s": "s-1", "h": "h-1", "d": "d-1", "day": "d-1"}
    first, *others = plain.split(" ")
    bases = dict.fromkeys((plain, " ".join([first, *(divide.get(token, token) for token in others)])))
    rests: tuple[str, ...]
    if "mol" in plain and is_flux(name):
        rests = _MOLES
    elif is_flux(name):
        rests = _CARBON
    else:
        rests = _OTHER if "J" not in plain else _STEP_ENERGY if steps else _ENERGY
    for candidate in (f"{base} {rest}".strip() for rest in rests for base in bases):
        if _understood(name, candidate):
            return _spelled(name, candidate)
    return ""


def _understood(name: str, unit: str) -> bool:
    try:
        conversion(name, unit, "")
    except TamrlError:
        return False
    return True


def _spelled(name: str, unit: str) -> str:
    """Return the schema's spelling where a unit is the same."""
    own = schema.variable(name).unit
    return own if conversion(name, unit, "") == Conversion() and unit != FLAG else unit


def by_size(name: str, values: np.ndarray, whole: bool) -> str:
    """Return the unit inferred from the magnitude of the values; empty where that suggests none but the schema's.

    Args:
        name: variable of the schema.
        values: (N,) of days, without missing ones.
        whole: they are of about a year or more, so that their spread can be judged.
    """
    if not values.size:
        return ""
    low, high = schema.variable(name).bounds
    median = float(np.median(values))
    if not low <= median <= high:
        for least, most, words in schema.variable(name).usual_mistakes:
            unit = _MISTAKEN.get(words, words)
            if least <= median <= most and _understood(name, unit):
                return unit
    for size in ranges.KNOWN.get(name, ()):
        if size.against or (size.seasonal and not whole):
            continue
        number = size.measure(values)
        if number == 0 or size.low / ranges.DOUBT <= number <= size.high * ranges.DOUBT:
            return ""
        fits = [u for u, f in size.units.items() if size.low <= size.measure(values * f) <= size.high]
        return next((unit for unit in fits if _understood(name, unit)), "")
    return ""


def per_step(name: str, values: pd.Series, step_days: float) -> pd.Series:
    """Return values in the units that ``subdaily.to_days`` expects of steps."""
    if is_flux(name):
        return values / TO_DAILY_CARBON
    return values * step_days if name == "P" else values
