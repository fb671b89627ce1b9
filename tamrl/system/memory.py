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
#: Arrays of any size come from the heap, which keeps at its end whatever is freed.
_KEEPING = (("MALLOC_MMAP_THRESHOLD_", -3, 2**30), ("MALLOC_TRIM_THRESHOLD_", -1, 2**31 - 1))


def spare() -> None:
    """Have the C library of this process keep less free memory to itself; variables that are set are respected.

    For a process that serves many and does different things.
    """
    _tell(_SPARING)


def keep() -> None:
    """Have the C library of this process keep all memory that is freed; variables that are set are respected.

    For a process that does the same again and again, such as training, and then ends.
    """
    _tell(_KEEPING)


def _tell(choices: tuple[tuple[str, int, int], ...]) -> None:
    choose = getattr(_library(), "mallopt", None)
    if choose is not None:
        for variable, number, value in choices:
            if variable not in os.environ:
                choose(number, value)


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
