"""Tables that the pages show and filter: one row a tower."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.schema import FLUXES, KOEPPEN, QC_VALID
from tamrl.towers.countries import locate


def tower_table(archive: xr.Dataset) -> pd.DataFrame:
    """Return one row a tower, sorted by its code.

    Args:
        archive: Dataset(site, time) of the canonical layout.

    Returns:
        DataFrame indexed by ``site`` with ``name, country, continent, igbp, koeppen, climate, lat, lon, first, last``
        (first and last year with data), ``days`` (days with any flux; of a monthly archive months, as in
        ``valid_days``), ``valid_days`` (those with NEE_QC >= 0.7) and ``GPP, RECO, NEE``: means over the valid ones
        [gC m-2 d-1].

    Raises:
        TamrlError: the country outlines are missing or damaged.
    """
    fluxes = {f: archive[f].transpose("site", "time").values for f in FLUXES}
    quality = archive["NEE_QC"].transpose("site", "time").values
    observed = np.any([np.isfinite(v) for v in fluxes.values()], axis=0)
    valid = observed & (quality >= QC_VALID)
    present = observed | np.any(
        [archive[v].notnull().transpose("site", "time").values for v in _main_drivers(archive)], 0
    )
    years = archive["time"].dt.year.values
    table = pd.DataFrame(
        {
            "name": archive["name"].values.astype(str),
            "igbp": archive["igbp"].values.astype(str),
            "koeppen": archive["koeppen"].values.astype(str),
            "lat": archive["lat"].values.astype(float),
            "lon": archive["lon"].values.astype(float),
            "first": [int(years[row].min()) if row.any() else 0 for row in present],
            "last": [int(years[row].max()) if row.any() else 0 for row in present],
            "days": observed.sum(axis=1),
            "valid_days": valid.sum(axis=1),
        },
        index=pd.Index(archive["site"].values.astype(str), name="site"),
    )
    table["climate"] = [KOEPPEN.get(k[:1], "unknown") if k != "unknown" else "unknown" for k in table["koeppen"]]
    for flux, values in fluxes.items():
        chosen = np.where(valid & np.isfinite(values), values, np.nan)
        count = np.isfinite(chosen).sum(axis=1)
        table[flux] = np.nansum(chosen, axis=1) / np.where(count > 0, count, np.nan)
    where = locate(table["lat"].to_numpy(), table["lon"].to_numpy())
    table.insert(1, "country", where["country"].to_numpy())
    table.insert(2, "continent", where["continent"].to_numpy())
    return table.sort_index()


def _main_drivers(archive: xr.Dataset) -> list[str]:
    """Return the drivers that mark a tower's record; the others are never longer."""
    return [name for name in ("TA", "SW_IN") if name in archive] or ["NEE_QC"]


def filter_towers(
    table: pd.DataFrame,
    igbp: Sequence[str] = (),
    climate: Sequence[str] = (),
    continent: Sequence[str] = (),
    years: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """Return the towers of the given classes (none given = all) whose data overlap ``years`` (inclusive)."""
    keep = pd.Series(True, index=table.index)
    for column, chosen in (("igbp", igbp), ("climate", climate), ("continent", continent)):
        if chosen:
            keep &= table[column].isin(chosen)
    if years is not None:
        keep &= (table["first"] <= years[1]) & (table["last"] >= years[0])
    return table[keep]


def years_text(row: pd.Series) -> str:
    """Return the period of one tower as text, ``1996-2014``, or its only year."""
    if not row["last"]:
        return "no data"
    return str(row["last"]) if row["first"] == row["last"] else f"{row['first']}\N{EN DASH}{row['last']}"
