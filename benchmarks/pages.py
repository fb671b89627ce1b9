"""How long people wait for the pages in Chromium, and what the server holds meanwhile: ``python -m benchmarks.pages``.

Each figure is printed beside its bar. A click on Adapt is split into its parts: the answer of the page that the work
has begun, the wait until the numbers are there, of which the adaptation takes its own, and the drawing of the figure.
"""

import argparse
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.thirty import FLAGS, MODEL, Asked, asked
from benchmarks.visitors import Server, Visitor, serve
from tamrl.bundled import bundled_models
from tamrl.towers.workspace import bundled

#: Page -> its address.
PAGES = {
    "Start": "",
    "World": "world",
    "Towers": "towers",
    "Workspace": "workspace",
    "Few-shot lab": "lab",
    "Present": "present",
    "Task space": "task_space",
    "Scorecard": "scorecard",
    "Lessons": "lessons",
    "Teacher": "teacher",
    "Glossary": "glossary",
}
IDLE = "[data-testid='stApp'][data-test-script-state='notRunning']"
PATIENCE_MS = 300_000
#: Notes when the app begins and ends to work, in milliseconds of the page's own clock.
WATCH = """() => {
    const app = document.querySelector("[data-testid='stApp']");
    window.tamrlStates = [];
    new MutationObserver(() => window.tamrlStates.push([performance.now(), app.dataset.testScriptState]))
        .observe(app, {attributes: true, attributeFilter: ["data-test-script-state"]});
}"""


@dataclass(frozen=True)
class Bar:
    """A figure beside what was set out for.

    Attributes:
        what: was measured.
        value: measured.
        bar: at most.
        unit: of both.
    """

    what: str
    value: float
    bar: float
    unit: str = "s"

    def line(self) -> str:
        """Return the row of a table."""
        met = "met" if self.value <= self.bar else "**not met**"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {self.bar:g} {self.unit} | {met} |"


@contextmanager
def window(chromium: str, port: int) -> Iterator[Any]:
    """Open a window of Chromium on the app."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        page = browser.new_context(
            viewport={"width": 1440, "height": 1000}, base_url=f"http://localhost:{port}"
        ).new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def painted(page: Any, address: str) -> float:
    """Open an address anew and return the seconds until its heading is there."""
    began = time.perf_counter()
    page.goto(f"/{address}")
    page.locator("h1").first.wait_for()
    took = time.perf_counter() - began
    page.locator(IDLE).wait_for()
    return took


def interaction(page: Any) -> float | None:
    """Choose another option and return the seconds until the app has nothing more to do.

    None where the page has nothing to choose from.
    """
    page.wait_for_timeout(500)  # the last of the page is drawn after the server has done its part
    group = page.get_by_test_id("stMain").get_by_role("radiogroup").first
    if not group.count():
        return None
    other = group.locator("[role='radio'][aria-checked='false']").first
    page.evaluate(WATCH)
    began = page.evaluate("() => performance.now()")
    other.click()
    page.wait_for_function("() => window.tamrlStates.some(state => state[1] === 'running')")
    page.locator(IDLE).wait_for()
    return (page.evaluate("() => window.tamrlStates.at(-1)[0]") - began) / 1000


def adapting(page: Any, one: Asked) -> dict[str, float]:
    """Press Adapt at a tower and return the seconds of each part; ``all`` is their sum."""
    page.goto(f"/lab?{one.query}")
    button = page.get_by_role("button", name="Adapt", exact=True)
    button.wait_for()
    page.locator(IDLE).wait_for()
    began = time.perf_counter()
    button.click()
    # The work may be over before the page has said that it has begun.
    page.locator(".st-key-adapting, [class*='st-key-scores-']").first.wait_for()
    said = time.perf_counter()
    page.locator("[class*='st-key-scores-'] [data-testid='stMetricValue']").nth(len(one.expected) - 1).wait_for()
    numbers = time.perf_counter()
    page.locator("[class*='st-key-lab_answer'] .js-plotly-plot .main-svg").first.wait_for()
    drawn = time.perf_counter()
    caption = page.locator("[class*='st-key-lab_answer'] [data-testid='stCaptionContainer']").first.inner_text()
    found = re.search(r"([\d.]+) s on ", caption)
    own = float(found[1]) if found else float("nan")
    return {
        "all": drawn - began,
        "begun": said - began,
        "adaptation itself": own,
        "noticed and numbers": numbers - said - own,
        "figure": drawn - numbers,
    }


def held(server: Server, count: int) -> list[float]:
    """Change the flux on the World page so many times and return the memory of the server now and then [MB]."""
    found = []
    with Visitor(server.port, "world") as visitor:
        visitor.run()
        for turn in range(count):
            visitor.query = f"flux={('GPP', 'RECO', 'NEE')[turn % 3]}"
            visitor.run()
            if (turn + 1) % max(1, count // 10) == 0:
                found.append(server.memory_mb())
    return found


def growth(memory: list[float]) -> float:
    """Return how much the memory grew over the second half of the looks [MB]."""
    half = memory[len(memory) // 2 :]
    return half[-1] - half[0]


def measure(server: Server, chromium: str, people: list[Asked], rounds: int, began: float) -> Iterator[str]:
    """Measure all but the memory over many interactions; yield the lines of the report."""
    with window(chromium, server.port) as page:
        painted(page, "")
        yield Bar("server start to first page", time.perf_counter() - began, 6.0).line()
        for name, address in PAGES.items():
            painted(page, address)
            paints = [painted(page, address) for _ in range(rounds)]
            yield Bar(f"{name}: first paint, warm, median of {rounds}", float(np.median(paints)), 1.5).line()
            interaction(page)
            turns = [took for _ in range(2 * rounds) if (took := interaction(page)) is not None]
            if turns:
                yield Bar(f"{name}: interaction, median of {len(turns)}", float(np.median(turns)), 0.4).line()
        adapting(page, people[0])  # the model is read, and the first optimiser made
        parts = [adapting(page, one) for one in people]
        totals = [part["all"] for part in parts]
        yield Bar(f"Adapt to figure, median of {len(parts)}", float(np.median(totals)), 1.5).line()
        yield Bar("Adapt to figure, 95 %", float(np.percentile(totals, 95)), 2.5).line()
        for name in list(parts[0])[1:]:
            yield f"| of it {name}, median | {np.median([part[name] for part in parts]):.3g} s | | |"
        yield Bar("memory after every page", server.memory_mb(), 700.0, "MB").line()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--towers", type=int, default=20)
    parser.add_argument("--interactions", type=int, default=500)
    given = parser.parse_args()
    people = asked(bundled(), MODEL, bundled_models()[MODEL], given.towers, "site-effect")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| what | measured | bar | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with serve(Path(folder) / "log.txt") as server:
            for line in measure(server, given.chromium, people, given.rounds, began):
                print(line, flush=True)
            memory = held(server, given.interactions)
            over = f"memory grown over the second half of {given.interactions} interactions"
            print(Bar(over, growth(memory), 20.0, "MB").line())
            print(f"memory meanwhile [MB]: {', '.join(f'{value:.0f}' for value in memory)}")


if __name__ == "__main__":
    main()
