"""What the World page tells of each set of maps: what it is, who made it, what was done to it, what its spread is."""

import re
from typing import Any

import numpy as np
import streamlit as st
import xarray as xr

from tamrl.app.world import cache
from tamrl.app.world.view import WorldView
from tamrl.globe.contract import NBE, SD, edges, fluxes_of, is_climatology, step_of_maps
from tamrl.maps import time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.products.accounting import report_of

#: What a spread is where its makers do not say more.
SPREAD = "standard deviation of the estimate, as its makers give it"
KINDS = {"model": "Model: fluxes predicted from drivers", "product": "Product, imported"}
_STEPS = {"day": "day", "month": "month", "year": "year", "other": "step"}
_DOI = re.compile(r"(?<![\w/])(?:doi:\s*|https?://(?:dx\.)?doi\.org/)(10\.\d{4,9}/[^\s,;)\]]*[^\s,;.)\]])", re.I)


def spread(maps: xr.Dataset) -> str:
    """Return what the spread of a set of maps is, in words that can follow a colon."""
    said = str(maps.attrs.get("spread") or SPREAD).strip().rstrip(".")
    return said[:1].lower() + said[1:]


def spreads(entries: list[MapsEntry]) -> str:
    """Return what the spreads of several sets of maps are; of makers that mean different things, that they do.

    Args:
        entries: maps that have a spread, in the order in which they are told.
    """
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(spread(cache.maps(entry)), []).append(entry.label)
    if len(entries) == 1:
        return f"{next(iter(found))}."
    said = "; ".join(f"{' and '.join(labels)}: {text}" for text, labels in found.items())
    if len(found) == 1 and SPREAD not in found:
        return f"{said}."
    return f"{said}. These spreads are not the same thing: a wider one is not a worse map."


def popover(view: WorldView) -> None:
    """Draw who made the maps that are shown, and what they are."""
    with st.popover("About", icon=":material/info:"):
        st.caption("Who made these maps, how, and under which licence")
        for entry, maps in ((view.entry, view.maps), (view.other_entry, view.other)):
            if entry is not None and maps is not None:
                st.markdown("\n".join([f"**{kept(entry.label)}**", "", *about(entry, maps)]))


def about(entry: MapsEntry, maps: xr.Dataset) -> list[str]:
    """Return what is known of a set of maps as lines of a Markdown list."""
    attrs = maps.attrs
    steps = f"{maps.sizes['time']} {_STEPS[step_of_maps(maps)]}{'s' * (maps.sizes['time'] != 1)}"
    years = f"{time_means.span(maps)}, " + ("the mean year" if is_climatology(maps) else steps)
    land = "land fraction known" if "land_fraction" in maps else "no land fraction: whole cells are counted"
    named = fluxes_of(maps) or tuple(name for name in (NBE,) if name in maps)
    has = ", ".join(f + (" with spread" if f + SD in maps else "") for f in named)
    derived = str(attrs.get("derived") or "")
    rows = {
        "What": KINDS.get(entry.kind, entry.kind) + (", SIMULATED" if entry.simulated else ""),
        "Source": attrs.get("source"),
        "Citation": attrs.get("citation"),
        "DOI": _own_doi(attrs),
        "Version": attrs.get("version"),
        "Licence": attrs.get("license") or "not given",
        "Years": years,
        "Grid": f"{_grid(maps)}; {land}",
        "Fluxes": has,
        "Derived": f"{derived}, from NEE = RECO \N{MINUS SIGN} GPP"
        if derived
        else "none; each flux as published"
        if entry.kind == "product"
        else None,
        "Uncertainty": spread(maps) if any(f + SD in maps for f in fluxes_of(maps)) else "none given",
        "Regridding": attrs.get("regridding"),
        **noted(maps),
        "Comment": attrs.get("comment"),
        "File": entry.path.name,
    }
    return [f"- {name}: {_linked(str(value))}" for name, value in rows.items() if value]


def noted(maps: xr.Dataset) -> dict[str, str]:
    """Return what was done to imported maps by kind; of older ones, and of ours, their notes."""
    found: dict[str, list[str]] = {}
    for entry in report_of(maps):
        found.setdefault(entry.kind.capitalize(), []).append(entry.words)
    notes = str(maps.attrs.get("notes") or "")
    return {kind: " ".join(words) for kind, words in found.items()} or ({"Notes": notes} if notes else {})


def _own_doi(attrs: dict[str, Any]) -> str:
    """Return the DOI of the maps where the citation does not have it."""
    doi = re.sub(r"^(doi:\s*|https?://(dx\.)?doi\.org/)", "", str(attrs.get("doi") or ""), flags=re.I)
    return f"doi:{doi}" if doi and doi not in str(attrs.get("citation", "")) else ""


def _grid(maps: xr.Dataset) -> str:
    sizes = [float(np.median(np.diff(edges(maps[axis].values, axis)))) for axis in ("lat", "lon")]
    south_north, west_east = (edges(maps[axis].values, axis) for axis in ("lat", "lon"))
    whole = west_east[-1] - west_east[0] > 359 and south_north[-1] - south_north[0] > 120
    extent = (
        ""
        if whole
        else (f", from {south_north[0]:g} to {south_north[-1]:g} °N and {west_east[0]:g} to {west_east[-1]:g} °E")
    )
    return f"{sizes[0]:.4g}° × {sizes[1]:.4g}°, {maps.sizes['lat']} × {maps.sizes['lon']} cells{extent}"


def _linked(text: str) -> str:
    """Return text as Markdown with its DOIs as links."""
    return _DOI.sub(lambda found: f"[doi:{found[1]}](https://doi.org/{found[1]})", kept(text))


def kept(text: str) -> str:
    """Return text whose characters Markdown would read stay as they are."""
    return re.sub(r"([$*_`\[\]<>~])", r"\\\1", " ".join(text.split()))
