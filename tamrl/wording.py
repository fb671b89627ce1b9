"""How times are said to people: a daily record has days and dates, a monthly one months."""

import numpy as np
import pandas as pd

from tamrl.timestep import TimeStep


def unit(step: TimeStep, count: int = 1) -> str:
    """Return the word for so many steps: ``day``, ``days``, ``month`` or ``months``."""
    return step.word + ("" if count == 1 else "s")


def counted(count: int, step: TimeStep, what: str = "") -> str:
    """Return a number of steps in words: ``1,204 days``, ``1 support month`` with ``what`` = support."""
    return " ".join(filter(None, [f"{count:,}", what, unit(step, count)]))


def short(count: int, step: TimeStep) -> str:
    """Return a number of steps as a part of a file name: ``30d``, ``6mo``."""
    return f"{count}{step.short}"


def date(when: pd.Timestamp | np.datetime64, step: TimeStep) -> str:
    """Return the date of a step: ``2009-05-01``, or ``2009-05`` of a month."""
    return f"{pd.Timestamp(when):%Y-%m-%d}" if step == TimeStep.DAILY else f"{pd.Timestamp(when):%Y-%m}"


def axis_step(time: np.ndarray | pd.DatetimeIndex) -> TimeStep:
    """Return the step of a gapless time axis (T,) that does not say its own; of fewer than two dates daily."""
    values = np.asarray(time)
    return TimeStep.MONTHLY if len(values) > 1 and values[1] - values[0] > np.timedelta64(1, "D") else TimeStep.DAILY


def told(words: str, value: float) -> str:
    """Return a sentence with a number in the place of ``{value}``, or of ``{percent}`` where it is a share.

    Args:
        words: the sentence; both may have a format, ``{percent:.0f}``.
        value: the number.
    """
    return words.format(value=value, percent=100 * value)
