"""Lessons: six of ten minutes, each with a question, something to move, a check, and what to read next."""

from types import ModuleType

import streamlit as st

from tamrl.app import router
from tamrl.app.lessons import days, frame, klass, modulation, notebook, places, siting, tower, trust
from tamrl.app.shared import components, state
from tamrl.app.shared.widgets import pick
from tamrl.teaching.course import LESSONS, MINUTES, STEPS

#: What draws each lesson: a module with ``ask``, ``explore`` and ``check``.
DRAWN: dict[str, ModuleType] = {
    "tower": tower,
    "places": places,
    "modulation": modulation,
    "days": days,
    "trust": trust,
    "siting": siting,
}


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        name = state.get("lesson")
        if name is not None and name not in LESSONS:
            st.warning(f"There is no lesson {components.quoted(name)}.", icon=":material/link_off:")
            state.put("lesson", None)
            name = None
        unmarked = frame.unmarked()
        lesson = LESSONS[unmarked[0]] if unmarked else LESSONS.get(name)
        lead = "Six lessons of ten minutes: guess, move something, check yourself, read on."
        components.page_header("Lessons", lead, lesson is not None and lesson.simulated)
        with st.container(horizontal=True, vertical_alignment="center", key="lesson_bar"):
            if lesson is not None:
                st.button(
                    "All lessons", icon=":material/apps:", type="tertiary", key="lesson_all", on_click=frame.open_lesson
                )
            klass.bar()
        if unmarked:
            with frame.marking_first():
                _lesson(*unmarked)
        elif lesson is None:
            _overview()
        else:
            _lesson(lesson.name)


def _overview() -> None:
    """Offer the lessons."""
    for row in range(0, len(LESSONS), 3):
        columns = st.columns(3, gap="medium")
        for column, (number, lesson) in zip(columns, list(enumerate(LESSONS.values(), 1))[row : row + 3], strict=False):
            done = sum(frame.mark_of(lesson, question) is not None for question in lesson.questions)
            with column, st.container(border=True, height="stretch", key=f"lesson_card_{lesson.name}"):
                st.header(f"{number} · {lesson.title}", anchor=False)
                st.markdown(f"*{lesson.hook}*")
                said = "Simulated towers" if lesson.simulated else "Real towers"
                st.caption(f"{MINUTES} minutes · {said} · {done} of {len(lesson.questions)} answered")
                st.button(
                    "Open",
                    key=f"lesson_open_{lesson.name}",
                    icon=":material/school:",
                    on_click=frame.open_lesson,
                    args=(lesson.name,),
                )
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_foot"):
        st.caption(
            "The lessons use the towers and models that come with the app; the workspace in the sidebar does not "
            "change them. In the order of the numbers they build on one another, but each stands alone. A reload in "
            f"this browser finds your answers again until {notebook.notebooks().hours:g} hours after the last of them; "
            "they are in the memory of the server alone, and in a class on your teacher's screen.",
            width="stretch",
        )
        if notebook.anything():
            st.button(
                "Start over",
                icon=":material/restart_alt:",
                help="Forgets all your answers and settings in this browser, for example before somebody else begins. "
                "What your class has stays with the teacher.",
                key="lesson_forget",
                on_click=notebook.start_over,
            )


def _lesson(name: str, only: str = "") -> None:
    """Draw a step of a lesson: that of the address, or ``only``."""
    lesson, drawn = LESSONS[name], DRAWN[name]
    number = list(LESSONS).index(name) + 1
    st.header(f"{number} · {lesson.title}", anchor=False)
    step = pick("Stage", "stage", list(STEPS), "ask", lambda key: STEPS[key][0], hidden=True)
    step = only or step
    if step == "ask":
        st.markdown(f"*{lesson.hook}*")
        drawn.ask()
    elif step == "try":
        drawn.explore()
    elif step == "check":
        drawn.check()
    else:
        frame.reading(lesson)
    frame.steps_bar(lesson, step)
