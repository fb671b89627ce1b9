"""Is NEE negative for uptake? Checked on summer months of two latitude bands, not on the whole product."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.globe.contract import NBE, step_of_maps
from tamrl.schema import FLUXES

#: Bands where summer is the season of uptake, its months, and a part of the land there for files whose blocks are long
#: in time, of which each costs much: (south, north), months, (south, north, west, east).
_SUMMERS = (
    ((30.0, 65.0), (7, 6, 8), (45.0, 60.0, 0.0, 60.0)),
    ((-55.0, -30.0), (1, 12, 2), (-40.0, -30.0, -60.0, -50.0)),
)
_LONG = 12
#: Cells of the sample along each axis, at most; GPP from which a cell counts as growing, gC m-2 d-1.
_CELLS, _GROWING = 90, 2.0
#: Fewer cells than this say nothing.
_ENOUGH = 20
#: The balance closes where its residual is below this share of the other sign's.
_CLOSES = 0.2


def check_sign(
    maps: xr.Dataset, turn: bool, samples: Sequence[xr.Dataset] | None = None
) -> tuple[xr.Dataset, list[str]]:
    """Return maps whose NEE is negative for uptake, and what was found, in words.

    One step of each hemisphere is read, of at most 90 by 90 cells: a summer month near the middle of the record. NEE
    is reversed where it closes the balance as GPP - RECO, or, where RECO is not there, where it rises with GPP over
    space and its mean over growing cells is a source. The hemisphere with the clearer result decides, the northern one
    first.

    Args:
        maps: with NEE on an ascending grid, lazy or not.
        turn: reverse NEE where it is found reversed; else only report it.
        samples: of ``take_samples``, where they were taken before.
    """
    samples = take_samples(maps) if samples is None else samples
    if "GPP" not in maps or not samples:
        return maps, ["The sign of NEE was not checked: there is no GPP over a summer month to check it by."]
    if step_of_maps(maps) == "year" and "RECO" not in maps:
        return maps, ["The sign of NEE was not checked: over a year, without RECO, nothing shows it."]
    for sample in samples:
        found, notes = _check_one(maps, turn, sample)
        if not any("not checked" in note for note in notes):
            break
    return found, notes


def _check_one(maps: xr.Dataset, turn: bool, sample: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Return what ``check_sign`` does, of one sample."""
    gpp, nee = sample["GPP"].values.ravel(), sample["NEE"].values.ravel()
    reco = sample["RECO"].values.ravel() if "RECO" in sample else None
    known = np.isfinite(gpp) & np.isfinite(nee) & (np.isfinite(reco) if reco is not None else True)
    gpp, nee = gpp[known], nee[known]
    if reco is not None and gpp.size >= _ENOUGH:
        net = reco[known] - gpp
        closed, mirrored = np.abs(nee - net).mean(), np.abs(nee + net).mean()
        if mirrored < _CLOSES * closed:
            return _reversed(maps, turn, "it closes the balance as GPP - RECO")
        if closed < _CLOSES * mirrored:
            return maps, []
    growing = gpp > _GROWING
    if growing.sum() < _ENOUGH or np.ptp(gpp) == 0 or np.ptp(nee) == 0:
        return maps, ["The sign of NEE was not checked: too few cells grow in the month looked at."]
    rises, source = np.corrcoef(gpp, nee)[0, 1] > 0, nee[growing].mean() > 0
    if rises and source:
        return _reversed(maps, turn, "in summer it is a source where GPP is large, and rises with GPP")
    if rises or source:
        return maps, ["NEE and GPP hardly agree in summer (NEE rises with GPP, or growing land is a source): check it."]
    return maps, []


def _reversed(maps: xr.Dataset, turn: bool, why: str) -> tuple[xr.Dataset, list[str]]:
    if not turn:
        return maps, [f"NEE looks reversed ({why}); it was left as its sign was given."]
    return maps.assign(NEE=-maps["NEE"]), [f"NEE was reversed to be negative for uptake: {why}."]


def take_samples(maps: xr.Dataset) -> list[xr.Dataset]:
    """Return one summer step of each hemisphere's band of latitudes, thinned out and read; none without such a step.

    A product that covers neither band is sampled where it is, in the middle of its record.
    """
    names = [name for name in (*FLUXES, NBE) if name in maps]
    if not names:
        return []
    months = pd.DatetimeIndex(maps["time"].values).month.to_numpy()
    long = max(maps[names[0]].chunksizes.get("time", (1,))) > _LONG
    found, lat, lon = [], maps["lat"].values, maps["lon"].values
    bands = _SUMMERS if step_of_maps(maps) != "year" else ()  # a year has no summer
    for (south, north), summer, part in bands:
        west, east = -180.0, 180.0
        if long:
            south, north, west, east = part
        band = np.flatnonzero((lat >= south) & (lat <= north))
        across = np.flatnonzero((lon >= west) & (lon <= east))
        steps = next((here for month in summer if (here := np.flatnonzero(months == month)).size), None)
        if band.size and across.size and steps is not None:
            found.append(_thinned(maps[names], int(steps[len(steps) // 2]), band, across))
    if not found and months.size:
        found.append(_thinned(maps[names], months.size // 2, np.arange(lat.size), np.arange(lon.size)))
    return found


def _thinned(maps: xr.Dataset, step: int, band: np.ndarray, across: np.ndarray) -> xr.Dataset:
    rows, columns = (slice(c[0], c[-1] + 1, -(-c.size // _CELLS)) for c in (band, across))
    return maps.isel(time=step, lat=rows, lon=columns).load()
