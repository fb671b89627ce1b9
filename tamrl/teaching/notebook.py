"""What students have answered and moved in the lessons, kept in the memory of the server for a reload.

A notebook is found by what tells browsers apart, of which only a salted hash is kept. A store is shared by all threads
of a server, and is bounded in number and age.
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
    """

    moved: dict[str, Any] = field(default_factory=dict)
    marks: dict[tuple[str, str], Mark] = field(default_factory=dict)

    def copy(self) -> "Notebook":
        """Return another notebook that says the same."""
        return Notebook(dict(self.moved), dict(self.marks))


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

    def of(self, visitor: str) -> Notebook:
        """Return a copy of a visitor's notebook, an empty one where none is kept.

        Args:
            visitor: tells browsers apart.
        """
        with self._guard:
            self._forget()
            _, found = self._kept.get(self._hash(visitor), (0.0, Notebook()))
            return found.copy()

    def keep(self, visitor: str, notebook: Notebook) -> None:
        """Keep a copy of a notebook in the place of the one before; an empty one is not kept."""
        with self._guard:
            name = self._hash(visitor)
            self._kept.pop(name, None)
            if notebook.moved or notebook.marks:
                self._kept[name] = self._clock(), notebook.copy()
            self._forget()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def _forget(self) -> None:
        oldest = self._clock() - self.hours * 3600
        while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[0] <= oldest):
            self._kept.popitem(last=False)

    def _hash(self, visitor: str) -> str:
        return sha256(f"{self._salt}{visitor}".encode()).hexdigest()
