"""A workspace goes into one zip and comes out the same; what was made to do harm is refused and leaves nothing."""

import json
import stat
import zipfile

import numpy as np
import pytest
import tower_files
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.system.contained import Bounds
from tamrl.towers.contained import unpack_contained
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace
from tamrl.towers.workspace_zip import pack, unpack

MB = 2**20
MARKER = "name: mine\nsimulated: false\n"


@pytest.fixture
def workspace(tmp_path):
    made = Workspace.create(tmp_path / "one", name="Märzwald")
    ingest([tower_files.write_dd(tmp_path / tower_files.name("XX-One"))], made)
    (made.path / "models" / "first").mkdir()
    (made.path / "models" / "first" / "ensemble.yaml").write_text("config: {model: {step: 1D}}\n")
    (made.path / "private.txt").write_text("not part of it")
    (made.path / "models" / "link").symlink_to(tmp_path)
    return made


def test_there_and_back(workspace, tmp_path):
    packed = pack(workspace, tmp_path / "x.zip")
    names = zipfile.ZipFile(packed).namelist()
    assert {"workspace.yaml", "provenance.json", "models/first/ensemble.yaml"} <= set(names)
    assert not [name for name in names if "private" in name or "link" in name or "/." in f"/{name}"]
    back = unpack(packed, tmp_path / "two", 100 * MB)
    assert back.name == "Märzwald"
    xr.testing.assert_identical(back.archive().load(), workspace.archive().load())
    assert [path.name for path in back.models()] == ["first"]
    assert back.provenance()[0]["account"] == workspace.provenance()[0]["account"]
    assert str(tmp_path) not in (back.path / "provenance.json").read_text()
    assert not list(tmp_path.glob(".unpack-*"))


def test_it_is_the_same_in_a_process_of_its_own(workspace, tmp_path):
    packed = pack(workspace, tmp_path / "x.zip")
    path = unpack_contained(packed, tmp_path / "two", "Other name", lambda share: None, Bounds(100 * MB, seconds=60))
    assert Workspace.open(path).name == "Other name"
    with pytest.raises(TamrlError, match="more than may be kept"):
        unpack_contained(packed, tmp_path / "three", "", lambda share: None, Bounds(2000, seconds=60))
    assert not (tmp_path / "three").exists()


def made(path, members, marker=MARKER):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        if marker:
            out.writestr("workspace.yaml", marker)
        for name, content in members.items():
            out.writestr(name, content)
    return path


def refused(tmp_path, members, match, marker=MARKER):
    with pytest.raises(TamrlError, match=match):
        unpack(made(tmp_path / "x.zip", members, marker), tmp_path / "in" / "two", MB)
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "/etc/x", "models/../../x", "models\\..\\x", "C:/x", "models/.hidden", "other/x"),
        *("models/" + "x" * 250, "archive.zarr/" + "c/" * 300 + "0", ".workspaces/x", "models/a:b"),
    ],
)
def test_a_zip_writes_nowhere_else(tmp_path, name):
    refused(tmp_path, {name: b"x"}, "no workspace has|not part of a workspace")
    assert not (tmp_path / "x").exists()


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("models/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(tmp_path, {link: "/etc"}, "no workspace has")


def test_a_name_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        refused(tmp_path, {"workspace.yaml": MARKER}, "cannot be unpacked")


def test_sizes_are_counted(tmp_path):
    refused(tmp_path, {"models/x": bytes(3 * MB)}, "more than may be kept")


def test_what_is_no_workspace_is_said(tmp_path):
    refused(tmp_path, {"models/x": b"x"}, "holds no workspace", marker="")
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(TamrlError, match="damaged"):
        unpack(tmp_path / "x.zip", tmp_path / "in" / "two", MB)


def test_yaml_that_grows_is_refused(tmp_path):
    bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nname: [*b,*b]\n"
    refused(tmp_path, {}, "refers to itself", marker=bomb)
    refused(tmp_path, {"models/m/ensemble.yaml": bomb}, "refers to itself")
    refused(tmp_path, {"models/m/ensemble.yaml": "a: [\n"}, "not YAML")
    refused(tmp_path, {}, "too large", marker=MARKER + "#" * 70_000)
    refused(tmp_path, {"provenance.json": "[1, 2]"}, "not an entry")


def test_an_archive_that_would_not_fit_is_refused(workspace, tmp_path):
    packed = pack(workspace, tmp_path / "whole.zip")
    with zipfile.ZipFile(packed) as source:
        members = {name: source.read(name) for name in source.namelist() if name != "workspace.yaml"}
    about = json.loads(members["archive.zarr/GPP/zarr.json"])
    about["shape"] = [10**6, 10**6]
    refused(tmp_path, {**members, "archive.zarr/GPP/zarr.json": json.dumps(about)}, "larger than towers can be")
    refused(tmp_path, {**members, "archive.zarr/GPP/zarr.json": "{"}, "cannot be understood")
    del members["archive.zarr/zarr.json"]
    refused(tmp_path, members, "Zarr|archive")


def test_simulated_towers_do_not_become_real(small_workspace, tmp_path):
    packed = pack(small_workspace[0], tmp_path / "x.zip")
    back = unpack(packed, tmp_path / "back", 500 * MB)
    assert back.simulated
    np.testing.assert_array_equal(back.archive()["GPP"].values, small_workspace[0].archive()["GPP"].values)
    with zipfile.ZipFile(packed) as source:
        members = {n: source.read(n) for n in source.namelist() if n != "workspace.yaml"}
    with pytest.raises(TamrlError, match="do not agree"):
        unpack(made(tmp_path / "lie.zip", members), tmp_path / "lie", 500 * MB)
