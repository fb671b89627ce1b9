"""Every page in both themes under axe-core 4.14.1 (axe/axe.min.js, MPL-2.0): no finding that is serious or critical."""

import shutil
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import map_files
import pytest
import score_files

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
#: What is serious for axe, in words; nothing of streamlit's own is left out.
FINDINGS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.html.slice(0, 120)}`));
}"""


@pytest.fixture(scope="module")
def folder(small_workspace, tmp_path_factory):
    """Made-up scores of the towers of the small workspace, and made-up maps in it."""
    from tamrl.towers.table import tower_table

    maps = map_files.folder(small_workspace[0].path / "maps", step=5.0)
    towers = tower_table(small_workspace[0].archive()).reset_index().assign(network="none", days=2000)
    table = towers[["site", "lat", "lon", "igbp", "koeppen", "network", "days"]]
    yield score_files.make(tmp_path_factory.mktemp("scores") / "scores", table=table, designs=("igbp",))
    shutil.rmtree(maps)


def headings(page):
    return page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((e) => Number(e.tagName[1]))")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/world?map=first&lat=11&lon=21",
        "/towers",
        "/lab?run=1",
        "/scorecard",
        "/scorecard?section=Map and towers",
        "/",
        "/lessons?lesson=tower&stage=try",
        "/task_space",
    ],
)
def test_a_page_has_no_serious_finding(window, folder, path, theme):
    app = window(theme=theme)
    scores = f"{'&' if '?' in path else '?'}scores={quote(str(folder))}" if "scorecard" in path else ""
    page = app.open(path.replace(" ", "%20") + scores)
    if "run=1" in path:
        page.get_by_role("heading", name="Before and after").wait_for()
    if "map=" not in path:
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
    app.settle()
    page.evaluate(AXE)
    assert page.evaluate(FINDINGS) == []
    order = headings(page)
    assert order[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(order)), order
