"""Who draws: runs of one page take turns, so that thirty people do not all wait until the last of them is served.

Runs of the interpreter share one lock. Side by side, all of them end as late as the last one would, and a light page
goes as slowly as a heavy one; in turns most end earlier, and a run of another page meets one rival, not thirty.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

#: Runs of one page that are drawn at the same time.
AT_ONCE = 1
#: Seconds after which a run no longer waits: a run before it may hang.
PATIENCE_S = 30.0
#: Seconds between two looks whether the reader has gone on to something else, and after which they are told to wait.
_LOOK_S, _SAID_S = 0.25, 1.0

#: It lies above the page, so that nothing moves when it comes and goes.
_SAID = (
    '<p class="tamrl-busy" role="status"><span aria-hidden="true"></span>Others are being served first. This page '
    "follows by itself.</p>"
)

#: Seconds in which a browser begins to draw what it was sent.
_PAINT_S = 0.12


def let_paint() -> None:
    """Send nothing for a moment, so that the browser draws what it has: it puts off what is followed by more."""
    time.sleep(_PAINT_S)


class Turns:
    """Turns of the runs of each page; one serves the whole process.

    Args:
        at_once: runs of one page at the same time.
        patience: seconds after which a run is drawn out of turn.
    """

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE_S) -> None:
        self._patience = patience
        self._slots: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(at_once))
        self._lock, self._mine = threading.Lock(), threading.local()

    def _slot(self, page: str) -> threading.Semaphore:
        with self._lock:
            return self._slots[page]

    def _wait(self, slot: threading.Semaphore) -> bool:
        """Wait for a turn and return whether it came; ends as any run does where the reader goes on meanwhile."""
        # Always there, so that what the page draws has the same place whether the run had to wait or not.
        place = st.container(key="tamrl_turn")
        if slot.acquire(timeout=_LOOK_S):
            return True
        began, said = time.monotonic(), place.empty()
        while not slot.acquire(timeout=_LOOK_S):
            waited = time.monotonic() - began
            if waited > self._patience:
                break
            said.html(_SAID if waited > _SAID_S else "<span></span>")
        else:
            said.empty()
            return True
        said.empty()
        return False

    @contextmanager
    def turn(self, page: str) -> Iterator[None]:
        """Draw in the turn of a page."""
        slot = self._slot(page)
        self._mine.slot = slot if self._wait(slot) else None
        try:
            yield
        finally:
            if self._mine.slot is not None:
                self._mine.slot.release()
                self._mine.slot = None

    def leave(self) -> None:
        """Let others draw from now on: this run waits for something else, and then draws on without a turn."""
        slot = getattr(self._mine, "slot", None)
        if slot is not None:
            self._mine.slot = None
            slot.release()


TURNS = Turns()
