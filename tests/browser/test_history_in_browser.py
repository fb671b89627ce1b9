"""The back button: one press a step, whether it was a choice or a change of page; titles tell pages apart."""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_back_undoes_a_choice_and_then_a_page(window):
    app = window()
    page = app.open("/world")
    assert page.title() == "World · TAM-RL Explorer"
    page.get_by_test_id("stButtonGroup").get_by_text("RECO", exact=True).click()
    page.wait_for_url(re.compile("flux=RECO"))
    app.settle()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Towers").click()
    page.wait_for_url(re.compile("/towers.*flux=RECO"))
    app.settle()
    assert page.title() == "Towers · TAM-RL Explorer"
    page.go_back()
    page.get_by_role("heading", name="World", level=1).wait_for()
    app.settle()
    assert "flux=RECO" in page.url
    assert "/towers" not in page.url
    page.go_back()
    app.settle()
    page.wait_for_url(re.compile(r"/world(\?(?!.*flux=).*)?$"))
    chosen = page.get_by_test_id("stButtonGroup").locator('[aria-checked="true"], [data-testid$="Active"]')
    assert "GPP" in chosen.all_inner_texts()
    page.go_forward()
    page.wait_for_url(re.compile("flux=RECO"))
    app.settle()
    assert "RECO" in chosen.all_inner_texts()


def test_a_choice_in_a_part_of_a_page_is_undone_and_restored_as_any_other(window):
    app = window()
    page = app.open("/towers")
    chosen = page.get_by_role("radio", checked=True)
    page.get_by_role("radio", name="RECO").click()
    page.wait_for_url(re.compile("flux=RECO"))
    app.settle()
    page.reload()
    page.get_by_role("radio", name="RECO", checked=True).wait_for()
    app.settle()
    page.go_back()
    page.wait_for_url(re.compile(r"/towers(\?(?!.*flux=).*)?$"))
    page.get_by_role("radio", name="NEE", checked=True).wait_for()
    app.settle()
    assert chosen.all_inner_texts() == ["NEE"]


def test_a_folder_that_is_refused_is_said_once(window):
    app = window()
    page = app.open("/towers?folder=/no/such/folder")
    page.get_by_text("There is no such file or folder").wait_for()
    app.settle()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="World").click()
    page.get_by_role("heading", name="World", level=1).wait_for()
    page.get_by_text("There is no such file or folder").wait_for(state="detached")
    app.settle()
    assert page.get_by_text("There is no such file or folder").count() == 0
    assert "folder=" not in page.url


def test_a_long_name_in_an_address_does_not_fill_the_page(window):
    app = window()
    page = app.open("/towers?site=" + "A" * 1500)
    said = page.get_by_text("of this address is not in this workspace").first
    said.wait_for()
    assert len(said.inner_text()) < 120


def test_an_old_address_of_the_world_leads_there_and_back_does_not_trap(window):
    app = window()
    page = app.open("/")
    assert page.title() == "Start · TAM-RL Explorer"
    page.goto(f"{app.server}/?flux=RECO&month=3")
    page.get_by_role("heading", name="World", level=1).wait_for()
    page.wait_for_url(re.compile(r"/world\?.*flux=RECO"))
    app.settle()
    page.go_back()
    page.get_by_role("heading", name="TAM-RL Explorer", level=1).wait_for()
    app.settle()
    assert "flux=" not in page.url


def test_a_map_that_is_there_after_its_reader_went_back_asks_for_nothing(window):
    app = window()
    # Frames wait until the reader goes back, so that the map is drawn and has not yet said so.
    app.page.add_init_script(
        """const next = window.requestAnimationFrame.bind(window), waiting = [];
        window.requestAnimationFrame = (act) => window.held ? waiting.push(act) : next(act);
        window.back = () => {
            addEventListener("popstate", () => { window.held = false; waiting.splice(0).forEach((act) => act()); });
            history.back();
        };"""
    )
    page = app.open("/")
    page.evaluate("document.addEventListener('click', () => { window.held = true; }, {once: true})")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="World").click()
    page.get_by_role("heading", name="World", level=1).wait_for()
    page.locator(".map[data-drawn]").first.wait_for(state="attached")
    page.evaluate("window.back()")
    page.get_by_role("heading", name="TAM-RL Explorer", level=1).wait_for()
    app.settle()
    assert page.title() == "Start · TAM-RL Explorer"
    assert "/world" not in page.url
