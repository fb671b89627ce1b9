"""Of several dated groups of a BIF the one counts that holds during the record; a change within it is noted."""

from tower_files import bif_groups, ingest, values, write_zip

from tamrl.towers.archive import load_archive, record

SITE = "US-Zz1"
GROUPS = [
    (1, "SITE_NAME", "Invented burn"),
    (2, "LOCATION_LAT", "45.10"),
    (2, "LOCATION_LONG", "-90.20"),
    (2, "LOCATION_DATE_START", "1999"),
    (3, "LOCATION_LAT", "46.50"),
    (3, "LOCATION_LONG", "-91.70"),
    (3, "LOCATION_DATE_START", "20180601"),
    (4, "IGBP", "ENF"),
    (4, "IGBP_DATE_START", "1999"),
    (5, "IGBP", "GRA"),
    (5, "IGBP_DATE_START", "20180601"),
    (5, "IGBP_COMMENT", "clear-cut"),
    (6, "CLIMATE_KOEPPEN", "Dfb"),
]


def read(tmp_path, start):
    members = {
        f"AMF_{SITE}_FLUXNET_FLUXMET_DD_2019-2020_v1.3_r1.csv": values(400, start).to_csv(index=False),
        f"AMF_{SITE}_FLUXNET_BIF_2019-2020_v1.3_r1.csv": bif_groups(SITE, GROUPS),
    }
    path = write_zip(tmp_path / f"AMF_{SITE}_FLUXNET_2019-2020_v1.3_r1.zip", members)
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 0, text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), SITE)
    return [tower[key].item() for key in ("igbp", "lat", "lon", "koeppen")], text


def test_the_groups_that_hold_during_the_record(tmp_path):
    found, text = read(tmp_path, "2019-01-01")
    assert found == ["GRA", 46.5, -91.7, "Dfb"]
    assert "changed within the record" not in text


def test_a_change_within_the_record_is_noted(tmp_path):
    found, text = read(tmp_path, "2017-12-01")
    assert found == ["GRA", 46.5, -91.7, "Dfb"]
    assert "IGBP class changed within the record (ENF from 1999-01-01, GRA from 2018-06-01)" in text
    assert "latitude changed" in text
