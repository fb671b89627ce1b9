"""The page Lessons, walked as a student walks it: guess, move, check, read; with and without a class."""

import datetime

import numpy as np
import pandas as pd
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.lessons import data, klass
from tamrl.teaching import labels, siting, trust
from tamrl.teaching.classroom import Classrooms
from tamrl.teaching.course import LESSONS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def rooms(monkeypatch):
    """Classes of this test alone."""
    own = Classrooms()
    monkeypatch.setattr(klass, "rooms", lambda: own)
    return own


def lessons(**address):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).switch_page("pages/lessons.py")
    at.query_params.update(address)
    return healthy(at.run())


def guess(at, answer):
    """Guess, and be at the next step, where the truth is told."""
    name = at.query_params["lesson"]
    at.radio(key=f"answer_{name}_guess").set_value(answer).run()
    at.button(key=f"settle_{name}_guess").click().run()
    return healthy(at)


def step(at, name):
    at.segmented_control(key="choose_stage").set_value(name).run()
    return healthy(at)


def said(at):
    return " ".join(x.value for x in (*at.success, *at.warning, *at.info))


def hand_in(at, question, answer=None):
    """Answer a question, or hand in what was moved; return whether it was right, and what was said."""
    if answer is not None:
        at.radio(key=f"answer_{question}").set_value(answer).run()
    before = said(at)
    at.button(key=f"settle_{question}").click().run()
    healthy(at)
    assert said(at) != before
    return at


def right(at):
    return [x.value for x in at.success if "**Right.**" in x.value]


def wrong(at):
    return [x.value for x in at.warning if "**Not yet.**" in x.value]


def test_six_lessons_are_offered_and_a_click_opens_one_at_its_question():
    at = lessons()
    assert [s.value for s in at.header] == [f"{i} · {x.title}" for i, x in enumerate(LESSONS.values(), 1)]
    at.button(key="lesson_open_places").click().run()
    assert healthy(at).header[0].value.startswith("2 · ")
    assert at.query_params["lesson"] == "places"
    at.button(key="lesson_next").click().run()
    assert healthy(at).query_params["stage"] == "try"
    assert "Guess first" in said(at)
    at.button(key="lesson_all").click().run()
    assert len(healthy(at).header) == 6


def test_an_unknown_lesson_or_class_in_the_address_is_told():
    at = lessons(lesson="nothing", **{"class": "NOSUCH"})
    assert "nothing" in said(at)
    assert "There is no class" in said(at)
    assert len(at.header) == 6


def test_what_to_read_next_has_links():
    at = lessons(lesson="tower", stage="read")
    text = " ".join(m.value for m in at.markdown)
    for paper in LESSONS["tower"].reading:
        assert f"https://doi.org/{paper.work.fields['doi']}" in text


def test_behind_the_last_step_stands_the_next_lesson_and_behind_the_last_lesson_all():
    at = lessons(lesson="tower", stage="read")
    at.button(key="lesson_onward").click().run()
    assert (healthy(at).query_params["lesson"], "stage" in at.query_params) == ("places", False)
    at = lessons(lesson="siting", stage="read")
    at.button(key="lesson_onward").click().run()
    assert len(healthy(at).header) == 6


def test_lesson_one_marks_signs_days_and_selection():
    at = guess(lessons(lesson="tower"), "positive")
    assert "You guessed otherwise" in said(at)
    assert len(at.get("plotly_chart")) == 2
    at.slider(key="lesson_tower_qc").set_value(0.95).run()
    assert healthy(at).metric[0].value.split()[0] != "289"
    step(at, "check")
    hand_in(at, "tower_source")
    assert "gained carbon" in wrong(at)[0]
    day = data.year("DE-Hai", 2010).sources()[0]
    at.slider(key="lesson_tower_day_DE-Hai_2010").set_value(datetime.date(day.year, day.month, day.day)).run()
    hand_in(at, "tower_source")
    assert f"{day:%Y-%m-%d}" in right(at)[0]
    row = data.year("DE-Hai", 2010).days.loc[day]
    for typed, marks in ((round(row["GPP"] - row["RECO"], 2), wrong), (round(row["RECO"] - row["GPP"], 2), right)):
        at.number_input(key="answer_tower_nee").set_value(typed).run()
        hand_in(at, "tower_nee")
        assert any("RECO − GPP" in text for text in marks(at))
    hand_in(at, "tower_selection", "lower")
    assert len(right(at)) == 3


def test_lesson_two_reveals_the_pair_and_marks_an_own_tower():
    at = guess(lessons(lesson="places"), "US-Ne1")
    assert "You guessed right" in said(at)
    assert len(at.get("plotly_chart")) == 3
    step(at, "check")
    assert not [b for b in at.button if b.key == "settle_places_hard"]
    for site, marks in (("US-UMB", wrong), ("GF-Guy", right)):
        at.selectbox(key="lesson_places_own").set_value(site).run()
        hand_in(at, "places_hard")
        assert site in marks(at)[0]
    hand_in(at, "places_kind", "pattern")
    assert wrong(at)
    hand_in(at, "places_kind", "level")
    assert len(right(at)) == 2


def test_lesson_three_moves_the_network_and_carries_it():
    at = guess(lessons(lesson="modulation"), "low")
    assert "You guessed right" in said(at)
    at.button(key="lesson_encoder").click().run()
    before = [m.value for m in healthy(at).metric]
    assert len(before) == 4
    at.slider(key="lesson_gamma").set_value(1.0).run()
    after = [m.value for m in healthy(at).metric]
    assert float(after[1]) < 0.7 * float(before[1])
    assert after[2:] == before[2:]
    step(at, "check")
    hand_in(at, "modulation_setting")
    assert "γ +1.00" in right(at)[0]
    hand_in(at, "modulation_carried", "better")
    assert "DE-Hai" in wrong(at)[0]
    hand_in(at, "modulation_carried", "worse")
    assert len(right(at)) == 2


def test_lesson_four_marks_weeks_and_tells_the_class(rooms):
    code, key = rooms.begin("teacher")
    at = guess(lessons(lesson="days", **{"class": code}), "none")
    assert "You guessed right" in said(at)
    at.button(key="days_run").click().run()
    assert len(healthy(at).get("plotly_chart")) == 2
    step(at, "check")
    hand_in(at, "days_weeks")
    assert wrong(at)
    for i, week in enumerate((20, 24, 28, 32)):
        at.select_slider(key=f"lesson_days_week_US-Ne1_{i}").set_value(week).run()
    hand_in(at, "days_weeks")
    assert right(at)
    assert not any("before you moved them" in c.value for c in at.caption)
    _, alone = data.weeks("US-Ne1", (20, 24, 28, 32))
    first = labels.week_start(2007, (20, 24, 28, 32)[int(np.argmin(alone))])
    hand_in(at, "days_best", f"{first.day} {first:%b}")
    assert len(right(at)) == 2
    at.select_slider(key="lesson_days_week_US-Ne1_0").set_value(2).run()
    told = [c.value for c in healthy(at).caption]
    for question in ("first", "second"):
        assert f"The mark of the {question} question is for the weeks before you moved them." in told
    rows = rooms.board(key).rows.set_index("question")
    assert rows.loc["weeks", "tries"] == 2
    assert rows.loc["weeks", "value"] < -40
    assert set(rows.index) == {"guess", "weeks", "best"}
    assert rows["correct"].all()
    assert rows["student"].nunique() == 1


def test_lesson_five_marks_regions_and_coverage():
    at = guess(lessons(lesson="trust"), "much")
    assert "You guessed otherwise" in said(at)
    assert at.button(key="trust_show").disabled
    table = data.by_region()
    at.multiselect(key="lesson_trust_regions").set_value(list(table.index[-3:])).run()
    at.button(key="trust_show").click().run()
    assert len(healthy(at).get("plotly_chart")) == 4
    step(at, "check")
    hand_in(at, "trust_regions")
    assert wrong(at)
    at.multiselect(key="lesson_trust_regions").set_value(list(table.index[:3])).run()
    hand_in(at, "trust_regions")
    assert right(at)
    truth = trust.covered(data.zero_shot("GF-Guy"), "GPP")
    for typed, marks in ((int(truth) - 40, wrong), (round(truth), right)):
        at.number_input(key="answer_trust_coverage").set_value(typed).run()
        hand_in(at, "trust_coverage")
        assert any("lie inside" in text for text in marks(at))


def test_lesson_six_is_simulated_and_marks_a_network():
    at = guess(lessons(lesson="siting"), "far")
    assert any("SIMULATED" in m.value for m in at.main.markdown)
    assert all("SIMULATED" in c.value for c in at.caption if "Source:" in c.value)
    planet = data.planet()
    at.multiselect(key="lesson_siting_added").set_value(siting.knowing(planet)).run()
    assert len(healthy(at).get("plotly_chart")) == 2
    step(at, "check")
    hand_in(at, "siting_network")
    assert "Better than 100 %" in right(at)[0] or "Better than 99" in right(at)[0]
    found = siting.errors(planet, siting.network_of(planet, siting.knowing(planet)))
    worst = pd.Series(found, planet.places.index).idxmax()
    other = next(o for o in siting.worst_options(planet, siting.knowing(planet)) if o != worst)
    hand_in(at, "siting_worst", other)
    assert "the worst of all" in wrong(at)[0]
    hand_in(at, "siting_worst", worst)
    assert len(right(at)) == 2


def test_a_class_is_joined_by_its_code_and_left(rooms):
    code, key = rooms.begin("teacher")
    at = lessons()
    at.text_input(key="lesson_class_box").set_value(code.lower()).run()
    healthy(at)
    assert at.query_params["class"] == code
    assert rooms.board(key).students == 1
    at.button(key="lesson_leave").click().run()
    assert "class" not in healthy(at).query_params
    at.text_input(key="lesson_class_box").set_value("wrong").run()
    assert "There is no class" in said(at)
