"""Writers of files of half-hours and hours in the exact published layouts. Values are made up: written for tests."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

#: Columns of a FLUXNET HH file, a choice of each kind in their order.
FLUXNET = [
    *("TIMESTAMP_START", "TIMESTAMP_END", "TA_F", "TA_F_QC", "SW_IN_POT", "SW_IN_F", "SW_IN_F_QC", "LW_IN_F"),
    *("VPD_F", "VPD_F_QC", "PA_F", "P_F", "P_F_QC", "WS_F", "CO2_F_MDS", "SWC_F_MDS_1"),
    *("NEE_VUT_REF", "NEE_VUT_REF_QC", "RECO_NT_VUT_REF", "GPP_NT_VUT_REF", "GPP_NT_VUT_USTAR50"),
    *("RECO_DT_VUT_REF", "GPP_DT_VUT_REF", "LE_F_MDS"),
]


def starts(days: int, minutes: int = 30, start: str = "2010-01-01") -> pd.DatetimeIndex:
    """Beginnings of the steps of some days."""
    return pd.date_range(start, periods=days * 24 * 60 // minutes, freq=f"{minutes}min")


def fluxnet_steps(days: int = 3, minutes: int = 30, start: str = "2010-01-01") -> pd.DataFrame:
    """A FLUXNET HH or HR table: a day's course of radiation and GPP, closed balance, -9999 where nothing is set."""
    begin = starts(days, minutes, start)
    table = pd.DataFrame(-9999.0, index=range(len(begin)), columns=FLUXNET)
    table["TIMESTAMP_START"] = begin.strftime("%Y%m%d%H%M")
    table["TIMESTAMP_END"] = (begin + pd.Timedelta(minutes=minutes)).strftime("%Y%m%d%H%M")
    hour = (begin.hour + begin.minute / 60 + minutes / 120).to_numpy()
    sun = np.clip(np.sin((hour - 6) * np.pi / 12), 0, None)
    table["SW_IN_F"], table["TA_F"], table["VPD_F"] = 600 * sun, 10 + 5 * sun, 5.0
    table["P_F"], table["PA_F"], table["WS_F"], table["LW_IN_F"] = 0.05, 99.0, 3.0, 300.0
    table["GPP_NT_VUT_REF"], table["RECO_NT_VUT_REF"] = 12 * sun, 3.0
    table["NEE_VUT_REF"] = table["RECO_NT_VUT_REF"] - table["GPP_NT_VUT_REF"]
    table["NEE_VUT_REF_QC"], table["GPP_DT_VUT_REF"], table["RECO_DT_VUT_REF"] = 0, 11 * sun, 3.1
    return table


def reddyproc(days: int = 3, scenario: str = "_uStar", ends: bool = True) -> pd.DataFrame:
    """An export of REddyProc with its data frame before it; times are ends of half-hours."""
    begin = starts(days)
    time = begin + pd.Timedelta(minutes=30) if ends else begin
    source = fluxnet_steps(days)
    table = pd.DataFrame({"DateTime": time.strftime("%Y-%m-%d %H:%M:%S"), "NEE": -9999.0})
    table["Rg"], table["Tair"], table["VPD"] = source["SW_IN_F"], source["TA_F"], source["VPD_F"]
    table[f"NEE{scenario}_orig"] = -9999.0
    table[f"NEE{scenario}_f"], table[f"NEE{scenario}_fqc"] = source["NEE_VUT_REF"], 0
    table["Tair_f"], table["VPD_f"], table["Rg_f"] = source["TA_F"], source["VPD_F"], source["SW_IN_F"]
    table[f"Reco{scenario}"], table[f"GPP{scenario}_f"] = source["RECO_NT_VUT_REF"], source["GPP_NT_VUT_REF"]
    table[f"GPP_DT{scenario}"], table[f"Reco_DT{scenario}"] = source["GPP_DT_VUT_REF"], source["RECO_DT_VUT_REF"]
    return table


def base(days: int = 3) -> pd.DataFrame:
    """A table of AmeriFlux BASE, without its two lines of comment."""
    source = fluxnet_steps(days)
    table = source[["TIMESTAMP_START", "TIMESTAMP_END"]].copy()
    table["FC"], table["NEE_PI"] = source["NEE_VUT_REF"] - 0.1, source["NEE_VUT_REF"]
    table["TA_1_1_1"], table["RH"], table["PA"], table["P"] = source["TA_F"], 60.0, 99.0, 0.05
    table["SW_IN"], table["WS"] = source["SW_IN_F"], 3.0
    return table


def write_steps(path: Path, table: pd.DataFrame, before: str = "", **how) -> Path:
    """Write a table, with lines before its header, gz where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (before + table.to_csv(index=False, **how)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_base(path: Path, table: pd.DataFrame) -> Path:
    """Write a file of AmeriFlux BASE."""
    return write_steps(path, table, before="# Site: US-Ccc\n# Version: 2-5\n")


#: Full output of EddyPro: groups, names and units, then rows.
EDDYPRO = (
    "file_info,,,,,,,corrected_fluxes_and_quality_flags,,,,,,,\n"
    "filename,date,time,DOY,daytime,file_records,used_records,Tau,qc_Tau,H,qc_H,LE,qc_LE,co2_flux,qc_co2_flux\n"
    ",[yyyy-mm-dd],[HH:MM],[ddd.ddd],[1=daytime],[#],[#],[kg+1m-1s-2],[#],[W+1m-2],[#],[W+1m-2],[#],"
    "[\N{MICRO SIGN}mol+1s-1m-2],[#]\n"
    "a.ghg,2019-06-01,00:30,152.02,0,18000,17998,-0.01,0,-5.1,1,2.2,0,1.3,1\n"
)
