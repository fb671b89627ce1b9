"""Typical magnitudes of variables at towers, to find values too small (or too large) for their unit.

The bounds of the schema find impossible values, but a unit that makes values too small stays within them. It is found
by comparing one statistic of a tower with the same statistic at all towers known to the project. ``KNOWN`` was computed
once from the 163 towers of FLUXNET2015 (daily and monthly tables), the published daily files of 19 of them and of
US-xBA and US-xHA, 31 towers of dry western North America and 337 towers with MODIS fAPAR;
``tests/towers/test_ranges.py`` checks it against these data where available. Units that differ by less than towers do
cannot be told apart by any range: GPP in umol m-2 s-1 (0.96 of gC m-2 d-1), precipitation in cm at a wet tower, wind in
knots.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
import pandas as pd

from tamrl import schema, wording
from tamrl.solar import potential_radiation
from tamrl.timestep import TimeStep

#: Values that a number over the year needs, in how many months of the calendar; and one of something steady.
YEAR_DAYS, YEAR_MONTHS, FEW_DAYS = 300, 11, 30
#: Beyond the known range by this factor a unit is doubted (a new tower may be the driest of all); by the factor of the
#: variable, and where another unit fits, it is certainly another.
DOUBT = 1.25
_DAY = 86_400.0


@dataclass(frozen=True)
class Size:
    """One statistic of a tower that reveals the unit of a variable.

    Attributes:
        words: what the number is, with ``{value}`` for it.
        measure: the number of (N,) values in the unit of the schema.
        low, high: its range over the towers known to the project.
        certain: factor beyond the range at which the unit is certainly wrong.
        units: unit that files have instead -> factor that brings its values to the schema's.
        seasonal: whether it needs a whole year.
        against: variable that it is relative to; the values are first divided by the mean of that.
    """

    words: str
    measure: Callable[[np.ndarray], float]
    low: float
    high: float
    certain: float
    _: KW_ONLY
    units: dict[str, float]
    seasonal: bool = True
    against: str = ""


def _q95(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.95))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))


#: A variable with no more different values than this is a placeholder or synthetic; its span is not judged.
FEW_LEVELS = 4


def _span(values: np.ndarray) -> float:
    return float(np.subtract(*np.quantile(values, (0.95, 0.05))))


_CARBON = {
    "gC m-2 s-1": _DAY,
    "kgC m-2 s-1": 1e3 * _DAY,
    "kgC m-2 d-1": 1e3,
    "mgC m-2 d-1": 1e-3,
    "mgC m-2 s-1": 1e-3 * _DAY,
    "mgCO2 m-2 s-1": 1e-3 * _DAY * 12.011 / 44.009,
    "gCO2 m-2 d-1": 12.011 / 44.009,
    "mol m-2 d-1": 12.011,
    "mmol m-2 d-1": 0.012011,
    "mol m-2 s-1": 12.011 * _DAY,
}
_RADIATION = {"MJ m-2 d-1": 1e6 / _DAY, "kW m-2": 1e3, "kWh m-2 d-1": 1e3 / 24, "J m-2 d-1": 1 / _DAY}
_LIGHT = {"umol m-2 s-1 (PPFD)": 1 / 2.04, "mol m-2 d-1 (PPFD)": 1e6 / _DAY / 2.04, "cal cm-2 d-1": 4.184e4 / _DAY}
_WATER = {
    "m": 1e3,
    "cm": 10.0,
    "inch": 25.4,
    "m s-1": 1e3 * _DAY,
    "kg m-2 s-1 (mm s-1)": _DAY,
    "mm h-1": 24.0,
    "mm per half-hour": 48.0,
    "0.1 mm": 0.1,
}
_PRESSURE = {"kPa": 10.0, "Pa": 0.01, "bar": 1e3, "mmHg": 1.33322}
_SPEED = {"km h-1": 1 / 3.6, "cm s-1": 0.01, "m d-1": 1 / _DAY, "km s-1": 1e3}
#: At 25 degC and 100 kPa.
_CO2 = {"mg m-3": 24.79 / 44.009, "mmol m-3": 24.79}
_SHARE = {"m3 m-3": 100.0, "per mille": 0.1}
_SCALED = {
    "steps of 0.1": 0.1,
    "%": 0.01,
    "steps of 0.001": 1e-3,
    "steps of 1e-4": 1e-4,
    "a tenth of the unit": 10.0,
    "a hundredth of the unit": 100.0,
    "values scaled twice": 1e4,
}
#: Variable -> what tells its unit. SW_IN and VPD have a second, weaker number for towers without position or TA.
KNOWN: dict[str, tuple[Size, ...]] = {
    "GPP": (Size("95 % of it are below {value:.2g} gC m-2 d-1", _q95, 0.41, 22.4, 2.0, units=_CARBON),),
    "RECO": (Size("95 % of it are below {value:.2g} gC m-2 d-1", _q95, 0.27, 24.8, 2.0, units=_CARBON),),
    "NEE": (Size("90 % of it span {value:.2g} gC m-2 d-1", _span, 0.34, 15.2, 2.0, units=_CARBON),),
    "SW_IN": (
        Size(
            "it is {percent:.1f} % of potential radiation",
            _mean,
            0.36,
            0.72,
            2.2,
            units=_RADIATION | _LIGHT,
            seasonal=False,
            against="SW_IN_POT",
        ),
        Size("its mean is {value:.3g} W m-2", _mean, 71, 262, 1.4, units=_RADIATION | _LIGHT),
    ),
    "VPD": (
        Size(
            "it is {value:.2g} of the saturation pressure at TA",
            _mean,
            0.12,
            0.766,
            1.3,
            units=_PRESSURE,
            seasonal=True,
            against="ES",
        ),
        Size("its mean is {value:.2g} hPa", _mean, 0.98, 26.4, 2.0, units=_PRESSURE),
    ),
    "TA": (Size("90 % of it span {value:.3g} degC", _span, 2.7, 57.6, 1.5, units={"0.1 degC": 0.1, "10 degC": 10.0}),),
    "LW_IN": (Size("its mean is {value:.3g} W m-2", _mean, 206, 349, 1.5, units=_RADIATION, seasonal=False),),
    "P": (Size("its mean is {value:.2g} mm d-1", _mean, 0.11, 8.53, 2.0, units=_WATER),),
    "P_MON": (
        Size("its mean is {value:.2g} mm d-1", _mean, 0.11, 8.53, 2.0, units=_WATER | {"mm per month": 12 / 365.25}),
    ),
    "WS": (Size("its mean is {value:.2g} m s-1", _mean, 1.02, 5.35, 3.0, units=_SPEED, seasonal=False),),
    "CO2": (Size("its mean is {value:.4g} umol mol-1", _mean, 347, 429, 1.3, units=_CO2, seasonal=False),),
    "SWC": (Size("95 % of it are below {value:.2g} %", _q95, 13.6, 73.3, 3.0, units=_SHARE, seasonal=False),),
    "LAI": (Size("95 % of it are below {value:.2g} m2 m-2", _q95, 0.24, 6.46, 2.0, units=_SCALED),),
    "EVI": (Size("95 % of it are below {value:.2g}", _q95, 0.141, 0.728, 1.5, units=_SCALED),),
    "FAPAR": (Size("95 % of it are below {value:.2g}", _q95, 0.165, 0.945, 1.5, units=_SCALED),),
}
#: Units with a zero of their own: variable -> (unit, factor, offset); judged by the median.
_SHIFTED = (("degF", 5 / 9, -32 * 5 / 9), ("kelvin", 1.0, -273.15))
MEDIANS = {"TA": (-11.7, 28.5), "TA_MIN": (-15.7, 24.1), "TA_MAX": (-9.0, 34.6)}
#: degC beyond which a median is doubted and certainly wrong.
_WARM, _HOT = 2.0, 8.0


@dataclass(frozen=True)
class Verdict:
    """The judgement of a unit from the magnitude of a variable.

    Attributes:
        certain: whether the unit is certainly wrong; otherwise it is only doubtful.
        words: number, known range and likely unit.
    """

    certain: bool
    words: str


def judge(
    name: str, values: pd.Series, table: pd.DataFrame, lat: float, step: TimeStep = TimeStep.DAILY
) -> Verdict | None:
    """Compare the magnitude of a variable at one tower with the towers known to the project.

    Args:
        name: variable of the schema.
        values: of the tower, index of dates, NaN missing.
        table: all variables of the tower, for those that the number is relative to.
        lat: degrees north, NaN where not known.
        step: of the table.

    Returns:
        None where the magnitude agrees with the unit, or there are too few values to judge.
    """
    known = values.dropna()
    known = known[np.isfinite(known)]
    if name in MEDIANS and _whole_year(known, step) and (found := _shifted(name, known)):
        return found
    for size in KNOWN.get(name, ()):
        enough = (
            _whole_year(known, step) if size.seasonal else len(known) >= (FEW_DAYS if step == TimeStep.DAILY else 3)
        )
        scale = _scale(size.against, known, table, lat, step)
        # What takes a few values only has no span that would say something.
        if not enough or np.isnan(scale) or (size.measure is _span and known.nunique() <= FEW_LEVELS):
            continue
        found = _against(size, known.to_numpy(np.float64) / scale)
        # A part of a year may be sunny or still: there only what is certain counts.
        return found if found is None or found.certain or _whole_year(known, step) else None
    return None


def _whole_year(known: pd.Series, step: TimeStep) -> bool:
    months = pd.DatetimeIndex(known.index).month.nunique()
    return len(known) >= (YEAR_DAYS if step == TimeStep.DAILY else 12) and months >= YEAR_MONTHS


def _scale(against: str, known: pd.Series, table: pd.DataFrame, lat: float, step: TimeStep) -> float:
    """Return the mean of what a number is relative to, over the days of the values; NaN where it is not known."""
    days = pd.DatetimeIndex(known.index)
    if not against or not len(days):
        return 1.0
    if against == "SW_IN_POT":
        sun = float(potential_radiation(lat, days, step).mean())
        return sun if sun > 50 else np.nan  # in the polar night nothing tells
    warmth = table["TA"].reindex(days).to_numpy(np.float64) if "TA" in table else np.full(len(days), np.nan)
    low, high = schema.variable("TA").bounds
    with np.errstate(invalid="ignore"):
        warmth = warmth[(warmth >= low) & (warmth <= high)]
    # Saturation vapour pressure over water, hPa; Magnus formula, Alduchov and Eskridge 1996.
    return float(np.mean(6.1094 * np.exp(17.625 * warmth / (243.04 + warmth)))) if warmth.size >= YEAR_DAYS else np.nan


def _against(size: Size, values: np.ndarray) -> Verdict | None:
    number = size.measure(values)
    if size.low / DOUBT <= number <= size.high * DOUBT or number == 0:
        return None  # nothing but zeros says nothing of a unit
    fitting = [u for u, factor in size.units.items() if size.low <= size.measure(values * factor) <= size.high]
    certain = bool(fitting) and not size.low / size.certain <= number <= size.high * size.certain
    said = wording.told(size.words, number)
    known = f"{size.words.partition('{')[2].partition(':')[2].partition('}')[0]}"
    factor, sign = (100, " %") if "{percent" in size.words else (1, "")
    span = f"{format(factor * size.low, known)} to {format(factor * size.high, known)}{sign}"
    likely = f", likely {' or '.join(fitting[:2])}" if fitting else ", in whatever unit it is"
    return Verdict(certain, f"{said}, at the towers known to the project {span}{likely}")


def _shifted(name: str, known: pd.Series) -> Verdict | None:
    """Judge temperatures by their median: those in degF lie within the bounds of degC."""
    median = float(known.median())
    low, high = MEDIANS[name]
    for unit, factor, offset in _SHIFTED:
        if median > high + _WARM and low <= median * factor + offset <= high:
            words = f"its median is {median:.3g} degC, at the towers known to the project {low:g} to {high:g}"
            words += f", likely {unit}"
            return Verdict(median > high + _HOT, words)
    return None
