"""A small CarbonFluxBench in the layout that is published, of SIMULATED towers so that models can learn from it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from tamrl.simulation.towers import simulate

#: What the published list of six features holds.
MINIMAL = [
    "temperature_2m",
    "total_precipitation_sum",
    "surface_net_solar_radiation_sum",
    "total_evaporation_sum",
    "leaf_area_index_high_vegetation",
    "leaf_area_index_low_vegetation",
]
NETWORKS = ("AMF", "FLX", "ICOSETC")


def write(folder: Path, towers: int = 8, bands: int = 24, row_group: int = 3000) -> xr.Dataset:
    """Write all six files and return the towers that they are made of.

    Args:
        folder: to write to.
        towers: how many.
        bands: columns of values in the file of ERA5-Land, those that are read among them.
        row_group: rows of a row group.
    """
    archive = simulate(towers)
    folder.mkdir(parents=True, exist_ok=True)
    days = {str(s): archive.sel(site=s).to_dataframe().dropna(subset=["TA"]) for s in archive.site.values}
    targets = pd.concat([_fluxes(rows, str(site), archive) for site, rows in days.items()], ignore_index=True)
    targets.to_parquet(folder / "target_fluxes_v2.parquet", index=False)
    era5 = pd.concat([_weather(rows, str(site), bands, i) for i, (site, rows) in enumerate(days.items())])
    save(era5, folder / "ERA5.parquet", row_group)
    modis = pd.concat([_reflectances(rows, str(site), i) for i, (site, rows) in enumerate(days.items())])
    save(modis, folder / "MOD09GA.parquet", row_group)
    climate = dict(zip(archive.site.values.tolist(), archive.koeppen.values.tolist(), strict=True))
    (folder / "koppen_sites_short.json").write_text(json.dumps(climate))
    (folder / "koppen_sites.json").write_text(json.dumps({site: label[0] for site, label in climate.items()}))
    full = [name for name in era5.columns if name not in ("site", "date")]
    (folder / "feature_sets.json").write_text(json.dumps({"minimal": MINIMAL, "standard": full[:12], "full": full}))
    return archive


def save(table: pd.DataFrame, file: Path, row_group: int = 3000) -> None:
    """Write a table in several row groups."""
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), file, row_group_size=row_group)


def prefixed(site: str, number: int) -> str:
    """Return an id with a network before it, as the files of features have it at most towers."""
    return f"{NETWORKS[number % 3]}_{site}" if number % 4 else site


def _fluxes(rows: pd.DataFrame, site: str, archive: xr.Dataset) -> pd.DataFrame:
    place = archive.sel(site=site)
    table = pd.DataFrame(
        {
            "TIMESTAMP": rows.index.strftime("%Y%m%d").astype(int),
            "site": site,
            "lat": round(float(place.lat), 3),
            "lon": round(float(place.lon), 3),
            "IGBP": str(place.igbp.item()),
            "network": "SIMULATED",
        }
    )
    names = {
        "GPP_NT_VUT_USTAR50": "GPP",
        "RECO_NT_VUT_USTAR50": "RECO",
        "NEE_VUT_USTAR50": "NEE",
        "NEE_VUT_USTAR50_QC": "NEE_QC",
    }
    return table.assign(**{column: rows[name].fillna(-9999).to_numpy() for column, name in names.items()})


def _pressure(celsius: pd.Series) -> pd.Series:
    return 6.1094 * np.exp(17.625 * celsius / (celsius + 243.04))


def _weather(rows: pd.DataFrame, site: str, bands: int, number: int) -> pd.DataFrame:
    """Return the bands of ERA5-Land, in its units, and further ones that are not read."""
    saturated = (_pressure(rows["TA_MIN"]) + _pressure(rows["TA_MAX"])) / 2
    log = np.log(np.maximum(saturated - rows["VPD"], 0.01) / 6.1094)
    table = pd.DataFrame(
        {
            "temperature_2m": rows["TA"] + 273.15,
            "temperature_2m_min": rows["TA_MIN"] + 273.15,
            "temperature_2m_max": rows["TA_MAX"] + 273.15,
            "dewpoint_temperature_2m": 243.04 * log / (17.625 - log) + 273.15,
            "total_precipitation_sum": rows["P"] / 1000,
            "surface_solar_radiation_downwards_sum": rows["SW_IN"] * 86_400,
            "surface_net_solar_radiation_sum": rows["SW_IN"] * 86_400 * 0.8,
            "total_evaporation_sum": -0.001,
            "leaf_area_index_high_vegetation": rows["LAI"] * 0.75,
            "leaf_area_index_low_vegetation": rows["LAI"] * 0.25,
        }
    ).astype(np.float64)
    rng = np.random.default_rng(number)
    more = {f"band_{i:03}": rng.normal(size=len(rows)) for i in range(bands - table.shape[1])}
    table = pd.concat([table, pd.DataFrame(more, index=rows.index)], axis=1).fillna(-9999)
    table.insert(0, "date", rows.index.strftime("%Y-%m-%d"))
    table.insert(0, "site", prefixed(site, number))
    return table


def _reflectances(rows: pd.DataFrame, site: str, number: int) -> pd.DataFrame:
    """Return reflectances whose EVI is that of the tower on clear days; under clouds they are bright."""
    red, blue = 0.05, 0.03
    infrared = (rows["EVI"] * (6 * red - 7.5 * blue + 1) + 2.5 * red) / (2.5 - rows["EVI"])
    cloudy = np.arange(len(rows)) % 3 > 0
    names = {f"sur_refl_b{i:02}": 0.1 for i in range(4, 8)}
    angles = dict.fromkeys(("SensorZenith", "SensorAzimuth", "SolarZenith", "SolarAzimuth"), 30.0)
    table = pd.DataFrame({"site": prefixed(site, number), "date": rows.index.date}, index=rows.index)
    bands = {"sur_refl_b01": red, "sur_refl_b02": infrared, "sur_refl_b03": blue}
    bands = {name: np.where(cloudy, 0.8, values) for name, values in bands.items()}
    return table.assign(**bands, **names, **angles, clouds=np.where(cloudy, 0.9, 0.02)).fillna(-9999)
