"""Work on what a visitor sends in a process of its own, with bounded memory, time and size.

A small file may unpack to any size, and a damaged one may bring down the library that reads it: neither must reach the
server. The module that does the work is run by its name; it reads its request as JSON from standard input and writes
its progress, and at last its result, as lines of JSON.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamrl.errors import TamrlError

GB = 2**30
#: How often the time and the wish to cancel are looked at [s].
_WATCH_S = 0.1


@dataclass(frozen=True)
class Bounds:
    """What one piece of work may take.

    Attributes:
        size: most bytes, unpacked and as written.
        memory: most bytes of memory.
        seconds: longest time.
    """

    size: int
    memory: int = 3 * GB
    seconds: float = 1800.0


def run(
    module: str,
    asked: dict[str, Any],
    progress: Callable[[float], None],
    bounds: Bounds,
    broken: Callable[[str], TamrlError],
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Let a module do what is asked of it in a process that is ended if it takes too much.

    Args:
        module: calls ``serve`` when it is run.
        asked: JSON values; the bounds of size and memory are added.
        progress: called with the fraction that is done; what it raises ends the process.
        bounds: of the process.
        broken: makes the error of a process that ended without a result, from ``overdue`` (out of time) or ``broken``.
        cancelled: asked again and again; the process is ended once it returns True.

    Returns:
        The last message of the process.

    Raises:
        TamrlError: what the work raised, a bound was exceeded, or the work was cancelled.
    """
    asked = {**asked, "size": bounds.size, "memory": bounds.memory}
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        text=True,
        encoding="utf-8",
    ) as process:
        until = time.monotonic() + bounds.seconds
        try:
            assert process.stdin is not None  # a pipe
            with _watched(process, lambda: time.monotonic() > until or cancelled()):
                with contextlib.suppress(BrokenPipeError):  # it is gone already: told below
                    process.stdin.write(json.dumps(asked, default=str))
                    process.stdin.close()
                told = _listen(process, progress)
        except BaseException:
            process.kill()
            raise
        overdue = time.monotonic() > until
    if "error" in told:
        raise TamrlError(*told["error"])
    if not told:
        raise broken("overdue" if overdue else "broken")
    return told


@contextlib.contextmanager
def _watched(process: subprocess.Popen[str], enough: Callable[[], bool]) -> Iterator[None]:
    """End a process as soon as it is enough."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_WATCH_S):
            if enough():
                process.kill()

    threading.Thread(target=watch, name="contained", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _environment() -> dict[str, str]:
    """Return the environment of the process: it finds this package, and keeps to one thread."""
    above = str(Path(__file__).resolve().parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH")))),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _listen(process: subprocess.Popen[str], progress: Callable[[float], None]) -> dict[str, Any]:
    """Return the last word of the process, and pass on how far it is; libraries may print what is not meant for us."""
    last: dict[str, Any] = {}
    assert process.stdout is not None  # a pipe
    for line in process.stdout:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            if "share" in said:
                progress(float(said["share"]))
            else:
                last = said
    return last


def limit(memory: int, size: int) -> None:
    """Set what the system will not let this process exceed."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, most in (("RLIMIT_DATA", memory), ("RLIMIT_FSIZE", size + 2**20), ("RLIMIT_CORE", 0)):
        bound = getattr(resource, name)
        _, hard = resource.getrlimit(bound)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(bound, (most, hard))
    os.nice(5)


def serve(
    work: Callable[[dict[str, Any], Callable[[float], None]], dict[str, Any]],
    too_much: Callable[[dict[str, Any]], TamrlError],
    unforeseen: Callable[[dict[str, Any], Exception], TamrlError],
) -> None:
    """Do what standard input asks for; write progress and result to standard output, a line of JSON each.

    Args:
        work: called with the request and with a function that takes the fraction that is done; returns the result.
        too_much: makes the error of work that exceeded the bound of memory.
        unforeseen: makes the error of any other exception than a TamrlError.
    """
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def tell(**said: Any) -> None:
        out.write(json.dumps(said) + "\n")
        out.flush()

    def fail(error: TamrlError) -> None:
        tell(error=[error.what, error.where, error.todo])

    limit(asked["memory"], asked["size"])
    try:
        tell(**work(asked, lambda share: tell(share=share)))
    except TamrlError as error:
        fail(error)
    except MemoryError:
        fail(too_much(asked))
    except Exception as raised:
        fail(unforeseen(asked, raised))
