"""World, below the map: zonal means, Hovmoeller diagrams, and totals beside published ones."""

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import components, theme
from tamrl.app.shared.widgets import chart, tell
from tamrl.app.world import about as world_about
from tamrl.app.world import alt as world_alt
from tamrl.app.world import cache, numbers
from tamrl.app.world.view import WorldView, palette_choice
from tamrl.figures.world import charts as figures
from tamrl.globe.contract import SD, is_climatology
from tamrl.maps import time_means
from tamrl.maps.aggregate import TOTAL_UNIT
from tamrl.maps.catalog import MapsEntry
from tamrl.schema import FLUX_UNIT


def zonal(view: WorldView) -> None:
    """Draw the mean over longitude against latitude."""
    shown = numbers.having(view)
    tell(numbers.lacking(view))
    if not shown:
        return
    periods = {entry.key: numbers.period_of(entry, view.period) for entry in shown}
    curves = {entry.key: numbers.zonal(entry, view.flux, periods[entry.key]) for entry in shown}
    empty = [entry for entry in shown if not curves[entry.key]["value"].notna().any()]
    for entry in empty:
        when = periods[entry.key].label
        tell(f"{entry.label} has no value anywhere: {view.flux}, {when}. Choose another time or flux above.")
    shown = [entry for entry in shown if entry not in empty]
    if not shown:
        return
    drawn, names = numbers.drawn(view), " and ".join(entry.label for entry in reversed(shown))
    titles = {
        "value": f"Mean {view.flux} of the land [{figures.UNIT}]",
        "total": f"Total {view.flux} of each degree [{figures.TOTAL}]",
    }
    for part, (column, title) in zip(st.columns([1.4, 1], gap="medium"), titles.items(), strict=True):
        figure = figures.zonal(curves, drawn, column, title, theme.current())
        said = {entry.label: curves[entry.key][column] for entry in reversed(shown)}
        heading = f"{title.split(' [')[0]} of {names} against latitude, {view.period.label.lower()}"
        unit = title.split("[")[1].rstrip("]")
        alt = world_alt.curves(heading, said, unit, lambda lat: figures.latitude(round(lat)))
        chart(part, f"world-zonal_{column}", figure, alt)
    components.footer(
        f"zonal_{view.entry.key}_{view.flux}",
        view.origin,
        lambda: _side_by_side(curves),
        lambda: _as_dataset(curves, view),
    )
    how = f"{view.period.label}, weighted by area of land; totals are of a year at this rate."
    st.caption(" ".join([how, *_years(shown, view)]))
    banded = [entry for entry in reversed(shown) if "sd" in curves[entry.key]]
    if banded:
        st.caption(
            "Bands: mean spread of the cells; that of their mean is smaller. A band much wider than the lines is cut "
            f"off. Uncertainty: {world_about.spreads(banded)}"
        )


def _years(shown: list[MapsEntry], view: WorldView) -> list[str]:
    """Return what the reader must know where maps of years are set beside a mean year."""
    said = []
    for entry in shown:
        years = time_means.span(cache.maps(entry))
        if view.period.year in time_means.years_with(cache.maps(entry), view.period):
            said.append(f"{entry.label}: {view.period.year}.")
        elif len(shown) > 1 or not is_climatology(cache.maps(entry)):
            said.append(f"{entry.label}: mean of {years}.")
    whose = {text.removeprefix(f"{entry.label}: ") for entry, text in zip(shown, said, strict=False)}
    if len(said) == len(shown) > 1 and len(whose) == 1:
        return [f"All: {whose.pop()}"]
    return said


def _side_by_side(curves: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return tables of the same index as one, a column for each set of maps and quantity."""
    names = {"value": "", "sd": SD, "total": "_total"}
    tables = [t.rename(columns={c: f"{key}{end}" for c, end in names.items()}) for key, t in reversed(curves.items())]
    return pd.concat(tables, axis=1).sort_index()


def _as_dataset(curves: dict[str, pd.DataFrame], view: WorldView) -> xr.Dataset:
    found = xr.Dataset.from_dataframe(_side_by_side(curves))
    for name in found:
        whole = str(name).endswith("_total")
        what = "Total of each degree of latitude" if whole else "Zonal mean"
        unit = f"{TOTAL_UNIT} degree-1" if whole else FLUX_UNIT
        found[name].attrs = {"units": unit, "long_name": f"{what}, {view.flux}, {view.period.label}"}
    return found


def hovmoeller(view: WorldView) -> None:
    """Draw latitude against month, of the mean year."""
    having = numbers.having(view)[::-1]
    tell(numbers.lacking(view))
    shown = [entry for entry in having if time_means.tells_months(cache.maps(entry))]
    for entry in (e for e in having if e not in shown):
        tell(f"{entry.label} has no months: its steps are years.")
    if not shown:
        return
    tables = {entry.key: numbers.hovmoeller(entry, view.flux) for entry in shown}
    limits = figures.limits_of(list(tables.values()), view.flux)
    for column, entry in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        last = entry is shown[-1]
        title = f"{view.flux}, {entry.label}"
        drawn = figures.hovmoeller(
            tables[entry.key], view.flux, limits, title, theme.current(), bar=last, palette=palette_choice()
        )
        alt = world_alt.hovmoeller(
            f"Mean {view.flux} of {entry.label} by latitude and month", tables[entry.key], figures.UNIT
        )
        chart(column, f"world-hovmoeller_{entry.key}", drawn, alt)
    components.footer(
        f"hovmoeller_{view.entry.key}_{view.flux}",
        view.origin,
        lambda: _long(tables, view.flux),
        lambda: _hovmoeller_dataset(tables, view),
    )
    spans = {e.label: time_means.span(cache.maps(e)) for e in shown}
    said = [f"{label}: mean of {years}." for label, years in spans.items()]
    if len(set(spans.values())) == 1:
        said = [f"Mean of {next(iter(spans.values()))}."]
    st.caption(" ".join(["Mean over longitude, weighted by area of land, of each month of the mean year.", *said]))


def _long(tables: dict[str, xr.DataArray], flux: str) -> pd.DataFrame:
    parts = [t.rename(flux).to_series().dropna().to_frame().assign(maps=key) for key, t in tables.items()]
    return pd.concat(parts)[["maps", flux]]


def _hovmoeller_dataset(tables: dict[str, xr.DataArray], view: WorldView) -> xr.Dataset:
    """Return the chosen tables; those on another grid have latitudes of their own."""
    found = xr.Dataset()
    for i, (key, table) in enumerate(tables.items()):
        about = {"units": FLUX_UNIT, "long_name": f"Zonal mean {view.flux} of each month"}
        found[key] = (table.rename(lat=f"lat_{i + 1}") if i else table).drop_attrs(deep=False).assign_attrs(about)
    return found
