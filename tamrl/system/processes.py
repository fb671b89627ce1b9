"""Training processes: as many at once as there are cores, stopped by Ctrl-C, watched until they end."""

import contextlib
import multiprocessing as mp
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tamrl.errors import TamrlError
from tamrl.system import memory

_POLL_S = 0.5
Failure = tuple[str, str, str]


def _work(task: Callable[..., Any], job: Any, messages: Any, stop: Any) -> None:
    """Run one job in its own process; end it at its next step when told to, or when the parent is gone."""
    # Ctrl-C reaches the whole process group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    memory.keep()  # it ends with the job
    parent = mp.parent_process()

    def gone() -> bool:
        return parent is not None and not parent.is_alive()

    try:
        task(job, lambda progress: messages.put(("progress", progress)), lambda: stop.is_set() or gone())
    except TamrlError as error:
        messages.put(("failed", (error.what, error.where, error.todo)))
    if gone():
        messages.cancel_join_thread()  # nobody reads the queue any more


@contextlib.contextmanager
def signals(numbers: tuple[int, ...], handler: Any) -> Iterator[None]:
    """Handle signals differently for a while; off the main thread they cannot be caught."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def no_main_module() -> Iterator[None]:
    """Hide the main module: a new process would import it, even a page of the app, and does not need it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def run_processes(
    task: Callable[[Any, Callable[[Any], None], Callable[[], bool]], Any],
    jobs: list[Any],
    workers: int,
    on_progress: Callable[[Any], None],
) -> Failure | None:
    """Run ``task(job, report, stop)`` for each job, ``workers`` at a time, each in a process of its own.

    Ctrl-C and SIGTERM end the running jobs at their next step and start no further one.

    Args:
        task: importable; ``report`` sends progress to this process, ``stop`` says whether to end.
        jobs: each with a ``member`` that names it.
        workers: processes at once.
        on_progress: called with what the jobs report.

    Returns:
        What went wrong first, as the three parts of a TamrlError, or None.
    """
    context = mp.get_context("spawn")
    stop, messages = context.Event(), context.Queue()
    waiting, running, failure = list(jobs), dict[Any, Any](), None
    with signals((signal.SIGINT, signal.SIGTERM), lambda *_: stop.set()):
        while (waiting and not stop.is_set()) or running:
            while waiting and len(running) < workers and not stop.is_set():
                job = waiting.pop(0)
                running[job.member] = process = context.Process(target=_work, args=(task, job, messages, stop))
                # A child inherits what is ignored: it must not die of a Ctrl-C before it has set that itself.
                with signals((signal.SIGINT,), signal.SIG_IGN), no_main_module():
                    process.start()
            failure = _read(messages, on_progress, _POLL_S) or failure
            for member, process in list(running.items()):
                if not process.is_alive():
                    del running[member]
                    if process.exitcode != 0 and not failure:
                        failure = (
                            f"The process of member {member} was killed (exit code {process.exitcode})",
                            "train",
                            "If memory ran out, close other programs; then go on (train: with --resume)",
                        )
            if failure:
                stop.set()
        while not messages.empty():
            failure = failure or _read(messages, on_progress, 0.1)
    return failure


def _read(messages: Any, on_progress: Callable[[Any], None], wait_s: float) -> Failure | None:
    """Take one message; return it where it says that a job failed."""
    try:
        kind, content = messages.get(timeout=wait_s)
    except queue.Empty:
        return None
    if kind == "progress":
        on_progress(content)
        return None
    return content
