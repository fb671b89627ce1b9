"""The archive: one Dataset (site, time) of daily or monthly fluxes and drivers, kept as Zarr.

Glossary: S sites, T steps. Values are float32 in the schema's units, missing is NaN, the time axis has one step a
day, or one a calendar month, over all towers (attribute ``frequency``, see ``tamrl.timestep``); a tower's *record*
is its steps from the first to the last with any flux or driver.
"""

import difflib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import tamrl
from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.system.storage import locate, locked, swap_in
from tamrl.timestep import ATTRIBUTE, TimeStep, axis, step_of
from tamrl.towers.checks import SITE_COORDS, attributes, validate
from tamrl.towers.readers.names import NO_RELEASE, Release

__all__ = ["Tower", "build", "load_archive", "merge", "record", "record_days", "save_archive", "validate", "write_zarr"]

LICENSE = "As set by the data providers; FLUXNET2015 and AmeriFlux FLUXNET towers: CC-BY-4.0"
#: Towers in one file of the store: few files, and still one byte range to read one tower.
SHARD_SITES = 64
_TEXT = ("igbp", "koeppen", "name", "source")


@dataclass(kw_only=True)
class Tower:
    """One tower as a reader hands it over.

    Attributes:
        site: FLUXNET id, for example ``AU-Lox``.
        table: values by step, index of dates, columns of schema names in schema units, NaN missing.
        name: name in words, may be empty.
        lat, lon: degrees north and east, NaN where not known.
        utc_offset: of local standard time, hours, NaN where not known.
        igbp, koeppen: class, or ``unknown``.
        source: file and variant that the values come from.
        notes: what the user should know about this tower.
        variant: of the fluxes, such as ``VUT_REF``; empty where the source says none.
        release: which release of which product it is.
        faults: variables that could not be read at all, in words; reported separately and reflected in the exit status.
        failed: the names of such variables, from which nothing is derived.
        steps: number of sub-daily steps a day that the daily values were aggregated from; 0 where the source is daily.
        radiation: SW_IN [W m-2] of up to a year of sub-daily steps, indexed by their midpoints, to check the clock
            against the sun; None for daily sources.
    """

    site: str
    table: pd.DataFrame
    name: str = ""
    lat: float = float("nan")
    lon: float = float("nan")
    utc_offset: float = float("nan")
    igbp: str = schema.UNKNOWN
    koeppen: str = schema.UNKNOWN
    source: str = ""
    notes: list[str] = field(default_factory=list)
    variant: str = ""
    release: Release = NO_RELEASE
    faults: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    steps: int = 0
    radiation: pd.Series | None = None


def now() -> str:
    """Return the present time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build(
    towers: Iterable[Tower],
    *,
    title: str = "Daily fluxes and drivers at flux towers",
    simulated: bool = False,
    source: str = "Tower files named in the coordinate 'source'",
    license: str = LICENSE,
    step: TimeStep = TimeStep.DAILY,
) -> xr.Dataset:
    """Put towers on one time axis.

    Args:
        towers: at least one, each site once.
        title: global attribute.
        simulated: whether the values come from the simulation, which is stated wherever they appear.
        source: global attribute.
        license: global attribute.
        step: of the tables of the towers; months are dated by their first day.

    Returns:
        Dataset (site, time), sorted by site, not yet validated.

    Raises:
        TamrlError: no tower, a repeated tower, no tower with a day of data, a column that is not in the schema, or a
            date that is not a step.
    """
    towers = sorted(towers, key=lambda tower: tower.site)
    sites = [tower.site for tower in towers]
    _check_once(sites)
    days = [tower.table.index.values.astype("datetime64[D]") for tower in towers]
    if not any(index.size for index in days):
        raise TamrlError("No tower has a day of data", ", ".join(sites))
    every = np.concatenate(days)
    time = axis(every.min(), every.max(), step)
    arrays = _arrays(towers, days, time)
    coords: dict[str, Any] = {"site": np.array(sites, dtype=str), "time": time.values.astype("datetime64[ns]")}
    for name, kind in (("lat", np.float64), ("lon", np.float64), *((name, str) for name in _TEXT)):
        coords[name] = ("site", np.array([getattr(tower, name) for tower in towers], dtype=kind))
    attrs = {
        "title": title,
        "Conventions": "CF-1.11",
        ATTRIBUTE: step,
        "simulated": int(simulated),
        "license": license,
        "source": source,
        "tamrl_version": tamrl.__version__,
        "history": f"{now()} built by tamrl {tamrl.__version__}",
    }
    data = {name: (("site", "time"), values, attributes(name)) for name, values in arrays.items()}
    return _describe(xr.Dataset(data, coords, attrs))


def _check_once(sites: list[str]) -> None:
    """Check that there is at least one tower, and each once.

    Raises:
        TamrlError: there is none, or one twice.
    """
    if not sites or len(set(sites)) < len(sites):
        repeated = sorted({site for site in sites if sites.count(site) > 1})
        raise TamrlError("No tower, or a tower twice", ", ".join(repeated), "Give each tower once")


def _arrays(towers: list[Tower], days: list[np.ndarray], time: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """Return variable -> (S, T) float32 of what the tables hold, the fluxes and their quality always.

    Raises:
        TamrlError: a column is not in the schema, or a date is not one of ``time``.
    """
    present = {str(column) for tower in towers for column in tower.table.columns}
    for column in sorted(present):
        schema.variable(column)
    names = [name for name in schema.VARIABLES if name in present or name in ("NEE_QC", *schema.FLUXES)]
    arrays = {name: np.full((len(towers), time.size), np.nan, np.float32) for name in names}
    for row, (tower, index) in enumerate(zip(towers, days, strict=True)):
        at = time.get_indexer(pd.DatetimeIndex(index))
        if (at < 0).any():
            raise TamrlError(
                "A tower has dates that are not on the time axis", tower.site, "Date months by their first day"
            )
        for name in tower.table.columns:
            arrays[name][row, at] = tower.table[name].to_numpy(np.float32)
    return arrays


def _describe(ds: xr.Dataset) -> xr.Dataset:
    """Give the coordinates their CF attributes."""
    ds["lat"].attrs.update(units="degrees_north", standard_name="latitude", long_name="Latitude")
    ds["lon"].attrs.update(units="degrees_east", standard_name="longitude", long_name="Longitude")
    ds["site"].attrs.update(cf_role="timeseries_id", long_name="Tower")
    ds["igbp"].attrs.update(long_name="IGBP land-cover class")
    ds["koeppen"].attrs.update(long_name="Koeppen-Geiger class")
    ds["time"].attrs.update(standard_name="time", long_name="Local day" if step_of(ds) == TimeStep.DAILY else "Month")
    return ds


def merge(old: xr.Dataset | None, new: xr.Dataset) -> xr.Dataset:
    """Add the towers of ``new`` to ``old``; a tower in both is taken from ``new``.

    The time axis is the union of both; variables that only one of them has are missing for the other's towers.

    Raises:
        TamrlError: one of them is simulated and the other is not, or their time steps differ.
    """
    if old is None:
        return new
    if int(old.attrs.get("simulated", 0)) != int(new.attrs.get("simulated", 0)):
        raise TamrlError("Simulated and real towers do not mix", "merge", "Use a workspace of their own for each")
    kept = old.isel(site=~np.isin(old["site"].values.astype(str), new["site"].values.astype(str)))
    if step_of(old) != step_of(new):
        raise TamrlError(
            f"The archive is {step_of(old).adjective}, the new towers are {step_of(new).adjective}",
            "merge",
            "Use a workspace of their own for each",
        )
    start = min(old["time"].values[0], new["time"].values[0])
    stop = max(old["time"].values[-1], new["time"].values[-1])
    parts = [part for part in (kept, new) if part.sizes["site"]]
    names = [name for name in schema.VARIABLES if any(name in part for part in parts)]
    time = axis(start, stop, step_of(new)).values.astype("datetime64[ns]")
    aligned = [_align(part, names, time) for part in parts]
    how: dict[str, Any] = {
        "data_vars": "all",
        "coords": "minimal",
        "compat": "override",
        "join": "exact",
        "combine_attrs": "drop",
    }
    joined = xr.concat(aligned, "site", **how)
    for name in names:
        joined[name].attrs = attributes(name)
    order = np.argsort(joined["site"].values.astype(str))
    attrs = {**old.attrs, **new.attrs}
    history = [line for part in (old, new) for line in str(part.attrs.get("history", "")).splitlines()]
    attrs["history"] = "\n".join(dict.fromkeys(history))
    return _describe(joined.isel(site=order).assign_attrs(attrs))


def _align(ds: xr.Dataset, names: list[str], time: np.ndarray) -> xr.Dataset:
    """Return ``ds`` with all ``names`` on the steps of ``time`` (T,), missing values where it has none."""
    out = _loaded(ds, "merge").reindex(time=time)
    empty = np.full((ds.sizes["site"], time.size), np.nan, np.float32)
    out = out.assign({name: (("site", "time"), empty) for name in names if name not in ds})
    if "source" not in out.coords:
        out = out.assign_coords(source=("site", np.full(ds.sizes["site"], "", dtype=str)))
    return out[names]


def save_archive(ds: xr.Dataset, path: str | Path) -> None:
    """Validate and write an archive, so that a killed process leaves either the old one or the new one.

    Args:
        ds: Dataset (site, time).
        path: folder to write, replaced when it is there.

    Raises:
        TamrlError: the Dataset is not valid, another process is writing there, or the folder cannot be written.
    """
    checked, _ = validate(ds)
    with locked(Path(path)):
        swap_in(Path(path), lambda beside: write_zarr(checked, beside))


def write_zarr(ds: xr.Dataset, path: Path) -> None:
    """Write ``ds`` as Zarr v3: one chunk a tower, the chunks of many towers in one file."""
    chunk = (1, ds.sizes["time"])
    shard = (min(SHARD_SITES, ds.sizes["site"]), ds.sizes["time"])
    layout = {"chunks": chunk, "shards": shard, "_FillValue": np.float32(np.nan)}
    encoding: dict[Any, Any] = dict.fromkeys(ds.data_vars, layout)
    encoding["time"] = {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"}
    clean = ds.drop_encoding()
    with warnings.catch_warnings():
        # Text arrays and consolidated metadata are in wide use but not yet in the Zarr v3 specification.
        warnings.simplefilter("ignore")
        clean.to_zarr(path, mode="w", zarr_format=3, consolidated=True, encoding=encoding)


def load_archive(path: str | Path) -> xr.Dataset:
    """Open an archive lazily: coordinates are read, values only when they are used.

    Raises:
        TamrlError: nothing there, or not an archive of this project.
    """
    found = locate(Path(path))
    if found is None:
        raise TamrlError("There is no archive", str(path), "Run `python -m tamrl ingest SRC --workspace W` first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = xr.open_zarr(found, consolidated=True, chunks=None)
    except Exception as error:
        raise TamrlError(f"This is not a Zarr archive: {error}", str(path), "Ingest the towers again") from error
    ds = ds.rename(schema.former_names(ds.data_vars))
    missing = ({"site", "time", *SITE_COORDS} - set(ds.coords)) | ({"NEE_QC", *schema.FLUXES} - set(ds.data_vars))
    if missing:
        what = f"This Zarr store is not a tower archive, it lacks {', '.join(sorted(missing))}"
        raise TamrlError(what, str(path), "Choose a folder written by `python -m tamrl ingest`")
    ds = ds[
        [name for name in schema.VARIABLES if name in ds] + [str(name) for name in ds if name not in schema.VARIABLES]
    ]
    text = {name: ("site", ds[name].values.astype(str), ds[name].attrs) for name in _TEXT if name in ds.coords}
    return ds.assign_coords(site=ds["site"].values.astype(str), **text).assign_coords(
        {name: ds[name].load() for name in ("lat", "lon")}
    )


def load_whole(path: str | Path) -> xr.Dataset:
    """Read an archive into memory, as needed to write it again with other towers.

    Raises:
        TamrlError: there is none, or a part of it is damaged.
    """
    ds = load_archive(path)
    try:
        return ds.load()
    except Exception as error:  # whatever a damaged chunk makes the codecs raise
        what = f"A part of the archive is damaged: {type(error).__name__}: {error}"
        raise TamrlError(what, str(path), "Restore it, or ingest all towers into a new workspace") from error


def record(ds: xr.Dataset, site: str) -> xr.Dataset:
    """Return one tower cut to its record, in memory.

    Returns:
        Dataset (time), with the scalar coordinates site, lat, lon, igbp, koeppen, name.

    Raises:
        TamrlError: no such tower (close names are offered), or a tower without a single value.
    """
    sites = ds["site"].values.astype(str)
    if site not in sites:
        close = difflib.get_close_matches(site, sites, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(close)}" if close else f"The archive has {len(sites)} towers"
        raise TamrlError("There is no such tower in the archive", site, hint)
    tower = _loaded(ds.isel(site=int(np.flatnonzero(sites == site)[0])), site)
    days = np.flatnonzero(record_days(tower))
    if not days.size:
        raise TamrlError("This tower has no values at all", site, "Ingest it again")
    return tower.isel(time=slice(int(days[0]), int(days[-1]) + 1))


def _loaded(ds: xr.Dataset, where: str) -> xr.Dataset:
    """Read the values of an archive into memory.

    Raises:
        TamrlError: a chunk of it cannot be decompressed, or does not fit its metadata.
    """
    try:
        return ds.load()
    except (OSError, RuntimeError, ValueError) as error:
        what = f"The archive is damaged, a part of it cannot be read: {error}"
        raise TamrlError(what, where, "Restore it from a copy, or ingest the towers into a new workspace") from error


def record_days(ds: xr.Dataset) -> np.ndarray:
    """Return on which days there is any flux or driver: bool, (S, T) for an archive and (T,) for one tower."""
    known = np.zeros(tuple(ds.sizes[dim] for dim in ("site", "time") if dim in ds.dims), bool)
    for name in (*schema.FLUXES, *schema.DRIVERS):
        if name in ds:
            known |= ~np.isnan(ds[name].values)
    return known
