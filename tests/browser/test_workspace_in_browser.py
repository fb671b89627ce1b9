"""A tower of one's own as users have it: its published file is dragged onto the page and adapted to in the lab."""

import base64
import gzip
import re
import time
from urllib.parse import urlsplit

import accessibility
import numpy as np
import pytest
import tower_files
from conftest import App
from proxy import Proxy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GENUINE = "FLX_AU-Lox_FLUXNET2015_SUBSET_DD_2008-2009_1-4.csv.gz"


def made():
    """Two years of a tower in the published layout, with seasons; written for this test."""
    table = tower_files.values(days=730)
    season = -np.cos(2 * np.pi * np.arange(730) / 365)
    table["TA_F"], table["SW_IN_F"], table["VPD_F"] = 10 + 10 * season, 150 + 100 * season, 6 + 4 * season
    table["GPP_NT_VUT_REF"], table["RECO_NT_VUT_REF"] = 5 + 4.5 * season, 3 + 2 * season
    table["NEE_VUT_REF"] = table["RECO_NT_VUT_REF"] - table["GPP_NT_VUT_REF"]
    return "FLX_XX-One_FLUXNET2015_SUBSET_DD_2010-2011_1-4.csv", table.to_csv(index=False).encode()


def drag_in(page, name, content):
    """Drop a file on the box for files, as a browser does when it is dragged there."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            return transfer;
        }""",
        [name, base64.b64encode(content).decode()],
    )
    box = page.get_by_test_id("stFileUploaderDropzone").first
    for event in ("dragenter", "dragover", "drop"):
        box.dispatch_event(event, {"dataTransfer": transfer})


@pytest.mark.parametrize("source", ["made", "genuine"])
def test_a_published_file_is_dragged_in_and_lands_adapted_in_the_lab(window, source, request):
    if source == "made":
        (name, content), site = made(), "XX-One"
    else:
        path = request.getfixturevalue("shared_data") / "raw" / "fluxnet2015_subset_dd" / GENUINE
        if not path.is_file():
            pytest.skip(f"{GENUINE} is not there")
        name, content, site = path.name, path.read_bytes(), "AU-Lox"
        assert gzip.decompress(content).startswith(b"TIMESTAMP")
    app = window()
    page = app.open("/workspace")
    drag_in(page, name, content)
    page.get_by_role("heading", name=site).wait_for()
    app.settle()
    page.locator(".st-key-workspace_draft .js-plotly-plot").wait_for()
    began = time.monotonic()
    page.get_by_role("button", name="Accept and adapt to my tower").click()
    page.get_by_role("heading", name="Before and after").wait_for()
    assert time.monotonic() - began < 110
    app.settle()
    assert re.search("/lab", page.url)
    for part in ("ws=my-towers", "model=cross-fitted", f"site={site}", "run=1"):
        assert part in page.url
    assert page.get_by_text(re.compile(f"{site}, site effect")).count()
    page.get_by_test_id("stMetric").nth(8).wait_for()
    assert page.get_by_test_id("stMetric").count() == 9
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Workspace").click()
    page.get_by_text("'My towers', which is open now").wait_for()


def test_nobody_else_sees_what_was_accepted(window, server):
    app = window()
    page = app.open("/workspace")
    drag_in(page, *made())
    page.get_by_role("heading", name="XX-One").wait_for()
    app.settle()
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("which is open now").wait_for()
    address = page.url
    other = window().open(address.removeprefix(server))
    other.get_by_text("is not listed here").wait_for()
    assert other.get_by_text("None yet").count() == 1
    page.reload()
    page.get_by_role("heading", name="Your workspaces").wait_for()
    app.settle()
    assert page.get_by_text("None yet").count() == 0


@pytest.fixture
def guest(browser, server):
    """A window of somebody who comes by a proxy, and so is not the owner of the computer."""
    proxy = Proxy(urlsplit(server).port, "", cut=False)
    app = App(browser, proxy.address)
    yield app
    app.context.close()
    proxy.close()
    assert app.errors == []


def test_what_a_visitor_brought_vanishes_once_the_last_window_is_closed(guest, kept):
    def there():
        return set(kept.glob("tamrl-visits-*/*/*/my-towers"))

    before = there()
    page = guest.open("/workspace")
    drag_in(page, *made())
    page.get_by_role("heading", name="XX-One").wait_for()
    guest.settle()
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("which is open now").wait_for()
    (mine,) = there() - before
    assert (mine / "archive.zarr").is_dir()
    other = guest.context.new_page()
    other.goto(f"{guest.server}/glossary")
    other.locator("h1").first.wait_for()
    page.close()
    other.wait_for_timeout(4000)  # longer than nobody may be there, and a look
    assert mine.is_dir()
    other.close()
    until = time.monotonic() + 60
    while mine.parents[1].exists() and time.monotonic() < until:
        time.sleep(0.2)
    assert not mine.parents[1].exists()
    assert before <= there()  # what others keep


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_what_was_read_has_no_serious_finding_and_fits_the_window(window, theme, width):
    app = window(theme=theme, width=width)
    page = app.open("/workspace")
    drag_in(page, *made())
    page.locator(".st-key-workspace_draft .js-plotly-plot").wait_for()
    assert accessibility.findings(app.settle()) == []
    wide = "document.querySelector('[data-testid=stMain]').scrollWidth"
    assert page.evaluate(wide) <= width


def test_a_click_on_the_map_gives_the_position_and_the_classes_are_looked_up(window):
    app = window()
    page = app.open("/workspace")
    drag_in(page, *made())
    canvas = page.locator(".panel canvas")
    canvas.wait_for()
    page.locator(".map[data-drawn]").wait_for()
    app.settle()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    degree = box["width"] / 360  # the whole Earth is as wide as the map, whose middle is at 13 N
    page.mouse.click(box["x"] + (180 + 11.7) * degree, box["y"] + box["height"] / 2 - (48.2 - 13) * degree)
    page.get_by_text("Half-degree cell at").wait_for()
    app.settle()
    lat, lon = (float(page.get_by_label(label).input_value()) for label in ("Latitude [° N]", "Longitude [° E]"))
    assert abs(lat - 48.2) < 1 / degree
    assert abs(lon - 11.7) < 1 / degree
    assert page.get_by_text("climate Cfb").count()
    assert "view=" not in page.url
