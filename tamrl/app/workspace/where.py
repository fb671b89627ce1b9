"""Workspace: where a tower stands, by a click on the World page's map, which shows what grows there."""

import streamlit as st

from tamrl.app.shared import static, theme
from tamrl.app.world import map as world_map
from tamrl.figures.towers.map import COUNTRIES_URL
from tamrl.figures.world.classes import ClassPicture, land_cover
from tamrl.figures.world.map import map_colours
from tamrl.globe.earth import load_earth

#: Digits of a degree that a click is worth, about a kilometre: at its largest zoom a pixel of the map is as wide.
_DIGITS = 2
_NAME, _SHORT = "Largest land cover of each half-degree cell", "Land cover"


@st.cache_resource(show_spinner=False)
def _picture() -> ClassPicture:
    return land_cover(load_earth())


def section(key: str, boxes: tuple[str, str]) -> None:
    """Draw the map; a click fills the boxes of latitude and longitude, which are drawn after it.

    Args:
        key: of the map.
        boxes: keys of the two number fields; what they hold is marked.
    """
    # A key with two underscores in a row, which a file's name or a site's may bring, is refused for a component.
    key = key.replace("_", "-")
    lat, lon = (st.session_state[name] for name in boxes)
    shown = _picture()
    data = {
        "id": key,
        "view": "workspace",
        "panels": [{"name": _NAME, "short": _SHORT, "image": shown.image, "bounds": shown.bounds, "mask": None}],
        "palette": shown.palette,
        "names": shown.names,
        "curtain": False,
        "outlines": static.url(COUNTRIES_URL),
        "colours": map_colours(theme.current()),
        "cell": None if lat is None or lon is None else [lat, lon, 0, 0],
        "towers": [],
        "alt": "World map of land cover. Arrow keys move it, plus and minus zoom, Enter takes the place under the "
        "cross in the middle; the number fields below offer the same choice.",
        "at": None,
    }
    world_map.component()(key=key, data=data, on_pick_change=lambda: _picked(key, boxes), on_drawn_change=lambda: None)
    st.caption("Click where the tower stands, or type its position. The wheel, + and \N{MINUS SIGN} zoom.")


def _picked(key: str, boxes: tuple[str, str]) -> None:
    place = st.session_state[key].pick
    if place:
        for name, value in zip(boxes, (place["lat"], place["lon"]), strict=True):
            st.session_state[name] = round(value, _DIGITS)
