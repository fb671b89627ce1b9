import math

import pytest

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.readers.site_values import Faults, check
from tamrl.towers.readers.sites import names_sites, places_sites, read_sites


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "towers.csv"
    path.write_bytes(text.encode(encoding))
    notes: list[str] = []
    known, faults = read_sites(path, notes)
    return known, faults, notes


def test_an_index_column_numbers_of_classes_and_positions_of_a_network(tmp_path):
    text = (
        ",id,sitename,lat_icos,lon_icos,koppen_main,koppen_name,igbp_land_use\n"
        "0,1,DE-Tha,50.9,13.6,3,Dfb,ENF\n1,2,FR-Pue,43.7,3.6,2,Csa,EBF\n"
    )
    known, faults, _ = read(tmp_path, text)
    assert faults == []
    assert list(known) == ["DE-Tha", "FR-Pue"]
    one = known["FR-Pue"]
    assert (one.lat, one.lon, one.koeppen, one.igbp) == (43.7, 3.6, "Csa", "EBF")


def test_classes_as_numbers_alone_are_one_fault_with_the_way_on(tmp_path):
    rows = "".join(f"AT-{i:03},47,11,{i % 5}\n" for i in range(163))
    known, faults, _ = read(tmp_path, "site,lat,lon,koppen_main\n" + rows)
    assert len(known) == 163
    assert {info.koeppen for info in known.values()} == {schema.UNKNOWN}
    assert len(faults) == 1
    assert "A number needs a legend" in faults[0]
    assert "158 more" in faults[0]


def test_columns_of_one_coordinate_that_disagree_are_a_fault_until_one_is_named(tmp_path):
    head, row = "site,lat_icos,lat_fluxnet,lon_icos\n", "DE-Tha,50.9,51.9,13.6\n"
    known, faults, _ = read(tmp_path, head + row)
    assert math.isnan(known["DE-Tha"].lat)
    assert "call the right one 'lat'" in faults[0]
    known, faults, _ = read(tmp_path, head.replace("lat_icos", "lat") + row)
    assert (known["DE-Tha"].lat, faults) == (50.9, [])
    known, faults, _ = read(tmp_path, head + row.replace("51.9", "50.901"))
    assert (known["DE-Tha"].lat, faults) == (50.9, [])


@pytest.mark.parametrize(
    "text",
    [
        "Site ID\tName\tVegetation Abbreviation (IGBP)\tLatitude (degrees)\tLongitude (degrees)\t"
        "Climate Class Abbreviation (Koeppen)\nUS-Ha1\tHarvard\tDBF\t42.5\t-72.2\tDfb\n",
        "SITE_ID;SITE_NAME;IGBP;LOCATION_LAT;LOCATION_LONG;CLIMATE_KOEPPEN\nUS-Ha1;Harvard;DBF;42,5;-72,2;Dfb\n",
        "\ufeffsite,site_name,igbp,lat,lon,koppen_class,koppen_main\nUS-Ha1,Harvard,DBF,42.5,-72.2,Dfb,D\n",
        '"site","name","igbp","latitude","longitude","koeppen"\n"AMF_US-Ha1","Harvard","DBF","42.5","-72.2","Dfb"\n',
    ],
)
def test_tables_of_networks_are_read_as_they_come(tmp_path, text):
    known, faults, _ = read(tmp_path, text)
    one = known["US-Ha1"]
    assert faults == []
    assert (one.name, one.lat, one.lon, one.igbp, one.koeppen) == ("Harvard", 42.5, -72.2, "DBF", "Dfb")


def test_windows_1252_is_read_and_said(tmp_path):
    known, _, notes = read(tmp_path, "site,name\nSE-Ddd,Åkerö\n", "cp1252")
    assert known["SE-Ddd"].name == "Åkerö"
    assert "Windows-1252" in notes[0]


@pytest.mark.parametrize(
    ("key", "cell", "wanted"),
    [
        ("igbp", "enf", "ENF"),
        ("igbp", "Evergreen Needleleaf Forests", "ENF"),
        ("igbp", "ENF (Evergreen Needleleaf Forests: ...)", "ENF"),
        ("igbp", "Cropland/Natural Vegetation Mosaics", "CVM"),
        ("igbp", "1", schema.UNKNOWN),
        ("igbp", "FOREST", schema.UNKNOWN),
        ("koeppen", "Dfb", "Dfb"),
        ("koeppen", "BSk", "BSk"),
        ("koeppen", "D", "D"),
        ("koeppen", "Csa: Mediterranean", "Csa"),
        ("koeppen", "Arid", "B"),
        ("koeppen", "Cold", "D"),
        ("koeppen", "Dry", "B"),
        ("koeppen", "Boreal", schema.UNKNOWN),
        ("koeppen", "Alpine", schema.UNKNOWN),
        ("koeppen", "14", schema.UNKNOWN),
        ("koeppen", "Xyz", schema.UNKNOWN),
        ("lat", "47,5", 47.5),
        ("lat", "-47.5", -47.5),
    ],
)
def test_cells_in_the_ways_in_which_tables_write_them(key, cell, wanted):
    faults = Faults("x")
    assert check(key, cell, "AT-Aaa", faults) == wanted
    assert bool(faults.words()) == (wanted == schema.UNKNOWN)


@pytest.mark.parametrize("cell", ["91", "47°30'N", "1,234.5", "inf"])
def test_what_is_no_position_is_a_fault(cell):
    faults = Faults("x")
    assert math.isnan(check("lat", cell, "AT-Aaa", faults))
    assert "not a position in degrees" in faults.words()[0]


def test_a_table_without_ids_is_refused_and_ids_without_a_name_are_found(tmp_path):
    with pytest.raises(TamrlError, match="no column 'site'"):
        read(tmp_path, "a,b\n1,2\n")
    known, _, _ = read(tmp_path, "Kuerzel,lat,lon\nDE-Tha,50.9,13.6\n")
    assert list(known) == ["DE-Tha"]


def test_what_a_table_is_for_is_seen_from_its_columns():
    assert names_sites(["SITE_ID", "x"])
    assert not names_sites(["id", "longitude", "latitude", "date"])
    assert places_sites(["Latitude (degrees)"])
    assert places_sites(["lat_icos"])
    assert not places_sites(["plateau", "doi"])


@pytest.mark.parametrize(
    ("text", "hours"),
    [("-5", -5), ("+5.5", 5.5), ("UTC+9", 9), ("-03:30", -3.5), ("1,0", 1), ("", None), ("CET", None), ("99", None)],
)
def test_offsets_from_utc_are_read_and_others_are_unknown_without_a_fault(tmp_path, text, hours):
    path = tmp_path / "sites.csv"
    path.write_text(f'site,lat,lon,utc_offset_h\nAT-Neu,47.1,11.3,"{text}"\n')
    known, faults = read_sites(path)
    assert faults == []
    offset = known["AT-Neu"].utc_offset
    assert offset == hours if hours is not None else offset != offset
