"""Background work: progress, results, cancelling and errors, without a page."""

import threading
from types import SimpleNamespace

import pytest

from tamrl.app.shared import jobs
from tamrl.app.shared.jobs import BackgroundJob
from tamrl.errors import TamrlError


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
    half = SimpleNamespace(nbytes=jobs.RESULT_BYTES // 2)
    kept = jobs.results()
    for name in "abc":
        kept[name] = half
    assert list(kept) == ["b", "c"]
    huge = SimpleNamespace(nbytes=3 * jobs.RESULT_BYTES)
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
