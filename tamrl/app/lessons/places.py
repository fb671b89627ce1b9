"""Lesson 2: one model for every place, and why it fails."""

import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme
from tamrl.figures.lessons import seasons as figures
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT
from tamrl.teaching import by_hand, places
from tamrl.teaching.course import LESSONS

LESSON = LESSONS["places"]
UNIT, FLUX = unit_label(FLUX_UNIT), "GPP"
#: Lower end of the axis of R2.
FLOOR = -2.0


def _pair() -> tuple[str, str]:
    return places.PAIRS[notebook.moved("places_pair", 0)]


def _choose_pair() -> tuple[str, str]:
    """Draw the choice of a pair of towers."""
    index = st.segmented_control(
        "Pair of towers",
        range(len(places.PAIRS)),
        format_func=lambda i: " and ".join(places.PAIRS[i]),
        required=True,
        **notebook.bind("places_pair", 0),
    )
    return places.PAIRS[index or 0]


def _facts(site: str) -> None:
    """Say what is known of a tower before any flux is measured there."""
    near = data.relatives(site)
    st.markdown(f"**{site}** · {components.plain(places.in_words(site, data.towers()))}")
    st.caption(
        f"The model that predicts it has learnt from {near['towers']} other towers: {near['cover']} of this land "
        f"cover, {near['climate']} of this main climate, {near['both']} of both."
    )


def ask() -> None:
    """Draw the question before the theory."""
    st.markdown(
        "A model has learnt from towers all over the world. It is now asked for daily GPP at two towers that it has "
        "never seen. It is told the weather, the leaf area from satellites, the land cover and the climate of each."
    )
    pair = _choose_pair()
    for column, site in zip(st.columns(2, gap="medium"), pair, strict=True):
        with column, st.container(border=True):
            _facts(site)
    st.caption(
        "Worse means a lower R²: the share of the day-to-day variance that the prediction explains. At 0 the mean of "
        "the measurements would do as well; below 0 it would do better."
    )
    rows = data.scores(FLUX)
    frame.guess(
        LESSON,
        "Which of the two is predicted worse?",
        {site: site for site in pair},
        lambda site: places.mark_worse(rows, pair, site),
    )


def _season(site: str) -> None:
    """Draw the mean season of a tower, observed and predicted."""
    made, row = data.zero_shot(site), data.scores(FLUX).loc[site]
    table = by_hand.season(made.index, {"predicted": made[FLUX].to_numpy()}, made[f"{FLUX}_observed"].to_numpy())
    with st.container(horizontal=True, gap="large"):
        st.metric(f"{site}: R²", number(row["r2"]), width="content")
        st.metric(f"RMSE [{UNIT}]", number(row["rmse"]), width="content")
        st.metric(f"Bias [{UNIT}]", number(row["bias"], 2, True), help="Predicted minus observed", width="content")
    components.figure(
        f"lesson_season_{site}",
        figures.seasons(table, FLUX, theme.current()),
        f"Mean seasonal cycle of {FLUX} at {site}, observed and predicted by a model that has not seen the tower. "
        f"R² {number(row['r2'])}, RMSE {number(row['rmse'])} {UNIT} over {int(row['n'])} days.",
        data.origin(site),
        lambda: table,
    )


def _strip(chosen: dict[str, str]) -> None:
    rows = data.scores(FLUX)
    below = int((rows["r2"] < 0).sum())
    components.figure(
        "lesson_strip",
        figures.strip(rows, chosen, FLOOR, theme.current()),
        f"R² of daily {FLUX} at {len(rows)} held-out towers by land cover. Median {number(rows['r2'].median())}; "
        f"{below} towers below 0.",
        data.scores_origin(),
        lambda: rows,
    )


def explore() -> None:
    """Draw both seasons, and where the two stand among all towers."""
    frame.reveal(LESSON)
    pair = _choose_pair()
    for column, site in zip(st.columns(2, gap="large"), pair, strict=True):
        with column:
            _season(site)
            _facts(site)
    _strip({site: site for site in pair})
    if frame.mark_of(LESSON, "guess") is not None:
        rows = data.scores(FLUX)
        crops = rows.loc[rows["igbp"] == "CRO", "r2"].sort_values()
        frame.theory(
            "**Why it fails.** The model knows a place only by its weather, leaves, land cover and climate. Two "
            "places that agree in these get nearly the same fluxes. What it is not told, it cannot tell apart: the "
            "crop and its sowing, mowing, irrigation, the age of the stand, the water table, the soil.\n\n"
            f"**Towers of the same class help only as far as they are alike.** Among {len(crops)} croplands R² runs "
            f"from {number(crops.iloc[1])} to {number(crops.iloc[-1])}, leaving out the worst.\n\n"
            "**Read two scores.** RMSE grows with the fluxes, so productive places look bad. R² falls where there is "
            "little variance to explain, so evergreen tropics look bad. Of "
            f"{len(rows)} towers {int((rows['r2'] < 0).sum())} have an R² below 0.\n\n"
            "**Held out means the whole tower.** If days of one tower are in the training and others in the test, the "
            "model has seen the place, and the score says nothing about new places."
        )


def check() -> None:
    """Draw the two checks."""
    rows, table = data.scores(FLUX), data.towers()
    st.markdown(
        "Now choose a tower yourself, by what you know of the place alone. You will be told the scores when you hand "
        "it in."
    )
    sites = sorted(rows.index, key=lambda site: (table.at[site, "igbp"], site))
    site = st.selectbox(
        "Tower",
        sites,
        format_func=lambda code: f"{code} · {places.in_words(code, table)}",
        index=None,
        placeholder="Choose a tower",
        **notebook.bind("places_own", None),
    )
    if site is None:
        return
    _facts(site)
    mark = frame.task(
        LESSON,
        "hard",
        f"**1.** Choose a tower that you expect in the **worst-predicted third** of all {len(rows)}, by R² of daily "
        "GPP.",
        lambda: places.mark_hard_tower(rows, site),
        f"Hand in {site}",
    )
    if mark is None:
        st.caption("The second question comes with the figures of the tower that you hand in.")
        return
    own = mark.answer
    _season(own)
    frame.ask(
        LESSON,
        "kind",
        f"**2.** Look at the season of {own}. What makes more than half of the mean square error?",
        places.KINDS,
        lambda name: places.mark_kind(rows, own, name),
        "Hand in",
    )
