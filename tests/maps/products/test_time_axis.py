"""Whatever the calendar, the labels and the bounds: the month, day or year of a step is recovered, refused or said."""

import os

import cftime
import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.maps.products.times import step_starts
from tamrl.system.account import IngestReport

EXAMPLES = settings(max_examples=int(os.environ.get("TAMRL_EXAMPLES", 50)), deadline=None)
CALENDARS = ("standard", "gregorian", "proleptic_gregorian", "noleap", "365_day", "all_leap", "360_day", "julian")
EPOCHS = ("1850-01-01", "1900-1-1 00:00:0.0", "1970-01-01T00:00:00Z", "0001-01-01", "2001-03-05 06:00:00")
UNITS = {"days": 1.0, "hours": 24.0, "minutes": 1440.0, "seconds": 86_400.0}
BOUNDS = {
    "none": None,
    "named": "time_bnds",
    "other": "hist_bounds",
    "unnamed": "time_bounds",
    "two": "time_start",
    "lost": "time_bnds",
}


def instants(step, calendar, first, count):
    """Return the ``count + 1`` instants between which steps lie, and the first instants expected."""
    if step == "day":
        start = cftime.datetime(first[0], first[1], 1, calendar=calendar)
        day = cftime.date2num(start, "days since 2000-01-01", calendar=calendar)
        return list(cftime.num2date(day + np.arange(count + 1), "days since 2000-01-01", calendar=calendar))
    months = (
        np.arange(count + 1) * (12 if step == "year" else 1) + first[0] * 12 + (0 if step == "year" else first[1] - 1)
    )
    return [cftime.datetime(int(m // 12), int(m % 12 + 1), 1, calendar=calendar) for m in months]


@st.composite
def axes(draw):
    """Draw a file of steps, and what they cover."""
    step = draw(st.sampled_from(["month", "day", "year"]))
    calendar = draw(st.sampled_from(CALENDARS))
    first = (draw(st.integers(1850, 2100)), draw(st.integers(1, 12)))
    edges = instants(step, calendar, first, draw(st.integers(2, 40)))
    unit, epoch = draw(st.sampled_from(list(UNITS))), draw(st.sampled_from(EPOCHS))
    coding = f"{unit} since {epoch}"
    n = np.asarray(cftime.date2num(edges, coding.replace("T00:00:00Z", ""), calendar=calendar), float)
    convention = draw(st.sampled_from(["start", "middle", "end", "last second"]))
    labels = {
        "start": n[:-1],
        "middle": (n[:-1] + n[1:]) / 2,
        "end": n[1:],
        "last second": n[1:] - UNITS[unit] / 86_400,
    }[convention]
    kind = draw(st.sampled_from(list(BOUNDS)))
    attrs = {"units": coding, "calendar": calendar}
    ds = xr.Dataset(coords={"time": ("time", labels, attrs)})
    if kind not in ("none", "lost"):
        shift = draw(st.sampled_from([0.0, 0.0, -0.0625, 0.125])) * UNITS[unit]
        pair = np.stack([n[:-1], n[1:]], 1) + shift
        pair = pair[:, ::-1] if draw(st.booleans()) else pair
        if kind == "two":
            ds = ds.assign(time_start=("time", pair.min(1)), time_end=("time", pair.max(1)))
        else:
            ds = ds.assign({BOUNDS[kind]: (("time", "nv"), pair)})
    if kind in ("named", "other", "lost"):
        ds["time"].attrs["bounds"] = BOUNDS[kind]
    if draw(st.booleans()):
        ds.attrs["frequency"] = {"month": "mon", "day": "day", "year": "yr"}[step]
    if draw(st.booleans()):
        ds = ds.isel(time=slice(None, None, -1))
    return ds, step, [(e.year, e.month, e.day) for e in edges[:-1]], convention, kind


@given(axes())
@EXAMPLES
def test_the_step_that_is_covered_is_found_or_refused(drawn):
    ds, step, covered, convention, kind = drawn
    report = IngestReport()
    try:
        starts, found = step_starts(ds, "file.nc", report=report)
    except TamrlError:
        # Days of 360-day years have no date; a whole month or year is refused where nothing says how long it is.
        assert (step == "day" and ds["time"].attrs["calendar"] == "360_day") or kind in ("none", "lost")
        return
    assert found == step
    order = np.argsort(ds["time"].values)
    got = [None if np.isnat(s) else pd.Timestamp(s) for s in starts[order]]
    right = all(g is None or (g.year, g.month, g.day) == c for g, c in zip(got, covered, strict=True))
    if not right:
        # On the first instant of a step without bounds nobody can tell: it is said that it was taken for granted.
        assert convention == "end"
        assert kind in ("none", "lost")
        assert any("taken to begin" in entry.words for entry in report)
    for g, c in zip(got, covered, strict=True):
        if g is None:
            assert c[1:] == (2, 29)
