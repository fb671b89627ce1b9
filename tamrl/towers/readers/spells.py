"""Dated descriptions of a tower: positions and classes valid for a time, and the one valid for its record."""

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

_WORDS = {"lat": "latitude", "lon": "longitude", "igbp": "IGBP class", "koeppen": "Koeppen class", "name": "name"} | {
    "utc_offset": "UTC offset"
}


@dataclass(frozen=True)
class Spell:
    """One value and the time for which it is valid.

    Attributes:
        key: field of ``SiteInfo``.
        value: of that field.
        start: first day, None where the table gives none: from the beginning.
        end: last day, None where the table gives none: until the next one starts.
    """

    key: str
    value: str | float
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None


def choose(spells: list[Spell], first: pd.Timestamp | None, last: pd.Timestamp | None) -> tuple[str | float, str]:
    """Return the value that is valid on most days of a record, and a note where others are valid on the rest.

    On any day, of the spells that have begun and not ended, the one that began last is valid; of equals the first.

    Args:
        spells: of one key, in the order of the table.
        first: day of the record; None where there is no record: the last spell to begin is taken.
        last: day of the record.

    Returns:
        The value, and a note: that it changed within the record, that none was valid then, or that the table has
        several without dates. Empty where one value was valid throughout.
    """
    word = _WORDS[spells[0].key]
    if len({spell.value for spell in spells}) == 1:
        return spells[0].value, ""
    if first is None or last is None:
        return max(spells, key=_begin).value, ""
    days = _days_held(spells, first, last)
    held = {value: n for value, n in days.items() if n}
    if not held:
        near = min(spells, key=lambda s: abs((_begin(s) - first).days))
        return (
            near.value,
            f"none of the {len(spells)} dated entries of its {word} holds during the record; {_said(near)} is taken",
        )
    value = max(held, key=lambda v: held[v])
    same = [s for s in spells if s.start == next(t.start for t in spells if t.value == value)]
    if len({s.value for s in same}) > 1:
        others = ", ".join(str(v) for v in dict.fromkeys(s.value for s in same))
        when = "without a date" if same[0].start is None else f"from {same[0].start.date()}"
        return value, f"its {word} has several entries {when} ({others}); {value} is taken"
    if len(held) > 1:
        share = held[value] / sum(held.values())
        changes = ", ".join(_said(s) for s in spells if s.value in held)
        return (
            value,
            f"its {word} changed within the record ({changes}); {value}, which held for {100 * share:.0f} % of it, is "
            "taken",
        )
    return value, ""


def _begin(spell: Spell) -> pd.Timestamp:
    return spell.start if spell.start is not None else pd.Timestamp("1800-01-01")


def _said(spell: Spell) -> str:
    return f"{spell.value} from {spell.start.date()}" if spell.start is not None else f"{spell.value} without a date"


def _days_held(spells: list[Spell], first: pd.Timestamp, last: pd.Timestamp) -> dict[str | float, int]:
    """Return value -> days of the record on which it holds."""
    after = pd.Timedelta(days=1)
    edges = {first, last + after}
    for spell in spells:
        edges |= {edge for edge in (spell.start, spell.end + after if spell.end is not None else None) if edge}
    marks = sorted(edge for edge in edges if first <= edge <= last + after)
    days: dict[str | float, int] = {}
    for begin, stop in pairwise(marks):
        there = [s for s in spells if _begin(s) <= begin and (s.end is None or s.end >= begin)]
        if there:
            value = max(there, key=_begin).value  # max returns the first of equals
            days[value] = days.get(value, 0) + (stop - begin).days
    return days
