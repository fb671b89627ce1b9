"""Workspace: where a tower stands and what grows there, asked for where its files do not say."""

import math

import streamlit as st
import xarray as xr

from tamrl.app.shared import cache, components, own, widgets
from tamrl.app.workspace import drop, where
from tamrl.errors import TamrlError
from tamrl.globe.earth import flags, load_earth
from tamrl.maps.cell import Cell, place_at, position
from tamrl.schema import IGBP, UNKNOWN
from tamrl.towers.shelf import Draft
from tamrl.towers.workspace import bundled

#: A smaller share of the land of a cell is not worth a word.
_SEEN = 0.05
#: Label, largest size and example of latitude and longitude.
_DEGREES = (("Latitude [° N]", 90.0, "48.25"), ("Longitude [° E]", 180.0, "11.75"))


def section(draft: Draft, tower: xr.Dataset, site: str) -> None:
    """Draw what is known of the place of a tower, to be completed or corrected; a change reads the files again.

    Args:
        draft: what was read.
        tower: record of the tower.
        site: its id.
    """
    lat, lon = tower["lat"].item(), tower["lon"].item()
    igbp, koeppen = tower["igbp"].item(), tower["koeppen"].item()
    placed = math.isfinite(lat) and math.isfinite(lon)
    missing = ([] if placed else ["the position"]) + [
        words for words, known in (("the land cover", igbp), ("the climate", koeppen)) if known == UNKNOWN
    ]
    if missing:
        last = f"{', '.join(missing[:-1])} and {missing[-1]}" if len(missing) > 1 else missing[0]
        st.info(
            f"The files of {components.plain(site)} do not say {last}. The model reads where a tower stands and what "
            "grows there: click on the map or type the position, and the classes are looked up.",
            icon=":material/location_on:",
        )
    with st.expander("Position and class", icon=":material/location_on:", expanded=bool(missing)):
        _form(draft, site, (lat, lon) if placed else None, igbp, koeppen)


def _form(draft: Draft, site: str, at: tuple[float, float] | None, igbp: str, koeppen: str) -> None:
    known_lat, known_lon = at or (None, None)
    listed = _listed(site) if at is None else None
    first_lat, first_lon = listed[:2] if listed else (known_lat, known_lon)
    key = f"{draft.path.name}_{site}"
    boxes = f"workspace_lat_{key}", f"workspace_lon_{key}"
    for name, first in zip(boxes, (first_lat, first_lon), strict=True):
        st.session_state.setdefault(name, first)
    where.section(f"workspace_map_{key}", boxes)
    columns = st.columns(4, gap="small", vertical_alignment="bottom")
    lat, lon = (
        column.number_input(label, -limit, limit, None, 0.1, "%.4f", key=name, placeholder=example)
        for column, (label, limit, example), name in zip(columns, _DEGREES, boxes, strict=False)
    )
    earth = load_earth()
    cell = place_at(earth, lat, lon) if lat is not None and lon is not None else None
    as_listed = listed is not None and (lat, lon) == (first_lat, first_lon)
    found = listed[2:] if listed and as_listed else (cell.igbp, cell.koeppen) if cell else (UNKNOWN, UNKNOWN)
    # A class that was looked up belongs to a position: another position, another box.
    spot = f"{key}_{lat}_{lon}"
    new_igbp = _class(columns[2], "Land cover (IGBP)", f"workspace_igbp_{spot}", igbp, found[0], tuple(IGBP))
    climates = tuple(name for name in flags(earth["koeppen"]).values() if name != "none")
    new_koeppen = _class(columns[3], "Climate (Köppen)", f"workspace_koeppen_{spot}", koeppen, found[1], climates)
    if as_listed:
        st.caption(f"{site} is a tower of FLUXNET2015: its position and classes are those of the bundled list.")
    else:
        _say_cell(cell, lat is not None and lon is not None)
    typed = {"lat": _text(lat), "lon": _text(lon), "igbp": _known(new_igbp), "koeppen": _known(new_koeppen)}
    before = {"lat": _text(known_lat), "lon": _text(known_lon), "igbp": _known(igbp), "koeppen": _known(koeppen)}
    half = (lat is None) != (lon is None)
    if half:
        st.caption("A position has a latitude and a longitude.")
    if widgets.button(
        "Use this place",
        icon=":material/check:",
        key=f"workspace_place_{key}",
        disabled=half or typed == before,
        help="The files are read again with it",
    ):
        with components.guarded():
            _use(draft, site, typed, before)


def _class(
    column: st.delta_generator.DeltaGenerator, label: str, key: str, said: str, found: str, known: tuple[str, ...]
) -> str:
    """Draw the choice of a class: that of the files, else what was looked up; return it."""
    text = components.class_name if known == tuple(IGBP) else components.climate_name
    options = list(dict.fromkeys([UNKNOWN, said, found, *known]))
    return column.selectbox(
        label, options, options.index(said if said != UNKNOWN else found), key=key, format_func=text
    )


def _listed(site: str) -> tuple[float, float, str, str] | None:
    """Return position and classes of a tower of the bundled list of FLUXNET2015; None of any other."""
    table = cache.towers(bundled())
    if site not in table.index:
        return None
    row = table.loc[site]
    return round(float(row["lat"]), 4), round(float(row["lon"]), 4), str(row["igbp"]), str(row["koeppen"])


def _use(draft: Draft, site: str, typed: dict[str, str], before: dict[str, str]) -> None:
    """Keep what was typed and read the files again.

    Raises:
        TamrlError: something that the files say was emptied, which a table of sites cannot say.
    """
    emptied = [name for name, text in typed.items() if not text and before[name] and not draft.places().get(site)]
    if emptied:
        what = f"The files give a value for what was emptied here: {', '.join(emptied)}"
        raise TamrlError(what, site, "Type the right value, or keep that of the files")
    draft.put_place(site, typed)
    drop.begin(draft, own.bounds(0, site))
    st.rerun()


def _say_cell(cell: Cell | None, placed: bool) -> None:
    """Say what the bundled global drivers hold there, so that the class is not taken for the tower's own."""
    if not placed:
        st.caption("With a position, land cover and climate are looked up in the bundled global drivers.")
        return
    if cell is None:
        st.caption("There is no land in this half-degree cell: check the signs of latitude and longitude.")
        return
    covers = ", ".join(f"{name} {100 * share:.0f} %" for name, share in cell.covers.items() if share >= _SEEN)
    st.caption(
        f"Half-degree cell at {position(cell.lat, cell.lon)}, {cell.region}: {covers or 'no land cover'}; climate "
        f"{cell.koeppen}. The largest class of a cell need not be that of the tower: correct it where you know better."
    )


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _known(name: str) -> str:
    return "" if name == UNKNOWN else name
