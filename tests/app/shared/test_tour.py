"""The guided tours: every stop is an element that some page draws."""

import html
import json
import re

from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.shared.tour import TOURS

SOURCES = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "tamrl" / "app").rglob("*.py")))


def test_every_stop_is_an_element_of_a_page():
    sources = SOURCES.replace((ROOT / "tamrl" / "app" / "shared" / "tour.py").read_text("utf-8"), "")
    for steps in TOURS.values():
        for step in steps:
            for key in re.findall(r"st-key-([\w-]+)", step.at):
                # A key of its own, one that a choice gives to its widget, or the beginning of one that is made.
                made = any(f'"{key[:n]}{{' in sources for n in range(4, len(key) + 1))
                assert made or f'"{key}"' in sources or f'"{key.removeprefix("choose_")}"' in sources, key
            assert step.title
            assert step.text.endswith(".")


def test_the_button_carries_the_stops_of_its_page_and_opens_by_itself_on_the_first_alone():
    def script(title):
        from tamrl.app.shared import tour

        tour.button(title)

    for i, (title, steps) in enumerate(TOURS.items()):
        at = AppTest.from_function(script, args=(title,), default_timeout=60).run()
        (body,) = (element.proto.body for element in at.get("html"))
        told = json.loads(html.unescape(re.search(r'data-steps="([^"]*)"', body)[1]))
        assert [step["title"] for step in told] == [step.title for step in steps]
        assert f'data-first="{int(i == 0)}"' in body
    assert not AppTest.from_function(script, args=("Towers",), default_timeout=60).run().get("html")
