"""The map of the Workspace page: it shows land cover class by class, and a click fills the fields of the position."""

import base64
import json
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tamrl.app.workspace import where
from tamrl.figures.world.classes import land_cover
from tamrl.globe.earth import load_earth
from tamrl.maps.cell import place_at

BOXES = ("lat", "lon")


@pytest.fixture(scope="module")
def cover():
    return land_cover(load_earth())


def pixels(image):
    """Read back a PNG with a palette, (rows, columns)."""
    data = base64.b64decode(image.partition(",")[2])
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    packed = data[at + 4 : at + 4 + struct.unpack(">I", data[at - 4 : at])[0]]
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)[:, 1:]


@pytest.mark.parametrize(("lat", "lon"), [(48.25, 11.75), (-2.6, -60.2), (61.8, 24.3), (23.25, 5.25)])
def test_the_picture_holds_the_class_that_a_position_is_given(cover, lat, lon):
    code = pixels(cover.image)[int((90 - lat) * 2), int((lon + 180) * 2)]
    assert cover.names[code - 1].startswith(f"{place_at(load_earth(), lat, lon).igbp}, ")


def test_classes_are_told_apart_by_colour_and_the_sea_has_none(cover):
    assert len(set(cover.palette)) == len(cover.palette) == len(cover.names)
    assert pixels(cover.image)[180, 300] == 0
    assert cover.bounds == [-180, -90, 180, 90]


def script():
    import streamlit as st

    from tamrl.app.workspace import where

    for name in ("lat", "lon"):
        st.session_state.setdefault(name, None)
    where.section("map__of_", ("lat", "lon"))
    for name in ("lat", "lon"):
        st.number_input(name, value=None, key=name)


def test_the_map_marks_what_the_fields_hold():
    at = AppTest.from_function(script).run()
    assert not at.exception
    assert json.loads(at.get("bidi_component")[0].proto.json)["cell"] is None
    for box, value in zip(at.number_input, (48.2, 11.7), strict=True):
        box.set_value(value)
    at.run()
    data = json.loads(at.get("bidi_component")[0].proto.json)
    assert data["cell"] == [48.2, 11.7, 0, 0]
    assert len(data["names"]) == len(data["palette"])
    assert "number fields below offer the same" in data["alt"]
    assert len(json.dumps(data)) < 60_000


def test_a_click_fills_the_fields(monkeypatch):
    session = {"map": SimpleNamespace(pick={"lat": 48.24567, "lon": 11.7}), "lat": None, "lon": None}
    monkeypatch.setattr(where.st, "session_state", session)
    where._picked("map", BOXES)
    assert (session["lat"], session["lon"]) == (48.25, 11.7)
    session["map"].pick = None
    where._picked("map", BOXES)
    assert session["lat"] == 48.25
