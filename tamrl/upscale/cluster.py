"""Dask: local threads, local processes, or an existing cluster, through the same few calls."""

import logging
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tamrl.errors import TamrlError
from tamrl.system.processes import no_main_module, signals

if TYPE_CHECKING:
    from distributed import Client

SCHEDULERS = ("threads", "local", "tcp://HOST:PORT")
#: Tasks that wait for each thread: enough that none is idle, few enough that Ctrl-C loses little.
_AHEAD = 2
#: OpenMP threads that wait must not spin (``tamrl.system.device.one_thread``).
_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_CONNECT_S = 15
#: Pages that show the state of a cluster are for this machine alone.
_HERE = "127.0.0.1:0"


@contextmanager
def _reached(scheduler: str) -> Iterator["Client"]:
    """Yield a client of an existing scheduler.

    Raises:
        TamrlError: it cannot be reached or has no worker.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout=_CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise TamrlError(
            f"The scheduler cannot be reached: {error}", scheduler, "Start it with: dask scheduler"
        ) from error
    with client:
        if not client.nthreads():
            raise TamrlError("The scheduler has no worker", scheduler, "Start some with: dask worker ADDRESS")
        yield client


def is_address(scheduler: str) -> bool:
    """Return whether this is the address of an existing scheduler."""
    return scheduler.startswith(("tcp://", "tls://", "ucx://", "ws://", "inproc://"))


@contextmanager
def connect(scheduler: str, workers: int, threads: int = 1) -> Iterator["Client"]:
    """Yield a client of the dask cluster that computes.

    Args:
        scheduler: ``threads``, ``local`` (processes) or the address of a scheduler.
        workers: threads or processes to start; an existing cluster has its own count.
        threads: tasks per worker; one is best where a task keeps a core busy.

    Raises:
        TamrlError: the scheduler is not known, cannot be reached or has no worker.
    """
    import dask
    from distributed import Client, LocalCluster, Nanny

    class HiddenMain(Nanny):
        """Starts, and after a death restarts, its process without importing the main module, be it a page."""

        async def instantiate(self) -> Any:
            with no_main_module():
                return await super().instantiate()

    if is_address(scheduler):
        with _reached(scheduler) as client:
            yield client
        return
    if scheduler not in SCHEDULERS[:2]:
        raise TamrlError(f"Unknown scheduler {scheduler!r}", "--scheduler", f"Known: {', '.join(SCHEDULERS)}")
    own = {"worker_class": HiddenMain, "env": _ENVIRONMENT, "host": "127.0.0.1"} if scheduler == "local" else {}
    spawn = {"distributed.nanny.pre-spawn-environ": _ENVIRONMENT, "distributed.admin.system-monitor.disk": False}
    with dask.config.set(spawn):
        # Ctrl-C reaches the whole process group; this process decides.
        with signals((signal.SIGINT,), signal.SIG_IGN):
            cluster = LocalCluster(
                processes=scheduler == "local",
                n_workers=workers,
                threads_per_worker=threads,
                memory_limit=0,
                dashboard_address=_HERE,
                worker_dashboard_address=_HERE,
                silence_logs=logging.CRITICAL,
                **own,
            )
        with cluster, Client(cluster) as client:
            yield client


def run_all(
    client: "Client", function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], on_done: Callable[[Any], None]
) -> None:
    """Run ``function(*task)`` for each task, submitting a few ahead; a task whose worker dies runs again.

    Args:
        client: of the cluster.
        function: importable on the workers.
        tasks: arguments.
        on_done: called with each result.

    Raises:
        TamrlError: a task failed, or killed several workers; no further one is started.
    """
    from distributed import KilledWorker, as_completed

    waiting = deque(tasks)
    running = as_completed()

    def fill() -> None:
        free = _AHEAD * max(1, sum(client.nthreads().values())) - running.count()
        for _ in range(min(free, len(waiting))):
            running.add(client.submit(function, *waiting.popleft(), pure=False))

    try:
        fill()
        for future in running:
            try:
                on_done(future.result())
            except KilledWorker as error:
                raise TamrlError(
                    "Several workers were killed by the same region",
                    str(error).splitlines()[0][:200],
                    "If memory ran out, give less --memory; then go on with --resume",
                ) from error
            fill()
    finally:
        client.cancel(list(running.futures), force=True)
