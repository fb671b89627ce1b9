"""Units: from what a file says to the unit of the schema.

A unit is a product of powers (``kg m-2 s-1``, ``W/m^2``, ``J m**-2``); it must measure what the driver measures.
Two further rules: a layer of water in m or mm and its mass in kg m-2 are the same, and an amount
over a step (``J m-2``, ``m``, ``kg m-2``) is divided by the length of that step.
"""

import re
from dataclasses import dataclass

from tamrl.errors import TamrlError
from tamrl.schema import variable

#: Density of water, kg m-3.
WATER = 1000.0
_DAY = 86_400.0
#: Word -> factor to SI and powers of m, kg, s and K. An amount in mol cancels against mol.
_BASE: dict[str, tuple[float, tuple[int, int, int, int, int]]] = {
    "m": (1, (1, 0, 0, 0, 0)),
    "kg": (1, (0, 1, 0, 0, 0)),
    "g": (1e-3, (0, 1, 0, 0, 0)),
    "s": (1, (0, 0, 1, 0, 0)),
    "K": (1, (0, 0, 0, 1, 0)),
    "mol": (1, (0, 0, 0, 0, 1)),
    "W": (1, (2, 1, -3, 0, 0)),
    "J": (1, (2, 1, -2, 0, 0)),
    "Pa": (1, (-1, 1, -2, 0, 0)),
    "bar": (1e5, (-1, 1, -2, 0, 0)),
    "min": (60, (0, 0, 1, 0, 0)),
    "h": (3600, (0, 0, 1, 0, 0)),
    "d": (_DAY, (0, 0, 1, 0, 0)),
    "%": (1e-2, (0, 0, 0, 0, 0)),
    "ppm": (1e-6, (0, 0, 0, 0, 0)),
    "1": (1, (0, 0, 0, 0, 0)),
}
_WORDS = {
    "meter": "m",
    "metre": "m",
    "meters": "m",
    "metres": "m",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "kelvin": "K",
    "kelvins": "K",
    "watt": "W",
    "watts": "W",
    "joule": "J",
    "joules": "J",
    "percent": "%",
    "ppmv": "ppm",
    "fraction": "1",
    "unitless": "1",
    "dimensionless": "1",
    "-": "1",
    "mole": "mol",
    "millibar": "mbar",
    "millibars": "mbar",
    "hectopascal": "hPa",
}
_PREFIXES = {"u": 1e-6, "m": 1e-3, "c": 1e-2, "h": 1e2, "k": 1e3, "M": 1e6}
_CELSIUS = (
    "degC",
    "deg C",
    "degree_C",
    "degrees_C",
    "degree_Celsius",
    "degrees_Celsius",
    "celsius",
    "Celsius",
    "C",
    "°C",
    "degrees C",
)
_ZERO = 273.15
_MONTH = re.compile(r"(?:/\s*|\bper\s+)(?:months?|mon|mo)\b|\b(?:months?|mon|mo)\s*(?:\^|\*\*)?-1\b")
_TOKEN = re.compile(r"([A-Za-z%]+|1)\^?(-?\d+)?$")


@dataclass(frozen=True)
class Conversion:
    """``value * factor + offset``, divided by the days of the step where ``per_step``, of its month where ``month``."""

    factor: float = 1.0
    offset: float = 0.0
    per_step: bool = False
    month: bool = False


def parse(text: str) -> tuple[float, tuple[int, ...]] | None:
    """Return the factor to SI and the powers of a unit, None where it is not understood."""
    plain = text.strip().translate(str.maketrans("⁰¹²³⁻−·⋅µμ", "0123--..uu")).replace("**", "^")
    plain = re.sub(r"\bper\b", "/", plain.removesuffix("of water equivalent"))
    factor, powers, sign = 1.0, [0] * 5, 1
    tokens = re.findall(r"/|[^\s.*/]+", plain) or ["1"]
    for token in tokens:
        if token == "/":
            sign = -1
            continue
        matched = _TOKEN.match(_known(token).replace(" ", ""))
        if not matched:
            return None
        found = _word(_known(matched[1]))
        if found is None:
            return None
        power = sign * int(matched[2] or 1)
        factor *= found[0] ** power
        powers = [p + power * q for p, q in zip(powers, found[1], strict=True)]
        sign = 1
    return factor, tuple(powers)


def _known(word: str) -> str:
    """Return the symbol of a unit that is written out, in any case; another word as it is."""
    return _WORDS.get(word, _WORDS.get(word.lower(), word))


def _word(word: str) -> tuple[float, tuple[int, ...]] | None:
    if word in _BASE:
        return _BASE[word]
    prefix, base = word[:1], word[1:]
    if prefix in _PREFIXES and base in ("m", "g", "W", "J", "Pa", "bar", "mol", "s"):
        return _PREFIXES[prefix] * _BASE[base][0], _BASE[base][1]
    return None


def conversion(name: str, unit: str | None, where: str) -> Conversion:
    """Return how a driver is brought from a unit to that of the schema.

    Args:
        name: driver.
        unit: as written in the file or the mapping; None where neither says it.
        where: file and variable, for messages.

    Raises:
        TamrlError: the unit is missing, not understood, or that of another quantity.
    """
    driver = variable(name)
    target = driver.unit
    known = f"Known units of {name}: {driver.accepted_units or target}; declare the right one in a mapping (units: ...)"
    if unit is None:
        raise TamrlError(f"{name} has no unit", where, known)
    if target == "degC":
        if unit.strip() in _CELSIUS:
            return Conversion()
        if parse(unit) == (1.0, _BASE["K"][1]):
            return Conversion(offset=-_ZERO)
        raise TamrlError(f"{name} cannot be in {unit!r}", where, known)
    if unit.strip() == target:
        return Conversion()
    unit, month = _MONTH.subn(" d-1", unit)
    found, wanted = parse(unit), parse(target)
    if found is None or wanted is None:
        raise TamrlError(f"The unit {unit!r} of {name} is not understood", where, known)
    factor = found[0] / wanted[0]
    difference = tuple(a - b for a, b in zip(found[1], wanted[1], strict=True))
    if target == "mm d-1" and difference[:2] == (-3, 1):
        factor, difference = factor / WATER, (0, 0, *difference[2:])
    per_step = difference == (0, 0, 1, 0, 0) and target in ("W m-2", "mm d-1")
    if any(difference) and not per_step:
        raise TamrlError(f"{name} cannot be in {unit!r}", where, known)
    return Conversion(factor / _DAY if per_step else factor, 0.0, per_step, bool(month))
