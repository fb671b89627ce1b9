"""What students have answered is found again by their browser, by no other, and not for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.teaching.marks import Mark
from tamrl.teaching.notebook import Notebooks

MARK = Mark(answer="this", correct=True, said="")
GUESS = ("tower", "guess")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_notebook_is_found_by_its_visitor_alone():
    books = Notebooks()
    own = books.of("one")
    books.move("one", own, "gamma", 0.5)
    books.settle("one", own, GUESS, MARK)
    found = books.of("one")
    assert (found.moved, found.marks) == ({"gamma": 0.5}, {GUESS: MARK})
    assert found is not own
    assert not books.of("other").moved
    assert len(books) == 1, "who only looks takes no room"


def test_what_is_kept_changes_only_when_it_is_written():
    books = Notebooks()
    books.move("one", books.of("one"), "gamma", 0.5)
    books.of("one").moved["gamma"] = 2.0
    assert books.of("one").moved == {"gamma": 0.5}


def test_windows_of_one_browser_do_not_lose_each_others_answers():
    books = Notebooks()
    first, second = books.of("one"), books.of("one")
    books.settle("one", first, GUESS, MARK)
    second = books.of("one", second)
    books.move("one", second, "gamma", 0.5)
    books.move("one", first, "beta", 1.0)
    found = books.of("one")
    assert (found.moved, found.marks) == ({"gamma": 0.5, "beta": 1.0}, {GUESS: MARK})


def test_starting_over_holds_in_every_window():
    books = Notebooks()
    first, second = books.of("one"), books.of("one")
    for own in (first, second):
        books.move("one", own, "gamma", 0.5)
    first = books.start_over("one")
    assert not first.moved
    second = books.of("one", second)
    assert not second.moved
    books.move("one", second, "beta", 1.0)
    assert books.of("one").moved == {"beta": 1.0}


def test_a_window_keeps_its_notebook_where_the_store_has_forgotten_it():
    clock = Clock()
    books = Notebooks(hours=2, clock=clock)
    own = books.of("one")
    books.move("one", own, "gamma", 0.5)
    clock.now = 3 * 3600.0
    assert books.of("one", own) is own
    books.move("one", own, "beta", 1.0)
    assert books.of("one").moved == {"gamma": 0.5, "beta": 1.0}


def test_it_is_forgotten_when_nothing_was_written_for_hours_also_where_nobody_comes():
    clock = Clock()
    books = Notebooks(hours=2, clock=clock)
    books.move("one", books.of("one"), "gamma", 0.5)
    clock.now = 3600.0
    books.move("two", books.of("two"), "gamma", 1.0)
    clock.now = 2 * 3600.0 + 1
    books.sweep()
    assert len(books) == 1
    assert not books.of("one").moved
    assert books.of("two").moved


@given(st.lists(st.integers(0, 8), max_size=40), st.integers(1, 5))
def test_the_newest_are_kept(visitors, most):
    books = Notebooks(most=most)
    for visitor in visitors:
        books.move(f"{visitor}", books.of(f"{visitor}"), "at", visitor)
    newest = list(dict.fromkeys(reversed(visitors)))
    for turn, visitor in enumerate(newest):
        assert bool(books.of(f"{visitor}").moved) == (turn < most)


@pytest.mark.parametrize("visitor", ["a", "a" * 100, "\N{MINUS SIGN}1"])
def test_the_visitor_is_not_kept_as_it_is(visitor):
    books = Notebooks()
    books.move(visitor, books.of(visitor), "gamma", 0.5)
    assert visitor not in books._kept
