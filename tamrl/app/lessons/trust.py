"""Lesson 5: believing and not believing."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme
from tamrl.app.shared.files import Origin
from tamrl.figures.lessons import trust as figures
from tamrl.figures.style import number
from tamrl.schema import FLUXES
from tamrl.teaching import trust
from tamrl.teaching.course import LESSONS
from tamrl.teaching.trust import MARKS

LESSON = LESSONS["trust"]
#: Days of the interval that are in view at first.
VIEW_DAYS = 730


def _towers() -> pd.DataFrame:
    return data.towers()[["lat", "lon"]]


def _map_origin() -> Origin:
    return Origin(str(data.index_maps().attrs.get("source", "")), False)


def _mark() -> list[str]:
    """Draw the choice of regions and the map that shows it; return the marked ones."""
    codes, names = data.region_codes()
    chosen = st.multiselect(
        f"Where would you trust the map least? Choose {MARKS} regions in this list",
        sorted(names.values()),
        max_selections=MARKS,
        filter_mode="contains",
        **notebook.bind("trust_regions", []),
    )
    field, towers = data.index_maps()["extrapolation"], _towers()
    components.figure(
        "lesson_regions",
        figures.marked(codes, names, chosen, field["lat"].values, field["lon"].values, towers, theme.current()),
        f"Land regions of the world with {len(towers)} towers. Marked: {', '.join(chosen) or 'none'}.",
        data.origin(),
        lambda: towers,
    )
    return chosen


def ask() -> None:
    """Draw the question before the theory."""
    st.markdown(
        "The World page has a flux for every land cell. Most cells are far from any tower. A *dissimilarity index* "
        "says how far each is from the nearest training tower: not in kilometres, but in drivers and in the task "
        "embedding. Above a threshold that the towers themselves set, a cell is outside the *area of "
        "applicability*, and the scores at towers say nothing about it."
    )
    options = {name: text[0].upper() + text[1:] for name, text in trust.SHARES.items()}
    frame.guess(
        LESSON,
        "On how much of the vegetated land is the index above its threshold?",
        options,
        lambda name: trust.mark_share(data.by_region(), name),
    )


def explore() -> None:
    """Draw the marks of the student, and then the index and the errors."""
    frame.reveal(LESSON)
    chosen = _mark()
    ready = len(chosen) == MARKS
    if not notebook.moved("trust_shown", False):
        st.button(
            "Show the index and the errors",
            type="primary",
            icon=":material/visibility:",
            key="trust_show",
            disabled=not ready,
            on_click=notebook.move,
            args=("trust_shown", True),
        )
        if not ready:
            st.caption(
                f"Choose {MARKS} regions in the list first: {len(chosen)} so far. On the map dots are towers, and the "
                "region under the pointer has its name."
            )
        return
    _index()
    _errors(chosen)
    if frame.mark_of(LESSON, "guess") is not None:
        _theory()


def _index() -> None:
    maps, (codes, _) = data.index_maps(), data.region_codes()
    field = maps["extrapolation"]
    threshold = float(field.attrs["threshold"])
    shown = np.where(codes > 0, field.values, np.nan)
    table = data.by_region()
    components.figure(
        "lesson_index",
        figures.index(shown, threshold, field["lat"].values, field["lon"].values, _towers(), theme.current()),
        f"Dissimilarity index of vegetated land. Threshold {number(threshold)}. Furthest by the median: "
        f"{table.index[0]}, {number(table['index'].iloc[0])}; nearest: {table.index[-1]}, "
        f"{number(table['index'].iloc[-1])}.",
        _map_origin(),
        lambda: table,
    )


def _errors(chosen: list[str]) -> None:
    table, shade = data.by_region(), theme.current()
    said = "; ".join(f"{name}: R² {number(row['r2'])}, {int(row['towers'])} towers" for name, row in table.iterrows())
    charts = (("r2", "Median R² of daily GPP at held-out towers"), ("nmae", "Median mean absolute error over mean GPP"))
    for column, (key, label) in zip(st.columns(2, gap="large"), charts, strict=True):
        with column:
            components.figure(
                f"lesson_errors_{key}",
                figures.against(table, key, label, chosen, shade),
                f"{label} against the median index of each region. {said if key == 'r2' else ''}",
                data.scores_origin(),
                lambda: table,
            )
    st.caption(
        "In brackets the towers of the region. The index is that of the monthly model behind the map; the errors are "
        "those of the daily model at towers that it has not seen."
    )


def _theory() -> None:
    table = data.by_region()
    share = 100 * float((table["above"] * table["area"]).sum() / table["area"].sum())
    south, europe = table.loc["South American Tropical"], table.loc["Europe"]
    frame.theory(
        f"**Far is not wrong, near is not right.** Only {number(share, 1)} % of the vegetated land lies above the "
        "threshold: together the towers cover most climates. But the index sees drivers and embeddings only. A crop, "
        "a peatland or a fire that no driver shows has a low index and is predicted wrongly all the same.\n\n"
        f"**The tropics.** Tropical South America has {int(south['towers'])} towers and a median R² of "
        f"{number(south['r2'])}, Europe {int(europe['towers'])} and {number(europe['r2'])}. That looks like failure. "
        f"The mean absolute error over the mean flux is {number(south['nmae'])} there and {number(europe['nmae'])} in "
        "Europe. Where there is hardly a season there is little variance to explain, and R² punishes the same error "
        "harder.\n\n"
        "**Few towers, weak evidence.** With one or two towers a region, a good score is an anecdote, and a bad one "
        "as well. What you cannot know from either picture is the error where nobody has measured.\n\n"
        "**Intervals.** A 90 % interval is calibrated on towers that the members had not seen. It covers 90 % of the "
        "days over many places, not at each. In the check you look at one."
    )


def check() -> None:
    """Draw the two checks."""
    chosen = _mark()
    if len(chosen) == MARKS:
        frame.task(
            LESSON,
            "regions",
            f"**1.** At least {trust.ENOUGH} of your {MARKS} regions should be among the {MARKS} furthest from the "
            "towers by the median of the index.",
            lambda: trust.mark_regions(data.by_region(), chosen),
            "Hand in these regions",
        )
    else:
        st.caption(f"**1.** Mark {MARKS} regions to hand them in: {len(chosen)} so far.")
    left, right = st.columns([2, 1], gap="medium")
    with left:
        site = st.selectbox(
            "Tower of the second question",
            list(trust.TOWERS),
            format_func=lambda code: f"{code} · {trust.TOWERS[code]}",
            **notebook.bind("trust_site", next(iter(trust.TOWERS))),
        )
    with right:
        flux = st.segmented_control("Flux", FLUXES, required=True, **notebook.bind("trust_flux", "GPP")) or "GPP"
    made = data.zero_shot(site)
    days = made.dropna(subset=[f"{flux}_observed"])
    view = made.loc[days.index[0] : days.index[0] + pd.Timedelta(days=VIEW_DAYS)]
    components.figure(
        f"lesson_interval_{site}_{flux}",
        figures.interval(view, flux, theme.current()),
        f"{flux} of {site}: measured days, prediction by a model that has not seen the tower, and its 90 % interval. "
        f"The first two of {len(days) / 365.25:.0f} years of valid days are shown.",
        data.origin(site),
        lambda: view,
    )
    with st.container(border=True, key="lesson_coverage"):
        st.markdown(
            f"**2.** By eye: what percentage of the measured days of {flux} at {site} lies inside the interval? The "
            f"figure shows two years; all {len(days):,} valid days are counted. Within {trust.BY_EYE} points is right."
        )
        key = "answer_trust_coverage"
        st.number_input("Percent inside", 0, 100, value=None, step=5, key=key)
        frame.hand_in(
            LESSON, "coverage", "Hand in", lambda typed: trust.mark_coverage(made, flux, site, float(typed)), key
        )
        frame.show(LESSON, "coverage")
