"""One cell of the globe: its drivers, its seasonal cycle in every product, and the towers that resemble it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import EARTH_RADIUS, SD, month_starts
from tamrl.globe.earth import NONE, STATIC_DRIVERS, flags
from tamrl.landcover import static_inputs, vegetation
from tamrl.maps.regions import words
from tamrl.maps.time_means import cell_of, cycle, nearest, tells_months
from tamrl.schema import FLUXES, IGBP, UNKNOWN
from tamrl.timestep import ATTRIBUTE, TimeStep

if TYPE_CHECKING:
    from tamrl.model.training_towers import Reference

#: Drivers of the bundled global drivers with a seasonal cycle.
CYCLES = ("TA", "P_MON", "SW_IN_POT")
#: The same of leaves, as tamrl.maps.phenology predicts them; an Earth may lack them.
LEAVES = ("LAI", "EVI")
#: Years that a cell is repeated for, so that the state of the model is warm when its last year begins.
_YEARS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """The values of the bundled global drivers in one cell with land.

    Attributes:
        lat: centre of the cell, degrees north.
        lon: centre of the cell, degrees east.
        land_fraction: fraction of the cell that is land.
        igbp: largest land-cover class of its land, or ``unknown``.
        covers: fraction of its land by IGBP class, the largest first.
        koeppen: Koeppen class, or ``unknown``.
        continent: in words.
        region: in words.
        drivers: Dataset(month) of ``CYCLES``, and of ``LEAVES`` where the Earth has them.
        fixed: the values of ``NDVI_MIN, NDVI_MAX, C4, FAPAR_MAX`` that the Earth has.
    """

    lat: float
    lon: float
    land_fraction: float
    igbp: str
    covers: dict[str, float]
    koeppen: str
    continent: str
    region: str
    drivers: xr.Dataset
    fixed: dict[str, float]

    @property
    def position(self) -> str:
        """The position in words: ``48.25° N, 11.75° E``."""
        return position(self.lat, self.lon)


def position(lat: float, lon: float) -> str:
    """Return a position in words: ``48.25° N, 11.75° E``."""
    return f"{abs(lat):g}° {'N' if lat >= 0 else 'S'}, {abs(lon):g}° {'E' if lon >= 0 else 'W'}"


def place_at(earth: xr.Dataset, lat: float, lon: float) -> Cell | None:
    """Return the values of the bundled global drivers in the cell of a position; None over ocean.

    Args:
        earth: of ``tamrl.globe.earth.load_earth``.
        lat: degrees north.
        lon: degrees east.
    """
    row, column = nearest(earth["lat"].values, lat), nearest(earth["lon"].values, lon)
    cell = earth.isel(lat=row, lon=column)
    if not float(cell["land_fraction"]) > 0 or not np.isfinite(cell["TA"].values).all():
        return None
    shares = pd.Series(cell["igbp_fraction"].values, index=cell["igbp"].values.astype(str))
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
    cycles = [*CYCLES, *(name for name in LEAVES if name in earth)]
    drivers = xr.Dataset(
        {n: ("month", cell[n].values.astype(float), earth[n].attrs) for n in cycles}, {"month": np.arange(1, 13)}
    )
    named = {n: words(_flag(earth, n, int(cell[n]))) for n in ("continent", "region")}
    return Cell(
        lat=float(cell["lat"]),
        lon=float(cell["lon"]),
        land_fraction=float(cell["land_fraction"]),
        igbp=next(iter(shares.index), UNKNOWN),
        covers=shares.to_dict(),
        koeppen=_flag(earth, "koeppen", int(cell["koeppen"])),
        continent=named["continent"],
        region=named["region"],
        drivers=drivers,
        fixed={n: float(cell[n]) for n in STATIC_DRIVERS if n in cell},
    )


def _flag(earth: xr.Dataset, name: str, code: int) -> str:
    return UNKNOWN if code == NONE else flags(earth[name])[code]


def cell_cycle(maps: xr.Dataset, flux: str, lat: float, lon: float) -> pd.DataFrame | None:
    """Return the mean seasonal cycle of one flux in one cell; only that cell is read.

    Args:
        maps: set of maps, may be lazy.
        flux: GPP, RECO or NEE.
        lat: degrees north.
        lon: degrees east.

    Returns:
        DataFrame(month) of ``value`` and, where the maps have it, ``sd`` [gC m-2 d-1]; None where the maps do not have
        the flux or months, or no value in this cell.
    """
    if flux not in maps or not tells_months(maps) or cell_of(maps, lat, lon) is None:
        return None
    table = pd.DataFrame({"value": cycle(maps, flux, (lat, lon)).to_series()})
    if flux + SD in maps:
        table["sd"] = cycle(maps, flux + SD, (lat, lon)).to_series()
    return None if table["value"].isna().all() else table


def distance_km(lat: float, lon: float, lats: np.ndarray, lons: np.ndarray) -> np.ndarray:
    """Return the great-circle distance from one position to N others, km (N,), by the haversine formula.

    Args:
        lat: degrees north.
        lon: degrees east.
        lats: (N,) degrees north.
        lons: (N,) degrees east.
    """
    phi, phis = np.deg2rad(lat), np.deg2rad(lats)
    across = np.deg2rad(np.subtract(lons, lon))
    half = np.sin((phis - phi) / 2) ** 2 + np.cos(phi) * np.cos(phis) * np.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS / 1000 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def cell_code(maps: xr.Dataset, lat: float, lon: float) -> np.ndarray | None:
    """Return the components (P,) of the task embedding of one cell; None where the maps have none there."""
    inside = cell_of(maps, lat, lon)
    if "code" not in maps or inside is None:
        return None
    row, column = inside
    code = maps["code"].isel(lat=row, lon=column).values
    return code if np.isfinite(code).all() else None


def like_towers(reference: "Reference", code: np.ndarray, lat: float, lon: float, count: int = 8) -> pd.DataFrame:
    """Return the training towers whose task embeddings are closest to that of a cell, the closest first.

    Args:
        reference: the training towers of the model that made the code.
        code: (P,) components of the cell's task embedding.
        lat: of the cell, degrees north.
        lon: of the cell, degrees east.
        count: how many.

    Returns:
        DataFrame(site): ``code_distance`` [1], ``times_usual`` and ``nearer_share`` of ``Reference.usual``, ``km``,
        ``igbp``, ``koeppen``, ``lat``, ``lon``.

    Raises:
        TamrlError: the code has not the number of components of this model.
    """
    if len(code) != reference.components.shape[1]:
        raise TamrlError(
            f"The task embeddings of these maps have {len(code)} components, the model {reference.components.shape[1]}",
            "task embeddings",
            "Choose the maps that this model made",
        )
    towers, distance = zip(*reference.nearest(np.asarray(code, np.float32), count), strict=True)
    index = np.array(towers, int)
    lats, lons = (np.asarray(getattr(reference, name), float)[index] for name in ("lat", "lon"))
    columns = {name: np.asarray(getattr(reference, name)).astype(str)[index] for name in ("igbp", "koeppen")}
    times, share = reference.usual(np.array(distance, float))
    return pd.DataFrame(
        {
            "code_distance": np.array(distance, float),
            "times_usual": times,
            "nearer_share": share,
            "km": distance_km(lat, lon, lats, lons),
            **columns,
            "lat": lats,
            "lon": lons,
        },
        index=pd.Index(np.asarray(reference.sites).astype(str)[index], name="site"),
    )


def static_of(place: Cell, trained: frozenset[str], igbp: str | None = None) -> np.ndarray:
    """Return the classes of a cell as the climate model reads them, (A,).

    Args:
        place: the cell.
        trained: land covers that training towers have; others count as ``unknown``.
        igbp: one land cover that is assumed for the whole cell; None for the mixture of its vegetated land, as in the
            maps (``tamrl.upscale.drivers.landcover``).
    """
    found = static_inputs(igbp if igbp in trained else UNKNOWN, place.koeppen)
    if igbp is None:
        mixture = vegetation(_fractions(place), trained)[0][0]
        found[: len(mixture)] = mixture
    return found


def vegetated(place: Cell) -> float:
    """Return the fraction of a cell's land that carries a flux: all that is not bare, snow, ice or water."""
    return float(vegetation(_fractions(place))[1][0])


def _fractions(place: Cell) -> np.ndarray:
    return np.array([place.covers.get(name, 0.0) for name in IGBP])[:, None]


def tower_of_cell(earth: xr.Dataset, lat: float, lon: float) -> xr.Dataset:
    """Return one cell as the record of a tower without fluxes, as the climate model reads it.

    The twelve months of the climatology are repeated: the first year is the spin-up of the model, the second is the
    one to use.

    Args:
        earth: of ``tamrl.globe.earth.load_earth``.
        lat: degrees north.
        lon: degrees east.

    Returns:
        Dataset(time) of 24 months with the bundled drivers of the cell, missing ``GPP, RECO, NEE``, ``NEE_QC`` 0, and
        the scalar coordinates of a tower; attribute ``frequency`` 1MS.

    Raises:
        TamrlError: the cell is over ocean.
    """
    place = place_at(earth, lat, lon)
    if place is None:
        raise TamrlError("There is no land here", position(lat, lon), "Choose a cell on land")
    first = month_starts()
    time = pd.DatetimeIndex(np.concatenate([first + pd.DateOffset(years=i) for i in range(_YEARS)]))
    data = {
        n: ("time", np.tile(place.drivers[n].values, _YEARS).astype(np.float32))
        for n in place.drivers
        if n != "SW_IN_POT"
    }
    data |= {n: ("time", np.full(len(time), value, np.float32)) for n, value in place.fixed.items()}
    data |= {flux: ("time", np.full(len(time), np.nan, np.float32)) for flux in FLUXES}
    data["NEE_QC"] = ("time", np.zeros(len(time), np.float32))
    coords = {
        "time": time,
        "site": f"cell {place.position}",
        "name": "",
        "lat": place.lat,
        "lon": place.lon,
        "igbp": place.igbp,
        "koeppen": place.koeppen,
    }
    return xr.Dataset(data, coords, {ATTRIBUTE: TimeStep.MONTHLY.value})
