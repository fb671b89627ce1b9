"""When the interpreter collects cyclic garbage.

Streamlit does so after every run of a page and of a fragment, 0.2 s and more each with what this app has loaded, while
no other thread runs: three quarters of the work of a server that thirty people use at once. Here it is done soon after
a run, for at most a set fraction of the time, and permanent objects (modules, models) are no longer examined.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable

#: Share of the time that goes into looking, at most.
SHARE = 0.02
#: Seconds from the run of a page to the look, so that the page is with its reader first.
DELAY_S = 1.0
#: So many new modules are worth setting aside for good; what else lives in a circle at that moment stays with them.
MODULES = 100


class Tidier:
    """Collects cyclic garbage from time to time; one serves the whole process.

    Args:
        share: most of the time that collections may take, 0-1.
        delay: from a request to its collection [s].
        collect: the garbage collector.
        clock: time [s].
    """

    def __init__(
        self,
        share: float = SHARE,
        delay: float = DELAY_S,
        collect: Callable[[], object] = gc.collect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share, self._delay, self._collect, self._clock = share, delay, collect, clock
        self._lock, self._pending = threading.Lock(), False
        self._not_before, self._modules = clock(), 0

    def ask(self) -> bool:
        """Collect soon, in a thread of its own; return False where a collection is pending or has just been done."""
        with self._lock:
            if self._pending or self._clock() < self._not_before:
                return False
            self._pending = True
        timer = threading.Timer(self._delay, self.look)
        timer.daemon = True
        timer.start()
        return True

    def look(self) -> None:
        """Collect now, and exempt the objects of newly imported modules from later collections."""
        began = self._clock()
        try:
            self._collect()
            if len(sys.modules) >= self._modules + MODULES:
                self._modules = len(sys.modules)
                gc.freeze()
        finally:
            with self._lock:
                ended = self._clock()
                self._not_before, self._pending = ended + (ended - began) / self._share, False


TIDIER = Tidier()
