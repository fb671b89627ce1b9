"""The results of classes: codes and keys, bounds, expiry, two threads at once."""

import threading

import pytest

from tamrl.errors import TamrlError
from tamrl.teaching.classroom import COLUMNS, ClassLimits, Classrooms, tidy
from tamrl.teaching.marks import Mark

RIGHT = Mark(answer="negative", correct=True, value=-6.7, said="...")
WRONG = Mark(answer="positive", correct=False, value=float("nan"), said="...")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rooms(clock):
    return Classrooms(ClassLimits(classes=2, students=3, hours=12), clock)


def test_answers_reach_the_key_and_the_latest_counts(rooms, clock):
    code, key = rooms.begin("teacher")
    number = rooms.join(code.lower() + " ", "anna")
    clock.now = 90
    rooms.record(code, "anna", "tower", "guess", WRONG)
    clock.now = 150
    rooms.record(code, "anna", "tower", "guess", RIGHT)
    rooms.record(code, "ben", "places", "hard", Mark(answer="GF-Guy", correct=None, said="", value=None))
    board = rooms.board(key)
    assert board.students == 2
    assert tuple(board.rows.columns) == COLUMNS
    first, second = board.rows.to_dict("records")
    assert first["student"] == number
    assert (first["answer"], first["correct"], first["value"], first["tries"]) == ("negative", True, -6.7, 2)
    assert first["minutes"] == pytest.approx(2.5)
    assert second["lesson"] == "places"
    assert board.rows["correct"].isna().tolist() == [False, True]


def test_a_value_that_is_no_number_and_a_long_answer_are_cut(rooms):
    code, key = rooms.begin("teacher")
    rooms.record(code, "anna", "tower", "guess", Mark(answer="x" * 500, correct=False, value=float("inf"), said=""))
    row = rooms.board(key).rows.iloc[0]
    assert len(row["answer"]) == 80
    assert row.isna()["value"]


def test_a_browser_is_one_student_and_nothing_of_it_is_kept(rooms):
    code, _ = rooms.begin("teacher")
    assert rooms.join(code, "anna") == rooms.join(code, "anna") != rooms.join(code, "ben")
    assert "anna" not in repr(vars(rooms))


def test_the_same_browser_has_unrelated_names_in_two_classes(rooms):
    codes = [rooms.begin("teacher")[0] for _ in range(2)]
    for code in codes:
        rooms.join(code, "anna")
    names = [set(room.numbers) for room in rooms._classes.values()]
    assert not names[0] & names[1]


@pytest.mark.parametrize("code", ["", "ABCDEF", "'; --", "x" * 5000])
def test_a_code_of_no_class_is_told(rooms, code):
    rooms.begin("teacher")
    with pytest.raises(TamrlError) as caught:
        rooms.join(code, "anna")
    assert "teacher" in caught.value.todo
    assert len(str(caught.value)) < 300


def test_students_can_neither_read_nor_clear_nor_end_a_class(rooms):
    code, key = rooms.begin("teacher")
    rooms.record(code, "anna", "tower", "guess", RIGHT)
    for call in (rooms.board, rooms.clear, rooms.end):
        for guess in (code, "", key[:-1], "é"):
            with pytest.raises(TamrlError, match="opens no class"):
                call(guess)
    assert rooms.code_of(code) is None
    assert rooms.code_of(f" {key} ") == code


def test_an_unknown_question_is_refused(rooms):
    code, key = rooms.begin("teacher")
    for lesson, question in (("tower", "nothing"), ("nothing", "guess")):
        with pytest.raises(TamrlError, match="no such question"):
            rooms.record(code, "anna", lesson, question, RIGHT)
    assert rooms.board(key).rows.empty


def test_a_class_and_a_server_are_full_at_some_point(rooms):
    code, _ = rooms.begin("teacher")
    for name in ("anna", "ben", "cem"):
        rooms.join(code, name)
    with pytest.raises(TamrlError, match="full"):
        rooms.record(code, "dora", "tower", "guess", RIGHT)
    rooms.join(code, "anna")
    rooms.begin("teacher")
    with pytest.raises(TamrlError, match="already holds 2 classes"):
        rooms.begin("teacher")


def test_a_class_is_forgotten_after_its_hours(rooms, clock):
    code, key = rooms.begin("teacher")
    rooms.record(code, "anna", "tower", "guess", RIGHT)
    clock.now = 6 * 3600
    assert rooms.board(key).hours_left == pytest.approx(6)
    clock.now = 12 * 3600
    with pytest.raises(TamrlError, match="There is no class"):
        rooms.join(code, "anna")
    assert rooms.code_of(key) is None
    assert not rooms._classes


def test_clearing_keeps_the_code_and_ending_does_not(rooms):
    code, key = rooms.begin("teacher")
    rooms.record(code, "anna", "tower", "guess", RIGHT)
    rooms.clear(key)
    board = rooms.board(key)
    assert board.students == 0
    assert board.rows.empty
    rooms.join(code, "anna")
    rooms.end(key)
    with pytest.raises(TamrlError):
        rooms.join(code, "anna")


def test_many_threads_lose_no_answer():
    rooms = Classrooms(ClassLimits(students=100))
    code, key = rooms.begin("teacher")

    def student(i):
        for _ in range(20):
            rooms.record(code, f"student {i}", "tower", "guess", RIGHT)
            rooms.board(key)

    threads = [threading.Thread(target=student, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rooms.board(key).rows
    assert len(rows) == rows["student"].nunique() == 8
    assert set(rows["tries"]) == {20}


def test_a_code_may_be_typed_with_spaces_and_hyphens():
    assert tidy(" ab-c d2 3") == "ABCD23"


def test_the_browser_that_began_a_class_finds_it_again_and_no_other_does(rooms):
    _, key = rooms.begin("teacher")
    assert rooms.key_of("teacher") == key
    assert rooms.key_of("anna") is None
    rooms.end(key)
    assert rooms.key_of("teacher") is None
    assert "teacher" not in repr(vars(rooms))
