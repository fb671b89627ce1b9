"""The maps on disk: a Zarr that is written region by region, and the record of the regions that are done.

During a run everything is in ``<out>.partial``: the maps, the plan, a completion marker for each finished region and
the rechunked drivers. When all regions are done the maps are moved to ``<out>``, which is therefore always complete.
"""

import json
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD, add_bounds, flux_attributes
from tamrl.model.training_towers import Reference
from tamrl.schema import FLUXES
from tamrl.upscale.regions import LAND, MEMBERS, Region, RegionJob

FORMAT = 1
#: Values of one block of a flux: small enough to look at one map, large enough for a series.
_BLOCK_VALUES = 1 << 16
_LATITUDE = {"units": "degrees_north", "standard_name": "latitude", "long_name": "Latitude", "axis": "Y"}
_LONGITUDE = {"units": "degrees_east", "standard_name": "longitude", "long_name": "Longitude", "axis": "X"}


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run.

    Attributes:
        out: the maps, once they are complete.
    """

    out: Path

    @property
    def work(self) -> Path:
        """Folder of a run that is not finished."""
        return self.out.with_name(self.out.name + ".partial")

    @property
    def store(self) -> Path:
        """The maps during the run."""
        return self.work / "maps.zarr"

    @property
    def staged(self) -> Path:
        """Rechunked drivers, during the run."""
        return self.work / "staged.zarr"

    @property
    def plan(self) -> Path:
        """The settings that the run was started with."""
        return self.work / "plan.json"

    def mark(self, name: str) -> Path:
        """Return the completion marker of a piece of work."""
        return self.work / "done" / name


def prepare(place: RunFolder, plan: dict[str, Any], layout: dict[str, Any], resume: bool) -> dict[str, Any]:
    """Make the folder of a run, or check that the one to resume is this one.

    Args:
        place: where.
        plan: settings and drivers, which must be the same to resume.
        layout: sizes of regions, which are kept from the first run.
        resume: continue a run that was stopped.

    Returns:
        The layout to use.

    Raises:
        TamrlError: the output exists, a stopped run exists but ``resume`` is not given, there is no run to resume, it
            was started with other settings, or the folder cannot be written.
    """
    plan = json.loads(json.dumps(plan | {"format": FORMAT}))
    if place.out.exists():
        if not place.store.exists():  # a run was killed after it had moved the maps
            shutil.rmtree(place.work, ignore_errors=True)
        todo = (
            "It is complete: leave --resume out and give another --out"
            if resume
            else "Give another --out, or remove it"
        )
        raise TamrlError("The output exists already", str(place.out), todo)
    if not place.plan.exists():
        if resume:
            raise TamrlError("There is no run to resume", str(place.out), "Run without --resume")
        shutil.rmtree(place.work, ignore_errors=True)
        try:
            (place.work / "done").mkdir(parents=True)
        except OSError as error:
            raise TamrlError(f"Cannot write here: {error.strerror}", str(place.work), "Choose another --out") from error
        return layout
    if not resume:
        raise TamrlError(
            f"A run into this place was stopped; what it finished is in {place.work.name}",
            str(place.out),
            "Go on with --resume, or remove that folder to start again",
        )
    before = json.loads(place.plan.read_text(encoding="utf-8"))
    differs = sorted(k for k in plan.keys() | before["plan"].keys() if plan.get(k) != before["plan"].get(k))
    if differs:
        raise TamrlError(
            f"The run to resume was started with other {', '.join(differs)}",
            str(place.out),
            "Give the same settings and drivers, or run into another --out",
        )
    return before["layout"]


def save_plan(place: RunFolder, plan: dict[str, Any], layout: dict[str, Any]) -> None:
    """Write the plan, from which the run can be resumed."""
    partial = place.plan.with_suffix(".new")
    partial.write_text(json.dumps({"plan": plan | {"format": FORMAT}, "layout": layout}, indent=1), encoding="utf-8")
    partial.replace(place.plan)


def regions(rows: int, columns: int, tile: int) -> Iterator[Region]:
    """Yield the regions of a grid, row by row; those at the end may be smaller."""
    for top in range(0, rows, tile):
        for left in range(0, columns, tile):
            yield Region(top, min(top + tile, rows), left, min(left + tile, columns))


def create(
    place: RunFolder, job: RegionJob, tile: int, reference: Reference | None, members: int, attrs: dict[str, Any]
) -> None:
    """Write the Zarr with its axes and attributes, every value missing.

    Args:
        place: where.
        job: grid, steps and settings.
        tile: rows and columns of a region, which is one file of each flux.
        reference: training towers of the model.
        members: K.
        attrs: of the maps.
    """
    import zarr

    drivers = job.drivers
    axes = {"lat": ("lat", drivers.lat, _LATITUDE), "lon": ("lon", drivers.lon, _LONGITUDE)}
    axes |= {"time": ("time", drivers.time, {"standard_name": "time", "axis": "T"})}
    if job.members:
        axes["member"] = ("member", np.arange(members), {"long_name": "Member of the ensemble"})
    ds = add_bounds(xr.Dataset(coords=axes, attrs=attrs))
    days = {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int32"}
    encoding = {"time": days, "time_bnds": days} | {n: {"dtype": "float64"} for n in ("lat_bnds", "lon_bnds")}
    ds.to_zarr(place.store, mode="w", consolidated=False, zarr_format=3, encoding=encoding)
    group = zarr.open_group(place.store, mode="r+", use_consolidated=False)
    sizes = {"lat": drivers.lat.size, "lon": drivers.lon.size, "time": len(drivers.time), "member": members}
    if reference is not None:
        sizes["component"] = reference.components.shape[1]
    for name, (dims, about) in _described(job, reference).items():
        shape = tuple(sizes[d] for d in dims)
        block, shard = _layout(dims, shape, tile)
        group.create_array(
            name,
            shape=shape,
            chunks=block,
            shards=shard,
            dtype="float32",
            attributes=about,
            dimension_names=dims,
            fill_value=0.0 if name == LAND else np.float32(np.nan),
        )


def _described(job: RegionJob, reference: Reference | None) -> dict[str, tuple[tuple[str, ...], dict[str, Any]]]:
    """Return field -> dimensions and attributes of all that a run writes."""
    fluxes = [name for flux in FLUXES for name in (flux, flux + SD)]
    fields: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
        name: (("time", "lat", "lon"), flux_attributes(name)) for name in fluxes
    }
    if job.members:
        fields |= {f + MEMBERS: (("member", "time", "lat", "lon"), flux_attributes(f, "each member")) for f in FLUXES}
    if LAND in job.drivers.classes:
        about: dict[str, Any] = {"units": "1", "standard_name": "land_area_fraction", "long_name": "Land fraction"}
        fields[LAND] = (("lat", "lon"), about)
    if reference is not None:
        about = {"long_name": "Principal component of the task embeddings", "units": "1"}
        fields["code"] = (("component", "lat", "lon"), about)
        about = {
            "long_name": "Dissimilarity to the training towers, in drivers and task embedding",
            "units": "1",
            "threshold": reference.threshold,
            "comment": "Above the threshold: outside the area of applicability",
            "references": "Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650",
        }
        fields["extrapolation"] = (("lat", "lon"), about)
    return fields


def _layout(dims: tuple[str, ...], shape: tuple[int, ...], tile: int) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return the blocks of a field and the shard that one region is: one file of all steps, read by few maps."""
    if "time" not in dims:
        return (*shape[:-2], tile, tile), None
    steps = shape[-3]
    few = min(steps, max(1, _BLOCK_VALUES // tile**2))
    whole = -(-steps // few) * few
    lead = (1,) * (len(shape) - 3)
    return (*lead, few, tile, tile), None if whole == few else (*lead, whole, tile, tile)


def write_region(store: Path | str, region: Region, values: dict[str, np.ndarray]) -> None:
    """Write what was computed of one region, the arrays that ``regions.compute`` returns.

    Raises:
        TamrlError: the disk is full, or cannot be written.
    """
    import zarr

    for name, array in values.items():
        target = zarr.open_array(Path(store) / name, mode="r+")
        try:
            target[(..., region.rows, region.columns)] = array
        except OSError as error:
            raise TamrlError(
                f"The maps cannot be written: {error.strerror or error}",
                str(store),
                "Free space; every finished region is kept: go on with --resume",
            ) from error


def set_mark(mark: Path, account: str = "") -> None:
    """Write the completion marker of a piece of work, with the account of its reading, after its data are written.

    Raises:
        TamrlError: the marker cannot be written.
    """
    try:
        if account:
            partial = mark.with_name(mark.name + ".new")
            partial.write_text(account, encoding="utf-8")
            partial.replace(mark)
        else:
            mark.touch()
    except OSError as error:
        raise TamrlError(
            f"The completion marker of a region cannot be written: {error.strerror}",
            str(mark.parent),
            "Free space, then go on with --resume",
        ) from error


def finish(place: RunFolder, attrs: dict[str, Any]) -> None:
    """Move the maps to their final name and remove all temporary files."""
    import zarr

    # What a killed process was writing.
    for torn in place.store.rglob("*.partial"):
        torn.unlink()
    zarr.open_group(place.store, mode="r+", use_consolidated=False).attrs.update(attrs)
    with warnings.catch_warnings():
        # Zarr 3 warns that its consolidated metadata are not yet in the specification; without them xarray warns.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(place.store)
    place.store.rename(place.out)
    shutil.rmtree(place.work, ignore_errors=True)
