"""The driver of the trials: it kills whole groups, sees what was left, and compares names and bytes."""

import os
import random
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fcntl")

from benchmarks import killing, reliability
from benchmarks.trials import Place, Trial


def test_a_digest_tells_missing_left_over_and_changed_files(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "x").mkdir(parents=True)
        (tmp_path / folder / "x" / "same").write_text("1")
        (tmp_path / folder / "provenance.json").write_text(folder)  # holds the time
        (tmp_path / folder / "changed").write_text(folder)
        (tmp_path / folder / f".{folder}.lock").touch()
    (tmp_path / "a" / "more").touch()
    (tmp_path / "b" / "less").touch()
    a, b = (killing.digest(tmp_path / folder) for folder in ("a", "b"))
    assert killing.difference(a, b) == "missing: less; left over: more; other bytes: changed"
    assert killing.difference(a, a) == ""


def test_a_whole_group_is_killed(tmp_path):
    def work():
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        (tmp_path / "started").touch()
        for beat in range(6000):
            (tmp_path / "beat").write_text(str(beat))
            time.sleep(0.01)

    run = killing.start(work, tmp_path / "log")
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    below = killing.descendants(run.pid)
    assert len(below) == 1
    assert killing.kill_within(run, tmp_path, (0.0, 0.0), random.Random(3), False) is True
    assert run.code == -9
    until = time.monotonic() + 5
    while os.path.exists(f"/proc/{below[0]}") and time.monotonic() < until:
        if "Z" in Path(f"/proc/{below[0]}/stat").read_text().rsplit(")")[1][:3]:
            break  # gone, but not yet waited for by its new parent
        time.sleep(0.01)
    else:
        assert not os.path.exists(f"/proc/{below[0]}")


def written(place: Place, whole: bool, seconds: float = 0.3):
    """A process that writes its result in pieces, or beside it and then in its place."""

    def work():
        target = place.there / ("a.new" if whole else "a")
        with target.open("w") as file:
            for _ in range(30):
                file.write("x" * 10)
                file.flush()
                time.sleep(seconds / 30)
        target.replace(place.there / "a")

    return killing.start(work, place.log)


def sound(place: Place) -> str:
    file = place.there / "a"
    return "half a file" if file.exists() and file.stat().st_size != 300 else ""


@pytest.mark.parametrize("whole", [True, False])
def test_half_written_results_are_found_and_whole_ones_are_not(tmp_path, whole):
    (tmp_path / "base").mkdir()
    (tmp_path / "scratch").mkdir()
    bench = reliability.Bench(tmp_path / "base", tmp_path / "scratch", 4, 0, 60)

    def begin(place: Place):
        return written(place, whole)

    count = bench.run(Trial("x", begin, begin, sound, "."))
    assert count.killed == 4
    assert count.resumed == 4  # the next run writes all of it
    assert (count.lost == 0) == whole
    assert ("half a file" in count.first) != whole


def test_what_is_left_over_or_cannot_go_on_is_counted(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "scratch").mkdir()
    bench = reliability.Bench(tmp_path / "base", tmp_path / "scratch", 2, 0, 60)

    def careless(place: Place):
        (place.there / f"left-{time.monotonic_ns()}").touch()
        return written(place, True, 0.1)

    count = bench.run(Trial("x", careless, careless, sound, "."))
    assert count.resumed == 0
    assert "left over" in count.first
    stubborn = Trial("y", lambda p: written(p, True), lambda p: killing.start(lambda: 3, p.log), sound, ".")
    count = bench.run(stubborn)
    assert count.resumed == 0
    assert "missing: a" in count.first


def test_a_program_is_run_from_the_root_of_the_project(tmp_path):
    run = killing.program([sys.executable, "-c", "import tamrl; print('here')"], tmp_path / "log")
    assert run.wait() == 0
    assert "here" in run.said()
