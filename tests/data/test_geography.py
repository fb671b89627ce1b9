"""Country and continent of positions."""

import numpy as np
import pytest

from tamrl.data.geography import locate
from tamrl.errors import TamrlError

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
