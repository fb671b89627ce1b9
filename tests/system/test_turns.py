"""Heavy work in turns: fair, bounded, with a place in the line, and nothing left of those who have gone."""

import threading

import pytest

from tamrl.errors import TamrlError
from tamrl.system.settings import number, whole
from tamrl.system.turns import Crowd, Kind, Line, Turns, available_cores, threads

SHORT, LONG = Kind("adapt"), Kind("import", long=True)


class Work:
    """Pieces that go on until they are let go, and the order in which they began."""

    def __init__(self, turns):
        self.turns, self.began, self.stopped, self.gates = turns, [], [], {}
        self._changed = threading.Condition()

    def enter(self, owner, name="", kind=SHORT):
        label = owner + name
        self.gates[label] = gate = threading.Event()

        def work():
            with self._changed:
                self.began.append(label)
                self._changed.notify_all()
            assert gate.wait(20)

        def stop():
            self.stopped.append(label)
            gate.set()

        return self.turns.enter(owner, kind, work, stop)

    def until(self, count):
        """Wait until so many have begun, and return which."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.began) >= count, 20)
            return self.began[:]

    def go(self, *labels):
        for label in labels or self.gates:
            self.gates[label].set()


@pytest.fixture
def make():
    made = []

    def work(**crowd):
        made.append(Work(Turns(Crowd(**crowd))))
        return made[-1]

    yield work
    for one in made:
        one.go()


def test_no_more_runs_at_once_than_there_are_workers(make):
    work = make(workers=2)
    turns = [work.enter(owner) for owner in "abc"]
    assert set(work.until(2)) == {"a", "b"}
    assert work.turns.count() == (2, 1)
    assert (turns[0].line(), turns[2].line()) == (None, Line(1, None, False))
    work.go("a")
    assert work.until(3)[2] == "c"
    assert turns[0].wait(20)
    assert turns[0].ended


def test_people_take_turns_however_much_one_asks_for(make):
    work = make(workers=1)
    for name in "123":
        work.enter("greedy ", name)
    for owner in ("b", "c"):
        work.enter(owner, "1")
    work.enter("b", "2")
    work.until(1)
    work.go()
    assert work.until(6) == ["greedy 1", "greedy 2", "b1", "c1", "greedy 3", "b2"]


def test_a_person_has_one_piece_running_and_is_told_that_the_next_waits_for_it(make):
    work = make(workers=4)
    work.enter("a", "1")
    second = work.enter("a", "2")
    work.enter("b")
    assert set(work.until(2)) == {"a1", "b"}
    assert second.line() == Line(1, None, True)
    work.go("a1")
    assert work.until(3)[2] == "a2"


def test_long_work_leaves_a_turn_to_short_work(make):
    work = make(workers=2)
    work.enter("a", kind=LONG)
    waits = work.enter("b", kind=LONG)
    work.enter("c")
    assert set(work.until(2)) == {"a", "c"}
    assert waits.line() == Line(1, None, False)
    work.go("c")
    work.enter("d")
    assert work.until(3)[2] == "d", "the long piece waits for the long one before it, not the short one"
    work.go("a")
    assert work.until(4)[3] == "b"


def test_with_one_worker_short_work_runs_beside_long_work_and_not_the_other_way_round(make):
    work = make(workers=1)
    work.enter("a", kind=LONG)
    work.enter("b")
    work.enter("c")
    assert work.until(2) == ["a", "b"]
    work.go("a")
    late = work.enter("d", kind=LONG)
    assert late.line().place == 2
    work.go("b")
    assert work.until(3)[2] == "c"
    assert late.line() is not None


def test_who_waits_is_told_the_place_and_the_time(make, monkeypatch):
    work = make(workers=1)
    clock = [100.0]
    monkeypatch.setattr("tamrl.system.turns.time.monotonic", lambda: clock[0])
    first = work.enter("a")
    work.until(1)
    clock[0] = 104.0
    work.go("a")
    assert first.wait(20)
    work.enter("b")
    work.until(2)
    clock[0] = 105.0
    turns = [work.enter(owner) for owner in "cde"]
    assert [turn.line() for turn in turns] == [Line(1, 3.0, False), Line(2, 7.0, False), Line(3, 11.0, False)]
    other = work.enter("f", kind=LONG)
    assert other.line() == Line(4, 15.0, False)
    assert work.enter("g").line() == Line(5, None, False), "nobody knows how long an import takes"


def test_what_is_given_up_leaves_the_line_and_its_duration_tells_nothing(make):
    work = make(workers=1)
    running, waiting, last = (work.enter(owner) for owner in "abc")
    work.until(1)
    waiting.give_up()
    assert (waiting.ended, waiting.line(), last.line().place) == (True, None, 1)
    running.give_up()
    assert not running.ended, "its thread still runs"
    work.go("a")
    assert work.until(2) == ["a", "c"]
    assert work.enter("d").line() == Line(1, None, False)


def test_nothing_is_left_of_who_has_gone(make):
    work = make(workers=1)
    running, waiting, other = work.enter("a", "1"), work.enter("a", "2"), work.enter("b")
    work.until(1)
    work.turns.leave("a")
    assert running.wait(20)
    assert waiting.ended
    assert work.stopped == ["a1", "a2"] or work.stopped == ["a2", "a1"]
    assert work.until(2) == ["a1", "b"]
    work.go("b")
    assert other.wait(20)
    assert work.turns.count() == (0, 0)


def test_the_line_is_bounded_for_each_and_for_all(make):
    work = make(workers=1, own_waiting=2, all_waiting=3)
    for name in "123":
        work.enter("a", name)
    with pytest.raises(TamrlError, match="2 pieces of your work") as raised:
        work.enter("a", "4")
    assert raised.value.todo
    work.enter("b")
    with pytest.raises(TamrlError, match="busy: 3 pieces"):
        work.enter("c")
    assert work.turns.count() == (1, 3)


def test_a_piece_that_raises_frees_its_turn(make, caplog):
    work = make(workers=1)

    def fail():
        raise ZeroDivisionError

    failed = work.turns.enter("a", SHORT, fail, lambda: None)
    work.enter("b")
    assert work.until(1) == ["b"]
    assert failed.wait(20)
    assert "Work of the kind adapt failed" in caplog.text


def test_the_environment_sets_the_bounds():
    assert Crowd.read({}) == Crowd(available_cores(), 3, 60)
    assert Crowd.read({"TAMRL_WORKERS": "5", "TAMRL_WAITING": "9", "TAMRL_OWN_WAITING": "2"}) == Crowd(5, 2, 9)
    assert [Crowd(n).long_workers for n in (1, 2, 5)] == [1, 1, 2]
    with pytest.raises(TamrlError, match="not a whole number") as raised:
        Crowd.read({"TAMRL_WORKERS": "1.5"})
    assert raised.value.where == "TAMRL_WORKERS"
    for text in ("0", "-1", "many", "nan", "inf"):
        with pytest.raises(TamrlError, match="not a number above zero"):
            whole({"N": text}, "N", 1)
    assert (number({"N": " "}, "N", 2.5), number({"N": "0.5"}, "N", 1)) == (2.5, 0.5)


def test_a_piece_of_work_takes_the_threads_that_the_environment_leaves_it():
    assert threads({}) == available_cores()
    assert threads({"TAMRL_THREADS": "3"}) == 3
    with pytest.raises(TamrlError, match="not a whole number"):
        threads({"TAMRL_THREADS": "1.5"})


def test_cores_are_those_that_this_process_may_use(monkeypatch, tmp_path):
    bound = tmp_path / "cpu.max"
    monkeypatch.setattr("tamrl.system.turns._CPU_MAX", bound)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert available_cores() == 8
    for text, cores in (("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)):
        bound.write_text(text)
        assert available_cores() == cores
