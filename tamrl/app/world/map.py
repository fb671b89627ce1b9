"""The World page's map: the months that play, the fields, their colours and what lies on them."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, state, static, theme
from tamrl.app.shared.state import PARAMETERS
from tamrl.app.shared.widgets import choice, legend, tell
from tamrl.app.world import about, cache, export, frame, pick
from tamrl.app.world import colours as world_colours
from tamrl.app.world.view import WorldView, difference_text, palette_choice, period_text, short_text
from tamrl.figures.style import unit_label
from tamrl.figures.towers import map as base
from tamrl.figures.world import map as figures
from tamrl.figures.world.map import Scale
from tamrl.maps import time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.layer import Layer
from tamrl.maps.time_means import SEASONS
from tamrl.towers.workspace import Workspace

#: Seconds that one month is shown, and how much longer at each speed.
FRAME_S, SPEEDS = 0.9, {"slow": 2.0, "normal": 1.0, "fast": 0.5}
_PLAYING, _TURNED, _WHOLE = "tamrl_world_playing", "tamrl_world_turned", "tamrl_world_whole_run"
_KEY = "world_map"


@lru_cache(maxsize=1)
def _parts() -> tuple[str, str]:
    folder = Path(__file__).parent
    css, js = ((folder / f"map.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return css, js


@lru_cache(maxsize=1)
def component() -> Callable[..., Any]:
    """Return the map as a component of streamlit; what it takes and tells stands at the top of ``map.js``."""
    css, js = _parts()
    return st.components.v2.component("tamrl_world_map", html='<div class="map"></div>', css=css, js=js)


def show(view: WorldView, entries: dict[str, MapsEntry], workspace: Workspace | None) -> None:
    """Draw the map and what belongs to it; while the months play only this part of the page is drawn anew."""
    unlike = _unlike(view)
    lacking = frame.missing(view) or unlike
    if lacking or view.layer == "extrapolation" or frame.of_years(view.maps, view.other):
        st.session_state[_PLAYING] = False
    playing = st.session_state.get(_PLAYING)  # through a month without a value the map stays
    lacking = lacking or ("" if playing else _without_values(view))
    if lacking:
        tell(lacking)
        # Another part of the year may be there, where what is asked for has parts of a year at all.
        timed = bool(view.period.month or view.period.season) and view.layer != "extrapolation"
        if timed and not unlike:
            _timeline(view)
        return
    # In a container of its own as a fragment is, so that the map is not made anew when the months begin to play.
    if playing:
        st.fragment(_stage, run_every=_frame())(view, workspace)
    else:
        with st.container():
            _stage(view, workspace)


def _unlike(view: WorldView) -> str:
    """Return in words that a difference of uncertainties would be one of two quantities; nothing where it is not."""
    if view.layer != "spread" or view.mode != "difference" or view.other_entry is None:
        return ""
    first, second = (about.spread(cache.maps(entry)) for entry in _entries(view))
    if first == second != about.SPREAD:
        return ""
    known = "are not" if first != second else "are not known to be"
    return (
        f"The uncertainties of {view.entry.label} and {view.other_entry.label} {known} the same quantity, so their "
        f"difference means nothing. {view.entry.label}: {first}. {view.other_entry.label}: {second}. Choose Side by "
        "side, or the layer Flux."
    )


def _without_values(view: WorldView) -> str:
    """Return in words which of the pictures would be empty; nothing where none would."""
    names = [
        question.entry.label + (f" \N{MINUS SIGN} {question.other.label}" if question.other else "")
        for question in questions(view)
        if not np.isfinite(cache.answer(question).values).any()
    ]
    if not names:
        return ""
    said = f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no value anywhere"
    return f"{said}: {view.name}, {view.period.label}. Choose another time, flux or layer."


def _stage(view: WorldView, workspace: Workspace | None) -> None:
    if st.session_state.get(_PLAYING):
        view = _turn(view)
    elif view.period.month and state.get("month") != view.period.month:
        view = frame.with_month(view, state.get("month"))
    if view.layer != "extrapolation":
        _timeline(view)
    scale = scale_of(view)
    towers = cache.towers(workspace)
    _map(view, scale, towers)
    with st.container(horizontal=True, gap="medium", vertical_alignment="top", horizontal_alignment="distribute"):
        with st.container(width="stretch", gap="xsmall"):
            st.html(figures.colour_bar(scale, theme.current()))
            if view.layer == "spread":
                st.caption(f"Uncertainty: {about.spreads(_entries(view))}")
            _legend(view)
        with st.container(horizontal=True, gap="small", width="content"):
            pick.popover(view, towers)
            world_colours.popover(view, scale)
            export.popover(view, questions(view), scale, signs(view, towers))
            about.popover(view)
    _said(view)
    components.footer("world_map", view.origin)
    if st.session_state.pop(_WHOLE, False):
        st.rerun()


# Time ------------------------------------------------------------------------


def _frame() -> float:
    """Return how many seconds one month is shown."""
    return FRAME_S * SPEEDS[choice("speed", list(SPEEDS), "normal")]


def _turn(view: WorldView) -> WorldView:
    """Return the view of the month that is due; the months play until they are paused."""
    now, month = time.monotonic(), state.get("month") or 1
    if now - st.session_state.get(_TURNED, now) > _frame() / 2:
        month = month % 12 + 1
        st.session_state[_TURNED] = now
    st.session_state.setdefault(_TURNED, now)
    state.put("month", month)
    return frame.with_month(view, month)


def _timeline(view: WorldView) -> None:
    """Draw the months, with the button that plays them, or the seasons; of maps of years what is shown."""
    if frame.of_years(view.maps, view.other):
        st.caption(period_text(view))
        return
    playing = bool(st.session_state.get(_PLAYING))
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.button(
            "Pause" if playing else "Play",
            icon=f":material/{'pause' if playing else 'play_arrow'}:",
            key="world_play",
            on_click=_toggle,
            help="Play through the months of the year",
            width=sizes.px(105),
        )
        if view.period.month:
            st.session_state["world_month"] = view.period.month
            st.select_slider(
                "Month",
                range(1, 13),
                key="world_month",
                on_change=_take_month,
                label_visibility="collapsed",
                format_func=lambda month: time_means.MONTHS[month - 1],
            )
            st.session_state["world_speed"] = choice("speed", list(SPEEDS), "normal")
            st.selectbox(
                "Speed of Play",
                list(SPEEDS),
                key="world_speed",
                on_change=_take_speed,
                width=sizes.px(112),
                label_visibility="collapsed",
                format_func=str.capitalize,
            )
        elif view.period.season:
            st.segmented_control(
                "Season",
                list(SEASONS),
                required=True,
                label_visibility="collapsed",
                **state.bind("season", view.period.season),
            )
        else:
            st.caption(period_text(view))


def _toggle() -> None:
    playing = not st.session_state.get(_PLAYING, False)
    st.session_state[_PLAYING] = playing
    st.session_state.pop(_TURNED, None)
    if playing:
        state.put("month", state.get("month") or 1)
        state.put("season", None)
    # The rest of the page follows the month at which the map was paused.
    st.session_state[_WHOLE] = not playing


def _take_month() -> None:
    state.put("month", st.session_state["world_month"])
    st.session_state[_WHOLE] = bool(st.session_state.get(_PLAYING))


def _take_speed() -> None:
    speed = st.session_state["world_speed"]
    state.put("speed", None if speed == "normal" else speed)
    # How often the map is drawn is settled where the whole page is.
    st.session_state[_WHOLE] = bool(st.session_state.get(_PLAYING))


# What is drawn ---------------------------------------------------------------


def questions(view: WorldView) -> tuple[Layer, ...]:
    """Return what the map shows: one picture, or two side by side."""
    one = Layer(entry=view.entry, name=view.name, period=view.period)
    if view.mode == "side":
        assert view.other_entry is not None
        return one, Layer(entry=view.other_entry, name=view.name, period=view.period)
    if view.mode == "difference":
        return (replace(one, other=view.other_entry, other_period=view.period, vegetated=view.vegetated),)
    return (one,)


def scale_of(view: WorldView) -> Scale:
    """Return the colours: by hand, or between percentiles of what is shown."""
    different = view.mode == "difference"
    palette = palette_choice()
    colours, centred = figures.colours_of(view.name, different, theme.current(), palette)
    ends = figures.ends_of(view.name, view.short[view.entry.key] if different else None)
    low, high = state.get("range") or cache.limits(questions(view), centred, state.get("tails", figures.TAILS))
    return Scale(
        colours=colours,
        low=low,
        high=high,
        label=figures.label_of(view.name, different),
        unit=figures.unit_of(view.name),
        ends=ends,
        palette=palette,
    )


def signs(view: WorldView, towers: pd.DataFrame) -> export.Signs:
    """Return what lies on the map besides the fields, as a picture of it is drawn."""
    cell = pick.marker(view)
    points = tuple((lon, lat) for lon, lat, *_ in pick.tower_points(towers)) if state.get("dots", True) else ()
    return export.Signs((cell[0], cell[1], cell[2], cell[3]) if cell else None, points)


def _map(view: WorldView, scale: Scale, towers: pd.DataFrame) -> None:
    shade, asked = theme.current(), questions(view)
    texts = [
        difference_text(view) if view.mode == "difference" else f"{q.entry.label} · {period_text(view, other=bool(i))}"
        for i, q in enumerate(asked)
    ]
    panels, said = [], []
    for question, text in zip(asked, texts, strict=True):
        image, bounds = cache.picture(question, scale)
        masked = cache.mask(question.entry) if state.get("mask") else None
        short = short_text(view, [question.entry, question.other], question.period)
        panels.append({"name": text, "short": short, "image": image, "bounds": bounds, "mask": masked})
        said.append(f"{text}: {cache.in_words(question)}")
    colours = figures.palette(scale.colours)
    data = {
        "id": " | ".join(texts),
        "view": "world",
        "panels": panels,
        "low": scale.low,
        "high": scale.high,
        "palette": [bytes(colour).hex() for colour in colours],
        "unit": unit_label(scale.unit),
        "curtain": view.mode == "side" and state.get("curtain", False),
        "outlines": static.url(base.COUNTRIES_URL),
        "colours": figures.map_colours(shade),
        "cell": pick.marker(view),
        "towers": pick.tower_points(towers) if state.get("dots", True) else [],
        "alt": f"World map of {scale.title}. {'; '.join(said)}. Arrow keys move it, plus and minus zoom, Enter picks "
        "the cell under the cross in the middle; the button Place offers the same choice.",
        "at": PARAMETERS["view"].write(view_at) if (view_at := state.get("view")) else None,
    }
    # That the map is drawn for the first time needs no answer but the run that it starts, see world_tabs.
    component()(key=_KEY, data=data, on_pick_change=_picked, on_drawn_change=lambda: None)


def _picked() -> None:
    place = st.session_state[_KEY].pick
    if place:
        pick.choose(place["lat"], place["lon"])
        st.session_state[_WHOLE] = bool(st.session_state.get(_PLAYING))


def _legend(view: WorldView) -> None:
    """Draw what the signs on the map mean."""
    items = [("○", "inherit", "Towers")] if state.get("dots", True) else []
    threshold = [
        m["extrapolation"].attrs.get("threshold")
        for m in (view.maps, view.other)
        if m is not None and "extrapolation" in m
    ]
    if state.get("mask") and threshold:
        items.append(
            ("▨", "inherit", f"Dissimilarity index above {threshold[0]:.2g}: outside the area of applicability")
        )
    if view.mode == "difference" and view.vegetated:
        items.append(("■", figures.map_colours(theme.current())["land"], "No value, or land without vegetation"))
    else:
        items.append(("■", figures.map_colours(theme.current())["land"], "No value"))
    if (
        view.layer in ("flux", "spread")
        and view.mode != "difference"
        and any(entry.kind == "model" for entry in _entries(view))
    ):
        items.append(("", "inherit", "Ice and bare land: 0 by construction"))
    legend(items, "Map legend")


def _said(view: WorldView) -> None:
    """Say which cell is picked, what it holds, and which years are compared."""
    if view.other_entry is not None and view.other is not None and view.period.year is None:
        one, other = time_means.span(view.maps), time_means.span(view.other)
        if one != other:
            st.caption(
                f"The two do not cover the same years: {view.entry.label} is the mean of {one}, "
                f"{view.other_entry.label} of {other}."
            )
    for entry in _entries(view):
        year = view.period.year
        if year and not (view.period.month or view.period.season) and view.layer != "extrapolation":
            gone = time_means.lacking_months(cache.maps(entry), year)
            if gone:
                names = ", ".join(time_means.MONTHS[month - 1] for month in gone)
                st.caption(f"{entry.label} lacks {names} of {year}: the mean is that of the other months.")
    if view.cell is not None:
        pick.said(view, questions(view))


def _entries(view: WorldView) -> list[MapsEntry]:
    return [view.entry, *([view.other_entry] if view.other_entry else [])]
