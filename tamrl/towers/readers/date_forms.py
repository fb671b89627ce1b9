"""What one written date can mean: its form, and the parts that its text alone determines."""

import re
from dataclasses import KW_ONLY, dataclass
from datetime import date, timedelta

#: Years that a date of this field can have; numbers outside are dates in another form.
YEARS = range(1900, 2101)
#: Texts that mean that there is no date.
BLANK = frozenset(("", "nan", "nat", "none", "na", "n/a", "null", "<na>", "-", "--", "-9999", "-9999.0"))
#: Form of whole numbers such as 31012019; with it in a column, seven digits lost their leading zero.
YEAR_LAST = "eight digits with the year last"
#: Kind of a value that is a date in a form that is not read -> what it is, in words.
REFUSED = {
    "year": "years, not days",
    "short": "written with a year of two digits, which leaves the century and the order open",
    "serial": "day numbers of a spreadsheet, which count from 1900 or from 1904",
    "epoch": "seconds (or fractions of them) since 1970",
    "fraction": "numbers with a fraction, as decimal years are",
    "week": "weeks of the year",
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_LONG = "january february march april may june july august september october november december".split()
_NAMES = {name: i for names in (_MONTHS, _LONG) for i, name in enumerate(names, 1)} | {"sept": 9}
_TIME = (
    r"(?:(?:T|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_WHOLE = re.compile(r"(\d+)(?:\.0*)?")
_SCIENTIFIC = re.compile(r"\d\.\d+[eE]\+?\d{1,2}")
_FRACTION = re.compile(r"\d+[.,]\d+")
_WEEK = re.compile(r"\d{4}-?W\d{2}(-?\d)?")
_ORDINAL = re.compile(r"A?(?P<year>\d{4})-?(?P<ordinal>\d{3})")
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<sep>[-/._ ])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})" + _TIME)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/._ ])(?P<b>\d{1,2})(?P=sep)(?P<year>\d{4})" + _TIME)
_SHORT = re.compile(r"\d{1,2}([-/._ ])(\d{1,2}|[A-Za-z]{3})\1\d{2}" + _TIME)
_YEAR_MONTH = re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{1,2})|(?P<m>\d{1,2})[-/](?P<y>\d{4})")
_NAMED = tuple(
    re.compile(pattern + _TIME)
    for pattern in (
        r"(?P<day>\d{1,2})[-/. ]?\s?(?P<name>[A-Za-z]{3,9})\.?[-/, ]?\s?(?P<year>\d{4})",
        r"(?P<name>[A-Za-z]{3,9})\.?[- ](?P<day>\d{1,2}),?[- ](?P<year>\d{4})",
        r"(?P<year>\d{4})[-/ ](?P<name>[A-Za-z]{3,9})[-/ ](?P<day>\d{1,2})",
    )
)
_NAMED_MONTH = re.compile(r"(?P<name>[A-Za-z]{3,9})\.?[-/ ](?P<year>\d{4})")


@dataclass(frozen=True)
class Written:
    """One written date.

    Attributes:
        kind: day, month, order (two readings are open until the column decides), blank, none (no date at all), or a
            key of ``REFUSED``.
        form: how it is written, in words; empty where it is not a date.
        day: the day, or the first of the month or year.
        other: for ``order`` the reading with the month first; ``day`` is the one with the day first. None: impossible.
        seconds: time of the day, 0 where none is written.
        offset: minutes east of UTC, None where no zone is written.
    """

    kind: str
    form: str = ""
    day: date | None = None
    other: date | None = None
    seconds: int = 0
    _: KW_ONLY
    offset: int | None = None


NONE, EMPTY = Written("none"), Written("blank")


def read(text: str, padded: bool = False) -> Written:
    """Return what ``text`` can mean as a date.

    Whole numbers: YYYYMMDD, YYYYMMDDHH, YYYYMMDDHHMM, YYYYMMDDHHMMSS, YYYYDDD (day of the year), YYYYMM, YYYY, and
    DDMMYYYY or MMDDYYYY. Text: ISO 8601 with ``-``, ``/``, ``.`` or ``_``, day or month first with a year of four
    digits, English names of months.

    Args:
        text: as written.
        padded: seven digits are eight without the leading zero (``1022019``), not a year and a day of the year.
    """
    text = text.strip().strip("\"'").strip()
    if text.lower() in BLANK:
        return EMPTY
    if _SCIENTIFIC.fullmatch(text) and float(text).is_integer():
        text = str(int(float(text)))
    if found := _WHOLE.fullmatch(text):
        digits = found.group(1)
        return _digits(digits.zfill(8) if padded and len(digits) == 7 else digits)
    if _FRACTION.fullmatch(text):
        return Written("fraction")
    if _WEEK.fullmatch(text):
        return Written("week")
    for pattern, reader in ((_YEAR_FIRST, _year_first), (_ORDINAL, _ordinal), (_YEAR_LAST, _year_last)):
        if found := pattern.fullmatch(text):
            return reader(found)
    return _worded(text)


def span(text: str) -> tuple[date, date] | None:
    """Return the first and last day of a date that may lack its day or month; None where it is neither."""
    written = read(text)
    if written.day is None or written.kind == "order":
        return None
    if written.kind == "day":
        return written.day, written.day
    months = 1 if written.kind == "month" else 12
    after = written.day.year * 12 + written.day.month - 1 + months
    return written.day, date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if year in YEARS else None
    except ValueError:
        return None


def _digits(text: str) -> Written:
    """Read a whole number by its length."""
    length = len(text)
    if length in (10, 12, 14) and (found := _day(int(text[:4]), int(text[4:6]), int(text[6:8]))):
        hour, minute, second = (int(text[i : i + 2] or 0) for i in (8, 10, 12))
        seconds = _seconds(hour, minute, second)
        form = "YYYYMMDDHHMMSS"[:length]
        return NONE if seconds is None else Written("day", form, found, seconds=seconds)
    if length in (9, 10, 13, 16, 19):
        return Written("epoch")
    if length == 5:
        return Written("serial")
    if length == 4:
        return Written("year", "YYYY", date(int(text), 1, 1)) if int(text) in YEARS else NONE
    if length == 6:
        first = _day(int(text[:4]), int(text[4:]), 1)
        return Written("month", "YYYYMM", first) if first and first.year >= 1950 else Written("short")
    if length == 7 and (match := _ORDINAL.fullmatch(text)) and (ordinal := _ordinal(match)) is not NONE:
        return ordinal
    return _eight(text.zfill(8)) if length in (7, 8) else NONE


def _eight(text: str) -> Written:
    """Read YYYYMMDD, or else two days and months of two digits before the year.

    They cannot be confused: the years of the one are not months of the other.
    """
    if found := _day(int(text[:4]), int(text[4:6]), int(text[6:])):
        return Written("day", "YYYYMMDD", found)
    return _two_readings(int(text[:2]), int(text[2:4]), int(text[4:]), YEAR_LAST)


def _two_readings(a: int, b: int, year: int, form: str, seconds: int = 0, offset: int | None = None) -> Written:
    day_first, month_first = _day(year, b, a), _day(year, a, b)
    if day_first is None and month_first is None:
        return NONE
    return Written("order", form, day_first, month_first, seconds, offset=offset)


def _seconds(hour: int, minute: int, second: int = 0) -> int | None:
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 60 else None


def _clock(found: re.Match[str]) -> tuple[int | None, int | None]:
    """Return seconds of the day (None: no such time) and the offset in minutes (None: no zone)."""
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24
    seconds = _seconds(hour, int(found["minute"] or 0), int(found["second"] or 0))
    zone = found["zone"]
    if not zone:
        return seconds, None
    if zone in ("Z", "UTC", "GMT"):
        return seconds, 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return seconds, (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if zone[0] == "-" else 1)


def _year_first(found: re.Match[str]) -> Written:
    sep = found["sep"]
    day = _day(int(found["year"]), int(found["month"]), int(found["day"]))
    seconds, offset = _clock(found)
    return (
        NONE
        if day is None or seconds is None
        else Written("day", f"YYYY{sep}MM{sep}DD", day, None, seconds, offset=offset)
    )


def _year_last(found: re.Match[str]) -> Written:
    seconds, offset = _clock(found)
    if seconds is None:
        return NONE
    form = f"numbers between {found['sep']!r} with the year last"
    return _two_readings(int(found["a"]), int(found["b"]), int(found["year"]), form, seconds, offset)


def _ordinal(found: re.Match[str]) -> Written:
    year, ordinal = int(found["year"]), int(found["ordinal"])
    first = _day(year, 1, 1)
    if first is None or not 1 <= ordinal <= 366:
        return NONE
    day = first + timedelta(days=ordinal - 1)
    return Written("day", "year and day of the year", day) if day.year == year else NONE


def _worded(text: str) -> Written:
    """Read months, names of months and years of two digits."""
    if found := _YEAR_MONTH.fullmatch(text):
        first = _day(int(found["year"] or found["y"]), int(found["month"] or found["m"]), 1)
        return Written("month", "YYYY-MM", first) if first else NONE
    if (found := _NAMED_MONTH.fullmatch(text)) and found["name"].lower() in _NAMES:
        first = _day(int(found["year"]), _NAMES[found["name"].lower()], 1)
        return Written("month", "name of the month and year", first) if first else NONE
    for pattern in _NAMED:
        if (found := pattern.fullmatch(text)) and found["name"].lower() in _NAMES:
            day = _day(int(found["year"]), _NAMES[found["name"].lower()], int(found["day"]))
            seconds, offset = _clock(found)
            if day is not None and seconds is not None:
                return Written("day", "day with the name of the month", day, None, seconds, offset=offset)
    return Written("short") if _SHORT.fullmatch(text) else NONE
