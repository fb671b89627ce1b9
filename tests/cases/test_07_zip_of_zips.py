"""A zip of zips, as the ICOS Carbon Portal and JapanFlux give them, is read."""

import io
import zipfile

from tower_files import ingest, values, write_zip

from tamrl.towers.archive import load_archive


def test_a_zip_of_zips(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("ICOSETC_BE-Eee_FLUXNET_DD_L2.csv", values(days=400).to_csv(index=False))
    members = {"ICOSETC_BE-Eee_ARCHIVE_L2.zip": raw.getvalue(), "!TOC.csv": "a,b\n1,2\n"}
    folder = tmp_path / "in"
    folder.mkdir()
    write_zip(folder / "Ecosystem_final_quality_L2_product_2024-1.zip", members)
    code, text = ingest(folder, "-w", tmp_path / "w")
    assert code == 0, text
    archive = load_archive(tmp_path / "w" / "archive.zarr")
    assert list(archive.site.values) == ["BE-Eee"]
    assert archive.sizes["time"] == 400


def test_a_zip_of_zips_without_days_says_what_it_holds(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as inner:
        inner.writestr("ICOSETC_BE-Eee_FLUXNET_MM_L2.csv", "TIMESTAMP,NEE_VUT_REF\n")
    path = write_zip(tmp_path / "all.zip", {"ICOSETC_BE-Eee_ARCHIVE_L2.zip": raw.getvalue()})
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 1
    assert "the zip holds no daily (DD), half-hourly (HH) or hourly (HR) file, only MM" in text
