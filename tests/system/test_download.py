"""Downloads from a server that stalls, breaks off, leads on, refuses, and sends something else."""

import hashlib
import json
import os
import shutil
import socket
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from file_server import file_server
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.system import download, patience
from tamrl.system.download import Remote, fetch
from tamrl.system.patience import Patience, UnreachableError, retry_after

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes
HASH = hashlib.sha256(BODY).hexdigest()
CUT = 5 * 65_536  # after whole pieces, as they are written
HASTY = Patience(connect_s=2, stall_s=0.3, tries=3, pause_s=0.01, longest_s=30, progress_bytes=50_000)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as files:
        files.bodies["/a.zip"] = BODY
        yield files


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that were made, none of which is waited for."""
    made = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=made.append))
    return made


def get(server, folder, waits=HASTY, **known):
    return fetch(Remote(url=f"{server.url}/a.zip", **known), folder / "a.zip", patience=waits)


def entries(folder):
    """What lies in a folder, the lock apart."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} - {".fetch.lock"}


@pytest.mark.parametrize("known", [{}, {"sha256": HASH}, {"size": len(BODY)}, {"sha256": HASH, "size": len(BODY)}])
def test_a_file_comes_whole_and_nothing_else_stays(server, tmp_path, known):
    told = []
    path = fetch(
        Remote(url=f"{server.url}/a.zip", **known),
        tmp_path / "new" / "a.zip",
        patience=HASTY,
        on_bytes=lambda *n: told.append(n),
    )
    assert path.read_bytes() == BODY
    assert entries(tmp_path / "new") == {"a.zip"}
    assert told[-1] == (len(BODY), len(BODY))
    assert [have for have, _ in told] == sorted(have for have, _ in told)


def test_what_is_there_and_right_is_not_asked_for_again(server, tmp_path):
    (tmp_path / "a.zip").write_bytes(BODY)
    get(server, tmp_path, sha256=HASH)
    get(server, tmp_path)
    assert server.seen == []


@pytest.mark.parametrize(
    "known", [{"sha256": HASH}, {"size": len(BODY)}, {"check": lambda path: "" if path.read_bytes() == BODY else "no"}]
)
def test_what_is_there_and_wrong_is_replaced(server, tmp_path, known):
    (tmp_path / "a.zip").write_bytes(BODY[:-1])
    assert get(server, tmp_path, **known).read_bytes() == BODY


@pytest.mark.parametrize("fault", [("cut", 300_000), ("stall", 300_000)])
def test_it_goes_on_from_where_it_was_broken_off(server, tmp_path, fault):
    server.faults = [fault]
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    first, second = server.asked
    assert first is None
    assert 200_000 < int(second.removeprefix("bytes=").rstrip("-")) <= 300_000
    assert server.seen[1][2] == f'"{hashlib.md5(BODY).hexdigest()}"'


def test_another_run_goes_on_too(server, tmp_path, pauses):
    server.faults = [("cut", CUT), *[("drop",)] * 2]
    with pytest.raises(TamrlError, match=r"broke off, 3 times in a row .*resumes where it stopped"):
        get(server, tmp_path)
    assert entries(tmp_path) == {".fetch", ".fetch/a.zip.part", ".fetch/a.zip.note"}
    assert pauses == [0.01, 0.02]
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == f"bytes={CUT}-"
    assert entries(tmp_path) == {"a.zip"}


def test_failures_with_progress_between_them_are_not_in_a_row(server, tmp_path, pauses):
    server.faults = [("cut", 2 * 65_536)] * 7
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert pauses == [0.01] * 7


def test_a_file_that_has_changed_meanwhile_is_not_glued_to_the_old_part(server, tmp_path, pauses):
    server.faults = [("cut", CUT), *[("drop",)] * 2]
    with pytest.raises(TamrlError):
        get(server, tmp_path)
    server.bodies["/a.zip"] = BODY[::-1]
    assert get(server, tmp_path).read_bytes() == BODY[::-1]


def test_without_ranges_it_begins_anew_and_ends_all_the_same(server, tmp_path, pauses):
    server.ranges = False
    server.faults = [("cut", 700_000)]
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    server.bodies["/a.zip"] = BODY + b"!"
    server.faults = [("cut", 700_000)] * 20
    (tmp_path / "a.zip").unlink()
    with pytest.raises(TamrlError, match="in a row"):
        get(server, tmp_path)
    assert len(server.faults) >= 16


@pytest.mark.parametrize(("known", "second"), [({}, None), ({"sha256": HASH}, f"bytes={CUT}-")])
def test_without_a_tag_it_goes_on_only_where_the_hash_will_tell(server, tmp_path, known, second):
    server.tags = False
    server.faults = [("cut", CUT)]
    assert get(server, tmp_path, **known).read_bytes() == BODY
    assert server.asked == [None, second]


def test_a_part_that_is_whole_already_is_only_checked(server, tmp_path):
    folder = tmp_path / ".fetch"
    folder.mkdir()
    (folder / "a.zip.part").write_bytes(BODY)
    (folder / "a.zip.note").write_text(json.dumps({"url": f"{server.url}/a.zip", "validator": ""}))
    (folder / "tmp1234").write_bytes(b"of a process that was killed")
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-"]
    assert entries(tmp_path) == {"a.zip"}


@pytest.mark.parametrize("note", ["", "[]", '{"url": "http://elsewhere/a.zip", "validator": "x"}', '{"url": 1}'])
def test_a_part_of_another_file_is_not_gone_on_from(server, tmp_path, note):
    folder = tmp_path / ".fetch"
    folder.mkdir()
    (folder / "a.zip.part").write_bytes(b"x" * 1000)
    (folder / "a.zip.note").write_text(note)
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.asked == [None]


def test_a_part_that_is_longer_than_the_file_is_dropped(server, tmp_path):
    folder = tmp_path / ".fetch"
    folder.mkdir()
    (folder / "a.zip.part").write_bytes(BODY + b"more")
    (folder / "a.zip.note").write_text(json.dumps({"url": f"{server.url}/a.zip", "validator": ""}))
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY) + 4}-", None]


@pytest.mark.parametrize("said", ["bytes 5-9/1024000", "bytes */1024000", "bytes ²-9/9", "nonsense", ""])
def test_another_part_than_was_asked_for_is_not_taken(server, tmp_path, said):
    server.faults = [("cut", CUT), ("answer", 206, {"Content-Range": said})]
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert server.asked == [None, f"bytes={CUT}-", None]


def test_redirects_are_followed_with_the_cookie_of_a_licence_page(server, tmp_path):
    server.bodies["/objects/one"] = BODY
    server.faults = [None, ("cut", CUT)]
    remote = Remote(url=f"{server.url}/licence_accept?ids=%5B%22one%22%5D", sha256=HASH)
    assert fetch(remote, tmp_path / "a.zip", patience=HASTY).read_bytes() == BODY
    assert [seen[:2] for seen in server.seen[2:]] == [
        ("/licence_accept?ids=%5B%22one%22%5D", f"bytes={CUT}-"),
        ("/objects/one", f"bytes={CUT}-"),
    ]


def test_a_pause_that_the_server_asks_for_is_made(server, tmp_path, pauses):
    server.faults = [("answer", 429, {"Retry-After": "17"}), ("answer", 500), ("answer", 503, {"Retry-After": "later"})]
    assert get(server, tmp_path, Patience(pause_s=2)).read_bytes() == BODY
    assert pauses == [17, 4, 8]


def test_a_pause_that_is_too_long_ends_the_download(server, tmp_path, pauses):
    server.faults = [("answer", 429, {"Retry-After": "3600"})]
    with pytest.raises(TamrlError, match=r"fewer requests; it asks to wait for 60 minutes \(a.zip from 127"):
        get(server, tmp_path)
    assert pauses == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_it_is_asked_a_few_times_only(server, tmp_path, pauses, status):
    server.faults = [("answer", status)] * 20
    with pytest.raises(TamrlError, match=r"3 times in a row .*Run the same command again later"):
        get(server, tmp_path)
    assert len(server.seen) == 3
    assert pauses == [0.01, 0.02]
    assert entries(tmp_path) <= {".fetch"}


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refuses"), (403, "refuses"), (404, "no longer there"), (410, "no longer there"), (418, "answered 418")],
)
def test_a_refusal_is_not_asked_again(server, tmp_path, status, words):
    server.faults = [("answer", status)]
    with pytest.raises(TamrlError, match=words):
        get(server, tmp_path)
    assert len(server.seen) == 1


def test_a_redirect_in_a_circle_and_addresses_that_are_none(server, tmp_path):
    server.faults = [("answer", 302, {"Location": "/a.zip"})] * 60
    for url in (f"{server.url}/a.zip", "ftp://example.org/a.zip", "a.zip", "http://"):
        with pytest.raises(TamrlError, match="address is not valid"):
            fetch(Remote(url=url), tmp_path / "a.zip", patience=HASTY)


def test_wrong_bytes_are_refused_and_not_kept(server, tmp_path):
    server.bodies["/a.zip"] = BODY[:-1] + b"?"
    with pytest.raises(TamrlError, match="not the published file: its hash does not match"):
        get(server, tmp_path, sha256=HASH)
    assert entries(tmp_path) <= {".fetch"}
    server.bodies["/a.zip"] = BODY
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert server.asked == [None, None]


def test_a_check_of_the_caller_counts_as_much(server, tmp_path):
    with pytest.raises(TamrlError, match="not the published file: it is no zip"):
        get(server, tmp_path, check=lambda path: "it is no zip")
    assert entries(tmp_path) <= {".fetch"}


def test_another_size_is_refused_before_the_bytes_come(server, tmp_path):
    with pytest.raises(TamrlError, match="1,024,000 bytes instead of 7"):
        get(server, tmp_path, size=7)
    with pytest.raises(TamrlError, match="larger than 0 MB"):
        get(server, tmp_path, most_bytes=1000)
    assert entries(tmp_path) <= {".fetch"}


def test_a_web_page_is_no_file(server, tmp_path):
    server.types["/a.zip"] = "text/html; charset=utf-8"
    with pytest.raises(TamrlError, match=r"A web page came in place of the file .*log in"):
        get(server, tmp_path)


def test_offline_is_told_in_words_at_once(tmp_path, pauses, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,no-such-host.invalid")
    with socket.socket() as free:  # bound, but nothing listens
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.zip"
        with pytest.raises(
            UnreachableError, match=r"127.0.0.1:\d+ cannot be reached .*Check that this computer is online"
        ):
            fetch(Remote(url=url), tmp_path / "a.zip", patience=HASTY)
    assert pauses == [0.01]
    monkeypatch.setattr(socket, "getaddrinfo", raising(socket.gaierror(-3, "Temporary failure in name resolution")))
    with pytest.raises(UnreachableError, match=r"no-such-host.invalid cannot be reached"):
        fetch(Remote(url="https://no-such-host.invalid/a.zip"), tmp_path / "a.zip", patience=HASTY)


def raising(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_a_proxy_that_is_not_there_is_named(tmp_path, pauses, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="proxy"):
        fetch(Remote(url="http://example.org/a.zip"), tmp_path / "a.zip", patience=HASTY)


def test_a_disk_that_is_too_small_is_told_before_the_bytes_come(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 1000))
    with pytest.raises(TamrlError, match=r"disk is too small: 0.00 GB are needed"):
        get(server, tmp_path)


def test_a_disk_without_hard_links_will_do(server, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", raising(OSError("not here")))
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert entries(tmp_path) == {"a.zip"}


def test_ctrl_c_leaves_a_part_to_go_on_from(server, tmp_path):
    def stop(have, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(Remote(url=f"{server.url}/a.zip"), tmp_path / "a.zip", patience=HASTY, on_bytes=stop)
    assert (tmp_path / ".fetch" / "a.zip.part").stat().st_size > 0
    assert not (tmp_path / "a.zip").exists()
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.asked[1].startswith("bytes=")


def test_a_process_that_is_killed_at_the_last_step_loses_nothing(server, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", raising(SystemExit("killed")))
        with pytest.raises(SystemExit):
            get(server, tmp_path, sha256=HASH)
    assert not (tmp_path / "a.zip").exists()
    assert get(server, tmp_path, sha256=HASH).read_bytes() == BODY
    assert server.asked == [None, f"bytes={len(BODY)}-"]
    assert entries(tmp_path) == {"a.zip"}


def test_two_at_once_do_not_write_the_same_part(server, tmp_path):
    with download.locked(tmp_path / "fetch"), pytest.raises(TamrlError, match="Another process is writing here"):
        get(server, tmp_path)


def test_pauses_are_read_as_seconds_or_a_date():
    assert retry_after("120") == 120
    soon = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert 80 < soon <= 90
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0
    far = "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"
    assert [retry_after(text) for text in (None, "", "soon", "-5", "²", "1e9", far)] == [None] * 7


@given(st.text(max_size=40))
def test_any_header_is_a_pause_or_none(text):
    pause = retry_after(text)
    assert pause is None or pause >= 0
