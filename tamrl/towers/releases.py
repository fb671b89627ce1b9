"""One record of each tower from several files: releases of one processing are joined, others are refused."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import schema
from tamrl.towers.archive import Tower


def one_each(towers: Iterable[Tower]) -> tuple[dict[str, Tower], list[str]]:
    """Return one record of each tower.

    Of two releases the newer one is used in its period, from its first to its last day with a flux; the older one adds
    days outside it where processing and variant of the fluxes agree. Where they do not, or are not known, a record
    whose period contains all days of the other is used; otherwise the tower is refused, since part of it would be lost
    or two kinds of fluxes would be mixed.

    Returns:
        Site -> tower, and why others are refused, in words.
    """
    versions: dict[str, list[Tower]] = {}
    for tower in towers:
        versions.setdefault(tower.site, []).append(tower)
    chosen: dict[str, Tower] = {}
    failures: list[str] = []
    for site, found in versions.items():
        tower, why = _settle(found)
        if why:
            failures.append(f"{site}: {why}")
        else:
            chosen[site] = tower
    failures += _drop_lookalikes(chosen)
    return chosen, failures


def lost_days(old: xr.Dataset, tower: Tower) -> str:
    """Return in words which days with fluxes a replaced record of the archive had outside the new one; empty if none.

    Args:
        old: the tower in the archive, Dataset(time).
        tower: what replaces it.
    """
    known = np.zeros(old.sizes["time"], bool)
    for name in schema.FLUXES:
        known |= old[name].notnull().values
    days = pd.DatetimeIndex(old["time"].values[known])
    index = tower.table.index
    outside = days[(days < index.min()) | (days > index.max())] if len(index) else days
    if not len(outside):
        return ""
    span = f"{outside.min().date()} to {outside.max().date()}"
    what = f"{len(outside)} days with fluxes of the version that it replaces ({span}) are gone"
    return f"{what}; ingest both files at once to join them"


def _settle(found: list[Tower]) -> tuple[Tower, str]:
    """Join the versions of one tower, the newest first."""
    ordered = sorted(found, key=_newness)[::-1]  # of equals the last comes first
    tower = ordered[0]
    for older in ordered[1:]:
        tower, why = _join(tower, older)
        if why:
            return tower, why
    return tower, ""


def _newness(tower: Tower) -> tuple[Any, ...]:
    known = _flux_days(tower)
    last = known.max().value if len(known) else 0
    release = tower.release
    values = int(tower.table.notna().to_numpy().sum())
    days = tower.steps == 0  # those that the provider made count before those made here
    return release.generation, release.last_year, release.version, days, last, len(tower.table), values


def _flux_days(tower: Tower) -> pd.DatetimeIndex:
    there = [name for name in schema.FLUXES if name in tower.table]
    return pd.DatetimeIndex(tower.table.index[tower.table[there].notna().any(axis=1)])


def _outside(days: pd.DatetimeIndex, period: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return days[(days < period.min()) | (days > period.max())] if len(period) else days


def _join(newer: Tower, older: Tower) -> tuple[Tower, str]:
    """Return the record of two, or why there is none."""
    new, old = _flux_days(newer), _flux_days(older)
    rest = _outside(old, new)
    if not len(rest):
        return _take(newer, older), ""
    same = newer.release.processing == older.release.processing != "" and newer.variant == older.variant
    if same:
        return _append(newer, older, new, rest), ""
    unknown = "" in (newer.release.processing, older.release.processing)
    if unknown and not len(_outside(new, old)):
        return _take(older, newer), ""
    what = f"{newer.source} and {older.source} cannot be joined, since {_difference(newer, older)}"
    gone = f"{len(rest)} days with fluxes ({rest.min().date()} to {rest.max().date()}) would be lost"
    return newer, f"{what}; with the first alone {gone}. Give only one of them"


def _difference(newer: Tower, older: Tower) -> str:
    """Return in words why two records are not of one kind."""
    names = [tower.release.processing for tower in (newer, older)]
    if "" in names:
        return "it is not known whether their fluxes were made in the same way"
    if names[0] != names[1]:
        return f"one was processed as {names[0]}, the other as {names[1]}"
    return f"the fluxes of one are {newer.variant}, those of the other {older.variant}"


def _take(taken: Tower, other: Tower) -> Tower:
    gone = [name for name in schema.VARIABLES if name in set(other.table.columns) - set(taken.table.columns)]
    lacks = f"; {', '.join(gone)} of the other are not taken" if gone else ""
    taken.notes.append(
        f"also in {other.source}; {taken.source} was taken, its period holds all days with fluxes{lacks}"
    )
    return taken


def _append(newer: Tower, older: Tower, new: pd.DatetimeIndex, rest: pd.DatetimeIndex) -> Tower:
    """Give the newer record the older one's days outside its period."""
    outside = older.table.loc[_outside(pd.DatetimeIndex(older.table.index), new)]
    added = outside[outside.index.isin(rest) | ~outside.index.isin(newer.table.index)]
    kept = newer.table[~newer.table.index.isin(added.index)]
    newer.table = pd.concat([kept, added]).sort_index()
    newer.notes.append(
        f"joined from {newer.source} and {older.source}: the second gives {len(rest)} days with fluxes "
        f"({rest.min().date()} to {rest.max().date()}), where both have days the first counts"
    )
    newer.notes += [f"{older.source}: {note}" for note in older.notes]
    newer.source = f"{newer.source}; {older.source}"
    return newer


def _drop_lookalikes(chosen: dict[str, Tower]) -> list[str]:
    """Take out towers whose ids differ in the case of letters alone: whether they are one cannot be told."""
    alike: dict[str, list[str]] = {}
    for site in chosen:
        alike.setdefault(site.casefold(), []).append(site)
    failures = []
    for sites in alike.values():
        if len(sites) > 1:
            sources = " and ".join(f"{site} ({chosen.pop(site).source})" for site in sites)
            failures.append(f"{sources} differ only in upper and lower case; write the id of a tower in one way")
    return failures
