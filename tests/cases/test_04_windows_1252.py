"""Text of Windows-1252 keeps its letters, and it is said."""

from tower_files import bif_groups, ingest, name, values, write_dd

from tamrl.towers.archive import load_archive, record


def test_the_name_of_a_bif_and_of_a_table_of_sites(tmp_path):
    folder = tmp_path / "in"
    write_dd(folder / name("SE-Ddd"), values(days=60))
    write_dd(folder / name("ES-Eee"), values(days=60))
    about = bif_groups("SE-Ddd", [(1, "SITE_NAME", "Åkerö hedge"), (2, "IGBP", "CRO")])
    (folder / "AMF_SE-Ddd_BIF_20240101.csv").write_bytes(about.encode("cp1252"))
    (folder / "towers.csv").write_bytes("site,lat,lon,name\nES-Eee,40,-3,El Niño\n".encode("cp1252"))
    code, text = ingest(folder, "-w", tmp_path / "w")
    assert code == 0, text
    archive = load_archive(tmp_path / "w" / "archive.zarr")
    assert record(archive, "SE-Ddd")["name"].item() == "Åkerö hedge"
    assert record(archive, "ES-Eee")["name"].item() == "El Niño"
    assert text.count("Windows-1252") == 2
