"""How long people wait for the pages in Chromium, and what the server holds meanwhile: ``python -m benchmarks.pages``.

Each figure is printed beside its bar. A click on Adapt is split into its parts: the first answer of the page, which is
that the work has begun or, where it is soon over, the numbers; the wait for the numbers; the drawing of the figure.
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

from benchmarks.thirty import FLAGS, MODEL, Asked, asked, scores
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
#: What the server may hold [MB], and how long it is given to settle before it is looked at [s].
MEMORY_MB, SETTLED_S = 700.0, 12.0
#: Notes, in milliseconds of the page's own clock, when it is pressed and when the app begins and ends to work. What
#: the driver of Chromium takes before it presses is no part of what a person waits for.
WATCH = """() => {
    const app = document.querySelector("[data-testid='stApp']");
    window.tamrlWatch?.disconnect();
    window.tamrlStates = [];
    window.tamrlWatch = new MutationObserver(() =>
        window.tamrlStates.push([performance.now(), app.dataset.testScriptState]));
    window.tamrlWatch.observe(app, {attributes: true, attributeFilter: ["data-test-script-state"]});
    const press = () => { window.tamrlPressed = performance.now(); };
    document.addEventListener("pointerdown", press, {capture: true, once: true});
}"""
#: Notes when each part of the answer is first there; the numbers are so many.
ANSWER = """(numbers) => {
    const count = (what) => document.querySelectorAll(what).length;
    const parts = {
        begun: () => count(".st-key-adapting, [class*='st-key-scores-']"),
        numbers: () => count("[class*='st-key-scores-'] [data-testid='stMetricValue']") >= numbers,
        figure: () => count("[class*='st-key-lab_answer'] .js-plotly-plot .main-svg"),
    };
    window.tamrlAnswered = {};
    const look = () => {
        for (const [part, there] of Object.entries(parts)) {
            if (!(part in window.tamrlAnswered) && there()) window.tamrlAnswered[part] = performance.now();
        }
        if (Object.keys(window.tamrlAnswered).length < 3) setTimeout(look, 10);
    };
    look();
}"""
#: Milliseconds without a run after which a page is at rest: what it tells of itself may have it run once more.
REST_MS = 1000


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


def at_rest(page: Any) -> None:
    """Wait until the page is drawn and no run has begun or ended for a while."""
    runs = -1
    page.evaluate(WATCH)
    while runs != (runs := page.evaluate("() => window.tamrlStates.length")) or not page.locator(IDLE).count():
        page.wait_for_timeout(REST_MS)


def interaction(page: Any) -> float | None:
    """Choose another option and return the seconds until the app has nothing more to do.

    None where the page has nothing to choose from.
    """
    at_rest(page)
    group = page.get_by_test_id("stMain").get_by_role("radiogroup").first
    if not group.count():
        return None
    other = group.locator("[role='radio'][aria-checked='false']").first
    page.evaluate(WATCH)
    other.click()
    page.wait_for_function("() => window.tamrlStates.some(state => state[1] === 'running')")
    page.locator(IDLE).wait_for()
    return page.evaluate("() => window.tamrlStates.at(-1)[0] - window.tamrlPressed") / 1000


def adapting(page: Any, one: Asked) -> dict[str, float]:
    """Press Adapt at a tower at which the page is at rest and return the seconds of each part; ``all`` is their sum."""
    page.goto(f"/lab?{one.query}")
    button = page.get_by_role("button", name="Adapt", exact=True)
    button.wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    at_rest(page)
    page.evaluate(ANSWER, len(one.expected))
    button.click()
    page.wait_for_function("() => Object.keys(window.tamrlAnswered).length === 3")
    pressed, answered = page.evaluate("() => [window.tamrlPressed, window.tamrlAnswered]")
    seen = {part: (at - pressed) / 1000 for part, at in answered.items()}
    caption = page.locator("[class*='st-key-lab_answer'] [data-testid='stCaptionContainer']").first.inner_text()
    found = re.search(r"([\d.]+) s on ", caption)
    return {
        "all": seen["figure"],
        "begun": seen["begun"],
        "numbers after that": seen["numbers"] - seen["begun"],
        "figure after that": seen["figure"] - seen["numbers"],
        "adaptation itself": float(found[1]) if found else float("nan"),
    }


def visited(server: Server) -> float:
    """Open every page once and return the memory of the server then [MB]."""
    for address in PAGES.values():
        with Visitor(server.port, address) as visitor:
            visitor.run()
            _believe(visitor)
    time.sleep(SETTLED_S)
    return server.memory_mb()


def held(server: Server, count: int, sites: list[str]) -> list[float]:
    """Do so much and return the memory of the server now and then [MB].

    One person adapts to a tower after the other in the lab, while others step through the months and fluxes of the
    World page and through the towers: each in turn of five.

    Args:
        server: that is visited.
        count: interactions.
        sites: towers to adapt to, in turn.
    """
    found = []
    lab, world, towers = (Visitor(server.port, page) for page in ("lab", "world", "towers"))
    with lab, world, towers:
        for turn in range(count):
            kind, site = turn % 5, sites[turn // 5 % len(sites)]
            if kind == 0:
                _adapted(lab, site)
            elif kind == 4:
                towers.query = f"site={site}"
                towers.run()
            else:
                world.query = f"flux={('GPP', 'RECO', 'NEE')[turn // 60 % 3]}&month={1 + turn % 12}"
                world.run()
            for visitor in (lab, world, towers):
                _believe(visitor)
            if (turn + 1) % max(1, count // 10) == 0:
                time.sleep(SETTLED_S)
                found.append(server.memory_mb())
    return found


def _adapted(lab: Visitor, site: str) -> None:
    """Adapt to a tower by the first days of its record that can be learnt from; wait until the numbers are there."""
    lab.query = f"model={MODEL}&site={site}&days=30&method=site-effect"
    lab.run()
    lab.ask(lab.button("Adapt"))
    lab.until(lambda: lab.settled and (lab.errors or len(scores(lab)) == 9))
    lab.errors = [error for error in lab.errors if "NEE alone" not in error]  # such a tower has nothing to learn from


def _believe(visitor: Visitor) -> None:
    """Raise what a page said had gone wrong: memory is not measured of pages that fail.

    Raises:
        RuntimeError: something had.
    """
    if visitor.errors:
        raise RuntimeError(f"/{visitor.page}?{visitor.query}: {'; '.join(visitor.errors)}")


def growth(memory: list[float]) -> float:
    """Return how much the memory grew over the second half of the looks [MB]."""
    half = memory[len(memory) // 2 :]
    return half[-1] - half[0]


def measure(server: Server, chromium: str, people: list[Asked], rounds: int) -> Iterator[str]:
    """Measure how long people wait; yield the lines of the report."""
    with window(chromium, server.port) as page:
        yield Bar("server start to first page", server.ready_s + painted(page, ""), 6.0).line()
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


def memory(count: int) -> Iterator[str]:
    """Measure the memory of a new server, without Chromium; yield the lines of the report."""
    sites = bundled().archive()["site"].values.astype(str).tolist()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as server:
        yield Bar("memory after every page", visited(server), MEMORY_MB, "MB").line()
        found = held(server, count, sites)
        yield Bar(f"memory after {count} interactions", found[-1], MEMORY_MB, "MB").line()
        over = f"memory grown over the second half of {count} interactions"
        yield Bar(over, growth(found), 20.0, "MB").line()
        yield f"memory meanwhile [MB]: {', '.join(f'{value:.0f}' for value in found)}; {server.peak_mb:.0f} at most"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--towers", type=int, default=20)
    parser.add_argument("--interactions", type=int, default=500)
    parser.add_argument("--memory", action="store_true", help="the memory alone, without Chromium")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| what | measured | bar | |\n|---|---|---|---|")
    if not given.memory:
        people = asked(bundled(), MODEL, bundled_models()[MODEL], given.towers, "site-effect")
        with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as server:
            for line in measure(server, given.chromium, people, given.rounds):
                print(line, flush=True)
    for line in memory(given.interactions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
