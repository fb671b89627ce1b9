"""Writers of small tower files in the exact published formats. The values are made up: files written for tests."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.towers.archive import Tower

_MET = [
    "TA_F",
    "SW_IN_POT",
    "SW_IN_F",
    "LW_IN_F",
    "VPD_F",
    "PA_F",
    "P_F",
    "WS_F",
    "USTAR",
    "NETRAD",
    "CO2_F_MDS",
    "TS_F_MDS_1",
    "SWC_F_MDS_1",
]
_PERCENTILES = ("REF", "25", "50", "75")


def header(threshold: str = "VUT", versions: tuple[str, ...] = _PERCENTILES) -> list[str]:
    """Columns of a SUBSET DD file in their order (FULLSET has more of the same kind)."""
    columns = ["TIMESTAMP"]
    for name in _MET:
        columns += [name] if name == "SW_IN_POT" else [name, f"{name}_QC"]
    columns += [f"NEE_{threshold}_{v}" for v in versions] + [f"NEE_{threshold}_{v}_QC" for v in versions]
    for flux in ("RECO_NT", "GPP_NT", "RECO_DT", "GPP_DT"):
        columns += [f"{flux}_{threshold}_{v}" for v in versions]
    return [*columns, "RECO_SR", "RECO_SR_N"]


def values(days: int = 40, start: str = "2010-01-01", threshold: str = "VUT", version: str = "REF") -> pd.DataFrame:
    """A DD table with a closed carbon balance; what is not set is -9999, as published."""
    table = pd.DataFrame(-9999.0, index=range(days), columns=header(threshold))
    table["TIMESTAMP"] = pd.date_range(start, periods=days).strftime("%Y%m%d")
    step = np.arange(days)
    table["TA_F"], table["SW_IN_F"], table["VPD_F"] = 10 + np.sin(step), 150.0 + step % 7, 5.0
    table["P_F"], table["PA_F"], table["WS_F"] = 2.0, 99.0, 3.0
    key = f"{threshold}_{version}"
    table[f"GPP_NT_{key}"], table[f"RECO_NT_{key}"] = 4.0 + 0.01 * step, 3.0
    table[f"NEE_{key}"] = table[f"RECO_NT_{key}"] - table[f"GPP_NT_{key}"]
    table[f"NEE_{key}_QC"] = 0.9
    table[f"GPP_DT_{key}"] = 4.1
    return table


def write_dd(path: Path, table: pd.DataFrame | None = None, **settings) -> Path:
    """Write a DD file, gz where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (values(**settings) if table is None else table).to_csv(index=False).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def name(site: str, product: str = "FLUXNET2015_SUBSET", step: str = "DD") -> str:
    """The published name of a FLUXNET2015 file."""
    return f"FLX_{site}_{product}_{step}_2010-2010_1-4.csv"


def write_zip(path: Path, members: dict[str, str]) -> Path:
    """Write a zip of named text members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


def bif(site: str, lat: float = 47.5, lon: float = 8.4, igbp: str = "GRA") -> str:
    """A BIF table in the published layout."""
    rows = [("LOCATION_LAT", lat), ("LOCATION_LONG", lon), ("IGBP", igbp), ("SITE_NAME", "Written, for a test")]
    lines = [f'{site},{i},GRP_X,{variable},"{value}"' for i, (variable, value) in enumerate(rows)]
    return "\n".join(["SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE", *lines]) + "\n"


def bif_groups(site: str, rows: list[tuple[int, str, str]]) -> str:
    """A BIF table of (group, variable, value)."""
    lines = [f'{site},{group},GRP_{variable.split("_")[0]},{variable},"{value}"' for group, variable, value in rows]
    return "\n".join(["SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE", *lines]) + "\n"


def ingest(*arguments) -> tuple[int, str]:
    """Run ``tamrl ingest``; the exit status and what it wrote."""
    result = CliRunner().invoke(main, ["ingest", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def tower(site: str, days: int = 30, start: str = "2010-01-01", level: float = 1.0, **info) -> Tower:
    """A tower as a reader hands it over, with a closed balance and one driver."""
    index = pd.date_range(start, periods=days)
    gpp = np.full(days, 4.0 + level)
    table = pd.DataFrame({"GPP": gpp, "RECO": 3.0, "NEE": 3.0 - gpp, "NEE_QC": 1.0, "TA": level}, index=index)
    return Tower(site=site, table=table.astype(np.float32), source="written for a test", **info)


def write_table(folder: Path, sites: dict[str, int], listed: list[str] | None = None, monthly: bool = True) -> Path:
    """Write a table folder: daily.parquet with ``sites`` (site -> days), sites.csv for ``listed``, monthly.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for site, days in sites.items():
        frame = tower(site, days).table.rename(columns={"GPP": "GPP_NT", "RECO": "RECO_NT"})
        frames.append(frame.rename_axis("date").reset_index().assign(site=site))
    pd.concat(frames).to_parquet(folder / "daily.parquet")
    listed = list(sites) if listed is None else listed
    rows = [f"{site},Name of {site},47.1,11.3,GRA,Dfb" for site in listed]
    (folder / "sites.csv").write_text("\n".join(["site,site_name,lat,lon,igbp,koppen_class", *rows]) + "\n")
    if monthly:
        months = pd.DataFrame(
            {"TIMESTAMP": [201001, 201002], "LAI": [1.0, 2.0], "EVI": [0.2, np.nan], "P_F": [3.0, 4.0]}
        )
        pd.concat([months.assign(site=site) for site in sites]).to_parquet(folder / "monthly.parquet")
    return folder
