"""The class that a student has joined, and where answers go."""

import streamlit as st

from tamrl.app.shared import state, visitor
from tamrl.errors import TamrlError
from tamrl.teaching.classroom import Classrooms, tidy
from tamrl.teaching.marks import Mark

_BOX, _TYPED = "lesson_class_box", "lesson_class_typed"


@st.cache_resource(show_spinner=False)
def rooms() -> Classrooms:
    """Return the classes of this server."""
    return Classrooms()


def number() -> int | None:
    """Return this student's number in the class of the address; None without a class, or where there is none such."""
    code = state.get("class")
    if not code:
        return None
    try:
        return rooms().join(code, visitor.name())
    except TamrlError:
        return None


def bar() -> None:
    """Draw the box for the class code, and say what is kept."""
    code = state.get("class", "")
    joined = number()
    refusal = "" if joined or not code else _refusal(code)
    # Of a code in a link it is said beside the box, which is closed; what was typed is answered where it was typed.
    typed = st.session_state.get(_TYPED) == code
    label = f"Class {tidy(code)}: you are number {joined}" if joined else "In a class? Enter its code"
    with st.popover(label, icon=":material/groups:", type="tertiary"):
        st.session_state[_BOX] = code
        st.text_input("Class code", key=_BOX, on_change=_join, max_chars=12, placeholder="six letters and digits")
        if refusal and typed:
            st.warning(refusal, icon=":material/group_off:")
        if joined:
            st.caption(f"Your answers go to your teacher's screen under the number {joined}.")
            st.button("Leave the class", key="lesson_leave", on_click=state.put, args=("class", None))
        st.caption(
            "Your class keeps a random number, your answers, and the minutes they took. No name, no address. "
            "All of that is gone when the teacher ends the class, after 12 hours at the latest."
        )
    if refusal and not typed:
        st.warning(refusal, icon=":material/group_off:")


def _refusal(code: str) -> str:
    """Return why a class cannot be joined."""
    try:
        rooms().join(code, visitor.name())
    except TamrlError as error:
        return f"{error.what}. {error.todo}."
    return ""


def _join() -> None:
    code = tidy(st.session_state[_BOX])
    st.session_state[_TYPED] = code
    state.put("class", code or None)


def record(lesson: str, question: str, mark: Mark) -> None:
    """Send an answer to the class, where there is one; what cannot be sent is said, the lesson goes on."""
    code = state.get("class")
    if not code:
        return
    try:
        rooms().record(code, visitor.name(), lesson, question, mark)
    except TamrlError as error:
        st.toast(f"Your answer did not reach the class: {error.what}.", icon=":material/group_off:")
