"""Work in the background, and the results that a session keeps.

A job runs in its own thread and is polled by a fragment of the page, so that the page never blocks and a rerun
or another page does not end it. The thread calls nothing of streamlit.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Literal

import pandas as pd
import streamlit as st
from cachetools import LRUCache

from tamrl.errors import TamrlError

log = logging.getLogger(__name__)
#: Memory that the adaptations of one session may hold [bytes]; the least recently seen are dropped first.
RESULT_BYTES = 64 * 2**20
_JOB, _RESULTS = "tamrl_job", "tamrl_results"
_NUMBERS = itertools.count(1)


class BackgroundJob:
    """One adaptation under way.

    Args:
        key: what is being computed; the result is kept under it.
        title: what the user is told.
        work: called as ``work(on_step, cancelled)`` in a thread; ``on_step`` takes any object whose attributes are
            the columns of ``history``, ``cancelled()`` says whether to give up.

    Attributes:
        number: tells it from the other jobs of the server.
        status: running, done, failed or cancelled.
        result: what ``work`` returned.
        error: what it raised, fit to show.
    """

    COLUMNS: tuple[str, ...] = ("member", "members", "step", "steps", "loss", "held_back")

    def __init__(self, key: Hashable, title: str, work: Callable[[Callable, Callable[[], bool]], Any]) -> None:
        self.key, self.title = key, title
        self.status: Literal["running", "done", "failed", "cancelled"] = "running"
        self.result: Any = None
        self.error: TamrlError | None = None
        self.collected = False
        self._steps: list[tuple] = []
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._began = time.monotonic()
        self.number = next(_NUMBERS)
        self._thread = threading.Thread(target=self._run, args=(work,), name="adapt", daemon=True)
        self._thread.start()

    def _run(self, work: Callable) -> None:
        status: Literal["done", "failed"]
        try:
            self.result, status = work(self._on_step, self._cancel.is_set), "done"
        except Exception as error:
            status = "failed"
            if not self._cancel.is_set():
                self.error = as_user_error(error)
        with self._lock:
            if not self._cancel.is_set():
                self.status = status

    def _on_step(self, step: Any) -> None:
        row = tuple(getattr(step, column) for column in self.COLUMNS)
        with self._lock:
            self._steps.append(row)

    def cancel(self) -> None:
        """Give the job up at once; its thread stops before its next step."""
        with self._lock:
            if self.status == "running":
                self._cancel.set()
                self.status = "cancelled"

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended, or for ``seconds``."""
        self._thread.join(seconds)

    def history(self) -> pd.DataFrame:
        """Return the steps so far, one row each."""
        with self._lock:
            return pd.DataFrame(self._steps, columns=list(self.COLUMNS))

    def progress(self) -> float:
        """Return the share of the work that is done, 0-1."""
        with self._lock:
            if not self._steps:
                return 0.0
            _, members, _, steps, *_ = self._steps[-1]
            return min(1.0, len(self._steps) / max(1, members * steps))

    def left(self) -> float | None:
        """Return about how many seconds the job still takes; None as long as too little is known."""
        share, so_far = self.progress(), self.seconds()
        return so_far * (1 - share) / share if share > 0.05 and so_far > 1 else None

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began


def as_user_error(error: Exception) -> TamrlError:
    """Return ``error`` in three parts; one that nobody foresaw is logged with its traceback."""
    if isinstance(error, TamrlError):
        return error
    log.error("Unexpected error", exc_info=error)
    return TamrlError(
        f"Something went wrong that the app did not foresee: {type(error).__name__}: {error}",
        "",
        "The log of the server has the details; reload the page, or choose another tower or workspace",
    )


def current() -> BackgroundJob | None:
    """Return this session's latest job."""
    return st.session_state.get(_JOB)


def start(key: Hashable, title: str, work: Callable[[Callable, Callable[[], bool]], Any]) -> BackgroundJob:
    """Start a job; one that still runs in this session is cancelled."""
    before = current()
    if before is not None:
        before.cancel()
    st.session_state[_JOB] = job = BackgroundJob(key, title, work)
    return job


def collect() -> None:
    """Move the result of a job that is done to the results of the session."""
    job = current()
    if job is not None and job.status == "done" and not job.collected:
        results()[job.key] = job.result
        job.collected = True


def turn() -> str:
    """Return what changes when a job of this session starts and when it ends; empty before the first one."""
    job = current()
    return "" if job is None else f"{job.number}-{job.status}"


def results() -> LRUCache:
    """Return the adaptations that this session keeps, newest last, at most 64 MiB of them."""
    return st.session_state.setdefault(_RESULTS, LRUCache(RESULT_BYTES, getsizeof=_size))


def _size(result: Any) -> int:
    return min(RESULT_BYTES, result.nbytes)
