"""Matching the steps of drivers to those of a run, by repeating or averaging where needed.

A driver comes in the steps of the model, or in months where the schema says that it is monthly: then, as in the
archive of towers, days of a state (LAI, EVI) are interpolated between the middles of months, and a mean (precipitation)
holds for all days of its month. ``average: month`` in a mapping takes means over the months of finer steps. Anything
else is an error.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.schema import variable
from tamrl.timestep import TimeStep, axis, time_ends
from tamrl.towers.interpolate import BRIDGED
from tamrl.towers.monthly import LEAST_SHARE
from tamrl.towers.units import Conversion
from tamrl.upscale.drivers.read import Driver, Piece

#: Months before and after a run that the line to its first and last days may need.
REACH = BRIDGED + 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Stamped:
    """A piece with its time axis.

    Attributes:
        piece: not yet converted.
        starts: (n,) first instants of its steps, in the order of the file, NaT for those that are left out; empty for
            a static one.
        kind: day, month, year, other or static.
        average: whether means over months are taken.
        change: to the unit of the schema.
        where: file and variable, for messages.
        unit: as written.
        assumed: assumptions on its unit, in words.
    """

    piece: Piece
    starts: np.ndarray
    kind: str
    average: bool
    change: Conversion
    where: str
    unit: str = ""
    assumed: str = ""

    def dated(self) -> Piece:
        """Return the piece with all of its steps, in the order of time, converted."""
        order = np.argsort(self.starts, kind="stable")
        order = order[~np.isnat(self.starts[order])]
        factor, starts = np.full(1, self.change.factor, np.float32), pd.DatetimeIndex(self.starts[order])
        if self.change.month:
            factor = (self.change.factor / starts.days_in_month.to_numpy(float)).astype("f4")
        elif self.change.per_step:
            factor = (self.change.factor / self._lengths(starts)).astype("f4")
        return dataclasses.replace(
            self.piece, positions=order, steps=np.arange(len(order)), factor=factor, offset=self.change.offset
        )

    def _lengths(self, start: pd.DatetimeIndex) -> np.ndarray:
        """Return the days that each step lasts, (n,); of days, months and years without a look at the next one."""
        return ((time_ends(start, self.kind) - start) / pd.Timedelta(days=1)).to_numpy()


def _check(name: str, stamped: Stamped, step: TimeStep) -> None:
    """Raise where the steps of a driver can be neither taken, repeated nor averaged."""
    kind, wanted = stamped.kind, step.word
    if kind == "static" or kind == wanted or (stamped.average and kind in ("day", "other", "month")):
        return
    if kind == "month" and variable(name).resolution == "monthly":
        return
    have = {"day": "days", "month": "months", "year": "years"}.get(kind, "steps of another length")
    finer = kind in ("day", "other") and (step == TimeStep.MONTHLY or variable(name).resolution == "monthly")
    raise TamrlError(
        f"The model is {step.adjective}, {name} comes in {have}",
        stamped.where,
        "Give drivers of the model's step" + (", or average: month in a mapping" if finer else ""),
    )


def shared_axis(
    stamped: dict[str, list[list[Stamped]]], step: TimeStep, period: tuple[pd.Timestamp, pd.Timestamp] | None
) -> pd.DatetimeIndex:
    """Return the steps that all drivers in the step of the model cover, (T,).

    Args:
        stamped: the pieces of each part of each driver.
        step: of the model.
        period: first and last day; None for all.

    Raises:
        TamrlError: the steps are not those of the model, no driver changes with time, or no step is common to all.
    """
    spans = []
    for name, parts in stamped.items():
        for part in parts:
            for piece in part:
                _check(name, piece, step)
            timed = [p for p in part if p.kind == step.word or (p.average and step == TimeStep.MONTHLY)]
            if timed:
                spans.append((min(np.nanmin(p.starts) for p in timed), max(np.nanmax(p.starts) for p in timed)))
    where = ", ".join(stamped)
    if not spans:
        raise TamrlError(
            f"No driver has the {step.adjective} steps of the model", where, "Give at least one that changes with time"
        )
    first, last = max(s[0] for s in spans), min(s[1] for s in spans)
    if first > last:
        raise TamrlError("The drivers have no common time", where, "Give files of the same years")
    time = axis(first, last, step)
    if period is not None:
        low = period[0] if step == TimeStep.DAILY else period[0].replace(day=1)
        time = time[(time >= low) & (time <= period[1])]
        if not len(time):
            covered = f"{pd.Timestamp(first).date()} to {pd.Timestamp(last).date()}"
            raise TamrlError(
                f"The drivers have no step from {period[0].date()} to {period[1].date()}",
                "--time",
                f"They cover {covered}",
            )
    return time


def join(name: str, parts: list[list[Stamped]], time: pd.DatetimeIndex, step: TimeStep) -> Driver:
    """Return a driver, whose pieces follow each other in time, on the steps of the run.

    Args:
        name: driver.
        parts: pieces of each of its parts; more than one for a derived driver.
        time: (T,).
        step: of the model.

    Raises:
        TamrlError: a step or a static driver occurs twice, or there is no value in the period of the run.
    """
    if len(parts) > 1:
        return Driver(name=name, parts=tuple(join(name, [part], time, step) for part in parts))
    (part,) = parts
    if part[0].kind == "static":
        if len(part) > 1:
            raise TamrlError(f"{name} occurs twice", f"{part[0].where}, {part[1].where}", "Give it once")
        return Driver(name=name, pieces=(part[0].dated(),))
    pieces = [p.dated() for p in part]
    starts = [p.starts[piece.positions] for p, piece in zip(part, pieces, strict=True)]
    every = np.sort(np.concatenate(starts))
    if (twice := np.flatnonzero(every[1:] == every[:-1])).size:
        day = pd.Timestamp(every[twice[0]]).date()
        raise TamrlError(f"{name} occurs twice on {day}", part[-1].where, "Give files that do not overlap")
    monthly = part[0].average or part[0].kind == "month"
    key = every.astype("datetime64[M]") if monthly else every.astype("datetime64[D]")
    wanted = time.to_numpy().astype(key.dtype)
    line = monthly and step == TimeStep.DAILY and variable(name).state
    # Only what the run needs is read; the line to a day may come from beyond the run.
    beyond = np.arange(-REACH, REACH + 1) if line else np.zeros(1, int)
    every, key = (x[np.isin(key, (np.unique(wanted)[:, None] + beyond).ravel())] for x in (every, key))
    if not len(every):
        raise TamrlError(
            f"{name} has no value from {time[0].date()} to {time[-1].date()}", part[0].where, "Leave it out"
        )
    names, groups = np.unique(key, return_inverse=True)
    at = np.searchsorted(names, wanted)
    taken = np.where(names[np.minimum(at, len(names) - 1)] == wanted, at, -1)
    few = _short_months(every, names, groups) if part[0].average else np.zeros(len(names), bool)
    incomplete = (taken >= 0) & few[np.maximum(taken, 0)]
    kept = tuple(_cut(pieces, starts, every))
    if line:
        days = time.to_numpy().astype("datetime64[D]")
        return Driver(
            name=name, pieces=kept, groups=groups, taken=taken, months=names, days=days, incomplete=incomplete
        )
    return Driver(name=name, pieces=kept, groups=groups, taken=taken, incomplete=incomplete)


def _cut(pieces: list[Piece], starts: list[np.ndarray], every: np.ndarray) -> Iterator[Piece]:
    """Yield the pieces with those of their steps that begin at ``every``, by their place in it."""
    for piece, own in zip(pieces, starts, strict=True):
        here = np.isin(own, every)
        if here.any():
            factor = piece.factor[here] if piece.factor.size > 1 else piece.factor
            yield dataclasses.replace(
                piece, positions=piece.positions[here], steps=np.searchsorted(every, own[here]), factor=factor
            )


def _short_months(every: np.ndarray, months: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return which months (G,) have so few of their steps that their mean is not theirs.

    Args:
        every: (n,) ascending starts of the steps that are averaged.
        months: (G,) datetime64[M].
        groups: (n,) month of each step.
    """
    starts = every.astype("datetime64[D]")
    apart = np.diff(starts).astype(int)
    if not len(apart) or (apart >= 28).all():
        return np.zeros(len(months), bool)
    # A step covers the time to the next one, but no more than is usual.
    usual = int(np.median(apart[apart < 28]))
    covered = np.zeros(len(months))
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]")
    for begin, length in zip(starts, np.append(np.minimum(apart, usual), usual), strict=True):
        here = np.flatnonzero((first < begin + length) & (last > begin))
        covered[here] += (np.minimum(last[here], begin + length) - np.maximum(first[here], begin)).astype(int)
    return covered < LEAST_SHARE * (last - first).astype(int)
