"""Notes for teachers: each lesson's aim, timing and answers, and how to run them on one server."""

import streamlit as st

from tamrl.app.shared import components
from tamrl.teaching.course import LESSONS, MINUTES, STEPS

_TIMING = ", ".join(f"{name.lower()} {minutes} min" for name, minutes in STEPS.values())


def show() -> None:
    """Draw the notes."""
    st.header("The lessons", anchor=False)
    st.markdown(
        f"Six lessons of {MINUTES} minutes: {_TIMING}. Let everybody guess before anybody explains. Each lesson stands "
        "alone; 1 to 3 in a row fill a first hour, 4 to 6 a second, with the class's results on the screen in between."
    )
    for number, lesson in enumerate(LESSONS.values(), 1):
        with st.expander(f"{number} · {lesson.title}"):
            st.markdown(f"*{lesson.hook}*")
            st.markdown(f"**Aim.** {lesson.aim}")
            asked = "\n".join(f"{i}. {text}" for i, text in enumerate(lesson.questions.values(), 1))
            st.markdown(f"**What is asked**\n\n{asked}")
            st.markdown(f"**Answers.** {components.plain(lesson.answers)}")
            if lesson.simulated:
                components.simulated_badge()
            st.page_link(
                "pages/lessons.py",
                label="Open the lesson",
                icon=":material/school:",
                query_params={"lesson": lesson.name},
            )
    st.header("On one server", anchor=False)
    st.markdown(
        "Start the app on a computer that the class reaches: `streamlit run app.py --server.address 0.0.0.0`, with the "
        "variable `TAMRL_ROOTS` set to nothing, so that no visitor can open folders of that computer (in a shell: "
        "`TAMRL_ROOTS= streamlit run ...`). Give the class the address of the page Lessons, with the name of the "
        "computer instead of localhost. It needs no internet. Open each lesson once yourself beforehand, and the "
        "models are loaded.\n\n"
        "**What is kept.** Of each student a random number, the latest answer to each question with its number of "
        "tries, and the minutes since joining. No names, no addresses. It is in the memory of the server alone, at "
        "most 12 hours, and goes when you end the class or the server stops. So take the CSV before you leave."
    )
