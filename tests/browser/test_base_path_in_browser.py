"""The app below a path: with ``--server.baseUrlPath`` and behind a proxy that keeps the path or cuts it off."""

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from conftest import App, wait_for
from proxy import Proxy
from small_workspace import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Streamlit looks for its server from the address of a page upward: what is not there is harmless.
PROBES = ("/_stcore/health", "/_stcore/host-config")


def start(folder, environment, *options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    command += ["--server.fileWatcherType=none", *options]
    log = folder / f"{port}.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
    base = next((o.split("=")[1] for o in options if "baseUrlPath" in o), "")
    wait_for(f"http://127.0.0.1:{port}/{base + '/' if base else ''}_stcore/health", process, log)
    return process, port


@pytest.fixture(scope="module", params=["kept", "cut"])
def below(request, small_workspace, tmp_path_factory):
    """Address of an app below ``/tamrl``, behind a proxy."""
    environment = {"TAMRL_WORKSPACE": str(small_workspace[0].path), "TAMRL_ROOTS": str(small_workspace[0].path.parent)}
    options = ["--server.baseUrlPath=tamrl"] if request.param == "kept" else []
    process, port = start(tmp_path_factory.mktemp("below"), environment, *options)
    proxy = Proxy(port, "/tamrl", cut=request.param == "cut")
    yield f"{proxy.address}/tamrl"
    process.terminate()
    process.wait(20)
    proxy.close()  # after the server, which lets a browser take what is on its way


@pytest.fixture
def app(browser, below):
    opened = App(browser, below)
    opened.answers = []
    opened.page.on("response", lambda answer: opened.answers.append((urlsplit(answer.url).path, answer.status)))
    yield opened
    opened.context.close()
    assert opened.errors == []
    assert [
        url for url in opened.outside if not url.startswith(below.removesuffix("/tamrl").replace("http", "ws"))
    ] == []


def missing(app):
    return [(path, code) for path, code in app.answers if code >= 400 and not path.endswith(PROBES)]


def answered(app, path):
    """Wait until the browser has been given a file."""
    for _ in range(120):
        if (path, 200) in app.answers or (path, 304) in app.answers:
            return
        app.page.wait_for_timeout(250)
    pytest.fail(f"{path} was not asked for: {[a for a in app.answers if 'app/static' in a[0]]}")


def test_every_map_is_whole_and_every_link_right(app):
    page = app.open("/world")
    app.settle()
    answered(app, "/tamrl/app/static/countries.geojson")
    app.answers.clear()
    app.open("/towers")
    page.locator('[data-testid="stDeckGlJsonChart"] canvas').first.wait_for()
    answered(app, "/tamrl/app/static/blank.json")
    answered(app, "/tamrl/app/static/countries.geojson")
    assert any(path.startswith("/tamrl/app/static/fonts/") and code == 200 for path, code in app.answers)
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    own = [urlsplit(link).path for link in links if link.startswith(app.server.removesuffix("/tamrl"))]
    assert own
    assert all(path.startswith("/tamrl") for path in own), own
    page.get_by_role("link", name="Scorecard").first.click()
    page.get_by_role("heading", name="Scorecard", level=1).wait_for()
    app.settle()
    assert urlsplit(page.url).path == "/tamrl/scorecard"
    page.reload()
    page.get_by_role("heading", name="Scorecard", level=1).wait_for()
    assert missing(app) == []


def test_behind_a_proxy_nobody_is_the_owner(app, below, small_workspace):
    page = app.open("/towers?folder=/etc")
    page.get_by_text("Nothing that may be opened here has this name").wait_for()
    assert str(small_workspace[0].path.parent) not in page.content()


def test_an_unknown_page_is_said(app):
    page = app.open("/nopage")
    if page.get_by_role("dialog").count():  # the first page that a server is asked for: streamlit says it, too
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    assert page.get_by_role("heading", name="There is no such page").count() == 1
    assert page.title() == "There is no such page · TAM-RL Explorer"
    page.get_by_role("link", name="Towers").last.click()
    page.get_by_role("heading", name="Towers", level=1).wait_for()
    assert page.title() == "Towers · TAM-RL Explorer"
