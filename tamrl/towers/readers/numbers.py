"""From the cells of a table to numbers: cells that are not numbers, and fill values that stand for missing ones.

Files declare -9999, or nothing. Other fills are found all the same: numbers that programs write for "missing" and that
no variable reaches. A variable with many non-numeric cells is not read at all: the rest would be a biased selection
(only the values below 1,000, say) without anyone noticing.
"""

import re

import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.errors import printable

#: What every format of towers writes for "missing"; it is not worth a word.
DECLARED = -9999.0
#: A variable with more than this share of its cells being no numbers is not read.
UNREADABLE_SHARE = 0.05
#: Numbers that stand for "missing" whatever the unit: of flux networks, netCDF, GRIB, R, GDAL, and ends of integers.
_FILLS = (
    *(-6999, -7777, -8888, -9998, -9999.9, -9999.99, -99999, -99999.9, -999999, -9999999),
    *(9999, 9999.9, 9999.99, 99999, 99999.9, 999999, 9999999, 9.999e8),
    *(sign * size for sign in (-1, 1) for size in (1e10, 1e15, 1e20, 9.999e20, 1e30, 1e36, 3.4028235e38, 3.4e38)),
    *(1.7976931348623157e308, -1.7976931348623157e308, 9.96920996838687e36, -3.39999995e38),
    *(32767, -32767, -32768, 65535, 2147483647, -2147483647, -2147483648),
)
#: Such numbers that are values in some unit: they count only where the variable cannot reach them.
_SHORT = (
    *(sign * size for sign in (-1, 1) for size in (99, 99.9, 99.99, 999, 999.9, 999.99, 888, 777)),
    *(-3000, *range(249, 256), *(code / 10 for code in range(249, 256)), *(code / 100 for code in range(249, 256))),
)
#: Words and signs for "missing" in cells of text.
_WORDS = frozenset(("", "nan", "na", "n/a", "#n/a", "none", "null", "nil", "-", "--", ".", "nd", "missing", "m"))
#: Numbers with separators: "1,234.5", "1.234,5", "1 234", "1'234", "12,5".
_SEPARATED = re.compile(r"[-+]?\d{1,3}([,.'\s]\d{3})+([.,]\d+)?|[-+]?\d+,\d+")
#: Non-numeric cells that any variable may have; smallest of ``_FILLS``; fraction of impossible values that are fills.
_FEW, _LEAST_FILL, _ALONE = 2, 6000.0, 0.9
_NAMES = 8


def to_numbers(cells: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """Turn the cells of a table into numbers.

    Args:
        cells: columns as read, numbers or text; a column may be named as in the schema.
        where: file, for the messages.

    Returns:
        The numbers, float64, NaN where missing; notes on single cells and on fills; and the faults: columns that are
        not numeric and hence missing as a whole -> why, in words.
    """
    notes: list[str] = []
    faults: dict[str, str] = {}
    strange: dict[str, int] = {}
    out = {}
    for column in cells.columns:
        values, lost = _numeric(cells[column])
        if lost.any():
            n, written = int(lost.sum()), int(cells[column].notna().sum())
            words = cells[column][lost].map(lambda cell: str(cell).strip().lower() in _WORDS)
            if int((~words).sum()) > max(_FEW, UNREADABLE_SHARE * written) or n == written:
                faults[str(column)] = _not_numbers(str(column), cells[column][lost], words, (n, written), where)
                values = np.full(len(values), np.nan)
            else:
                strange[str(column)] = n
        out[column] = np.where(values == DECLARED, np.nan, values)
    if strange:
        notes.append(f"{sum(strange.values())} non-numeric cells rejected ({_listed(strange)})")
    return clear_fills(pd.DataFrame(out, index=cells.index), notes), notes, faults


def _numeric(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers (N,) of a column, and which of its cells are there but are none."""
    try:
        values = pd.to_numeric(cells, errors="coerce")
    except TypeError:  # cells that hold lists or tables
        values = pd.to_numeric(cells.map(lambda cell: cell if np.isscalar(cell) else np.nan), errors="coerce")
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    return numbers, np.isnan(numbers) & cells.notna().to_numpy()


def _not_numbers(column: str, lost: pd.Series, words: pd.Series, counts: tuple[int, int], where: str) -> str:
    """Say why a variable is not read, and what to do about the form that its first cell has."""
    first = str((lost[~words] if not words.all() else lost).iloc[0]).strip()
    if _SEPARATED.fullmatch(first):
        todo = "write the numbers with a decimal point and without separators of thousands"
    else:
        todo = "write numbers, and -9999 or nothing where a value is missing"
    said = f"{counts[0]} of {counts[1]} cells are not numbers, the first is {printable(first)[:40]!r}"
    return f"{column}: {said} ({where}); the whole variable is rejected; {todo}"


def clear_fills(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Turn numbers that stand for "missing" into missing values and count them.

    Args:
        table: numbers; of columns named as in the schema those fills that the variable cannot reach are found, too.
        notes: what was found is added.
    """
    found: dict[float, dict[str, int]] = {}
    out = {}
    for column in table.columns:
        values = table[column].to_numpy(np.float64)
        hit = _fills(str(column), values)
        if hit.any():
            for value, count in zip(*np.unique(values[hit].astype(np.float32), return_counts=True), strict=True):
                found.setdefault(float(value), {})[str(column)] = int(count)
            values = np.where(hit, np.nan, values)
        out[column] = values
    for value, columns in found.items():
        counted = f"{sum(columns.values())} values of {value:.7g} ({_listed(columns)})"
        notes.append(f"{counted} rejected: a fill value that the file does not declare")
    return pd.DataFrame(out, index=table.index, columns=table.columns)


def _fills(name: str, values: np.ndarray) -> np.ndarray:
    """Say which values (N,) of a column stand for "missing"."""
    with np.errstate(invalid="ignore"):
        hit = _is_one_of(values, _FILLS, np.abs(values) >= _LEAST_FILL)
        variable = schema.VARIABLES.get(name)
        if variable is None:
            return hit
        low, high = variable.bounds
        beyond = ((values < low) | (values > high)) & ~hit
    short = _is_one_of(values, _SHORT, beyond)
    # A value in another unit may happen to be one of them; a fill is alone out there.
    return hit | short if short.sum() >= _ALONE * beyond.sum() else hit


def _is_one_of(values: np.ndarray, known: tuple[float, ...], where: np.ndarray) -> np.ndarray:
    """Say which values (N,) are one of some numbers, also after they were kept in 32 bits; ``where`` are looked at."""
    hit = np.zeros(values.shape, bool)
    at = np.flatnonzero(where & np.isfinite(values))
    if at.size:
        hit[at] = np.isclose(values[at, None], np.asarray(known)[None, :], rtol=1e-6, atol=0.0).any(axis=1)
    return hit


def _listed(counts: dict[str, int]) -> str:
    """Return the first names with their counts."""
    named = ", ".join(f"{name} {n}" for name, n in list(counts.items())[:_NAMES])
    return named + (f" and {len(counts) - _NAMES} more" if len(counts) > _NAMES else "")
