"""Runs of one page are drawn one after another; another page, a run that waits, and one that hangs hold up nobody."""

import threading

import pytest

from tamrl.app.shared import drawing


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    class Nothing:
        def html(self, text):
            pass

        def empty(self):
            return self

        def container(self, key):
            return self

    monkeypatch.setattr(drawing, "st", Nothing())
    monkeypatch.setattr(drawing, "_LOOK_S", 0.01)


class Run(threading.Thread):
    """A run of a page that draws until it is told to end."""

    def __init__(self, turns, page, leaves=False):
        super().__init__(daemon=True)
        self.turns, self.page, self.leaves = turns, page, leaves
        self.drawing, self.end = threading.Event(), threading.Event()
        self.start()

    def run(self):
        with self.turns.turn(self.page):
            if self.leaves:
                self.turns.leave()
            self.drawing.set()
            self.end.wait(10)


def stop(*runs):
    for run in runs:
        run.end.set()
    for run in runs:
        run.join(10)


def test_the_second_run_of_a_page_waits_for_the_first():
    turns = drawing.Turns(patience=10)
    first = Run(turns, "lab")
    assert first.drawing.wait(10)
    second = Run(turns, "lab")
    assert not second.drawing.wait(0.1)
    first.end.set()
    assert second.drawing.wait(10)
    stop(first, second)


@pytest.mark.parametrize(("page", "leaves"), [("world", False), ("lab", True)])
def test_another_page_waits_for_nobody_and_nobody_for_a_run_that_waits_itself(page, leaves):
    turns = drawing.Turns(patience=10)
    first = Run(turns, "lab", leaves)
    assert first.drawing.wait(10)
    second = Run(turns, page)
    assert second.drawing.wait(10)
    stop(first, second)


def test_a_run_that_hangs_holds_the_others_for_a_while_only():
    turns = drawing.Turns(patience=0.05)
    first = Run(turns, "lab")
    assert first.drawing.wait(10)
    second = Run(turns, "lab")
    assert second.drawing.wait(10)
    stop(second, first)
    third = Run(turns, "lab")
    assert third.drawing.wait(10), "the run out of turn gave back what it never had"
    fourth = Run(turns, "lab")
    stop(third, fourth)


def test_a_run_that_breaks_off_gives_its_turn_back():
    turns = drawing.Turns(patience=10)
    with pytest.raises(RuntimeError), turns.turn("lab"):
        raise RuntimeError
    again = Run(turns, "lab")
    assert again.drawing.wait(10)
    stop(again)
