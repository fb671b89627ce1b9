"""The World page as users have it: the map under the pointer and the keyboard, months that play, themes, files."""

import re
import shutil
from urllib.parse import unquote

import map_files
import matplotlib.image
import pytest
import xarray as xr
from browser_actions import downloaded

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CANVAS, READING, SEPARATOR = ".panel canvas", ".reading", "·"


@pytest.fixture(scope="module", autouse=True)
def maps(small_workspace):
    """Made-up maps in the workspace that the server opens."""
    folder = map_files.folder(small_workspace[0].path / "maps", step=2.0)
    yield folder
    shutil.rmtree(folder)


def drawn(page, text=""):
    """Wait until the map shows what ``text`` is part of; return all that it shows."""
    page.locator(f'.map[data-drawn*="{text or SEPARATOR}"]').wait_for()
    return page.locator(".map").get_attribute("data-drawn")


def point(page, across, down, panel=0):
    """Move the pointer to a place of a panel, 0-1, and return it in pixels."""
    box = page.locator(CANVAS).nth(panel).bounding_box()
    at = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(*at)
    page.wait_for_timeout(300)
    return at


def set_month(page, key):
    page.get_by_role("slider", name="Month").focus()
    page.keyboard.press(key)


def test_a_click_picks_the_cell_whose_value_the_pointer_reads(window):
    app = window()
    page = app.open("/?map=first&flux=GPP&dots=0")
    drawn(page, "First model")
    at = point(page, 0.553, 0.5)  # about 19 E, 13 N
    reading = page.locator(READING).first.inner_text()
    assert re.fullmatch(r"1[23]\.\d\d°N 19\.\d\d°E · [5-9]\.\d\d gC m⁻² d⁻¹", reading)
    page.mouse.click(*at)
    page.wait_for_url(re.compile("lat=1[23]"))
    page.get_by_text("13.00° N, 19.00° E").first.wait_for()
    value = float(re.search(r"· ([\d.]+) gC", reading).group(1))
    said = page.get_by_text(re.compile(r"19\.00° E · First model")).first.inner_text()
    assert float(re.search(r"SIMULATED\): ([\d.]+)", said).group(1)) == pytest.approx(value, abs=0.1)


def test_a_tower_is_picked_on_the_map(window):
    page = window().open("/?map=first")
    drawn(page)
    from tamrl.app.world import cache

    row = cache.towers(None).loc["AU-DaS"]
    box = page.locator(CANVAS).bounding_box()
    across = 0.5 + row["lon"] / 360
    down = 0.5 - (row["lat"] - 13) * box["width"] / 360 / box["height"]
    at = point(page, across, down)
    assert page.locator(READING).first.inner_text().startswith("AU-Da")
    page.mouse.click(*at)
    page.wait_for_url(re.compile(r"lat=-1[34]"))


def test_the_view_stays_when_month_flux_and_map_change(window):
    app = window()
    page = app.open("/?map=first&month=7&dots=0")
    drawn(page, "July")
    point(page, 0.6, 0.4)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    requests = []
    page.on("websocket", lambda socket: requests.append(socket.url))
    point(page, 0.6, 0.4)
    where = page.locator(READING).first.inner_text().split(" · ")[0]
    set_month(page, "ArrowRight")
    drawn(page, "August")
    point(page, 0.601, 0.4)
    point(page, 0.6, 0.4)
    assert page.locator(READING).first.inner_text().startswith(where)
    page.get_by_role("radio", name="NEE").or_(page.get_by_role("button", name="NEE", exact=True)).first.click()
    page.wait_for_url(re.compile("flux=NEE"))
    app.settle()
    point(page, 0.601, 0.4)
    point(page, 0.6, 0.4)
    assert page.locator(READING).first.inner_text().startswith(where)
    assert requests == []


def test_panning_and_zooming_ask_nothing_of_the_server(window):
    app = window()
    frames = []
    app.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    page = app.open("/?map=first")
    drawn(page)
    page.wait_for_timeout(2500)  # the tabs are drawn
    before, where = len(frames), None
    x, y = point(page, 0.5, 0.5)
    where = page.locator(READING).first.inner_text()
    page.mouse.down()
    page.mouse.move(x + 120, y + 30, steps=5)
    page.mouse.up()
    page.mouse.wheel(0, -300)
    point(page, 0.5, 0.5)
    assert page.locator(READING).first.inner_text() != where
    assert len(frames) == before


def test_two_maps_have_one_view(window):
    page = window().open("/?map=first&with=third&mode=side&month=7&dots=0")
    assert "Third product" in drawn(page, "First model")
    page.get_by_role("button", name="Zoom in").click()
    point(page, 0.7, 0.6)
    first, second = page.locator(READING).all_inner_texts()
    assert first.split(" · ")[0] == second.split(" · ")[0]
    assert first != second
    box = page.locator(CANVAS).nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=4)
    page.mouse.up()
    point(page, 0.7, 0.6, panel=0)
    moved = page.locator(READING).all_inner_texts()
    assert moved[0].split(" · ")[0] == moved[1].split(" · ")[0] != first.split(" · ")[0]


def test_another_mode_keeps_the_whole_earth_and_the_zoom(window):
    app = window(width=1366)
    page = app.open("/?map=first&with=second&dots=0")
    drawn(page, "First model")

    def ends():
        """Longitude at the left and at the right end of the first panel."""
        found = []
        for across in (0.004, 0.996):
            point(page, across, 0.5)
            at = page.locator(READING).first.inner_text().split(" ")[1]
            found.append(float(re.match(r"[\d.]+", at)[0]) * (-1 if "W" in at else 1))
        return found

    whole = ends()
    assert whole[0] == pytest.approx(-179, abs=1)
    page.get_by_role("radio", name="Side by side").or_(page.get_by_role("button", name="Side by side")).first.click()
    drawn(page, "Second model")
    app.settle()
    assert ends() == pytest.approx(whole, abs=1.5)
    page.get_by_role("button", name="Zoom in").click()
    near = ends()
    assert near[1] == pytest.approx(180 / 1.6, abs=2)
    page.get_by_role("radio", name="One map").or_(page.get_by_role("button", name="One map")).first.click()
    page.locator('.map[data-drawn]:not([data-drawn*="Second model"])').wait_for()
    app.settle()
    assert ends() == pytest.approx(near, abs=1.5)


def test_the_view_is_in_the_address_and_restored_by_reloading_and_by_a_link(window):
    app = window()
    frames = []
    app.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    page = app.open("/?map=first&dots=0")
    drawn(page)
    page.wait_for_timeout(2500)  # the tabs are drawn
    before = len(frames)
    point(page, 0.5, 0.5)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    x, y = point(page, 0.5, 0.5)
    page.mouse.down()
    page.mouse.move(x - 200, y + 40, steps=5)
    page.mouse.up()
    assert re.search(r"view=[\d.]+,[\d.]+,4\.1", unquote(page.evaluate("location.href"))), "at once"
    assert len(frames) == before, "moving the map asks nothing of the server"
    point(page, 0.501, 0.5)
    where = page.locator(READING).first.inner_text()
    view = re.search(r"view=[^&]+", unquote(page.url))[0]
    page.reload()
    drawn(page)
    app.settle()
    point(page, 0.501, 0.5)
    assert page.locator(READING).first.inner_text() == where
    set_flux = page.get_by_role("radio", name="NEE").or_(page.get_by_role("button", name="NEE", exact=True)).first
    set_flux.click()
    page.wait_for_url(re.compile("flux=NEE"))
    app.settle()
    assert view in unquote(page.url), "a run keeps the view in the address"
    other = window().open(f"/?map=first&dots=0&{view}")
    drawn(other)
    point(other, 0.501, 0.5)
    assert other.locator(READING).first.inner_text() == where


def test_the_page_stays_where_it_is_when_a_cell_is_picked(window):
    app = window(width=1366)
    page = app.open("/?map=first&mode=side&with=second&dots=0")
    page.set_viewport_size({"width": 1366, "height": 768})
    drawn(page)
    page.wait_for_timeout(2500)  # the tabs are drawn
    before = page.locator(CANVAS).first.bounding_box()["y"]
    page.mouse.click(*point(page, 0.553, 0.5))
    page.get_by_role("heading", level=2).first.wait_for()
    app.settle()
    page.wait_for_timeout(1500)
    assert page.locator(CANVAS).first.bounding_box()["y"] == pytest.approx(before, abs=2)


def test_the_cell_that_enter_picks_wears_a_cross_while_the_map_has_the_focus(window):
    page = window().open("/?map=first")
    drawn(page)
    cross = page.locator(".panel .cross")
    assert not cross.is_visible()
    page.get_by_role("button", name="Play").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if cross.is_visible():
            break
    assert cross.is_visible()
    box, mark = page.locator(CANVAS).bounding_box(), cross.bounding_box()
    assert mark["x"] + mark["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=1.5)
    assert mark["y"] + mark["height"] / 2 == pytest.approx(box["y"] + box["height"] / 2, abs=1.5)
    assert re.match(r"\d+\.\d\d°N", page.locator(READING).inner_text())


def test_a_curtain_is_moved_by_keyboard(window):
    page = window().open("/?map=first&with=second&mode=side&curtain=1")
    drawn(page)
    handle = page.get_by_role("slider", name=re.compile("Swipe"))
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert handle.get_attribute("aria-valuenow") == "52"
    assert page.locator(CANVAS).count() == 1


def test_months_play_and_pausing_keeps_the_month(window):
    app = window()
    page = app.open("/?map=first&month=11")
    drawn(page, "November")
    page.get_by_role("button", name="Play").click()
    drawn(page, "December")
    drawn(page, "January")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    app.settle()
    kept = drawn(page)
    page.wait_for_timeout(2000)
    assert drawn(page) == kept
    month = re.search(r"month=(\d+)", page.url).group(1)
    assert map_files.month_starts()[int(month) - 1].strftime("%B") in kept


def test_the_map_is_used_with_the_keyboard(window):
    page = window().open("/?map=first")
    drawn(page)
    page.locator(".panel").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("lat=1[23]"))


def test_a_deep_link_is_restored_by_reloading(window):
    app = window()
    page = app.open("/?map=second&month=2&flux=RECO&lat=11&lon=21&section=Zonal%20mean")
    drawn(page, "Second model (SIMULATED) · February")
    page.reload()
    drawn(page, "Second model (SIMULATED) · February")
    app.settle()
    assert page.get_by_text("11.00° N, 21.00° E").count() >= 1
    assert "section=Zonal" in page.url


def test_what_is_seen_is_downloaded(window):
    page = window().open("/?map=first&month=7&flux=GPP")
    drawn(page)
    page.get_by_role("button", name="Figure, data").click()
    for key, start in (
        ("nc-world", b"\x89HDF"),
        ("zarr-world", b"PK"),
        ("csv-world", b"# "),
        ("parquet-world", b"PAR1"),
        ("world_png", b"\x89PNG"),
        ("world_svg", b"<?xml"),
    ):
        made = downloaded(page, page.locator(f".st-key-{key} button"))
        assert made.suggested_filename.startswith("SIMULATED_world_first_GPP_july.")
        with open(made.path(), "rb") as file:
            assert file.read(len(start)) == start
        if key == "nc-world":
            with xr.open_dataset(made.path()) as ds:
                assert ds["GPP"].attrs["units"] == "gC m-2 d-1"
                assert ds.attrs["simulated"] == 1
                assert "First model" in ds.attrs["source"]


def test_the_picture_has_the_mask_and_the_part_of_the_map_that_is_seen(window, tmp_path):
    page = window().open("/?map=first&month=7&mask=1&dots=0&view=10,20,4&lat=11&lon=21")
    drawn(page)

    def saved(kind):
        file = downloaded(page, page.locator(f".st-key-world_{kind} button"))
        path = tmp_path / f"saved.{kind}"
        file.save_as(path)
        return file.suggested_filename, path

    page.get_by_role("button", name="Figure, data").click()
    page.locator(".st-key-world_svg button").wait_for()
    name, path = saved("svg")
    assert name == "SIMULATED_world_first_GPP_july_-25_-8_65_28.svg"
    text = " ".join(re.findall(r">([^<>]+)</text>", path.read_text()))
    assert "SIMULATED" in text
    assert "Source: " in text
    assert "picked cell" in text
    assert "Hatched" not in text, "beyond 48 degrees the made-up model is in doubt, and that is not seen here"
    page.locator(".st-key-world_box_whole button").click()
    page.wait_for_timeout(2500)
    name, path = saved("svg")
    assert name == "SIMULATED_world_first_GPP_july.svg"
    assert "Hatched: outside the area of applicability" in path.read_text()
    name, path = saved("png")
    assert matplotlib.image.imread(path).shape[:2] == (1350, 2400)


def test_a_product_is_sent_and_shown(window, tmp_path):
    source = map_files.write(tmp_path / "sent.nc", step=10.0, title="Sent by a test", kind="product", years=1)
    page = window().open("/?map=first")
    drawn(page)
    page.get_by_role("button", name="Import").click()
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(str(source))
    page.get_by_text("sent.nc").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Import", exact=True).click()
    drawn(page, "Sent by a test")
    page.wait_for_url(re.compile("map=sent-by-a-test"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_reaches_the_map(window, theme):
    page = window(theme=theme).open("/?map=first&dots=0")
    drawn(page)
    page.wait_for_timeout(500)
    corner = page.evaluate(
        "[...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('canvas')).find(x => x)"
        ".getContext('2d').getImageData(4, 200, 1, 1).data.slice(0, 3).reduce((a, b) => a + b) / 3"
    )
    assert corner < 60 if theme == "dark" else corner > 200


@pytest.mark.parametrize("mode", ["single", "side", "difference"])
def test_a_narrow_window_shows_everything_within_its_width(window, mode):
    page = window(width=420).open(f"/?map=first&with=second&mode={mode}&month=7&lat=11&lon=21&mask=1")
    drawn(page)
    page.wait_for_timeout(3000)
    assert page.locator(CANVAS).first.bounding_box()["y"] < 440, "the map begins on the first screen"
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    for box in [canvas.bounding_box() for canvas in page.locator(CANVAS).all()]:
        assert box["height"] >= 200
        assert box["x"] + box["width"] <= 420


def test_the_first_page_is_the_world(window):
    page = window().open("/world")
    page.get_by_role("heading", name="World").wait_for()
