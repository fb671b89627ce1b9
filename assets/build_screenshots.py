"""Take the screenshots of the README from the app on its bundled workspace; run ``python assets/build_screenshots.py``.

Needs the packages of requirements-dev.txt and a Chromium.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "screenshots"
SIZE = {"width": 1440, "height": 1000}


def settle(page: Page) -> None:
    """Wait until the app has nothing more to do and its figures are drawn."""
    page.wait_for_timeout(1500)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    page.wait_for_timeout(4000)


def take(page: Page, address: str, theme: str) -> None:
    """Save the World page, the first screen of Towers, and the lab before and after adapting, in one theme."""
    page.goto(f"{address}/world?mode=side&with=xgboost-climate&flux=GPP&month=7")
    page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
    settle(page)
    page.screenshot(path=TARGET / f"world-{theme}.png")
    page.goto(f"{address}/towers")
    page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
    settle(page)
    page.screenshot(path=TARGET / f"towers-{theme}.png")
    page.goto(f"{address}/lab")
    page.get_by_role("button", name="Adapt", exact=True).click(timeout=60_000)
    page.get_by_role("heading", name="Before and after").wait_for(timeout=120_000)
    settle(page)
    page.get_by_role("heading", name="Before and after").evaluate("e => e.scrollIntoView({block: 'start'})")
    settle(page)
    page.screenshot(path=TARGET / f"lab-{theme}.png")


def main() -> None:
    """Start the app, take the screenshots, stop it."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "TAMRL_WORKSPACE"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    address = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        with sync_playwright() as playwright:
            chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for theme in ("light", "dark"):
                take(browser.new_page(viewport=SIZE, color_scheme=theme), address, theme)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
