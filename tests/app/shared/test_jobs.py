"""Background work: progress, results, cancelling and errors, without a page."""

import threading
from types import SimpleNamespace

import pytest

from tamrl.app.shared import jobs
from tamrl.app.shared.jobs import BackgroundJob
from tamrl.errors import TamrlError
from tamrl.system.kept import Room
from tamrl.system.turns import Crowd, Line, Turns


def step(number, loss):
    return SimpleNamespace(member=0, members=1, step=number, steps=4, loss=loss, held_back=2 * loss)


def test_history_and_progress_grow_while_the_job_runs():
    reached, go = threading.Event(), threading.Event()

    def work(on_step, cancelled):
        on_step(step(1, 0.5))
        on_step(step(2, 0.4))
        reached.set()
        assert go.wait(10)
        return "result"

    job = BackgroundJob("key", "Adapting", work)
    assert reached.wait(10)
    assert job.status == "running"
    assert job.progress() == 0.5
    assert job.history()["loss"].tolist() == [0.5, 0.4]
    assert job.history()["held_back"].tolist() == [1.0, 0.8]
    go.set()
    job.wait(10)
    assert (job.status, job.result) == ("done", "result")


def test_cancel_is_immediate_and_nothing_later_undoes_it():
    started, go = threading.Event(), threading.Event()

    def work(on_step, cancelled):
        started.set()
        assert go.wait(10)
        assert cancelled()
        return "too late"

    job = BackgroundJob("key", "Adapting", work)
    assert started.wait(10)
    job.cancel()
    assert job.status == "cancelled"
    go.set()
    job.wait(10)
    assert job.status == "cancelled"


def test_a_user_error_is_kept_as_it_is():
    def work(on_step, cancelled):
        raise TamrlError("No valid day", "XX-One", "Choose another tower")

    job = BackgroundJob("key", "Adapting", work)
    job.wait(10)
    assert job.status == "failed"
    assert (job.error.what, job.error.where) == ("No valid day", "XX-One")


def test_an_unforeseen_error_is_logged_and_told_in_three_parts(caplog):
    def work(on_step, cancelled):
        raise ZeroDivisionError("by zero")

    job = BackgroundJob("key", "Adapting", work)
    job.wait(10)
    assert job.status == "failed"
    assert "ZeroDivisionError" in job.error.what
    assert job.error.todo
    assert "Traceback" in caplog.text


def test_results_are_bounded_by_memory(monkeypatch):
    monkeypatch.setattr(jobs.st, "session_state", {})
    most = Room().own_bytes
    half = SimpleNamespace(nbytes=most // 2)
    kept = jobs.results()
    for name in "abc":
        kept[name] = half
    assert list(kept) == ["b", "c"]
    huge = SimpleNamespace(nbytes=3 * most)
    kept["huge"] = huge
    assert list(kept) == ["huge"]


def test_starting_a_job_cancels_the_one_before(monkeypatch):
    monkeypatch.setattr(jobs.st, "session_state", {})
    go = threading.Event()
    first = jobs.start("a", "A", lambda on_step, cancelled: go.wait(10))
    second = jobs.start("b", "B", lambda on_step, cancelled: None)
    go.set()
    second.wait(10)
    assert first.status == "cancelled"
    assert jobs.current() is second


@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_only_finished_jobs_are_collected(monkeypatch, status):
    monkeypatch.setattr(jobs.st, "session_state", {})
    result = SimpleNamespace(nbytes=2)
    job = jobs.start("a", "A", lambda on_step, cancelled: result)
    job.wait(10)
    job.status = status
    jobs.collect()
    assert ("a" in jobs.results()) == (status == "done")
    assert (job.result is None) == (status == "done"), "it is kept once"


def test_the_time_left_is_told_once_a_share_is_known(monkeypatch):
    reached, go = threading.Event(), threading.Event()

    def work(on_step, cancelled):
        on_step(step(1, 0.5))
        reached.set()
        assert go.wait(10)

    job = BackgroundJob("key", "Adapting", work)
    assert reached.wait(10)
    monkeypatch.setattr(job, "seconds", lambda: 6.0)
    assert job.left() == 18.0  # a quarter took six seconds
    monkeypatch.setattr(job, "seconds", lambda: 0.2)
    assert job.left() is None
    monkeypatch.setattr(job, "seconds", lambda: 6.0)
    monkeypatch.setattr(job, "progress", lambda: 0.0)
    assert job.left() is None
    go.set()
    job.wait(10)


@pytest.fixture
def narrow(monkeypatch):
    """One worker, and a line of two."""
    found = Turns(Crowd(1, 1, 2))
    monkeypatch.setattr(jobs, "turns", lambda: found)
    return found


def test_a_job_waits_for_its_turn_and_says_so(narrow):
    go = threading.Event()
    first = BackgroundJob("a", "A", lambda on_step, cancelled: go.wait(10), owner="ann")
    second = BackgroundJob("b", "B", lambda on_step, cancelled: "b", owner="bob")
    own = BackgroundJob("c", "C", lambda on_step, cancelled: "c", owner="ann")
    assert (first.line(), second.line(), own.line()) == ("", "next in line", "begins when your other work has ended")
    assert (second.status, second.seconds()) == ("running", 0.0)
    full = BackgroundJob("d", "D", lambda on_step, cancelled: "d", owner="cid")
    assert full.status == "failed"
    assert "busy" in full.error.what
    second.cancel()
    second.wait(10)
    assert (second.status, second.line(), second.result) == ("cancelled", "", None)
    go.set()
    own.wait(10)
    assert own.result == "c"


def test_who_has_gone_leaves_nothing(narrow, monkeypatch):
    monkeypatch.setattr(jobs.st, "session_state", {})
    stopped = threading.Event()

    def work(on_step, cancelled):
        while not cancelled():
            stopped.wait(0.01)
        stopped.set()
        return SimpleNamespace(nbytes=1)

    jobs.results()["kept"] = SimpleNamespace(nbytes=1)
    job = jobs.start("a", "A", work)
    narrow.leave(jobs.owner())
    job.wait(10)
    assert stopped.is_set()
    assert (job.status, job.result) == ("cancelled", None)
    jobs._drop("somebody else")
    assert list(jobs.results()) == ["kept"]
    jobs._drop(jobs.owner())
    assert not jobs.results()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Line(1, 0.2, False), "next in line, about 1 s"),
        (Line(2, 12.4, False), "2nd in line, about 12 s"),
        (Line(3, None, False), "3rd in line"),
        (Line(11, 89.0, False), "11th in line, about 89 s"),
        (Line(21, 400.0, False), "21st in line, about 7 min"),
    ],
)
def test_a_place_in_the_line_is_said_in_words(line, said):
    assert jobs.in_words(line) == said
