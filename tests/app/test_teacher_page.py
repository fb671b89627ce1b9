"""The page Teacher: begin, watch, clear and end a class; only the key opens it."""

import io
import json

import pandas as pd
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.lessons import klass
from tamrl.app.teacher import board
from tamrl.teaching.classroom import COLUMNS, Classrooms
from tamrl.teaching.course import LESSONS
from tamrl.teaching.marks import Mark

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def rooms(monkeypatch):
    own = Classrooms()
    monkeypatch.setattr(klass, "rooms", lambda: own)
    return own


def teacher(**address):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/teacher.py")
    at.query_params.update(address)
    at.run()
    return healthy(at)


def test_a_class_is_begun_watched_cleared_and_ended(rooms):
    at = teacher()
    assert [e.label for e in at.expander][: len(LESSONS)] == [
        f"{i} · {x.title}" for i, x in enumerate(LESSONS.values(), 1)
    ]
    at.button(key="teacher_begin").click().run()
    key = healthy(at).session_state["tamrl_teacher_key"]
    code = rooms.code_of(key)
    assert code in " ".join(h.proto.body for h in at.get("html"))
    assert "No answers yet" in at.info[0].value
    for i in range(5):
        mark = Mark(answer=f"US-Ne1 {i}", correct=i > 1, said="", value=-10.0 * i)
        rooms.record(code, f"student {i}", "days", "weeks", mark)
    at.run()
    assert [m.value for m in healthy(at).metric][:2] == ["5", "5"]
    assert len(at.get("plotly_chart")) == 3
    table = pd.read_csv(io.BytesIO(board.as_csv(key)))
    assert tuple(table.columns) == COLUMNS
    assert table["correct"].sum() == 3
    at.button(key="teacher_clear").click().run()
    assert healthy(at).metric[0].value == "0"
    assert rooms.code_of(key) == code
    at.button(key="teacher_end").click().run()
    healthy(at)
    assert rooms.code_of(key) is None
    assert at.button(key="teacher_begin")


def test_a_link_with_the_key_opens_a_class_and_the_address_forgets_it(rooms):
    code, key = rooms.begin("somebody")
    at = teacher(key=key)
    assert code in " ".join(h.proto.body for h in at.get("html"))
    assert "key" not in at.query_params
    assert at.run().metric[0].value == "0"


def test_a_wrong_key_opens_nothing(rooms):
    code, _ = rooms.begin("somebody")
    at = teacher(key=code)
    assert "has ended, or the key is not right" in at.warning[0].value
    at.text_input(key="teacher_key_box").set_value("no key").run()
    assert "has ended, or the key is not right" in healthy(at).warning[0].value
    assert not at.metric


def test_two_students_and_a_teacher_see_one_class_and_the_table_names_nobody(rooms, tmp_path):
    at = teacher()
    at.button(key="teacher_begin").click().run()
    key = healthy(at).session_state["tamrl_teacher_key"]
    code = rooms.code_of(key)
    for guess in ("negative", "positive"):
        student = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/lessons.py")
        student.query_params.update({"lesson": "tower", "class": code})
        healthy(student.run()).radio(key="answer_tower_guess").set_value(guess).run()
        student.button(key="settle_tower_guess").click().run()
        healthy(student)
        # The screen of the teacher has it at its next look, without a press.
        assert healthy(at.run()).metric[0].value == at.metric[1].value == str(1 + (guess == "positive"))
    charts = [json.loads(chart.proto.spec)["data"] for chart in at.get("plotly_chart")]
    assert {trace["name"] for trace in charts[0]} == {"Right at once", "Not right"}
    path = tmp_path / "class.csv"
    path.write_bytes(board.as_csv(key))
    table = pd.read_csv(path)
    assert tuple(table.columns) == COLUMNS
    assert set(table["answer"]) == {"negative", "positive"}
    assert table["correct"].tolist().count(True) == 1
    # Numbers drawn by chance, not who or where somebody is.
    assert table["student"].between(1000, 9999).all()
