"""The guided tour: opens by itself once, walks real elements by keyboard, gives the focus back, can be restarted."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_tour_walks_the_first_page_once_and_again_when_asked(window):
    app = window()
    page = app.open("/")
    box, button = page.locator(".tamrl-tour-box"), page.locator(".tamrl-tour-button")
    box.wait_for()
    told = [box.get_by_role("heading").inner_text()]
    while box.count() and len(told) < 9:
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        told += [box.get_by_role("heading").inner_text()] if box.count() else []
    assert told == ["The world in July", "Browse", "Adapt", "Learn", "Your data", "What is this?"]
    assert page.evaluate("document.activeElement.className") != "tamrl-tour-box"
    page.reload()
    button.wait_for()
    app.settle()
    page.wait_for_timeout(2500)  # it looks once a second
    assert box.count() == 0
    button.click()
    box.wait_for()
    page.keyboard.press("Escape")
    box.wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "tamrl-tour-button"
