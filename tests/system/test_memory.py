"""What is free goes back to the system."""

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pyarrow as pa
import pytest

from tamrl.system import memory

gnu = pytest.mark.skipif(
    not hasattr(memory._library(), "malloc_trim"), reason="only GNU's C library gives memory back when it is asked to"
)


@gnu
def test_memory_that_was_freed_goes_back():
    process = psutil.Process()
    blocks = [bytes([1]) * 65_000 for _ in range(2000)]  # each too small for a mapping of its own
    last = bytes([1]) * 65_000  # behind them, so that the heap does not shrink by itself
    full = process.memory_info().rss
    del blocks
    memory.give_back()
    assert full - process.memory_info().rss > 100e6
    assert last


@gnu
def test_less_is_kept_unless_the_environment_says_how_much(monkeypatch):
    said = []
    monkeypatch.setattr(memory, "_library", lambda: SimpleNamespace(mallopt=lambda *what: said.append(what)))
    for variable in ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.setenv(variable, "4")
    memory.spare()
    assert said == []
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    memory.spare()
    assert said == [(-8, 2)]
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_")
    said.clear()
    memory.spare()
    assert said == [(-8, 2), (-3, 2**25)]
    monkeypatch.undo()
    for choice in said:
        assert memory._library().mallopt(*choice) == 1  # which the library knows


@pytest.mark.parametrize(
    ("refused", "variables", "expected"),
    [
        (0, {}, [(-3, 2**30), (-1, 2**31 - 1)]),
        (1, {}, [(-3, 2**30), (-3, 2**25), (-1, 2**31 - 1)]),
        (2, {}, [(-3, 2**30), (-3, 2**25)]),
        (0, {"MALLOC_MMAP_THRESHOLD_": "4"}, [(-1, 2**31 - 1)]),
        (0, {"MALLOC_TRIM_THRESHOLD_": "4"}, [(-3, 2**30)]),
    ],
)
def test_an_older_library_is_asked_for_less_and_never_for_half_of_it(monkeypatch, refused, variables, expected):
    said = []

    def mallopt(*what):
        said.append(what)
        return int(len(said) > refused)

    monkeypatch.setattr(memory, "_library", lambda: SimpleNamespace(mallopt=mallopt))
    for variable in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    memory.keep()
    assert said == expected


@gnu
def test_a_process_that_repeats_itself_keeps_its_memory():
    """A step that takes and frees the same arrays has them back from the system once, not each time."""
    code = (
        "import resource, numpy as np\n"
        "from tamrl.system import memory\n"
        "{}\n"
        "def step():\n"
        "    parts = [np.ones(2_000_000) for _ in range(4)]\n"
        "step(); step()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(5): step()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}

    def faults(said):
        done = subprocess.run(
            [sys.executable, "-c", code.format(said)], capture_output=True, text=True, check=True, env=environment
        )
        return int(done.stdout)

    assert 10 * faults("memory.keep()") < faults("memory.spare()")


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
