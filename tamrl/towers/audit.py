"""Consistency checks: do the variables of a tower agree with each other and with its position, in phase and size?

A value within its bounds may still be in the wrong month, as LAI and EVI of one published table were: only another
variable shows it. Each check is one number per tower; a tower where the number means nothing (no winter, no growing
season, no second source) is not judged. A check that fails at more than half of the towers where it can be judged is
a fault of the file; one that fails at a few of them concerns these towers.

The expected values and the limits below which a tower contradicts were set on the 163 towers of FLUXNET2015 as they are
and with the months of LAI and EVI in text order (docs/experiments.md). Glossary: S sites, M months, T steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import wording
from tamrl.globe.earth import land_cells
from tamrl.solar import potential_radiation
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.checks import WRONG_UNIT_SHARE, balance
from tamrl.towers.seasons import LEAST_MONTHS, Months, amplitude, correlation, monthly_means, peak

#: Variables that follow the leaves.
LEAVES = ("LAI", "EVI", "NDVI", "FAPAR")
#: A fault of the file needs at least this many judged towers, and more than this share of them contradicting.
LEAST_TOWERS, FAULT_SHARE = 5, 0.5
#: Days that a share of days needs.
LEAST_DAYS = 30
#: Where the mean annual cycle of GPP changes by less than this (gC m-2 d-1) leaves need not follow it.
GROWTH = 2.0
#: A mean annual cycle of leaves that changes by less says nothing of its phase, units of the variable.
LEAST_CHANGE = {"LAI": 0.5, "EVI": 0.12, "NDVI": 0.12, "FAPAR": 0.12}
#: r of monthly leaves and GPP, and of the mean annual cycles of leaves and TA or SW_IN_POT: below, they contradict.
LEAVES_AND_GPP, LEAVES_AND_TA, LEAVES_AND_SUN = 0.1, 0.3, 0.0
#: A winter is frozen where the coldest month is below FROST and the year spans more than WINTER, degC.
FROST, WINTER = 0.0, 12.0
#: W m-2 above potential radiation that are an error of the sensor; share of days above; part of the sun's that arrives.
SUN_MARGIN, ABOVE_SUN, PART_OF_SUN = 10.0, 0.05, (0.25, 0.85)
#: Days by which SW_IN may peak early or late, where the mean annual cycle of potential radiation spans more than W m-2.
LATE_SUN, SUN_SEASON = 30.0, 220.0
#: degC off the mean of a half-degree cell; r of the mean annual cycles where that of the cell spans more than degC.
TA_OFF, TA_SEASON, TA_CHANGES = 8.0, 0.8, 8.0
#: Precipitation: the same numbers within mm d-1; r of months; ratio of the sums.
SAME_RAIN, RAIN, RAIN_RATIO = 1e-3, 0.4, (0.4, 2.5)
BALANCE = "NEE and RECO - GPP"
ROWS = ("site", "check", "n", "value", "expected", "verdict", "words")
SUMMARY = ("check", "n", "contradicting", "median", "expected", "fault", "words")


@dataclass(frozen=True)
class Check:
    """One number a tower and what it should be.

    Attributes:
        name: of the rows of the tables.
        words: a sentence about the number, with ``{value}`` for it, see ``tamrl.wording.told``.
        expected: in words, of a tower in order.
        low, high: a tower contradicts below or above.
    """

    name: str
    words: str
    expected: str
    low: float = -np.inf
    high: float = np.inf

    def verdict(self, value: float) -> str:
        """Return ``agrees``, ``contradicts``, or ``not judged`` of a missing value."""
        if np.isnan(value):
            return "not judged"
        return "agrees" if self.low <= value <= self.high else "contradicts"


def _where(judged: np.ndarray, values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(judged, values, np.nan)


Number = tuple[Check, np.ndarray, np.ndarray]


def _leaves(ds: xr.Dataset, months: Months, earth: xr.Dataset | None) -> list[Number]:
    """LAI, EVI, NDVI and FAPAR against GPP, temperature and potential radiation."""
    if "GPP" not in months.values:
        return []
    found: list[Number] = []
    grows = amplitude(months.cycle("GPP")) > GROWTH
    for name in [n for n in LEAVES if n in months.values]:
        changes = amplitude(months.cycle(name)) > LEAST_CHANGE[name]
        r, n = correlation(months.values[name], months.values["GPP"])
        check = Check(f"{name} and GPP", f"{name} follows GPP with r = {{value:.2f}}", "above 0.5", low=LEAVES_AND_GPP)
        found.append((check, _where(grows & changes, r), n))
        if "TA" not in months.values:
            continue
        warmth = months.cycle("TA")
        # Where the winter is frozen leaves follow warmth and light; elsewhere rain may set their time.
        frozen = (warmth.min(axis=1) < FROST) & (amplitude(warmth) > WINTER)
        for other, words, low in (("TA", "temperature", LEAVES_AND_TA), ("SW_IN_POT", "the sun", LEAVES_AND_SUN)):
            r, _ = correlation(months.cycle(name), months.cycle(other))
            words = f"the mean annual cycle of {name} follows {words} with r = {{value:.2f}}"
            check = Check(f"{name} and {other}", words, "above 0.5 where winters freeze", low=low)
            found.append((check, _where(frozen & changes, r), n))
    return found


def _radiation(ds: xr.Dataset, months: Months, earth: xr.Dataset | None) -> list[Number]:
    """SW_IN against potential radiation: no day above it, a plausible part of it, the same time of the year."""
    if "SW_IN" not in months.values:
        return []
    time, step = pd.DatetimeIndex(ds["time"].values), step_of(ds)
    sun = potential_radiation(ds["lat"].values, time, step).astype(float)
    measured = ds["SW_IN"].transpose("site", "time").values.astype(float)
    known = np.isfinite(measured) & np.isfinite(sun)
    n = known.sum(axis=1)
    enough = n >= (LEAST_DAYS if step == TimeStep.DAILY else LEAST_MONTHS)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = (known & (measured > sun + SUN_MARGIN)).sum(axis=1) / n
        part = np.where(known, measured, 0).sum(axis=1) / np.where(known, sun, 0).sum(axis=1)
    seasonal = months.cycle("SW_IN_POT")
    late = (peak(months.cycle("SW_IN")) - peak(seasonal) + 365.25 / 2) % 365.25 - 365.25 / 2
    return [
        (
            Check(
                "SW_IN above SW_IN_POT",
                "SW_IN is above potential radiation on {percent:.0f} % of the days",
                "below 5 %",
                high=ABOVE_SUN,
            ),
            _where(enough, above),
            n,
        ),
        (
            Check("SW_IN / SW_IN_POT", "SW_IN is {percent:.0f} % of potential radiation", "25 to 85 %", *PART_OF_SUN),
            _where(enough, part),
            n,
        ),
        (
            Check(
                "season of SW_IN",
                "SW_IN peaks {value:+.0f} days after potential radiation",
                f"within {LATE_SUN:g} days",
                -LATE_SUN,
                LATE_SUN,
            ),
            _where(amplitude(seasonal) > SUN_SEASON, late),
            n,
        ),
    ]


def _temperature(ds: xr.Dataset, months: Months, earth: xr.Dataset | None) -> list[Number]:
    """TA against the climatology of the place."""
    if "TA" not in months.values or earth is None:
        return []
    cells = land_cells(earth, ds["lat"].values, ds["lon"].values)
    fields = earth["TA"].values.reshape(12, -1)
    expected = np.where(cells[:, None] >= 0, fields[:, np.maximum(cells, 0)].T, np.nan).astype(float)
    measured = months.cycle("TA")
    n = np.isfinite(months.values["TA"]).sum(axis=1)
    r, _ = correlation(measured, expected)
    return [
        (
            Check(
                "TA of the place",
                "TA is {value:+.1f} degC off the climatology of the place",
                f"within {TA_OFF:g} degC",
                -TA_OFF,
                TA_OFF,
            ),
            (measured - expected).mean(axis=1),
            n,
        ),
        (
            Check(
                "season of TA",
                "the mean annual cycle of TA follows that of the place with r = {value:.2f}",
                "above 0.9",
                low=TA_SEASON,
            ),
            _where(amplitude(expected) > TA_CHANGES, r),
            n,
        ),
    ]


def _precipitation(ds: xr.Dataset, months: Months, earth: xr.Dataset | None) -> list[Number]:
    """Daily precipitation, by month, against the monthly one where that comes from elsewhere."""
    if not {"P", "P_MON"} <= set(months.values):
        return []
    p, other = months.values["P"], months.values["P_MON"]
    known = np.isfinite(p) & np.isfinite(other)
    # Monthly means that ingest made of the daily values say nothing of them.
    apart = np.where(known, np.abs(p - other), 0).max(axis=1) > SAME_RAIN
    r, n = correlation(p, other)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(known, p, 0).sum(axis=1) / np.where(known, other, 0).sum(axis=1)
    judged = apart & (n >= LEAST_MONTHS) & (np.where(known, other, 0).sum(axis=1) > 0)
    return [
        (
            Check("P and P_MON", "monthly sums of P follow P_MON with r = {value:.2f}", "above 0.5", low=RAIN),
            _where(judged, r),
            n,
        ),
        (Check("P / P_MON", "P sums to {value:.2f} times P_MON", "0.5 to 2", *RAIN_RATIO), _where(judged, ratio), n),
    ]


def _carbon(ds: xr.Dataset, months: Months, earth: xr.Dataset | None) -> list[Number]:
    """NEE against RECO - GPP, as ``checks.balance`` finds it."""
    if not {"GPP", "RECO", "NEE"} <= set(ds.data_vars):
        return []
    found = balance(ds)
    n = found["n"].to_numpy()
    check = Check(
        BALANCE, "NEE = RECO - GPP is open on {percent:.0f} % of the days", "below 50 %", high=WRONG_UNIT_SHARE
    )
    return [(check, _where(n >= LEAST_DAYS, found["share_open"].to_numpy()), n)]


_MEASURES: tuple[Callable[[xr.Dataset, Months, xr.Dataset | None], list[Number]], ...] = (
    _leaves,
    _radiation,
    _temperature,
    _precipitation,
    _carbon,
)


def audit(ds: xr.Dataset, earth: xr.Dataset | None = None) -> pd.DataFrame:
    """Run every check on every tower.

    Args:
        ds: validated archive (site, time), daily or monthly.
        earth: of ``earth.load_earth``; without it TA is not compared with the climatology.

    Returns:
        One row for each tower and check whose variables the archive has: site, check, n (days or months that went in),
        value (NaN where not judged), expected, verdict (agrees, contradicts, not judged), words (a sentence to be
        formatted with ``value``).
    """
    months = monthly_means(ds, ("GPP", "TA", "SW_IN", "P", "P_MON", *LEAVES))
    sites = ds["site"].values.astype(str)
    rows = []
    for measure in _MEASURES:
        for check, values, n in measure(ds, months, earth):
            for site, value, count in zip(sites, values, n, strict=True):
                row = (site, check.name, int(count), float(value), check.expected, check.verdict(value), check.words)
                rows.append(row)
    return pd.DataFrame(rows, columns=list(ROWS))


def notes(rows: pd.DataFrame, site: str, faults: set[str]) -> list[str]:
    """Return in words which checks fail at one tower alone; an open carbon balance is reported separately.

    Args:
        rows: of ``audit``.
        site: tower.
        faults: checks that are faults of the file, which are reported separately.
    """
    mine = rows[(rows["site"] == site) & (rows["verdict"] == "contradicts") & ~rows["check"].isin(faults)]
    return [f"{wording.told(r.words, r.value)}, expected {r.expected}" for r in mine.itertuples() if r.check != BALANCE]


def brief(summary: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the audit as kept in the provenance: check -> towers judged, fraction that contradicts, median."""
    return {
        row.check: {"towers": row.n, "contradicting": round(row.contradicting, 3), "median": round(row.median, 3)}
        for row in summary.itertuples()
    }


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a check over the towers where it is judged.

    Args:
        rows: of ``audit``.

    Returns:
        check, n (towers judged), contradicting (fraction of them), median (of the value), expected, fault (bool: more
        than half of at least five towers contradict), words.
    """
    out = []
    for name, found in rows[rows["verdict"] != "not judged"].groupby("check", sort=False):
        share, median = float((found["verdict"] == "contradicts").mean()), float(found["value"].median())
        words, expected = found["words"].iloc[0], found["expected"].iloc[0]
        said = wording.told(words, median)
        text = f"{said} in the median of {len(found)} towers; expected {expected}"
        fault = len(found) >= LEAST_TOWERS and share > FAULT_SHARE
        out.append((name, len(found), share, median, expected, fault, text))
    return pd.DataFrame(out, columns=list(SUMMARY))
