"""What all lessons share: their steps, questions and marks, what to read next."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st

from tamrl.app.lessons import klass, notebook
from tamrl.app.shared import components, state
from tamrl.teaching.course import LESSONS, STEPS, Lesson
from tamrl.teaching.marks import Mark
from tamrl.towers import literature

_HANDED = "tamrl_lesson_handed"


def mark_of(lesson: Lesson, question: str) -> Mark | None:
    """Return how the student's answer to a question was marked, None before it."""
    return notebook.mark(lesson.name, question)


def _settle(lesson: Lesson, question: str, mark: Mark) -> None:
    """Keep a mark, and send it to the class."""
    notebook.settle(lesson.name, question, mark)
    klass.record(lesson.name, question, mark)


def hand_in(lesson: Lesson, question: str, label: str, marked: Callable[[Any], Mark], answer: str = "") -> bool:
    """Draw the button that hands in an answer; mark what was handed in, and return whether this run did.

    What was handed in is kept until it is marked: a student who goes on before the server has answered ends the run
    that marks, and another one has to do so, see ``unmarked``.

    Args:
        lesson: the lesson.
        question: a key of its questions, or ``guess``.
        label: of the button.
        marked: marks an answer.
        answer: key of the widget that holds the answer; empty where it is what the student has moved.
    """
    st.button(
        label,
        key=f"settle_{lesson.name}_{question}",
        on_click=_hand_in,
        args=(lesson.name, question, answer),
        type="primary",
        disabled=bool(answer) and st.session_state.get(answer) is None,
    )
    handed = st.session_state.get(_HANDED, {})
    if (lesson.name, question) not in handed:
        return False
    try:
        _settle(lesson, question, marked(handed[lesson.name, question]))
    except Exception:
        handed.pop((lesson.name, question), None)  # it would fail in each run
        raise
    handed.pop((lesson.name, question), None)
    return True


def _hand_in(lesson: str, question: str, answer: str) -> None:
    """Keep what is handed in: the answer as it is now, whatever is chosen while it is marked."""
    st.session_state.setdefault(_HANDED, {})[lesson, question] = st.session_state.get(answer) if answer else None


def unmarked() -> tuple[str, str] | None:
    """Return the lesson and the step of an answer that was handed in and not marked, where the student has gone on."""
    for lesson, question in st.session_state.get(_HANDED, {}):
        step = "ask" if question == "guess" else "check"
        if (lesson, step) != (state.get("lesson"), state.get("stage", "ask")):
            return lesson, step
    return None


@contextmanager
def marking_first() -> Iterator[None]:
    """Draw the step of ``unmarked``, which marks what was handed in there; then go where the student wanted to."""
    try:
        yield
    except Exception:
        st.session_state.pop(_HANDED, None)
        raise
    st.session_state.pop(_HANDED, None)  # of what is no longer asked there
    st.rerun()


def ask(
    lesson: Lesson, question: str, text: str, options: Mapping[str, str], marked: Callable[[str], Mark], label: str
) -> Mark | None:
    """Draw a question with some answers and a button that settles it; return the mark, None before.

    Args:
        lesson: the lesson.
        question: a key of its questions.
        text: the question.
        options: name -> answer in words.
        marked: marks a name.
        label: of the button.
    """
    with st.container(border=True, key=f"ask-{lesson.name}-{question}"):
        hand_in(lesson, question, label, marked, _options(lesson, question, text, options))
        return show(lesson, question)


def _options(lesson: Lesson, question: str, text: str, options: Mapping[str, str]) -> str:
    """Draw the question and its answers; return the key of the widget that holds the name of the chosen one."""
    st.markdown(text)
    key = f"answer_{lesson.name}_{question}"
    st.radio(text, list(options), format_func=options.get, index=None, key=key, label_visibility="collapsed")
    return key


def task(lesson: Lesson, question: str, text: str, marked: Callable[[], Mark], label: str) -> Mark | None:
    """Draw a task whose answer is what the student has set, and a button that settles it; return the mark."""
    with st.container(border=True, key=f"ask-{lesson.name}-{question}"):
        st.markdown(text)
        hand_in(lesson, question, label, lambda _: marked())
        return show(lesson, question)


def show(lesson: Lesson, question: str) -> Mark | None:
    """Show the mark of an answer, where there is one."""
    mark = mark_of(lesson, question)
    if mark is None:
        return None
    answer = re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", mark.answer)  # in the table of a class a number stays one
    said = components.plain(f"You: {answer}. {mark.said}")
    if mark.correct is None:
        st.info(said, icon=":material/info:")
    elif mark.correct:
        st.success(f"**Right.** {said}", icon=":material/check_circle:")
    else:
        st.warning(f"**Not yet.** {said}", icon=":material/replay:")
    return mark


def guess(lesson: Lesson, text: str, options: Mapping[str, str], marked: Callable[[str], Mark]) -> None:
    """Draw the question before the theory. The mark is kept back: the next step shows what is right.

    Args:
        lesson: the lesson.
        text: the question.
        options: name -> answer in words.
        marked: marks a name.
    """
    with st.container(border=True, key=f"ask-{lesson.name}-guess"):
        if hand_in(lesson, "guess", "That is my guess", marked, _options(lesson, "guess", text, options)):
            if (state.get("lesson"), state.get("stage", "ask")) == (lesson.name, "ask"):
                go("try")
            st.rerun()
        if (made := mark_of(lesson, "guess")) is not None:
            st.caption(f"Your guess: {made.answer}. The next step shows what is true; you may guess again.")


def reveal(lesson: Lesson) -> bool:
    """Show what became of the guess, or ask for it; return whether there is one."""
    mark = mark_of(lesson, "guess")
    if mark is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                "Guess first: what you expected is half of what you learn.", icon=":material/help:", width="stretch"
            )
            st.button("To the question", key="lesson_to_ask", on_click=go, args=("ask",))
        return False
    look = (st.success, "You guessed right") if mark.correct else (st.info, "You guessed otherwise")
    look[0](f"**{look[1]}:** {components.plain(mark.answer + '. ' + mark.said)}", icon=":material/lightbulb:")
    return True


def theory(text: str) -> None:
    """Write what is to be learnt, after the guess."""
    with st.container(border=True, key="lesson_theory"):
        st.markdown(text)


def go(step: str) -> None:
    """Go to a step of the open lesson."""
    state.put("stage", step)


def reading(lesson: Lesson) -> None:
    """List what to read next."""
    st.markdown(f"**After this lesson you can** {lesson.aim[0].lower()}{lesson.aim[1:]}")
    st.subheader("Read next", anchor=False)
    for paper in lesson.reading:
        cited = paper.work
        title, where = cited.fields["title"], literature.where(cited)
        stop = "" if title.endswith("?") else "."
        st.markdown(
            f"{components.plain(literature.who(cited))}. *{components.plain(title)}{stop}* {components.plain(where)}. "
            f"{literature.link(cited)}  \n{components.plain(paper.why)}"
        )


def steps_bar(lesson: Lesson, step: str) -> None:
    """Draw the buttons to the step before and after; behind the last step stands the next lesson."""
    names = list(STEPS)
    at = names.index(step)
    with st.container(horizontal=True, horizontal_alignment="distribute", key="lesson_steps"):
        before, after = names[max(at - 1, 0)], names[min(at + 1, len(names) - 1)]
        st.button(
            "Back", icon=":material/arrow_back:", key="lesson_back", on_click=go, args=(before,), disabled=at == 0
        )
        if after != step:
            st.button(
                f"Next: {STEPS[after][0].lower()}",
                icon=":material/arrow_forward:",
                key="lesson_next",
                on_click=go,
                args=(after,),
            )
        else:
            onward(lesson)


def onward(lesson: Lesson) -> None:
    """Draw the button to the lesson after this one; after the last, to all of them."""
    number = list(LESSONS).index(lesson.name) + 1
    following = list(LESSONS.values())[number : number + 1]
    st.button(
        f"Lesson {number + 1}: {following[0].title}" if following else "All lessons",
        icon=":material/arrow_forward:",
        key="lesson_onward",
        on_click=open_lesson,
        args=(following[0].name if following else None,),
    )


def open_lesson(name: str | None = None) -> None:
    """Go to the first step of a lesson, or to the choice of all."""
    state.put("lesson", name)
    state.put("stage", None)
