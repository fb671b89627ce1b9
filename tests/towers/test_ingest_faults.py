"""Faults of the disk and of the workspace while towers are ingested: a message, and the workspace as it was."""

import errno
import json
import threading

import pytest
from tower_files import name, write_dd

from tamrl.errors import TamrlError
from tamrl.system.account import kept
from tamrl.towers import archive, ingest, workspace
from tamrl.towers.ingest import ingest as run
from tamrl.towers.workspace import Workspace


@pytest.fixture
def space(tmp_path):
    space = Workspace.create(tmp_path / "w")
    run([write_dd(tmp_path / name("AT-Aaa"))], space)
    return space


def state(space) -> dict[str, bytes]:
    files = (p for p in sorted(space.path.rglob("*")) if p.is_file() and p.suffix != ".lock")
    return {str(p.relative_to(space.path)): p.read_bytes() for p in files}


def full(*_args, **_more):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_workspace_as_it_was(tmp_path, space, monkeypatch):
    before = state(space)

    def half(ds, folder):
        folder.mkdir()
        (folder / "half").write_bytes(b"x")
        full()

    monkeypatch.setattr(ingest, "write_zarr", half)
    with pytest.raises(TamrlError, match="No space left on device"):
        run([write_dd(tmp_path / name("DE-Bbb"))], space)
    assert state(space) == before


def test_a_full_disk_at_the_provenance_is_said(space, monkeypatch):
    before = state(space)
    monkeypatch.setattr(workspace.Path, "replace", full)
    with pytest.raises(TamrlError, match=r"provenance cannot be written.*No space left"):
        space.add_provenance({"command": "x"})
    monkeypatch.undo()
    assert state(space) == before


def test_a_damaged_chunk_is_named_and_nothing_is_replaced(tmp_path, space):
    chunk = next(p for p in sorted((space.archive_path / "GPP").rglob("*")) if p.is_file() and p.name != "zarr.json")
    content = bytearray(chunk.read_bytes())
    content[: len(content) // 2] = b"\xff" * (len(content) // 2)
    chunk.write_bytes(content)
    before = state(space)
    with pytest.raises(TamrlError, match="archive is damaged"):
        run([write_dd(tmp_path / name("DE-Bbb"))], space)
    assert state(space) == before
    with pytest.raises(TamrlError, match="archive is damaged"):
        archive.load_whole(space.archive_path)


def test_a_damaged_provenance_stops_the_ingest_before_it_writes(tmp_path, space):
    (space.path / "provenance.json").write_text("{")
    before = state(space)
    with pytest.raises(TamrlError, match="provenance"):
        run([write_dd(tmp_path / name("DE-Bbb"))], space)
    assert state(space) == before


def test_of_two_writers_no_entry_is_lost(space):
    threads = [threading.Thread(target=space.add_provenance, args=({"command": str(i)},)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry["command"] for entry in space.provenance()} == {"ingest", *map(str, range(8))}


def test_the_account_is_kept_and_read_again(tmp_path, space):
    said = kept(space.provenance()).of("AT-Aaa")
    assert {"missing", "assumed"} == {entry.kind for entry in said}
    assert json.loads((space.path / "provenance.json").read_text())[-1]["account"]
    sites = tmp_path / "s.csv"
    sites.write_text("site,lat,lon,igbp,koeppen\nAT-Aaa,47,11,GRA,Dfb\n")
    run([tmp_path / name("AT-Aaa"), write_dd(tmp_path / name("DE-Bbb"))], space, sites=sites)
    again = kept(space.provenance())
    assert "No position" not in " ".join(entry.words for entry in again.of("AT-Aaa"))
    assert "No position" in " ".join(entry.words for entry in again.of("DE-Bbb"))
