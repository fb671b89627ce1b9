"""What the sections below the map compute, kept between runs and shared between sessions; read it, never change it."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import cache, sidebar, theme
from tamrl.app.world import cache as world_cache
from tamrl.app.world.view import WorldView
from tamrl.errors import TamrlError
from tamrl.figures.world.charts import MapsLook, looks
from tamrl.globe.contract import SD, cell_area, is_climatology
from tamrl.maps import aggregate, cell, common_grid, global_totals, regions, time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.global_totals import Published
from tamrl.maps.regions import Groups
from tamrl.maps.time_means import Period
from tamrl.model.training_towers import load_reference
from tamrl.towers.quality import MIN_MONTHS
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.model.training_towers import Reference

#: The model that comes with the project, which every place on land can be given, and its maps.
MODEL, MAPS = "fluxnet2015-climate", "tamrl-climate"
#: Bundled maps whose models were trained on the same towers.
SAME_TOWERS = (MAPS, "xgboost-climate", "random-forest-climate")
#: Values of one flux that are read in about a second: ten years of months at 0.5 degree.
_LIGHT = 32_000_000
#: Sets of maps that are set beside each other without being chosen.
_BESIDE = 6
_BUSY = "Integrating over land"


def drawn(view: WorldView) -> dict[str, MapsLook]:
    """Return how each available set of maps is drawn; the first look is that of the maps of this project."""
    every = {entry.key: entry for entry in (*view.entries.values(), *pairs(view))}
    labels = {key: every[key].label for key in sorted(every, key=lambda key: key != MAPS)}
    return looks(labels, theme.current(), view.entry.key)


def pairs(view: WorldView) -> list[MapsEntry]:
    """Return what is compared, the chosen maps last, so that they are drawn on top."""
    return [*([view.other_entry] if view.other_entry else []), view.entry]


def has(entry: MapsEntry, flux: str) -> bool:
    """Return whether maps have a flux, and a value of it anywhere; large ones are not read to find that out."""
    if flux not in world_cache.maps(entry):
        return False
    return heavy(entry) or covered(entry, flux, "band")[aggregate.ALL] > 0


def having(view: WorldView) -> list[MapsEntry]:
    """Return those of ``pairs`` that have the flux."""
    return [entry for entry in pairs(view) if has(entry, view.flux)]


def lacking(view: WorldView) -> str:
    """Return in words which of the maps lack the flux; nothing where none does."""
    names = [entry.label for entry in pairs(view) if not has(entry, view.flux)]
    return f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no {view.flux}." if names else ""


def period_of(entry: MapsEntry, period: Period) -> Period:
    """Return a period as maps can answer it: without the year where they do not tell years apart or lack it."""
    years = time_means.years_with(world_cache.maps(entry), period)
    return period if period.year in years else Period(month=period.month, season=period.season)


@st.cache_resource(max_entries=12, show_spinner=_BUSY)
def area(entry: MapsEntry) -> xr.DataArray:
    """Return the land of each cell, m2, see ``tamrl.globe.contract.land_area``."""
    maps, land = world_cache.maps(entry), world_cache.land(entry)
    whole = cell_area(maps["lat"].values, maps["lon"].values)
    return whole if land is None else whole * land.fillna(0)


@st.cache_resource(max_entries=24, show_spinner=_BUSY)
def groups(entry: MapsEntry, kind: str) -> Groups:
    """Return the groups of the cells of a set of maps, see ``tamrl.maps.regions.groups``."""
    maps = world_cache.maps(entry)
    return regions.groups(kind, world_cache.earth(), maps["lat"].values, maps["lon"].values)


@st.cache_data(max_entries=64, show_spinner=_BUSY)
def zonal(entry: MapsEntry, flux: str, period: Period) -> pd.DataFrame:
    """Return zonal means, DataFrame(lat) of ``value``, ``sd`` where the maps have it, and ``total`` of each degree."""
    names = {"value": flux} | ({"sd": flux + SD} if flux + SD in world_cache.maps(entry) else {})
    means = {c: aggregate.zonal_mean(world_cache.field(entry, n, period), area(entry)) for c, n in names.items()}
    means["total"] = aggregate.zonal_total(world_cache.field(entry, flux, period), area(entry))
    return pd.DataFrame({c: mean.to_series() for c, mean in means.items()})


@st.cache_resource(max_entries=24, show_spinner=_BUSY)
def hovmoeller(entry: MapsEntry, flux: str) -> xr.DataArray:
    """Return the zonal mean of each month (month, lat), see ``tamrl.maps.aggregate.hovmoeller``."""
    return aggregate.hovmoeller(world_cache.maps(entry), flux, area(entry))


@st.cache_data(max_entries=96, show_spinner=False)
def unknown_months(entry: MapsEntry, flux: str) -> tuple[int, ...]:
    """Return ``tamrl.maps.time_means.unknown_months``; large maps are not read to find out."""
    return time_means.unknown_months(world_cache.maps(entry), flux, read=not heavy(entry))


def partial(entry: MapsEntry, fluxes: Sequence[str]) -> str:
    """Return in words that totals are of a part of the year, where maps have no value in the rest; else nothing."""
    found: dict[tuple[int, ...], list[str]] = {}
    for flux in fluxes:
        if months := unknown_months(entry, flux):
            found.setdefault(months, []).append(flux)
    said = "; ".join(
        f"{', '.join(fluxes)} in {', '.join(calendar.month_abbr[month] for month in months)}"
        for months, fluxes in found.items()
    )
    return (
        f"{entry.label} has no {said}. Totals are those of the other months, taken for the whole year." if said else ""
    )


def heavy(entry: MapsEntry) -> bool:
    """Return whether reading every year of one flux of maps takes more than a moment."""
    maps = world_cache.maps(entry)
    return maps.sizes["time"] * maps.sizes["lat"] * maps.sizes["lon"] > _LIGHT


@st.cache_data(max_entries=96, show_spinner=_BUSY)
def annual(entry: MapsEntry, flux: str, kind: str, year: int | None = None, every: bool = False) -> pd.DataFrame:
    """Return totals by group, DataFrame(year) [PgC yr-1], see ``tamrl.maps.aggregate.annual_totals``.

    Args:
        entry: maps that have the flux.
        flux: GPP, RECO or NEE.
        kind: key of ``tamrl.maps.regions.KINDS``.
        year: one year; None for all of them, or the mean year of a climatology.
        every: tell the years apart also where the maps are heavy; else these have the row of their mean.
    """
    maps, found = world_cache.maps(entry), groups(entry, kind)
    if year is None and aggregate.whole_years(maps) and (every or not heavy(entry)):
        return aggregate.annual_totals(maps, flux, area(entry), found)
    period = period_of(entry, Period(year=year))
    row = aggregate.group_totals(world_cache.field(entry, flux, period), area(entry), found)
    return pd.DataFrame(row, index=pd.Index([period.year or aggregate.MEAN_YEAR], name="year"))


@st.cache_data(max_entries=96, show_spinner=_BUSY)
def covered(entry: MapsEntry, flux: str, kind: str) -> pd.Series:
    """Return the land with a value by group, million km2."""
    return aggregate.covered(world_cache.field(entry, flux, Period()), area(entry), groups(entry, kind))


@dataclass(frozen=True)
class Total:
    """The total of one flux.

    Attributes:
        mean: PgC yr-1, of one year or the mean over years.
        sd: what is known of its uncertainty, NaN where nothing is.
        bar: what ``sd`` is: ``members``, ``years`` or nothing.
    """

    mean: float
    sd: float
    bar: str


def total(entry: MapsEntry, flux: str, year: int | None, every: bool) -> Total:
    """Return the total of one flux over all land; see ``annual`` for what is asked."""
    found = annual(entry, flux, "band", year, every)[aggregate.ALL]
    spread = None if year in found.index else global_totals.member_spread(entry).get(flux)
    if spread is not None:
        return Total(float(found.mean()), spread, "members")
    return Total(float(found.mean()), float(found.std()), "years" if len(found) > 1 else "")


def set_beside(view: WorldView) -> list[MapsEntry]:
    """Return the maps whose totals are shown: those chosen, and the first climatologies, which take no time to read."""
    chosen = {entry.key for entry in pairs(view)}
    found: list[MapsEntry] = []
    for entry in {view.entry.key: view.entry, **view.entries}.values():
        try:
            maps = world_cache.maps(entry)
        except TamrlError:
            # A damaged file is told where it is chosen.
            continue
        if entry.key in chosen or (is_climatology(maps) and len(found) < _BESIDE):
            found.append(entry)
    return found


@st.cache_data(max_entries=2, show_spinner=False)
def _published(path: str, version: int) -> list[Published]:
    return global_totals.read_published(Path(path))


def published() -> list[Published]:
    """Return the published totals.

    Raises:
        TamrlError: the file is missing or damaged.
    """
    path = global_totals.published_path()
    return _published(str(path), path.stat().st_mtime_ns if path.is_file() else 0)


@st.cache_resource(max_entries=12, show_spinner="Regridding")
def common(
    one: MapsEntry, other: MapsEntry, flux: str, period: Period, other_period: Period, vegetated: bool = False
) -> tuple[xr.DataArray, ...]:
    """Return two fields on the coarser of their grids, and the land of each cell that is compared, m2."""
    a, b, land = common_grid.on_common_grid(
        world_cache.field(one, flux, period),
        world_cache.field(other, flux, other_period),
        world_cache.land(one),
        world_cache.land(other),
    )
    area = cell_area(a["lat"].values, a["lon"].values) * land.values
    return a, b, area.where(world_cache.vegetated(area), 0) if vegetated else area


@st.cache_data(max_entries=64, show_spinner=_BUSY)
def differences(question: tuple[Any, ...], kind: str) -> pd.DataFrame:
    """Return ``tamrl.maps.aggregate.differences`` of a question of ``common``."""
    a, b, land = common(*question)
    found = regions.groups(kind, world_cache.earth(), a["lat"].values, a["lon"].values)
    return aggregate.differences(a, b, land, found)


@st.cache_resource(max_entries=24, show_spinner=_BUSY)
def density(question: tuple[Any, ...]) -> xr.Dataset:
    """Return ``tamrl.maps.aggregate.density`` of a question of ``common``."""
    a, b, land = common(*question)
    return aggregate.density(a, b, land)


@st.cache_resource(max_entries=2, show_spinner="Reading the training towers")
def _reference(path: str, version: int) -> "Reference | None":
    return load_reference(path)


def reference(model: Path) -> "Reference | None":
    """Return the training towers of a checkpoint, None where it does not keep them.

    Raises:
        TamrlError: they are damaged.
    """
    return _reference(str(model), cache.model_version(model))


def trained_on(reference: "Reference") -> str:
    """Say how many towers the monthly model learnt from, and why not from all that the Scorecard scores."""
    scored, sites = set(world_cache.scored_towers().index), set(reference.sites)
    lacking = sorted(scored - sites)
    if not lacking or not scored & sites:
        return f"The monthly model behind the maps learnt from {len(sites)} tower{'s' * (len(sites) != 1)}."
    return (
        f"The monthly model behind the maps learnt from {len(sites)} of the {len(scored)} towers that the Scorecard "
        f"scores by day; {', '.join(lacking)} have fewer than {MIN_MONTHS} months of good quality."
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _towers(path: str, version: int) -> pd.DataFrame:
    archive = Workspace.open(path).archive()
    index = pd.Index(archive["site"].values.astype(str), name="site")
    return pd.DataFrame({name: archive[name].values for name in ("lat", "lon")}, index=index)


def workspace_towers() -> tuple[Workspace | None, pd.DataFrame]:
    """Return the open workspace and where its towers are; none where there is no workspace or archive."""
    try:
        workspace = sidebar.choice().workspace
        return workspace, _towers(str(workspace.path), workspace.archive_version())
    except TamrlError:
        return None, pd.DataFrame({"lat": [], "lon": []}, index=pd.Index([], name="site"))


@st.cache_data(max_entries=256, show_spinner="Reading the cell")
def cycle(entry: MapsEntry, flux: str, lat: float, lon: float) -> pd.DataFrame | None:
    """Return the seasonal cycle of one cell, see ``tamrl.maps.cell.cell_cycle``."""
    return cell.cell_cycle(world_cache.maps(entry), flux, lat, lon)
