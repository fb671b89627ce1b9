"""The presenter's page at 1280 x 720: keys walk the steps, nothing scrolls, axe finds nothing serious."""

import accessibility
import pytest

from tamrl.app.present.walk import STEPS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Height and width of what the page has beyond its window [px].
BEYOND = """() => [document.querySelector(".st-key-stage"), document.querySelector('[data-testid="stMain"]')]
  .flatMap((part) => [part.scrollHeight - part.clientHeight, part.scrollWidth - part.clientWidth])"""


def at_step(page, number):
    page.locator(".tamrl-dots [aria-current]").get_by_text(STEPS[number - 1], exact=True).wait_for()


def test_keys_walk_the_steps_and_nothing_scrolls(window, small_workspace):
    site = small_workspace[1][0]
    app = window(width=1280, theme="dark")
    app.page.set_viewport_size({"width": 1280, "height": 720})
    page = app.open(f"/present?site={site}")
    assert accessibility.findings(page) == []
    assert page.evaluate(BEYOND) == [0, 0, 0, 0]
    # In a field a letter is a letter.
    box = page.get_by_role("combobox", name="Tower")
    box.click()
    page.keyboard.type("u ")
    page.keyboard.press("Escape")
    box.blur()
    app.settle()
    at_step(page, 1)
    for number, key in enumerate(("ArrowRight", "Space", "PageDown", "ArrowRight", "ArrowRight"), start=2):
        page.keyboard.press(key)
        at_step(page, number)
        app.settle()
        assert page.evaluate(BEYOND) == [0, 0, 0, 0], STEPS[number - 1]
    page.get_by_text("Change of RMSE").wait_for()
    assert accessibility.findings(page) == []
    for key, number in (("u", 5), ("ArrowLeft", 4)):
        page.keyboard.press(key)
        at_step(page, number)
    app.settle()
    page.reload()
    at_step(page, 4)
    app.settle()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Few-shot lab", level=1).wait_for()
    page.get_by_role("heading", name="Before and after").wait_for()


# Below the map is room for three lines of legend; of six towers it has one.
@pytest.mark.parametrize(("step", "left"), [(1, 140), (2, 72)])
def test_in_a_higher_window_the_picture_takes_the_room(window, small_workspace, step, left):
    app = window(width=1440)
    app.page.set_viewport_size({"width": 1440, "height": 1000})
    page = app.open(f"/present?site={small_workspace[1][0]}&step={step}")
    at_step(page, step)
    app.settle()
    # The browser tells its size, which draws the page once more.
    page.wait_for_function(
        f"document.querySelector('.tamrl-keys')?.getBoundingClientRect().bottom > 1000 - {left}", timeout=20_000
    )
    assert page.evaluate(BEYOND) == [0, 0, 0, 0]
    if step == 1:
        assert page.get_by_role("list", name="Land-cover classes").is_visible()
