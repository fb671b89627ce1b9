"""Lesson 3: modulation by hand. Two numbers instead of all that the encoder sets, at one tower and at another."""

import numpy as np
import pandas as pd

from tamrl.schema import FLUXES
from tamrl.teaching.marks import Mark

#: Where the student turns the two numbers, where they are carried to, and the place of each in words.
HERE, THERE = "US-Ne1", "DE-Hai"
PLACES = {"US-Ne1": "the irrigated maize field at Mead, Nebraska", "DE-Hai": "the beech forest of Hainich, Germany"}
#: First of the labelled days that the site effect reads at each tower, and their number.
SUPPORT, SUPPORT_DAYS = {"US-Ne1": "2003-07-07", "DE-Hai": "2003-07-07"}, 30
#: Ends of the sliders, and their step.
GAMMA, BETA, STEP = (-0.5, 1.5), (-1.0, 1.0), 0.05
#: Part by which the RMSE must fall below that of the plain network.
BETTER = 0.3
#: Month that the first question is about, and how near two means are that count as equal.
MONTH, NEAR = 7, 0.1
SUMMERS = {"low": "too low", "right": "about right", "high": "too high"}
CARRIED = {"better": "smaller than without them", "worse": "larger than without them"}
#: Days of one point of a mean seasonal cycle.
STEP_DAYS = 10


def rmse(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Return the root mean square error of (T,) against (T,), NaN where not observed, in their unit."""
    return float(np.sqrt(np.nanmean((predicted - observed) ** 2)))


def season(time: pd.DatetimeIndex, series: dict[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """Return mean seasonal cycles on the days that were observed.

    Args:
        time: T dates.
        series: name -> (T,).
        observed: (T,), NaN where not observed; the column ``observed``.

    Returns:
        DataFrame(day), a row each ten days of the year, at their middle.
    """
    keep = np.isfinite(observed)
    tens = np.minimum((time.day_of_year.to_numpy() - 1) // STEP_DAYS, 35)
    frame = pd.DataFrame({"day": tens * STEP_DAYS + 1 + STEP_DAYS / 2, "observed": observed, **series})
    return frame[keep].groupby("day").mean()


def mark_summer(time: pd.DatetimeIndex, predicted: np.ndarray, observed: np.ndarray, chosen: str) -> Mark:
    """Return whether the student guesses how the plain network's July compares with the measured one."""
    days = (time.month == MONTH) & np.isfinite(observed)
    made, truth = float(predicted[days].mean()), float(observed[days].mean())
    share = made / truth - 1
    right = "right" if abs(share) <= NEAR else "low" if share < 0 else "high"
    said = f"In July the network says {made:.1f}, the tower {truth:.1f} gC m⁻² d⁻¹ of GPP: {SUMMERS[right]}."
    return Mark(answer=SUMMERS[chosen], correct=chosen == right, value=made - truth, said=said)


def mark_setting(gamma: float, beta: float, mine: float, plain: float, encoder: float) -> Mark:
    """Return whether a setting lowers the RMSE of GPP enough.

    Args:
        gamma: scale minus one.
        beta: shift.
        mine: RMSE under the setting [gC m-2 d-1].
        plain: of the network without modulation.
        encoder: under the modulation of the encoder.
    """
    change = 100 * (mine / plain - 1)
    moved = f"{change:+.0f} % from".replace("-", "−") if abs(change) >= 0.5 else "the same as"
    said = (
        f"Your RMSE is {mine:.2f} gC m⁻² d⁻¹, {moved} the plain network's {plain:.2f}; the encoder's is {encoder:.2f}."
    )
    enough = mine <= (1 - BETTER) * plain
    if not enough:
        said += f" It should fall by {100 * BETTER:.0f} %: try the scale first, then the shift."
    return Mark(answer=f"γ {gamma:+.2f}, β {beta:+.2f}", correct=enough, value=mine, said=said)


def mark_carried(chosen: str, gamma: float, beta: float, mine: float, plain: float) -> Mark:
    """Return whether the student foresees what the same two numbers do to the error at the other tower.

    Neither right nor wrong as long as both numbers are zero.
    """
    said = f"At {THERE} the RMSE of GPP is {mine:.2f} with your two numbers and {plain:.2f} gC m⁻² d⁻¹ without them."
    if not gamma and not beta:
        said += " You have moved neither slider, so nothing could change: move them, and answer again."
        return Mark(answer=CARRIED[chosen], correct=None, value=mine - plain, said=said)
    truth = "better" if mine < plain else "worse"
    return Mark(answer=CARRIED[chosen], correct=chosen == truth, value=mine - plain, said=said)


def column(flux: str) -> int:
    """Return the column of a flux in (T, 3) arrays."""
    return FLUXES.index(flux)
