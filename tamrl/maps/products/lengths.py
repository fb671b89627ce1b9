"""How long the steps of a file are: by their bounds, by the spacing of their labels, and by its attributes."""

import re

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products import naming
from tamrl.maps.products.placing import Labels, Step, class_of, unlike
from tamrl.system.account import IngestReport

#: Attributes that say how long the steps are, and what their words begin with.
_SAYING = ("frequency", "time_frequency", "table_id", "time_coverage_resolution", "temporal_resolution")
_WORDS: tuple[tuple[Step, str], ...] = (
    ("sub", r"([136]|12)?-?h(ou)?rs?\b|[136]hr|[136]-hourly|hourly|pt\d|subhr|e[136]hr"),
    ("month", r"[a-z0-9]{0,4}mon|p1m$|1 month|1ms$"),
    ("year", r"ann|1?yr|p1y$|year|eyr|1ys$|1 ?year"),
    ("day", r"1?day|p1d$|daily|eday|1d$|1 ?day"),
)
#: Composites without bounds may be this many days apart.
_LONGEST = 31.5
_SHORT = "The steps are shorter than a day"


def step_of(
    ds: xr.Dataset,
    labels: Labels,
    bounds: np.ndarray | None,
    where: str,
    from_name: pd.DatetimeIndex | None,
    expected: Step | None,
    report: IngestReport,
) -> Step:
    """Return how long the steps of a file are.

    Args:
        ds: file with the dimension ``time``.
        labels: its times.
        bounds: (T, 2) days, NaN where unknown; None where there are none.
        where: its name, for messages; it may give the step.
        from_name: steps in its name.
        expected: length of a single step about which nothing else is known.
        report: assumptions are added.

    Raises:
        TamrlError: steps are shorter than a day, are days of a 360-day calendar or overlap, or their length cannot be
            determined.
    """
    said = said_step(ds)
    apart = class_of(np.diff(np.unique(labels.days)))
    long = class_of(bounds[:, 1] - bounds[:, 0]) if bounds is not None else None
    if "sub" in (apart, long):
        raise TamrlError(_SHORT, where, "Average them by day or month first")
    if bounds is not None:
        assert long is not None  # at least one step has bounds
        step = _of_bounds(bounds, long, apart, said, where)
    elif apart is not None:
        step = _of_labels(labels, apart, said, where, report)
    else:
        step = _single(labels, said, where, from_name, expected, report)
    if step == "day" and labels.clock.calendar == "360_day":
        raise TamrlError("Days of a 360-day calendar have no date", where, "Average them by month first")
    return step


def said_step(ds: xr.Dataset) -> Step | None:
    """Return the step in the attributes of a file; None where there is none."""
    for key in _SAYING:
        text = str(ds.attrs.get(key, "")).strip().lower()
        for step, pattern in _WORDS:
            if re.match(pattern, text):
                return step
    return None


def _of_bounds(bounds: np.ndarray, long: Step, apart: Step | None, said: Step | None, where: str) -> Step:
    """Return the step of bounds: their length, or the distance of their labels where they are part of such a step."""
    known = bounds[np.isfinite(bounds).all(axis=1)]
    length = float(np.median(known[:, 1] - known[:, 0]))
    inside = known[np.argsort(known[:, 0])]
    if (inside[1:, 0] - inside[:-1, 1] < -0.05 * length).any() and np.unique(known, axis=0).shape == known.shape:
        raise TamrlError(
            f"The steps overlap: each covers {length:g} days, and the next one begins before it ends",
            where,
            "Give consecutive steps, not running means",
        )
    if long != "other":
        return apart if apart == said and apart in ("month", "year") else long
    whole = {"month": 30.4, "year": 365.25}.get(apart or said or "", np.inf)
    if length / whole >= 0.5:
        return apart or said  # type: ignore[return-value]  # a month or year, by what whole is
    if np.isfinite(whole) or said in ("day", "month", "year"):
        raise TamrlError(
            f"Each step covers {length:g} days, but they are said to be, or begin, a {apart or said} apart",
            where,
            "Correct the bounds of time, or give the means of whole months, days or years",
        )
    return "other"


def _of_labels(labels: Labels, apart: Step, said: Step | None, where: str, report: IngestReport) -> Step:
    """Return the step of labels without bounds: gaps make their distance longer, never shorter."""
    order = ("sub", "day", "other", "month", "year")
    if said == "sub":
        # Global attributes outlive the averaging of what they were written for.
        words = (
            f"The file mentions steps shorter than a day, but they are {labels.spread:g} days apart: taken as means."
        )
        report.assumed(where, words)
        said = None
    if said is None or said == apart:
        step = apart
    elif said == "day" and apart == "month" and not unlike(labels, "month"):
        report.assumed(where, "The file mentions days, but its steps are a month apart: taken as means of months.")
        return "month"
    elif order.index(said) > order.index(apart) and not (said == "month" and apart == "other" and labels.spread > 40):
        raise TamrlError(
            f"The file says that its steps are {said}s, but they are {labels.spread:g} days apart",
            where,
            "Correct its attribute frequency, or its time axis",
        )
    else:
        step = said
    if step in ("month", "year") and (odd := unlike(labels, step)):
        raise TamrlError(f"It is not clear which {step} each step covers: {odd}", where, "Give the bounds of time")
    if step == "year" and said is None:
        report.assumed(where, "The steps are a year apart and have no bounds: taken as means of whole years.")
    if step == "other" and labels.spread > _LONGEST:
        raise TamrlError(
            f"The steps are {labels.spread:g} days apart, and nothing says how long each of them is",
            where,
            "Write the attribute frequency (mon) or the bounds of time into the file",
        )
    if step == "other":
        report.assumed(
            where, f"The steps are {labels.spread:g} days apart and have no bounds: taken to begin at their labels."
        )
    return step


def _single(
    labels: Labels,
    said: Step | None,
    where: str,
    from_name: pd.DatetimeIndex | None,
    expected: Step | None,
    report: IngestReport,
) -> Step:
    """Return what a single step is: by what the file, its name or its neighbours say, else by its label."""
    if said == "sub":
        raise TamrlError(_SHORT, where, "Average them by day or month first")
    if said is not None:
        return said
    if labels.clock.months:
        return "year" if labels.clock.months == 12 else "month"
    dates = naming.dates_named(where)
    named = naming.step_named(where) or (dates[0][0] if len(dates) == 1 and dates[0][0] != "year" else None)
    if from_name is not None:
        return named or "month"  # type: ignore[return-value]  # names say steps alone
    # Fields of one July a year lie a year apart, too.
    likely = None if expected == "year" and unlike(labels, "year") else expected
    if named is not None or likely is not None:
        if named is None and likely == "year":
            report.assumed(
                where, "The file does not say how long its one step is: taken as a year by unit or distance."
            )
        return named or likely  # type: ignore[return-value]  # as above, and one is not None
    if len(dates) == 1 and not unlike(labels, "year"):
        step: Step = "year"
    elif not unlike(labels, "year", only_middle=True) and (labels.day_of_month()[0] != 1 or labels.days[0] % 1):
        raise TamrlError(
            "It is not clear whether the single step is a day, a month or a year",
            where,
            "Write the attribute frequency (day, mon or yr) or the bounds of time into the file",
        )
    else:
        # Dated at the start or in the middle of a month, it is that month's.
        step = "month" if labels.day_of_month()[0] in (1, 14, 15, 16) else "day"
    report.assumed(where, f"The file does not say how long its one step is: taken as a {step} by its date.")
    return step
