"""Modules that are imported when something of them is first used: torch takes seconds, and 200 MB.

The standard library's ``LazyLoader`` is not safe where the threads of several sessions load at once (Python 3.11).
"""

from importlib import import_module
from typing import Any


class Late:
    """Stands for a module until something of it is asked for.

    Args:
        name: of the module. Who reads the types sees the module itself, imported under ``TYPE_CHECKING``.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
