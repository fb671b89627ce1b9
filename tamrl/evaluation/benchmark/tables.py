"""The results folder of the accuracy benchmark: what the Scorecard reads and what is bundled."""

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr
import yaml
from pyarrow import parquet

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.runs import TAMRL
from tamrl.evaluation.benchmark.scoring import PARTS, Fold
from tamrl.model.checkpoint import versions
from tamrl.towers.archive import record
from tamrl.towers.countries import network_of
from tamrl.towers.quality import valid_days

#: Bits of a number that are kept, 0.05 %: intervals over towers are far wider, and zeros compress.
MANTISSA_BITS = 10
_TEXT = ("design", "site", "model", "placement", "flux", "scale", "group")


def write_results(
    archive: xr.Dataset, folds: Iterable[Fold], out: Path, about: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    """Join the tables of all folds into a results folder.

    Args:
        archive: Dataset(site, time) of the scored towers.
        folds: scored.
        out: folder to write: ``manifest.yaml`` and one parquet a table (``tamrl.evaluation.results.TABLES``).
        about: what the manifest says besides the date and the versions.

    Returns:
        The tables.

    Raises:
        TamrlError: no fold has been scored.
    """
    folds = [fold for fold in folds if fold.done]
    if not folds:
        raise TamrlError("No fold has been scored yet", str(out), "Let the benchmark run to the end of a fold")
    tables = {}
    for name in PARTS:
        parts = [pd.read_parquet(fold.folder / f"{name}.parquet") for fold in folds]
        parts = [part for part in parts if len(part)]
        tables[name] = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    tables["density"] = _sum_density(tables["density"])
    tables["cycles"] = _mean_cycles(tables["cycles"])
    tables["scores"] = _slim(tables["scores"])
    tables["sites"] = _sites(archive, sorted(tables["scores"]["site"].unique()))
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if len(table):
            _write(_typed(table), out / f"{name}.parquet")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    manifest = {"title": "Held-out towers", "created": now, "versions": versions(), **about}
    (out / "manifest.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return tables


def _slim(scores: pd.DataFrame) -> pd.DataFrame:
    """Drop scales without a score and sort, so that neighbouring rows are alike and compress."""
    keys = ["scale", "flux", "site", "design", "model", "shots", "placement"]
    return scores[scores["n"] > 0].sort_values(keys, ignore_index=True)


def _sum_density(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["design", "model", "shots", "flux", "observed", "predicted"]
    return table.groupby(keys, as_index=False)["days"].sum()


def _mean_cycles(table: pd.DataFrame) -> pd.DataFrame:
    """Return means and spreads over the towers of each IGBP class, and of all."""
    keys = ["design", "group", "month", "flux", "model", "shots"]
    both = pd.concat([table, table.assign(group="all")], ignore_index=True)
    found = both.groupby(keys)["mean"].agg(mean="mean", sd="std", towers="size")
    return found.reset_index()


def _sites(archive: xr.Dataset, sites: list[str]) -> pd.DataFrame:
    """Return the table of the scored towers."""
    rows = []
    for site in sites:
        tower = record(archive, site)
        time = pd.DatetimeIndex(tower.time.values)[valid_days(tower)]
        rows.append(
            {
                "site": site,
                "lat": float(tower.lat),
                "lon": float(tower.lon),
                "igbp": str(tower.igbp.item()),
                "koeppen": str(tower.koeppen.item()),
                "network": network_of(site),
                "days": len(time),
                "first": time[0].date().isoformat(),
                "last": time[-1].date().isoformat(),
            }
        )
    return pd.DataFrame(rows)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with small types: numbers in 32 bits, ``MANTISSA_BITS`` of them kept, texts as categories.

    The daily scores of TAM-RL keep all bits: whoever scores a tower again finds the same number.
    """
    table = table.copy()
    ours = (table["model"] == TAMRL) & (table["scale"] == "daily") if {"model", "scale"} <= set(table) else None
    for name in table:
        if name in _TEXT:
            table[name] = table[name].astype(str).astype("category")
        elif name in ("shots", "fold", "month"):
            table[name] = table[name].astype(np.int16)
        elif name in ("n", "days", "towers"):
            table[name] = table[name].astype(np.int32)
        elif name not in ("lat", "lon") and table[name].dtype == np.float64:
            mantissa, exponent = np.frexp(table[name].to_numpy())
            rounded = np.ldexp(np.round(mantissa * 2**MANTISSA_BITS) / 2**MANTISSA_BITS, exponent)
            table[name] = (rounded if ours is None else np.where(ours, table[name], rounded)).astype(np.float32)
    return table


def _write(table: pd.DataFrame, file: Path) -> None:
    """Write a table as small as parquet makes it; any reader of parquet reads it."""
    numbers = [name for name in table if table[name].dtype == np.float32]
    others = [name for name in table if name not in numbers]
    content = pa.Table.from_pandas(table, preserve_index=False)
    partial = file.with_suffix(".partial")
    parquet.write_table(
        content, partial, compression="zstd", compression_level=19, use_dictionary=others, use_byte_stream_split=numbers
    )
    # The Scorecard may be open on the older one.
    partial.replace(file)
