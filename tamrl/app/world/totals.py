"""Totals of the World page: of all land and of its regions, beside published ones."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.widgets import chart, pick, tell
from tamrl.app.world import alt as world_alt
from tamrl.app.world import cache, numbers
from tamrl.app.world.view import WorldView
from tamrl.figures import style
from tamrl.figures.world import totals as figures
from tamrl.figures.world.charts import UNIT
from tamrl.maps import aggregate, global_totals, regions, time_means
from tamrl.maps.aggregate import ALL, TOTAL_UNIT
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.global_totals import Published
from tamrl.schema import FLUXES

_TOTAL = style.unit_label(TOTAL_UNIT)
_BARS = {
    "members": "the standard deviation over the members of the model",
    "years": "the standard deviation between years",
}
_KIND_NOTES = {
    "region": "Regions in the manner of TransCom (Gurney et al. 2002, doi:10.1038/415626a).",
    "continent": "Continents of Natural Earth.",
    "koeppen": "Main Köppen classes, of the monthly climate that comes with the project.",
    "igbp": "The largest land cover of each cell (MODIS, IGBP).",
}


def totals(view: WorldView) -> None:
    """Draw the totals of the land beside published ones, and those of its regions."""
    shown, published = numbers.set_beside(view), numbers.published()
    year, every = view.period.year, _every(shown)
    for entry in shown:
        if year in time_means.years_of(maps := cache.maps(entry)) and year not in aggregate.whole_years(maps):
            tell(f"{entry.label} lacks months of {year}; its total is that of the others, taken for the whole year.")
        tell(numbers.partial(entry, FLUXES))
    ours = {flux: _ours(shown, flux, year, every, view) for flux in FLUXES}
    names = {entry.key: entry.label for entry in shown}
    alt = world_alt.amounts(
        "Global totals of GPP, RECO and NEE, of the maps here above published ones",
        {f"{flux} of {names[key]}": mean for flux, table in ours.items() for key, mean in table["mean"].items()},
        _TOTAL,
    )
    figure = figures.totals(ours, published, numbers.drawn(view), theme.current())
    chart(st.container(), "world-totals", figure, alt)
    for column, flux in zip(st.columns(len(FLUXES), gap="medium"), FLUXES, strict=True):
        mine = ours[flux]["mean"].get(view.entry.key)
        if mine is not None:
            column.markdown(global_totals.verdict(flux, float(mine), published))
        elif not numbers.has(view.entry, flux):
            column.markdown(f"{view.entry.label} has no {flux}.")
    components.footer(f"totals_{view.entry.key}", view.origin, lambda: _totals_table(ours, published, view))
    st.caption(" ".join([_how(ours, year), *_whole_cells(shown)]))
    _why(view, ours, published)
    with st.expander("Where the published totals come from", icon=":material/menu_book:"):
        _sources(published)
    st.divider()
    _regional(view, year, every)


def _every(shown: list[MapsEntry]) -> bool:
    """Offer to add up what takes long to read; return whether it is wanted."""
    large = [entry.label for entry in shown if numbers.heavy(entry)]
    if not large:
        return False
    return st.toggle(
        f"Add up every year and every flux of {' and '.join(large)}",
        key="world_every_year",
        help="It is large: without this only the chosen flux is shown, of the mean of its years.",
    )


def _ours(shown: list[MapsEntry], flux: str, year: int | None, every: bool, view: WorldView) -> pd.DataFrame:
    """Return our totals of a flux, DataFrame(key) of ``mean``, ``sd`` and ``bar``."""
    found = {
        e.key: numbers.total(e, flux, year, every)
        for e in shown
        if flux in cache.maps(e) and (every or flux == view.flux or not numbers.heavy(e))
    }
    rows = {key: (t.mean, t.sd, t.bar) for key, t in found.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", "bar"]).dropna(subset="mean")


def _why(view: WorldView, ours: dict[str, pd.DataFrame], published: list[Published]) -> None:
    """Say why the totals of the chosen maps may be off, where they are."""
    found: dict[str, list[str]] = {}
    for flux, table in ours.items():
        if view.entry.key in table.index:
            for reason in global_totals.reasons(flux, float(table.loc[view.entry.key, "mean"]), published):
                found.setdefault(reason, []).append(flux)
    if found:
        lines = [f"- **{', '.join(fluxes)}:** {reason}" for reason, fluxes in found.items()]
        st.markdown(f"**Why {view.entry.label} may be off**\n" + "\n".join(lines))


def _how(ours: dict[str, pd.DataFrame], year: int | None) -> str:
    bars = {bar for table in ours.values() for bar in table["bar"]}
    said = [
        f"Flux of each cell times its land, {'of ' + str(year) if year else 'mean of its years'}, "
        "times 365.25 days; month and season are ignored."
    ]
    if bars - {""}:
        said.append(f"Our error bars: {' or '.join(_BARS[b] for b in sorted(bars) if b)}.")
    if "" in bars:
        said.append(
            "Without a bar the uncertainty is not known: errors of cells are correlated, which the spread of a map "
            "does not show."
        )
    return " ".join(said)


def _whole_cells(shown: list[MapsEntry]) -> list[str]:
    """Return what the reader must know of maps that do not say how much of a cell is land."""
    names = [e.label for e in shown if "land_fraction" not in cache.maps(e)]
    if not names:
        return []
    return [
        f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not give a land fraction: whole cells are "
        "counted, water included, which makes totals too large along coasts."
    ]


def _sources(published: list[Published]) -> None:
    rows = [
        {
            "Product": p.product,
            "Flux": p.flux,
            "Total": p.text,
            "Years": f"{p.years[0]}\N{EN DASH}{p.years[1]}",
            "From": p.citation + (", RECO = NEE + GPP" if p.derived else ""),
            "DOI": f"https://doi.org/{p.doi}",
        }
        for p in published
    ]
    link = st.column_config.LinkColumn("DOI", display_text=r"https://doi\.org/(.*)")
    sizes.table(pd.DataFrame(rows), hide_index=True, column_config={"DOI": link}, key="world_published")
    st.caption(f"Totals in {_TOTAL}, as published; years and land masks differ.")


def _totals_table(ours: dict[str, pd.DataFrame], published: list[Published], view: WorldView) -> pd.DataFrame:
    rows = [
        (
            flux,
            "ours",
            view.entries[key].label if key in view.entries else view.entry.label,
            row["mean"],
            row["sd"],
            row["bar"],
            np.nan,
            np.nan,
            "",
            "",
        )
        for flux, table in ours.items()
        for key, row in table.iterrows()
    ]
    rows += [
        (
            p.flux,
            "published",
            p.product,
            p.mean,
            p.plus_minus,
            "as published",
            *p.ends,
            f"{p.years[0]}-{p.years[1]}",
            p.doi,
        )
        for p in published
    ]
    names = ["flux", "whose", "maps", "total_PgC_yr", "plus_minus", "plus_minus_is", "low", "high", "years", "doi"]
    return pd.DataFrame(rows, columns=names).set_index("flux")


def _regional(view: WorldView, year: int | None, every: bool) -> None:
    """Draw the totals of regions, of the chosen maps and those they are compared with."""
    shown = numbers.having(view)[::-1]
    tell(numbers.lacking(view))
    if not shown:
        return
    kind = pick("Totals by", "by", list(regions.KINDS), regions.FIRST, regions.KINDS.get)
    columns, areas = {}, {}
    for entry in shown:
        table = numbers.annual(entry, view.flux, kind, year, every)
        columns[entry.key] = table.mean()
        areas[entry.key] = numbers.covered(entry, view.flux, kind)
    found = pd.DataFrame(columns)
    land = pd.DataFrame(areas).reindex(found.index)
    kept = found[(land > 0).any(axis=1)]
    if kept.empty:
        tell(f"No value of {view.flux} anywhere: {' and '.join(entry.label for entry in shown)}.")
        return
    left, right = st.columns([1, 1.1 if len(shown) == 1 else 1.5], gap="medium")
    figure = figures.regional(kept.drop(index=ALL), numbers.drawn(view), view.flux, theme.current())
    key = view.entry.key if view.entry in shown else shown[0].key
    title = f"Totals of {view.flux} by {regions.KINDS[kind].lower()}"
    alt = world_alt.amounts(title, kept.drop(index=ALL)[key].to_dict(), _TOTAL)
    chart(left, f"world-regional_{kind}", figure, alt)
    with right:
        _regional_table(kept, land, view, shown)
    components.footer(
        f"regional_{kind}_{view.flux}",
        view.origin,
        lambda: kept.add_suffix("_PgC_yr").join(land.add_suffix("_land_Mkm2")).rename_axis("region"),
    )
    outside = [
        f"{e.label} has {land[e.key][ALL] - land[e.key].drop(ALL).sum():.1f} million km² in none of them."
        for e in shown
        if land[e.key][ALL] - land[e.key].drop(ALL).sum() > 0.5
    ]
    units = f"Land in 10⁶ km², totals in {_TOTAL}, means in {UNIT} of land."
    st.caption(" ".join(part for part in (units, _KIND_NOTES.get(kind, ""), *outside) if part))


def _regional_table(kept: pd.DataFrame, land: pd.DataFrame, view: WorldView, shown: list[MapsEntry]) -> None:
    """Draw the table: land, total, mean flux of the chosen maps, and the total of the others."""
    key = view.entry.key if view.entry in shown else shown[0].key
    area = land.loc[kept.index, key]
    mean = kept[key] * 1e15 / 365.25 / (area * aggregate.M2_PER_MKM2).where(area > 0)
    table = pd.DataFrame({"land": area, "total": kept[key], "mean": mean})
    if len(shown) > 1:
        table["other"] = kept[shown[1].key if shown[0].key == key else shown[0].key]
        table["change"] = table["total"] - table["other"]
    number = st.column_config.NumberColumn
    formats = {name: (1 if name == "land" else 2, name == "change", "") for name in table}
    sizes.table(
        components.numbers(table.rename_axis("Region"), formats),
        key=f"world_regions_{view.flux}",
        height="content",
        column_config={
            "land": number("Land", width=62, help="10⁶ km²"),
            "total": number("Total", width=70, help=_TOTAL),
            "mean": number("Mean", width=66, help=f"{UNIT}, of a square metre of land"),
            "other": number("Compared with", width=118, help=f"Total of the other maps, {_TOTAL}"),
            "change": number("Difference", width=90, help=_TOTAL),
        },
    )
