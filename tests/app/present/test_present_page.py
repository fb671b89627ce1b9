"""The presenter's page, run as a speaker runs it: through the router, without a browser."""

import json

import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.present import walk
from tamrl.predict.output import before_after

pytestmark = pytest.mark.slow


def stage(**query):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    at.query_params.update(query)
    return healthy(at.switch_page("pages/present.py").run())


def press(at, name):
    return healthy(at.button(key=f"stage_{name}").click().run())


def charts(at):
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def said(at):
    return " ".join([*(str(e.proto) for e in at.get("html")), *(e.value for e in [*at.markdown, *at.caption])])


@pytest.fixture
def site(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    return small_workspace[1][0]


def test_a_tale_is_walked_undone_and_the_same_twice(site):
    at = stage(site=site)
    assert at.title[0].value == "A tower from the audience"
    assert (at.query_params["story"], len(at.get("deck_gl_json_chart"))) == ("4", 1)
    assert "The model has never seen this tower" in said(at)
    press(at, "next")
    zero_shot = charts(at)
    press(at, "next")
    assert "30 days" in said(at)
    press(at, "next")
    assert at.query_params["step"] == "4"
    drawn = charts(at)
    assert [t["name"] for t in drawn[0]["data"]] == ["Observed", "Zero-shot", "Adapted"]
    press(at, "next")
    row = before_after(next(iter(at.session_state["tamrl_results"].values()))).set_index("flux").loc["GPP"]
    assert f"from {row['rmse_before']:.2f} to **{row['rmse_after']:.2f}**" in said(at)
    assert f"{abs(100 * (row['rmse_after'] / row['rmse_before'] - 1)):.0f} %" in said(at)
    press(at, "next")
    assert at.button(key="stage_next").disabled
    assert {trace["type"] for trace in charts(at)[0]["data"]} == {"bar"}
    # Back over every state to the first prediction, which has not changed.
    for _ in range(4):
        press(at, "undo")
    assert at.query_params["step"] == "2"
    assert charts(at) == zero_shot
    # Another session, reloaded in the middle: it adapts anew, and draws the same to the last digit.
    again = stage(site=site, story="4", step="4")
    assert charts(again) == drawn
    # Without a state before, undo is a step back.
    assert press(again, "undo").query_params["step"] == "3"


def test_another_tower_begins_a_tale_and_undo_brings_the_one_before_back(site, small_workspace):
    other = small_workspace[1][1]
    at = stage(site=site, step="1")
    healthy(at.selectbox(key=f"stage_tower_{site}").set_value(other).run())
    assert (at.query_params["site"], at.query_params["step"]) == (other, "1")
    press(at, "undo")
    assert at.query_params["site"] == site


def test_a_story_in_the_address_opens_its_own_workspace_and_tower(site):
    story = walk.told()[1]
    at = stage(story="2", site=site)
    assert at.title[0].value == story.title
    assert at.query_params["ws"] == walk.OF_STORIES
    assert {n: at.query_params[n] for n in ("site", "flux", "start", "days")} == {
        "site": story.site,
        "flux": story.flux,
        "start": str(story.start),
        "days": "30",
    }


def test_the_stage_has_three_stories_and_a_key_for_each():
    assert len(walk.told()) == walk.TOLD
    assert {story.expect for story in walk.told()} == {"better", "worse"}
