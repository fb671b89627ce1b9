"""Memory that is free in this process, but held by its allocators: returned to the system from time to time.

A page reads and averages fields of some 100 MB in many threads; what the C library keeps of that for each of them, and
Arrow of the tables that were read, adds up to a third of a server's memory.
"""

import ctypes
import os
import sys
from functools import cache

#: What ``mallopt`` is told: the variable that says otherwise, the number of the choice in malloc.h of GNU's C library,
#: its value. Threads share two parts of the heap, as each keeps free memory of its own. Arrays of 32 MB and more have
#: memory to themselves, as they have at last by default; but once that is said, the limit no longer grows with what is
#: freed, and with it what the heap keeps at its end, twice as much.
_CHOICES = (("MALLOC_ARENA_MAX", -8, 2), ("MALLOC_MMAP_THRESHOLD_", -3, 2**25))


def spare() -> None:
    """Have the C library of this process keep less free memory to itself; variables that are set are respected."""
    choose = getattr(_library(), "mallopt", None)
    if choose is not None:
        for variable, number, value in _CHOICES:
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
