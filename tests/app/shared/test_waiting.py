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
