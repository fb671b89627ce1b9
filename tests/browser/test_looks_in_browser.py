"""How every page looks at three widths and in two themes, compared with kept pictures; see ``tests/helpers/looks.py``.

Where it is loaded anyway, axe-core looks for findings that are serious or critical, in both themes.

``TAMRL_MAKE_LOOKS=1 python -m pytest tests/browser/test_looks_in_browser.py`` makes the pictures anew: look at them
before they are committed.
"""

import os
import time

import accessibility
import looks
import pytest
from browser_actions import settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Page -> its address, on data that come with the project, and what is there once it is drawn.
PAGES = {
    "start": ("/", ".js-plotly-plot .main-svg"),
    "world": ("/world", "canvas"),
    "towers": ("/towers?ws=demo&site=XS-GR4", ".js-plotly-plot .main-svg"),
    "workspace": ("/workspace?ws=demo", "[data-testid=stFileUploader]"),
    "lab": ("/lab?ws=demo&site=XS-GR4", ".js-plotly-plot .main-svg"),
    "present": ("/present?ws=demo&story=4&site=XS-GR4&step=3", ".js-plotly-plot .main-svg"),
    "task_space": ("/task_space?ws=demo&site=XS-GR4", ".js-plotly-plot .main-svg"),
    "scorecard": ("/scorecard", ".js-plotly-plot .main-svg"),
    "lessons": ("/lessons", "h1"),
    "teacher": ("/teacher", "h1"),
    "glossary": ("/glossary", "h1"),
}
HEIGHTS = {1920: 1080, 1024: 768, 390: 844}
#: What differs between machines, and is there only once a page has loaded the model.
CHANGES = '[data-testid="stSidebar"] [data-testid="stCaptionContainer"] { visibility: hidden; }'
#: Seconds in which a page may come to look as it should: other tests run on the same cores.
PATIENCE = 60
MAKE = os.environ.get("TAMRL_MAKE_LOOKS") == "1"
#: Pages that are looked at on a screen of 3840 x 2160 as well, and what is measured there [px].
LARGE = ("start", "towers")
MEASURES = """() => {
  const all = (what) => [...document.querySelectorAll(what)].filter((e) => e.offsetWidth);
  const width = (e) => e.getBoundingClientRect().width;
  const main = document.querySelector('[data-testid="stMain"]');
  return {
    beyond: main.scrollWidth - main.clientWidth,
    used: width(main.querySelector('[data-testid="stMainBlockContainer"]')) / width(main),
    letters: Math.max(...all('[data-testid="stMain"] [data-testid="stMarkdownContainer"] > p')
      .filter((e) => !e.closest('[class*="st-key-footer-"]'))
      .map((e) => width(e) / parseFloat(getComputedStyle(e).fontSize))),
    type: Math.min(...all('.js-plotly-plot .xtick text, .js-plotly-plot .annotation text')
      .map((e) => parseFloat(getComputedStyle(e).fontSize))),
    filled: Math.min(...all('[data-testid="stPlotlyChart"]')
      .map((e) => width(e.querySelector('.main-svg')) / width(e.closest('[data-testid="stVerticalBlock"]')))),
    table: Math.max(...all('[data-testid="stDataFrame"] .stDataFrameGlideDataEditor')
      .map((e) => parseFloat(getComputedStyle(e).getPropertyValue('--gdg-base-font-style').split(' ').at(-1)))),
  };
}"""


def seen(page):
    return looks.shrunk(page.screenshot(animations="disabled", style=CHANGES))


def at_rest(page):
    """Return the look of a page once it no longer changes."""
    before = seen(page)
    for _ in range(2 * PATIENCE):
        now = seen(settle(page))  # what is drawn anew is pale meanwhile
        if looks.worst(now, before) < 0.5:
            return now
        before = now
    return before


def compare(app, name, folder, patience):
    """Return what is wrong with the look of a page, empty where nothing is; a picture of that goes to ``folder``."""
    page = app.page
    if MAKE:
        page.wait_for_timeout(1500)  # a page hears of another theme after a second
        looks.store(name, at_rest(app.settle()))
        return ""
    kept = looks.stored(name)
    if kept is None:
        return f"{name}: no picture is kept"
    until = time.monotonic() + patience
    while (apart := looks.worst(now := seen(page), kept)) > looks.SAME:
        if time.monotonic() > until:
            file = folder / f"{name}.png"
            looks.side_by_side(now, kept).save(file)
            return f"{name}: {apart:.0f} of {looks.SAME:g} levels; kept, seen and difference: {file}"
        page.wait_for_timeout(400)
    return ""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_did(one_window, name, tmp_path):
    address, drawn = PAGES[name]
    app, page, themes, wrong = one_window, one_window.page, ("light", "dark"), []
    # One load a page: the theme is that of the machine, and changes with it. The window only shrinks: a chart that
    # grows keeps some of the room that its legend took.
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            if not wrong:
                app.open(address)
                page.locator(drawn).first.wait_for()
            # Of a page that looks otherwise already, the rest is soon told.
            patience = 5 if any(wrong) else PATIENCE
            wrong.append(compare(app, f"{name}-{width}-{theme}", tmp_path, patience))
            if width == max(HEIGHTS):
                assert accessibility.findings(app.settle(), changed_to=theme if len(wrong) > 1 else "") == [], theme
        themes = themes[::-1]
    assert not any(wrong), "\n".join(filter(None, wrong))
    if name == "towers" and not MAKE:
        page.locator("[data-testid=stMain] canvas, [data-testid=stMain] .tamrl-legend").evaluate_all(
            "all => all.forEach(e => { e.style.visibility = 'hidden'; })"
        )
        assert looks.worst(seen(page), looks.stored(f"{name}-{width}-{theme}")) > looks.SAME, "a lost map is not seen"


@pytest.mark.parametrize("name", LARGE)
def test_a_page_uses_a_large_screen(one_window, name):
    page = one_window.page
    page.set_viewport_size({"width": 3840, "height": 2160})
    address, drawn = PAGES[name]
    one_window.open(address)
    page.locator(drawn).first.wait_for()
    page.wait_for_function("getComputedStyle(document.documentElement).fontSize === '26.25px'")
    found = one_window.settle() and page.evaluate(MEASURES)
    assert found["beyond"] <= 0
    assert found["used"] > 0.7, "the page is a strip in the middle of the screen"
    assert found["letters"] <= 60, "lines of more than 120 letters, each of half the size of the type"
    assert found["filled"] > 0.95, "a figure is narrower than its column"
    assert found["type"] >= 18
    assert found["table"] >= 18
