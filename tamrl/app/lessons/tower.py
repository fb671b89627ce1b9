"""Lesson 1: what a tower measures."""

import datetime

import pandas as pd
import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme
from tamrl.figures.lessons import measured as figures
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT, QC_VALID
from tamrl.teaching import measured
from tamrl.teaching.course import LESSONS
from tamrl.teaching.measured import Year

LESSON = LESSONS["tower"]
UNIT = unit_label(FLUX_UNIT)
#: Month of the first question, and how the day of the year begins in the explorer.
JUNE, FIRST_DAY = 6, (6, 21)


def _choose_year() -> Year:
    """Draw the choice of tower and year."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        site = st.selectbox(
            "Tower",
            list(measured.TOWERS),
            format_func=lambda code: f"{code} · {measured.TOWERS[code][0]}",
            **notebook.bind("tower_site", next(iter(measured.TOWERS))),
        )
    years = measured.full_years(data.tower(site))
    name = f"tower_year_{site}"
    with right:
        chosen = st.select_slider("Year", years, **notebook.bind(name, measured.TOWERS[site][1]))
    return data.year(site, chosen)


def _year() -> Year:
    site = notebook.moved("tower_site", next(iter(measured.TOWERS)))
    return data.year(site, notebook.moved(f"tower_year_{site}", measured.TOWERS[site][1]))


def _day(record: Year) -> pd.Timestamp:
    """Draw the slider of the day and return it."""
    first, last = record.days.index[0].date(), record.days.index[-1].date()
    name = f"tower_day_{record.site}_{first.year}"
    chosen = st.slider(
        "Day", first, last, format="D MMMM YYYY", **notebook.bind(name, datetime.date(first.year, *FIRST_DAY))
    )
    return pd.Timestamp(chosen)


def _balance(record: Year, day: pd.Timestamp, net: bool) -> None:
    row = record.days.loc[day]
    end = float(record.days[["GPP", "RECO", "NEE"]].abs().max().max())
    said = f"GPP {number(row['GPP'])}, RECO {number(row['RECO'])}" + (f", NEE {number(row['NEE'])}" if net else "")
    components.figure(
        f"lesson_balance_{record.site}",
        figures.balance(row, end, theme.current(), net),
        f"Carbon balance of {record.site} on {day:%d %B %Y}. {said} {UNIT}.",
        data.origin(record.site),
        lambda: row.to_frame(f"{day:%Y-%m-%d}").T,
    )


def _year_figure(record: Year, threshold: float, day: pd.Timestamp) -> None:
    kept = int(record.kept(threshold).sum())
    components.figure(
        f"lesson_year_{record.site}",
        figures.year(record.days, threshold, day, theme.current()),
        f"GPP, RECO and NEE of {record.site} in {record.days.index[0].year}. {kept} of {len(record.days)} days have a "
        f"quality of at least {threshold:g}.",
        data.origin(record.site),
        lambda: record.days,
    )


def ask() -> None:
    """Draw the question before the theory."""
    record = _year()
    place = measured.TOWERS[record.site][0]
    st.markdown(
        f"A tower stands above an ecosystem: {place}. It measures **NEE**, the net exchange of carbon dioxide between "
        f"land and air. Think of June {record.days.index[0].year}, day and night taken together."
    )
    options = {name: word.capitalize() for name, word in measured.SIGNS.items()}
    frame.guess(
        LESSON, "What is the mean NEE of that June?", options, lambda name: measured.mark_sign(record, JUNE, name)
    )


def explore() -> None:
    """Draw the year, a day of it, and the threshold of quality."""
    frame.reveal(LESSON)
    record = _choose_year()
    left, right = st.columns([1, 1.5], gap="large")
    with left:
        day = _day(record)
        _balance(record, day, net=True)
    with right:
        threshold = st.slider("Keep days with a QC of at least", 0.0, 1.0, step=0.05, **notebook.bind("tower_qc", 0.7))
        _year_figure(record, threshold, day)
    everything, kept = record.means(threshold)
    columns = st.columns(4, gap="small")
    columns[0].metric("Days kept", f"{int(record.kept(threshold).sum())} of {len(record.days)}")
    columns[1].metric(f"Mean NEE, all days [{UNIT}]", number(everything, 2, True))
    columns[2].metric(f"Mean NEE, kept days [{UNIT}]", number(kept, 2, True))
    columns[3].metric("Days with GPP below 0", f"{record.negative_gpp}")
    if frame.mark_of(LESSON, "guess") is not None:
        _theory(record)


def _theory(record: Year) -> None:
    year = record.days.index[0].year
    missing = "no day is missing" if not record.missing else f"{record.missing} days are missing"
    frame.theory(
        "**Measured.** Ten or twenty times a second the tower records the vertical wind and the carbon dioxide in the "
        "air. Their covariance over half an hour, with the change of what is stored below the sensor, is NEE. A day in "
        "this archive is the sum of 48 half-hours.\n\n"
        "**The sign is the atmosphere's.** NEE = RECO − GPP. Uptake by the ecosystem is negative.\n\n"
        "**Inferred.** No instrument measures GPP or RECO here. At night there is no photosynthesis, so NEE is RECO. "
        "Its response to temperature is fitted to nights and carried into the day, and GPP is what then closes the "
        f"balance. In {year} that gives {record.negative_gpp} days with a GPP below zero. No plant does that: it is "
        "noise in NEE and in the fit.\n\n"
        f"**Filled in.** In {year} {missing}, yet towers fail, and calm nights are rejected. Gaps have been filled "
        "from similar weather. QC is the share of half-hours that were measured or filled with confidence. This "
        f"project neither trains on days below {QC_VALID:g} nor scores them."
    )


def check() -> None:
    """Draw the three checks."""
    record = _choose_year()
    left, right = st.columns([1, 1.5], gap="large")
    with left:
        day = _day(record)
        _balance(record, day, net=False)
    with right:
        _year_figure(record, QC_VALID, day)
    row = record.days.loc[day]
    frame.task(
        LESSON,
        "source",
        f"**1.** Move to a day with QC ≥ {QC_VALID:g} and a GPP of at least {measured.CLEAR_GPP:g} {UNIT} on which the "
        "ecosystem still lost carbon. The points of NEE show where to look.",
        lambda: measured.mark_source_day(record, day),
        f"Hand in {day:%d %B}",
    )
    with st.container(border=True, key="lesson_nee"):
        st.markdown(f"**2.** On {day:%d %B} GPP is {number(row['GPP'])} and RECO {number(row['RECO'])} {UNIT}.")
        key = "answer_tower_nee"
        st.number_input("NEE, with its sign", value=None, step=0.01, format="%.2f", key=key)
        frame.hand_in(LESSON, "nee", "Hand in NEE", lambda typed: measured.mark_nee(record, day, typed), key)
        frame.show(LESSON, "nee")
    frame.ask(
        LESSON,
        "selection",
        f"**3.** Average NEE over the days with QC ≥ {QC_VALID:g} instead of over all days of {day.year}. "
        f"The mean is then (within {measured.SAME:g} {UNIT})",
        measured.CHANGES,
        lambda name: measured.mark_selection(record, name),
        "Hand in",
    )
