"""Products at towers: the cell of each tower, and its months beside what the tower measured."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import EARTH_RADIUS, SD, edges, fluxes_of, is_climatology
from tamrl.globe.regrid import known_land
from tamrl.maps.products.months import to_months
from tamrl.metrics import METRICS, score
from tamrl.schema import QC_VALID
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.monthly import LEAST_SHARE, to_monthly

#: A tower may stand this far, km, outside the nearest cell with land: coasts and islands.
MAX_KM = 50.0
#: A climatology is compared with the mean of at least this many years of a month.
CLIMATOLOGY_YEARS = 2
CONVENTIONS = (
    "Product: mean over the area of land of the cell, calendar month, UTC or as published. Tower: mean over the days "
    f"of a calendar month, at least {100 * LEAST_SHARE:.0f} % of them present and {100 * QC_VALID:.0f} % measured or "
    "well gap-filled, local standard time, over a footprint of some hundred metres. Both gC m-2 d-1, NEE "
    "negative for uptake."
)


def at_towers(maps: xr.Dataset, towers: pd.DataFrame, max_km: float = MAX_KM) -> xr.Dataset:
    """Return a product at towers: the cell that contains each, or the nearest with land.

    Only these cells are read, and only when they are used; to see which cells have land, up to four maps are.

    Args:
        maps: (time, lat, lon), lazy or not.
        towers: columns ``site``, ``lat``, ``lon``, degrees north and east.
        max_km: largest distance from a tower to the border of its cell; 0 inside it.

    Returns:
        Dataset (site, time) of the fluxes and their spreads, lazy where the maps are, with the coordinates ``lat``
        and ``lon`` (of the tower), ``cell_lat``, ``cell_lon`` (of the cell, NaN where there is none), ``distance``
        (km to the border of the cell) and ``note``. A tower without a cell is missing throughout.

    Raises:
        TamrlError: a column is missing, or a site occurs twice.
    """
    if missing := [name for name in ("site", "lat", "lon") if name not in towers]:
        raise TamrlError(f"The table of towers has no column {missing[0]!r}", "towers", "Give site, lat and lon")
    if towers["site"].duplicated().any():
        raise TamrlError("A tower occurs twice", str(towers["site"][towers["site"].duplicated()].iloc[0]), "Keep one")
    land = known_land(maps).values > 0
    spots = [_nearest(maps, land, float(t.lat), float(t.lon), max_km) for t in towers.itertuples()]
    rows, columns = (xr.DataArray([spot[k] for spot in spots], dims="site") for k in (0, 1))
    distance = np.array([spot[2] for spot in spots])
    found = np.isfinite(distance)
    names = [name for flux in fluxes_of(maps) for name in (flux, flux + SD) if name in maps]
    cells = maps[names].drop_vars([c for c in maps.coords if c not in ("time", "lat", "lon")])
    cells = cells.isel(lat=rows, lon=columns).rename(lat="cell_lat", lon="cell_lon")
    note = np.where(found, np.where(distance > 0, "nearest cell with land", ""), f"no land within {max_km:g} km")
    known = xr.DataArray(found, dims="site")
    cells = cells.assign_coords(
        site=towers["site"].to_numpy().astype(str),
        lat=("site", towers["lat"].to_numpy(float), {"units": "degrees_north"}),
        lon=("site", towers["lon"].to_numpy(float), {"units": "degrees_east"}),
        cell_lat=cells["cell_lat"].where(known),
        cell_lon=cells["cell_lon"].where(known),
        distance=("site", distance, {"units": "km", "long_name": "Distance to the border of the cell"}),
        note=("site", note.astype(str)),
    )
    return cells.assign({name: cells[name].where(known) for name in names}).transpose("site", "time")


def _nearest(maps: xr.Dataset, land: np.ndarray, lat: float, lon: float, max_km: float) -> tuple[int, int, float]:
    """Return row, column and distance (km) of the nearest cell with land; distance NaN where there is none."""
    if not (np.isfinite(lat) and np.isfinite(lon)):
        return 0, 0, np.nan
    bottom_top, left_right = edges(maps["lat"].values, "lat"), edges(maps["lon"].values, "lon")
    # The point of each row and column of cells that is nearest to the tower.
    near_lat = np.clip(lat, bottom_top[:-1], bottom_top[1:])
    middle = (left_right[:-1] + left_right[1:]) / 2
    half = np.diff(left_right) / 2
    east = (lon - middle + 180) % 360 - 180
    off = np.sign(east) * np.maximum(np.abs(east) - half, 0)
    reach = np.rad2deg(max_km * 1e3 / EARTH_RADIUS)
    rows = np.flatnonzero(np.abs(near_lat - lat) <= reach)
    if not rows.size:
        return 0, 0, np.nan
    # Great-circle distance, haversine.
    phi, other = np.deg2rad(lat), np.deg2rad(near_lat[rows])[:, None]
    chord = np.sin((other - phi) / 2) ** 2 + np.cos(phi) * np.cos(other) * np.sin(np.deg2rad(off) / 2) ** 2
    km = 2 * EARTH_RADIUS / 1e3 * np.arcsin(np.sqrt(np.minimum(chord, 1)))
    km = np.where(land[rows], km, np.inf)
    # Of cells equally near, such as two that a tower stands between, the one whose centre is nearer.
    centre = (maps["lat"].values[rows] - lat)[:, None] ** 2 + (np.cos(phi) * east) ** 2
    best = np.lexsort((centre.ravel(), km.ravel()))[0]
    row, column = divmod(int(best), land.shape[1])
    distance = float(km[row, column])
    return (int(rows[row]), column, distance) if distance <= max_km else (0, 0, np.nan)


def tower_months(archive: xr.Dataset, fluxes: Sequence[str]) -> pd.DataFrame:
    """Return the monthly means that towers observed, as ``tamrl.towers.monthly`` averages them.

    Args:
        archive: (site, time), daily or monthly.
        fluxes: which.

    Returns:
        One row a tower, month and flux: ``site``, ``time`` (first of the month), ``flux``, ``observed`` (gC m-2
        d-1) and ``qc`` (fraction of the month measured or well gap-filled).
    """
    archive = archive[[*fluxes, "NEE_QC"]]
    monthly = archive if step_of(archive) == TimeStep.MONTHLY else to_monthly(archive)
    sites, time, qc = monthly["site"].values.astype(str), monthly["time"].values, monthly["NEE_QC"].values
    tables = []
    for flux in fluxes:
        values = monthly[flux].values
        site, month = np.nonzero((qc >= QC_VALID) & np.isfinite(values))
        columns = {"site": sites[site], "time": time[month], "flux": flux}
        tables.append(pd.DataFrame(columns | {"observed": values[site, month], "qc": qc[site, month]}))
    return pd.concat(tables, ignore_index=True)


def against_towers(maps: xr.Dataset, archive: xr.Dataset, max_km: float = MAX_KM) -> pd.DataFrame:
    """Return the fluxes of a product and of towers in the same months.

    A climatology is compared with the mean over all years of a tower's months, at least two.

    Args:
        maps: monthly or daily fluxes, or a climatology.
        archive: (site, time), daily or monthly.
        max_km: largest distance from a tower to its cell.

    Returns:
        One row a tower, month and flux that both have: ``site``, ``time``, ``flux``, ``observed``, ``qc``,
        ``product`` and, where known, ``product_sd``, gC m-2 d-1, ``distance`` (km). Attributes: ``conventions``,
        ``title``, ``simulated`` (1 where either side is), ``left_out`` (tower -> why).

    Raises:
        TamrlError: the steps of the maps are neither days nor months, or they hold none of GPP, RECO and NEE.
    """
    if not fluxes_of(maps):
        what = "The maps hold no flux that towers measure"
        raise TamrlError(what, str(maps.attrs.get("title", "maps")), "Give maps of GPP, RECO or NEE")
    where = pd.DataFrame({name: archive[name].values for name in ("site", "lat", "lon")})
    cells = at_towers(maps, where, max_km)
    observed = tower_months(archive, fluxes_of(maps))
    if is_climatology(maps):
        year = pd.DatetimeIndex(maps["time"].values).year[0]
        observed["time"] = pd.to_datetime({"year": year, "month": observed["time"].dt.month, "day": 1})
        groups = observed.groupby(["site", "time", "flux"], as_index=False)
        observed = groups.agg(observed=("observed", "mean"), qc=("qc", "mean"), years=("observed", "size"))
        observed = observed[observed.pop("years") >= CLIMATOLOGY_YEARS]
    else:
        steps = pd.DatetimeIndex(cells["time"].values)
        last = observed["time"].max() + pd.offsets.MonthBegin()
        cells = cells.isel(time=(steps >= observed["time"].min()) & (steps < last))
    predicted = products_table(to_months(cells.load()))
    table = observed.merge(predicted, on=["site", "time", "flux"], how="inner").dropna(subset=["product"])
    table["distance"] = table["site"].map(dict(zip(cells["site"].values, cells["distance"].values, strict=True)))
    notes = dict(zip(cells["site"].values.tolist(), cells["note"].values.tolist(), strict=True))
    table.attrs = {
        "conventions": CONVENTIONS,
        "title": maps.attrs.get("title", ""),
        "simulated": max(int(ds.attrs.get("simulated", 0)) for ds in (maps, archive)),
        "left_out": {site: note for site, note in notes.items() if note.startswith("no land")},
    }
    return table.reset_index(drop=True)


def products_table(cells: xr.Dataset) -> pd.DataFrame:
    """Return monthly fluxes at towers as rows of site, time, flux, product and, where known, product_sd."""
    tables = []
    for flux in fluxes_of(cells):
        names = {flux: "product"} | ({flux + SD: "product_sd"} if flux + SD in cells else {})
        table = cells[list(names)].reset_coords(drop=True).to_dataframe().reset_index()
        tables.append(table.rename(columns=names).assign(flux=flux))
    return pd.concat(tables, ignore_index=True)


def score_against_towers(table: pd.DataFrame, by: Sequence[str] = ("flux",)) -> pd.DataFrame:
    """Return the scores of a product against towers, of ``tamrl.metrics``.

    Args:
        table: of ``against_towers``.
        by: columns that a row of scores is for: ``flux``, or ``flux`` and ``site``.

    Returns:
        One row a group: its columns, ``towers``, ``n`` (months) and the scores.
    """
    rows = []
    for key, group in table.groupby(list(by), sort=True):
        found = score(group["observed"].to_numpy(float), group["product"].to_numpy(float))
        towers = group["site"].nunique()
        rows.append(
            dict(zip(by, key, strict=True)) | {"towers": towers, "n": found["n"]} | {m: found[m] for m in METRICS}
        )
    out = pd.DataFrame(rows, columns=[*by, "towers", "n", *METRICS])
    out.attrs = dict(table.attrs)
    return out
