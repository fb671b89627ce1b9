"""What a student hands in is marked, also where they go on before the server has answered."""

from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tamrl.app.lessons import frame, klass, notebook, page
from tamrl.app.shared import visitor
from tamrl.errors import TamrlError
from tamrl.teaching.classroom import Classrooms
from tamrl.teaching.course import LESSONS
from tamrl.teaching.marks import Mark
from tamrl.teaching.notebook import Notebooks

LESSON = LESSONS["tower"]


@pytest.fixture
def lesson(monkeypatch):
    """A lesson whose steps are a few words; ``meanwhile`` is what happens while its next answers are marked."""
    rooms, said = Classrooms(), SimpleNamespace(meanwhile=[], drawn=[])
    said.code, said.key = rooms.begin("teacher")
    said.rows = lambda: rooms.board(said.key).rows.set_index("question")

    def marked(answer):
        if said.meanwhile:
            said.meanwhile.pop(0)()
        return Mark(answer=f"{answer}", correct=answer == "a", said="")

    def step(name):
        def draw():
            said.drawn.append(name)
            if name == "ask":
                frame.guess(LESSON, "Which?", {"a": "This", "b": "That"}, marked)
            elif name == "check":
                frame.task(LESSON, "source", "Move", lambda: marked("a"), "Hand in this")
                st.number_input("NEE", value=None, key="answer_tower_nee")
                frame.hand_in(LESSON, "nee", "Hand in NEE", marked, "answer_tower_nee")
            st.caption(f"step {name}")

        return draw

    monkeypatch.setattr(klass, "rooms", lambda: rooms)
    drawn = SimpleNamespace(ask=step("ask"), explore=step("try"), check=step("check"))
    monkeypatch.setitem(page.DRAWN, "tower", drawn)
    return said


def _page():
    import streamlit as st

    from tamrl.app.lessons import page

    st.session_state["tamrl_routed"] = True
    page.show()


def opened(said, **values):
    at = AppTest.from_function(_page, default_timeout=30)
    at.session_state["tamrl_values"] = {"lesson": "tower", "class": said.code, **values}
    return at.run()


def goes_on(said, **values):
    """The student goes on while the next answer is marked: streamlit ends the run for another one."""

    def go():
        for name, value in values.items():
            frame.state.put(name, value)
        st.rerun()

    said.meanwhile.append(go)


def guess(at, answer="a"):
    at.radio(key="answer_tower_guess").set_value(answer).run()
    at.button(key="settle_tower_guess").click().run()
    assert not at.exception
    return at


def seen(at):
    return [caption.value for caption in at.caption if caption.value.startswith("step ")]


def values(at):
    return at.session_state["tamrl_values"]


@pytest.mark.parametrize("stage", ["try", "check", "read"])
def test_a_guess_is_marked_where_the_student_went_on_before_the_answer(lesson, stage):
    at = opened(lesson)
    goes_on(lesson, stage=stage)
    guess(at)
    assert values(at)["stage"] == stage
    assert seen(at) == ([f"step {stage}"] if stage != "read" else [])
    assert at.session_state["tamrl_lesson_notebook"].marks["tower", "guess"].answer == "a"
    assert lesson.rows()["tries"].to_dict() == {"guess": 1}
    if stage == "try":
        assert lesson.drawn == ["ask", "ask", "ask", "ask", "try"]


def test_a_guess_is_marked_where_another_lesson_or_none_was_opened_meanwhile(lesson):
    at = opened(lesson)
    goes_on(lesson, lesson=None)
    guess(at)
    assert "lesson" not in values(at)
    assert len(at.header) == len(LESSONS)
    assert lesson.rows()["tries"].to_dict() == {"guess": 1}


def test_two_answers_of_one_step_are_both_marked(lesson):
    at = opened(lesson, stage="check")
    at.number_input(key="answer_tower_nee").set_value(1.5).run()
    goes_on(lesson)  # to the second answer
    lesson.meanwhile[0] = lambda go=lesson.meanwhile[0]: (frame._hand_in("tower", "nee", "answer_tower_nee"), go())
    goes_on(lesson, stage="read")
    at.button(key="settle_tower_source").click().run()
    assert not at.exception
    assert values(at)["stage"] == "read"
    assert lesson.rows()["answer"].to_dict() == {"source": "a", "nee": "1.5"}
    assert lesson.rows()["tries"].tolist() == [1, 1]


def test_the_answer_is_the_one_that_was_handed_in_and_not_what_was_chosen_since(lesson):
    at = opened(lesson)
    goes_on(lesson)
    lesson.meanwhile[0] = lambda go=lesson.meanwhile[0]: (st.session_state.pop("answer_tower_guess"), go())
    guess(at, "b")
    assert at.session_state["tamrl_lesson_notebook"].marks["tower", "guess"].answer == "b"
    assert values(at)["stage"] == "try"


def test_an_answer_that_cannot_be_marked_is_told_once(lesson):
    def fail():
        raise TamrlError("The models are missing", "models", "Install the project again")

    at = opened(lesson)
    lesson.meanwhile.append(fail)
    guess(at)
    assert "The models are missing" in at.error[0].value
    assert not at.run().error
    assert seen(at) == ["step ask"]
    guess(at)
    assert seen(at) == ["step try"]


def test_what_is_no_longer_asked_holds_nobody(lesson, monkeypatch):
    at = opened(lesson, stage="check")
    goes_on(lesson, stage="read")
    drawn = page.DRAWN["tower"]
    lesson.meanwhile[0] = lambda go=lesson.meanwhile[0]: (
        monkeypatch.setattr(drawn, "check", lambda: st.caption("step gone")),
        go(),
    )
    at.button(key="settle_tower_source").click().run()
    assert not at.exception
    assert values(at)["stage"] == "read"
    assert lesson.rows().empty


@pytest.fixture
def browser(monkeypatch):
    """All sessions are of one browser, whose notebook is new."""
    kept = Notebooks()
    monkeypatch.setattr(visitor, "browser", lambda: "a browser")
    monkeypatch.setattr(notebook, "notebooks", lambda: kept)
    return kept


def test_a_reload_finds_what_was_answered_and_moved(lesson, browser):
    at = guess(opened(lesson))
    browser.move("a browser", at.session_state["tamrl_lesson_notebook"], "gamma", 0.5)
    at.button(key="lesson_next").click().run()
    at.number_input(key="answer_tower_nee").set_value(1.5).run()
    at.button(key="settle_tower_nee").click().run()
    again = opened(lesson, stage="ask")
    assert any(caption.value.startswith("Your guess: a.") for caption in again.caption)
    found = again.session_state["tamrl_lesson_notebook"]
    assert found.moved == {"gamma": 0.5}
    assert set(found.marks) == {("tower", "guess"), ("tower", "nee")}
    assert lesson.rows()["tries"].tolist() == [1, 1], "a reload hands in nothing"


def test_another_browser_finds_nothing(lesson, browser, monkeypatch):
    guess(opened(lesson))
    monkeypatch.setattr(visitor, "browser", lambda: "another browser")
    assert not opened(lesson).session_state["tamrl_lesson_notebook"].marks


def test_without_a_cookie_the_session_keeps_its_answers_and_the_server_none(lesson, browser, monkeypatch):
    monkeypatch.setattr(visitor, "browser", lambda: "")
    at = guess(opened(lesson))
    assert at.session_state["tamrl_lesson_notebook"].marks["tower", "guess"].answer == "a"
    assert len(browser) == 0
    at = opened(lesson, lesson=None)
    assert not [button for button in at.button if button.key == "lesson_forget"]


def test_starting_over_forgets_it_for_the_next_reload_as_well(lesson, browser):
    at = opened(lesson, lesson=None)
    assert not [button for button in at.button if button.key == "lesson_forget"], "there is nothing yet"
    guess(opened(lesson))
    at = opened(lesson, lesson=None)
    at.button(key="lesson_forget").click().run()
    assert not at.exception
    assert not [button for button in at.button if button.key == "lesson_forget"]
    assert not opened(lesson).session_state["tamrl_lesson_notebook"].marks
    assert not lesson.rows().empty, "the teacher keeps what the class has answered"
