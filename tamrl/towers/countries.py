"""Country, continent and regional network of each tower: from the bundled country outlines, and from its id."""

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tamrl import bundled
from tamrl.errors import TamrlError
from tamrl.schema import UNKNOWN

if TYPE_CHECKING:
    import geopandas as gpd

#: Natural Earth country polygons (public domain), the file that the maps draw too.
OUTLINES = bundled.outlines()
#: A tower outside every polygon (the outlines are coarse) belongs to the nearest country within this distance.
NEAREST_KM = 300.0
#: Natural Earth has each country on one continent. What of it lies on another, by longitude: its name and continent.
#: (The Ural lies at 60 degrees east.)
ELSEWHERE = (
    ("France", -60.0, -45.0, "French Guiana", "South America"),
    ("Russia", 60.0, 180.0, "Russia", "Asia"),
    ("Russia", -180.0, -100.0, "Russia", "Asia"),
)
#: Equal-area cylindrical projection in metres, EPSG 6933; distances are right in the north-south
#: direction and near enough elsewhere to choose the nearest coast.
METRIC_CRS = 6933

#: Regional network -> country codes that FLUXNET ids of its towers begin with. Islands go with the network that runs
#: their towers (Svalbard and Greenland: the European one).
NETWORKS = {
    "AmeriFlux": "US CA MX BR AR BO CL CO CR EC GF PA PE PR UY",
    "European": (
        "AT BE BG BY CH CY CZ DE DK EE ES FI FR GB GL GR HR HU IE IL IS IT LT LU LV NL NO PL PT RO SE SI SJ SK UA UK"
    ),
    "OzFlux": "AU NZ",
    "ChinaFLUX": "CN HK TW",
    "AsiaFlux": "BD ID IN JP KH KR LA LK MN MY NP PH SG TH VN",
    "AfriFlux": "BF BJ BW CD CG CI CM ET GH KE MA ML MZ NA NE NG RW SD SN TZ UG ZA ZM ZW",
    "RuFlux": "RU",
    "SIMULATED": "XS",
}
_NETWORK_OF = {code: name for name, codes in NETWORKS.items() for code in codes.split()}


def network_of(site: str) -> str:
    """Return the regional network of a tower, from the country code that its FLUXNET id begins with, or ``unknown``.

    It is the network that usually runs towers in that country, not necessarily the source of this tower's data.
    """
    return _NETWORK_OF.get(site.partition("-")[0].upper(), UNKNOWN)


@lru_cache(maxsize=4)
def _outlines(path: str, modified: float) -> "gpd.GeoDataFrame":
    """Read the country polygons once per version of the file."""
    import geopandas as gpd

    # Not by ``read_file``: GDAL, which would read it, takes 29 MB of every server.
    try:
        features = json.loads(Path(path).read_text(encoding="utf-8"))["features"]
    except (ValueError, KeyError, TypeError) as error:
        raise TamrlError("Country outlines are damaged", path, "Restore the file from the project") from error
    frame = gpd.GeoDataFrame.from_features(features, crs="EPSG:4326")  # the one that GeoJSON knows (RFC 7946)
    missing = {"name", "continent"} - set(frame.columns)
    if missing:
        raise TamrlError(
            f"Country outlines lack {', '.join(sorted(missing))}", path, "Restore the file from the project"
        )
    return frame[["name", "continent", "geometry"]].rename(columns={"name": "country"})


def locate(lat: np.ndarray, lon: np.ndarray, outlines: Path = OUTLINES) -> pd.DataFrame:
    """Return the country and continent of each position.

    Args:
        lat: (S,) degrees north.
        lon: (S,) degrees east, -180 to 180.
        outlines: GeoJSON of polygons with ``name`` and ``continent``.

    Returns:
        DataFrame of S rows with ``country`` and ``continent``, ``unknown`` for a position over ocean.

    Raises:
        TamrlError: the outlines are absent or damaged, or lack a column.
    """
    import geopandas as gpd

    if not outlines.exists():
        raise TamrlError("Country outlines are missing", str(outlines), "Restore the file from the project")
    land = _outlines(str(outlines), outlines.stat().st_mtime)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326")
    # A point on a border joins two countries: the first is kept.
    joined = gpd.sjoin(points, land, how="left", predicate="within")
    joined = joined[~joined.index.duplicated()]
    at_sea = joined["country"].isna() & np.isfinite(lat) & np.isfinite(lon)
    if at_sea.any():
        near = gpd.sjoin_nearest(
            points[at_sea].to_crs(METRIC_CRS), land.to_crs(METRIC_CRS), max_distance=NEAREST_KM * 1000
        )
        near = near[~near.index.duplicated()]
        joined.loc[near.index, ["country", "continent"]] = near[["country", "continent"]]
    found = pd.DataFrame(joined[["country", "continent"]]).fillna(UNKNOWN).reset_index(drop=True)
    for country, west, east, name, continent in ELSEWHERE:
        found.loc[(found["country"] == country) & (lon >= west) & (lon <= east), :] = (name, continent)
    return found
