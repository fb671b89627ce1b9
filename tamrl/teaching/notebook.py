"""What students have answered and moved in the lessons, kept in the memory of the server for a reload.

A notebook is found by what tells browsers apart, of which only a salted hash is kept. Windows of one browser write into
one notebook, each what it changes. A store is shared by all threads of a server, and is bounded in number and age.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tamrl.teaching.marks import Mark


@dataclass
class Notebook:
    """The answers of one student.

    Attributes:
        moved: name -> what the student has set it to.
        marks: (lesson, question) -> how the latest answer was marked.
        beginning: tells it from one before which the student has started over.
    """

    moved: dict[str, Any] = field(default_factory=dict)
    marks: dict[tuple[str, str], Mark] = field(default_factory=dict)
    beginning: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    def copy(self) -> "Notebook":
        """Return another notebook that says the same."""
        return Notebook(dict(self.moved), dict(self.marks), self.beginning)


class Notebooks:
    """The notebooks of one server.

    Args:
        most: notebooks that are kept; beyond that those go that were written into longest ago.
        hours: after which a notebook into which nothing was written goes.
        clock: seconds that only grow.
    """

    def __init__(self, most: int = 1000, hours: float = 12.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.hours, self._most, self._clock = hours, most, clock
        #: Hash of a visitor -> when it was written into, and the notebook; the newest stand last.
        self._kept: OrderedDict[str, tuple[float, Notebook]] = OrderedDict()
        self._salt = secrets.token_hex(16)
        self._guard = threading.Lock()

    def of(self, visitor: str, own: Notebook | None = None) -> Notebook:
        """Return the notebook that a window of a browser goes on with.

        Args:
            visitor: tells browsers apart.
            own: which the window has; None where it has just been opened.

        Returns:
            ``own``, or a copy of the kept one where the window has none, or the student has started over since in
            another window of the browser. An empty one where nothing is kept either.
        """
        with self._guard:
            self._forget()
            _, kept = self._kept.get(self._hash(visitor), (0.0, None))
            if own is not None and (kept is None or kept.beginning == own.beginning):
                return own
            return kept.copy() if kept is not None else Notebook()

    def move(self, visitor: str, own: Notebook, name: str, value: Any) -> None:
        """Write what was moved into a window's notebook and into the kept one."""
        with self._guard:
            own.moved[name] = value
            self._written(visitor, own).moved[name] = value

    def settle(self, visitor: str, own: Notebook, question: tuple[str, str], mark: Mark) -> None:
        """Write how an answer to a question (lesson, question) was marked, in the same way."""
        with self._guard:
            own.marks[question] = mark
            self._written(visitor, own).marks[question] = mark

    def start_over(self, visitor: str) -> Notebook:
        """Return an empty notebook, which takes the place of that of all windows of the browser."""
        with self._guard:
            made = Notebook()
            self._written(visitor, made)
            return made

    def sweep(self) -> None:
        """Forget what is too old, also where nobody comes any more."""
        with self._guard:
            self._forget()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def _written(self, visitor: str, own: Notebook) -> Notebook:
        """Return the kept notebook that a window writes into, which is the newest then."""
        name = self._hash(visitor)
        _, kept = self._kept.pop(name, (0.0, None))
        if kept is None or kept.beginning != own.beginning:
            kept = own.copy()
        self._kept[name] = self._clock(), kept
        self._forget()
        return kept

    def _forget(self) -> None:
        oldest = self._clock() - self.hours * 3600
        while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[0] <= oldest):
            self._kept.popitem(last=False)

    def _hash(self, visitor: str) -> str:
        return sha256(f"{self._salt}{visitor}".encode()).hexdigest()
