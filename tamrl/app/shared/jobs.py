"""Work in the background, and the results that a session keeps.

A job waits for its turn among those of all sessions, then runs in a thread of its own; a fragment of the page polls it,
so that the page never blocks and a rerun or another page does not end it. The thread calls nothing of streamlit.
"""

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Literal
from weakref import WeakValueDictionary

import pandas as pd
import streamlit as st

from tamrl.app.shared import presence
from tamrl.errors import TamrlError
from tamrl.system.kept import Kept, Room, Store
from tamrl.system.turns import Crowd, Kind, Line, Turn, Turns

log = logging.getLogger(__name__)
#: Kinds of work: those that take minutes, or all cores, leave a turn to the others.
ADAPT = Kind("adapt")
NETWORK, READ, IMPORT = (Kind(name, long=True) for name in ("network", "read", "import"))
#: Seconds without a browser after which the work of a session is stopped, and its results are dropped: streamlit itself
#: forgets a session after two minutes.
STOP_S, DROP_S = 20.0, 120.0
_JOB, _RESULTS = "tamrl_job", "tamrl_results"
_NUMBERS = itertools.count(1)
#: Owner -> what is kept for them.
_KEPT: WeakValueDictionary[str, Kept] = WeakValueDictionary()


@cache
def turns() -> Turns:
    """Return the line that the work of all sessions stands in.

    Raises:
        TamrlError: a bound in the environment is not a number.
    """
    return Turns(Crowd.read(os.environ))


@cache
def _store() -> Store:
    made = Store(Room.read(os.environ))
    presence.people().also(made.tidy)
    return made


def _stop(owner: str) -> None:
    turns().leave(owner)


def _drop(owner: str) -> None:
    """Drop what is kept for an owner who has gone."""
    kept = _KEPT.get(owner)
    if kept is not None:
        kept.clear()


_LEFT = (presence.Left(STOP_S, _stop), presence.Left(DROP_S, _drop))


def owner() -> str:
    """Return whose the work of this session is; once it has no browser any more, its work is stopped."""
    found, session = presence.owner(), presence.session()
    if session is not None:
        presence.people().add(session, found, *_LEFT)
    return found


class BackgroundJob:
    """One piece of work under way, such as an adaptation.

    Args:
        key: what is being computed; the result is kept under it.
        title: what the user is told.
        work: called as ``work(on_step, cancelled)`` in a thread; ``on_step`` takes any object whose attributes are
            the columns of ``history``, ``cancelled()`` says whether to stop.
        kind: of the work.
        owner: whose it is, see ``presence.owner``; the work of one owner runs one after another. Its own by default.

    Attributes:
        number: tells it from the other jobs of the server.
        status: running, which it also is while it waits for its turn, done, failed or cancelled.
        result: what ``work`` returned.
        error: what it raised, fit to show.
    """

    COLUMNS: tuple[str, ...] = ("member", "members", "step", "steps", "loss", "held_back")

    def __init__(
        self,
        key: Hashable,
        title: str,
        work: Callable[[Callable[..., Any], Callable[[], bool]], Any],
        kind: Kind = ADAPT,
        owner: str | None = None,
    ) -> None:
        self.key, self.title = key, title
        self.status: Literal["running", "done", "failed", "cancelled"] = "running"
        self.result: Any = None
        self.error: TamrlError | None = None
        self.collected = False
        self._steps: list[tuple[Any, ...]] = []
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._began: float | None = None
        self.number = next(_NUMBERS)
        self._turn: Turn | None = None
        try:
            self._turn = turns().enter(owner or f"job {self.number}", kind, lambda: self._run(work), self.cancel)
        except TamrlError as error:
            self.status, self.error = "failed", error

    def _run(self, work: Callable[..., Any]) -> None:
        self._began = time.monotonic()
        status: Literal["done", "failed"]
        try:
            self.result, status = work(self._on_step, self._cancel.is_set), "done"
        except Exception as error:
            status = "failed"
            if not self._cancel.is_set():
                self.error = as_user_error(error)
        with self._lock:
            if self._cancel.is_set():
                self.result = None  # nobody will ask for it
            else:
                self.status = status

    def _on_step(self, step: Any) -> None:
        row = tuple(getattr(step, column) for column in self.COLUMNS)
        with self._lock:
            self._steps.append(row)

    def cancel(self) -> None:
        """Give the job up at once; its thread stops before its next step."""
        with self._lock:
            if self.status != "running":
                return
            self._cancel.set()
            self.status = "cancelled"
        if self._turn is not None:
            self._turn.give_up()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the thread has ended, or for ``seconds``."""
        if self._turn is not None:
            self._turn.wait(seconds)

    def line(self) -> str:
        """Say where the job stands in the line of those that wait; empty once its turn has come."""
        found = self._turn.line() if self._turn is not None and self.status == "running" else None
        return "" if found is None else in_words(found)

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
        """Return the seconds since its turn came; none while it waits."""
        return 0.0 if self._began is None else time.monotonic() - self._began


def in_words(line: Line) -> str:
    """Return a place in the line in words."""
    if line.after_own:
        return "begins when your other work has ended"
    place = "next in line" if line.place == 1 else f"{_ordinal(line.place)} in line"
    if line.seconds is None:
        return place
    about = f"{max(1, round(line.seconds))} s" if line.seconds < 90 else f"{round(line.seconds / 60)} min"
    return f"{place}, about {about}"


def _ordinal(number: int) -> str:
    last = 0 if 10 <= number % 100 <= 20 else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


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


def start(
    key: Hashable, title: str, work: Callable[[Callable[..., Any], Callable[[], bool]], Any], kind: Kind = ADAPT
) -> BackgroundJob:
    """Start a job, or put it into the line; one of this session that has not ended is cancelled."""
    before = current()
    if before is not None:
        before.cancel()
    st.session_state[_JOB] = job = BackgroundJob(key, title, work, kind, owner())
    return job


def collect() -> None:
    """Move the result of a job that is done to the results of the session."""
    job = current()
    if job is not None and job.status == "done" and not job.collected:
        results()[job.key] = job.result
        job.collected, job.result = True, None


def turn() -> str:
    """Return what changes when a job of this session starts and when it ends; empty before the first one."""
    job = current()
    return "" if job is None else f"{job.number}-{job.status}"


def results() -> Kept:
    """Return the adaptations that this session keeps, newest last, see ``tamrl.system.kept.Room`` for how many."""
    found = st.session_state.get(_RESULTS)
    if found is None:
        st.session_state[_RESULTS] = found = _store().open()
        _KEPT[owner()] = found
    return found
