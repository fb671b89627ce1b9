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
#: Seconds that a finding has to last in a theme that was changed to: what is drawn anew is pale meanwhile.
LASTS = 20
#: The ground of a page in the dark theme is dark, and that of the light one is not.
DARK = """(dark) => {
  const [r, g, b] = getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor.match(/\\d+/g);
  return (Number(r) + Number(g) + Number(b) < 384) === dark;
}"""


def findings(page, changed_to: str = "") -> list[str]:
    """Return what is serious or critical for axe at a page at rest, and headings that leave out a level.

    Args:
        page: of Chromium.
        changed_to: the theme, where it was another one before; it is waited for.
    """
    if changed_to:
        page.wait_for_function(DARK, arg=changed_to == "dark")
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    order = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((e) => Number(e.tagName[1]))")
    wrong = [] if order[:1] == [1] else [f"the first heading is no h1: {order}"]
    wrong += [f"a level of heading is left out: {order}" for one, next_ in pairwise(order) if next_ - one > 1]
    until = time.monotonic() + (LASTS if changed_to else 0)
    while (found := page.evaluate(FINDINGS)) and time.monotonic() < until:
        settle(page)
    return found + wrong
