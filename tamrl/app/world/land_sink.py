"""World, below the map: from the NEE of towers to the net land sink, and where our sink comes from."""

from pathlib import Path

import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.widgets import chart, pick, tell
from tamrl.app.world import alt as world_alt
from tamrl.app.world import cache, numbers
from tamrl.app.world.view import WorldView, palette_choice
from tamrl.errors import TamrlError
from tamrl.figures.world import charts, totals
from tamrl.figures.world import land_sink as figures
from tamrl.figures.world.map import in_words
from tamrl.globe.contract import NBE
from tamrl.maps import land_sink as sink
from tamrl.maps import regions
from tamrl.maps.aggregate import ALL
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.land_sink import Budget
from tamrl.maps.time_means import Period

_FLUX = "NEE"


@st.cache_data(max_entries=2, show_spinner=False)
def _budget(path: str, version: int) -> Budget:
    return sink.read_budget(Path(path))


def budget() -> Budget:
    """Return the published numbers.

    Raises:
        TamrlError: the file is missing or damaged.
    """
    path = sink.sink_path()
    return _budget(str(path), path.stat().st_mtime_ns if path.is_file() else 0)


def land_sink(view: WorldView) -> None:
    """Draw the way from the total NEE of the chosen maps to the net land sink, and the sink by place."""
    shown = [entry for entry in numbers.pairs(view)[::-1] if numbers.has(entry, _FLUX)]
    if not shown:
        tell(f"{view.entry.label} has no {_FLUX}. Choose maps that have it, such as those of this project.")
    else:
        tell(numbers.partial(shown[0], [_FLUX]))
        _way(view, shown[0])
        st.divider()
    _places(view, shown)


def _way(view: WorldView, entry: MapsEntry) -> None:
    found = budget()
    total = numbers.total(entry, _FLUX, None, False)
    table = sink.bridge(total.mean, found, total.sd if total.bar else None)
    st.markdown(f"**From tower NEE to the land sink: {entry.label}**")
    levels = ("ours", "total")
    alt = " ".join(f"{r.label}: {r.value:.1f}{'' if r.kind in levels else ' added'}." for r in table.itertuples())
    chart(st.container(), "world-land-sink", figures.waterfall(table, theme.current()), f"Steps in PgC per year. {alt}")
    st.markdown(sink.verdict(table, found))
    st.markdown(
        f"**{sink.REMAINDER}**, of which no global number is published:\n"
        + "\n".join(f"- {cause}" for cause in found.not_quantified)
    )
    components.footer(f"land_sink_{entry.key}", view.origin, lambda: table.set_index("label"))
    st.caption(
        "Net flux to the atmosphere, negative for uptake. Published numbers are of other years than ours and are their "
        "authors'; none is scaled. Error bars as their authors give them; ours: "
        + ("between the members of the model." if total.bar == "members" else "between years, where there are some.")
    )
    with st.expander("Where the steps come from", icon=":material/menu_book:"):
        _sources(found)


def _sources(found: Budget) -> None:
    rows = [
        {
            "Step": s.label,
            "PgC yr⁻¹": s.text,
            "Uncertainty": s.plus_minus_is or "not given",
            "Years": s.when,
            "What they say": s.statement,
            "Read in": s.read_in,
            "From": s.citation,
            "DOI": f"https://doi.org/{s.doi}",
        }
        for s in found.all
    ]
    link = st.column_config.LinkColumn("DOI", display_text=r"https://doi\.org/(.*)")
    sizes.table(pd.DataFrame(rows), hide_index=True, column_config={"DOI": link}, key="world_sink_sources")


def _places(view: WorldView, shown: list[MapsEntry]) -> None:
    """Draw where NEE comes from, by block and by group, and NBE of atmospheric inversions beside it."""
    seen = inversions(view)
    if not shown and not seen:
        return
    kind = pick("Sink by", "by", list(regions.KINDS), regions.FIRST, regions.KINDS.get)
    columns = {entry.key: numbers.annual(entry, _FLUX, kind).mean() for entry in shown}
    columns |= {entry.key: numbers.annual(entry, NBE, kind).mean() for entry in seen}
    table = pd.DataFrame(columns)
    drawn = numbers.drawn(view)
    kept = table.drop(index=ALL)
    kept = kept[(kept.abs() > 1e-9).any(axis=1)]
    what = " and ".join(n for n, part in ((_FLUX, shown), (NBE, seen)) if part)
    figure = totals.regional(kept, drawn, what, theme.current())
    title, first = f"Total {what} by {regions.KINDS[kind].lower()}", (shown or seen)[0]
    alt = world_alt.amounts(f"{title}: {first.label}", kept[first.key].to_dict(), charts.TOTAL)
    chart(st.container(), f"world-sink_{kind}", figure, alt)
    if shown:
        entry = shown[0]
        blocks = sink.contributions(cache.field(entry, _FLUX, Period()), numbers.area(entry))
        said = in_words(blocks, "TgC yr-1")
        alt = f"Map of what each block of two degrees adds to the total {_FLUX} of {entry.label}. Of blocks: {said}."
        drawn = figures.where(blocks, entry.label, _FLUX, theme.current(), palette_choice())
        chart(st.container(), "world-sink_where", drawn, alt)
    else:
        blocks = None
    components.footer(
        f"sink_by_{kind}",
        view.origin,
        lambda: table.add_suffix("_PgC_yr").rename_axis("group"),
        (lambda: blocks.rename(_FLUX).to_dataset()) if blocks is not None else None,
    )
    lines = ["Means of all years; blocks of two degrees, so that their sum is the total."]
    if seen:
        lines.append(
            f"{' and '.join(e.label for e in seen)}: {NBE}, what the atmosphere sees of land, fires and rivers "
            f"included. It is not {_FLUX}, and the difference is what the steps above are about."
        )
    else:
        lines.append("Import an atmospheric inversion (CarbonTracker, CAMS, OCO-2 MIP) to see its regions beside ours.")
    st.caption(" ".join(lines))


def inversions(view: WorldView) -> list[MapsEntry]:
    """Return the available maps that hold what the atmosphere sees of land and no NEE."""
    found = []
    for entry in {**view.entries, view.entry.key: view.entry}.values():
        try:
            maps = cache.maps(entry)
        except TamrlError:
            # A damaged file is told where it is chosen.
            continue
        if NBE in maps and _FLUX not in maps:
            found.append(entry)
    return found
