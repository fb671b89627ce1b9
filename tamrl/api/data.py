"""Workspaces, towers, gridded products and maps: the public functions that need no model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from tamrl.bundled import find_workspace
from tamrl.errors import TamrlError
from tamrl.maps import catalog
from tamrl.maps.products import registry
from tamrl.protocol.support_days import support_days
from tamrl.towers import read
from tamrl.towers.workspace import Workspace


def open_workspace(path: str | Path | None = None) -> Workspace:
    """Open a workspace: a folder with an archive of towers, models and maps.

    Args:
        path: the folder; or a bundled workspace, ``fluxnet2015`` (also where None), or ``demo`` of SIMULATED towers.
            ``workspace.archive()`` is its archive, Dataset(site, time).

    Raises:
        TamrlError: the folder is not a workspace, or is damaged.
    """
    return Workspace.open(find_workspace(Path("fluxnet2015" if path is None else path)))


def read_tower(source: Workspace | str | Path | Sequence[str | Path], site: str | None = None) -> xr.Dataset:
    """Return the record of one tower: Dataset(time) of fluxes, quality and drivers in the units of the schema.

    Args:
        source: a workspace, or tower files as ``tamrl ingest`` reads them; files are checked and processed in the same
            way, and nothing is kept on disk. What was rejected, converted, assumed and missing is the attribute
            ``ingest_report``.
        site: id of the tower; may be left out where there is only one.

    Raises:
        TamrlError: a file cannot be read, no tower could be taken from the files, or there is no such tower.
    """
    return read.read_tower(source, site)


def labelled_days(tower: xr.Dataset, count: int, start: str | pd.Timestamp | None = None) -> pd.DatetimeIndex:
    """Return days whose fluxes the model may use: the first ``count`` valid ones (NEE_QC >= 0.7) from a date on.

    Args:
        tower: Dataset(time), one tower's record; of a monthly one these are months.
        count: how many are wanted; fewer where the record ends before.
        start: first day; None skips the first 180 days of the record, which the model needs as spin-up.
    """
    skip = None if start is None else int(pd.DatetimeIndex(tower.time.values).searchsorted(pd.Timestamp(start)))
    return support_days(tower, count, skip)


def open_product(
    files: str | Path | Sequence[str | Path], kind: str = "auto", mapping: Mapping[str, Any] | str | Path | None = None
) -> xr.Dataset:
    """Open a gridded flux product: Dataset(time, lat, lon) in gC m-2 d-1, lazy, with its provenance as attributes.

    Args:
        files: files, Zarr stores, folders or patterns with ``*``.
        kind: ``auto``, or a key of ``tamrl.maps.products.registry.PRODUCTS``, such as ``metaflux``.
        mapping: flux -> variable, unit and sign, for any other CF product.

    Raises:
        TamrlError: a file cannot be read, is not recognised, or does not fit the others.
    """
    return registry.open_product(files, kind, mapping)


def open_maps(name: str | Path, workspace: Workspace | None = None) -> xr.Dataset:
    """Open existing maps: bundled ones, those of a workspace, or a file.

    Args:
        name: such as ``tamrl-climate``, or the path of a NetCDF file or Zarr.
        workspace: where to look as well.

    Raises:
        TamrlError: there are no such maps, or they are damaged.
    """
    known = catalog.entries(workspace)
    if str(name) in known:
        return catalog.open_maps(known[str(name)])
    if not Path(name).exists():
        raise TamrlError(f"There are no maps {str(name)!r}", "maps", f"Known: {', '.join(known)}; or give a path")
    return catalog.open_maps(catalog.entry(Path(name)))
