"""The one parser of flux units: any usual spelling to gC m-2 d-1.

``gC m-2 d-1``, ``g C m**-2 day-1``, ``$gCm^{-2}d^{-1}$``, ``kg m-2 s-1``, ``umolCO2 m-2 s-1``, ``gC/(m2 yr)``, ...:
an amount of carbon or CO2, by area, by time. An amount that names no substance is carbon, as in CF and CMIP. A unit
that is not understood is an error, never a guess.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tamrl.errors import TamrlError
from tamrl.globe.contract import DAYS_PER_YEAR

#: g mol-1 of C, and of CO2 (O 15.999): standard atomic weights 2021, abridged; Prohaska et al. 2022,
#: doi:10.1515/pac-2019-0603.
MOLAR_MASS_C, MOLAR_MASS_CO2 = 12.011, 12.011 + 2 * 15.999
SECONDS_PER_DAY = 86_400.0

Period = Literal["day", "month"]
_PREFIXES = {
    "": 1.0,
    "n": 1e-9,
    "nano": 1e-9,
    "u": 1e-6,
    "micro": 1e-6,
    "m": 1e-3,
    "milli": 1e-3,
    "k": 1e3,
    "kilo": 1e3,
    "M": 1e6,
    "mega": 1e6,
}
_MASSES = {"g": 1.0, "gram": 1.0, "grams": 1.0, "t": 1e6, "tonne": 1e6, "tonnes": 1e6}
_MOLES = ("mol", "mole", "moles")
_CO2, _CARBON = ("CO2", "CO_2"), ("C", "carbon")
_AREAS = {"m": 1.0, "metre": 1.0, "meter": 1.0, "km": 1e6, "cm": 1e-4, "ha": 1e4}
# Days in one unit of time; a month is as long as the month it is in, and a year its mean.
_TIMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / SECONDS_PER_DAY),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 1440),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1 / 24),
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "a", "annum"), DAYS_PER_YEAR),
}
_MONTHS = ("mo", "mon", "month", "months")


def _one_of(words: Iterable[str]) -> str:
    """Return a pattern of any of the words, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_AMOUNT = re.compile(
    rf"(?P<prefix>{_one_of(_PREFIXES)})(?P<base>{_one_of((*_MASSES, *_MOLES))})[ _.*(-]*"
    rf"(?P<what>{_one_of((*_CO2, *_CARBON))})?\)?"
)
_PER = re.compile(rf"[ .*]*(?P<per>/|per\b)?[ .*]*(?P<unit>{_one_of((*_AREAS, *_TIMES, *_MONTHS))})\^?(?P<power>-?\d)?")


@dataclass(frozen=True)
class FluxUnit:
    """The factor to gC m-2 ``period``-1.

    Attributes:
        factor: multiplier.
        period: ``day``, or ``month`` where the result must still be divided by the days of its month.
    """

    factor: float
    period: Period = "day"


def parse_unit(text: str, where: str = "unit") -> FluxUnit:
    """Return how to convert from a flux unit.

    Args:
        text: unit as written in a file or a mapping.
        where: file and variable, for messages.

    Raises:
        TamrlError: it is not an amount of carbon or CO2 by area and time.
    """
    plain = _plain(text)
    amount = _AMOUNT.match(plain)
    if not amount:
        raise _unknown(text, where)
    base, what = amount["base"], amount["what"] or "C"
    factor = _PREFIXES[amount["prefix"]]
    if base in _MOLES:
        factor *= MOLAR_MASS_C
    else:
        factor *= _MASSES[base] * (MOLAR_MASS_C / MOLAR_MASS_CO2 if what in _CO2 else 1.0)
    period: Period = "day"
    seen, rest = [], plain[amount.end() :]
    while rest.strip():
        token = _PER.match(rest)
        power = int(token["power"] or 1) * (-1 if token["per"] else 1) if token else 0
        if token is None:
            raise _unknown(text, where)
        unit, rest = token["unit"], rest[token.end() :]
        # A hectare is an area as it is, a metre only when it is squared.
        area = unit in _AREAS and power == (-1 if unit == "ha" else -2)
        if area:
            factor /= _AREAS[unit]
        elif unit in _TIMES and power == -1:
            factor /= _TIMES[unit]
        elif unit in _MONTHS and power == -1:
            period = "month"
        else:
            raise _unknown(text, where)
        seen.append(area)
    if sorted(seen) != [False, True]:
        raise _unknown(text, where)
    return FluxUnit(factor, period)


def _plain(text: str) -> str:
    """Return a unit without LaTeX, Unicode and brackets: ``$gCm^{-2}$`` becomes ``gCm^-2``."""
    plain = re.sub(r"\\[,;: ]", " ", str(text)).translate(str.maketrans("⁰¹²³⁻−–·⋅µμ₂", "0123---..uu2", "${}\\"))
    plain = re.sub(r"mathrm|text(?=[a-zA-Z])", "", plain).replace("**", "^")
    # What a slash applies to in brackets, it applies to one by one.
    plain = re.sub(
        r"/ *\(([^()]*)\)", lambda found: "".join(f"/{word}" for word in re.split(r"[ .*]+", found[1])), plain
    )
    return re.sub(r"\^\(?([-+]?)\+?(\d)\)?", r"^\1\2", plain).replace("^+", "^").strip()


def _unknown(text: str, where: str) -> TamrlError:
    return TamrlError(
        f"The unit {text!r} is not a flux of carbon",
        where,
        "Give one such as 'gC m-2 d-1', 'kg m-2 s-1' or 'umolCO2 m-2 s-1' in a mapping",
    )
