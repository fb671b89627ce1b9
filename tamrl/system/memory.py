"""Memory that is free in this process, but held by its allocators: returned to the system from time to time.

A page reads and averages fields of some 100 MB in many threads; what the C library keeps of that for each of them, and
Arrow of the tables that were read, adds up to a third of a server's memory.
"""

import ctypes
import os
import sys
from functools import cache

#: Parts of the heap that threads share, and what ``mallopt`` calls their number (malloc.h of GNU's C library).
_ARENAS, _M_ARENA_MAX = 2, -8


def few_arenas() -> None:
    """Let the threads of this process share parts of the heap; else each has one, with free memory of its own.

    A value of the variable MALLOC_ARENA_MAX is respected.
    """
    choose = getattr(_library(), "mallopt", None)
    if choose is not None and "MALLOC_ARENA_MAX" not in os.environ:
        choose(_M_ARENA_MAX, _ARENAS)


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
