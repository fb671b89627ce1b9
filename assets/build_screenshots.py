"""Take the pictures and the clip of the README and the documentation from the app on its bundled workspace.

Run ``python assets/build_screenshots.py [pictures] [clip]``, both without a word. The clip is a silent minute of the
few-shot lab, told by the presenter's page: an animated WebP, which a page plays without a player. Needs the packages of
requirements-dev.txt and a Chromium.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "screenshots"
SIZE = {"width": 1440, "height": 1000}
#: The clip: size of the window and of a frame [px], how long each is seen [ms], and the steps of which stories.
STAGE, FRAME, FRAME_MS = {"width": 1280, "height": 720}, (960, 540), 7500
SCRIPT = [(1, step) for step in range(1, 7)] + [(3, 5), (3, 6)]
WHAT = ("pictures", "clip")


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


def film(page: Page, address: str) -> None:
    """Save the clip."""
    frames = []
    for story, step in SCRIPT:
        page.goto(f"{address}/present?story={story}&step={step}")
        page.locator(".tamrl-dots [aria-current]").wait_for(timeout=60_000)
        page.locator("canvas, .js-plotly-plot .main-svg").first.wait_for(timeout=120_000)
        page.locator(".tamrl-bar").wait_for(state="detached", timeout=120_000)
        settle(page)
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            frames.append(shot.convert("RGB").resize(FRAME, Image.Resampling.LANCZOS))
    settings = {"duration": FRAME_MS, "loop": 0, "quality": 80, "method": 6}
    frames[0].save(TARGET / "lab.webp", save_all=True, append_images=frames[1:], **settings)


def main() -> None:
    """Start the app, take what is asked for, stop it."""
    asked = sys.argv[1:] or WHAT
    if unknown := set(asked) - set(WHAT):
        raise SystemExit(f"{', '.join(sorted(unknown))}: not known. Known are {' and '.join(WHAT)}")
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
            for theme in ("light", "dark") if "pictures" in asked else ():
                take(browser.new_page(viewport=SIZE, color_scheme=theme), address, theme)
            if "clip" in asked:
                film(browser.new_page(viewport=STAGE, color_scheme="light"), address)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
