"""What is free goes back to the system."""

import sys

import psutil
import pyarrow as pa
import pytest

from tamrl.system import memory


@pytest.mark.skipif(memory._trim() is None, reason="only GNU's C library gives memory back when it is asked to")
def test_memory_that_was_freed_goes_back():
    process = psutil.Process()
    blocks = [bytes([1]) * 65_000 for _ in range(2000)]  # each too small for a mapping of its own
    last = bytes([1]) * 65_000  # behind them, so that the heap does not shrink by itself
    full = process.memory_info().rss
    del blocks
    memory.give_back()
    assert full - process.memory_info().rss > 100e6
    assert last


def test_arrow_is_asked_where_it_was_loaded(monkeypatch):
    asked = []

    class Pool:
        def release_unused(self):
            asked.append(self)

    monkeypatch.setattr(pa, "default_memory_pool", Pool)
    memory.give_back()
    monkeypatch.delitem(sys.modules, "pyarrow")
    memory.give_back()
    assert len(asked) == 1
