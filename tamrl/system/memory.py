"""Memory that is free in this process, but held by its allocators: how much, and when the system has it back.

A page reads and averages fields of some 100 MB in many threads; what the C library keeps of that for each of them, and
Arrow of the tables that were read, adds up to a third of a server's memory. A training step, on the other hand, takes
and frees the same 100 MB each time; to have them back from the system, page by page, took a third of its time.
"""

import ctypes
import os
import sys
from functools import cache

#: What ``mallopt`` is told: the variable that says otherwise, the number of the choice in malloc.h of GNU's C library,
#: its value. Threads share two parts of the heap, as each keeps free memory of its own. Arrays of 32 MB and more have
#: memory to themselves, as they have at last by default; but once that is said, the limit no longer grows with what is
#: freed, and with it what the heap keeps at its end, twice as much.
_SPARING = (("MALLOC_ARENA_MAX", -8, 2), ("MALLOC_MMAP_THRESHOLD_", -3, 2**25))
#: Limits below which arrays come from the heap, largest first: older libraries (glibc 2.34) refuse more than 32 MB.
_IN_THE_HEAP = (2**30, 2**25)
#: The heap keeps at its end whatever is freed.
_NO_TRIM = ("MALLOC_TRIM_THRESHOLD_", -1, 2**31 - 1)


def spare() -> None:
    """Have the C library of this process keep less free memory to itself; variables that are set are respected.

    For a process that serves many and does different things.
    """
    for choice in _SPARING:
        _tell(*choice)


def keep() -> None:
    """Have the C library of this process keep all memory that is freed; variables that are set are respected.

    For a process that does the same again and again, such as training, and then ends.
    """
    variable, number, _ = _SPARING[1]
    # To say the second alone would send more arrays past the heap than to say nothing.
    if variable in os.environ or any(_tell(variable, number, limit) for limit in _IN_THE_HEAP):
        _tell(*_NO_TRIM)


def _tell(variable: str, number: int, value: int) -> bool:
    """Tell the C library one choice, unless the environment has made it; return whether it was taken."""
    choose = getattr(_library(), "mallopt", None)
    return choose is not None and variable not in os.environ and bool(choose(number, value))


def give_back() -> None:
    """Return free memory to the system; nothing happens where the allocators do not support it."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = getattr(_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def _library() -> ctypes.CDLL | None:
    """Return the C library of this process where it may be GNU's, whose functions these are."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None
