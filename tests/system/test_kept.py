"""Results are bounded in number, size and age, for each person and for all."""

import gc
from types import SimpleNamespace

import pytest

from tamrl.errors import TamrlError
from tamrl.system.kept import Room, Store


def result(size):
    return SimpleNamespace(nbytes=size)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]

    def tick(seconds=1.0):
        now[0] += seconds
        return now[0]

    tick.now = lambda: now[0]
    return tick


@pytest.fixture
def store(clock):
    return Store(Room(own_count=3, own_bytes=100, all_bytes=150, hours=1), clock.now)


def fill(kept, clock, **sizes):
    for name, size in sizes.items():
        clock()
        kept[name] = result(size)


def test_number_and_size_of_one_persons_results_are_bounded(store, clock):
    kept = store.open()
    fill(kept, clock, a=10, b=10, c=10, d=10)
    assert list(kept) == ["b", "c", "d"]
    clock()
    assert kept["b"].nbytes == 10  # looked at, it is not the oldest any more
    fill(kept, clock, e=85)
    assert list(kept) == ["b", "e"]
    fill(kept, clock, huge=5000)
    assert (list(kept), kept.nbytes) == (["huge"], 100)


def test_the_results_of_all_are_bounded_and_the_least_used_goes_first(store, clock):
    ann, bob = store.open(), store.open()
    fill(ann, clock, a=60)
    fill(bob, clock, b=60)
    clock()
    assert ann["a"]
    fill(ann, clock, c=40)
    assert (list(ann), list(bob), store.nbytes) == (["a", "c"], [], 100)


def test_what_nobody_looks_at_is_dropped_after_its_hours(store, clock):
    ann, bob = store.open(), store.open()
    fill(ann, clock, old=1, used=1)
    clock(3000)
    assert ann["used"]
    clock(1000)
    bob["new"] = result(1)
    assert (list(ann), list(bob)) == (["used"], ["new"])
    clock(3601)
    store.tidy()
    assert store.nbytes == 0


def test_the_results_of_who_is_gone_are_gone(store, clock):
    kept = store.open()
    fill(kept, clock, a=60)
    del kept
    gc.collect()
    assert store.nbytes == 0


def test_it_is_a_mapping(store, clock):
    kept = store.open()
    fill(kept, clock, a=1, b=2)
    fill(kept, clock, a=3)
    assert [(key, value.nbytes) for key, value in kept.items()] == [("b", 2), ("a", 3)]
    del kept["b"]
    assert ("b" in kept, len(kept)) == (False, 1)
    with pytest.raises(KeyError):
        kept["b"]
    kept.clear()
    assert not kept


def test_the_environment_sets_the_room():
    assert Room.read({}) == Room()
    said = {"TAMRL_RESULTS": "5", "TAMRL_RESULT_MB": "2", "TAMRL_RESULTS_MB": "8.5", "TAMRL_RESULT_HOURS": "0.5"}
    assert Room.read(said) == Room(own_count=5, own_bytes=2 * 2**20, all_bytes=int(8.5 * 2**20), hours=0.5)
    with pytest.raises(TamrlError):
        Room.read({"TAMRL_RESULT_MB": "much"})
