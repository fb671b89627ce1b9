"""Country, continent and network of towers."""

import numpy as np
import pandas as pd
import pytest

from tamrl.errors import TamrlError
from tamrl.towers.countries import NETWORKS, locate, network_of

# Hainich (Germany), Howard Springs (Australia), Santarem (Brazil), a point in the mid-Atlantic.
PLACES = {"DE-Hai": (51.08, 10.45), "AU-How": (-12.49, 131.15), "BR-Sa1": (-2.86, -54.96), "sea": (0.0, -30.0)}


def test_known_towers_are_in_their_countries():
    lat, lon = (np.array(values) for values in zip(*PLACES.values(), strict=True))
    found = locate(lat, lon)
    assert list(found["country"]) == ["Germany", "Australia", "Brazil", "unknown"]
    assert list(found["continent"]) == ["Europe", "Oceania", "South America", "unknown"]


def test_a_tower_just_off_the_coarse_coast_belongs_to_the_nearest_country():
    found = locate(np.array([55.7]), np.array([8.0]))  # off Skjern, Denmark
    assert found.loc[0, "country"] == "Denmark"


def test_a_tower_without_position_is_unknown():
    found = locate(np.array([np.nan, 51.08]), np.array([np.nan, 10.45]))
    assert list(found["country"]) == ["unknown", "Germany"]


def test_missing_outlines_are_an_error_that_says_so(tmp_path):
    with pytest.raises(TamrlError, match="outlines are missing"):
        locate(np.array([0.0]), np.array([0.0]), tmp_path / "none.geojson")


@pytest.mark.parametrize("text", ["", '{"features": [', "[]", "{}"])
def test_damaged_outlines_are_an_error_that_says_so(tmp_path, text):
    file = tmp_path / "cut.geojson"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TamrlError, match="outlines are damaged"):
        locate(np.array([0.0]), np.array([0.0]), file)


def test_networks_follow_from_the_country_of_the_id():
    found = {
        site: network_of(site) for site in ("US-Ha1", "DE-Hai", "SJ-Blv", "AU-How", "ZM-Mon", "XS-A01", "QQ-Abc", "")
    }
    assert found == {
        "US-Ha1": "AmeriFlux",
        "DE-Hai": "European",
        "SJ-Blv": "European",
        "AU-How": "OzFlux",
        "ZM-Mon": "AfriFlux",
        "XS-A01": "SIMULATED",
        "QQ-Abc": "unknown",
        "": "unknown",
    }
    codes = " ".join(NETWORKS.values()).split()
    assert len(codes) == len(set(codes)), "a country stands in one network"


def test_every_real_tower_has_a_network(shared_data):
    sites = pd.read_csv(shared_data / "fluxnet2015" / "sites.csv", keep_default_na=False)["site"]
    assert "unknown" not in {network_of(site) for site in sites}
