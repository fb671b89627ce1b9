"""Memory that is free in this process, but kept by its allocators: given back to the system now and then.

A page reads and averages fields of some 100 MB in many threads; what the C library keeps of that for each of them, and
Arrow of the tables that were read, adds up to a third of a server's memory.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Give back what is free; nothing happens where the allocators do not know how."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return ``malloc_trim`` of the C library, which GNU's has."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
