"""Maps against the mean year of the towers that the bundled models were trained on, for users without towers.

The table comes with the project: means over years of the months that FLUXNET2015 towers observed, no series.
"""

from pathlib import Path

import pandas as pd
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.globe.contract import fluxes_of
from tamrl.maps.at_towers import CLIMATOLOGY_YEARS, CONVENTIONS, MAX_KM, at_towers, products_table, tower_months
from tamrl.maps.products.months import to_months
from tamrl.schema import FLUXES

COLUMNS = ("site", "lat", "lon", "igbp", "month", "flux", "observed", "qc", "years")
#: Whose towers they are, for source lines.
SOURCE = (
    "mean year of FLUXNET2015 towers, comes with the project (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3, "
    "CC-BY-4.0)"
)


def bundled_means() -> Path:
    """Return the path of the bundled table."""
    return bundled_folder("towers") / "mean-year.parquet"


def mean_year(archive: xr.Dataset) -> pd.DataFrame:
    """Return the mean year of each tower: of each calendar month with at least two years, the mean over them.

    Args:
        archive: (site, time), daily or monthly.

    Returns:
        One row a tower, month and flux: ``COLUMNS``; ``observed`` in gC m-2 d-1, ``qc`` 0-1.
    """
    table = tower_months(archive, FLUXES)
    table["month"] = table["time"].dt.month
    groups = table.groupby(["site", "month", "flux"], as_index=False)
    found = groups.agg(observed=("observed", "mean"), qc=("qc", "mean"), years=("observed", "size"))
    found = found[found["years"] >= CLIMATOLOGY_YEARS]
    about = pd.DataFrame({name: archive[name].values for name in ("site", "lat", "lon", "igbp")})
    return about.astype({"site": str, "igbp": str}).merge(found, on="site")[list(COLUMNS)]


def load_means(path: Path) -> pd.DataFrame:
    """Return the table of ``mean_year`` that is kept in a file.

    Raises:
        TamrlError: it is missing, damaged, or lacks a column.
    """
    todo = "Restore it, or make it with assets/build_tower_means.py"
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise TamrlError("The mean year of the towers cannot be read", str(path), todo) from error
    if lacking := [name for name in COLUMNS if name not in table]:
        raise TamrlError(f"The mean year of the towers has no column {lacking[0]!r}", str(path), todo)
    return table


def against_mean_year(maps: xr.Dataset, means: pd.DataFrame, max_km: float = MAX_KM) -> pd.DataFrame:
    """Return a table as of ``against_towers`` for the mean year of towers and that of the maps, whatever their years.

    Args:
        maps: monthly or daily fluxes, or a climatology.
        means: of ``mean_year``.
        max_km: largest distance from a tower to its cell.

    Raises:
        TamrlError: the steps of the maps are neither days nor months, or they hold none of GPP, RECO and NEE.
    """
    if not fluxes_of(maps):
        what = "The maps hold no flux that towers measure"
        raise TamrlError(what, str(maps.attrs.get("title", "maps")), "Give maps of GPP, RECO or NEE")
    cells = at_towers(maps, means[["site", "lat", "lon"]].drop_duplicates("site").reset_index(drop=True), max_km)
    mapped = products_table(to_months(cells.load())).dropna(subset=["product"])
    mapped["month"] = mapped["time"].dt.month
    values = [name for name in ("product", "product_sd") if name in mapped]
    mapped = mapped.groupby(["site", "month", "flux"], as_index=False)[values].mean()
    table = means.drop(columns=["lat", "lon", "igbp", "years"]).merge(mapped, on=["site", "month", "flux"])
    year = pd.DatetimeIndex(maps["time"].values).year[0]
    table["time"] = pd.to_datetime({"year": year, "month": table.pop("month"), "day": 1})
    table["distance"] = table["site"].map(dict(zip(cells["site"].values, cells["distance"].values, strict=True)))
    notes = dict(zip(cells["site"].values.tolist(), cells["note"].values.tolist(), strict=True))
    table.attrs = {
        "conventions": CONVENTIONS,
        "title": maps.attrs.get("title", ""),
        "simulated": int(maps.attrs.get("simulated", 0)),
        "left_out": {site: note for site, note in notes.items() if note.startswith("no land")},
    }
    return table
