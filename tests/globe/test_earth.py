"""The bundled global drivers against what is known of the real one, and against real towers."""

import numpy as np
import pandas as pd
import pytest

from tamrl.errors import TamrlError
from tamrl.globe.contract import cell_area, land_area
from tamrl.globe.earth import at_positions, earth_path, flags, igbp_class, land_cells, load_earth
from tamrl.schema import IGBP, KOEPPEN, UNKNOWN


@pytest.fixture(scope="module")
def earth():
    return load_earth()


def test_the_earth_is_small_and_says_where_it_comes_from(earth):
    assert earth_path().stat().st_size < 5e6
    named = ("TA", "P_MON", "SW_IN_POT", "NDVI_MIN", "NDVI_MAX", "C4", "FAPAR_MAX", "igbp_fraction", "koeppen")
    for name in (*named, "land_fraction"):
        assert earth[name].attrs["source"], name
        assert earth[name].attrs["long_name"], name
    for word in ("Copernicus", "MCD12C1", "pvlib", "Apache-2.0", "ptjpl", "Natural Earth"):
        assert word in earth.attrs["source"], word
    assert earth.attrs["climatology"] == "2000-2025"
    assert {"lat_bnds", "lon_bnds", "time_bnds"} <= set(earth.variables)


def test_means_over_the_globe_are_those_of_the_real_one(earth):
    area = land_area(earth)
    # Land without lakes and seas: 147-149 million km2.
    assert float(area.sum()) / 1e12 == pytest.approx(148, abs=2)
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    rain = float((earth["P_MON"] * days[:, None, None]).sum("time").weighted(area.fillna(0)).mean())
    # GPCC and ERA5: 750-900 mm a year over land.
    assert 750 < rain < 900
    temperature = float(earth["TA"].mean("time").weighted(area.fillna(0)).mean())
    # Berkeley Earth and ERA5: 8.5-10.5 degC over land with Antarctica.
    assert 8.5 < temperature < 10.5
    # A quarter of the solar constant comes in over the sphere.
    sphere = cell_area(earth.lat.values, earth.lon.values).sum("lon")
    assert float(earth["SW_IN_POT"].mean("time").weighted(sphere).mean()) == pytest.approx(1361 / 4, rel=0.01)


def test_the_largest_fapar_is_high_in_rain_forest_and_low_in_dry_grass(earth):
    values = earth["FAPAR_MAX"]
    assert float(values.min()) >= 0
    assert float(values.max()) <= 1
    forest, dry = (float(values.sel(lat=a, lon=o, method="nearest")) for a, o in ((-3.2, -65.2), (14.2, 5.2)))
    assert forest > 0.5 > dry
    # It goes with the largest NDVI.
    both = np.isfinite(values.values) & np.isfinite(earth["NDVI_MAX"].values)
    assert np.corrcoef(values.values[both], earth["NDVI_MAX"].values[both])[0, 1] > 0.8


def test_fractions_add_up_and_classes_are_those_of_the_schema(earth):
    assert tuple(earth["igbp"].values.tolist()) == tuple(IGBP)
    total = earth["igbp_fraction"].sum("igbp").where(earth["land_fraction"] > 0.2)
    assert float(abs(total - 1).max()) < 0.05
    assert {name[0] for code, name in flags(earth["koeppen"]).items() if code} == set(KOEPPEN)
    largest = igbp_class(earth)
    names = flags(largest)
    for lat, lon, expected in ((-3.2, -60.2, "EBF"), (23.0, 10.0, "BSV"), (75.0, -40.0, "SNO"), (41.9, -93.6, "CRO")):
        assert names[int(largest.sel(lat=lat, lon=lon, method="nearest"))] == expected


@pytest.mark.parametrize(
    ("lat", "lon", "climate", "continent", "region"),
    [
        (-3.1, -60.1, "Af", "South America", "South American Tropical"),
        (51.1, 10.4, "Cfb", "Europe", "Europe"),
        (62.0, 129.7, "Dfd", "Asia", "Eurasian Boreal"),
        (23.0, 10.0, "BWh", "Africa", "Northern Africa"),
        (-25.0, 133.0, "BWh", "Oceania", "Australia"),
        (-80.0, 80.0, "EF", "Antarctica", "none"),
    ],
)
def test_known_places_have_their_climate_and_region(earth, lat, lon, climate, continent, region):
    at = earth[["koeppen", "continent", "region"]].sel(lat=lat, lon=lon, method="nearest")
    found = [flags(earth[n])[int(at[n])].replace("_", " ") for n in ("koeppen", "continent", "region")]
    assert found[0][: 2 if climate == "Cfb" else 3] == climate[: 2 if climate == "Cfb" else 3]
    assert found[1:] == [continent, region]


def test_positions_read_their_own_cell_the_nearest_land_or_nothing(earth):
    lat, lon = np.array([51.08, 54.0, 30.0, np.nan]), np.array([10.45, 8.1, -40.0, 3.0])
    cells = land_cells(earth, lat, lon)
    assert cells[0] == int((51.08 + 90) // 0.5) * 720 + int((10.45 + 180) // 0.5)
    assert cells[1] >= 0, "the German Bight is next to land"
    assert (cells[2:] == -1).all()
    table = at_positions(earth, lat, lon)
    assert table["NDVI_MAX"].notna().tolist() == [True, True, False, False]
    assert table["koeppen"].tolist()[2:] == [UNKNOWN, UNKNOWN]


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "earth.nc").write_bytes(b"not NetCDF")
    with pytest.raises(TamrlError, match="build_earth"):
        load_earth(tmp_path / "earth.nc")
    with pytest.raises(TamrlError, match="cannot be read"):
        load_earth(tmp_path / "nothing.nc")


def test_tower_temperatures_agree_with_the_map(earth, shared_data):
    sites = pd.read_csv(shared_data / "fluxnet2015" / "sites.csv").set_index("site")
    monthly = pd.read_parquet(shared_data / "fluxnet2015" / "monthly.parquet")
    seasonal = monthly.groupby(["site", monthly["TIMESTAMP"] % 100])["TA_F"].mean()
    tower = seasonal.groupby("site").mean()[seasonal.groupby("site").size() == 12]
    at = sites.loc[tower.index]
    cells = land_cells(earth, at["lat"].to_numpy(), at["lon"].to_numpy())
    mapped = earth["TA"].mean("time").values.ravel()[cells]
    assert len(tower) > 150
    assert np.corrcoef(mapped, tower)[0, 1] >= 0.97
