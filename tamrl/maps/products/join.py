"""Pieces of a product joined into one Dataset, and the flux that follows from the others."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE, begins
from tamrl.globe.grids import oriented
from tamrl.schema import FLUXES


def join(pieces: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the files of a product as one Dataset: steps in order, variables side by side, one grid.

    Raises:
        TamrlError: files on different grids or with different steps, or a step of a variable that is in two files.
    """
    first, pieces = pieces[0], list(pieces)
    for i, piece in enumerate(pieces[1:], 1):
        turned = oriented(piece, first["lat"].values, first["lon"].values)
        if turned is None:
            where = f"{first.attrs['file']}, {piece.attrs['file']}"
            raise TamrlError("The files are on different grids", where, "Give the files of one resolution")
        pieces[i] = turned
        longer, other = sorted((first, piece), key=lambda p: -p.sizes["time"])
        # Of a single step the length may only be guessed: it must begin as the others do.
        guessed = other.sizes["time"] == 1 and begins(longer.attrs["step"], other["time"].values[0])
        if piece.attrs["step"] != first.attrs["step"] and not guessed:
            where = f"{first.attrs['file']}, {piece.attrs['file']}"
            raise TamrlError("The files have different steps of time", where, "Give files of one step, not several")
    at = {"lat": first["lat"].values, "lon": first["lon"].values}
    names = list(dict.fromkeys(str(v) for piece in pieces for v in piece.data_vars if v != "land_fraction"))
    series = [_series(name, [p for p in pieces if name in p], at) for name in names]
    out = xr.merge(series, join="outer", compat="override", combine_attrs="drop")
    land = next((piece["land_fraction"] for piece in pieces if "land_fraction" in piece), None)
    return out if land is None else out.assign(land_fraction=land.assign_coords(at))


def _series(name: str, pieces: Sequence[xr.Dataset], at: dict[str, np.ndarray]) -> xr.Dataset:
    """Return one variable of all files that have it, in the order of time."""
    ordered = sorted(pieces, key=lambda piece: piece["time"].values.min())
    parts = [piece[[name]].assign_coords(at) for piece in ordered]
    options: Any = {"data_vars": "all", "coords": "minimal", "compat": "override", "join": "override"}
    out = parts[0] if len(parts) == 1 else xr.concat(parts, "time", combine_attrs="drop", **options)
    steps = out.indexes["time"]
    if not steps.is_monotonic_increasing:
        out = out.sortby("time")
    if not steps.is_unique:
        twice = steps[steps.duplicated()][0]
        both = [p.attrs["file"] for p in ordered if (p["time"].values == twice.to_datetime64()).any()]
        where = ", ".join(dict.fromkeys(both[:2]))
        raise TamrlError(f"{name} of {twice:%Y-%m-%d} occurs twice", where, "Give each step of time once")
    return out


def derive(ds: xr.Dataset, failed: Collection[str] = ()) -> tuple[xr.Dataset, list[str]]:
    """Return the Dataset with the third of GPP, RECO and NEE = RECO - GPP where two exist, and its name.

    The spread of a derived flux is left out: the errors of the other two, of one model or one tower record, are not
    independent, and their covariance is not published. Nothing is derived from one of ``failed``.
    """
    missing = [flux for flux in FLUXES if flux not in ds]
    if len(missing) != 1 or set(failed) & set(FLUXES):
        return ds, []
    flux = missing[0]
    if flux == "NEE":
        ds = ds.assign(NEE=ds["RECO"] - ds["GPP"])
    elif flux == "RECO":
        ds = ds.assign(RECO=ds["NEE"] + ds["GPP"])
    else:
        ds = ds.assign(GPP=ds["RECO"] - ds["NEE"])
    return ds, [flux]


def land_only(ds: xr.Dataset) -> xr.Dataset:
    """Return an inversion whose NBE is missing where it is exactly zero: over ocean, which has no land flux.

    Fluxes of an inversion are per area of the whole cell, so no land fraction goes with them; totals are not changed.
    """
    return ds.assign({NBE: ds[NBE].where(ds[NBE] != 0)})


def listed(names: Sequence[str]) -> str:
    """Return names as text: all of a few, the ends of many."""
    return ", ".join(names) if len(names) <= 6 else f"{names[0]} to {names[-1]} ({len(names)} files)"
