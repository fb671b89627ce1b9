"""Heavy work of many users on one computer: in fair turns, and never more at once than it can handle.

A piece of work runs in a thread of its own once its turn has come. Users take turns: one with many pieces waits for the
others between two of them, and has one running at a time. Long work leaves a turn to short work, so that an
import of half an hour does not keep a class from adapting.
"""

import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tamrl.errors import TamrlError
from tamrl.system.settings import whole

log = logging.getLogger(__name__)
#: Share of a new duration in the mean that the waiting time is told from.
_NEWEST = 0.3
#: The bound that a container sets.
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes:
        name: distinguishes kinds of different duration.
        long: whether it takes minutes, or all cores.
    """

    name: str
    long: bool = False


@dataclass(frozen=True)
class Crowd:
    """How much work there may be at once.

    Attributes:
        workers: pieces that run at once; at most half of them, but one at least, are long. Where all are taken by
            long work, one short piece runs beside it.
        own_waiting: most waiting pieces of one user.
        all_waiting: most waiting pieces.
    """

    workers: int = field(default_factory=lambda: available_cores())
    own_waiting: int = 3
    all_waiting: int = 60

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> "Crowd":
        """Return what the environment sets.

        Args:
            settings: may have ``TAMRL_WORKERS``, ``TAMRL_WAITING`` and ``TAMRL_OWN_WAITING``.

        Raises:
            TamrlError: one of them is not a whole number above zero.
        """
        return cls(
            whole(settings, "TAMRL_WORKERS", available_cores()),
            whole(settings, "TAMRL_OWN_WAITING", cls.own_waiting),
            whole(settings, "TAMRL_WAITING", cls.all_waiting),
        )

    @property
    def long_workers(self) -> int:
        """Pieces of long work that run at once."""
        return max(1, self.workers // 2)


def available_cores() -> int:
    """Return the cores that this process may use: a container or a batch job may have fewer than the computer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CPU_MAX.read_text(encoding="ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no bound, or not Linux
        return cores


def threads(settings: Mapping[str, str] = os.environ) -> int:
    """Return how many threads one piece of work may take: ``TAMRL_THREADS``, by default the cores of this process.

    Raises:
        TamrlError: the setting is not a whole number above zero.
    """
    return whole(settings, "TAMRL_THREADS", available_cores())


@dataclass(frozen=True)
class Line:
    """The place of a piece of work in the line.

    Attributes:
        place: 1 is next.
        seconds: expected wait [s]; None where too little is known.
        after_own: whether it waits for another piece of the same owner.
    """

    place: int
    seconds: float | None
    after_own: bool


class Turn:
    """One piece of work that waits, runs or has ended.

    Attributes:
        owner: whose it is.
        kind: what kind of work it is.
    """

    def __init__(
        self, turns: "Turns", owner: str, kind: Kind, work: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        self.owner, self.kind = owner, kind
        self._turns, self._work, self._stop = turns, work, stop
        self._ended = threading.Event()
        self._given_up = False
        self._began: float | None = None

    @property
    def ended(self) -> bool:
        """Whether its thread has ended, or it was cancelled before it began."""
        return self._ended.is_set()

    def line(self) -> Line | None:
        """Return its place in the line; None once it no longer waits."""
        return self._turns._line_of(self)

    def give_up(self) -> None:
        """Leave the line; work that has begun ends by itself, and its duration is not used to estimate others."""
        self._turns._remove(self)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended, or for ``seconds``; return whether it has."""
        return self._ended.wait(seconds)


class Turns:
    """The line of one server.

    Args:
        crowd: how much there may be at once.
    """

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self._guard = threading.RLock()
        #: Owner -> what waits of theirs, first come first. The owners stand in the order of their next turn.
        self._waiting: dict[str, deque[Turn]] = {}
        self._running: list[Turn] = []
        self._mean_s: dict[str, float] = {}
        self._numbers = itertools.count(1)

    def enter(self, owner: str, kind: Kind, work: Callable[[], None], stop: Callable[[], None]) -> Turn:
        """Put a piece of work into the line; it begins at once where there is room.

        Args:
            owner: identifies the user.
            kind: of the work.
            work: called in a thread of its own.
            stop: called when the owner has left; ``work`` is to end soon after.

        Raises:
            TamrlError: too much waits already, of this owner or of all.
        """
        with self._guard:
            self._check(owner)
            turn = Turn(self, owner, kind, work, stop)
            self._waiting.setdefault(owner, deque()).append(turn)
            self._go_on()
        return turn

    def _check(self, owner: str) -> None:
        if len(self._waiting.get(owner, ())) >= self.crowd.own_waiting:
            what = f"{self.crowd.own_waiting} pieces of your work wait for their turn already"
            raise TamrlError(what, "Waiting line", "Wait until one has begun, or cancel one")
        if sum(map(len, self._waiting.values())) >= self.crowd.all_waiting:
            what = f"This server is busy: {self.crowd.all_waiting} pieces of work wait for their turn already"
            raise TamrlError(what, "Waiting line", "Try again in a minute")

    def leave(self, owner: str) -> None:
        """Stop all work of an owner who has left: what waits is dropped, what runs is asked to end."""
        with self._guard:
            theirs = [*self._waiting.get(owner, ()), *(turn for turn in self._running if turn.owner == owner)]
            for turn in theirs:
                turn.give_up()
        for turn in theirs:
            turn._stop()

    def count(self) -> tuple[int, int]:
        """Return how many pieces run and how many wait."""
        with self._guard:
            return len(self._running), sum(map(len, self._waiting.values()))

    def _next(self, running: Iterable[Turn], waiting: Mapping[str, deque[Turn]]) -> Turn | None:
        """Return whose turn it is beside what runs; None where no one's.

        What may not begin yet, a long piece or one of somebody who has another running, is passed by and keeps its
        place.
        """
        owners = {turn.owner for turn in running}
        long = sum(turn.kind.long for turn in running)
        full = len(owners) >= self.crowd.workers  # each owner has one running
        room = {True: long < self.crowd.long_workers and not full, False: not full or long == len(owners)}
        firsts = (line[0] for owner, line in waiting.items() if owner not in owners)
        return next((turn for turn in firsts if room[turn.kind.long]), None)

    @staticmethod
    def _take(turn: Turn, waiting: dict[str, deque[Turn]]) -> None:
        """Take a piece out of the line; its owner goes to the end of it."""
        line = waiting.pop(turn.owner)
        line.remove(turn)
        if line:
            waiting[turn.owner] = line

    def _go_on(self) -> None:
        """Begin what may begin; to be called with the guard held."""
        while (turn := self._next(self._running, self._waiting)) is not None:
            self._take(turn, self._waiting)
            self._running.append(turn)
            turn._began = time.monotonic()
            name = f"{turn.kind.name}-{next(self._numbers)}"
            threading.Thread(target=self._run, args=(turn,), name=name, daemon=True).start()

    def _run(self, turn: Turn) -> None:
        assert turn._began is not None  # it was begun above
        try:
            turn._work()
        except Exception:
            log.exception("Work of the kind %s failed", turn.kind.name)
        with self._guard:
            if not turn._given_up:
                took = time.monotonic() - turn._began
                known = self._mean_s.get(turn.kind.name, took)
                self._mean_s[turn.kind.name] = known + _NEWEST * (took - known)
            self._running.remove(turn)
            turn._ended.set()
            self._go_on()

    def _remove(self, turn: Turn) -> None:
        with self._guard:
            turn._given_up = True
            line = self._waiting.get(turn.owner, deque())
            if turn in line:
                line.remove(turn)
                if not line:
                    del self._waiting[turn.owner]
                turn._ended.set()

    def _line_of(self, turn: Turn) -> Line | None:
        """Play what is to come, each piece taking as long as others of its kind did."""
        with self._guard:
            if turn not in self._waiting.get(turn.owner, ()):
                return None
            now, mean = time.monotonic(), dict(self._mean_s)
            waiting = {owner: deque(line) for owner, line in self._waiting.items()}
            # When what runs will have ended, in seconds from now.
            ends = {t: max(0.0, mean.get(t.kind.name, 0.0) - (now - (t._began or now))) for t in self._running}
        known = all(one.kind.name in mean for one in ends)
        after_own = any(one.owner == turn.owner for one in ends)
        place, at = 0, 0.0
        while (found := self._next(ends, waiting)) is not turn:
            if found is None:
                at = max(at, ends.pop(min(ends, key=ends.__getitem__)))
                continue
            place += 1
            self._take(found, waiting)
            known &= found.kind.name in mean
            ends[found] = at + mean.get(found.kind.name, 0.0)
        return Line(place + 1, at if known else None, after_own)
