"""What students have answered is found again by their browser, by no other, and not for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.teaching.marks import Mark
from tamrl.teaching.notebook import Notebook, Notebooks

MARK = Mark(answer="this", correct=True, said="")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_notebook_is_found_by_its_visitor_alone():
    books = Notebooks()
    books.keep("one", Notebook({"gamma": 0.5}, {("tower", "guess"): MARK}))
    assert books.of("one") == Notebook({"gamma": 0.5}, {("tower", "guess"): MARK})
    assert books.of("other") == Notebook()


def test_what_is_kept_changes_only_when_it_is_kept_again():
    books, mine = Notebooks(), Notebook({"gamma": 0.5})
    books.keep("one", mine)
    mine.moved["gamma"] = 1.0
    books.of("one").moved["gamma"] = 2.0
    assert books.of("one").moved == {"gamma": 0.5}
    books.keep("one", mine)
    assert books.of("one").moved == {"gamma": 1.0}


def test_an_empty_notebook_is_forgotten():
    books = Notebooks()
    books.keep("one", Notebook({"gamma": 0.5}))
    books.keep("one", Notebook())
    assert len(books) == 0


def test_it_is_forgotten_when_nothing_was_written_for_hours():
    clock = Clock()
    books = Notebooks(hours=2, clock=clock)
    books.keep("one", Notebook({"gamma": 0.5}))
    clock.now = 3600.0
    books.keep("two", Notebook({"gamma": 1.0}))
    clock.now = 2 * 3600.0 + 1
    assert not books.of("one").moved
    assert books.of("two").moved
    assert len(books) == 1


@given(st.lists(st.integers(0, 8), max_size=40), st.integers(1, 5))
def test_the_newest_are_kept(visitors, most):
    books = Notebooks(most=most)
    for visitor in visitors:
        books.keep(f"{visitor}", Notebook({"at": visitor}))
    newest = list(dict.fromkeys(reversed(visitors)))
    for turn, visitor in enumerate(newest):
        assert bool(books.of(f"{visitor}").moved) == (turn < most)


@pytest.mark.parametrize("visitor", ["", "a" * 100, "\N{MINUS SIGN}1"])
def test_the_visitor_is_not_kept_as_it_is(visitor):
    books = Notebooks()
    books.keep(visitor, Notebook({"gamma": 0.5}))
    assert books.of(visitor).moved
    assert visitor not in books._kept
