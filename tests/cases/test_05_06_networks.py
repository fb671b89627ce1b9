"""JapanFlux2024 and FluxDataKit: read, with what is taken for granted; other columns are named."""

import numpy as np
import pandas as pd
from tower_files import ingest, values, write_dd

from tamrl.towers.archive import load_archive, record


def test_japanflux2024(tmp_path):
    table = values(days=400, start="2019-01-01")
    table.columns = [c.replace("_VUT_REF", "_vUT").replace("SWC_F_MDS_1", "SWC_F_MDS") for c in table.columns]
    table["SWC_F_MDS"] = 25.0
    path = write_dd(tmp_path / "in" / "FLX_JP-Xxx_JapanFLUX2024_ALLVARS_DD_2019-2020_1-3.csv", table)
    (tmp_path / "in" / "FLX_JP-Xxx_JapanFLUX2024_COREVARS_DD_2019-2020_1-3.csv").write_text("TIMESTAMP,NEE\n")
    code, text = ingest(path.parent, "-w", tmp_path / "w")
    assert code == 0, text
    assert "fluxes are vUT" in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "JP-Xxx")
    np.testing.assert_allclose(tower["GPP"], table["GPP_NT_vUT"], rtol=1e-6)
    np.testing.assert_allclose(tower["NEE_QC"], table["NEE_vUT_QC"], rtol=1e-6)
    assert (tower["SWC"] == 25).all()


def test_fluxdatakit(tmp_path):
    table = values(days=400, start="2019-01-01")
    table["TIMESTAMP"] = pd.to_datetime(table["TIMESTAMP"]).dt.strftime("%Y-%m-%d")
    table = table.rename(columns={f"{name}_F": f"{name}_F_MDS" for name in ("TA", "SW_IN", "VPD", "LW_IN")})
    table = table.drop(columns=["RECO_SR"]).assign(LAI=2.1, FPAR=0.6)
    path = tmp_path / "FLX_CH-Yyy_FLUXDATAKIT_FULLSET_DD_2019_2020_2-3.csv"
    table.to_csv(path, index=False, na_rep="NA")
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 0, text
    for part in ("TA_F_MDS, SW_IN_F_MDS", "LAI and FPAR are not read", "units of FLUXNET daily files are assumed"):
        assert part in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "CH-Yyy")
    assert str(tower.time.values[0])[:10] == "2019-01-01"
    np.testing.assert_allclose(tower["TA"], table["TA_F_MDS"], rtol=1e-6)


def test_fluxes_in_columns_of_other_names_are_named(tmp_path):
    table = values(days=60)
    table.columns = [c.replace("_VUT_REF", "_PI_F") for c in table.columns]
    path = write_dd(
        tmp_path / "FLX_JP-Xxx_JapanFLUX2024_ALLVARS_DD_2019-2020_1-3.csv", table[["TIMESTAMP", "NEE_PI_F"]]
    )
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 1
    assert "it has NEE_PI_F" in text
    assert "Give a FLUXNET daily (DD) file" not in text
