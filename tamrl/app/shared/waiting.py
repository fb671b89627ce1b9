"""Work that tells the share that is done; and such work as a run of the page waits for, in its turn."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from cachetools import LRUCache

from tamrl.app.shared import components, drawing, jobs
from tamrl.app.shared.jobs import BackgroundJob
from tamrl.errors import TamrlError
from tamrl.system.turns import Kind

#: How often a run looks at the work that it waits for [s].
_LOOK_S = 0.2


@dataclass(frozen=True)
class Share:
    """How much is done, 0-1."""

    share: float


class ShareJob(BackgroundJob):
    """Work under way whose ``on_step`` takes a ``Share``."""

    COLUMNS: tuple[str, ...] = ("share",)

    def progress(self) -> float:
        """Return the share that is done, 0-1."""
        with self._lock:
            return min(1.0, self._steps[-1][0]) if self._steps else 0.0

    def said(self) -> str:
        """Return what is done, and where it stands in the line or how long it has run."""
        return f"{components.plain(self.title)}: {self.line() or f'{self.seconds():.0f} s'}"


def done(title: str, work: Callable[[Callable[[float], None], Callable[[], bool]], Any], kind: Kind, key: str) -> Any:
    """Do work in its turn while this run of the page waits, and return what came of it.

    Shown are how far it is and a button that cancels it; so does all else that ends the run: the user goes on to
    something else, or leaves.

    Args:
        title: what the user is told.
        work: called as ``work(progress, cancelled)`` in a thread, which calls nothing of streamlit.
        kind: of the work.
        key: of the button and what is around it.

    Raises:
        TamrlError: the work failed, or could not wait for its turn.
    """
    drawing.TURNS.leave()
    slot = st.empty()
    job = ShareJob(
        title,
        title,
        lambda on_step, cancelled: work(lambda share: on_step(Share(share)), cancelled),
        kind,
        jobs.owner(),
    )
    try:
        with slot.container(key=key), st.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, job.said())
            st.button("Cancel", icon=":material/stop:", key=f"{key}_cancel")
        while job.status == "running":
            bar.progress(job.progress(), job.said())
            job.wait(_LOOK_S)
    finally:
        job.cancel()
        slot.empty()
    if job.error is not None:
        raise job.error
    if job.status == "cancelled":
        raise _cancelled(title)
    return job.result


class Shared:
    """Results of heavy work that all sessions share: each is computed once, in its turn, see ``done``.

    Args:
        kind: of the work.
        key: begins those of the buttons that cancel, and of what is around them.
        most: results that are kept; the one that was asked for least lately goes first.
    """

    def __init__(self, kind: Kind, key: str, most: int) -> None:
        self._kind, self._key = kind, key
        self._results: LRUCache[Hashable, Any] = LRUCache(most)
        self._guard = threading.Lock()

    def get(
        self, asked: Hashable, title: str, work: Callable[[Callable[[float], None], Callable[[], bool]], Any]
    ) -> Any:
        """Return a result, which nobody may change; where it is not kept, this run of the page waits for it.

        Once the user has cancelled it, the page says so, and goes on when it is asked again.

        Args:
            asked: tells it from the other results.
            title: what the user is told.
            work: see ``done``; returns anything but None.

        Raises:
            TamrlError: see ``done``.
        """
        found = self._kept(asked)
        if found is not None:
            return found
        key = f"{self._key}_{hash(asked):x}"  # one run may wait for several
        if st.session_state.get(f"{key}_cancel"):  # this run is the answer to that press
            st.button("Begin again", icon=":material/replay:", key=f"{key}_again")
            raise _cancelled(title)

        def in_turn(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Any:
            # Somebody who stood before may have asked for the same.
            made = self._kept(asked)
            if made is None:
                made = work(progress, cancelled)
                with self._guard:
                    self._results[asked] = made
            return made

        return done(title, in_turn, self._kind, key)

    def _kept(self, asked: Hashable) -> Any:
        with self._guard:
            return self._results.get(asked)

    def clear(self) -> None:
        """Forget all results."""
        with self._guard:
            self._results.clear()


def _cancelled(title: str) -> TamrlError:
    return TamrlError("This was cancelled", title, "Begin it again")
