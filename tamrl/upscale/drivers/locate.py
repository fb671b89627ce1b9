"""Finding drivers and fields of classes among the variables of opened files; of each field only a sample is read."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import to_grid
from tamrl.globe.grids import on_degrees
from tamrl.globe.stored import missing_of
from tamrl.maps.axes import axes, land_factor
from tamrl.maps.products.naming import steps_named
from tamrl.maps.products.sources import Source
from tamrl.maps.products.times import step_starts
from tamrl.schema import IGBP, KOEPPEN, UNKNOWN, variable
from tamrl.towers.units import conversion
from tamrl.upscale.amounts import period_of
from tamrl.upscale.drivers.align_time import Stamped
from tamrl.upscale.drivers.landcover import ClassField
from tamrl.upscale.drivers.mapping import CLASSES, ClassEntry, DriverEntry, Mapping
from tamrl.upscale.drivers.read import Piece, read_piece

_SPACE = ("lat", "lon")
#: Share of a sample that may lie outside of what is possible before the unit must be wrong.
_OUTSIDE = 0.5
#: Where along the latitudes the sample lies.
_SAMPLE = (0.15, 0.3, 0.45, 0.6, 0.7, 0.8)
_NONE = ("none", "unknown", "nodata", "ocean")


@dataclass(kw_only=True)
class OpenedFile:
    """One opened file: its data under usual names, and the position of each row, column and step of the grid in it."""

    source: Source
    ds: xr.Dataset
    lat: np.ndarray
    lon: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    _starts: tuple[np.ndarray, str] | None = field(default=None)

    @property
    def starts(self) -> tuple[np.ndarray, str]:
        """Starts of its steps (T,), NaT for a day that has no date, and their kind: day, month, year or other.

        Raises:
            TamrlError: its times cannot be understood, see ``step_starts``.
        """
        if self._starts is None:
            name, source = steps_named(self.source.name), self.source
            self._starts = step_starts(self.ds, source.name, name, source.expected, source.report)
        return self._starts


def open_file(source: Source) -> OpenedFile:
    """Open a file of drivers without reading a field.

    Raises:
        TamrlError: it has no latitudes, or its grid is not regular.
    """
    path, ds = source.path, source.ds
    ds = axes(on_degrees(ds, [str(n) for n, a in ds.data_vars.items() if n not in _bounds(ds) and a.ndim], str(path)))
    if "lat" not in ds.coords:
        raise TamrlError("The file has no latitudes", str(path), "Give drivers over time, lat and lon")
    # A field over time and latitude alone lies on every longitude.
    lon = ds["lon"] if "lon" in ds.coords else xr.DataArray([0.0], dims="lon")
    places = {"row": ("lat", np.arange(ds.sizes["lat"])), "column": ("lon", np.arange(lon.size))}
    grid = to_grid(xr.Dataset(places, coords={"lat": ds["lat"].values, "lon": lon.values}), str(path))
    return OpenedFile(
        source=source,
        ds=ds,
        lat=grid["lat"].values,
        lon=grid["lon"].values,
        rows=grid["row"].values,
        columns=grid["column"].values,
    )


def _bounds(ds: xr.Dataset) -> set[str]:
    """Return the variables that are bounds of others."""
    return {str(a.attrs.get("bounds") or a.encoding.get("bounds") or "") for a in ds.variables.values()}


def _piece(file: OpenedFile, name: str, rows: slice, columns: slice, extra: str = "", timeless: bool = False) -> Piece:
    """Return a variable as it is in its file, its values not converted; ``timeless`` takes its only step."""
    array, raw = file.ds[name], file.source.ds[name]
    dims, renamed = [], {}
    for dim, own in zip(array.dims, raw.dims, strict=True):
        kept = dim in (*_SPACE, extra) or (dim == "time" and not timeless)
        if not kept and array.sizes[dim] > 1:
            raise TamrlError(
                f"{name} has a dimension {dim} of {array.sizes[dim]}", str(file.source.path), "Choose one of them first"
            )
        if kept:
            called = "class" if dim == extra else str(dim)
            dims.append(called)
            renamed[str(own)] = called
    chunks, empty = raw.encoding.get("preferred_chunks") or {}, np.empty(0, int)
    blocks = {new: int(chunks[old]) for old, new in renamed.items() if old in chunks}
    return Piece(
        path=str(file.source.path.resolve()),
        name=name,
        dims=tuple(dims),
        renamed=renamed,
        positions=empty,
        steps=empty,
        rows=file.rows[rows] if "lat" in dims else empty,
        columns=file.columns[columns] if "lon" in dims else empty,
        factor=np.ones(1, np.float32),
        offset=0.0,
        blocks=blocks,
    )


def find_driver(
    name: str, mapping: Mapping, opened: list[OpenedFile], rows: slice, columns: slice
) -> list[list[Stamped]]:
    """Return the pieces of a driver, of a derived one those of each of its parts; empty where the files lack it.

    Raises:
        TamrlError: a unit or the period of an amount is missing or not known, the variable is not a field over lat and
            lon, its times cannot be understood, or most of its values are impossible.
    """
    entry = mapping.drivers[name]
    if entry.dew_point is None:
        found = _pieces(name, entry, opened, rows, columns)
        return [found] if found else []
    dew = _pieces("TA", entry.dew_point, opened, rows, columns)
    for group in (("TA_MIN", "TA_MAX"), ("TA",)):
        warm = [_pieces(n, mapping.drivers[n], opened, rows, columns) for n in group if n in mapping.drivers]
        if dew and len(warm) == len(group) and all(warm):
            return [dew, *warm]
    return []


def _pieces(name: str, entry: DriverEntry, opened: list[OpenedFile], rows: slice, columns: slice) -> list[Stamped]:
    static, found = variable(name).resolution == "static", []
    for file in opened:
        called = next((n for n in entry.names if n in file.ds.data_vars), None)
        if called is None:
            continue
        where = f"{file.source.path}: {called}"
        array = file.ds[called]
        units = entry.units if entry.units is not None else array.attrs.get("units")
        change = conversion(name, None if units is None else str(units), where)
        piece = _piece(file, called, rows, columns, timeless=static)
        if not set(piece.dims) & set(_SPACE):
            raise TamrlError("The driver is not a field over lat and lon", where, "Give it on the grid of the others")
        timed = "time" in piece.dims
        if change.per_step and not timed:
            raise TamrlError(f"{name} is a sum over a step, but has no time axis", where, "Give it with its time axis")
        starts, kind = file.starts if timed else (np.empty(0, "datetime64[ns]"), "static")
        said = ""
        if change.per_step:
            period, said = period_of(name, array, kind, entry.per, where)
            if period != "step":
                change = dataclasses.replace(change, per_step=False, month=period == "month")
            if isinstance(period, float):
                change = dataclasses.replace(change, factor=change.factor * period)
        missing = missing_of(array, change.factor, change.offset, variable(name).bounds)
        piece = dataclasses.replace(piece, subject=name, missing=missing)
        found.append(
            Stamped(
                piece=piece,
                starts=starts,
                kind=kind,
                average=entry.average,
                change=change,
                where=where,
                unit=str(units),
                assumed=said,
            )
        )
    if found and found[0].kind != "static":
        _plausible(name, found[len(found) // 2])
    return found


def _plausible(name: str, stamped: Stamped) -> None:
    """Raise where most of a sample of a driver is impossible: then its unit is not what is said."""
    piece, middle = stamped.dated(), len(stamped.starts) // 2
    counts = [1 if d not in piece.dims else n for d, n in (("lat", piece.rows.size), ("lon", piece.columns.size))]
    at = sorted({int(counts[0] * share) for share in _SAMPLE})
    sample = [read_piece(piece, slice(r, r + 1), slice(0, counts[1]), slice(middle, middle + 1)) for r in at]
    values = np.concatenate([s[np.isfinite(s)] for s in sample])
    low, high = variable(name).bounds
    outside = ((values < low) | (values > high)).mean() if values.size else 0.0
    if outside > _OUTSIDE:
        raise TamrlError(
            f"{100 * outside:.0f} % of a sample of {name} lie outside {low:g} to {high:g} {variable(name).unit} "
            f"(median {np.median(values):.4g})",
            stamped.where,
            "Declare the right unit of the values in a mapping",
        )


def find_classes(mapping: Mapping, opened: list[OpenedFile], rows: slice, columns: slice) -> dict[str, ClassField]:
    """Return the fields of classes and of land that the files have.

    Raises:
        TamrlError: a field has neither flags nor codes, or a class that is not known.
    """
    found: dict[str, ClassField] = {}
    for name, entry in mapping.classes.items():
        for file in opened:
            called = next((n for n in entry.names if n in file.ds.data_vars), None)
            if called is None or name in found:
                continue
            extra = [
                str(d) for d in file.ds[called].dims if d not in (*_SPACE, "time") and file.ds[called].sizes[d] > 1
            ]
            axis = extra[0] if name == "igbp_fraction" and extra else ""
            piece = _piece(file, called, rows, columns, axis, timeless=True)
            if name == "land_fraction":
                share = land_factor(file.ds[called], f"{file.source.path}: {called}")
                missing = missing_of(file.ds[called], share, 0.0, (0.0, 1.0))
                piece = dataclasses.replace(piece, factor=np.full(1, share, np.float32), subject=name, missing=missing)
            table = _table(name, entry, file.ds, called, axis) if CLASSES[name] else {}
            found[name] = ClassField(piece, table)
    return found


def _table(name: str, entry: ClassEntry, ds: xr.Dataset, called: str, axis: str) -> dict[int, str]:
    """Return code -> class of a field, of fractions position -> class."""
    array, where = ds[called], called
    known = KOEPPEN if name == "koeppen" else IGBP
    if name == "igbp_fraction":
        if not axis:
            raise TamrlError("The fractions have no dimension of classes", where, "Give (igbp, lat, lon)")
        labels = ds[axis].values.tolist() if axis in ds.coords else list(range(array.sizes[axis]))
        table = {i: entry.codes.get(v, str(v)) if isinstance(v, int) else str(v) for i, v in enumerate(labels)}
    elif entry.codes:
        return entry.codes
    elif "flag_values" in array.attrs and "flag_meanings" in array.attrs:
        values = np.atleast_1d(array.attrs["flag_values"]).astype(int).tolist()
        words = str(array.attrs["flag_meanings"]).split()
        table = {v: UNKNOWN if w.lower() in _NONE else w for v, w in zip(values, words, strict=True)}
    else:
        raise TamrlError(
            f"Nothing says which class each code of {called} is", where, "Add flag_values and flag_meanings, or codes"
        )
    bad = sorted({w for w in table.values() if w != UNKNOWN and (w[:1] if known is KOEPPEN else w) not in known})
    if bad:
        raise TamrlError(
            f"Unknown class {', '.join(bad)} in {called}",
            where,
            f"Give codes in a mapping; classes: {', '.join(known)}",
        )
    return table
