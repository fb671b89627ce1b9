"""What only a browser can show: picking on map and table, dragging a support, adapting live, themes, the address."""

import math
import re

import pytest
import xarray as xr
from browser_actions import downloaded

pytestmark = [pytest.mark.browser, pytest.mark.slow]

METRIC = '[data-testid="stMetric"]'


def mercator(lat):
    return math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))


def click_on_map(page, lat, lon):
    """Click the map at a position, with the view that the app starts with."""
    from tamrl.figures.towers import map as maps

    box = page.locator('[data-testid="stDeckGlJsonChart"]').bounding_box()
    view = maps.tower_map(_no_towers(), None, "light").initial_view_state
    world = 512 * 2**view.zoom
    x = box["x"] + box["width"] / 2 + (lon - view.longitude) / 360 * world
    y = box["y"] + box["height"] / 2 - (mercator(lat) - mercator(view.latitude)) / (2 * math.pi) * world
    # A map that is not drawn yet hears no click: first it has to answer the pointer.
    told = page.locator(".deck-tooltip").get_by_text(re.compile(r"\S"))
    for attempt in range(120):
        page.mouse.move(x + attempt % 2, y)
        page.wait_for_timeout(500)
        if told.count() and told.first.is_visible():
            break
    page.mouse.click(x, y)


def _no_towers():
    import pandas as pd

    return pd.DataFrame({"lat": [], "lon": []})


@pytest.fixture(scope="module")
def table(small_workspace):
    from tamrl.towers.table import tower_table

    return tower_table(small_workspace[0].archive())


def test_a_tower_is_picked_on_the_map_and_in_the_table(window, table):
    app = window()
    page = app.open("/towers")
    page.locator('[data-testid="stDeckGlJsonChart"] canvas').first.wait_for()
    page.wait_for_timeout(2000)  # the countries are drawn
    site, row = next((s, r) for s, r in list(table.iterrows())[1:])
    click_on_map(page, row["lat"], row["lon"])
    page.get_by_role("heading", name=re.compile(f"^{site}")).wait_for()
    app.settle()
    assert f"site={site}" in page.url
    grid = page.locator('[data-testid="stDataFrame"] canvas').first.bounding_box()
    page.mouse.click(grid["x"] + 20, grid["y"] + 35 * 4 + 17)  # fourth row
    page.get_by_role("heading", name=re.compile(f"^{table.index[3]}")).wait_for()


def test_from_tower_to_changed_scores(window, small_workspace):
    site = small_workspace[1][0]
    app = window()
    page = app.open("/towers")
    page.get_by_role("combobox", name=re.compile("Tower")).last.click()
    page.get_by_role("option", name=re.compile(site)).click()
    page.get_by_role("heading", name=re.compile(f"^{site}")).wait_for()
    app.settle()
    page.get_by_role("link", name="Open in Few-shot lab").click()
    page.get_by_role("button", name="Adapt", exact=True).wait_for()
    app.settle()
    assert f"site={site}" in page.url
    after = page.get_by_role("heading", name="Before and after")
    assert after.count() == 0
    assert "GPP RMSE" in page.locator(METRIC).first.inner_text()
    page.get_by_role("button", name="Adapt", exact=True).click()
    after.wait_for()
    app.settle()
    assert page.locator(METRIC).count() == 9
    assert page.get_by_text("SIMULATED").count() >= 3
    before = page.locator(METRIC).all_inner_texts()
    page.get_by_role("combobox", name=re.compile("Method")).click()
    page.get_by_role("option", name="All weights").click()
    app.settle()
    page.get_by_role("button", name="Adapt", exact=True).click()
    page.wait_for_function(
        "before => { const now = [...document.querySelectorAll('[data-testid=stMetric]')].map(e => e.innerText);"
        " return now.length === 9 && now.join() !== before; }",
        arg=",".join(before),
    )
    assert "method=all" in app.settle().url
    file = downloaded(page, page.get_by_test_id("stDownloadButton").filter(has_text="NetCDF").first)
    assert file.suggested_filename == f"SIMULATED_{site}_all_30d_predictions.nc"
    with xr.open_dataset(file.path()) as predictions:
        assert predictions.attrs["simulated"] == 1
        assert {"NEE_observed", "NEE_zero_shot", "NEE_adapted", "NEE_adapted_sd", "support"} <= set(predictions)
        assert int(predictions["support"].sum()) == 30


def test_the_loss_falls_live_and_can_be_cancelled(window, small_workspace):
    app = window()
    page = app.open(f"/lab?site={small_workspace[1][0]}&steps=500&days=400&method=all")
    page.get_by_role("button", name="Adapt", exact=True).click()
    page.locator(".st-key-live_loss .js-plotly-plot").first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("was cancelled").wait_for()
    assert page.get_by_role("heading", name="Before and after").count() == 0


def test_dragging_a_box_on_the_chart_chooses_the_support(window, small_workspace):
    app = window()
    page = app.open(f"/lab?site={small_workspace[1][0]}")
    page.get_by_text("30 support days from").wait_for()
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 20)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.55 * area["width"], area["y"] + 60, steps=4)
    page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 120, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("start=20"))
    app.settle()
    days = int(re.search(r"days=(\d+)", page.url).group(1))
    assert days != 30
    assert page.get_by_text(f"{days} support days from").count() == 1


def test_a_deep_link_restores_the_page_and_reloading_keeps_it(window, small_workspace, table):
    site = small_workspace[1][0]
    igbp = table.loc[site, "igbp"]
    app = window()
    page = app.open(f"/lab?site={site}&start=2009-06-01&days=12&method=encode&igbp={igbp}")
    page.get_by_text(re.compile("12 support days from 2009-06")).wait_for()
    assert page.get_by_role("combobox", name=re.compile("Method")).input_value() == "Encoder"
    page.reload()
    page.get_by_text(re.compile("12 support days from 2009-06")).wait_for()
    app.settle()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Towers").click()
    page.get_by_role("heading", name=re.compile(f"^{site}")).wait_for()
    app.settle()
    assert f"site={site}" in page.url
    assert "days=12" in page.url
    assert page.get_by_text("Tower (1 of 6)").count() == int((table["igbp"] == igbp).sum() == 1)


def test_downloads_hold_the_data_and_say_where_it_is_from(window):
    app = window()
    page = app.open("/towers?flux=GPP")
    for name, start in (("CSV", b"# "), ("NetCDF", b"\x89HDF")):
        made = downloaded(page, page.get_by_test_id("stDownloadButton").filter(has_text=name).first)
        assert made.suggested_filename.startswith("SIMULATED_")
        with open(made.path(), "rb") as file:
            assert file.read(len(start)) == start


@pytest.mark.parametrize("path", ["/towers", "/lab"])
def test_dark_theme_reaches_page_and_figures(window, path):
    app = window(theme="dark")
    page = app.open(path)
    page.locator(".js-plotly-plot .xtick text").first.wait_for()

    def brightness(selector, what):
        colour = page.evaluate("([s, w]) => getComputedStyle(document.querySelector(s))[w]", [selector, what])
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3

    assert brightness(".stApp", "backgroundColor") < 60
    assert brightness(".js-plotly-plot .ytitle", "fill") > 120


@pytest.mark.parametrize("path", ["/towers", "/lab"])
def test_a_narrow_window_shows_everything_within_its_width(window, path):
    app = window(width=420)
    page = app.open(path)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    title = page.locator("h1").bounding_box()
    header = page.get_by_test_id("stHeader").bounding_box()
    assert title["y"] + 4 >= header["y"] + header["height"] - 8


def test_the_first_page_opens_by_its_name_too(window):
    app = window()
    app.open("/world")
    assert app.page.locator("h1").inner_text() == "World"
