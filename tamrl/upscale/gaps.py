"""Where a driver is missing inside a run: at which steps, in how many cells; counted in the pass that reads it.

A step that no file has is known before anything is read. Missing values are counted region by region and kept in the
completion marker of each, so that a resumed run gives the same account. Dimensions: T steps, R rows, C columns.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.globe.stored import COUNTED, Tally
from tamrl.schema import variable
from tamrl.system.account import IngestReport
from tamrl.timestep import TimeStep
from tamrl.towers.interpolate import to_days
from tamrl.upscale.drivers.read import Driver

ALLOW = (
    "Give what is missing, choose another --time or --bbox, or predict those steps without it, masked as in training: "
    "--allow-gaps"
)


@dataclass
class Gap:
    """Missing values of one driver in cells that have other drivers.

    Attributes:
        steps: (T,) whether it is missing in some cell.
        cells: cells that lack it at some step, at least.
        never: those of them that lack it at every step.
        values: number of missing values.
    """

    steps: np.ndarray
    cells: int = 0
    never: int = 0
    values: int = 0

    def add(self, other: "Gap") -> None:
        """Add the gap of other cells."""
        self.steps = self.steps | other.steps
        self.cells, self.never = self.cells + other.cells, self.never + other.never
        self.values += other.values


@dataclass
class Account:
    """What was found while a part of the drivers was read: rejected values, and gaps by driver."""

    tally: Tally = field(default_factory=Tally)
    gaps: dict[str, Gap] = field(default_factory=dict)

    def add(self, other: "Account") -> None:
        """Add the account of another part."""
        for (subject, what), count in other.tally.counts.items():
            self.tally.add(subject, what, count)
        for name, gap in other.gaps.items():
            if name in self.gaps:
                self.gaps[name].add(gap)
            else:
                self.gaps[name] = Gap(gap.steps, gap.cells, gap.never, gap.values)

    def to_text(self) -> str:
        """Return the account as text for the completion marker of a part."""
        gaps = {
            n: {
                "steps": np.packbits(g.steps).tobytes().hex(),
                "count": g.steps.size,
                "cells": g.cells,
                "never": g.never,
                "values": g.values,
            }
            for n, g in self.gaps.items()
        }
        counts = [[*key, count] for key, count in self.tally.counts.items()]
        return json.dumps({"counts": counts, "gaps": gaps}) if counts or gaps else ""

    @classmethod
    def from_text(cls, text: str) -> "Account":
        """Return the account that ``to_text`` gave; an empty one for an empty marker."""
        found = cls()
        content = json.loads(text) if text else {"counts": [], "gaps": {}}
        for subject, what, count in content["counts"]:
            found.tally.add(subject, what, count)
        for name, g in content["gaps"].items():
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(g["steps"]), np.uint8), count=g["count"]).astype(bool)
            found.gaps[name] = Gap(bits, g["cells"], g["never"], g["values"])
        return found

    def report(self, time: pd.DatetimeIndex, step: TimeStep) -> IngestReport:
        """Return the account in words."""
        out = IngestReport()
        for (name, what), count in sorted(self.tally.counts.items()):
            known = variable(name) if what == "bounds" else None
            low, high, unit = (*known.bounds, known.unit) if known else (0, 0, "")
            out.rejected(name, f"{count} values {COUNTED[what].format(low=low, high=high, unit=unit)}.", count)
        for name, gap in self.gaps.items():
            words = f"{describe(gap, time, step)}: predicted without it, masked as in training."
            out.missing(name, words, gap.values)
        return out


def accounts(marks: Iterable[Path]) -> Account:
    """Return the sum of the accounts in the completion markers of parts."""
    total = Account()
    for mark in marks:
        total.add(Account.from_text(mark.read_text(encoding="utf-8")))
    return total


def span(steps: np.ndarray, time: pd.DatetimeIndex, step: TimeStep) -> str:
    """Return in words how many steps (T,) are chosen, from when to when."""
    chosen, form = time[steps], "%Y-%m" if step == TimeStep.MONTHLY else "%Y-%m-%d"
    when = chosen[0].strftime(form) + (f" to {chosen[-1].strftime(form)}" if len(chosen) > 1 else "")
    return f"{len(chosen)} of {len(time)} steps ({when})"


def describe(gap: Gap, time: pd.DatetimeIndex, step: TimeStep) -> str:
    """Return in words where a driver is missing."""
    never = f", {gap.never} of these cells never have it" if gap.never else ""
    return f"no value at {span(gap.steps, time, step)} in {gap.cells} cells that have other drivers{never}"


def missing_steps(driver: Driver, time: pd.DatetimeIndex) -> np.ndarray:
    """Return at which steps of a run, (T,) bool, no file has a driver."""
    if driver.static:
        return np.zeros(len(time), bool)
    if driver.parts:
        return np.logical_or.reduce([missing_steps(part, time) for part in driver.parts])
    if len(driver.months):
        starts, ends = (pd.DatetimeIndex(driver.months + np.timedelta64(k, "M")) for k in (0, 1))
        there = to_days(starts, ends, np.ones((len(starts), 1)), pd.DatetimeIndex(driver.days))[:, 0]
        return ~np.isfinite(there) | driver.incomplete
    return (driver.taken < 0) | driver.incomplete


def check_steps(drivers: dict[str, Driver], time: pd.DatetimeIndex, step: TimeStep, where: str) -> None:
    """Raise where a driver lacks whole steps of a run.

    Raises:
        TamrlError: some driver does; the message has each of them with its steps.
    """
    lacking = {name: missing_steps(driver, time) for name, driver in drivers.items()}
    said = [f"{name} has no value at {span(steps, time, step)}" for name, steps in lacking.items() if steps.any()]
    if said:
        raise TamrlError("; ".join(said), where, ALLOW)


def check_cells(account: Account, time: pd.DatetimeIndex, step: TimeStep, where: str) -> None:
    """Raise where a driver lacks values in some cells.

    Raises:
        TamrlError: some driver does; the message has each of them with its steps, the number of cells, and the rejected
            values.
    """
    if account.gaps:
        said = [f"{name} has {describe(gap, time, step)}" for name, gap in account.gaps.items()]
        aside = [f"{e.subject}: {e.words}" for e in account.report(time, step) if e.kind == "rejected"]
        raise TamrlError(
            "; ".join(said) + (f" ({' '.join(aside)[:-1]})" if aside else ""),
            where,
            f"{ALLOW}, with --resume, since finished regions are kept",
        )


def cell_gaps(timed: dict[str, np.ndarray], wanted: np.ndarray) -> dict[str, Gap]:
    """Return where drivers are missing in cells that are computed and have some driver.

    Args:
        timed: drivers that change with time, (T, R or 1, C or 1).
        wanted: (R, C) cells with vegetated land.
    """
    present = {name: np.isfinite(values) for name, values in timed.items()}
    steps = max((len(p) for p in present.values()), default=0)
    some = np.zeros(wanted.shape, bool)
    for there in present.values():
        some |= there.any(0)
    cells, found = wanted & some, {}
    for name, there in present.items():
        whole = there.all(0) | ~cells
        if whole.all():
            continue
        there = np.broadcast_to(there, (steps, *wanted.shape))
        lacking = ~there[:, ~whole]
        found[name] = Gap(np.any(lacking, axis=1), lacking.shape[1], int(lacking.all(0).sum()), int(lacking.sum()))
    return found
