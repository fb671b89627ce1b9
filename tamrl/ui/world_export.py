"""What is seen on the World page as files: NetCDF, a table of land cells, a picture for print."""

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import fields
from tamrl.data.globe import add_bounds
from tamrl.figures import world_map as figures
from tamrl.figures.world_map import Scale
from tamrl.ui import components, state, world_cache
from tamrl.ui.world_cache import Question
from tamrl.ui.world_view import View

Box = tuple[float, float, float, float]
#: West, south, east, north of all maps.
EARTH: Box = (-180.0, -90.0, 180.0, 90.0)
_EDGES = ("West", "South", "East", "North")


def popover(view: View, asked: tuple[Question, ...], scale: Scale) -> None:
    """Draw the downloads; each is made when its button is pressed."""
    origin = view.origin
    stem = "_".join(["world", *(q.entry.key for q in asked), view.name, view.period.label.replace(" ", "-").lower()])
    if view.mode == "difference":
        stem = stem.replace(view.entry.key, f"{view.entry.key}-minus-{view.other_entry.key}")
    with st.popover("Export", icon=":material/download:"):
        st.caption("What the map shows, of the whole Earth or of a box")
        box = _box()
        if not _holds_cells(view, box):
            st.warning("No cell lies in this box: west is smaller than east, south than north.", icon=":material/crop:")
            return
        stem += "" if box == EARTH else "_" + "_".join(f"{edge:g}" for edge in box)
        components.download(
            "NetCDF", origin.file(stem, "nc"), lambda: components.netcdf_bytes(dataset(view, asked, box), origin),
            "application/x-netcdf", "world_nc",
        )  # fmt: skip
        components.download(
            "CSV of land cells", origin.file(stem, "csv"),
            lambda: components.csv_bytes(table(view, asked, box), origin), "text/csv", "world_csv",
        )  # fmt: skip
        components.download(
            "PNG, 300 dpi", origin.file(stem, "png"), lambda: picture(view, asked, scale), "image/png", "world_png"
        )


def _box() -> Box:
    """Draw the choice of a part of the Earth and return it."""
    found = []
    for names in (("West", "East"), ("South", "North")):
        for column, name in zip(st.columns(2), names, strict=True):
            end = EARTH[_EDGES.index(name)]
            limit = abs(end)
            found.append(
                column.number_input(f"{name} [°]", -limit, limit, end, step=1.0, key=f"world_box_{name.lower()}")
            )
    west, east, south, north = found
    return west, south, east, north


def _holds_cells(view: View, box: Box) -> bool:
    """Return whether every set of maps that is shown has a cell with its centre in the box."""
    west, south, east, north = box
    shown = [maps for maps in (view.maps, view.other) if maps is not None]
    return all(
        ((maps["lat"] >= south) & (maps["lat"] <= north)).any()
        and ((maps["lon"] >= west) & (maps["lon"] <= east)).any()
        for maps in shown
    )


def dataset(view: View, asked: tuple[Question, ...], box: Box = EARTH) -> xr.Dataset:
    """Return the field or fields that are shown, with CF attributes; two are put on the coarser of their grids.

    Args:
        view: what the page is asked.
        asked: the fields that are shown.
        box: west, south, east, north; cells with their centre inside are kept.
    """
    found = [world_cache.answer(question) for question in asked]
    name = f"{view.name}_difference" if view.mode == "difference" else view.name
    said = f"{view.entry.label} minus {view.other_entry.label}" if view.mode == "difference" else view.entry.label
    if len(found) == 2:
        lands = [world_cache.land(question.entry) for question in asked]
        one, other, _ = fields.on_common_grid(*found, *lands)
        ds = xr.Dataset({name: one.assign_attrs(maps=said)})
        ds[f"{name}_other"] = other.assign_attrs(maps=view.other_entry.label).rename(None)
    else:
        ds = xr.Dataset({name: found[0].assign_attrs(maps=said)})
    west, south, east, north = box
    ds = add_bounds(ds.drop_vars([c for c in ds.coords if c not in ds.dims]))
    ds = ds.sel(lat=slice(south, north), lon=slice(west, east))
    title = f"{figures.label_of(view.name, view.mode == 'difference')}, {view.period.label}"
    licences = {str(m.attrs["license"]) for m in (view.maps, view.other) if m is not None and m.attrs.get("license")}
    return ds.assign_attrs(title=title, license="; ".join(sorted(licences)))


def table(view: View, asked: tuple[Question, ...], box: Box = EARTH) -> pd.DataFrame:
    """Return the cells that have a value, indexed by ``lat`` and ``lon``; see ``dataset``."""
    ds = dataset(view, asked, box)
    frame = ds[[name for name in ds if not name.endswith("_bnds")]].to_dataframe()
    return frame.dropna(how="all")


def picture(view: View, asked: tuple[Question, ...], scale: Scale) -> bytes:
    """Return the map as PNG with outlines, colour bar, title and source."""
    from tamrl.figures import world_print

    panels = []
    for i, question in enumerate(asked):
        title = question.entry.label + (f" \N{MINUS SIGN} {question.other.label}" if question.other else "")
        maps = view.other if i else view.maps
        doubtful = fields.doubtful(maps) if state.get("mask") else None
        panels.append(world_print.Panel(title, world_cache.answer(question), doubtful))
    years = sorted({fields.span(maps) for maps in (view.maps, view.other) if maps is not None})
    over = view.period.label if view.period.year else f"{view.period.label}, mean of {' and '.join(years)}"
    return world_print.draw(panels, scale, over, view.origin.line())
