"""Archive zips of ICOS: SITEINFO is the table of the site, VARINFO and ANCILLARY are no towers."""

import pytest
from tower_files import bif_groups, ingest, values, write_zip

from tamrl.towers.archive import load_archive, record

SITE = "FR-Xyz"


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_of_icos_gives_its_tower_with_position_and_classes(tmp_path, packed):
    about = bif_groups(
        SITE,
        [
            (1, "SITE_NAME", "Somewhere"),
            (2, "LOCATION_LAT", 48.4),
            (2, "LOCATION_LONG", 2.7),
            (3, "IGBP", "DBF"),
            (4, "CLIMATE_KOEPPEN", "Cfb"),
        ],
    )
    variables = bif_groups(SITE, [(1, "VAR_INFO_VARNAME", "TA_F"), (2, "VAR_INFO_UNIT", "deg C")])
    members = {
        f"ICOSETC_{SITE}_FLUXNET_DD_L2.csv": values(days=400).to_csv(index=False),
        f"ICOSETC_{SITE}_FLUXNET_MM_L2.csv": "TIMESTAMP,TA_F\n201901,3\n",
        f"ICOSETC_{SITE}_FLUXES_L2.csv": "TIMESTAMP_START,TIMESTAMP_END\n",
        f"ICOSETC_{SITE}_METEO_L2.csv": "TIMESTAMP_START,TIMESTAMP_END\n",
        f"ICOSETC_{SITE}_VARINFO_FLUXNET_DD_L2.csv": variables,
        f"ICOSETC_{SITE}_VARINFO_METEO_L2.csv": variables,
        f"ICOSETC_{SITE}_SITEINFO_L2.csv": about,
        f"ICOSETC_{SITE}_ANCILLARY_L2.csv": variables,
        "README.txt": "text",
    }
    folder = tmp_path / "in"
    folder.mkdir()
    if packed:
        write_zip(folder / f"ICOSETC_{SITE}_ARCHIVE_L2.zip", members)
    else:
        for member, text in members.items():
            (folder / member).write_text(text)
    code, text = ingest(folder, "-w", tmp_path / "w")
    assert code == 0, text
    archive = load_archive(tmp_path / "w" / "archive.zarr")
    assert list(archive.site.values) == [SITE]
    tower = record(archive, SITE)
    assert tower.sizes["time"] == 400
    found = [tower[key].item() for key in ("lat", "lon", "igbp", "koeppen", "name")]
    assert found == [48.4, 2.7, "DBF", "Cfb", "Somewhere"]
