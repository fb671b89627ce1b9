"""Results kept for users while they look at them: bounded per user, in total and in time."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from tamrl.system.settings import number, whole

_MB = 2**20


@dataclass(frozen=True, kw_only=True)
class Room:
    """What may be kept.

    Attributes:
        own_count: most results of one person.
        own_bytes: most bytes of the results of one person; one that is larger is kept alone.
        all_bytes: most bytes of all results.
        hours: time after its last use at which a result is dropped.
    """

    own_count: int = 60
    own_bytes: int = 64 * _MB
    all_bytes: int = 1024 * _MB
    hours: float = 6.0

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> "Room":
        """Return what the environment sets.

        Args:
            settings: may have ``TAMRL_RESULTS``, ``TAMRL_RESULT_MB``, ``TAMRL_RESULTS_MB`` and ``TAMRL_RESULT_HOURS``.

        Raises:
            TamrlError: one of them is not a number above zero.
        """
        return cls(
            own_count=whole(settings, "TAMRL_RESULTS", cls.own_count),
            own_bytes=int(number(settings, "TAMRL_RESULT_MB", cls.own_bytes / _MB) * _MB),
            all_bytes=int(number(settings, "TAMRL_RESULTS_MB", cls.all_bytes / _MB) * _MB),
            hours=number(settings, "TAMRL_RESULT_HOURS", cls.hours),
        )


@dataclass
class _Result:
    value: Any
    size: int
    used: float


class Kept(MutableMapping[Hashable, Any]):
    """The results of one person by their keys, in the order in which they were made.

    Looking one up counts as a use; those used least lately are dropped first.
    """

    # Each is itself alone, whatever it holds.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._results: dict[Hashable, _Result] = {}

    def __getitem__(self, key: Hashable) -> Any:
        with self._store.guard:
            found = self._results[key]
            found.used = self._store.clock()
            return found.value

    def __setitem__(self, key: Hashable, value: Any) -> None:
        with self._store.guard:
            room = self._store.room
            size = min(value.nbytes, room.own_bytes, room.all_bytes)
            self._results.pop(key, None)
            self._results[key] = _Result(value, size, self._store.clock())
            self._store.tidy(self)

    def __delitem__(self, key: Hashable) -> None:
        with self._store.guard:
            del self._results[key]

    def __iter__(self) -> Iterator[Hashable]:
        with self._store.guard:
            return iter(list(self._results))

    def __len__(self) -> int:
        return len(self._results)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept here."""
        with self._store.guard:
            return sum(result.size for result in self._results.values())


class Store:
    """The results of all users of one server; those of a user who has left are dropped with their ``Kept``.

    Args:
        room: what may be kept.
        clock: seconds that only grow.
    """

    def __init__(self, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self.room, self.clock = room, clock
        self.guard = threading.RLock()
        self._all: WeakSet[Kept] = WeakSet()

    def open(self) -> Kept:
        """Return an empty place for the results of one person."""
        with self.guard:
            made = Kept(self)
            self._all.add(made)
        return made

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        with self.guard:
            return sum(kept.nbytes for kept in self._all)

    def tidy(self, kept: Kept | None = None) -> None:
        """Drop what is too old, and what is too much: of ``kept``, then of all.

        Args:
            kept: where something was added, if anywhere.
        """
        with self.guard:
            before = self.clock() - self.room.hours * 3600
            for one in list(self._all):
                for key in [key for key, result in one._results.items() if result.used < before]:
                    del one._results[key]
            while kept is not None and (len(kept) > self.room.own_count or kept.nbytes > self.room.own_bytes):
                _drop_oldest([kept])
            while self.nbytes > self.room.all_bytes:
                _drop_oldest(list(self._all))


def _drop_oldest(of: list[Kept]) -> None:
    """Drop the result that was used least lately."""
    at = {(one, key): result.used for one in of for key, result in one._results.items()}
    one, key = min(at, key=at.__getitem__)
    del one._results[key]
