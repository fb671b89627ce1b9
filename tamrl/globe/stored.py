"""What a file's own words, or their absence, make missing: valid ranges, and fill values that it does not declare.

The library that opens a file applies ``_FillValue``, ``missing_value``, ``scale_factor`` and ``add_offset``; what is
here is tested on the values as they are stored, since -9999 in packed integers is -99.99 when unpacked.
"""

import math
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

#: Values at or beyond this size are a fill value that the file does not declare (1e20, 9.97e36), in any unit.
MISSING_ABOVE = 1e15
#: Values at or below are fills: -9999 and longer rows of nines, whatever the file declares.
MISSING_BELOW = -9990.0
_FILL = -9999
_DECLARED = ("_FillValue", "missing_value")
#: What a count is of -> what is wrong with the values, and what was done, in words.
COUNTED = {
    "fill": "hold a fill value that the file does not declare (such as -9999 or 1e20): taken as missing",
    "range": "lie outside the valid range that the file declares: taken as missing",
    "bounds": "lie outside {low:g} to {high:g} {unit}: taken as missing",
}


class Tally:
    """Counts made while values are read, by subject and by key of ``COUNTED``; safe in threads."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, subject: str, what: str, count: int) -> None:
        """Add to a count."""
        if count:
            with self._lock:
                self.counts[subject, what] += int(count)

    def __dask_tokenize__(self) -> str:
        """Count for nothing in the names of lazy arrays."""
        return "tally"

    def __reduce__(self) -> tuple[Any, ...]:
        """Begin anew in another process, which cannot count here."""
        return Tally, ()


@dataclass(frozen=True)
class Missing:
    """Which unpacked values of a variable are missing beyond those that are NaN already.

    Attributes:
        low, high: valid range.
        fills: single values.
        tolerance: how far a value may be from one of them and still be it.
    """

    low: float = -math.inf
    high: float = math.inf
    fills: tuple[float, ...] = ()
    tolerance: float = 0.0

    def masks(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return key of ``COUNTED`` -> mask (the shape of ``values``); only those that hold for some value."""
        fill = (values <= MISSING_BELOW) | (values >= MISSING_ABOVE)
        for one in self.fills:
            fill |= np.abs(values - one) <= self.tolerance
        found = {"fill": fill}
        if math.isfinite(self.low) or math.isfinite(self.high):
            found["range"] = ((values < self.low) | (values > self.high)) & ~fill
        return {what: mask for what, mask in found.items() if mask.any()}


def missing_of(array: xr.DataArray, factor: float, offset: float, bounds: tuple[float, float]) -> Missing:
    """Return what of a variable is missing by its attributes, or is a fill value that they do not declare.

    A file of packed integers that declares a fill value may use every other number: of these -9999 is taken as
    missing only where it would be impossible.

    Args:
        array: as opened, unpacked.
        factor: brings it to the unit of ``bounds``.
        offset: added then.
        bounds: of what is possible.
    """
    said = {**array.attrs, **array.encoding}
    stored = np.dtype(said.get("dtype", array.dtype))
    scale, shift = float(said.get("scale_factor", 1)), float(said.get("add_offset", 0))
    declared = [float(v) for key in _DECLARED if key in said for v in _numbers(said[key])]
    low, high = _range(said, stored, scale, shift)
    if stored.kind not in "iu":
        # A fill value that single precision cannot hold exactly is not recognised by the library.
        inexact = tuple(v for v in declared if stored == np.float32 and float(np.float32(v)) != v and abs(v) < 1e15)
        return Missing(low, high, inexact, 1e-6 * max((abs(v) for v in inexact), default=0.0))
    about = np.iinfo(stored)
    usual = (_FILL, about.min, about.max, -about.max) if stored.itemsize > 1 else ()
    raw = [v for v in usual if about.min <= v <= about.max and (v or about.min)]
    if declared:
        raw = [v for v in raw if v == _FILL and not bounds[0] <= (v * scale + shift) * factor + offset <= bounds[1]]
    fills = tuple(v * scale + shift for v in raw if stored.kind == "i" or v > 0)
    return Missing(low, high, fills, 0.25 * abs(scale))


def _numbers(value: Any) -> list[float]:
    """Return the numbers of an attribute, which may be text such as ``0, 100``."""
    if isinstance(value, str):
        return [float(word) for word in re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", value)]
    flat = np.ravel(value)
    return [float(v) for v in flat] if flat.dtype.kind in "iuf" else []


def _range(said: Mapping[str, Any], stored: np.dtype, scale: float, shift: float) -> tuple[float, float]:
    """Return the valid range of unpacked values.

    It is in packed units where its type is that of the packed data (NetCDF User Guide, valid_range), and where it goes
    beyond what the packing can hold: many files write it as a decimal number or as text.
    """
    parts = [said.get("valid_range"), said.get("valid_min"), said.get("valid_max")]
    both, least, most = ([] if p is None else _numbers(p) for p in parts)
    low = both[0] if len(both) == 2 else least[0] if len(least) == 1 else -math.inf
    high = both[1] if len(both) == 2 else most[0] if len(most) == 1 else math.inf
    given = [v for v in (low, high) if math.isfinite(v)]
    if not given:
        return -math.inf, math.inf
    slack = 1e-6 * max(abs(v) for v in given)
    if stored.kind in "iu":
        about = np.iinfo(stored)
        if str(said.get("_Unsigned", "false")).lower() == "true" and stored.kind == "i":
            low, high = (v + 2.0 * (about.max + 1) if math.isfinite(v) and v < 0 else v for v in (low, high))
        ends = sorted((about.min * scale + shift, about.max * scale + shift))
        whole = all(np.asarray(p).dtype.kind in "iu" for p in parts if p is not None)
        if whole or any(not ends[0] <= v <= ends[1] for v in given):
            low, high = sorted((low * scale + shift, high * scale + shift))
        slack = 0.5 * abs(scale)
    return (low - slack, high + slack) if low < high else (-math.inf, math.inf)
