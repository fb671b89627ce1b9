"""Parquet tables: one file, or a folder of parts as Spark, Dask, DuckDB and arrow write them."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.towers.readers import limits

_SUFFIXES = (".parquet", ".parq", ".pq")
_PART = re.compile(r"(part|data|file|chunk)?[-._]?\d+.*", re.IGNORECASE)
_HIVE = re.compile(r"[A-Za-z_]\w*=.+")
_MARKERS = ("_SUCCESS", "_metadata", "_common_metadata")


def is_table(path: Path) -> bool:
    """Return whether ``path`` is a parquet file or a folder that is one table."""
    return is_parts(path) if path.is_dir() else path.name.lower().endswith(_SUFFIXES)


def is_parts(folder: Path) -> bool:
    """Return whether a folder is one table in parts, by its name or by what it holds.

    It is where its name ends as that of a parquet file does, a marker of the writer lies in it, its folders are values
    of a column (``site=AT-Neu``), or all of its parquet files, two at least, are numbered parts.
    """
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError:
        return False
    held = [name for name in names if name.lower().endswith(_SUFFIXES)]
    below = [name for name in names if (folder / name).is_dir()]
    if not held and not (below and all(_HIVE.fullmatch(name) for name in below)):
        return False
    if folder.name.lower().endswith(_SUFFIXES) or not held or any(name in names for name in _MARKERS):
        return True
    return len(held) > 1 and all(_PART.fullmatch(name) for name in held)


def files(path: Path) -> list[Path]:
    """Return the files of a table: itself, or its parts in order."""
    if not path.is_dir():
        return [path]
    inside = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name.lower().endswith(_SUFFIXES)]
    return [p for p in inside if not any(part.startswith((".", "_")) for part in p.relative_to(path).parts)]


def columns(path: Path) -> list[str]:
    """Return the names of the columns.

    Raises:
        TamrlError: it cannot be read, or its parts are too different to be one table.
    """
    return _open(path).schema.names


def read(path: Path, keys: list[str], wanted: dict[str, str]) -> pd.DataFrame:
    """Read the key columns and those of ``wanted`` that are there, renamed to its values.

    Raises:
        TamrlError: it cannot be read, or a key is missing.
    """
    dataset = _open(path)
    there = dataset.schema.names
    missing = [key for key in keys if key not in there]
    if missing:
        raise TamrlError(f"The table lacks the column {', '.join(missing)}", str(path), "Check its layout")
    chosen = [*keys, *(name for name in wanted if name in there)]
    try:
        limits.check_parquet(path, chosen)
        arrow = dataset.to_table(columns=chosen)
        table = arrow.to_pandas(ignore_metadata=True)  # a key may have been an index of pandas
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    return table.rename(columns=wanted)


def _open(path: Path) -> Any:
    """Open a table; its schema has the columns of all parts.

    A column that a part lacks is missing there. Parts with incompatible types are refused: half of the rows would be
    misread.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    parts = files(path)
    if not parts:
        raise TamrlError("The folder holds no part of a parquet table", str(path), "Check the folder")
    hive = ds.partitioning(flavor="hive") if path.is_dir() else None
    try:
        dataset = ds.dataset(
            [str(part) for part in parts], format="parquet", partitioning=hive, partition_base_dir=str(path)
        )
        if len(parts) == 1:
            return dataset
        schemas = [part.physical_schema.remove_metadata() for part in dataset.get_fragments()]
        joined = pa.unify_schemas([*schemas, dataset.schema.remove_metadata()], promote_options="permissive")
        return dataset.replace_schema(joined)
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> TamrlError:
    """Return the error of a table that cannot be read."""
    kind = "folder of parquet parts" if path.is_dir() else "parquet file"
    first = str(error).splitlines()[0][:300]
    return TamrlError(f"This is not a readable {kind}: {first}", str(path), "Download it again")
