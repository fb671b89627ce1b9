"""Who may name which paths, and what a message says of them: whatever is typed, what lies outside stays unknown."""

import os
from pathlib import Path

import hostile_names
import pytest

from tamrl.errors import TamrlError
from tamrl.system.access import Access, is_local

HOST = {"Host": ["localhost:8501"], "Origin": ["http://localhost:8501"]}


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_the_owner_sits_at_the_computer(address):
    assert is_local(address, HOST)
    assert is_local(address, {"host": ["[::1]:8501"]})
    assert is_local(address, {})


@pytest.mark.parametrize(
    ("address", "headers", "peer", "base"),
    [
        (None, HOST, None, ""),
        ("", HOST, None, ""),
        ("0.0.0.0", HOST, None, ""),
        ("::", HOST, None, ""),
        ("192.168.1.4", HOST, None, ""),
        ("unix:/run/app.sock", HOST, None, ""),
        ("127.0.0.1", HOST, "10.0.0.7", ""),
        ("127.0.0.1", HOST, None, "tamrl"),
        ("127.0.0.1", HOST, None, "/a/b/"),
        ("127.0.0.1", HOST | {"X-Forwarded-For": ["127.0.0.1"]}, None, ""),
        ("127.0.0.1", HOST | {"X-Forwarded-Proto": ["https"]}, None, ""),
        ("127.0.0.1", HOST | {"Forwarded": ["for=127.0.0.1"]}, None, ""),
        ("127.0.0.1", HOST | {"Via": [""]}, None, ""),
        ("127.0.0.1", HOST | {"X-Real-Ip": ["127.0.0.1"]}, None, ""),
        ("127.0.0.1", {"Host": ["fluxes.example.org"]}, None, ""),
        ("127.0.0.1", {"Host": ["localhost"], "Origin": ["https://fluxes.example.org"]}, None, ""),
        ("127.0.0.1", {"Host": ["localhost"], "Origin": ["null"]}, None, ""),
        ("127.0.0.1", {"Host": ["localhost", "fluxes.example.org"]}, None, ""),
        ("127.0.0.1", {"Host": ["localhost.example.org"]}, None, ""),
        ("127.0.0.1", {"Host": ["127.0.0.1.nip.io"]}, None, ""),
        ("127.0.0.1", {"Host": ["[broken"]}, None, ""),
        ("127.0.0.1", {"User-Agent": ["x"]}, None, ""),
    ],
)
def test_in_doubt_a_visitor_is_far_away(address, headers, peer, base):
    assert not is_local(address, headers, peer, base)


@pytest.fixture
def disk(tmp_path):
    """A root with a file and a folder, a secret beside it, and links from the root to the secret."""
    root, secret = tmp_path / "shared", tmp_path / "shared-secret"
    (root / "inside" / "deep").mkdir(parents=True)
    (root / "a.nc").write_bytes(b"x")
    (root / "inside" / "b.nc").write_bytes(b"x")
    secret.mkdir()
    (secret / "s.nc").write_bytes(b"x")
    (root / "link").symlink_to(secret)
    (root / "link.nc").symlink_to(secret / "s.nc")
    (root / "own-link").symlink_to(root / "inside")
    (root / "leaky" / "deep" / "deeper").mkdir(parents=True)
    (root / "leaky" / "deep" / "deeper" / "out.nc").symlink_to(secret / "s.nc")
    os.mkfifo(root / "pipe.nc")
    return root, secret


def test_one_message_for_all_that_may_not_be_opened(disk):
    root, secret = disk
    access = Access.decide(True, str(root))
    said = set()
    for text in hostile_names.hostile(root, secret):
        for ask in (access.resolve, access.expand):
            with pytest.raises(TamrlError) as caught:
                ask(text, "Box")
            said.add(str(caught.value))
    assert len(said) == 1
    assert str(root) not in said.pop()


def test_nothing_outside_is_looked_at(disk, monkeypatch):
    root, _ = disk
    access = Access.decide(False, str(root))
    looked = []
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self, *a, **k: looked.append(self) or exists(self, *a, **k))
    for text in ("/etc/passwd", "/home/*", "../x", f"{root}/../x", "~", "//server/share"):
        with pytest.raises(TamrlError):
            access.resolve(text, "Box")
    assert looked == []


def test_what_is_inside_is_found_from_the_root_or_whole(disk):
    root, _ = disk
    access = Access.decide(True, f"{os.pathsep}relative{os.pathsep} {root} ")
    assert access.paths
    assert not access.owner
    assert access.roots == (root,)
    assert access.resolve("a.nc", "Box") == access.resolve(f"{root}/a.nc", "Box") == root / "a.nc"
    assert access.resolve(" inside ", "Box") == root / "inside"
    assert access.resolve("own-link", "Box") == root / "own-link"
    assert access.expand("inside/*.nc", "Box") == access.expand("*/b.nc", "Box")[:1] == [root / "inside" / "b.nc"]
    assert access.expand("*.nc", "Box") == [root / "a.nc"]  # neither the link out nor the pipe


def test_a_root_may_be_listed_by_a_link(disk, tmp_path):
    root, _ = disk
    (tmp_path / "data").symlink_to(root)
    access = Access.decide(False, str(tmp_path / "data"))
    for text in ("a.nc", f"{tmp_path}/data/a.nc", f"{root}/a.nc"):
        assert access.resolve(text, "Box").samefile(root / "a.nc")
    assert access.public(f"{tmp_path}/data/a.nc and {root}/a.nc") == "a.nc and a.nc"


def test_a_folder_with_a_link_out_is_not_read_as_a_whole(disk):
    root, _ = disk
    access = Access.decide(False, str(root))
    assert access.resolve("leaky", "Box") == root / "leaky"
    assert access.holds_all(root / "leaky", depth=2)
    assert not access.holds_all(root / "leaky")
    for text in ("leaky", "leak*", "."):
        with pytest.raises(TamrlError):
            access.expand(text, "Box")


def test_without_roots_a_visitor_opens_nothing_and_the_owner_anything(disk):
    root, secret = disk
    assert not Access.decide(False).paths
    assert not Access.decide(True, "").paths
    assert not Access.decide(True, "no/absolute/path").paths
    with pytest.raises(TamrlError, match="Files of the server cannot be opened"):
        Access.decide(False).resolve(str(root / "a.nc"), "Box")
    owner = Access.decide(True)
    assert owner.owner
    assert owner.resolve(str(secret / "s.nc"), "Box") == secret / "s.nc"
    assert owner.expand(f"{root}/inside/*.nc", "Box") == [root / "inside" / "b.nc"]
    for text in ("a\0b", "~no-such-user", "x" * 5000, "\ud800", str(root / "nothing")):
        with pytest.raises(TamrlError, match="no such file"):
            owner.resolve(text, "Box")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("In ROOT/mine/archive.zarr.", "In mine/archive.zarr."),
        ("ROOT", "shared"),
        ("(ROOT/)", "()"),
        ("ROOT-secret/x is full", "x is full"),
        ("ROOT.old/x", "x"),
        ("/srv/ws/towers/maps/a.zarr is damaged", "towers/maps/a.zarr is damaged"),
        ("made in /srv/ws/towers.", "made in towers."),
        ("[Errno 2] No such file: '/home/jane/x y.nc'", "[Errno 2] No such file: 'x y.nc'"),
        ("see /tmp and /etc", "see tmp and etc"),
        ("C:\\Users\\jane\\a.nc", "a.nc"),
        ("~/flux/a.nc", "a.nc"),
        ("file:/a/b", "file:/a/b"),
        ("https://doi.org/10.5194/bg-21-5079-2024", "https://doi.org/10.5194/bg-21-5079-2024"),
        ("GPP/RECO/NEE in gC m-2 d-1, 3/4 of 1/2", "GPP/RECO/NEE in gC m-2 d-1, 3/4 of 1/2"),
        ("python -m tamrl ingest SRC", "python -m tamrl ingest SRC"),
        ("a / b", "a / b"),
    ],
)
def test_a_visitor_reads_no_absolute_path(disk, text, read):
    root = str(disk[0])
    known = [Path("/srv/ws/towers"), Path("/")]
    assert Access.decide(False, root).public(text.replace("ROOT", root), known) == read
    assert Access.decide(True).public(text, known) == text
