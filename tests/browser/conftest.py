"""The app as users have it: a server of its own on a free port, and Chromium."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browser_actions import settle
from playwright.sync_api import sync_playwright
from small_workspace import ROOT

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """The folder in which the server keeps what visitors bring."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="session")
def server(small_workspace, kept, tmp_path_factory):
    """Address of a running app whose environment names the small workspace; who comes by a proxy soon has left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    command += ["--server.address=localhost", "--server.fileWatcherType=none"]
    environment = {**os.environ, "TAMRL_WORKSPACE": str(small_workspace[0].path)}
    environment |= {"TMPDIR": str(kept), "TAMRL_VISIT_MINUTES": "0.03"}
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", process, log)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def wait_for(address, process, log):
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=True, args=ARGUMENTS)
        yield running
        running.close()


#: Milliseconds that a page may take: other tests run on the same cores.
PATIENCE_MS = 120_000


class App:
    """One fresh browser window on the app; collects what goes wrong in it."""

    def __init__(self, browser, server, width=1440, theme="light"):
        self.server = server
        self.context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.outside, self.errors = [], []
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, request):
        local = (self.server, self.server.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(local):
            self.outside.append(request.url)

    def open(self, path):
        self.page.goto(self.server + path)
        self.page.locator("h1").wait_for()
        return self.settle()

    def settle(self):
        """Wait until the app has nothing more to do."""
        return settle(self.page)

    def close(self):
        """Close the window; nothing was asked of another machine and nothing failed."""
        self.context.close()
        assert self.outside == []
        assert self.errors == []


@pytest.fixture
def window(browser, server):
    """A function that opens a window, whose pages are looked at as ``App.close`` says at the end."""
    opened = []

    def make(**settings):
        opened.append(App(browser, server, **settings))
        return opened[-1]

    yield make
    for app in opened:
        app.close()


@pytest.fixture(scope="module")
def one_window(browser, server):
    """One window for the tests of a module, whose reader has seen the tour: what a page loads is there for the next."""
    app = App(browser, server)
    app.page.add_init_script("localStorage.setItem('tamrl-tour-seen', '1')")
    yield app
    app.close()
