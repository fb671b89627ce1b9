"""The screen of a class: code, progress, answers, the table to take home. It draws itself anew every few seconds."""

from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from tamrl.app.lessons import klass
from tamrl.app.shared import components, files, theme, widgets
from tamrl.errors import TamrlError
from tamrl.figures.lessons import classroom as figures
from tamrl.teaching.classroom import Board
from tamrl.teaching.course import LESSONS

#: Seconds between two looks.
LIVE_S = 3.0
LABELS = {
    (name, question): f"{number} · {text}"
    for number, (name, lesson) in enumerate(LESSONS.items(), 1)
    for question, text in lesson.questions.items()
}
_ONE = "teacher_question"
#: Answers to one question that are drawn as bars at most.
_MOST_BARS = 12
_ORIGIN = files.Origin("answers of this class, gathered without names", simulated=False)


def show(key: str, code: str) -> None:
    """Draw the class.

    Args:
        key: the teacher's.
        code: the students'.
    """
    with st.container(border=True, key="teacher_code"):
        st.markdown("Students open the page **Lessons** and enter the class code")
        st.html(f'<div class="tamrl-code">{code}</div>')
        if url := st.context.url:
            st.caption(f"A link with the code in it: `{url.rpartition('/')[0]}/lessons?class={code}`{_reach(url)}")
    _live(key)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        components.download("Results as CSV", f"class-{code}.csv", lambda: as_csv(key), files.CSV, "teacher_csv")
        with st.popover("Keep the key", icon=":material/key:", type="tertiary"):
            st.markdown(
                "This key opens the class in another browser, by *Open a class again* or by the address of this page "
                "with `?key=` and the key. Whoever has it can read and clear the results, so do not show it to the "
                "class."
            )
            st.code(key, language=None)
        with st.popover("Clear or end", icon=":material/delete:", type="tertiary"):
            st.markdown("Both take effect at once and cannot be undone. Take the CSV first.")
            st.button("Clear all results", key="teacher_clear", on_click=_call, args=("clear", key))
            st.button("End the class", key="teacher_end", on_click=_call, args=("end", key))


def _reach(url: str) -> str:
    """Return what a link lacks that only this computer understands."""
    local = urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    return ", with the name of this computer instead of localhost" if local else ""


def as_csv(key: str) -> bytes:
    """Return the answers of a class so far as CSV, one row a student and question.

    Raises:
        TamrlError: the key is that of no class.
    """
    return klass.rooms().board(key).rows.to_csv(index=False, float_format="%.6g").encode()


def _call(what: str, key: str) -> None:
    try:
        getattr(klass.rooms(), what)(key)
    except TamrlError as error:
        st.toast(str(error), icon=":material/error:")


@st.fragment(run_every=LIVE_S)
def _live(key: str) -> None:
    """Draw what the class has answered so far."""
    try:
        found = klass.rooms().board(key)
    except TamrlError:
        st.rerun()  # it has ended: the page says so
    columns = st.columns(3, gap="small")
    columns[0].metric("Students", found.students)
    columns[1].metric("Answers", len(found.rows))
    columns[2].metric("Deleted in", f"{found.hours_left:.1f} h")
    if found.rows.empty:
        st.info("No answers yet. This screen updates itself every few seconds.", icon=":material/hourglass_empty:")
        return
    _figures(found)


def _figures(found: Board) -> None:
    left, right = st.columns([1.2, 1], gap="large")
    shade = theme.current()
    asked = list(zip(found.rows["lesson"], found.rows["question"], strict=True))
    said = "; ".join(f"{LABELS[key]}: {asked.count(key)}" for key in LABELS if key in asked)
    with left:
        widgets.chart(
            st.container(), "class_progress", figures.progress(found.rows, LABELS, shade), f"Answers so far. {said}"
        )
        components.footer("class_progress", _ORIGIN)
    options = [key for key in LABELS if key in asked]
    with right:
        chosen = st.selectbox("Question", options, format_func=lambda one: LABELS[one], key=_ONE) or options[0]
        rows = found.rows[(found.rows["lesson"] == chosen[0]) & (found.rows["question"] == chosen[1])]
        _question(rows)


def _question(rows: pd.DataFrame) -> None:
    """Draw the answers to one question, and the numbers that go with them."""
    shade = theme.current()
    counts = rows["answer"].value_counts()
    said = "; ".join(f"{answer}: {count}" for answer, count in counts.items())
    known = rows.dropna(subset=["value"])
    few, differ = len(counts) <= _MOST_BARS, len(known) > 1 and known["value"].nunique() > 1
    if few:
        widgets.chart(st.container(), "class_answers", figures.answers(rows, shade), f"Answers. {said}")
    if differ:
        middle = float(known["value"].median())
        widgets.chart(
            st.container(),
            "class_values",
            figures.values(known, "Value of the answer, see the notes", {"median": middle}, shade),
            f"Values of {len(known)} answers, median {middle:.2f}",
        )
    if few or differ:
        components.footer("class_answers", _ORIGIN)
