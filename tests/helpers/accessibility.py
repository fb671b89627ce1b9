"""What axe-core 4.14.1 (``tests/browser/axe``, MPL-2.0) and a reader of the headings find at a page in Chromium."""

import time
from itertools import pairwise
from pathlib import Path

from browser_actions import settle

AXE = (Path(__file__).resolve().parents[1] / "browser" / "axe" / "axe.min.js").read_text(encoding="utf-8")
#: What is serious for axe, in words; nothing of streamlit's own is left out.
FINDINGS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.html.slice(0, 120)}`));
}"""
#: Seconds that a finding has to last: what is drawn anew, or in another theme, is pale meanwhile.
LASTS = 20


def findings(page) -> list[str]:
    """Return what is serious or critical for axe at a page at rest, and headings that leave out a level."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    order = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((e) => Number(e.tagName[1]))")
    wrong = [] if order[:1] == [1] else [f"the first heading is no h1: {order}"]
    wrong += [f"a level of heading is left out: {order}" for one, next_ in pairwise(order) if next_ - one > 1]
    until = time.monotonic() + LASTS
    while (found := page.evaluate(FINDINGS)) and time.monotonic() < until:
        settle(page)
    return found + wrong
