"""Reader of CarbonFluxBench (Rozanov et al., Hugging Face alexroz/CarbonFluxBench) as it is published.

One file has the fluxes of all towers, two have their drivers by tower and day: daily aggregates of ERA5-Land and
reflectances of MOD09GA. Of those two only the needed columns are read, batch by batch (``long_table``), on the days of
the towers' records. Columns without a variable in the schema are not read.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers import satellite
from tamrl.towers.archive import Tower
from tamrl.towers.readers import parquet
from tamrl.towers.readers.dates import read_dates
from tamrl.towers.readers.ids import read_ids, tower_id
from tamrl.towers.readers.layouts import saturation
from tamrl.towers.readers.long_table import Records, read_long, records_of
from tamrl.towers.readers.numbers import to_numbers
from tamrl.towers.readers.site_values import Faults, check
from tamrl.towers.readers.tables import TableReading
from tamrl.towers.readers.text import REJECTED_SHARE

TARGETS, WEATHER, REFLECTANCE = "target_fluxes_v2.parquet", "ERA5.parquet", "MOD09GA.parquet"
#: Koeppen classes of towers, those with all letters first; names of features by set.
KOEPPEN, FEATURES = ("koppen_sites_short.json", "koppen_sites.json"), "feature_sets.json"
FILES = (TARGETS, WEATHER, REFLECTANCE, *KOEPPEN, FEATURES)
VARIANT = "VUT_USTAR50"
FLUXES = {
    "GPP_NT_VUT_USTAR50": "GPP",
    "RECO_NT_VUT_USTAR50": "RECO",
    "NEE_VUT_USTAR50": "NEE",
    "NEE_VUT_USTAR50_QC": "NEE_QC",
}
_ABOUT = {"lat": "lat", "lon": "lon", "IGBP": "igbp"}
_KELVIN, _SECONDS = 273.15, 86_400
_AIR, _COLDEST, _WARMEST = "temperature_2m", "temperature_2m_min", "temperature_2m_max"
_DEW = "dewpoint_temperature_2m"
_LEAVES = ("leaf_area_index_high_vegetation", "leaf_area_index_low_vegetation")
_RED, _NEAR_INFRARED, _BLUE, _CLOUDS = "sur_refl_b01", "sur_refl_b02", "sur_refl_b03", "clouds"
#: Largest share of clouds of a day whose reflectances count, and days of a composite, as those of MOD13A1.
CLEAR, COMPOSITE = 0.1, 16
#: Reflectances lie between 0 and about 1; as published by NASA they are whole numbers in steps of this size.
_STEP, _LARGEST_MEDIAN = 1e-4, 2.0

Bands = Callable[[pd.DataFrame], pd.Series]


def _deficit(raw: pd.DataFrame) -> pd.Series:
    """Return VPD: saturation, the mean of those at the coldest and warmest hour where known, less that at dew point."""
    names = (_COLDEST, _WARMEST) if {_COLDEST, _WARMEST} <= set(raw) else (_AIR,)
    saturated = sum(saturation(raw[name] - _KELVIN) for name in names) / len(names)
    return (saturated - saturation(raw[_DEW] - _KELVIN)).clip(lower=0)


#: Variable -> the bands of ECMWF/ERA5_LAND/DAILY_AGGR that it needs, and how it is made of them. ERA5-Land has sums
#: just below zero, of rounding.
DRIVERS: dict[str, tuple[tuple[str, ...], Bands]] = {
    "TA": ((_AIR,), lambda raw: raw[_AIR] - _KELVIN),
    "TA_MIN": ((_COLDEST,), lambda raw: raw[_COLDEST] - _KELVIN),
    "TA_MAX": ((_WARMEST,), lambda raw: raw[_WARMEST] - _KELVIN),
    "SW_IN": (
        ("surface_solar_radiation_downwards_sum",),
        lambda raw: raw["surface_solar_radiation_downwards_sum"].clip(lower=0) / _SECONDS,
    ),
    "VPD": ((_AIR, _DEW), _deficit),
    "LW_IN": (
        ("surface_thermal_radiation_downwards_sum",),
        lambda raw: raw["surface_thermal_radiation_downwards_sum"] / _SECONDS,
    ),
    "P": (("total_precipitation_sum",), lambda raw: 1000 * raw["total_precipitation_sum"].clip(lower=0)),
    "PA": (("surface_pressure",), lambda raw: raw["surface_pressure"] / 1000),
    "SWC": (("volumetric_soil_water_layer_1",), lambda raw: 100 * raw["volumetric_soil_water_layer_1"]),
    "LAI": (_LEAVES, lambda raw: raw[_LEAVES[0]] + raw[_LEAVES[1]]),
}


def beside(path: Path, name: str) -> Path | None:
    """Return a file of the data set: in the folder of ``path``, in ``data`` in it, or above where that is ``data``."""
    folder = path.parent
    folders = (folder, folder / "data", *([folder.parent] if folder.name == "data" else []))
    return next((found / name for found in folders if (found / name).is_file()), None)


def belongs(path: Path) -> bool:
    """Return whether a path is a file of CarbonFluxBench: its fluxes, or a file beside them."""
    return path.name in FILES and path.is_file() and beside(path, TARGETS) is not None


def read_benchmark(targets: str | Path) -> TableReading:
    """Read all towers of CarbonFluxBench.

    Args:
        targets: its file of fluxes; the other files lie beside it, or one of the two in a folder ``data``.

    Returns:
        One Tower per site, with a row for each day from its first to its last with a flux. Fluxes in gC m-2 d-1, NEE_QC
        0-1; drivers in the units of the schema. Whatever else is missing or could not be read is named in ``failures``.

    Raises:
        TamrlError: the fluxes cannot be read, lack a column, or their dates or ids are refused.
    """
    targets, reading = Path(targets), TableReading()
    reading.towers = _towers(_targets(targets, reading), targets, reading)
    if not reading.towers:
        return reading
    records = records_of({tower.site: tower.table for tower in reading.towers})
    made = {
        WEATHER: lambda path: _weather(path, records, reading.notes),
        REFLECTANCE: lambda path: _greenness(path, records, reading.notes),
    }
    for name, read in made.items():
        path = beside(targets, name)
        if path is None:
            reading.failures.append(_absent(name, targets, "the towers lack the drivers that it holds"))
            continue
        try:
            columns = read(path)
        except TamrlError as error:
            reading.failures.append(str(error))
            continue
        for i, tower in enumerate(reading.towers):
            _give(tower, {variable: records.of(values, i) for variable, values in columns.items()}, name)
    _say_features(targets, reading)
    return reading


def _absent(name: str, targets: Path, so: str) -> str:
    return f"{name} is not beside {targets}: {so}. `tamrl fetch carbonfluxbench` downloads what is missing"


def _targets(path: Path, reading: TableReading) -> pd.DataFrame:
    """Read the fluxes of all towers: ``site, day``, position, class and the fluxes, each site-day once."""
    there = parquet.columns(path)
    if lacks := [name for name in ("TIMESTAMP", "site", *_ABOUT, *FLUXES) if name not in there]:
        what = f"The fluxes of CarbonFluxBench lack {', '.join(lacks)}"
        raise TamrlError(what, str(path), "Download it again; a later version may have another layout")
    table = parquet.read(path, ["TIMESTAMP", "site"], _ABOUT | FLUXES)
    dates = read_dates(table["TIMESTAMP"], f"{path.name}, column TIMESTAMP")
    reading.notes += [f"{path.name}: {note}" for note in dates.notes]
    table = table.assign(day=dates.days, site=read_ids(table["site"], path.name, reading.notes))
    good = table["day"].notna() & table["site"].notna()
    unread = int((~good).sum())
    if unread > REJECTED_SHARE * len(table):
        what = f"{unread:,} of {len(table):,} rows have no readable date or site"
        raise TamrlError(what, str(path), "Download it again")
    if unread:
        reading.notes.append(f"{path.name}: {unread:,} rows without a readable date or site rejected")
    repeated = table[good].duplicated(["site", "day"])
    if repeated.any():
        said = f"{path.name}: {int(repeated.sum()):,} repeated site-days rejected, the first of each kept"
        reading.notes.append(said)
    return table[good][~repeated].drop(columns="TIMESTAMP")


def _towers(table: pd.DataFrame, targets: Path, reading: TableReading) -> list[Tower]:
    """Return the towers with their fluxes, a row for each day of the record."""
    values, said, wrong = to_numbers(table[list(FLUXES.values())], targets.name)
    reading.notes += [f"{targets.name}: {note}" for note in said]
    reading.failures += wrong.values()
    values, about = values.astype(np.float32), Faults(targets.name)
    climates = _climates(targets, reading)
    towers = []
    for site, rows in table.groupby("site", sort=True):
        fluxes = values.loc[rows.index].set_axis(pd.DatetimeIndex(rows["day"]), axis=0).sort_index()
        days = fluxes.index[fluxes[list(schema.FLUXES)].notna().any(axis=1)]
        if not len(days):
            reading.failures.append(f"{site}: {targets.name} has no flux of it")
            continue
        fluxes = fluxes.reindex(pd.date_range(days[0], days[-1], name="date"))
        tower = Tower(site=str(site), table=fluxes, variant=VARIANT, failed=set(wrong))
        tower.source = f"{targets.name} (CarbonFluxBench, {VARIANT})"
        for key in _ABOUT.values():
            given = rows[key].dropna().unique()
            if len(given) > 1:
                tower.notes.append(f"{targets.name}: {key} is {given[0]} and {given[1]}, the first is taken")
            setattr(tower, key, check(key, given[0] if len(given) else None, tower.site, about))
        tower.koeppen = str(check("koeppen", climates.get(tower.site), tower.site, about))
        towers.append(tower)
    reading.failures += about.words()
    return towers


def _climates(targets: Path, reading: TableReading) -> dict[str, str]:
    """Return site -> Koeppen class, with all its letters where they are known."""
    found: dict[str, str] = {}
    paths = [path for path in (beside(targets, name) for name in KOEPPEN) if path]
    for path in paths:
        classes = _json(path, reading)
        found = {tower_id(str(site)): str(label) for site, label in classes.items()} | found
    if not paths:
        reading.failures.append(_absent(" or ".join(KOEPPEN), targets, "the towers have no Köppen class"))
    return found


def _json(path: Path, reading: TableReading) -> dict[str, Any]:
    """Return what a JSON file of names holds; empty, and said in words, where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        content = error
    if isinstance(content, dict):
        return content
    reading.failures.append(str(TamrlError(f"This is not a table of names: {content}"[:300], str(path), "Download it")))
    return {}


def _weather(path: Path, records: Records, notes: list[str]) -> dict[str, np.ndarray]:
    """Return the drivers that daily ERA5-Land holds, (D,) each."""
    bands = dict.fromkeys(band for needed, _ in DRIVERS.values() for band in needed)
    raw = pd.DataFrame(read_long(path, list(bands), records, notes))
    made = {name: make(raw).to_numpy(np.float32) for name, (needed, make) in DRIVERS.items() if set(needed) <= set(raw)}
    if lacks := [name for name in DRIVERS if name not in made]:
        notes.append(f"{path.name}: no band for {', '.join(lacks)}")
    said = "drivers are daily means and sums of ERA5-Land, whose days are those of UTC, not of the tower"
    leaves = "; LAI is the sum of its high and low vegetation, a mean annual cycle" if "LAI" in made else ""
    notes.append(f"{path.name}: {said}{leaves}")
    return made


def _greenness(path: Path, records: Records, notes: list[str]) -> dict[str, np.ndarray]:
    """Return EVI of clear days, (D,): 2.5 (NIR - red) / (NIR + 6 red - 7.5 blue + 1), Huete et al. 2002.

    doi:10.1016/S0034-4257(02)00096-2
    """
    names = (_RED, _NEAR_INFRARED, _BLUE, _CLOUDS)
    raw = read_long(path, names, records, notes)
    if lacks := [name for name in names if name not in raw]:
        what = f"There is no EVI, since the table lacks {', '.join(lacks)}"
        raise TamrlError(what, str(path), "Download it again; a later version may have another layout")
    red, infrared, blue, clouds = (raw[name] for name in names)
    if np.nanmedian(np.append(infrared, 0)) > _LARGEST_MEDIAN:
        red, infrared, blue = (band * np.float32(_STEP) for band in (red, infrared, blue))
        notes.append(f"{path.name}: reflectances are in steps of {_STEP:g}, converted")
    with np.errstate(divide="ignore", invalid="ignore"):
        index = 2.5 * (infrared - red) / (infrared + 6 * red - 7.5 * blue + 1)
        low, high = schema.variable("EVI").bounds
        kept = np.where((clouds <= CLEAR) & (index >= low) & (index <= high), index, np.nan)
    notes.append(
        f"{path.name}: EVI is the median over {COMPOSITE} days of those with clouds of at most {CLEAR:g}, on the line "
        "between such medians"
    )
    return {"EVI": kept.astype(np.float32)}


def _give(tower: Tower, columns: dict[str, np.ndarray], label: str) -> None:
    """Give a tower the drivers of its days; EVI as composites, since most days are cloudy."""
    days = pd.DatetimeIndex(tower.table.index)
    seen = {name: columns.pop(name) for name in ("EVI",) if name in columns}
    tower.table = tower.table.assign(**columns)
    if seen:
        # Composites begin on 1 January, as those of MODIS do.
        within = (days.day_of_year - 1) % COMPOSITE
        series = pd.DataFrame(seen, index=days).groupby(days - pd.to_timedelta(within, unit="D")).median()
        satellite.put_on_days(tower, series, label)


def _say_features(targets: Path, reading: TableReading) -> None:
    """Note what of the published set of six features has no place in the schema."""
    path = beside(targets, FEATURES)
    sets = _json(path, reading) if path else {}
    read = {band for needed, _ in DRIVERS.values() for band in needed}
    if left := [str(name) for name in sets.get("minimal", ()) if name not in read]:
        reading.notes.append(f"{FEATURES}: of the minimal set {', '.join(left)} have no variable here and are not read")
