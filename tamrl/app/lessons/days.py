"""Lesson 4: how many labelled days, and which."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme
from tamrl.figures.lessons import labels as figures
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT
from tamrl.teaching import labels
from tamrl.teaching.course import LESSONS
from tamrl.teaching.labels import OF_YEAR, TOWERS, WEEKS
from tamrl.teaching.marks import Mark

LESSON = LESSONS["days"]
UNIT = unit_label(FLUX_UNIT)
FIRST = next(iter(TOWERS))
#: Tower and weeks that the second question was answered for.
_ASKED_OF = "days_asked_of"


def _site() -> str:
    return notebook.moved("days_site", FIRST)


def _choose_site() -> str:
    return st.selectbox(
        "Tower",
        list(TOWERS),
        format_func=lambda code: f"{code} · {TOWERS[code][0]}",
        **notebook.bind("days_site", FIRST),
    )


def _name(year: int, week: int) -> str:
    first = labels.week_start(year, week)
    return f"{first.day} {first:%b}"


def _choose_weeks(site: str) -> tuple[int, ...]:
    """Draw the sliders of the four weeks."""
    year = TOWERS[site][2]
    chosen = []
    for i, column in enumerate(st.columns(WEEKS, gap="medium")):
        with column:
            chosen.append(
                st.select_slider(
                    f"Week {i + 1} begins",
                    range(OF_YEAR),
                    format_func=lambda week: _name(year, week),
                    **notebook.bind(f"days_week_{site}_{i}", labels.FIRST_WEEKS[i]),
                )
            )
    return tuple(chosen)


def _calendar(site: str, weeks: tuple[int, ...]) -> None:
    place, flux, year = TOWERS[site]
    values = data.observed(site)[flux]
    values = values[values.index.year == year]
    starts = [labels.week_start(year, week) for week in weeks]
    components.figure(
        f"lesson_calendar_{site}",
        figures.calendar(values, flux, starts, theme.current()),
        f"{flux} of {site}, {place}, on the valid days of {year}. Weeks from "
        + ", ".join(_name(year, week) for week in weeks),
        data.origin(site),
        lambda: values.to_frame(),
    )


def ask() -> None:
    """Draw the question before the theory."""
    site = _site()
    place, flux, year = TOWERS[site]
    st.markdown(
        f"The model has never seen {site}, {place}. You may give it {labels.MONTH_DAYS} days of {year} with measured "
        "fluxes: *labels*. It adapts by its site effect, in closed form, and is scored on all **other years**."
    )
    options = {name: text[0].upper() + text[1:] for name, text in labels.FALLS.items()}
    frame.guess(
        LESSON,
        f"Somebody labels the first four weeks of January. The RMSE of {flux} falls",
        options,
        lambda name: labels.mark_january(data.benchmark(site), name),
    )


def explore() -> None:
    """Draw the year, the four weeks, and what they do once the button is pressed."""
    frame.reveal(LESSON)
    site = _choose_site()
    st.markdown("**Place four weeks** so that the other years are predicted best. Then let the model read them.")
    weeks = _choose_weeks(site)
    _calendar(site, weeks)
    st.button(
        "Give the model these weeks",
        type="primary",
        icon=":material/play_arrow:",
        key="days_run",
        on_click=notebook.move,
        args=(f"days_shown_{site}", weeks),
    )
    shown = notebook.moved(f"days_shown_{site}", None)
    if shown is None:
        return
    if shown != weeks:
        st.caption("The curve below is that of the weeks before you moved them.")
    _curve(site, shown)
    if frame.mark_of(LESSON, "guess") is not None:
        _theory(site)


def _curve(site: str, weeks: tuple[int, ...]) -> None:
    _, flux, year = TOWERS[site]
    found, (growing, _) = data.benchmark(site), data.weeks(site, weeks)
    beaten = int((growing[-1] < found.months).sum())
    table = pd.DataFrame(
        {"days": [labels.WEEK_DAYS * i for i in range(WEEKS + 1)], "rmse": [found.zero, *growing]}
    ).set_index("days")
    components.figure(
        f"lesson_curve_{site}",
        figures.curve(found, growing, flux, theme.current()),
        f"RMSE of {flux} at {site} on other years than {year}: {number(found.zero)} without labels, "
        f"{number(growing[-1])} {UNIT} with your four weeks, which beat {beaten} of 12 months; a whole year "
        f"{number(found.year)}.",
        data.origin(site),
        lambda: table,
    )
    st.caption(
        f"Ensemble means, scored on {int(labels.scored(data.tower(site), year).sum()):,} valid days of other years. "
        "Days of low quality inside a week are no labels."
    )


def _theory(site: str) -> None:
    found = data.benchmark(site)
    best, last = int(np.argmin(found.months)), int(np.argmax(found.months))
    names = [f"{pd.Timestamp(2001, month, 1):%B}" for month in range(1, 13)]
    gone = 100 * (found.zero - found.months[best]) / (found.zero - found.year)
    if found.months[best] < found.year:
        far = "Here the best month alone does better than the whole year: more labels are not always better."
    else:
        far = f"The best month goes {number(gone, 0)} % of the way from no labels to that."
    frame.theory(
        f"**Which.** At {site} four weeks of {names[best]} bring the RMSE to {number(found.months[best])}, four of "
        f"{names[last]} to {number(found.months[last])} {UNIT}. A day on which the place behaves like any other says "
        "nothing about it; a day on which it behaves in a way of its own says most.\n\n"
        f"**How many.** A whole year gives {number(found.year)}. {far} Neighbouring days resemble each other, so most "
        "of what four consecutive weeks teach comes from the first.\n\n"
        "**What can go wrong.** The site effect assumes that what it sees holds in all seasons, and shrinks it by how "
        "misleading such days were at other towers. A month of an odd season, drought or harvest, still misleads.\n\n"
        "**Why other years.** Days beside a labelled day are easy. A score on them would reward memory, not the "
        "model."
    )


def check() -> None:
    """Draw the two checks."""
    site = _choose_site()
    weeks = _choose_weeks(site)
    _, flux, year = TOWERS[site]
    _calendar(site, weeks)
    names = [_name(year, week) for week in weeks]
    handed_in = [f"{site} {names[0]}", *names[1:]]
    mark = frame.task(
        LESSON,
        "weeks",
        f"**1.** Place four weeks that do better than at least {labels.BEAT} of the 12 months. In a class the lowest "
        "error wins.",
        lambda: labels.mark_weeks(data.benchmark(site), handed_in, float(data.weeks(site, weeks)[0][-1])),
        "Hand in these weeks",
    )
    if mark is not None and mark.answer != ", ".join(handed_in):
        st.caption("The mark of the first question is for the weeks before you moved them.")
    if len(set(weeks)) < WEEKS:
        st.caption("Two of your weeks are the same; the second question needs four that differ.")
        return

    def marked(name: str) -> Mark:
        notebook.move(_ASKED_OF, (site, weeks))
        return labels.mark_best_week(names, data.weeks(site, weeks)[1], name)

    mark = frame.ask(
        LESSON,
        "best",
        f"**2.** If the model got only one of your weeks, which would lower the RMSE of {flux} most?",
        {name: name for name in names},
        marked,
        "Hand in",
    )
    if mark is not None and notebook.moved(_ASKED_OF, (site, weeks)) != (site, weeks):
        st.caption("The mark of the second question is for the weeks before you moved them.")
