"""World, below the map: what a user knows of a place by month, and the climate model adapted to it."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.shared import cache, components, sizes, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import chart
from tamrl.app.world import cache as world_cache
from tamrl.app.world import numbers
from tamrl.app.world.numbers import MODEL
from tamrl.app.world.view import WorldView
from tamrl.bundled import bundled_models
from tamrl.figures import style
from tamrl.figures.world import cell as figures
from tamrl.maps import cell
from tamrl.maps.cell import Cell
from tamrl.predict import monthly_means
from tamrl.schema import FLUX_UNIT, FLUXES, IGBP, variable

_UNIT = style.unit_label(FLUX_UNIT)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_MINUS = "\N{MINUS SIGN}"
#: A smaller share is not worth a word.
_SEEN = 0.005
_MIXTURE = "all the vegetation of the cell, as the map"
#: A tower of the workspace may fill the table from this far.
_NEARBY_KM = 100.0


def show(view: WorldView, place: Cell) -> None:
    """Draw the table of known months, and the model before and after it knows them."""
    st.markdown("**Adapt to this place**")
    model = bundled_models().get(MODEL)
    if model is None:
        st.caption(f"The climate model {MODEL} is not bundled here, so no place can be adapted to.")
        return
    st.caption(
        f"Type the monthly means that you know here [{_UNIT}]; any months, any of the three. The climate model is "
        "adapted at once, in closed form; the shared model is not modified."
    )
    values, cover = _editor(place, model)
    monthly_means.check(values)
    share = _remarks(values)
    read = monthly_means.complete(values)
    if not (read["GPP"].notna() | read["RECO"].notna()).any() and not (share and monthly_means.alone(read)):
        return
    where = (place.lat, place.lon, cover)
    table = _adapted(str(model), cache.model_version(model), where, _key(values), share)
    _result(place, cover, table, model)


def _editor(place: Cell, model: Path) -> tuple[pd.DataFrame, str | None]:
    """Draw the table of months, and what fills it; return the values (month) and the land cover that they are of."""
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="top")
    with left:
        cover = _cover(place)
    with right:
        start, mark = _filled(place, model)
    number = st.column_config.NumberColumn
    low, high = min(variable(f).bounds[0] for f in FLUXES), max(variable(f).bounds[1] for f in FLUXES)
    wide = start.T.set_axis(list(_MONTHS), axis=1).rename_axis("Flux")
    edited = sizes.editor(
        wide,
        key=f"months_{place.lat:g}_{place.lon:g}_{mark}",
        num_rows="fixed",
        placeholder="",
        alt="Monthly means of GPP, RECO and NEE that are known here",
        column_config={m: number(m, format="%.2f", min_value=low, max_value=high, width=62) for m in _MONTHS},
    )
    found = edited.T.set_axis(monthly_means.MONTHS, axis=0)
    return found[list(FLUXES)].apply(pd.to_numeric, errors="coerce").astype(float), cover


def _cover(place: Cell) -> str | None:
    """Draw the choice of the land cover that the values are of; None is the mixture of the cell."""
    own = [name for name in place.covers if name in IGBP]
    options = [_MIXTURE, *own, *(name for name in IGBP if name not in own)]
    shown = st.selectbox(
        "Land cover that these values represent",
        options,
        key=f"months_cover_{place.lat:g}_{place.lon:g}",
        format_func=lambda name: _MIXTURE if name == _MIXTURE else _share(name, place),
        width=sizes.px(420),
    )
    return None if shown == _MIXTURE else shown


def _share(name: str, place: Cell) -> str:
    share = place.covers.get(name, 0)
    return (
        f"{components.class_name(name)} ({100 * share:.0f} % of the land here)"
        if share >= 0.005
        else components.class_name(name)
    )


def _filled(place: Cell, model: Path) -> tuple[pd.DataFrame, str]:
    """Draw what can fill the table: a file, or a tower of the workspace nearby; return its values and their name."""
    where = f"{place.lat:g}_{place.lon:g}"
    near = _nearby(place)
    left, right = st.columns(2, gap="medium") if near else (st.container(), None)
    file = left.file_uploader(
        "Load from CSV",
        type=["csv", "txt"],
        key=f"months_file_{where}",
        max_upload_size=1,
        help="Columns month[, year] and some of GPP, RECO, NEE in gC m-2 d-1; years are averaged.",
    )
    site = None
    if right is not None:
        site = right.selectbox(
            "Or from a tower of the workspace",
            list(near),
            index=None,
            key=f"months_tower_{where}",
            placeholder="none",
            format_func=lambda name: f"{name}, {near[name]:.0f} km away",
        )
    start, mark = monthly_means.empty(), "typed"
    if file is not None:
        content = file.getvalue()
        start, mark = monthly_means.read_months(content, file.name), hashlib.sha256(content).hexdigest()[:12]
    elif site is not None:
        workspace, _ = numbers.workspace_towers()
        assert workspace is not None  # the tower is one of its
        start, mark = monthly_means.months_of(cache.tower(workspace, site)), site
    said = [f"A month is the mean of up to {start.attrs['years']} years."] if start.attrs.get("years", 0) > 1 else []
    known = numbers.reference(model)
    if mark == site and known is not None and site in known.sites:
        said.append(f"The model was trained on {site}: this shows how it adapts, not how well.")
    if said:
        st.caption(" ".join(said))
    return start, mark


def _nearby(place: Cell) -> dict[str, float]:
    """Return the distance [km] of towers of the open workspace that stand nearby, the nearest first."""
    workspace, towers = numbers.workspace_towers()
    if workspace is None or workspace.simulated:
        # What a made-up tower measured says nothing of a place on the map.
        return {}
    km = cell.distance_km(place.lat, place.lon, towers["lat"].to_numpy(), towers["lon"].to_numpy())
    found = pd.Series(km, index=towers.index)
    return found[found < _NEARBY_KM].sort_values().to_dict()


def _remarks(values: pd.DataFrame) -> bool:
    """Say what cannot be taken as it is; return whether a lone NEE is to be partitioned."""
    odd = monthly_means.out_of_balance(values)
    if odd:
        st.warning(
            f"NEE is not RECO {_MINUS} GPP in {_names(odd)}: the model uses GPP and RECO there, and ignores NEE.",
            icon=":material/balance:",
        )
    lone = monthly_means.alone(values)
    if not lone:
        return False
    st.info(
        f"{_names(lone)}: NEE alone. The model predicts GPP and RECO, and NEE is their difference: alone it does not "
        "say which of the two is wrong, so these months are skipped. Give GPP or RECO as well, or let the residual be "
        "partitioned between them in proportion to how uncertain the model is of each. That is an assumption, not a "
        "measurement.",
        icon=":material/call_split:",
    )
    return st.toggle("Partition the NEE residual between GPP and RECO", key="world_share_nee")


def _names(months: list[int]) -> str:
    return ", ".join(_MONTHS[m - 1] for m in months)


def _key(values: pd.DataFrame) -> tuple[float | None, ...]:
    """Return the values as a key: month by month, None where missing."""
    return tuple(None if np.isnan(v) else round(float(v), 6) for v in values.to_numpy().ravel())


@st.cache_data(max_entries=64, show_spinner="Adapting the model")
def _adapted(model: str, version: int, where: tuple[Any, ...], key: tuple[Any, ...], share: bool) -> pd.DataFrame:
    lat, lon, cover = where
    values = np.array([np.nan if v is None else v for v in key], float).reshape(12, len(FLUXES))
    known = pd.DataFrame(values, index=monthly_means.MONTHS, columns=list(FLUXES))
    earth = world_cache.earth()
    reference = numbers.reference(Path(model))
    trained = frozenset(reference.igbp if reference else IGBP)
    place = cell.place_at(earth, lat, lon)
    assert place is not None  # over ocean nothing is adapted
    static = cell.static_of(place, trained, cover)
    tower = cell.tower_of_cell(earth, lat, lon)
    return monthly_means.adapt_months(cache.model(Path(model)).for_site(""), tower, known, share, static)


def _result(place: Cell, cover: str | None, table: pd.DataFrame, model: Path) -> None:
    """Draw the seasonal cycles before and after, and what a year amounts to."""
    years = []
    with st.container(horizontal=True, gap="large"):
        for flux in FLUXES:
            before, after = (float((table[f"{flux}_{when}"] * _DAYS).sum()) for when in ("before", "after"))
            years.append(f"{flux} of the year {before:,.0f} before and {after:,.0f} after".replace("-", _MINUS))
            st.metric(
                f"{flux} of the year [gC m⁻² yr⁻¹]",
                f"{after:,.0f}".replace("-", _MINUS),
                f"{after - before:+,.0f} from before".replace("-", _MINUS),
                delta_color="off",
                delta_arrow="off",
                width="content",
            )
    alt = (
        "GPP, RECO and NEE by month before and after adapting to these months, which are marked. "
        f"{', '.join(years)} [gC m⁻² yr⁻¹]."
    )
    chart(st.container(), "world-known_months", figures.known(table, theme.current()), alt)
    where = cell.position(place.lat, place.lon)
    origin = Origin(
        f"Climate model {model.name} at {where}; monthly means given by the user; drivers: bundled climatology, 0.5°",
        False,
    )
    components.footer(f"adapted_{place.lat:g}_{place.lon:g}", origin, lambda: table)
    bands = "90 % intervals" if "GPP_after_low" in table else "one standard deviation"
    said = [f"Bands: {bands}."]
    if cover is None and (bare := 1 - cell.vegetated(place)) >= _SEEN:
        said.append(
            f"Of the vegetated land: {100 * bare:.0f} % here is bare, ice or water, which the map counts as well."
        )
    said.append(
        "The model reads a mean climate, so months of one year are taken as those of a mean year; each counts as one, "
        "however many years it is the mean of."
    )
    st.caption(" ".join(said))
