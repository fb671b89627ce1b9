"""Ids of towers in columns of tables: one spelling of each."""

import re

import pandas as pd

from tamrl.errors import TamrlError, printable

# A network before the id, as in CarbonFluxBench (AMF_US-LS2).
_PREFIXED = re.compile(r"[A-Za-z][A-Za-z0-9]*_([A-Z]{2}-[A-Za-z0-9]{3})")
_WHOLE = re.compile(r"(\d+)\.0+")
#: What may be an id: a word or a few, no path, no markup. Files and folders are named after it.
_NAME = re.compile(r"\w[\w .()+-]{0,63}")


def tower_id(text: str) -> str:
    """Return an id without spaces around it, without the prefix of a network, and without the ``.0`` of a number."""
    text = text.strip()
    found = _PREFIXED.fullmatch(text) or _WHOLE.fullmatch(text)
    return found.group(1) if found else text


def read_ids(column: pd.Series, label: str, notes: list[str]) -> pd.Series:
    """Return the ids of a column, missing where a cell has none; ids that were respelled are noted.

    Args:
        column: ids as written.
        label: table, for the note.
        notes: ids that were respelled are added.

    Raises:
        TamrlError: an id is a path, markup or longer than a name.
    """
    codes, values = pd.factorize(column, use_na_sentinel=True)
    written = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
    ids = [tower_id(text) or None for text in written]
    odd = [text for text in ids if text and not _NAME.fullmatch(text)]
    if odd:
        what = f"{len(odd)} of {len(ids)} ids of towers are not valid names, the first is {printable(odd[0])[:40]!r}"
        raise TamrlError(what, label, "Use ids of letters, digits and hyphens, such as AT-Neu")
    changed = [f"{old!r}" for old, new in zip(written, ids, strict=True) if new and old.strip() != new]
    if changed:
        notes.append(f"{label}: ids such as {changed[0]} are read without the network before them")
    spread = pd.array([*ids, None], dtype=object)[codes]  # the code of a missing cell is -1, the last
    return pd.Series(spread, index=column.index, name=column.name, dtype=object)
