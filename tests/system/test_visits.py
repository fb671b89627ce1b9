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
    with pytest.raises(TamrlError, match="you may use here"):
        visits.room("one")
    other = visits.folder("other", make=True)
    assert visits.room("other") == 500
    (other / "a").write_bytes(b"x" * 500)
    with pytest.raises(TamrlError, match="no room for more imports"):
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


def test_what_a_visitor_keeps_goes_when_he_has_left(visits):
    mine, other = (visits.folder(name, make=True) for name in ("mine", "other"))
    (mine / "a").touch()
    visits.remove("mine")
    visits.remove("reader")  # has no folder
    assert visits.folder("mine") is None
    assert other.exists()
    assert visits._used.keys() == {other.name}  # nothing is remembered of who has left


def test_what_the_owner_keeps_stays_while_the_server_runs(visits, monkeypatch):
    own = visits.folder("owner", make=True)
    visits.keep("owner")
    later = time.monotonic() + 10**6
    monkeypatch.setattr(time, "monotonic", lambda: later)
    visits.sweep()
    visits.remove("owner")
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
    with pytest.raises(TamrlError, match="Imports cannot be stored"):
        Visits(Limits(), tmp_path / "file")
