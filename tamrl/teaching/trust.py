"""Lesson 5: when to trust a map. Where it extrapolates, its errors at towers, and the coverage of its intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import land_area
from tamrl.maps import regions
from tamrl.maps.time_means import nearest
from tamrl.teaching.marks import Mark

#: Regions that a student marks, and how many of them must be among those furthest from the towers.
MARKS, ENOUGH = 3, 2
#: What the share of vegetated land above the threshold of the index may be, as answers.
SHARES = {"little": "less than 5 %", "some": "5 to 25 %", "much": "more than 25 %"}
#: Towers whose intervals are looked at, with the place in words.
TOWERS = {
    "GF-Guy": "tropical rain forest in French Guiana",
    "DE-Hai": "beech forest in Germany",
    "US-Ne1": "irrigated maize in Nebraska",
    "AU-DaS": "savanna in northern Australia",
    "RU-Cok": "tundra in Siberia",
}
#: What an interval should hold [%], and how near a judgement by eye must be.
LEVEL, BY_EYE = 90, 10


def by_region(maps: xr.Dataset, earth: xr.Dataset, scores: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each land region: how far it is from the towers, and the errors at those in it.

    Args:
        maps: with ``extrapolation`` and its threshold.
        earth: the bundled global drivers.
        scores: DataFrame(site) with ``lat``, ``lon``, ``r2`` and ``nmae``.

    Returns:
        DataFrame(region) with ``area`` (vegetated land, 10^6 km2), ``index`` (area-weighted median of the dissimilarity
        index), ``above`` (share of the area above its threshold), ``towers``, and the medians ``r2`` and ``nmae`` over
        these; furthest first.

    Raises:
        TamrlError: the maps have no index.
    """
    if "extrapolation" not in maps or "threshold" not in maps["extrapolation"].attrs:
        raise TamrlError("These maps do not say where they extrapolate", str(maps.attrs.get("title", "maps")))
    field = maps["extrapolation"]
    lat, lon = field["lat"].values, field["lon"].values
    groups = regions.groups(regions.FIRST, earth, lat, lon)
    area = land_area(maps).values * regions.vegetated(earth, lat, lon).values / 1e12
    known = np.isfinite(field.values) & (area > 0)
    at = [int(groups.codes.values[nearest(lat, row.lat), nearest(lon, row.lon)]) for row in scores.itertuples()]
    rows = {}
    for code, name in groups.names.items():
        cells = known & (groups.codes.values == code)
        if not cells.any():
            continue
        index, weight = field.values[cells], area[cells]
        inside = scores[np.array(at) == code]
        rows[name] = {
            "area": weight.sum(),
            "index": weighted_median(index, weight),
            "above": weight[index > float(field.attrs["threshold"])].sum() / weight.sum(),
            "towers": len(inside),
            "r2": inside["r2"].median(),
            "nmae": inside["nmae"].median(),
        }
    table = pd.DataFrame(rows).T.astype({"towers": int}).rename_axis("region")
    return table.sort_values("index", ascending=False)


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted median of values (N,) with weights (N,), in their unit."""
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(share, 0.5)])


def region_codes(earth: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Return the region of each cell (lat, lon), 0 for none or nothing that grows, and the names of the codes."""
    groups = regions.groups(regions.FIRST, earth, lat, lon)
    return np.where(regions.vegetated(earth, lat, lon).values, groups.codes.values, 0), groups.names


def covered(made: pd.DataFrame, flux: str) -> float:
    """Return the share of the observed days that lie inside their interval [%].

    Args:
        made: with ``<flux>_low``, ``<flux>_high`` and ``<flux>_observed``.
        flux: name of the flux.
    """
    days = made.dropna(subset=[f"{flux}_observed"])
    inside = days[f"{flux}_observed"].between(days[f"{flux}_low"], days[f"{flux}_high"])
    return 100 * float(inside.mean())


def mark_share(table: pd.DataFrame, chosen: str) -> Mark:
    """Return whether the student foresees how much vegetated land lies above the threshold."""
    share = 100 * float((table["above"] * table["area"]).sum() / table["area"].sum())
    truth = "little" if share < 5 else "some" if share <= 25 else "much"
    said = f"The index is above its threshold on {share:.1f} % of the vegetated land."
    return Mark(answer=SHARES[chosen], correct=chosen == truth, value=share, said=said)


def mark_regions(table: pd.DataFrame, chosen: Sequence[str]) -> Mark:
    """Return whether enough of the marked regions are among those furthest from the towers by the index."""
    furthest = list(table.index[:MARKS])
    hits = [name for name in chosen if name in furthest]
    said = f"By the median of the index the furthest are {', '.join(furthest)}: {len(hits)} of your {len(chosen)}."
    return Mark(answer=", ".join(chosen), correct=len(hits) >= ENOUGH, value=float(len(hits)), said=said)


def mark_coverage(made: pd.DataFrame, flux: str, site: str, typed: float) -> Mark:
    """Return whether a share of days inside the interval, judged by eye [%], is near the truth."""
    truth = covered(made, flux)
    said = f"{truth:.0f} % of the measured days of {flux} at {site} lie inside; the target is {LEVEL} %."
    if truth > LEVEL + 4:
        said += " The interval is wider than it need be here."
    elif truth < LEVEL - 4:
        said += " The interval is too narrow here: calibration holds on average over places, not at each."
    return Mark(answer=f"{typed:.0f} %", correct=abs(typed - truth) <= BY_EYE, value=truth, said=said)
