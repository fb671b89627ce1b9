"""The protocol: which days of a tower a model may adapt to, and on which days it is scored.

Both depend on the tower and on the placement of the support alone, never on the model, on the number
of shots or on other towers: every score of a placement is taken on the same days. A zero-shot prediction is scored
twice: on all valid days of the tower (``ALL``), as the field does, and on the days of each placement, where few-shot
meets it.
Which of the two a statement is made on is the rule of ``tamrl.protocol.placements.counted``.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import wording
from tamrl.errors import TamrlError
from tamrl.protocol.placements import ALL, PLACEMENTS
from tamrl.timestep import TimeStep, step_of, steps
from tamrl.towers.quality import valid_days

#: Numbers of support days; 0 is zero-shot. At a monthly tower so many days are one month or more.
SHOTS = (0, 7, 30, 90, 365)
#: Fewest days that a score is taken over; months of a monthly tower.
MIN_SCORED, MIN_SCORED_MONTHS = 30, 6
SEED = 56
#: Days of record before the support that a user is offered first; so many in months at a monthly tower.
SKIP_DAYS = 180
#: Days over which the mean seasonal cycle is smoothed to find the season.
_SMOOTH = 31
#: The centre is drawn from the valid days nearest to the season's: about this many of each year.
_NEAR_PER_YEAR, _FEWEST_NEAR = 6, 6
_DAYS = 366


@dataclass(frozen=True)
class Plan:
    """Which days of a tower are support and which are scored, for one placement of the support.

    Attributes:
        site: tower id.
        placement: a key of ``PLACEMENTS``, or ``ALL``.
        supports: number of shots -> support days, nested; 0 has none. Shots that would leave fewer than
            ``MIN_SCORED`` days are absent, and all where there are not so many valid days.
        scored: (T,) bool, the valid days outside the largest support, the same for all shots; of ``ALL`` every
            valid day.
        rule: in words, how the days were chosen, or why there are none.
    """

    site: str
    placement: str
    supports: dict[int, pd.DatetimeIndex]
    scored: np.ndarray
    rule: str


def plan(tower: xr.Dataset, placement: str, shots: Iterable[int] = SHOTS, seed: int = SEED) -> Plan:
    """Choose the support and the scored days of one tower.

    The supports are runs of valid days around one centre. Those of ``SHOTS`` are always laid out, wanted or
    not, so that asking for fewer shots does not change the scored days.

    Args:
        tower: Dataset(time), one tower's record.
        placement: a key of ``PLACEMENTS``.
        shots: numbers of support days wanted.
        seed: of the draw of the centre, together with the tower's id and the placement.

    Raises:
        TamrlError: the placement is not known.
    """
    if placement not in PLACEMENTS:
        raise TamrlError(f"Unknown placement {placement!r}", "placement", f"Known: {', '.join(PLACEMENTS)}")
    site, time = str(tower.site.item()), pd.DatetimeIndex(tower.time.values)
    valid = valid_days(tower)
    days, wanted, step = np.flatnonzero(valid), set(shots), step_of(tower)
    least, unit = MIN_SCORED if step == TimeStep.DAILY else MIN_SCORED_MONTHS, wording.unit(step, 0)
    if len(days) < least:
        return Plan(site, placement, {}, np.zeros_like(valid), f"fewer than {least} {unit} to score")
    laid_out = sorted(s for s in {*SHOTS, *wanted} if s and len(days) >= steps(s, step) + least)
    scored, supports = valid.copy(), {0: time[:0]} if 0 in wanted else {}
    centre, season = _centre(tower, days, placement, seed)
    for asked in laid_out:
        count = steps(asked, step)
        first = int(np.clip(centre - count // 2, 0, len(days) - count))
        chosen = days[first : first + count]
        scored[chosen] = False
        if asked in wanted:
            supports[asked] = time[chosen]
    most = steps(laid_out[-1], step) if laid_out else 0
    largest = f"valid {unit} outside the {most} support {unit}" if most else f"all valid {unit}"
    return Plan(site, placement, supports, scored, f"{largest} ({season})")


def plans(
    tower: xr.Dataset, placements: Iterable[str] = tuple(PLACEMENTS), shots: Iterable[int] = SHOTS, seed: int = SEED
) -> list[Plan]:
    """Return the plan of each placement, see ``plan``, and after them that of all days where zero-shot is wanted."""
    shots = tuple(shots)
    found = [plan(tower, placement, shots, seed) for placement in placements]
    return [*found, plan_all(tower)] if 0 in shots else found


def plan_all(tower: xr.Dataset) -> Plan:
    """Return the plan without any support, of which every valid day is scored; see ``plan``."""
    valid, step = valid_days(tower), step_of(tower)
    least, unit = MIN_SCORED if step == TimeStep.DAILY else MIN_SCORED_MONTHS, wording.unit(step, 0)
    if valid.sum() < least:
        return Plan(str(tower.site.item()), ALL, {}, np.zeros_like(valid), f"fewer than {least} {unit} to score")
    nothing = pd.DatetimeIndex(tower.time.values)[:0]
    return Plan(str(tower.site.item()), ALL, {0: nothing}, valid, f"all valid {unit}")


def support_days(tower: xr.Dataset, shots: int, skip: int | None = None) -> pd.DatetimeIndex:
    """Return the support that a user lays out by hand: the first ``shots`` valid steps after ``skip`` steps of record.

    Fewer where the record ends before.

    Args:
        tower: Dataset(time), one tower's record.
        shots: steps wanted, days or months as the record has them.
        skip: steps of record left out before; ``SKIP_DAYS`` in steps where not given.
    """
    skip = steps(SKIP_DAYS, step_of(tower)) if skip is None else skip
    days = pd.DatetimeIndex(tower.time.values)[valid_days(tower) & (np.arange(tower.sizes["time"]) >= skip)]
    return days[:shots]


def _centre(tower: xr.Dataset, days: np.ndarray, placement: str, seed: int) -> tuple[int, str]:
    """Return the place of the support's centre among the valid days, and how it was found, in words."""
    names = [zlib.crc32(text.encode()) for text in (str(tower.site.item()), placement)]
    rng = np.random.default_rng([seed, *names])
    cycle, name = (None, "") if placement == "random" else _seasonal_cycle(tower)
    if cycle is None:
        return int(rng.integers(len(days))), PLACEMENTS["random"]
    target = int(np.nanargmax(cycle) if placement == "growing" else np.nanargmin(cycle)) + 1
    day = pd.DatetimeIndex(tower.time.values).day_of_year.to_numpy()[days]
    distance = np.abs((day - target + _DAYS // 2) % _DAYS - _DAYS // 2)
    near = min(len(days), max(_FEWEST_NEAR, len(days) * _NEAR_PER_YEAR // 365))
    candidates = np.flatnonzero(distance <= np.partition(distance, near - 1)[near - 1])
    return int(rng.choice(candidates)), PLACEMENTS[placement].replace("GPP", name)


def _seasonal_cycle(tower: xr.Dataset) -> tuple[np.ndarray | None, str]:
    """Return (366,) mean over the years by day of year, smoothed around the year, and what it is the mean of.

    Of GPP on valid days; where there is none of -NEE, and then of air temperature; None without any.
    """
    valid = valid_days(tower)
    day = pd.DatetimeIndex(tower.time.values).day_of_year
    for name, sign, where in (("GPP", 1, valid), ("NEE", -1, valid), ("TA", 1, np.ones_like(valid))):
        if name not in tower:
            continue
        values = np.where(where, sign * tower[name].values.astype(np.float64), np.nan)
        if np.isfinite(values).any():
            means = pd.Series(values).groupby(day).mean().reindex(range(1, _DAYS + 1))
            smooth = pd.concat([means] * 3).rolling(_SMOOTH, center=True, min_periods=1).mean()
            return smooth.to_numpy()[_DAYS : 2 * _DAYS], "-NEE" if sign < 0 else name
    return None, ""
