"""The Scorecard as users have it: sections, figures, downloads, the way to the lab, themes and widths."""

import re
from urllib.parse import quote

import pytest
import score_files
from browser_actions import downloaded

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def address(small_workspace, tmp_path_factory):
    """Address of the page on made-up scores of the towers of the small workspace."""
    from tamrl.towers.table import tower_table

    towers = tower_table(small_workspace[0].archive()).reset_index().assign(network="none", days=2000)
    table = towers[["site", "lat", "lon", "igbp", "koeppen", "network", "days"]]
    folder = score_files.make(tmp_path_factory.mktemp("scores") / "scores", table=table, designs=("igbp",))
    return f"/scorecard?scores={quote(str(folder))}"


def test_sections_open_by_keyboard_and_are_in_the_address(window, address):
    app = window()
    page = app.open(address)
    assert page.locator('[data-testid="stMetric"]').count() == 9
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("bands are 95 % bootstrap").wait_for()
    assert "section=Learning" in app.settle().url
    page.reload()
    page.get_by_text("bands are 95 % bootstrap").wait_for()
    page.locator(".js-plotly-plot").nth(2).locator(".main-svg").first.wait_for()


def test_from_a_score_to_the_lab(window, address, small_workspace):
    site = small_workspace[1][0]
    app = window()
    page = app.open(f"{address}&section={quote('Map and towers')}&tower={site}")
    page.get_by_role("heading", name=site).wait_for()
    page.locator('[data-testid="stDeckGlJsonChart"] canvas').first.wait_for()
    page.get_by_role("link", name="Open in Few-shot lab").click()
    page.get_by_role("button", name="Adapt", exact=True).wait_for()
    assert f"site={site}" in app.settle().url


def test_tables_are_downloaded_with_their_source(window, address):
    app = window()
    page = app.open(address)
    buttons = page.get_by_test_id("stDownloadButton").filter(has_text="CSV")
    # Until the last one is there, the first may be that of a table further down.
    buttons.nth(1).wait_for()
    with open(downloaded(page, buttons.first).path(), encoding="utf-8") as file:
        head, _, columns = (next(file) for _ in range(3))
    assert "SIMULATED" in head
    assert {"change_low", "change_high", "towers", "statistic"} <= set(columns.strip().split(","))


def test_dark_theme_reaches_the_figures(window, address):
    page = window(theme="dark").open(address)
    page.locator(".js-plotly-plot .xtick text").first.wait_for()
    colour = page.evaluate("getComputedStyle(document.querySelector('.js-plotly-plot .xtitle')).fill")
    assert sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 > 120


@pytest.mark.parametrize("section", ["Overview", "Map and towers", "Distribution", "Patterns", "Published"])
def test_a_narrow_window_shows_everything_within_its_width(window, address, section):
    page = window(width=420).open(f"{address}&section={quote(section)}")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
