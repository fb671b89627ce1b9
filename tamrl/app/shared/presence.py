"""Who still sits before a session: work for one that was closed is stopped, and what is kept for who has left goes.

A browser that loses its connection for a moment comes back to its session, and one that loads the page again opens
another, so that a little is waited for either.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tamrl.system import memory

log = logging.getLogger(__name__)
#: Seconds between two looks, and after which memory that is free is given back.
_LOOK_S, _GIVE_BACK_S = 2.0, 10.0
_OWNER = "tamrl_owner"


@dataclass(frozen=True)
class Left:
    """What is done about somebody who has left.

    Attributes:
        seconds: without a browser before any of their sessions.
        act: called with their name, once.
    """

    seconds: float
    act: Callable[[str], None]


@dataclass
class _Person:
    #: Session -> when it was last seen with a browser.
    sessions: dict[str, float] = field(default_factory=dict)
    #: How many of the acts are done.
    done: int = 0


@dataclass
class _Regular:
    act: Callable[[], None]
    seconds: float
    done: float

    def due(self, now: float) -> bool:
        """Return whether it is time, and note that it is done."""
        if now - self.done < self.seconds:
            return False
        self.done = now
        return True


class Presence:
    """The people whose leaving is to be noticed.

    Args:
        active: says whether a session has a browser.
        clock: seconds that only grow.
    """

    def __init__(self, active: Callable[[str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._active, self._clock = active, clock
        #: What is done about them, in the order of time, and their name -> the person.
        self._people: dict[tuple[tuple[Left, ...], str], _Person] = {}
        self._also: list[_Regular] = []
        self._guard = threading.Lock()

    def add(self, session: str, name: str, *left: Left) -> None:
        """Look after somebody; who is known already has shown that they are there.

        Args:
            session: before which they sit; they may have several.
            name: tells them from others of whom the same is done.
            left: what is done once they have gone, one after the other.
        """
        with self._guard:
            person = self._people.setdefault((left, name), _Person())
            person.sessions[session], person.done = self._clock(), 0

    def also(self, act: Callable[[], None], seconds: float = 0.0) -> None:
        """Do something at the looks of ``look_on`` as well, at most once in so many seconds."""
        self._also.append(_Regular(act, seconds, self._clock()))

    def __len__(self) -> int:
        """Return how many are looked after."""
        return len(self._people)

    def look(self) -> None:
        """Look who is still there, and do what is due about the others."""
        now, due = self._clock(), []
        with self._guard:
            for key, person in list(self._people.items()):
                left, name = key
                for session in person.sessions:
                    if self._active(session):
                        person.sessions[session], person.done = now, 0
                gone = now - max(person.sessions.values())
                while person.done < len(left) and gone >= left[person.done].seconds:
                    due.append((left[person.done].act, name))
                    person.done += 1
                if person.done == len(left):
                    del self._people[key]
                else:  # of who stays, a session that was closed long ago is forgotten
                    last = now - left[-1].seconds
                    person.sessions = {one: seen for one, seen in person.sessions.items() if seen > last}
        # Removing what somebody kept may take a while, which no run of a page waits for.
        for act, name in due:
            act(name)

    def look_on(self) -> None:
        """Look again and again, in a thread of its own."""

        def look() -> None:
            while True:
                time.sleep(_LOOK_S)
                now = self._clock()
                for act in (self.look, *(one.act for one in self._also if one.due(now))):
                    try:
                        act()
                    except Exception:  # the next look is to come all the same
                        log.exception("Looking who is still there failed")

        threading.Thread(target=look, name="presence", daemon=True).start()


@cache
def people() -> Presence:
    """Return who sits before this server."""
    memory.spare()  # asked for in the first run of a page, when there are few threads yet
    made = Presence(_has_browser)
    made.also(memory.give_back, _GIVE_BACK_S)
    made.look_on()
    return made


def owner() -> str:
    """Return what tells this session from others; not to be guessed."""
    return st.session_state.setdefault(_OWNER, uuid.uuid4().hex)


def session() -> str | None:
    """Return streamlit's name of this session; None where no page of a server runs."""
    context = get_script_run_ctx()
    return context.session_id if context is not None and runtime.exists() else None


def _has_browser(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)
