"""From the files of a product to maps that meet the contract of ``tamrl.globe.contract``; no flux is read here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import ATTRIBUTE, MAP_STEPS, NBE, SD, check_maps, flux_attributes, to_grid
from tamrl.globe.grids import on_degrees, oriented
from tamrl.globe.stored import Missing, Tally, missing_of
from tamrl.maps.axes import axes, land_factor
from tamrl.maps.products.accounting import lacking, with_report
from tamrl.maps.products.checks import check_fluxes, counted
from tamrl.maps.products.join import derive, join
from tamrl.maps.products.sign import check_sign, take_samples
from tamrl.maps.products.sources import Source
from tamrl.maps.products.times import calendar_of, climatology_years, kept_steps, step_starts
from tamrl.maps.products.units import parse_unit
from tamrl.schema import FLUX_UNIT, FLUXES, variable
from tamrl.system.account import IngestReport

_FIELD = {"time", "lat", "lon"}
_PER_YEAR = re.compile(r"(?<![a-z])(yr|year|y|a|annum)s?[\^*{ ]*-1|(/ *|per +)(yr|year|y|a)\b", re.IGNORECASE)
#: Licence of a product whose files do not state theirs.
UNSTATED = "not stated in the files: see the data record"


@dataclass(kw_only=True)
class Field:
    """Which variable of a file a flux is.

    Attributes:
        variable: name in the file.
        unit: as written in the file where empty.
        default: unit of a variable without one.
        sign: -1 where the sign in the file is the opposite.
        stated: the user gave the sign.
        scale, fill: multiplier and missing value that the file states outside CF.
    """

    variable: str
    unit: str = ""
    default: str = ""
    sign: int = 1
    stated: bool = False
    scale: float = 1.0
    fill: float | None = None


@dataclass(kw_only=True)
class ProductReading:
    """The files of a product as a reader returns them.

    Attributes:
        pieces: one Dataset a file, fluxes converted, time as the start of each step.
        attrs: title, source, citation, ... of the maps.
        report: what was done to the data.
        signed: whether the sign of NEE was given by the user: then it is checked, but never reversed.
        stated: the other fluxes whose sign the user gave.
        then: what remains to be done with the joined files, such as adding up respirations.
    """

    pieces: list[xr.Dataset]
    attrs: dict[str, Any]
    report: IngestReport = field(default_factory=IngestReport)
    signed: bool = False
    stated: frozenset[str] = frozenset()
    then: Callable[[xr.Dataset], xr.Dataset] = lambda ds: ds


def read_fields(
    source: Source, fields: Mapping[str, Field], from_name: pd.DatetimeIndex | None = None, land: str = "land_fraction"
) -> xr.Dataset:
    """Return fluxes of one file in gC m-2 d-1 over (time, lat, lon), and its land fraction where it has one.

    Args:
        source: opened file.
        fields: flux (or ``<flux>_sd``, or an intermediate name) -> which variable it is.
        from_name: steps that the file's name says.
        land: variable of the land fraction.

    Raises:
        TamrlError: a variable, an axis or a unit is missing or not understood.
    """
    ds = axes(on_degrees(source.ds, [one.variable for one in fields.values()], source.name))
    for flux, one in fields.items():
        if one.variable not in ds.data_vars:
            raise TamrlError(
                f"There is no variable {one.variable!r} for {flux}",
                source.name,
                f"The file has {', '.join(map(str, ds.data_vars)) or 'none'}",
            )
    yearly = any(_PER_YEAR.search(_unit(ds[one.variable], one)) for one in fields.values())
    expected = source.expected or ("year" if yearly else None)
    starts, step = step_starts(ds, source.name, from_name, expected, source.report)
    if (kept := kept_steps(starts)) is not None:
        ds, starts = ds.isel(time=kept), starts[kept]
    if "time" not in ds.dims:
        ds = ds.expand_dims(time=1)
    out, tally = {}, Tally()
    for name, one in fields.items():
        array = ds[one.variable]
        array = array.isel({dim: 0 for dim in array.dims if dim not in _FIELD and array.sizes[dim] == 1}, drop=True)
        if array.ndim != 3 or set(array.dims) != _FIELD:
            extra = ", ".join(str(dim) for dim in array.dims if dim not in _FIELD) or "one dimension too few"
            raise TamrlError(
                f"{one.variable} is not a field over time, lat and lon ({extra})",
                source.name,
                "Choose one level or type of vegetation first",
            )
        out[name] = _converted(name, array.transpose("time", "lat", "lon"), one, starts, source.name, tally)
        if (written := _unit(array, one)) != FLUX_UNIT:
            source.report.converted(source.name, f"{one.variable} was converted from {written} to {FLUX_UNIT}.")
    piece = xr.Dataset(out).drop_vars([c for c in ds.coords if c not in _FIELD], errors="ignore")
    piece = piece.assign_coords(time=("time", starts))
    if land in ds and set(ds[land].dims) >= {"lat", "lon"}:
        piece["land_fraction"] = read_land(ds, land, source.name)
    more = {"calendar": calendar_of(ds), "climatology": climatology_years(ds), "tally": tally}
    return piece.assign_attrs(file=source.name, step=step, **{key: said for key, said in more.items() if said})


def _unit(array: xr.DataArray, one: Field) -> str:
    return one.unit or str(array.attrs.get("units", "")).strip() or one.default


def _converted(
    name: str, array: xr.DataArray, one: Field, starts: np.ndarray, where: str, tally: Tally
) -> xr.DataArray:
    written = _unit(array, one)
    if not written:
        what = f"{one.variable} has no unit"
        raise TamrlError(what, where, "Give it with a mapping, such as {variable: ..., unit: 'gC m-2 d-1'}")
    unit = parse_unit(written, f"{where}, {one.variable}")
    factor = np.float32(unit.factor * one.scale * one.sign)
    bounds = variable("NEE" if name not in FLUXES else name).bounds
    missing = missing_of(array, float(factor) / (31 if unit.period == "month" else 1), 0.0, bounds)
    # One step of work a block: forty files of two hundred maps make a graph that must stay small.
    blocks = (array if array.chunks else array.chunk()).data.map_blocks(
        _in_unit,
        factor,
        np.nan if one.fill is None else one.fill,
        missing,
        tally,
        name,
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    values = array.copy(data=blocks)
    if unit.period == "month":
        days = pd.DatetimeIndex(starts).days_in_month.to_numpy(np.float32)
        values = values / xr.DataArray(days, dims="time")
    return values


def _in_unit(
    block: np.ndarray, factor: np.float32, fill: float, missing: Missing, tally: Tally, name: str
) -> np.ndarray:
    """Return a block times a factor, NaN where it holds a fill value, declared or not, or one that is not valid."""
    out = block.astype(np.float32) * factor
    masks = missing.masks(np.where(block == fill, np.nan, block) if np.isfinite(fill) else block)
    tally.add(name, "seen", block.size)
    for what, mask in masks.items():
        tally.add(name, what, mask.sum())
        out[mask] = np.nan
    out[(block == fill) | ~np.isfinite(block)] = np.nan
    return out


def attach_land(piece: xr.Dataset, source: Source, name: str, unit: str = "") -> None:
    """Attach the land fraction of another file to a piece.

    Raises:
        TamrlError: it is on another grid, or see ``read_land``.
    """
    ds = axes(on_degrees(source.ds, [name], source.name))
    if unit:
        ds = ds.assign({name: ds[name].assign_attrs(units=unit)})
    land = oriented(ds[[name]], piece["lat"].values, piece["lon"].values)
    if land is None:
        raise TamrlError("The land fraction is on another grid than the fluxes", source.name, "Give that of their grid")
    piece["land_fraction"] = read_land(land, name, source.name)


def read_land(ds: xr.Dataset, name: str, where: str) -> xr.DataArray:
    """Return the land fraction of each cell (lat, lon), 0 to 1, from a fraction or a percentage.

    Raises:
        TamrlError: it is in another unit, or not a field over lat and lon.
    """
    land = ds[name]
    first = {dim: 0 for dim in land.dims if dim == "time" or (dim not in _FIELD and land.sizes[dim] == 1)}
    land = land.isel(first, drop=True)
    if set(land.dims) != {"lat", "lon"}:
        over = ", ".join(map(str, land.dims))
        raise TamrlError(
            f"{name} is not a field over lat and lon, it lies over {over}", where, "Choose one of them first"
        )
    share = (land * land_factor(land, f"{where}, {name}")).transpose("lat", "lon")
    share = share.clip(0, 1).fillna(0).astype(np.float32)
    extra = [c for c in share.coords if c not in ("lat", "lon")]
    return share.drop_vars(extra).assign_attrs(units="1", long_name="Fraction of the cell that is land")


def finish(reading: ProductReading, where: str) -> xr.Dataset:
    """Return the files that a reader found as maps that meet the contract, with provenance.

    Raises:
        TamrlError: the files do not fit together, hold none of the fluxes, or hold impossible values.
    """
    ds = reading.then(join(reading.pieces))
    if ds.sizes["lat"] > 1 and ds["lat"].values[0] > ds["lat"].values[-1]:
        ds = ds.isel(lat=slice(None, None, -1))
    ds = to_grid(ds, where)
    report = reading.report
    ds, samples, said, failed = check_fluxes(ds, take_samples(ds), reading.stated, where)
    if "NEE" in ds:
        ds, of_nee = check_sign(ds, turn=not reading.signed, samples=samples)
        said = [*said, *of_nee]
    for words in said:
        (report.converted if " reversed " in words else report.assumed)(where, words)
    for words in counted([piece.attrs["tally"] for piece in reading.pieces if "tally" in piece.attrs]):
        report.rejected(where, words)
    whole = set(FLUXES) - set(ds.data_vars)
    ds, derived = derive(ds, failed)
    if failed and len(whole) == 1 and not derived:
        report.missing(where, f"{whole.pop()} was not derived from {' and '.join(sorted(failed))}.")
    for name in ds.data_vars:
        if str(name).removesuffix(SD) in FLUXES:
            ds[name].attrs = flux_attributes(str(name), "from NEE = RECO - GPP" if name in derived else "")
        elif str(name).removesuffix(SD) == NBE:
            ds[name].attrs = flux_attributes(str(name))
    ds["time"].attrs = {"standard_name": "time", "long_name": "First instant of the step", "axis": "T"}
    attrs = {"Conventions": "CF-1.11", **reading.attrs, "kind": "product", "derived": ", ".join(derived)}
    attrs |= {key: p.attrs[key] for p in reading.pieces for key in ("calendar", "climatology") if key in p.attrs}
    longest = max(reading.pieces, key=lambda p: p.sizes["time"])
    if longest.attrs["step"] in MAP_STEPS:
        attrs[ATTRIBUTE] = MAP_STEPS[longest.attrs["step"]]
    ds = ds.assign_attrs(attrs)
    if gaps := lacking(ds):
        report.missing(attrs["title"], gaps)
    return check_maps(with_report(ds, report), where)
