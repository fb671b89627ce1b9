"""Running the command line in a process of its own, killing it at a random moment, and comparing what it left.

The process is forked from this one, which has imported everything: what is killed is the work and not the imports, and
a kill costs little. Only for systems that fork.
"""

import contextlib
import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Files whose content holds the time of the run, or belongs to nobody else; their names are compared all the same.
VOLATILE = ("provenance.json", "workspace.yaml", "ensemble.yaml")
#: Seconds between two looks at what a process does.
POLL_S = 0.002
#: A process that takes longer hangs.
LONGEST_S = 600.0


@dataclass
class Run:
    """One run of a process.

    Attributes:
        pid: also the number of its group.
        log: file with what it printed.
        code: exit status; below zero for a signal; None while it runs.
    """

    pid: int
    log: Path
    code: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, None while the process runs."""
        if self.code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        until = time.monotonic() + LONGEST_S
        while self.poll() is None:
            if time.monotonic() > until:
                self.kill()
                raise TimeoutError(f"{self.log} shows a process that hangs")
            time.sleep(POLL_S)
        return self.code

    def kill(self) -> None:
        """Kill the whole group, as the end of a session or of a job of a cluster does, and wait until it is gone."""
        if self.poll() is None:
            for pid in [self.pid, *descendants(self.pid)]:
                _kill(pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)

    def said(self) -> str:
        """Return what was printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return the processes below one, whichever of its threads started them."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (thread / "children").read_text().split()
        except OSError:  # the thread is gone
            continue
        for child in map(int, children):
            found += [child, *descendants(child)]
    return found


def start(work: Callable[[], int | None], log: Path) -> Run:
    """Start a function in a forked process that leads a group of its own."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return Run(pid, log)
    code = 70
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w") for number in (1, 2))
        code = work() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tamrl(*arguments: object) -> Callable[[], int | None]:
    """Return a function that runs a command of the project."""

    def work() -> int | None:
        from tamrl.cli.main import main

        return main.main([str(a) for a in arguments], prog_name="tamrl", standalone_mode=True)

    return work


def program(arguments: Sequence[object], log: Path) -> Run:
    """Start another program in a group of its own, from the root of the project."""

    def work() -> int:
        os.chdir(ROOT)
        os.execv(str(arguments[0]), [str(a) for a in arguments])
        return 71

    return start(work, log)


def looks(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of everything below a folder; whatever vanishes meanwhile is left out."""
    found = {}
    for here, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(here, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            found[path] = (status.st_size, status.st_mtime_ns)
    return found


def first_write(run: Run, folder: Path, before: dict) -> float:
    """Wait until the process changes something below a folder, or ends; return the seconds that took."""
    began = time.monotonic()
    while run.poll() is None and looks(folder) == before:
        if time.monotonic() - began > LONGEST_S:
            run.kill()
            raise TimeoutError(f"{run.log} shows a process that writes nothing")
        time.sleep(POLL_S)
    return time.monotonic() - began


def kill_within(run: Run, folder: Path, times: tuple[float, float], chance: random.Random, worker: bool) -> bool:
    """Kill a process at a random moment; return False where it had ended before.

    Args:
        run: the process.
        folder: what it writes into.
        times: seconds until its first write, and from then to its end, when nothing disturbs it.
        chance: random numbers.
        worker: kill a random process below it instead of the whole group.
    """
    before = looks(folder)
    if chance.random() < 0.15:
        time.sleep(chance.uniform(0, times[0]))
    else:
        first_write(run, folder, before)
        time.sleep(chance.uniform(0, times[1]))
    if run.poll() is not None:
        return False
    if not worker:
        run.kill()
        return True
    below = descendants(run.pid)
    if not below:
        run.kill()
        return False
    _kill(chance.choice(below))
    run.wait()
    return True


def digest(folder: Path, ignore: Iterable[str] = ()) -> dict[str, str]:
    """Return a checksum of each file below a folder by its name from there; locks are left out.

    Of files that hold the time of the run the names alone count: ``VOLATILE``, the metadata of Zarr groups and what
    ``ignore`` names. Of a NetCDF file, whose attributes do, all values count.
    """
    found = {}
    skipped = {*VOLATILE, *ignore}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name.endswith(".lock"):
            continue
        content = _values(path) if path.suffix == ".nc" else path.read_bytes()
        group = path.name == "zarr.json" and b'"node_type": "group"' in content[-4000:] + content[:4000]
        blank = path.name in skipped or group
        found[name] = "" if blank else hashlib.sha256(content).hexdigest()[:16]
    return found


def _values(path: Path) -> bytes:
    """Return the values of all variables of a NetCDF file, one after the other; its bytes where it is damaged."""
    import netCDF4
    import numpy as np

    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            parts = [name.encode() + np.ascontiguousarray(file[name][:]).tobytes() for name in sorted(file.variables)]
    except (OSError, RuntimeError):
        return path.read_bytes()
    return b"".join(parts)


def difference(one: dict[str, str], other: dict[str, str]) -> str:
    """Return in words how two results of ``digest`` differ, empty where they do not."""
    missing, new = sorted(set(other) - set(one)), sorted(set(one) - set(other))
    changed = sorted(name for name in set(one) & set(other) if one[name] != other[name])
    parts = [("missing", missing), ("left over", new), ("other bytes", changed)]
    return "; ".join(f"{label}: {', '.join(names[:4])}" for label, names in parts if names)
