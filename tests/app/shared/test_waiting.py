"""Work that a run of the page waits for: its result, its error, and its end when the run is ended."""

import threading

import pytest

from tamrl.app.shared import jobs, waiting
from tamrl.errors import TamrlError


class RunEndedError(BaseException):
    """As streamlit ends a run: nothing that catches errors catches it."""


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.setattr(jobs.st, "session_state", {})


def done(work):
    return waiting.done("Reading a*b", work, jobs.READ, "reading")


def test_the_result_and_the_share_are_passed_on(monkeypatch):
    made = []
    monkeypatch.setattr(waiting, "ShareJob", lambda *args: made.append(ShareJob(*args)) or made[-1])

    def work(progress, cancelled):
        progress(0.25)
        return "result"

    assert done(work) == "result"
    assert (made[0].progress(), made[0].history()["share"].tolist()) == (0.25, [0.25])
    assert made[0].said().startswith("Reading a\\*b: ")


ShareJob = waiting.ShareJob


def test_an_error_is_raised_in_the_page():
    def work(progress, cancelled):
        raise TamrlError("Broken", "file", "Send another")

    with pytest.raises(TamrlError, match="Broken"):
        done(work)


def test_work_ends_with_the_run_that_waits_for_it(monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def work(progress, cancelled):
        begun.set()
        while not cancelled():
            ended.wait(0.01)
        ended.set()

    def wait(job, seconds):
        assert begun.wait(10)
        raise RunEndedError

    monkeypatch.setattr(ShareJob, "wait", wait)
    with pytest.raises(RunEndedError):
        done(work)
    assert ended.wait(10)


@pytest.fixture
def shared():
    return waiting.Shared(jobs.ADAPT, "reading", 2)


def test_a_shared_result_is_computed_once_and_the_oldest_goes_first(shared):
    made = []

    def ask(name):
        return shared.get(name, "Reading", lambda progress, cancelled: made.append(name) or [name])

    first = ask("a")
    assert ask("a") is first
    assert (ask("b"), ask("a"), ask("c")) == (["b"], ["a"], ["c"])
    assert made == ["a", "b", "c"]
    ask("a")
    ask("b")
    assert made == ["a", "b", "c", "b"]


def test_who_waited_for_the_same_takes_what_the_one_before_has_made(shared, monkeypatch):
    work = []

    def wait(title, in_turn, kind, key):
        shared._results["a"] = "of somebody else"  # made while this one stood in the line
        return in_turn(lambda share: None, lambda: False)

    monkeypatch.setattr(waiting, "done", wait)
    assert shared.get("a", "Reading", lambda progress, cancelled: work.append("a")) == "of somebody else"
    assert work == []


def test_what_was_cancelled_begins_again_when_it_is_asked_again_and_an_error_is_not_kept(shared, monkeypatch):
    pressed = f"reading_{hash('a'):x}_cancel"
    state = {pressed: True}
    monkeypatch.setattr(jobs.st, "session_state", state)
    with pytest.raises(TamrlError, match="cancelled"):
        shared.get("a", "Reading", lambda progress, cancelled: "a")
    assert shared.get("b", "Reading", lambda progress, cancelled: "b") == "b"
    state[pressed] = False

    def fail(progress, cancelled):
        raise TamrlError("Broken", "file", "Send another")

    with pytest.raises(TamrlError, match="Broken"):
        shared.get("a", "Reading", fail)
    assert shared.get("a", "Reading", lambda progress, cancelled: "a") == "a"
