"""Many people at one server at once: ``python -m benchmarks.thirty``.

Each opens the Few-shot lab at a tower of their own, all press Adapt in the same moment, and each reads their numbers;
meanwhile somebody else looks at the World page. Some sit before Chromium, the others speak the app's protocol. Printed
are the times that they waited, the memory of the server, and whose numbers are not those that the package gives alone.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.visitors import Server, Visitor, serve
from tamrl.bundled import CROSS_FITTED_NAME as MODEL
from tamrl.bundled import bundled_models
from tamrl.errors import TamrlError
from tamrl.figures.style import number
from tamrl.model.cross_fitted import open_model
from tamrl.predict.adapt import adapt
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import before_after
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.workspace import Workspace, bundled

DAYS = 30
#: What the World page must answer within, while all adapt [s].
WORLD_BAR_S = 1.0
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@dataclass(frozen=True)
class Asked:
    """What one person asks for.

    Attributes:
        site: a tower that the model has not seen.
        query: the address of it in the lab.
        expected: RMSE, R2 and bias after adapting, flux by flux, as the page writes them, computed alone.
    """

    site: str
    query: str
    expected: list[str]


@dataclass
class Times:
    """What all of them met.

    Attributes:
        opened: seconds from asking for the page to the end of its drawing.
        adapted: seconds from pressing Adapt to the numbers.
        world: seconds of an answer of the World page meanwhile.
        lines: the places in the line that were shown.
        wrong: what was not as it is alone.
    """

    opened: list[float] = field(default_factory=list)
    adapted: list[float] = field(default_factory=list)
    world: list[float] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def asked(workspace: Workspace, name: str, checkpoint: Path, count: int, method: str) -> list[Asked]:
    """Return what so many people ask for, with the answers that the package gives to each alone."""
    archive, model, found = workspace.archive(), open_model(checkpoint), []
    sites = [site for site in archive["site"].values.astype(str) if site not in model.seen_sites]
    step = max(1, len(sites) // count)
    for site in sorted(sites, key=lambda site: sites.index(site) % step):
        if len(found) == count:
            break
        tower = record(archive, site)
        days = support_days(tower, DAYS)
        try:
            result = adapt(model.for_site(site), tower, days, AdaptSettings(method=method))
        except TamrlError:
            continue  # its first days have NEE alone, for example
        rows = before_after(result).to_dict("records")
        parts = (("rmse_after", False), ("r2_after", False), ("bias_after", True))
        numbers = [number(row[part], signed=signed) for row in rows for part, signed in parts]
        query = f"model={name}&site={site}&start={days[0]:%Y-%m-%d}&days={DAYS}&method={method}"
        found.append(Asked(site, query, numbers))
    return found


class Visit:
    """All of them at once.

    Args:
        server: that they visit.
        people: what each asks for.
        browsers: how many of them sit before Chromium.
        chromium: its program.
        world: whether somebody looks at the World page meanwhile.
    """

    def __init__(
        self, server: Server, people: list[Asked], browsers: int = 0, chromium: str = "", world: bool = False
    ) -> None:
        self.server, self.people, self.browsers, self.chromium = server, people, browsers, chromium
        self.world = world
        self.times, self._done = Times(), threading.Event()
        self._together = threading.Barrier(len(people) - browsers + bool(browsers))

    def run(self) -> Times:
        """Let them all come; return what they met."""
        by_hand = self.people[self.browsers :]
        with ThreadPoolExecutor(len(by_hand) + 2) as pool:
            world = [pool.submit(self._world)] if self.world else []
            visits = [pool.submit(self._adapt, one) for one in by_hand]
            if self.browsers:
                visits.append(pool.submit(self._browse, self.people[: self.browsers]))
            try:
                for visit in visits:
                    visit.result()
            except BaseException:
                self._together.abort()
                raise
            finally:
                self._done.set()
            for one in world:
                one.result()
        return self.times

    def _adapt(self, one: Asked) -> None:
        with Visitor(self.server.port, "lab", one.query) as visitor:
            self.times.opened.append(visitor.run())
            self._together.wait()

            def there() -> bool:
                self.times.lines.add(visitor.progress().partition(": ")[2])
                return bool(visitor.errors) or (visitor.settled and len(scores(visitor)) == len(one.expected))

            visitor.ask(visitor.button("Adapt"))
            self.times.adapted.append(visitor.until(there))
            self._check(one, scores(visitor), visitor.errors)

    def _check(self, one: Asked, seen: list[str], errors: list[str]) -> None:
        if errors or seen != one.expected:
            self.times.wrong.append(f"{one.site}: {'; '.join(errors) or f'{seen}, alone {one.expected}'}")

    def _world(self) -> None:
        with Visitor(self.server.port, "world") as visitor:
            visitor.run()
            turn = 0
            while not self._done.is_set():
                visitor.query = f"flux={('GPP', 'RECO', 'NEE')[turn % 3]}"
                self.times.world.append(visitor.run())
                turn += 1
                self._done.wait(0.5)  # as fast as a person clicks

    def _browse(self, people: list[Asked]) -> None:
        from playwright.sync_api import sync_playwright

        idle = "[data-testid='stApp'][data-test-script-state='notRunning']"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self.chromium, headless=True, args=FLAGS)
            pages = {}
            for one in people:
                page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
                page.set_default_timeout(300_000)
                page.goto(f"http://localhost:{self.server.port}/lab?{one.query}")
                page.get_by_role("button", name="Adapt", exact=True).wait_for()
                page.locator(idle).wait_for()
                pages[one.site] = page
            self._together.wait()
            began, waiting = time.perf_counter(), {one.site: one for one in people}
            for page in pages.values():
                page.get_by_role("button", name="Adapt", exact=True).click()
            while waiting:
                for site, one in list(waiting.items()):
                    cards = pages[site].locator("[class*='st-key-scores-'] [data-testid='stMetricValue']")
                    if cards.count() == len(one.expected):
                        self.times.adapted.append(time.perf_counter() - began)
                        self._check(one, [text.strip() for text in cards.all_inner_texts()], [])
                        del waiting[site]
                time.sleep(0.05)
            browser.close()


def scores(visitor: Visitor) -> list[str]:
    """Return the numbers of the cards after adapting."""
    metrics = visitor.metrics()
    return [value for _, value, _ in metrics] if [label for label, *_ in metrics][::3] == ["RMSE"] * 3 else []


@contextmanager
def warm(log: Path, first: Asked, **environment: str) -> Iterator[Server]:
    """Start the server and let somebody adapt once, so that the towers and the model are read."""
    with serve(log, **environment) as server:
        Visit(server, [first]).run()
        yield server


def told(times: Times, write: Callable[[str], None]) -> None:
    """Write what they met."""
    for name, values in (("page opened", times.opened), ("Adapt to numbers", times.adapted), ("World", times.world)):
        if not values:
            continue
        p50, p95 = np.percentile(values, [50, 95])
        write(f"| {name} | {len(values)} | {p50:.2f} s | {p95:.2f} s | {max(values):.2f} s |")


def main() -> None:
    """Drive the server and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--browsers", type=int, default=4, help="how many of them sit before Chromium")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--method", default="site-effect")
    given = parser.parse_args()
    workspace = bundled()
    people = asked(workspace, MODEL, bundled_models()[MODEL], given.sessions, given.method)
    with tempfile.TemporaryDirectory() as folder, warm(Path(folder) / "log.txt", people[0]) as server:
        before, load, cpu, began = server.memory_mb(), os.getloadavg()[0], server.cpu_s(), time.perf_counter()
        times = Visit(server, people, given.browsers, given.chromium, world=True).run()
        wall, used = time.perf_counter() - began, server.cpu_s() - cpu
        print(f"{os.cpu_count()} cores, load {load:.1f} before; {len(people)} sessions, {given.browsers} in Chromium")
        print("| what | n | median | 95 % | longest |\n|---|---|---|---|---|")
        told(times, print)
        late = np.mean(np.array(times.world) > WORLD_BAR_S)
        print(f"World later than {WORLD_BAR_S:g} s: {100 * late:.0f} %; places shown: {len(times.lines)}")
        print(f"memory {before:.0f} MB before, {server.peak_mb:.0f} MB at most; {used:.1f} s of a core in {wall:.1f} s")
        print("\n".join(times.wrong) or "each session's numbers equal those computed alone")
    raise SystemExit(bool(times.wrong))


if __name__ == "__main__":
    main()
