"""World, below the map: one cell, its seasonal cycle in every product, what drives it, and towers like it."""

import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import chart, tell
from tamrl.app.world import about, adapt, cache, numbers
from tamrl.app.world import alt as world_alt
from tamrl.app.world.numbers import MAPS, MODEL
from tamrl.app.world.view import WorldView
from tamrl.bundled import bundled_models
from tamrl.errors import TamrlError
from tamrl.figures import style
from tamrl.figures.world import cell as figures
from tamrl.globe.contract import SD
from tamrl.maps import cell
from tamrl.maps.cell import Cell
from tamrl.maps.time_means import cell_of
from tamrl.schema import FLUX_UNIT, IGBP

_TOWERS = 8
_DRIVERS = {
    "TA": ("Temperature", "°C"),
    "P_MON": ("Precipitation", "mm d⁻¹"),
    "SW_IN_POT": ("Potential radiation", "W m⁻²"),
}
#: A tower is called like a place where fewer than this share of the training towers have another one nearer.
_ALIKE = 0.75


def place(view: WorldView) -> None:
    """Draw what is known of the picked cell."""
    if view.cell is None:
        tell("Pick a cell on the map, or a place or coordinates below it, to see its seasons, drivers and towers.")
        return
    found = cell.place_at(cache.earth(), *view.cell)
    where = cell.position(*view.cell)
    with st.container(gap="xsmall", key="world_place_title"):
        st.header(where, anchor=False)
        st.caption(_facts(found) if found else "No land here: ocean or a lake.")
    _cycles(view, found)
    if found is None:
        return
    _belief(view)
    with components.guarded():
        _towers(view)
    st.divider()

    with components.guarded():
        adapt.show(view, found)


def _facts(found: Cell) -> str:
    """Return what the bundled global drivers hold for a cell, in a line."""
    covers = ", ".join(
        f"{IGBP.get(name, name).lower()} {100 * share:.0f} %"
        for name, share in list(found.covers.items())[:4]
        if share >= 0.005
    )
    said = [
        found.continent if found.region in ("unknown", found.continent) else f"{found.region}, {found.continent}",
        components.climate_name(found.koeppen),
        covers,
        f"NDVI {found.fixed['NDVI_MIN']:.2f} to {found.fixed['NDVI_MAX']:.2f} over the year",
        f"C4 plants {100 * found.fixed['C4']:.0f} %",
        f"land {100 * found.land_fraction:.0f} % of the cell",
    ]
    return " · ".join(part for part in said if part)


def _cycles(view: WorldView, found: Cell | None) -> None:
    """Draw the seasonal cycle in every available product, and the drivers."""
    assert view.cell is not None  # drawn of a picked cell
    tables = _tables(view)
    if not tables:
        tell(f"None of the available maps has {view.flux} in this cell.")
        return
    left, right = st.columns([2, 1], gap="medium") if found else (st.container(), None)
    figure = figures.cycles(tables, numbers.drawn(view), view.flux, theme.current())
    labels = {entry.key: entry.label for entry in (*view.entries.values(), *numbers.pairs(view))}
    said = {labels[key]: table["value"] for key, table in reversed(tables.items())}
    alt = world_alt.curves(
        f"Seasonal cycle of {view.flux} in this cell", said, style.unit_label(FLUX_UNIT), world_alt.month
    )
    chart(left, f"world-cycles_{view.flux}", figure, alt)
    if right is not None and found is not None:
        units = {
            "Temperature": ("TA", "°C"),
            "Precipitation": ("P_MON", "mm d⁻¹"),
            "Potential radiation": ("SW_IN_POT", "W m⁻²"),
        }
        alt = "Drivers of this cell by month. " + " ".join(
            f"{name}: {world_alt.extremes(found.drivers[key].to_series(), unit, world_alt.month)}."
            for name, (key, unit) in units.items()
        )
        chart(right, "world-cell_drivers", figures.drivers(found.drivers, theme.current()), alt)
    components.footer(
        f"cell_{view.cell[0]:g}_{view.cell[1]:g}_{view.flux}",
        _origin(view, tables),
        lambda: _cycle_frame(tables, found),
    )
    st.caption(
        f"Mean of each month over the years of each product, {style.unit_label(FLUX_UNIT)}. Each product is read "
        "at its own cell, which is larger where the product is coarser."
    )
    every = {entry.key: entry for entry in (*view.entries.values(), *numbers.pairs(view))}
    banded = [every[key] for key, table in reversed(tables.items()) if "sd" in table]
    if banded:
        st.caption(f"Bands: {about.spreads(banded)}")


def _tables(view: WorldView) -> dict[str, pd.DataFrame]:
    """Return the seasonal cycle in every product that has one here, the chosen maps last."""
    assert view.cell is not None  # drawn of a picked cell
    found = {}
    chosen = [entry.key for entry in numbers.pairs(view)]
    every = {entry.key: entry for entry in (*view.entries.values(), *numbers.pairs(view))}
    for key in sorted(every, key=lambda k: chosen.index(k) if k in chosen else -1):
        try:
            table = numbers.cycle(every[key], view.flux, *view.cell)
        except TamrlError:
            # A damaged file is told where it is chosen.
            continue
        if table is not None:
            found[key] = table
    return found


def _origin(view: WorldView, tables: dict[str, pd.DataFrame]) -> Origin:
    """Return where all cycles come from."""
    entries = [e for e in {e.key: e for e in (*view.entries.values(), view.entry)}.values() if e.key in tables]
    text = "; ".join(entry.label for entry in entries) + "; drivers: ERA5, MODIS, BESS-JPL (bundled climatology, 0.5°)"
    return Origin(text, any(entry.simulated for entry in entries))


def _cycle_frame(tables: dict[str, pd.DataFrame], found: Cell | None) -> pd.DataFrame:
    columns = {
        key if name == "value" else f"{key}{SD}": table[name]
        for key, table in reversed(tables.items())
        for name in table
    }
    drivers = found.drivers.to_dataframe() if found else pd.DataFrame()
    return pd.DataFrame(columns).join(drivers).rename_axis("month")


def _belief(view: WorldView) -> None:
    """Say whether the model should be believed here, where the maps tell."""
    assert view.cell is not None  # drawn of a picked cell
    inside = cell_of(view.maps, *view.cell)
    if "extrapolation" not in view.maps or inside is None:
        return
    index, (row, column) = view.maps["extrapolation"], inside
    value, limit = float(index.isel(lat=row, lon=column)), index.attrs.get("threshold")
    if limit is None or value != value:
        return
    if value > float(limit):
        st.warning(
            f"Dissimilarity index {value:.2f}, above {float(limit):.2f}: no training tower is like this place, so "
            "outside the area of applicability: treat as extrapolation.",
            icon=":material/warning:",
        )
    else:
        st.caption(
            f"Dissimilarity index {value:.2f}, below {float(limit):.2f}: the training towers span climate and "
            "vegetation like those here. That does not mean that any single one is similar: the table gives the "
            "distances."
        )


def _towers(view: WorldView) -> None:
    """Draw the training towers that are most like this cell."""
    assert view.cell is not None  # drawn of a picked cell
    model, maps = bundled_models().get(MODEL), view.entries.get(MAPS)
    if model is None or maps is None:
        return
    reference = numbers.reference(model)
    code = cell.cell_code(cache.maps(maps), *view.cell)
    if reference is None or code is None:
        return
    table = cell.like_towers(reference, code, *view.cell, _TOWERS)
    st.markdown("**The training towers that are nearest to this place**, by their task embeddings")
    st.caption(_how_near(table))
    sizes.table(
        table.reset_index().assign(
            igbp=[components.class_name(c) for c in table["igbp"]], km=table["km"].round().to_numpy()
        ),
        key="world_like",
        hide_index=True,
        column_order=["site", "times_usual", "km", "igbp", "koeppen", "lat", "lon"],
        column_config=_TOWER_COLUMNS,
    )
    origin = Origin(f"{maps.label}: task embeddings of its {len(reference.sites)} training towers", maps.simulated)
    components.footer(f"like_{view.cell[0]:g}_{view.cell[1]:g}", origin, lambda: table)
    st.caption(
        "A task embedding is what the model makes of a place from its climate and land cover alone: places close in "
        "it are alike to the model, however far apart. Times usual: that distance divided by the median distance of a "
        "training tower to its nearest neighbour. " + numbers.trained_on(reference)
    )
    _link(list(table.index))


def _how_near(table: pd.DataFrame) -> str:
    """Say in a sentence whether the nearest tower is near."""
    times, share = (float(table[name].iloc[0]) for name in ("times_usual", "nearer_share"))
    usual = "as far, in the task embedding, as a training tower usually is from its nearest neighbour"
    said = f"{table.index[0]} is {times:.1f} times {usual}"
    if share < _ALIKE:
        return f"{said}: it is like this place."
    return f"{said}, and {100 * share:.0f} % of the training towers have a closer neighbour: none is like this place."


_TOWER_COLUMNS = {
    "site": st.column_config.TextColumn("Tower", width=90),
    "times_usual": st.column_config.NumberColumn(
        "Times usual",
        format="%.1f",
        help="1: as far, in the task embedding, as a training tower usually is from its nearest neighbour",
    ),
    "km": st.column_config.NumberColumn("Distance [km]", format="localized"),
    "igbp": st.column_config.TextColumn("IGBP"),
    "koeppen": st.column_config.TextColumn("Köppen", width=80),
    "lat": st.column_config.NumberColumn("Latitude", format="%.2f"),
    "lon": st.column_config.NumberColumn("Longitude", format="%.2f"),
}


def _link(sites: list[str]) -> None:
    """Offer the lab for the most alike tower that the open workspace holds."""
    _, held = numbers.workspace_towers()
    inside = [site for site in sites if site in held.index]
    if inside:
        st.page_link(
            "pages/lab.py",
            label=f"Open {inside[0]} in the Few-shot lab",
            icon=":material/science:",
            query_params={"site": inside[0]},
        )
