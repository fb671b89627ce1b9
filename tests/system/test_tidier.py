"""Circles of objects are looked for soon after a run, one look at a time, for a share of the time."""

import gc
import weakref

import pytest

from tamrl.system.tidy import Tidier


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


def tidier(clock, took=0.5, share=0.1):
    looks = []

    def collect():
        looks.append(clock.now)
        clock.now += took

    return Tidier(share, 3600.0, collect, clock), looks


def test_one_look_is_pending_at_a_time():
    tidy, looks = tidier(Clock())
    assert tidy.ask()
    assert not tidy.ask()
    assert looks == []


def test_the_next_look_waits_in_proportion_to_the_last(thawed):
    clock = Clock()
    tidy, looks = tidier(clock)
    tidy.look()
    clock.now = 5.49
    assert not tidy.ask()
    clock.now = 5.51
    assert tidy.ask()
    assert looks == [0.0]


def test_a_look_that_fails_does_not_end_the_looking(thawed):
    clock = Clock()

    def collect():
        raise RuntimeError

    tidy = Tidier(0.1, 3600.0, collect, clock)
    with pytest.raises(RuntimeError):
        tidy.look()
    assert tidy.ask()


def test_a_circle_is_found_after_what_stays_was_set_aside(thawed):
    class Node:
        pass

    tidy = Tidier()
    tidy.look()
    node = Node()
    node.self = node
    seen = weakref.ref(node)
    del node
    assert gc.get_freeze_count() > 0
    tidy.look()
    assert seen() is None
