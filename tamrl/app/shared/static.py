"""Where the browser finds what the app serves itself: below the path that the app is reached by."""

import math
from urllib.parse import urlsplit

import pydeck as pdk
import streamlit as st

from tamrl.app.shared import sizes
from tamrl.figures.towers import map as maps

#: Last part of the address of every page but the first.
PAGES = tuple("start world towers workspace lab present task_space scorecard lessons teacher glossary".split())


def base() -> str:
    """Return the path that stands before every address of the app, without a slash at its end; mostly empty.

    The server knows it where it was started with ``--server.baseUrlPath``; where a proxy cuts it off, the browser alone
    does.
    """
    set_path = (st.get_option("server.baseUrlPath") or "").strip("/")
    if set_path:
        return f"/{set_path}"
    parts = urlsplit(st.context.url or "").path.split("/")
    return "/".join(parts[:-1] if parts[-1] in ("", *PAGES) else parts)


def url(path: str) -> str:
    """Return the address of a file that is named from the root of the app on, such as ``/app/static/blank.json``."""
    return base() + path


def placed(deck: pdk.Deck, larger: float | None = None) -> pdk.Deck:
    """Return a map of ``tamrl.figures.towers.map`` that asks for its files where the browser finds them.

    Args:
        deck: changed in place and returned.
        larger: how many times as large as designed it is drawn, by default as all in the window; it then shows as much
            of the Earth.
    """
    deck.initial_view_state.zoom += math.log2(larger or sizes.scale())
    return maps.below(deck, base())
