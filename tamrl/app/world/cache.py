"""What the World page reads and draws, kept between runs and shared between sessions; read it, never change it.

An ``MapsEntry`` stands for the content of its maps in every key: it holds their path and their version.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.bundled import bundled_folder
from tamrl.figures.world import map as world_map
from tamrl.figures.world.map import Scale
from tamrl.globe.earth import load_earth
from tamrl.maps import catalog, regions, time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.time_means import Period
from tamrl.towers.workspace import Workspace

#: Months whose values set the colour range of every month and season, so that it stays while they play.
_RANGE_MONTHS = (1, 4, 7, 10)
#: A field of a quarter degree takes 4 MB.
_FIELDS = 64


@st.cache_resource(max_entries=16, show_spinner="Listing maps")
def _entries(folders: tuple[Path, ...], listed: tuple) -> dict[str, MapsEntry]:
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


def land(entry: MapsEntry) -> xr.DataArray | None:
    """Return the land fraction of maps, (lat, lon), where they have one."""
    return field(entry, "land_fraction", Period()) if "land_fraction" in maps(entry) else None


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one picture shows: a field, or a field minus another.

    Attributes:
        entry: the maps.
        name: the variable.
        period: which part of time.
        other: the maps that are subtracted, None for none.
        other_period: which part of their time.
        vegetated: whether a difference leaves out land without plants, see ``tamrl.maps.regions.vegetated``.
    """

    entry: MapsEntry
    name: str
    period: Period
    other: MapsEntry | None = None
    other_period: Period | None = None
    vegetated: bool = False

    def over_months(self) -> list["Question"]:
        """Return the question for four months where it asks for a part of the year, else itself."""
        if not (self.period.month or self.period.season) or self.name == "extrapolation":
            return [self]
        other_year = self.other_period.year if self.other_period else None
        return [
            replace(
                self,
                period=Period(month=month, year=self.period.year),
                other_period=Period(month=month, year=other_year) if self.other else None,
            )
            for month in _RANGE_MONTHS
        ]


@st.cache_resource(max_entries=_FIELDS // 2, show_spinner="Comparing the fields")
def _difference(question: Question) -> xr.DataArray:
    one, other = question.entry, question.other
    a, b, _ = time_means.on_common_grid(
        field(one, question.name, question.period),
        field(other, question.name, question.other_period),
        land(one),
        land(other),
    )
    found = (a - b).assign_attrs(a.attrs).rename(question.name)
    return found.where(vegetated(found)) if question.vegetated else found


def vegetated(of: xr.DataArray) -> xr.DataArray:
    """Return ``tamrl.maps.regions.vegetated`` of the cells of a field."""
    return _vegetated(tuple(of["lat"].values), tuple(of["lon"].values)).assign_coords(lat=of["lat"], lon=of["lon"])


@st.cache_resource(max_entries=6, show_spinner="Looking for vegetated land")
def _vegetated(lat: tuple[float, ...], lon: tuple[float, ...]) -> xr.DataArray:
    return regions.vegetated(earth(), np.array(lat), np.array(lon))


def answer(question: Question) -> xr.DataArray:
    """Return the field (lat, lon) of a question; a difference is taken on the coarser of the two grids.

    Raises:
        TamrlError: the maps do not have the variable or the period.
    """
    return _difference(question) if question.other else field(question.entry, question.name, question.period)


def has(question: Question) -> bool:
    """Return whether the maps of a question have the part of time that it asks for."""
    asked = [(question.entry, question.period)] + ([(question.other, question.other_period)] if question.other else [])
    return all(time_means.steps(maps(entry), period).size for entry, period in asked)


@st.cache_data(max_entries=128, show_spinner="Choosing the colours")
def limits(questions: tuple[Question, ...], centred: bool, tails: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of the colour range of several pictures, the same for every month and season of a year.

    Args:
        questions: what is shown.
        centred: whether the colours part at zero.
        tails: percentiles.
    """
    # A year may lack some of the months that set the range.
    wider = [one for question in questions for one in question.over_months() if has(one)]
    found = [answer(one).values.ravel() for one in wider or questions]
    return world_map.limits(np.concatenate(found), centred, tails)


@st.cache_data(max_entries=256, show_spinner=False)
def picture(question: Question, scale: Scale) -> tuple[str, list[float]]:
    """Return the address of the picture of a field, and its west, south, east and north."""
    content, bounds = world_map.small_picture(answer(question), scale)
    return world_map.data_url(content), bounds


@st.cache_data(max_entries=256, show_spinner=False)
def in_words(question: Question) -> str:
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
