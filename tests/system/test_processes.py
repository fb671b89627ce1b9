"""Processes: all jobs are run, a dead one is noticed, a failed one stops the others."""

import os
import signal
import time
from dataclasses import dataclass

import pytest

from tamrl.errors import TamrlError
from tamrl.system.processes import run_processes

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Job:
    """One job; ``act`` says what becomes of it."""

    member: int
    act: str = "work"


def task(job, report, stop):
    """Report ten times, or meet the fate that the job asks for."""
    for i in range(10 if job.act != "long" else 10_000):
        if job.act == "die" and i == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if job.act == "fail" and i == 3:
            raise TamrlError("It failed", "here", "Do something")
        if stop():
            return
        report((job.member, i))
        time.sleep(0.01)


def test_every_job_is_run_to_its_end():
    seen = []
    assert run_processes(task, [Job(0), Job(1), Job(2)], 2, seen.append) is None
    assert sorted(seen) == [(m, i) for m in range(3) for i in range(10)]


def test_a_killed_process_is_noticed_while_others_go_on_reporting():
    seen = []
    what, _, todo = run_processes(task, [Job(0, "die"), Job(1, "long")], 2, seen.append)
    assert "member 0 was killed (exit code -9)" in what
    assert "--resume" in todo
    assert len(seen) < 9000, "the other job was stopped, not waited for"


def test_a_failure_comes_back_in_its_three_parts_and_stops_the_rest():
    assert run_processes(task, [Job(0, "fail"), Job(1, "long"), Job(2)], 2, lambda p: None) == (
        "It failed",
        "here",
        "Do something",
    )


def test_a_signal_stops_running_jobs_and_starts_no_more():
    seen = []

    def on_progress(progress):
        if not seen:
            os.kill(os.getpid(), signal.SIGTERM)
        seen.append(progress)

    assert run_processes(task, [Job(0, "long"), Job(1, "long"), Job(2)], 2, on_progress) is None
    assert {member for member, _ in seen} <= {0, 1}
    assert len(seen) < 9000
