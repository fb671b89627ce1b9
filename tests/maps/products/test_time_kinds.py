"""Time axes as people write them: each is read rightly, or refused in words."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.axes import axes
from tamrl.maps.products.naming import dates_named, step_named, steps_named
from tamrl.maps.products.sources import open_source
from tamrl.maps.products.times import climatology_years, step_starts
from tamrl.system.account import IngestReport

START = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334.0])
END = np.append(START[1:], 365)
MIDDLE = (START + END) / 2
BOUNDS = np.stack([START, END], axis=1)
SINCE = "days since 2001-01-01"


def written(path, values, units=SINCE, calendar="standard", dim="time", bounds=None, about=None, **attrs):
    """Write a file of steps with these labels and return it as it is opened."""
    said = {k: v for k, v in {"units": units, "calendar": calendar, **attrs}.items() if v is not None}
    ds = xr.Dataset(
        {"g": ((dim, "lat", "lon"), np.zeros((len(values), 2, 2)))},
        {dim: (dim, np.asarray(values), said), "lat": [0.0, 1.0], "lon": [0.0, 1.0]},
        about,
    )
    if bounds is not None:
        ds["tb"] = ((dim, "nv"), bounds)
        ds[dim].attrs["bounds"] = "tb"
    ds.to_netcdf(path)
    return axes(open_source(path).ds)


def starts(path, *args, report=None, **kwargs):
    found, step = step_starts(written(path, *args, **kwargs), path.name, report=report)
    return [str(s)[:10] for s in found], step


JAN_DEC = [f"2001-{m:02d}-01" for m in range(1, 13)]


@pytest.mark.parametrize(
    "how",
    [
        dict(values=np.arange(12), units="months since 2001-01-01"),
        dict(values=np.arange(12) + 0.5, units="months since 2001-01-01"),
        dict(values=200101 + np.arange(12), units=None),
        dict(values=200101.0 + np.arange(12), units="months"),
        dict(values=2001 + np.arange(12) / 12, units="years"),
        dict(values=2001 + np.arange(0.5, 12) / 12, units="year"),
        dict(values=np.round(2001 + np.arange(12) / 12, 4), units=None),
        dict(values=np.arange(1, 13), units=None, dim="month", about={"year": 2001}),
        dict(values=MIDDLE[::-1]),
        dict(values=MIDDLE, dim="Time"),
        dict(values=MIDDLE, dim="valid_time"),
        dict(values=MIDDLE, dim="t"),
        dict(values=MIDDLE, dim="step_of_time"),
        dict(values=END, bounds=BOUNDS),
        dict(values=END, bounds=BOUNDS[:, ::-1]),
        dict(values=MIDDLE, bounds=BOUNDS * np.nan),
        dict(values=END, bounds=np.where(np.arange(12)[:, None] == 3, np.nan, BOUNDS)),
        dict(values=END, bounds=BOUNDS + 50_000),
        dict(values=MIDDLE, bounds=np.stack([MIDDLE, MIDDLE], axis=1)),
        dict(values=END - 1 / 86_400),
        dict(values=END - 1),
        dict(values=END - 0.5),
        dict(values=(START + 55_152).astype("f4"), units="days since 1850-01-01"),
        dict(values=START + 730_485, units="days since 0001-01-01"),
        dict(values=START + 730_852, units="days since 0000-01-00"),
        dict(values=MIDDLE + 2001 * 365, units="days since 0000-01-01", calendar="noleap"),
        dict(values=np.arange(12) * 30 + 15.0, calendar="360_day"),
        dict(values=MIDDLE * 86_400, units="seconds since 2001-01-01T00:00:00Z"),
        dict(values=MIDDLE, units="days since 2001-01-01 00:00:00 -6:00"),
        dict(values=MIDDLE, about={"frequency": "day"}),
        dict(values=[f"{d[:8]}15" for d in JAN_DEC], units=None, calendar=None),
    ],
)
def test_months_of_2001_however_they_are_written(tmp_path, how):
    found, step = starts(tmp_path / "file.nc", **{"calendar": "standard", **how})
    assert step == "month"
    assert sorted(found) == JAN_DEC


@pytest.mark.parametrize("name", ["gpp_200101-200112.nc", "gpp_2001.nc"])
def test_the_name_tells_that_labels_are_ends(tmp_path, name):
    report = IngestReport()
    assert starts(tmp_path / name, END, report=report)[0] == JAN_DEC
    assert "dated by the end of each month" in report.lines()[0]
    days = starts(tmp_path / "gpp_20010101-20011231.nc", np.arange(365) + 1.0)[0]
    assert (days[0], days[-1]) == ("2001-01-01", "2001-12-31")


def test_labels_that_may_be_ends_are_taken_as_starts_and_it_is_said(tmp_path):
    report = IngestReport()
    assert starts(tmp_path / "file.nc", END, report=report)[0][0] == "2001-02-01"
    assert "one too late" in report.lines()[0]


def test_whole_years_of_starts_or_ends_are_taken_as_starts_and_it_is_said(tmp_path):
    report = IngestReport()
    assert starts(tmp_path / "file.nc", START, report=report)[0] == JAN_DEC
    assert [entry.kind for entry in report] == ["assumed"]
    assert "each month is taken to begin at its label, which makes whole years" in report.lines()[0]
    named = IngestReport()
    assert starts(tmp_path / "gpp_2001.nc", START, report=named)[0] == JAN_DEC
    assert starts(tmp_path / "bounds.nc", START, bounds=BOUNDS, report=named)[0] == JAN_DEC
    assert len(named) == 0


@pytest.mark.parametrize(
    ("how", "part"),
    [
        (dict(values=np.arange(1, 13), units=None, dim="month"), "cannot be understood"),
        (dict(values=np.arange(24) / 8), "shorter than a day"),
        (dict(values=np.arange(13) * 28.0), "on days 1 to 29"),
        (dict(values=np.arange(120) * 30.0 + 15), "which month"),
        (dict(values=[196.5, 561.5, 926.5]), "which year"),
        (dict(values=MIDDLE, bounds=BOUNDS - 31), "do not hold its labels"),
        (dict(values=END, bounds=BOUNDS + 15), "of one month"),
        (dict(values=MIDDLE, bounds=np.stack([MIDDLE - 45, MIDDLE + 45], 1)), "overlap"),
        (dict(values=[196.5, 561.5], bounds=np.array([[151, 243], [516, 608.0]])), "covers 92 days"),
        (dict(values=[90, 455], bounds=np.array([[-92, 273], [273, 638.0]])), "75 % of one year"),
        (
            dict(values=np.arange(1.0, 9), bounds=np.stack([np.arange(8) + 0.5, np.arange(8) + 1.5], 1)),
            "50 % of one day",
        ),
        (dict(values=[182.5]), "a day, a month or a year"),
        (dict(values=MIDDLE[::2]), "how long each of them is"),
        (dict(values=np.arange(31.0), about={"frequency": "mon"}), "its steps are months, but they are 1 days apart"),
        (dict(values=[15, 45, -9999.0, 105]), "The time of step 3 of 4 is missing"),
        (dict(values=[15, 45, np.nan, np.nan]), "step 3 of 4 and 1 more is missing"),
        (dict(values=MIDDLE, calendar="mayan"), "calendar 'mayan'"),
        (dict(values=np.arange(360) + 0.5, calendar="360_day"), "360-day"),
        (dict(values=MIDDLE, units="days since 01-01-2001"), "outside 1678 to 2261"),
        (dict(values=MIDDLE[:6], climatology="cb"), "not one for each month"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_reason(tmp_path, how, part):
    with pytest.raises(TamrlError, match=part):
        starts(tmp_path / "file.nc", **how)


def test_a_climatology_of_cf_knows_its_years(tmp_path):
    ds = written(tmp_path / "file.nc", MIDDLE, climatology="cb")
    ds["cb"] = (("time", "nv"), np.stack([START - 7305, END], axis=1))
    assert step_starts(ds, "file.nc")[0][6] == np.datetime64("2001-07-01")
    assert climatology_years(ds) == "1981-2001"
    assert climatology_years(written(tmp_path / "plain.nc", MIDDLE)) == ""


def test_bounds_in_their_own_unit_and_as_two_variables(tmp_path):
    hours = written(tmp_path / "h.nc", END)
    hours["tb"] = (("time", "nv"), BOUNDS * 24, {"units": "hours since 2001-01-01"})
    hours["time"].attrs["bounds"] = "tb"
    two = written(tmp_path / "t.nc", END).assign(time_start=("time", START), time_end=("time", END))
    for ds in (hours, two):
        assert [str(s)[:10] for s in step_starts(ds, "file.nc")[0]] == JAN_DEC


def test_days_that_have_no_date_are_left_out_and_counted(tmp_path):
    report = IngestReport()
    ds = written(tmp_path / "file.nc", np.arange(366) + 0.5, calendar="all_leap")
    found, _ = step_starts(ds, "file.nc", report=report)
    assert np.flatnonzero(np.isnat(found)).tolist() == [59]
    assert found[60] == np.datetime64("2001-03-01")
    assert report.of("file.nc")[0].count == 1


@pytest.mark.parametrize(
    ("name", "label", "step", "first"),
    [
        ("gpp_200101.nc", 31.0, "month", "2001-01-01"),
        ("gpp_200102.nc", 31.0, "month", "2001-02-01"),
        ("gpp_annual_2001.nc", 182.5, "year", "2001-01-01"),
        ("gpp_2001.nc", 0.0, "year", "2001-01-01"),
        ("gpp_20010201.nc", 31.0, "day", "2001-02-01"),
        ("daily.nc", 181.0, "day", "2001-07-01"),
    ],
)
def test_a_single_step_is_what_the_name_of_its_file_says(tmp_path, name, label, step, first):
    assert starts(tmp_path / name, [label]) == ([first], step)


def test_dates_and_steps_in_names():
    assert steps_named("gpp_2001-07.nc")[0] == pd.Timestamp("2001-07-01")
    assert steps_named("x.20010731.nc")[0] == pd.Timestamp("2001-07-31")
    assert steps_named("MOD17A2H.A2001193.nc") is None
    assert steps_named("gpp_2001.nc") is None
    assert dates_named("gpp_200101-200212.nc") == [("month", 372), ("month", 395)]
    assert step_named("GPP_2015_050_monthly.nc") == "month"
    assert step_named("monthly_means_of_daily.nc") is None
