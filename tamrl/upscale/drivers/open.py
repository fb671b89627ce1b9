"""Opening drivers: which variable of which file is which driver, on which grid and which steps. Reads no field.

All files lie on one regular grid, in any orientation; a driver may be in several files that follow each other in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.globe.earth import earth_path
from tamrl.maps.products.sources import find, open_sources, same_axis
from tamrl.maps.products.times import climatology_years
from tamrl.model.drivers import DERIVED
from tamrl.schema import variable
from tamrl.system.account import IngestReport
from tamrl.timestep import TimeStep
from tamrl.towers.units import Conversion
from tamrl.upscale.drivers.align_time import Stamped, join, shared_axis
from tamrl.upscale.drivers.landcover import ClassField
from tamrl.upscale.drivers.locate import OpenedFile, find_classes, find_driver, open_file
from tamrl.upscale.drivers.mapping import DriverEntry, Mapping
from tamrl.upscale.drivers.read import Driver

#: Name by which the bundled global drivers are given instead of a file.
EARTH = "earth"


@dataclass(frozen=True, eq=False, kw_only=True)
class Drivers:
    """Drivers on a grid, ready to be read by parts.

    Attributes:
        lat, lon: cell centres, ascending, degrees.
        time: starts of the T steps.
        step: of the model.
        drivers: those of the model that the files have, by name.
        classes: fields of classes.
        files: path, size and time of change of the opened files.
        climatology: years that the twelve months are means of, as the files say; empty for a time series.
        simulated: whether some file says that it is simulated.
        sources: the origin of the files, in their own words.
        report: conversions, assumptions and missing values.
    """

    lat: np.ndarray
    lon: np.ndarray
    time: pd.DatetimeIndex
    step: TimeStep
    drivers: dict[str, Driver]
    classes: dict[str, ClassField]
    files: list[tuple[str, int, float]]
    climatology: str = ""
    simulated: bool = False
    sources: tuple[str, ...] = ()
    report: IngestReport = field(default_factory=IngestReport)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, in words."""
        return tuple(entry.words for entry in self.report if entry.kind != "converted")


def open_drivers(
    files: Iterable[str | Path],
    mapping: Mapping,
    names: tuple[str, ...],
    step: TimeStep,
    bbox: tuple[float, float, float, float] | None = None,
    period: tuple[pd.Timestamp, pd.Timestamp] | None = None,
) -> Drivers:
    """Find the drivers of a model in files.

    Args:
        files: NetCDF files, Zarr stores, folders, patterns, or ``earth``.
        mapping: names and units of the variables.
        names: D drivers of the model; derived ones are never read.
        step: of the model.
        bbox: west, south, east, north; cells with their centre inside are kept.
        period: first and last day.

    Raises:
        TamrlError: a file is missing or damaged, grids differ, the files have none of the drivers, a unit is missing
            or not known, the steps are not those of the model, or nothing lies in the box or the period.
    """
    paths = find([earth_path() if str(f) == EARTH else f for f in files])
    opened = [open_file(source) for source in open_sources(paths)]
    lat, lon = _one_grid(opened)
    rows, columns = _inside(lat, lon, bbox)
    wanted = {n: mapping.drivers[n] for n in names if n not in DERIVED and n in mapping.drivers}
    stamped = {n: parts for n in wanted if (parts := find_driver(n, mapping, opened, rows, columns))}
    if not stamped:
        raise _nothing_found(opened, wanted, paths)
    time = shared_axis(stamped, step, period)
    report = _report(stamped, [n for n in names if n not in DERIVED and n not in stamped], opened)
    _check_period(period, (time[0], _last(time, step)), report)
    attrs = [f.source.ds.attrs for f in opened]
    climatology = _climatology(opened)
    classes = find_classes(mapping, opened, rows, columns)
    _close(opened)
    return Drivers(
        lat=lat[rows],
        lon=lon[columns],
        time=time,
        step=step,
        drivers={n: join(n, parts, time, step) for n, parts in stamped.items()},
        classes=classes,
        files=[_version(p) for p in paths],
        climatology=climatology if len(time) == 12 and step == TimeStep.MONTHLY else "",
        simulated=any(map(_simulated, attrs)),
        sources=tuple(dict.fromkeys(_origin(a, p) for a, p in zip(attrs, paths, strict=True))),
        report=report,
    )


def _check_period(
    period: tuple[pd.Timestamp, pd.Timestamp] | None, shared: tuple[pd.Timestamp, pd.Timestamp], report: IngestReport
) -> None:
    """Report where the drivers do not cover the period that was asked for."""
    if period is not None and (shared[0] > period[0] or shared[1] < period[1]):
        asked, there = (f"{a:%Y-%m-%d} to {b:%Y-%m-%d}" for a, b in (period, shared))
        report.missing("time", f"Asked for {asked}; the drivers that change with time share {there}.")


def _simulated(attrs: dict[str, Any]) -> bool:
    """Return whether a file says that its values are made by a model of ours."""
    return str(attrs.get("simulated", 0)).lower() in ("1", "true")


def _close(opened: list[OpenedFile]) -> None:
    """Close what workers open again; what is merely forgotten is closed while others read."""
    for file in opened:
        file.source.ds.close()


def _climatology(opened: list[OpenedFile]) -> str:
    """Return the years of which files hold the mean, in words; empty where none says so."""
    said = [str(f.source.ds.attrs.get("climatology") or climatology_years(f.ds)) for f in opened]
    return next(filter(None, said), "")


def _nothing_found(opened: list[OpenedFile], wanted: dict[str, DriverEntry], paths: list[Path]) -> TamrlError:
    """Return the error of files without any of the drivers."""
    needed = ", ".join("/".join(e.names or (n,)) for n, e in wanted.items()) or "none of the mapping's drivers"
    present = sorted({str(v) for f in opened for v in f.ds.data_vars})
    return TamrlError(
        f"The files have none of the drivers that the model reads: {needed}",
        ", ".join(map(str, paths[:3])),
        f"Give other files or a mapping of their variables; they hold {', '.join(present[:20])}",
    )


def _report(stamped: dict[str, list[list[Stamped]]], missing: list[str], opened: list[OpenedFile]) -> IngestReport:
    """Return what was done to the drivers as far as it is known before they are read."""
    report = IngestReport()
    for name in missing:
        report.missing(name, f"Without {name}: no file has it; masked, as in training.")
    for name, parts in stamped.items():
        for piece in (piece for part in parts for piece in part):
            if piece.change != Conversion() and len(parts) == 1:
                report.converted(name, f"Converted from {piece.unit!r} to {variable(name).unit!r}.")
            if piece.assumed:
                report.assumed(name, piece.assumed)
        if len(parts) > 1:
            report.converted(name, "Derived from the dew point and the temperatures.")
    for file in opened:
        report.extend(file.source.report)
    return report


def _last(time: pd.DatetimeIndex, step: TimeStep) -> pd.Timestamp:
    """Return the last day of the last step."""
    return time[-1] + (pd.offsets.MonthEnd(1) if step == TimeStep.MONTHLY else pd.Timedelta(0))


def _origin(attrs: dict[str, Any], path: Path) -> str:
    return str(attrs.get("source") or attrs.get("title") or path.name)


def _version(path: Path) -> tuple[str, int, float]:
    """Return path, size and time of change; of a store those of its metadata."""
    inside = next((path / n for n in ("zarr.json", ".zmetadata", ".zgroup") if (path / n).is_file()), path)
    about = inside.stat()
    return str(path.resolve()), about.st_size, about.st_mtime


def _one_grid(opened: list[OpenedFile]) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid that all files lie on."""
    whole = [f for f in opened if "lon" in f.ds.coords]
    if not whole:
        raise TamrlError(
            "No file has longitudes", str(opened[0].source.path), "Give at least one field over lat and lon"
        )
    lat, lon = whole[0].lat, whole[0].lon
    for file in opened:
        if not same_axis(file.lat, lat) or ("lon" in file.ds.coords and not same_axis(file.lon, lon)):
            raise TamrlError(
                f"Its grid ({file.lat.size} x {file.lon.size}) is not that of {whole[0].source.name} "
                f"({lat.size} x {lon.size})",
                str(file.source.path),
                "Regrid the drivers onto one grid first",
            )
    return lat, lon


def _inside(lat: np.ndarray, lon: np.ndarray, bbox: tuple[float, float, float, float] | None) -> tuple[slice, slice]:
    if bbox is None:
        return slice(0, lat.size), slice(0, lon.size)
    west, south, east, north = bbox
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise TamrlError(
            f"Not a box: {bbox}", "--bbox", "Write W,S,E,N in degrees, W < E from -180 to 180; across 180 run two boxes"
        )
    at = [np.flatnonzero((x >= low) & (x <= high)) for x, low, high in ((lat, south, north), (lon, west, east))]
    if not at[0].size or not at[1].size:
        raise TamrlError(
            "The box holds no cell of the drivers",
            "--bbox",
            f"They lie in {lat[0]:g} to {lat[-1]:g} degrees north, {lon[0]:g} to {lon[-1]:g} degrees east",
        )
    return slice(int(at[0][0]), int(at[0][-1]) + 1), slice(int(at[1][0]), int(at[1][-1]) + 1)
