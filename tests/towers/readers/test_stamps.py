"""Times of steps: the forms in which files write them, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from step_files import starts

from tamrl.errors import TamrlError
from tamrl.towers.readers.stamps import by_step, read_stamps, time_columns

BEGIN = starts(2)
HALF = pd.Timedelta(minutes=30)


def fluxnet(begin: pd.DatetimeIndex = BEGIN, step: pd.Timedelta = HALF) -> pd.DataFrame:
    end = begin + step
    return pd.DataFrame({"TIMESTAMP_START": begin.strftime("%Y%m%d%H%M"), "TIMESTAMP_END": end.strftime("%Y%m%d%H%M")})


def parts(begin: pd.DatetimeIndex = BEGIN) -> pd.DataFrame:
    """Year, day and hour of the ends of steps, as REddyProc has them: the last of a day is hour 0 of the next."""
    end = begin + HALF
    hour = end.hour + end.minute / 60
    return pd.DataFrame({"Year": end.year, "DoY": end.day_of_year, "Hour": hour}).astype(str)


@pytest.mark.parametrize(
    "raw",
    [
        fluxnet(),
        fluxnet()[["TIMESTAMP_START"]],
        fluxnet()[["TIMESTAMP_END"]],
        fluxnet() + ".0",
        pd.DataFrame({"DateTime": (BEGIN + HALF).strftime("%Y-%m-%d %H:%M:%S")}),
        pd.DataFrame({"Date Time": (BEGIN + HALF).strftime("%Y-%m-%d %H:%M")}),
        pd.DataFrame({"DateTime": (BEGIN + HALF).strftime("%Y-%m-%dT%H:%M:%SZ")}),
        # R leaves out the time of midnight.
        pd.DataFrame({"DateTime": (BEGIN + HALF).strftime("%Y-%m-%d %H:%M:%S").str.removesuffix(" 00:00:00")}),
        parts(),
    ],
)
def test_every_form_gives_the_beginnings_of_steps(raw):
    found = read_stamps(raw, "x.csv")
    assert found.minutes == 30
    assert found.starts.tolist() == BEGIN.tolist()
    assert (found.first_bad, found.notes) == ("", [])


def test_hours_and_the_hour_24_are_read():
    found = read_stamps(fluxnet(starts(2, 60), pd.Timedelta(hours=1)), "x.csv")
    assert found.minutes == 60
    day = pd.DataFrame({"Year": "2010", "DoY": "1", "Hour": [f"{i / 2}" for i in range(1, 49)]})
    assert read_stamps(day, "x.csv").starts.tolist() == starts(1).tolist()


def test_middles_of_steps_are_told():
    found = read_stamps(pd.DataFrame({"DateTime": (BEGIN + HALF / 2).strftime("%Y-%m-%d %H:%M:%S")}), "x.csv")
    assert found.starts.tolist() == BEGIN.tolist()
    assert found.notes == ["times are taken as middles of steps"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (pd.DataFrame({"TIMESTAMP_START": ["2.00501E+11"] * 9}), "No row has a time that can be read, the first is '2"),
        (pd.DataFrame({"DateTime": (BEGIN + HALF).strftime("%Y-%m-%d %H:%M:%S+01:00")}), "No row has a time"),
        (fluxnet(pd.date_range("2010-01-01", periods=99, freq="15min")), "15 minutes apart"),
        (fluxnet(pd.date_range("2010-01-01", periods=9, freq="D")), "1440 minutes apart"),
        (fluxnet(BEGIN + pd.Timedelta(minutes=10)), "begin 10 minutes off their grid"),
        (fluxnet(step=pd.Timedelta(hours=1)), "TIMESTAMP_END is not 30 minutes after"),
        (fluxnet(BEGIN[:1]), "a single step"),
        (fluxnet(starts(2, start="2999-01-01"))[["TIMESTAMP_START"]], "still to come"),
    ],
)
def test_what_cannot_be_read_is_refused(raw, message):
    with pytest.raises(TamrlError, match=message.replace("+", r"\+")):
        read_stamps(raw, "x.csv")


def test_columns_of_times_are_found_and_days_have_none():
    assert time_columns(["TIMESTAMP_START", "TIMESTAMP_END", "Year"]) == ["TIMESTAMP_START", "TIMESTAMP_END"]
    assert time_columns(["Hour", "DoY", "Year", "NEE"]) == ["Year", "DoY", "Hour"]
    assert time_columns(["TIMESTAMP", "NEE_VUT_REF"]) == []


def test_rows_without_a_time_and_repeated_ones_are_set_aside_and_too_many_refused():
    raw = fluxnet()
    raw.loc[5, "TIMESTAMP_START"] = "20100101xx00"
    raw.loc[7, "TIMESTAMP_START"] = raw.loc[8, "TIMESTAMP_START"]
    values = pd.DataFrame({"NEE": np.arange(96.0)})
    found = read_stamps(raw, "x.csv")
    rows = by_step(values, found, "x.csv", "AT-Aaa", (0, ""))
    assert len(rows) == 94
    assert rows.loc["2010-01-01 04:00", "NEE"] == 7
    assert "1 rows without a readable time rejected, the first has '20100101xx00'" in found.notes
    assert "1 repeated steps rejected, the first of each kept" in found.notes
    raw.loc[:9, "TIMESTAMP_START"] = "?"
    with pytest.raises(TamrlError, match=r"more than 5 % of the rows have no time .* AT-Aaa \(10 of 96\)"):
        by_step(values, read_stamps(raw, "x.csv"), "x.csv", "AT-Aaa", (0, ""))
    with pytest.raises(TamrlError, match="ragged"):
        by_step(values, found, "x.csv", "AT-Aaa", (20, "are ragged"))


def test_order_does_not_matter():
    raw = fluxnet().sample(frac=1, random_state=0)
    values = pd.DataFrame({"NEE": raw.index.to_numpy(float)}, index=raw.index)
    rows = by_step(values, read_stamps(raw, "x.csv"), "x.csv", "AT-Aaa", (0, ""))
    assert rows.index.tolist() == BEGIN.tolist()
    assert rows["NEE"].tolist() == list(range(96))
