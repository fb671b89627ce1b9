"""The app's server as users have it, and visitors of it who speak its protocol without a browser.

A visitor asks for runs of the script, presses buttons, lets fragments poll as a browser does, and reads what is drawn.
Thirty of them cost the computer little, so that it is the server that is measured.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
#: Seconds between two looks at the server's memory, and seconds that a start may take.
_LOOK_S, _START_S = 0.1, 120.0
_MB = 2**20


@dataclass
class Server:
    """A running server.

    Attributes:
        port: on localhost.
        process: of the server.
        ready_s: seconds from its start to its first answer.
        peak_mb: most memory that it and its children held so far [MB].
    """

    port: int
    process: psutil.Popen
    ready_s: float
    peak_mb: float = 0.0

    def memory_mb(self) -> float:
        """Return the memory that the server and its children hold now [MB]."""
        total = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue  # it has just ended
        return total / _MB

    def cpu_s(self) -> float:
        """Return the seconds of a core that the server has taken so far."""
        used = self.process.cpu_times()
        return used.user + used.system

    def watch(self, done: threading.Event) -> None:
        """Keep the peak until ``done``."""
        while not done.wait(_LOOK_S):
            self.peak_mb = max(self.peak_mb, self.memory_mb())


@contextmanager
def serve(log: Path, **environment: str) -> Iterator[Server]:
    """Start the app, and end it.

    Args:
        log: file that takes what the server says.
        environment: settings beside those of this process.

    Raises:
        RuntimeError: it did not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    began, done = time.perf_counter(), threading.Event()
    with log.open("w") as out:
        process = psutil.Popen(
            [*command, "--server.fileWatcherType=none"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            server = Server(port, process, time.perf_counter() - began)
            watching = threading.Thread(target=server.watch, args=(done,), daemon=True)
            watching.start()
            yield server
            done.set()
            watching.join()
        finally:
            done.set()
            process.terminate()
            process.wait(20)


def _wait(address: str, process: psutil.Popen, log: Path) -> None:
    until = time.perf_counter() + _START_S
    while process.poll() is None and time.perf_counter() < until:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the app did not start:\n{log.read_text()}")


@dataclass
class _Drawn:
    run: str
    fragment: str
    element: Any


class Visitor:
    """One session of the app, open inside a ``with``.

    Args:
        port: of the server on localhost.
        page: name of the page in its address, such as ``lab``.
        query: of the address, without the question mark.
        patience: seconds that one answer may take.

    Attributes:
        query: what the address says now.
        errors: what the page said had gone wrong.
    """

    def __init__(self, port: int, page: str, query: str = "", patience: float = 300.0) -> None:
        self.page, self.query, self.patience = page, query, patience
        self.errors: list[str] = []
        self._drawn: dict[tuple[int, ...], _Drawn] = {}
        self._polls: dict[str, tuple[float, float]] = {}
        self._run, self._page_hash, self._finished = "", "", False
        self._port = port

    def __enter__(self) -> "Visitor":
        address, origin = f"ws://127.0.0.1:{self._port}/_stcore/stream", f"http://localhost:{self._port}"
        self._socket: ClientConnection = connect(
            address, origin=origin, max_size=None, max_queue=None, ping_interval=None
        ).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.__exit__(None, None, None)

    def ask(self, press: str = "", fragment: str = "") -> None:
        """Ask for a run of the script, without waiting for it.

        Args:
            press: id of a button that was pressed.
            fragment: the part of the page that is to run; all of it by default.
        """
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash = self.query, self._page_hash
        asked.page_name = "" if self._page_hash else self.page  # as a browser, by its address the first time
        asked.fragment_id, asked.is_auto_rerun = fragment, bool(fragment)
        if press:
            state = asked.widget_states.widgets.add()
            state.id, state.trigger_value = press, True
        self._finished = False
        self._socket.send(message.SerializeToString())

    def run(self, press: str = "") -> float:
        """Ask for a run of the whole script, wait for its end, and return the seconds that it took."""
        began = time.perf_counter()
        self.ask(press)
        self.until(lambda: self._finished)
        return time.perf_counter() - began

    def until(self, seen: Callable[[], Any]) -> float:
        """Go on as a browser does until something is seen; return the seconds that it took.

        Raises:
            TimeoutError: it took longer than ``patience``.
        """
        began = time.perf_counter()
        while not seen():
            if time.perf_counter() - began > self.patience:
                raise TimeoutError(f"/{self.page}?{self.query}: {'; '.join(self.errors) or 'no answer'}")
            self._poll()
            self._read()
        return time.perf_counter() - began

    @property
    def settled(self) -> bool:
        """Whether the run that was asked for last has ended."""
        return self._finished

    def metrics(self) -> list[tuple[str, str, str]]:
        """Return label, value and change of the numbers on the page, in their order."""
        found = sorted((path, drawn.element.metric) for path, drawn in self._of("metric"))
        return [(metric.label, metric.body, metric.delta) for _, metric in found]

    def texts(self) -> list[str]:
        """Return the texts on the page, in their order."""
        return [drawn.element.markdown.body for _, drawn in sorted(self._of("markdown"), key=lambda at: at[0])]

    def progress(self) -> str:
        """Return what is said beside a bar of progress; empty where there is none."""
        return next((drawn.element.progress.text for _, drawn in self._of("progress")), "")

    def button(self, label: str) -> str:
        """Return the id of a button; empty where there is none."""
        return next((d.element.button.id for _, d in self._of("button") if d.element.button.label == label), "")

    def _of(self, kind: str) -> list[tuple[tuple[int, ...], _Drawn]]:
        return [(path, drawn) for path, drawn in self._drawn.items() if drawn.element.WhichOneof("type") == kind]

    def _poll(self) -> None:
        """Ask for the fragments whose time has come."""
        now = time.perf_counter()
        for name, (interval, due) in list(self._polls.items()):
            if now >= due:
                self._polls[name] = (interval, now + interval)
                self.ask(fragment=name)

    def _read(self) -> None:
        due = min((due for _, due in self._polls.values()), default=float("inf"))
        try:
            content = self._socket.recv(timeout=max(0.0, min(1.0, due - time.perf_counter())))
        except TimeoutError:
            return
        message = ForwardMsg()
        message.ParseFromString(content)  # type: ignore[arg-type]  # the server sends bytes
        self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            run = message.metadata.run
            self._run, self._finished = run.script_run_id, False
            if not run.fragment_ids:
                self._polls.clear()
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._polls[message.auto_rerun.fragment_id] = (interval, time.perf_counter() + interval)
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "script_finished":
            self._forget(message.script_finished)

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        kind = delta.WhichOneof("type")
        if kind == "add_block":
            return
        element = delta.new_element
        if element.WhichOneof("type") == "exception":
            self.errors.append(element.exception.message)
        if element.WhichOneof("type") == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        self._drawn[path] = _Drawn(self._run, delta.fragment_id, element)

    def _forget(self, how: int) -> None:
        """Forget what the run that has ended did not draw again."""
        finished = ForwardMsg.ScriptFinishedStatus
        if how == finished.Value("FINISHED_SUCCESSFULLY"):
            self._drawn = {path: drawn for path, drawn in self._drawn.items() if drawn.run == self._run}
        if how != finished.Value("FINISHED_EARLY_FOR_RERUN"):
            self._finished = True
