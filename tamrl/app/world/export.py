"""What is seen on the World page as files: a figure for slides and print, NetCDF, a table of land cells."""

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import components, state
from tamrl.app.world import cache
from tamrl.app.world.view import WorldView
from tamrl.figures.world import map as figures
from tamrl.figures.world import print as world_print
from tamrl.figures.world.map import Scale
from tamrl.figures.world.print import EARTH, Box, Signs
from tamrl.globe.contract import add_bounds
from tamrl.maps import common_grid, time_means
from tamrl.maps.layer import Layer

_EDGES = ("West", "South", "East", "North")
_PICTURES: tuple[tuple[str, Literal["png", "svg"], str], ...] = (
    ("PNG, slide size", "png", "image/png"),
    ("SVG", "svg", "image/svg+xml"),
)
_FILLED = "tamrl_world_box_of"
#: Height over width of what the map shows, of one and of two beside each other; see map.js.
_SHAPE = {1: 0.4, 2: 0.46}


def popover(view: WorldView, asked: tuple[Layer, ...], scale: Scale, signs: Signs | None = None) -> None:
    """Draw the downloads; each is made when its button is pressed.

    Opening it starts a run: what the reader has moved the map to is known then.

    Args:
        view: what the page is asked.
        asked: the fields that are shown.
        scale: their colours.
        signs: what lies on the map.
    """
    origin = view.origin
    with st.popover("Figure, data", icon=":material/download:", key="world_export", on_change="rerun"):
        st.caption("Exports what the map shows. The box starts as the part in view.")
        box = _box(len(asked))
        if not _holds_cells(view, box):
            st.warning("No cell lies in this box: west is smaller than east, south than north.", icon=":material/crop:")
            return
        stem = _stem(view, asked, box)
        # Bound now: in the download, which is made apart from the page, nothing of the session is at hand.
        masked = bool(state.get("mask"))
        st.markdown("**Figure**")
        with st.container(horizontal=True, gap="medium"):
            for label, kind, mime in _PICTURES:
                components.download(
                    label,
                    origin.file(stem, kind),
                    partial(picture, view, asked, scale, masked, box, signs, kind),
                    mime,
                    f"world_{kind}",
                )
        st.markdown("**Data**")
        with st.container(horizontal=True, gap="medium"):
            components.as_dataset(stem, lambda: dataset(view, asked, box), origin, "world")
            components.as_table(stem, lambda: table(view, asked, box), origin, "world", "CSV of land cells")


def _stem(view: WorldView, asked: tuple[Layer, ...], box: Box) -> str:
    """Return the name of the files without their ending."""
    stem = "_".join(["world", *(q.entry.key for q in asked), view.name, view.period.label.replace(" ", "-").lower()])
    if view.mode == "difference" and view.other_entry:
        stem = stem.replace(view.entry.key, f"{view.entry.key}-minus-{view.other_entry.key}")
    return stem + ("" if box == EARTH else "_" + "_".join(f"{edge:g}" for edge in box))


def seen(view: tuple[float, float, float] | None, panels: int) -> Box:
    """Return west, south, east and north of what the map shows, whole degrees; east may lie beyond 180.

    Args:
        view: latitude and longitude of the centre, and zoom; None for the whole Earth.
        panels: maps beside each other.
    """
    if view is None or view[2] <= 1.001:
        return EARTH
    lat, lon, zoom = view
    wide, high = 180 / zoom, 180 * _SHAPE[panels] / zoom
    west, east = round(lon - wide), round(lon + wide)
    if west < -180:
        west, east = west + 360, east + 360
    return float(west), float(max(-90, round(lat - high))), float(east), float(min(90, round(lat + high)))


def _box(panels: int) -> Box:
    """Draw the choice of a part of the Earth and return it; it begins anew where the map has been moved."""
    shown = state.get("view")
    begin = dict(zip(_EDGES, seen(shown, panels), strict=True))
    fresh = st.session_state.get(_FILLED, "") != (shown, panels)
    st.session_state[_FILLED] = (shown, panels)
    found = {}
    for names in (("West", "East"), ("South", "North")):
        for column, name in zip(st.columns(2), names, strict=True):
            key = f"world_box_{name.lower()}"
            # Set in every run: what is closed is not yet in the browser, which would begin with the lowest value.
            st.session_state[key] = begin[name] if fresh else st.session_state.get(key, begin[name])
            low, high = (-180.0, 360.0 if name == "East" else 180.0) if name in ("West", "East") else (-90.0, 90.0)
            tip = "Beyond 180 for a box across the date line" if name == "East" else None
            found[name] = column.number_input(f"{name} [°]", low, high, step=1.0, key=key, help=tip)
    st.button("Whole Earth", icon=":material/public:", on_click=_whole, key="world_box_whole")
    return found["West"], found["South"], found["East"], found["North"]


def _whole() -> None:
    for name, edge in zip(_EDGES, EARTH, strict=True):
        st.session_state[f"world_box_{name.lower()}"] = edge


def _holds_cells(view: WorldView, box: Box) -> bool:
    """Return whether every set of maps that is shown has a cell with its centre in the box."""
    shown = [maps for maps in (view.maps, view.other) if maps is not None]
    return all(len(found) for maps in shown for found in _inside(maps, box)[:2])


def _inside(maps: xr.Dataset, box: Box) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows (y,) and columns (x,) of the cells with their centre in a box, and the turn (x,) of longitude."""
    west, south, east, north = box
    lat, lon = maps["lat"].values, maps["lon"].values
    rows = np.flatnonzero((lat >= south) & (lat <= north))
    turn = np.where(lon < west, 360.0, 0.0) if east > 180 else np.zeros(len(lon))
    columns = np.flatnonzero((lon + turn >= west) & (lon + turn <= east))
    columns = columns[np.argsort((lon + turn)[columns])]
    return rows, columns, turn[columns]


def dataset(view: WorldView, asked: tuple[Layer, ...], box: Box = EARTH) -> xr.Dataset:
    """Return the field or fields that are shown, with CF attributes; two are put on the coarser of their grids.

    Args:
        view: what the page is asked.
        asked: the fields that are shown.
        box: west, south, east, north; cells with their centre inside are kept.
    """
    found = [cache.answer(question) for question in asked]
    name = f"{view.name}_difference" if view.mode == "difference" else view.name
    said, beside = view.entry.label, view.other_entry.label if view.other_entry else ""
    if view.mode == "difference":
        said = f"{said} minus {beside}"
    if len(found) == 2:
        lands = [cache.land(question.entry) for question in asked]
        one, other, _ = common_grid.on_common_grid(*found, *lands)
        ds = xr.Dataset({name: one.assign_attrs(maps=said)})
        ds[f"{name}_other"] = other.assign_attrs(maps=beside).rename(None)
    else:
        ds = xr.Dataset({name: found[0].assign_attrs(maps=said)})
    rows, columns, turn = _inside(ds, box)
    ds = add_bounds(ds.drop_vars([c for c in ds.coords if c not in ds.dims])).isel(lat=rows, lon=columns)
    if turn.any():  # across the date line longitudes go on beyond 180
        ds["lon_bnds"] = (ds["lon_bnds"].dims, ds["lon_bnds"].values + turn[:, None], ds["lon_bnds"].attrs)
        ds = ds.assign_coords(lon=("lon", ds["lon"].values + turn, ds["lon"].attrs))
    title = f"{figures.label_of(view.name, view.mode == 'difference')}, {view.period.label}"
    licences = {str(m.attrs["license"]) for m in (view.maps, view.other) if m is not None and m.attrs.get("license")}
    if view.mode == "difference" and view.vegetated:
        ds = ds.assign_attrs(cells="vegetated land only")
    return ds.assign_attrs(title=title, license="; ".join(sorted(licences)))


def table(view: WorldView, asked: tuple[Layer, ...], box: Box = EARTH) -> pd.DataFrame:
    """Return the cells that have a value, indexed by ``lat`` and ``lon``; see ``dataset``."""
    ds = dataset(view, asked, box)
    frame = ds[[name for name in ds if not str(name).endswith("_bnds")]].to_dataframe()
    return frame.dropna(how="all")


def picture(
    view: WorldView,
    asked: tuple[Layer, ...],
    scale: Scale,
    masked: bool = False,
    box: Box = EARTH,
    signs: Signs | None = None,
    kind: Literal["png", "svg"] = "png",
) -> bytes:
    """Return the map as a picture with outlines, signs, colour bar, title and source.

    Args:
        view: what the page is asked.
        asked: the fields that are shown.
        scale: their colours; a picture has a light ground, whatever the theme of the page.
        masked: whether land where the model extrapolates is hatched.
        box: west, south, east, north of what is drawn.
        signs: what lies on the map.
        kind: ``png`` or ``svg``.
    """
    panels = []
    for i, question in enumerate(asked):
        title = question.entry.label + (f" \N{MINUS SIGN} {question.other.label}" if question.other else "")
        maps = view.other if i else view.maps
        doubtful = time_means.doubtful(maps) if masked and maps is not None else None
        panels.append(world_print.Panel(title, cache.answer(question), doubtful))
    years = sorted({time_means.span(maps) for maps in (view.maps, view.other) if maps is not None})
    over = view.period.label if view.period.year else f"{view.period.label}, mean of {' and '.join(years)}"
    if view.mode == "difference" and view.vegetated:
        over += ", vegetated land"
    light = replace(scale, colours=figures.colours_of(view.name, view.mode == "difference", palette=scale.palette)[0])
    return world_print.draw(panels, light, over, view.origin.line(), box, signs, view.origin.simulated, kind)
