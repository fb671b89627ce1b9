"""A parquet table with a row per tower and day, read batch by batch: the whole table is never in memory.

Glossary: S towers, D days of all their records together, N rows of a batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers import limits, parquet
from tamrl.towers.readers.dates import read_dates
from tamrl.towers.readers.ids import read_ids
from tamrl.towers.readers.numbers import DECLARED
from tamrl.towers.readers.text import REJECTED_SHARE

#: Rows that are in memory at once.
BATCH = 1 << 16
_SITE, _DATE = "site", "date"


@dataclass(frozen=True)
class Records:
    """The records of S towers, laid end to end.

    Attributes:
        sites: ids, each once.
        first: (S,) first days, days since 1970.
        length: (S,) days.
    """

    sites: tuple[str, ...]
    first: np.ndarray
    length: np.ndarray

    @cached_property
    def start(self) -> np.ndarray:
        """Index among the D days at which each record begins, and at the end D: (S + 1,)."""
        return np.concatenate([[0], np.cumsum(self.length)]).astype(np.int64)

    def of(self, values: np.ndarray, site: int) -> np.ndarray:
        """Return the part of (D,) values that belongs to one tower."""
        return values[self.start[site] : self.start[site + 1]]

    def places(self, site: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return the index among the D days of (N,) days of towers, -1 for those outside the records.

        Args:
            site: (N,) index of the tower, -1 for another one.
            day: (N,) days since 1970.
        """
        offset = day - self.first[site]
        within = (site >= 0) & (offset >= 0) & (offset < self.length[site])
        return np.where(within, self.start[site] + offset, -1)


def read_long(path: Path, wanted: Sequence[str], records: Records, notes: list[str]) -> dict[str, np.ndarray]:
    """Read columns of a table with ``site``, ``date`` and values on the days of records.

    Ids may carry the prefix of a network; -9999 is missing; of repeated site-days the first is kept.

    Args:
        path: parquet file.
        wanted: columns; those that the file lacks are skipped.
        records: the towers and days that are wanted.
        notes: rejected rows are added.

    Returns:
        Column -> (D,) float32 as written, NaN where there is none.

    Raises:
        TamrlError: the file cannot be read, lacks ``site`` or ``date``, its dates or ids are refused, a wanted column
            is not numeric, or it has no row on a day of the records.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits.check_file(path)
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            there = file.schema_arrow.names
            if lacks := [name for name in (_SITE, _DATE) if name not in there]:
                raise TamrlError(f"The table lacks the column {', '.join(lacks)}", str(path), "Check its layout")
            return _read(file, path.name, [name for name in wanted if name in there], records, notes)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise parquet.unreadable(path, error) from error


def _read(file: Any, label: str, names: list[str], records: Records, notes: list[str]) -> dict[str, np.ndarray]:
    """Read an open file, see ``read_long``: its ids and dates first, so that each distinct one is read once."""
    ids, dates = _distinct(file, _SITE), _distinct(file, _DATE)
    row = {site: i for i, site in enumerate(records.sites)}
    known = read_ids(ids.to_pandas(), label, notes)
    site_of = np.array([row.get(site, -1) for site in known], np.int64)
    days = read_dates(dates.to_pandas(), f"{label}, column {_DATE}")
    notes += [f"{label}: {note}" for note in days.notes]
    day_of = days.days.to_numpy("datetime64[D]").astype(np.int64)
    nameless, dateless = known.isna().to_numpy(), days.days.isna().to_numpy()
    total = int(records.start[-1])
    found = {name: np.full(total, np.nan, np.float32) for name in names}
    seen = np.zeros(total, bool)
    rows = unread = repeated = 0
    for batch in file.iter_batches(BATCH, columns=[_SITE, _DATE, *names]):
        site, date = (_codes(batch.column(name), values) for name, values in ((_SITE, ids), (_DATE, dates)))
        rows += len(site)
        bad = nameless[site] | dateless[date]
        unread += int(bad.sum())
        place = np.where(bad, -1, records.places(site_of[site], day_of[date]))
        at, first = np.unique(place, return_index=True)
        new = (at >= 0) & ~seen[at]
        repeated += int((place >= 0).sum() - new.sum())
        at, first = at[new], first[new]
        seen[at] = True
        for name in names:
            values = _numbers(batch.column(name))[first]
            found[name][at] = np.where(values == DECLARED, np.nan, values)
    if unread > REJECTED_SHARE * rows:
        what = f"{unread:,} of {rows:,} rows have no readable date or site"
        raise TamrlError(what, label, "Download the file again")
    if not seen.any():
        raise TamrlError("The table has no row on a day with fluxes of any tower", label, "Check its sites and dates")
    if unread:
        notes.append(f"{label}: {unread:,} rows without a readable date or site rejected")
    if repeated:
        notes.append(f"{label}: {repeated:,} repeated site-days rejected, the first of each kept")
    return found


def _plain(column: Any) -> Any:
    """Return a column of arrow without its dictionary."""
    return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column


def _distinct(file: Any, name: str) -> Any:
    """Return the distinct values of one column as an array of arrow."""
    import pyarrow as pa

    found: Any = pa.array([], _plain(pa.array([], file.schema_arrow.field(name).type)).type)
    columns: Iterator[Any] = (batch.column(0) for batch in file.iter_batches(BATCH, columns=[name]))
    for column in columns:
        found = pa.concat_arrays([found, _plain(column).unique()]).unique()
    if not len(found):
        raise TamrlError("The table has no row", name, "Download the file again")
    return found


def _codes(column: Any, values: Any) -> np.ndarray:
    """Return (N,) where each cell stands among the distinct values."""
    import pyarrow.compute as pc

    return np.asarray(pc.index_in(_plain(column), value_set=values).to_numpy(zero_copy_only=False), np.int64)


def _numbers(column: Any) -> np.ndarray:
    """Return (N,) numbers, NaN where a cell is empty."""
    import pyarrow as pa

    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def records_of(tables: dict[str, pd.DataFrame]) -> Records:
    """Return the records of towers whose tables have a row for each day."""
    first = [table.index[0].to_datetime64().astype("datetime64[D]").astype(np.int64) for table in tables.values()]
    return Records(tuple(tables), np.array(first, np.int64), np.array([len(t) for t in tables.values()], np.int64))
