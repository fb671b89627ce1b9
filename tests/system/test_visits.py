"""What visitors import is kept apart, bounded, and removed: by age, with the server, and after a killed server."""

import os
import subprocess
import sys
import time

import pytest

from tamrl.errors import TamrlError
from tamrl.system.visits import Limits, Visits


@pytest.fixture
def visits(tmp_path):
    made = Visits(Limits(imports=2, visitor_bytes=1000, total_bytes=1500, hours=1), tmp_path)
    yield made
    made.close()


def test_each_visitor_has_a_folder_that_no_other_can_name(visits):
    assert visits.folder("one") is None
    one, other = visits.folder("one", make=True), visits.folder("other", make=True)
    assert one != other
    assert visits.folder("one") == one
    assert "one" not in one.name
    assert os.stat(visits.path).st_mode & 0o077 == 0
    assert visits.owns("one", one / "a.zarr")
    assert not visits.owns("other", one / "a.zarr")
    assert not visits.owns("third", one / "a.zarr")


@pytest.mark.parametrize("name", ["", "../x", "/etc", "a\0b", "x" * 5000, "\N{SNOWMAN}"])
def test_any_name_of_a_visitor_is_a_folder_inside(visits, name):
    assert visits.folder(name, make=True).parent == visits.path


def test_number_and_size_are_bounded(visits):
    own = visits.folder("one", make=True)
    assert visits.room("one") == 1000
    (own / "a").write_bytes(b"x" * 400)
    assert visits.room("one") == 600
    (own / ".a.lock").touch()
    (own / "b").write_bytes(b"")
    with pytest.raises(TamrlError, match="imported 2 products"):
        visits.room("one")
    (own / "b").unlink()
    (own / "a").write_bytes(b"x" * 1000)
    with pytest.raises(TamrlError, match="kept for you"):
        visits.room("one")
    other = visits.folder("other", make=True)
    assert visits.room("other") == 500
    (other / "a").write_bytes(b"x" * 500)
    with pytest.raises(TamrlError, match="as many imports as it may"):
        visits.room("third")


def test_what_nobody_uses_is_removed(visits, monkeypatch):
    old, new = visits.folder("old", make=True), visits.folder("new", make=True)
    later = time.monotonic() + 3500
    monkeypatch.setattr(time, "monotonic", lambda: later)
    visits.folder("new")
    monkeypatch.setattr(time, "monotonic", lambda: later + 200)
    visits.sweep()
    assert not old.exists()
    assert new.exists()
    assert visits.folder("old") is None


def test_what_a_visitor_keeps_goes_when_he_has_left_and_stays_over_a_reload(tmp_path, monkeypatch):
    open_windows, now = {"first", "other"}, [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    visits = Visits(Limits(hours=100, minutes=10), tmp_path, connected=open_windows.__contains__)
    mine, other = (visits.folder(name, make=True) for name in ("mine", "other"))
    visits.here("mine", "first")
    visits.here("other", "other")

    def after(minutes):
        now[0] += 60 * minutes
        visits.sweep()
        return mine.exists(), other.exists()

    assert after(300) == (True, True)  # a visit that goes on keeps them, used or not
    open_windows.remove("first")
    assert after(9) == (True, True)
    visits.here("mine", "second")  # the page was loaded again: another session
    open_windows.add("second")
    assert after(300) == (True, True)
    open_windows.remove("second")
    assert after(9) == (True, True)
    assert after(2) == (False, True)
    assert visits.folder("mine") is None
    assert visits._sessions.keys() == visits._used.keys()  # nothing is remembered of who has left
    visits.close()


def test_a_visitor_without_a_folder_is_forgotten_as_well(tmp_path, monkeypatch):
    visits = Visits(Limits(minutes=10), tmp_path, connected=lambda session: False)
    visits.here("reader", "one")
    later = time.monotonic() + 601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    visits.sweep()
    assert visits._sessions == {}
    visits.close()


def test_what_the_owner_keeps_stays_while_the_server_runs(visits, monkeypatch):
    own = visits.folder("owner", make=True)
    visits.here("owner", None)
    later = time.monotonic() + 10**6
    monkeypatch.setattr(time, "monotonic", lambda: later)
    visits.sweep()
    assert own.exists()


def test_all_goes_with_the_server(visits):
    visits.folder("one", make=True)
    visits.close()
    assert not visits.path.exists()


def test_what_a_killed_server_left_is_removed_and_a_living_one_is_let_alone(visits, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from tamrl.system.visits import Limits, Visits; "
        "v = Visits(Limits(), Path(sys.argv[1])); v.folder('a', make=True); print(v.path, flush=True); "
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, text=True)
    left = done.stdout.strip()
    assert os.path.isdir(left)
    for path in (left, visits.path):
        os.utime(path, (1, 1))
    Visits(Limits(), tmp_path).close()
    assert not os.path.exists(left)
    assert visits.path.exists()


def test_limits_are_read_from_the_environment():
    read = Limits.read(
        {"TAMRL_IMPORTS": "3", "TAMRL_IMPORT_GB": "0.5", "TAMRL_IMPORT_HOURS": "2", "TAMRL_IMPORTS_GB": " "}
        | {"TAMRL_VISIT_MINUTES": "5"}
    )
    assert read == Limits(3, 2**29, Limits.total_bytes, 2.0, 5.0)
    for text in ("many", "0", "-1", "nan", "inf"):
        with pytest.raises(TamrlError, match="not a number above zero"):
            Limits.read({"TAMRL_IMPORT_GB": text})


def test_without_a_place_for_them_imports_are_refused_in_words(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TamrlError, match="no place for imports"):
        Visits(Limits(), tmp_path / "file")
