import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.towers.checks import last_day
from tamrl.towers.readers.date_forms import read, span
from tamrl.towers.readers.dates import read_dates, set_aside

DAYS = pd.Series(pd.date_range("2019-01-01", periods=400))
NUMBERS = DAYS.dt.strftime("%Y%m%d").astype(int)


def days(column, **how) -> pd.Series:
    return read_dates(pd.Series(column), "daily.parquet, column date", **how).days


def written(form: str) -> pd.Series:
    return DAYS.dt.strftime(form)


FORMS = {
    "int64": NUMBERS,
    "nullable": NUMBERS.astype("Int64"),
    "float": NUMBERS.astype(float),
    "decimal": NUMBERS.map(Decimal),
    "text": NUMBERS.astype(str),
    "text with .0": NUMBERS.astype(str) + ".0",
    "bytes": NUMBERS.astype(str).str.encode("ascii"),
    "category": NUMBERS.astype(str).astype("category"),
    "scientific": NUMBERS.map(lambda n: f"{n / 1e7:.7f}E+07"),
    "datetime": DAYS,
    "microseconds": DAYS.astype("datetime64[us]"),
    "date objects": DAYS.dt.date,
    "datetime objects": pd.Series([day.to_pydatetime() for day in DAYS], dtype=object),
    "arrow dates": DAYS.dt.date.astype("date32[pyarrow]"),
    "periods": DAYS.dt.to_period("D"),
    "noon": DAYS + pd.Timedelta(hours=12),
    "end of the day": DAYS + pd.Timedelta("23:59:59"),
    "local zone": DAYS.dt.tz_localize("Europe/Berlin"),
    "zone without midnight": DAYS.dt.tz_localize("America/Sao_Paulo", nonexistent="shift_forward"),
    "UTC midnight": DAYS.dt.tz_localize("UTC"),
    "ISO": written("%Y-%m-%d"),
    "ISO with time": written("%Y-%m-%dT00:00:00"),
    "ISO with Z": written("%Y-%m-%dT00:00:00Z"),
    "ISO with offset": written("%Y-%m-%dT00:00:00+01:00"),
    "slashes, year first": written("%Y/%m/%d"),
    "dots, year first": written("%Y.%m.%d"),
    "no leading zeros": DAYS.map(lambda day: f"{day.year}-{day.month}-{day.day}"),
    "YYYYMMDDHHMM": written("%Y%m%d0000").astype("int64"),
    "day of the year": written("%Y%j").astype(int),
    "ISO day of the year": written("%Y-%j"),
    "MODIS": written("A%Y%j"),
    "day first": written("%d/%m/%Y"),
    "dotted": written("%d.%m.%Y"),
    "dashed": written("%d-%m-%Y"),
    "month first": written("%m/%d/%Y"),
    "spreadsheet": DAYS.map(lambda day: f"{day.month}/{day.day}/{day.year} 12:00:00 AM"),
    "eight digits, year last": written("%d%m%Y"),
    "number, year last": written("%d%m%Y").astype(int),
    "number, month first": written("%m%d%Y").astype(int),
    "name of the month": written("%d-%b-%Y"),
    "SAS": written("%d%b%Y").str.upper(),
    "long name": DAYS.map(lambda day: f"{day:%B} {day.day}, {day.year}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_days(form):
    found = days(FORMS[form])
    assert found.dtype == "datetime64[ns]"
    pd.testing.assert_series_equal(found, DAYS.astype("datetime64[ns]"), check_names=False)


REFUSED = {
    "float32": (NUMBERS.astype("float32"), "32-bit floating-point numbers"),
    "once float32": (NUMBERS.astype("float32").astype(float), "even number"),
    "once float32, now int": (NUMBERS.astype("float32").astype(int), "even number"),
    "local midnight in UTC": (DAYS.dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC"), "another time zone"),
    "the same without summer time": (DAYS.dt.tz_localize("Etc/GMT-1").dt.tz_convert("UTC"), "instants in UTC"),
    "the same without a zone": (DAYS - pd.Timedelta(hours=1), "late in the day"),
    "hours": (pd.Series(pd.date_range("2019-01-01", periods=100, freq="h")), "several rows a day"),
    "half-hours as numbers": (pd.Series([201901010000 + 30 * (i % 2) + 100 * (i // 2) for i in range(48)]), "several"),
    "ambiguous": (written("%d/%m/%Y")[:12], "first value is '02/01/2019'"),
    "ambiguous and dotted": (written("%d.%m.%Y")[:12], "first value is '02.01.2019'"),
    "both orders": (pd.Series(["13/01/2019", "01/14/2019"]), "in others the month"),
    "half converted by a spreadsheet": (
        written("%d/%m/%Y").where(DAYS.dt.day > 12, written("%Y-%m-%d")),
        "two forms, '13/01/2019' and '2019-01-01'",
    ),
    "two digits of the year": (written("%d/%m/%y"), "two digits"),
    "two digits and a name": (written("%d-%b-%y"), "two digits"),
    "six digits": (written("%y%m%d").str.replace("^19", "99", regex=True), "two digits"),
    "serial": (pd.Series(range(43466, 43866)), "day numbers of a spreadsheet"),
    "epoch": (pd.Series(DAYS.astype("datetime64[s]").astype("int64")), "since 1970"),
    "nanoseconds": (pd.Series(DAYS.astype("datetime64[ns]").astype("int64")), "since 1970"),
    "decimal years": (2019 + pd.Series(np.arange(1, 400)) / 365, "decimal years"),
    "months": (pd.Series([201901, 201902, 201903]), "months, not days"),
    "years": (pd.Series([2019, 2020]), "years, not days"),
    "weeks": (written("%G-W%V"), "weeks"),
    "words": (pd.Series(["spring", "summer"]), "first value is 'spring'"),
    "zone in some": (pd.Series(["2019-01-01T00:00Z", "2019-01-02T00:00"]), "time zone"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_told_is_refused_in_words(form):
    column, words = REFUSED[form]
    with pytest.raises(TamrlError, match=words) as refusal:
        days(column)
    assert "daily.parquet, column date" in str(refusal.value)


def test_single_rows_without_a_date_are_left_to_the_caller():
    column = NUMBERS.astype(object)
    column[3], column[5], column[7], column[9] = None, "20190230", "n/a", 18500101
    found = read_dates(column, "x")
    assert found.days.isna().sum() == 4
    assert found.days.drop([3, 5, 7, 9]).equals(DAYS.drop([3, 5, 7, 9]).astype("datetime64[ns]"))
    assert found.first_bad == "an empty cell"


def test_a_few_rows_of_another_form_or_time_are_faults_of_theirs():
    column = written("%Y-%m-%d")
    column[100] = "01/02/2019"
    assert days(column).isna().sum() == 1
    stamps = DAYS.copy()
    stamps[7] += pd.Timedelta(hours=3)
    assert days(stamps).isna().sum() == 1


def test_months_in_their_forms():
    wanted = pd.Series(pd.to_datetime(["2019-01-01", "2019-02-01", "2019-03-01"]).astype("datetime64[ns]"))
    for column in (
        [201901, 201902, 201903],
        [201901.0, 201902.0, 201903.0],
        ["2019-01", "2019-02", "2019-03"],
        ["01/2019", "02/2019", "03/2019"],
        ["Jan 2019", "Feb 2019", "Mar 2019"],
        ["2019-01-31", "2019-02-28", "2019-03-31"],
        [20190115, 20190215, 20190315],
        pd.Series([201901, 201902, 201903], dtype="float32"),
    ):
        pd.testing.assert_series_equal(days(column, step="month"), wanted)
    with pytest.raises(TamrlError, match="one month has several"):
        days(DAYS, step="month")


def test_passes_of_a_satellite_may_have_any_time():
    column = DAYS + pd.to_timedelta(np.arange(400) % 7, unit="h")
    assert days(column, passes=True).equals(DAYS.astype("datetime64[ns]"))


def test_what_is_taken_for_granted_is_noted():
    assert "in UTC" in read_dates(DAYS.dt.tz_localize("UTC"), "x").notes[0]
    assert "'13/01/2019' are read with the day first" in read_dates(written("%d/%m/%Y"), "x").notes[0]
    assert read_dates(NUMBERS, "x").notes == []


def test_an_empty_column_is_no_fault_of_the_reader():
    assert days(pd.Series([], dtype=object)).empty
    assert days(pd.Series([np.nan, np.nan])).isna().all()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1999", "1999-01-01", "1999-12-31"),
        ("200402", "2004-02-01", "2004-02-29"),
        ("2004-12", "2004-12-01", "2004-12-31"),
        ("20180601", "2018-06-01", "2018-06-01"),
        ("201806011200", "2018-06-01", "2018-06-01"),
        ("2018-06-01", "2018-06-01", "2018-06-01"),
    ],
)
def test_partial_dates_span_what_they_leave_open(text, first, last):
    assert span(text) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def test_a_text_that_is_no_single_date_spans_nothing():
    assert [span(text) for text in ("", "spring 2004", "01/02/2004", "43466")] == [None] * 4


def test_towers_with_too_many_rows_set_aside_are_named():
    words = set_aside({"AT-Aaa": (6, 100), "DE-Bbb": (5, 100)}, "daily.parquet", "have no date")
    assert words == "daily.parquet: more than 5 % of the rows have no date at AT-Aaa (6 of 100): not ingested"
    assert set_aside({"DE-Bbb": (5, 100)}, "daily.parquet", "have no date") == ""


# ---- properties -----------------------------------------------------------------------------------------------------
_DAY = st.dates(dt.date(1950, 1, 1), dt.date(2025, 12, 31))
_YEAR_FIRST = (
    "%Y%m%d",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%j",
    "%Y%m%d0000",
    "%Y-%m-%d 12:00",
    "%d %B %Y",
    "%d%b%Y",
)
_YEAR_LAST = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d%m%Y", "%m%d%Y")
_BLANKS = st.sampled_from(["", "NA", "NaT", "nan", "-9999", " "])


def _tried(column, **how) -> tuple[pd.Series | None, str]:
    """The days, or the refusal in words."""
    try:
        return days(column, **how), ""
    except TamrlError as refusal:
        return None, str(refusal)


@given(st.lists(_DAY, min_size=1, max_size=22, unique=True), st.sampled_from(_YEAR_FIRST), st.data())
def test_dates_with_the_year_first_are_read_or_missing_never_another(wanted, form, data):
    blank = data.draw(st.sets(st.integers(0, len(wanted) - 1), max_size=3))
    texts = [data.draw(_BLANKS) if i in blank else day.strftime(form) for i, day in enumerate(wanted)]
    found, refusal = _tried(texts)
    if found is None:
        assert "even number" in refusal  # twenty days or more, all even
        return
    for i, day in enumerate(wanted):
        assert pd.isna(found[i]) if i in blank else found[i] == pd.Timestamp(day)


@given(st.lists(_DAY, min_size=1, max_size=22), st.sampled_from(_YEAR_LAST))
def test_dates_with_the_year_last_are_right_or_refused(wanted, form):
    found, refusal = _tried([day.strftime(form) for day in wanted])
    if found is None:
        assert all(day.day <= 12 for day in wanted), refusal
        return
    assert list(found) == [pd.Timestamp(day) for day in wanted]


@given(st.lists(_DAY, min_size=3, max_size=22, unique=True), st.sampled_from([int, float, "Int64", object, "str"]))
def test_whole_numbers_of_any_dtype_are_the_same_days(wanted, dtype):
    column = pd.Series([int(day.strftime("%Y%m%d")) for day in wanted]).astype(dtype)
    found, refusal = _tried(column)
    if found is None:
        assert "even number" in refusal
        return
    assert list(found) == [pd.Timestamp(day) for day in wanted]


@given(
    st.lists(_DAY, min_size=2, max_size=10, unique=True),
    st.sampled_from(_YEAR_FIRST),
    st.sampled_from(_YEAR_FIRST + _YEAR_LAST),
    st.data(),
)
def test_two_forms_in_one_column_are_never_half_wrong(wanted, one, other, data):
    which = [data.draw(st.booleans()) for _ in wanted]
    texts = [day.strftime(one if first else other) for day, first in zip(wanted, which, strict=True)]
    found, _ = _tried(texts)
    if found is not None:
        assert all(pd.isna(got) or got == pd.Timestamp(day) for got, day in zip(found, wanted, strict=True))


_CELL = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**19), 10**19),
    st.floats(),
    st.none(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.none()),
    st.from_regex(r"\d{1,14}", fullmatch=True),
    st.from_regex(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}( \d\d:\d\d)?", fullmatch=True),
    st.binary(max_size=9),
)


@given(st.lists(_CELL, max_size=12), st.sampled_from(["day", "month"]))
def test_no_column_ends_in_a_traceback(cells, step):
    found, refusal = _tried(pd.Series(cells, dtype=object), step=step)
    if found is None:
        assert "daily.parquet" in refusal
        return
    known = found.dropna()
    assert known.between("1950-01-01", last_day()).all()
    assert (known == known.dt.normalize()).all()


@given(st.text(max_size=20))
def test_no_text_breaks_the_forms(text):
    assert read(text).kind
    assert read(text, padded=True).kind
