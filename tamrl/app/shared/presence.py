"""Whether somebody still sits before a session: what works for one that was closed is stopped, what is kept is dropped.

A browser that loses its connection for a moment comes back to its session, so that a little is waited for it.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: Seconds without a browser after which the work of a session is stopped, and its results are dropped: streamlit itself
#: forgets a session after two minutes.
STOP_S, DROP_S = 20.0, 120.0
#: Seconds between two looks.
_LOOK_S = 5.0
_OWNER = "tamrl_owner"


@dataclass
class _Session:
    owner: str
    seen: float
    stopped: bool = False


class Presence:
    """The sessions that have work or results.

    Args:
        active: says whether a session has a browser.
        stop: called with the owner of a session that has had none for ``STOP_S``.
        drop: called with it after ``DROP_S``.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        active: Callable[[str], bool],
        stop: Callable[[str], None],
        drop: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._active, self._stop, self._drop, self._clock = active, stop, drop, clock
        self._sessions: dict[str, _Session] = {}
        self._guard = threading.Lock()

    def add(self, session: str, owner: str) -> None:
        """Look after a session; one that is known already has shown that it is there."""
        with self._guard:
            self._sessions[session] = _Session(owner, self._clock())

    def look(self) -> None:
        """Look which sessions are still there."""
        now = self._clock()
        with self._guard:
            known = list(self._sessions.items())
        for name, session in known:
            if self._active(name):
                session.seen, session.stopped = now, False
            elif now - session.seen >= DROP_S:
                self._drop(session.owner)
                with self._guard:
                    self._sessions.pop(name, None)
            elif now - session.seen >= STOP_S and not session.stopped:
                session.stopped = True
                self._stop(session.owner)

    def look_on(self, after: Callable[[], None]) -> None:
        """Look again and again, in a thread of its own, and call ``after`` each time."""

        def look() -> None:
            while True:
                time.sleep(_LOOK_S)
                self.look()
                after()

        threading.Thread(target=look, name="presence", daemon=True).start()


def owner() -> str:
    """Return what tells this session from others; not to be guessed."""
    return st.session_state.setdefault(_OWNER, uuid.uuid4().hex)


def session() -> str | None:
    """Return streamlit's name of this session; None where there is no server, as in a test of a page."""
    context = get_script_run_ctx()
    return context.session_id if context is not None and runtime.exists() else None


def has_browser(session: str) -> bool:
    """Return whether a session of this server has a browser."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)
