"""Groups of cells by which fields are summed and compared: continents, land regions, classes and bands of latitude.

The classes are those of the bundled global drivers (``tamrl.globe.earth``), taken to the grid of any product: the
nearest cell where the product is as fine, the class with the largest area of land where it is coarser.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import edges, land_area
from tamrl.globe.earth import flags, igbp_class
from tamrl.schema import BARE, IGBP, KOEPPEN

#: How cells can be grouped.
KINDS = {
    "region": "Land regions",
    "continent": "Continents",
    "koeppen": "Climate (Köppen)",
    "igbp": "Land cover (IGBP)",
    "band": "Latitude bands",
}
#: The one that is chosen where the reader names none.
FIRST = "region"
#: Southern and northern end of each band of latitude, from north to south.
BANDS = ((60, 90), (30, 60), (0, 30), (-30, 0), (-60, -30), (-90, -60))
#: What Natural Earth calls the islands that belong to no continent.
_RENAMED = {"Seven_seas_(open_ocean)": "Ocean islands"}
#: Least share of a cell's land that is neither bare nor ice nor water, for it to count as vegetated.
LEAST_VEGETATED = 0.1
#: A grid with cells up to this many times as wide as the Earth's takes the nearest class.
_FINE = 1.5


@dataclass(frozen=True, eq=False)
class Groups:
    """Cells by group.

    Attributes:
        kind: a key of ``KINDS``.
        codes: (lat, lon) int, 0 where a cell belongs to no group.
        names: code -> name in words, without 0, in the order of tables.
    """

    kind: str
    codes: xr.DataArray
    names: dict[int, str]


def groups(kind: str, earth: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> Groups:
    """Return the groups of the (lat, lon) cells of a grid.

    Args:
        kind: a key of ``KINDS``.
        earth: of ``tamrl.globe.earth.load_earth``.
        lat: cell centres of the grid, degrees north, ascending.
        lon: cell centres of the grid, degrees east, ascending.

    Raises:
        TamrlError: the kind is not known.
    """
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    if kind == "band":
        return _bands(lat, lon)
    if kind not in KINDS:
        raise TamrlError(f"Cells cannot be grouped by {kind!r}", "regions", f"Known groups: {', '.join(KINDS)}")
    classes, names = _classes(kind, earth)
    codes = to_grid(classes, land_area(earth), lat, lon)
    return Groups(kind, xr.DataArray(codes, {"lat": lat, "lon": lon}, ("lat", "lon")), names)


def _classes(kind: str, earth: xr.Dataset) -> tuple[xr.DataArray, dict[int, str]]:
    """Return the codes (lat, lon) of the bundled global drivers, 0 without a class, and the names of the codes."""
    if kind == "koeppen":
        # The main class is the first letter.
        letters = {code: name[0] for code, name in flags(earth["koeppen"]).items() if code}
        order = {letter: i for i, letter in enumerate(KOEPPEN, start=1)}
        table = np.zeros(max(letters, default=0) + 1, np.int64)
        for code, letter in letters.items():
            table[code] = order.get(letter, 0)
        classes = earth["koeppen"].copy(data=table[earth["koeppen"].values])
        return classes, {code: f"{letter} · {KOEPPEN[letter]}" for letter, code in order.items()}
    if kind == "igbp":
        classes = igbp_class(earth)
        named = {code: f"{name} · {IGBP[name]}" if name in IGBP else name for code, name in flags(classes).items()}
    else:
        classes = earth[kind]
        named = {code: words(name) for code, name in flags(classes).items()}
    return classes.astype(np.int64), {code: name for code, name in named.items() if code}


def vegetated(earth: xr.Dataset, lat: np.ndarray, lon: np.ndarray) -> xr.DataArray:
    """Return which cells of a grid are not known to be bare, frozen or water, (lat, lon) bool.

    On land without vegetation the maps of this project are 0 by construction (``tamrl.landcover.vegetation``), as most
    products are, so that such cells make any two maps agree. A cell without land in the Earth is kept.

    Args:
        earth: of ``tamrl.globe.earth.load_earth``.
        lat: cell centres of the grid, degrees north, ascending.
        lon: cell centres of the grid, degrees east, ascending.
    """
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    fraction = earth["igbp_fraction"].clip(min=0)
    green = fraction.sel(igbp=[name for name in IGBP if name not in BARE]).sum("igbp")
    # Where nothing is known of a cell both are 0: it is kept.
    bare = (green < LEAST_VEGETATED * fraction.sum("igbp")).astype(np.int64) + 1
    classes = bare.where(earth["land_fraction"] > 0, 0).astype(np.int64)
    found = to_grid(classes, land_area(earth), lat, lon) != 2
    return xr.DataArray(found, {"lat": lat, "lon": lon}, ("lat", "lon"))


def words(name: str) -> str:
    """Return the name of a CF flag in words: ``North_American_Boreal`` -> ``North American Boreal``."""
    return _RENAMED.get(name) or name.replace("_", " ").strip()


def to_grid(classes: xr.DataArray, area: xr.DataArray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Return the classes of the cells of another grid, (lat, lon) int64.

    Args:
        classes: codes (lat, lon), 0 for none.
        area: land of each cell of the same grid, m2.
        lat: centres of the other grid, ascending.
        lon: centres of the other grid, ascending.
    """
    row = _inside(classes["lat"].values, edges(lat, "lat"), "lat")
    column = _inside(classes["lon"].values, edges(lon, "lon"), "lon")
    if _width(lat) <= _FINE * _width(classes["lat"].values) and _width(lon) <= _FINE * _width(classes["lon"].values):
        rows, columns = (_nearest(classes[n].values, x) for n, x in (("lat", lat), ("lon", lon)))
        found = classes.values[np.ix_(rows, columns)].astype(np.int64)
        inside = np.ix_(_covers(classes["lat"].values, lat), _covers(classes["lon"].values, lon))
        known = np.zeros_like(found)
        known[inside] = found[inside]
        return known
    return _largest(classes.values.astype(np.int64), area.values, row, column, (len(lat), len(lon)))


def _largest(
    codes: np.ndarray, area: np.ndarray, row: np.ndarray, column: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return the class with the most land in each coarse cell, 0 without any.

    Args:
        codes: fine cells (y, x).
        area: (y, x).
        row: coarse row of each fine row (y,), -1 outside.
        column: coarse column of each fine column (x,), -1 outside.
        shape: of the coarse grid.
    """
    count = int(codes.max()) + 1
    cell = np.where((row[:, None] >= 0) & (column[None] >= 0), row[:, None] * shape[1] + column[None], -1)
    keep = (cell >= 0) & (codes > 0)
    size = shape[0] * shape[1]
    sums = np.bincount(cell[keep] * count + codes[keep], area[keep], size * count).reshape(size, count)
    return sums.argmax(axis=1).reshape(shape)


def _inside(fine: np.ndarray, ends: np.ndarray, axis: str) -> np.ndarray:
    """Return the coarse cell that each fine centre lies in, -1 outside."""
    found = np.searchsorted(ends, fine, side="right") - 1
    return np.where((fine >= ends[0]) & (fine < ends[-1] + (axis == "lat") * 1e-9), found, -1)


def _nearest(centres: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the position of the centre next to each value."""
    return np.abs(centres[None] - values[:, None]).argmin(axis=1)


def _covers(centres: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the positions of the values that lie within the cells of the centres."""
    half = _width(centres) / 2
    return np.flatnonzero((values >= centres[0] - half) & (values <= centres[-1] + half))


def _width(centres: np.ndarray) -> float:
    return float(np.median(np.diff(centres))) if len(centres) > 1 else 1.0


def _bands(lat: np.ndarray, lon: np.ndarray) -> Groups:
    codes = np.zeros(len(lat), np.int64)
    for code, (south, north) in enumerate(BANDS, start=1):
        # The equator and the other limits belong to the band north of them; the pole to the last.
        codes[(lat >= south) & ((lat < north) | (north == 90))] = code
    field = np.broadcast_to(codes[:, None], (len(lat), len(lon))).copy()
    names = {code: band_name(*ends) for code, ends in enumerate(BANDS, start=1)}
    return Groups("band", xr.DataArray(field, {"lat": lat, "lon": lon}, ("lat", "lon")), names)


def band_name(south: int, north: int) -> str:
    """Return a band of latitude in words: ``30–60° N``."""
    low, high = sorted((abs(south), abs(north)))
    return f"{low}\N{EN DASH}{high}° {'N' if south >= 0 else 'S'}"
