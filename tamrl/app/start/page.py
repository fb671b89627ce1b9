"""Start: what this is, a map, three doors, what is loaded, and what is real."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from tamrl import bundled
from tamrl.app import router
from tamrl.app.lab.stories import DAYS, stories
from tamrl.app.shared import components, sizes, state, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import chart, pick
from tamrl.app.start import loaded
from tamrl.app.world import cache as world
from tamrl.errors import TamrlError
from tamrl.figures.start import map as figures
from tamrl.figures.world import map as world_map
from tamrl.figures.world.map import Scale
from tamrl.maps.time_means import Period
from tamrl.schema import FLUXES

TITLE = "TAM-RL Explorer"
LEAD = (
    "Flux towers measure how much carbon an ecosystem takes up and releases, at a few hundred places on Earth. "
    "TAM-RL learns from them what kind of place it is looking at, and predicts the fluxes everywhere else. Shown a few "
    "days of measurements from a place that it has never seen, it adapts to that place in seconds."
)
#: The maps and the month that are shown.
MAPS, MONTH = "tamrl-climate", 7
_OTHER = "xgboost-climate"


def _doors(known: Sequence["st.Page"]) -> list[tuple[str, str, str, str, dict[str, str]]]:
    """Return title, text, label, page and choices of each door.

    Args:
        known: pages of the app: a door whose page is not there leads elsewhere.
    """
    told = stories()[0]
    adapt = {"ws": "fluxnet2015", "site": told.site, "start": str(told.start), "days": str(DAYS), "flux": told.flux}
    learn = (
        "Learn",
        "Every tower as a point: which places does the model treat as similar, and what does it know of them?",
        "Open the task space",
        "pages/task_space.py",
        {"ws": "fluxnet2015", "site": "DE-Hai", "hue": "igbp"},
    )
    if any(page.url_path == "lessons" for page in known):
        learn = (
            "Learn",
            "Lessons of ten minutes on real data: a question first, something to move, a check at the end.",
            "Start the lessons",
            "pages/lessons.py",
            {},
        )
    return [
        (
            "Browse the world",
            "Photosynthesis in July by TAM-RL and by XGBoost, side by side. Pick any place to see its seasons, how "
            "sure the maps are there, and which towers are like it.",
            "Compare two maps",
            "pages/world.py",
            {"map": MAPS, "with": _OTHER, "mode": "side", "flux": "GPP", "month": str(MONTH), "mask": "1"},
        ),
        (
            "Adapt to a tower",
            f"{told.title} ({told.site}). {told.text} The model that runs has not seen this tower.",
            f"Adapt with {DAYS} days",
            "pages/lab.py",
            {**adapt, "run": "1"},
        ),
        learn,
    ]


def _map() -> None:
    """Draw the map; a click on a tower leads to the lab."""
    flux = pick("Flux", "flux", FLUXES, "GPP", str, hidden=True)
    entry = world.entries(None).get(MAPS)
    if entry is None:
        raise TamrlError("The bundled maps are missing", f"assets/maps/{MAPS}.nc", "Restore the file")
    field, shade = world.field(entry, flux, Period(month=MONTH)), theme.current()
    colours, centred = world_map.colours_of(flux, theme=shade)
    low, high = (float(v) for v in np.nanpercentile(field.values, world_map.TAILS))
    if centred:
        high = max(abs(low), abs(high))
        low = -high
    title = f"{world_map.label_of(flux)}, July"
    scale = Scale(colours=colours, low=low, high=high, label=title, unit=world_map.unit_of(flux))
    content, bounds = world_map.small_picture(field, scale)
    towers = world.scored_towers().dropna(subset=["lat", "lon"])
    drawn = figures.world(world_map.data_url(content), bounds, scale, towers, bundled.outlines(), shade)
    alt = (
        f"{scale.title} of a mean year on all land, and the {len(towers)} towers of FLUXNET2015. "
        f"{world_map.in_words(field, world_map.unit_of(flux))}"
    )
    key = f"start_map_{flux}"
    frame = st.container(key="start_map_frame")  # as high as the map is at this width, see page.css
    chart(
        frame,
        "start_map",
        drawn,
        alt,
        key=key,
        height="stretch",
        selection_mode="points",
        on_select=lambda: _clicked(key),
    )
    origin = Origin(f"{entry.label}; towers: FLUXNET2015, Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3", False)
    components.footer("start_map", origin)


_GO = "tamrl_start_go"


def _clicked(key: str) -> None:
    """Remember the tower of a point that was clicked."""
    points = [point for point in st.session_state[key].selection.points if point.get("customdata")]
    if points:
        state.put("site", str(points[-1]["customdata"][0]))
        state.put("ws", "fluxnet2015")
        st.session_state[_GO] = True


_REAL = (
    "- **Measured**: NEE at the towers of FLUXNET2015 (CC-BY-4.0), with its quality; weather at the same towers.\n"
    "- **Derived from measurements**: GPP and RECO, which are partitioned from NEE; satellite LAI and EVI.\n"
    "- **Modelled**: every map, and every prediction at a tower. Scores are of towers that the scored model had not "
    "seen.\n"
    "- **SIMULATED**: 40 towers made from equations, whose truth is known, in a workspace of their own; they are "
    "labelled so wherever they appear."
)


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    if st.session_state.pop(_GO, False):
        st.switch_page("pages/lab.py")
    with components.guarded():
        components.page_header(TITLE, LEAD, False)
    with components.guarded():
        _map()
    with components.guarded():
        columns = st.columns(3, gap="medium")
        for column, (title, text, label, page, choices) in zip(columns, _doors(router.pages()), strict=True):
            with column.container(border=True, height="stretch", key=f"door_{title.split()[0].lower()}"):
                st.markdown(f"**{title}**")
                st.caption(text)
                st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=choices)
    with components.guarded():
        st.markdown("**What is loaded, and how fresh it is**")
        cell, rows = st.column_config.TextColumn, loaded.table()
        if rows.empty:
            raise TamrlError(
                "Nothing is loaded: no towers, models, maps or scores", "assets", "Install the project again"
            )
        sizes.table(
            rows,
            hide_index=True,
            alt="What is loaded: kind, name, what it is and the day on which it was made",
            column_config={"Kind": cell(width=80), "Name": cell(width=290), "Made": cell(width=100)},
        )
    st.markdown("**What is real, and what is simulated**")
    st.markdown(_REAL)
