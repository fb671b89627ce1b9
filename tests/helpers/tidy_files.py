"""Writers of tidy tables as people keep them: own names, units and dates. Values are made up: written for tests."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd


def fluxes(days: int = 400) -> pd.DataFrame:
    """Days of a tower in the units of the schema, index of dates, with a closed balance."""
    index = pd.date_range("2019-01-01", periods=days, name="date")
    season = np.sin(2 * np.pi * (np.arange(days) - 100) / 365)
    gpp, reco = 4 + 3.5 * season, 2.5 + 1.5 * season
    return pd.DataFrame(
        {
            "TA": 9 + 9 * season,
            "SW_IN": 140 + 90 * season,
            "VPD": 6 + 4 * season,
            "PA": 99 + 0.5 * season,
            "P": 2 + np.arange(days) % 3,
            "GPP": gpp,
            "RECO": reco,
            "NEE": reco - gpp,
            "NEE_QC": 0.9,
        },
        index=index,
    )


def own(days: int = 400, site: str = "XX-Abc") -> pd.DataFrame:
    """The same days under other names and in other units: K, MJ, kPa, hPa, umol m-2 s-1, NEP; one column of no use."""
    table = fluxes(days)
    carbon = 12.011e-6 * 86_400
    return pd.DataFrame(
        {
            "Date": table.index.strftime("%d.%m.%Y"),
            "Station": site,
            "T_air [K]": table["TA"] + 273.15,
            "Rg_MJ": table["SW_IN"] * 0.0864,
            "VPD": table["VPD"] / 10,
            "Pressure": table["PA"] * 10,
            "rain (mm/day)": table["P"],
            "GPP_umol_m2_s": table["GPP"] / carbon,
            "Reco [umol m-2 s-1]": table["RECO"] / carbon,
            "NEP [umol m-2 s-1]": -table["NEE"] / carbon,
            "QC [%]": table["NEE_QC"] * 100,
            "LE": 50.0,
        }
    ).reset_index(drop=True)


def write_xlsx(path: Path, table: pd.DataFrame) -> Path:
    """Write a workbook of one sheet; dates as the day numbers that spreadsheets keep, numbers as numbers."""

    def cell(value: object) -> str:
        if isinstance(value, pd.Timestamp):
            value = (value - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)
        if isinstance(value, (int, float, np.number)):
            return "<c/>" if np.isnan(value) else f"<c><v>{float(value)!r}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    lines = [list(table.columns), *table.itertuples(index=False)]
    rows = "".join(f"<row>{''.join(cell(value) for value in line)}</row>" for line in lines)
    sheet = (
        f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", f"{sheet}</worksheet>")
    return path
