"""Teacher: notes on the lessons, a class code, and the answers of the class as they come in."""

import streamlit as st

from tamrl.app import router
from tamrl.app.lessons import klass
from tamrl.app.shared import components, visitor
from tamrl.app.teacher import board, notes
from tamrl.errors import TamrlError

_KEY, _BOX = "tamrl_teacher_key", "teacher_key_box"


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(
            "Teacher", "Run the six lessons with a class: its answers as they come in, and notes on each lesson.", False
        )
        _class()
        st.divider()
        notes.show()


def _class() -> None:
    """Draw the class of this teacher, or the ways to one."""
    rooms = klass.rooms()
    # A link with the key opens a class once; the address is written anew without it, so that no screen shows it.
    key = st.query_params.get("key") or st.session_state.get(_KEY) or rooms.key_of(visitor.name())
    code = rooms.code_of(key) if key else None
    if key and code:
        st.session_state[_KEY] = key
        board.show(key, code)
        return
    if st.session_state.pop(_KEY, None) or st.query_params.get("key"):
        st.warning("This class has ended, or the key is not right.", icon=":material/group_off:")
    st.header("Your class", anchor=False)
    st.markdown(
        "Begin a class and you get a code for your students. They type it on the page Lessons. Their answers appear "
        "here, without names."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.button("Begin a class", type="primary", icon=":material/groups:", key="teacher_begin", on_click=_begin)
        with st.popover("Open a class again", icon=":material/key:", type="tertiary"):
            st.text_input("Teacher's key", type="password", key=_BOX, on_change=_reopen)
            st.caption("In the browser that began it, a class opens by itself.")


def _begin() -> None:
    try:
        _, key = klass.rooms().begin(visitor.name())
    except TamrlError as error:
        st.toast(str(error), icon=":material/error:")
        return
    st.session_state[_KEY] = key


def _reopen() -> None:
    st.session_state[_KEY] = st.session_state[_BOX]
