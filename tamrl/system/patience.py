"""Retries: transient failures of servers are tried again a few times, with pauses, and reported if they persist."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tamrl.errors import TamrlError

#: What to do where the part that was downloaded is kept.
LATER = "Run the same command again later: it resumes where it stopped"
_T = TypeVar("_T")
#: Answers that may change after a while.
_PASSING = {
    408: "The server waited too long for the request",
    429: "The server asks for fewer requests",
    500: "The server has an internal error",
    502: "The server has an internal error",
    503: "The server is busy or under maintenance",
    504: "The server does not answer in time",
}
#: So many failed connections in a row mean that the network, not one request, fails.
_UNREACHABLE_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a server is waited for, and how often it is asked again.

    Attributes:
        connect_s: for a connection [s].
        stall_s: for the next bytes [s].
        tries: consecutive failures after which a download stops.
        pause_s: before the second try, doubled before each later one [s].
        longest_s: the longest pause that a server may ask for [s]; where it asks for more the download stops.
        progress_bytes: two failures with at least so much in between [bytes] are not consecutive.
    """

    connect_s: float = 20.0
    stall_s: float = 60.0
    tries: int = 5
    pause_s: float = 2.0
    longest_s: float = 300.0
    progress_bytes: int = 1_000_000


class UnreachableError(TamrlError):
    """No connection to a server could be made."""


class AgainError(Exception):
    """A transient failure.

    Args:
        what: what is wrong, one sentence without the final full stop.
        after: how long the server asks to wait [s], None where it does not say.
        unreachable: whether no connection was made.
    """

    def __init__(self, what: str, after: float | None = None, unreachable: bool = False) -> None:
        super().__init__(what)
        self.what, self.after, self.unreachable = what, after, unreachable


def patiently(attempt: Callable[[], _T], where: str, patience: Patience, reached: Callable[[], int] = lambda: 0) -> _T:
    """Return what an attempt returns, tried again after failures that may pass.

    Args:
        attempt: raises ``AgainError`` where a later attempt may succeed.
        where: what is requested, for messages.
        patience: how often and how long.
        reached: the number of bytes downloaded so far.

    Raises:
        UnreachableError: no connection, twice in a row and before anything had come.
        TamrlError: another failure was the last one.
    """
    failures, had = 0, reached()
    while True:
        try:
            return attempt()
        except AgainError as again:
            if reached() - had >= patience.progress_bytes:
                failures, had = 0, reached()
            failures += 1
            pause = patience.pause_s * 2 ** (failures - 1) if again.after is None else again.after
            if again.unreachable and failures >= (patience.tries if reached() else _UNREACHABLE_TRIES):
                todo = "Check that this computer is online and the address is right, then run the same command again"
                raise UnreachableError(again.what, where, todo) from again
            if pause > patience.longest_s:
                what = f"{again.what}; it asks to wait for {pause / 60:.0f} minutes"
                raise TamrlError(what, where, LATER) from again
            if failures >= patience.tries:
                raise TamrlError(f"{again.what}, {failures} times in a row", where, LATER) from again
        time.sleep(pause)


def passing(status: int, headers: Mapping[str, str]) -> AgainError | None:
    """Return the transient failure that an HTTP status stands for, with the pause that the server asks for; else None.

    Args:
        status: of the answer.
        headers: of the answer, a case-insensitive mapping.
    """
    return AgainError(_PASSING[status], retry_after(headers.get("Retry-After"))) if status in _PASSING else None


def retry_after(value: str | None) -> float | None:
    """Return the seconds to wait that a ``Retry-After`` header names, as seconds or a date; None where it has none."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
