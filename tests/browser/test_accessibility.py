"""States of pages in both themes under axe-core: no finding that is serious or critical.

How every page opens is looked at in ``test_looks_in_browser.py``, where it is loaded anyway; here is what a reader
comes to from there.
"""

import shutil
from urllib.parse import quote

import accessibility
import map_files
import pytest
import score_files

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Address -> what is there once the page is drawn.
STATES = {
    "/world?map=first&lat=11&lon=21": "[data-testid=stMain] canvas",
    "/lab?run=1": "text=Before and after",
    "/scorecard?section=Map and towers": ".js-plotly-plot .main-svg",
    "/lessons?lesson=tower&stage=try": ".js-plotly-plot .main-svg",
}


@pytest.fixture(scope="module")
def folder(small_workspace, tmp_path_factory):
    """Made-up scores of the towers of the small workspace, and made-up maps in it."""
    from tamrl.towers.table import tower_table

    maps = map_files.folder(small_workspace[0].path / "maps", step=5.0)
    towers = tower_table(small_workspace[0].archive()).reset_index().assign(network="none", days=2000)
    table = towers[["site", "lat", "lon", "igbp", "koeppen", "network", "days"]]
    yield score_files.make(tmp_path_factory.mktemp("scores") / "scores", table=table, designs=("igbp",))
    shutil.rmtree(maps)


@pytest.mark.parametrize("path", STATES)
def test_a_page_has_no_serious_finding(one_window, folder, path):
    scores = f"&scores={quote(str(folder))}" if "scorecard" in path else ""
    page = one_window.page
    page.emulate_media(color_scheme="light")
    one_window.open(path.replace(" ", "%20") + scores)
    page.locator(STATES[path]).first.wait_for()
    assert accessibility.findings(one_window.settle()) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(1500)  # a page hears of another theme after a second, and draws its figures anew
    assert accessibility.findings(one_window.settle(), changed_to="dark") == []
