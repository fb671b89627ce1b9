"""One CSV file of one tower, of days, half-hours or hours: recognised by its first lines, read into days."""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.archive import Tower
from tamrl.towers.readers import fluxnet, layouts, limits
from tamrl.towers.readers.layouts import Layout
from tamrl.towers.readers.names import release
from tamrl.towers.readers.numbers import to_numbers
from tamrl.towers.readers.ragged import WholeRows
from tamrl.towers.readers.stamps import STEPS, by_step, read_stamps, time_columns
from tamrl.towers.readers.subdaily import LEAST_SHARE, gaps, to_days, unknown_flags

#: Days of radiation that are kept to compare the hours with the sun.
_SUN_DAYS = 366


def read_csv(path: str | Path) -> Tower:
    """Read one file, plain or gz; the tower's id comes from the file name, or from a column that names it.

    Daily files are those of FLUXNET, see ``fluxnet.read_csv``; half-hours and hours those of ``layouts``, which are
    aggregated to days by the rules of ``subdaily``.

    Raises:
        TamrlError: as ``fluxnet.read_csv``; steps are neither half-hours nor hours; NEE is in another unit; of
            AmeriFlux BASE no day has NEE.
    """
    path = Path(path)
    opener = partial(limits.open_text, path, limits.MOST_STEP_TEXT)
    layout = _layout(opener, path.name, path.name)
    return _read(opener, layout, path.name, path.name) if layout else fluxnet.read_csv(path)


def read_member(archive: zipfile.ZipFile, member: str, label: str) -> Tower:
    """Read one file inside an open zip, plain or gz, see ``read_csv``.

    Raises:
        TamrlError: as ``read_csv``.
    """
    opener = partial(limits.open_member, archive, member, label, limits.MOST_STEP_TEXT)
    layout = _layout(opener, member, label)
    return _read(opener, layout, member, label) if layout else fluxnet.read_member(archive, member, label)


def _layout(opener: Callable[[], IO[bytes]], name: str, label: str) -> Layout | None:
    with fluxnet.in_words(label):
        return layouts.find(opener, name, label)


def _read(opener: Callable[[], IO[bytes]], layout: Layout, name: str, label: str) -> Tower:
    """Read a file of half-hours or hours."""
    times = time_columns(layout.columns)
    with fluxnet.in_words(label):
        raw, ragged = fluxnet.read_columns(
            partial(_at_header, opener, layout.skip), layout.columns, layout.values, times, label, limits.MOST_STEP_ROWS
        )
    raw = _without_units(raw, layout, label)
    if raw.empty:
        raise TamrlError("The file has no row", label, "Download it again")
    fluxnet.check_end(raw, layout.columns[-1], label)
    kind = layout.release or release(name)
    tower = Tower(site=fluxnet.identity(raw, name, label), table=pd.DataFrame(), source=label, release=kind)
    steps, minutes = _steps(tower, raw, layout, label, ragged)
    _check_flags(tower, steps, label)
    table = to_days(steps, minutes)
    if "NEE" in table and steps["NEE"].notna().any() and not table["NEE"].notna().any():
        what = f"No day has NEE on at least {100 * LEAST_SHARE:.0f} % of its {STEPS[minutes]}"
        raise TamrlError(what, label, "Fill its gaps, with REddyProc for example, or give the FLUXNET product")
    tower.table, tower.steps = table.astype(np.float32), 24 * 60 // minutes
    tower.notes.append(
        f"{len(table):,} days are made from {len(steps):,} {STEPS[minutes]}: means where at least "
        f"{100 * LEAST_SHARE:.0f} % of a day's steps are there, fluxes from umol m-2 s-1"
    )
    if left_out := gaps(steps, table, minutes):
        tower.notes.append(left_out)
    if "SW_IN" in steps:
        middles = steps["SW_IN"].set_axis(steps.index + pd.Timedelta(minutes=minutes / 2)).dropna()
        tower.radiation = middles.iloc[-_SUN_DAYS * tower.steps :]
    return tower


def _at_header(opener: Callable[[], IO[bytes]], skip: int) -> IO[bytes]:
    """Open a file and pass over the lines before its header."""
    file = opener()
    for _ in range(skip):
        file.readline()
    return file


def _without_units(raw: pd.DataFrame, layout: Layout, label: str) -> pd.DataFrame:
    """Drop the row of units below the header and check that of NEE."""
    if not layout.units:
        return raw
    if "umol" not in layout.units.lower().replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u"):
        what = f"NEE is in {layout.units!r}, half-hours are read in umol m-2 s-1"
        raise TamrlError(what, label, "Convert the fluxes")
    return raw.iloc[1:]


def _steps(tower: Tower, raw: pd.DataFrame, layout: Layout, label: str, ragged: WholeRows) -> tuple[pd.DataFrame, int]:
    """Return the values of steps under the names of the schema, index of their beginnings, and minutes of a step."""
    times = time_columns(layout.columns)
    stamps = read_stamps(raw[times], label)
    cells = raw[[column for column in layout.values if column in raw]]
    rows = by_step(cells, stamps, label, tower.site, (ragged.count, ragged.reason))
    tower.notes += stamps.notes
    values, notes, faults = to_numbers(rows, label)
    tower.notes += notes
    return layout.named(tower, values, faults, layout.columns, label), stamps.minutes


def _check_flags(tower: Tower, steps: pd.DataFrame, label: str) -> None:
    """Reject the quality where it is not a flag: a fraction would be taken for one."""
    odd = unknown_flags(steps["NEE_QC"]) if "NEE_QC" in steps else pd.Series(dtype=float)
    if odd.empty:
        return
    said = f"NEE_QC: {len(odd)} quality flags of steps are not 0 to 3, the first is {odd.iloc[0]:g} ({label})"
    tower.faults.append(f"{said}; the quality is rejected")
    tower.failed.add("NEE_QC")
    del steps["NEE_QC"]
