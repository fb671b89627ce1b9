import hashlib
import os

import pytest
from tower_files import tower

from tamrl.errors import TamrlError
from tamrl.towers import workspace
from tamrl.towers.archive import build, save_archive
from tamrl.towers.workspace import Workspace, find_workspaces, is_workspace, sha256


def test_create_and_open(tmp_path):
    made = Workspace.create(tmp_path / "mine")
    assert is_workspace(made.path)
    found = Workspace.open(tmp_path / "mine")
    assert found == made
    assert (found.name, found.simulated, found.read_only) == ("mine", False, False)
    assert found.created.endswith("Z")
    assert found.archive_path == made.path / "archive.zarr"
    assert found.models() == []


def test_creating_again_opens_and_keeps(tmp_path):
    Workspace.create(tmp_path / "w", simulated=True, name="Démo")
    assert Workspace.create(tmp_path / "w", simulated=True).name == "Démo"
    with pytest.raises(TamrlError, match="simulated towers"):
        Workspace.create(tmp_path / "w")


@pytest.mark.parametrize("text", ["", "- a", "name: [", "simulated: true", "name: x\nsimulated: perhaps", "\x00"])
def test_a_damaged_marker_is_named(tmp_path, text):
    (tmp_path / "workspace.yaml").write_text(text)
    with pytest.raises(TamrlError, match="cannot be understood"):
        Workspace.open(tmp_path)


def test_a_folder_that_is_no_workspace_is_named(tmp_path):
    with pytest.raises(TamrlError, match="not a workspace"):
        Workspace.open(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(TamrlError, match="cannot be made"):
        Workspace.create(tmp_path / "file" / "below")


def test_archive_and_its_version(tmp_path):
    space = Workspace.create(tmp_path / "w")
    assert space.archive_version() == 0
    with pytest.raises(TamrlError, match="no archive"):
        space.archive()
    save_archive(build([tower("AT-Aaa")]), space.archive_path)
    before = space.archive_version()
    assert list(space.archive()["site"].values) == ["AT-Aaa"]
    save_archive(build([tower("DE-Bbb")]), space.archive_path)
    assert space.archive_version() != before
    assert list(space.archive()["site"].values) == ["DE-Bbb"]


def test_models_are_folders_that_hold_something(tmp_path):
    space = Workspace.create(tmp_path / "w")
    for name in ("b", "a", "empty", ".hidden"):
        (space.path / "models" / name).mkdir()
    for name in ("a", "b", ".hidden"):
        (space.path / "models" / name / "config.yaml").write_text("x: 1")
    assert [path.name for path in space.models()] == ["a", "b"]


def test_provenance_grows_and_damage_is_named(tmp_path):
    space = Workspace.create(tmp_path / "w")
    assert space.provenance() == []
    space.add_provenance({"command": "first"})
    space.add_provenance({"command": "second", "inputs": ["ä"]})
    assert [entry["command"] for entry in space.provenance()] == ["first", "second"]
    assert all(entry["when"].endswith("Z") and entry["tamrl_version"] for entry in space.provenance())
    (space.path / "provenance.json").write_text("[{")
    with pytest.raises(TamrlError, match="cannot be read"):
        space.add_provenance({"command": "third"})


def test_find_workspaces_looks_two_levels_down(tmp_path):
    for name in ("b", "a/deep", "a/b/too/deep", ".hidden"):
        Workspace.create(tmp_path / name)
    (tmp_path / "file.txt").write_text("x")
    assert [str(path.relative_to(tmp_path)) for path in find_workspaces(tmp_path)] == [os.path.join("a", "deep"), "b"]
    assert find_workspaces(tmp_path / "b") == [tmp_path / "b"]
    assert find_workspaces(tmp_path / "nothing") == []


def test_the_bundled_workspace_is_read_only(tmp_path, monkeypatch):
    Workspace.create(tmp_path / "demo", simulated=True)
    monkeypatch.setattr(workspace, "bundled_workspaces", lambda: {"demo": tmp_path / "demo"})
    found = workspace.bundled("demo")
    assert found.read_only
    assert found.simulated
    with pytest.raises(TamrlError, match="read-only"):
        found.add_provenance({"command": "x"})


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()
