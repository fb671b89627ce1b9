"""What the World page reads and draws, kept between runs and shared between sessions; read it, never change it.

An ``MapsEntry`` stands for the content of its maps in every key: it holds their path and their version.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.figures.world import map as world_map
from tamrl.figures.world.map import Scale
from tamrl.globe.earth import load_earth
from tamrl.maps import catalog, layer, regions, time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.layer import Layer, Reader
from tamrl.maps.time_means import Period
from tamrl.towers.workspace import Workspace

#: A field of a quarter degree takes 4 MB.
_FIELDS = 64


@st.cache_resource(max_entries=16, show_spinner="Listing maps")
def _entries(folders: tuple[Path, ...], listed: tuple[Any, ...]) -> dict[str, MapsEntry]:
    return catalog.entries_in(folders)


def entries(workspace: Workspace | None, session: Path | None = None) -> dict[str, MapsEntry]:
    """Return ``tamrl.maps.catalog.entries``; the files are opened again only where one has changed."""
    folders = tuple(catalog.folders(workspace, session))
    return _entries(folders, tuple((str(path), catalog.version(path)) for path in catalog.listed(folders)))


@st.cache_resource(max_entries=12, show_spinner="Opening the maps", on_release=lambda maps: maps.close())
def maps(entry: MapsEntry) -> xr.Dataset:
    """Return maps, lazy.

    Raises:
        TamrlError: they are damaged or do not keep the contract.
    """
    return catalog.open_maps(entry)


@st.cache_resource(max_entries=_FIELDS, show_spinner="Averaging the field")
def field(entry: MapsEntry, name: str, period: Period) -> xr.DataArray:
    """Return the mean of a variable over a period, (lat, lon), see ``tamrl.maps.time_means.field``.

    Raises:
        TamrlError: the maps do not have the variable or the period.
    """
    return time_means.field(maps(entry), name, period).astype(np.float32)


def vegetated(of: xr.DataArray) -> xr.DataArray:
    """Return ``tamrl.maps.regions.vegetated`` of the cells of a field."""
    return _vegetated(tuple(of["lat"].values), tuple(of["lon"].values)).assign_coords(lat=of["lat"], lon=of["lon"])


@st.cache_resource(max_entries=6, show_spinner="Looking for vegetated land")
def _vegetated(lat: tuple[float, ...], lon: tuple[float, ...]) -> xr.DataArray:
    return regions.vegetated(earth(), np.array(lat), np.array(lon))


#: Reads maps and fields that are kept.
READER = Reader(maps=maps, field=field, vegetated=vegetated)


def land(entry: MapsEntry) -> xr.DataArray | None:
    """Return the land fraction of maps, (lat, lon), where they have one."""
    return READER.land(entry)


@st.cache_resource(max_entries=_FIELDS // 2, show_spinner="Comparing the fields")
def _difference(question: Layer) -> xr.DataArray:
    return READER.difference(question)


def answer(question: Layer) -> xr.DataArray:
    """Return the field (lat, lon) of a layer, see ``tamrl.maps.layer.Reader.compute``.

    Raises:
        TamrlError: the maps do not have the variable or the period.
    """
    return _difference(question) if question.other else READER.compute(question)


@st.cache_data(max_entries=128, show_spinner="Choosing the colours")
def limits(questions: tuple[Layer, ...], centred: bool, tails: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of the colour range of several pictures, see ``tamrl.maps.layer.limits``."""
    return layer.limits(questions, READER, answer, centred, tails)


@st.cache_data(max_entries=256, show_spinner=False)
def picture(question: Layer, scale: Scale) -> tuple[str, list[float]]:
    """Return the address of the picture of a field, and its west, south, east and north."""
    content, bounds = world_map.small_picture(answer(question), scale)
    return world_map.data_url(content), bounds


@st.cache_data(max_entries=256, show_spinner=False)
def in_words(question: Layer) -> str:
    """Return what the picture of a field shows in words, see ``tamrl.figures.world.map.in_words``."""
    return world_map.in_words(answer(question), world_map.unit_of(question.name))


@st.cache_data(max_entries=16, show_spinner=False)
def mask(entry: MapsEntry) -> str | None:
    """Return the picture of where maps are outside the area of applicability; None where they do not say."""
    found = time_means.doubtful(maps(entry))
    return None if found is None else world_map.data_url(world_map.mask_picture(found))


def earth() -> xr.Dataset:
    """Return the bundled global drivers, in memory, see ``tamrl.globe.earth.load_earth``.

    Raises:
        TamrlError: it is missing or damaged.
    """
    return load_earth()


@st.cache_data(max_entries=2, show_spinner=False)
def _scored_towers(path: str, version: int) -> pd.DataFrame:
    return pd.read_parquet(path, columns=["site", "lat", "lon", "igbp"]).set_index("site")


@st.cache_data(max_entries=4, show_spinner=False)
def _workspace_towers(path: str, version: int) -> pd.DataFrame:
    # Without the country of each tower, whose library takes a second to load.
    archive = Workspace.open(path).archive()
    columns = {name: archive[name].values for name in ("lat", "lon", "igbp")}
    return pd.DataFrame(columns, index=pd.Index(archive["site"].values.astype(str), name="site"))


def scored_towers() -> pd.DataFrame:
    """Return the towers of the bundled scores, DataFrame(site) with ``lat``, ``lon``, ``igbp``; none without them."""
    bundled = bundled_folder("scores") / "sites.parquet"
    if not bundled.is_file():
        return pd.DataFrame({"lat": [], "lon": [], "igbp": []}, index=pd.Index([], name="site"))
    return _scored_towers(str(bundled), bundled.stat().st_mtime_ns)


def towers(workspace: Workspace | None) -> pd.DataFrame:
    """Return towers that were measured: those of the bundled models, and of the workspace unless it is simulated.

    Returns:
        DataFrame(site) with ``lat``, ``lon`` and ``igbp``, sorted by site.
    """
    parts = [scored_towers()]
    if workspace is not None and not workspace.simulated and workspace.archive_version():
        parts.append(_workspace_towers(str(workspace.path), workspace.archive_version()))
    found = pd.concat([part for part in parts if len(part)] or parts)
    return found[~found.index.duplicated()].dropna(subset=["lat", "lon"]).sort_index()
