"""Work that tells the share that is done; and such work as a run of the page waits for, in its turn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

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
        raise TamrlError("This was cancelled", title, "Begin it again")
    return job.result
