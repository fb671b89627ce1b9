"""CarbonFluxBench from a server that answers as Hugging Face does."""

import pytest
from file_server import file_server
from hugging_face import API, SHA, publish
from huggingface_hub import constants

from tamrl.errors import TamrlError
from tamrl.system.patience import Patience, UnreachableError
from tamrl.towers.fetch import take
from tamrl.towers.fetch_carbonfluxbench import DATASET, FILES, carbonfluxbench

HASTY = Patience(connect_s=2, stall_s=0.3, tries=3, pause_s=0.01)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as files:
        publish(files)
        yield files


@pytest.mark.parametrize("folder", ["", "data/"])
def test_all_files_come_with_their_hashes_checked(server, tmp_path, folder):
    server.bodies.clear()
    publish(server, folder)
    offer = carbonfluxbench(server.url, HASTY)
    assert [item.name for item in offer.items] == list(FILES)
    assert offer.licence.startswith("mit. ")
    assert f"revision {SHA}" in offer.title
    server.faults = [None, ("cut", 65_536)]
    outcome = take(offer, tmp_path, patience=HASTY)
    assert outcome.failures == []
    for name in FILES:
        assert (tmp_path / name).read_bytes() == server.bodies[f"/datasets/{DATASET}/resolve/{SHA}/{folder}{name}"]
    assert "bytes=65536-" in server.asked
    assert all("token" not in path.lower() for path, *_ in server.seen)


@pytest.mark.parametrize("name", ["ERA5.parquet", "feature_sets.json"])
def test_wrong_bytes_are_refused_large_and_small(server, tmp_path, name):
    offer = carbonfluxbench(server.url, HASTY)
    path = f"/datasets/{DATASET}/resolve/{SHA}/{name}"
    server.bodies[path] = server.bodies[path][:-1] + b"?"
    outcome = take(offer, tmp_path, patience=HASTY)
    assert [item.name for item in outcome.done] == [other for other in FILES if other != name]
    assert outcome.failures[0].startswith("The download is not the published file: its hash does not match")
    assert not (tmp_path / name).exists()


def test_a_file_that_is_missing_is_named_and_the_card_may_be(server):
    publish(server, without=("ERA5.parquet",))
    with pytest.raises(TamrlError, match=r"has no ERA5.parquet"):
        carbonfluxbench(server.url, HASTY)
    publish(server, without=("README.md",), licence=None)
    offer = carbonfluxbench(server.url, HASTY)
    assert len(offer.items) == len(FILES) - 1
    assert offer.licence.startswith("the card of the data set names none. ")


def test_a_busy_hub_is_asked_again_a_few_times(server):
    server.faults = [("answer", 429, {"Retry-After": "0"}), ("answer", 500)]
    assert carbonfluxbench(server.url, HASTY).items
    server.faults = [("answer", 503)] * 9
    with pytest.raises(TamrlError, match="busy or under maintenance, 3 times in a row"):
        carbonfluxbench(server.url, HASTY)
    assert len(server.faults) == 6


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_data_set_that_was_closed_or_moved(server, status):
    server.faults = [("answer", status)]
    with pytest.raises(TamrlError, match=rf"refuses the data set \({status}\)"):
        carbonfluxbench(server.url, HASTY)


def test_a_page_that_asks_to_log_in_is_not_the_hub(server):
    server.bodies[API] = b"<html>Welcome to the airport</html>"
    with pytest.raises(TamrlError, match="The server that answered is not Hugging Face"):
        carbonfluxbench(server.url, HASTY)


def test_offline(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UnreachableError, match=r"127.0.0.1:1 cannot be reached .*computer is online"):
        carbonfluxbench("http://127.0.0.1:1", HASTY)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UnreachableError, match="Unset HF_HUB_OFFLINE"):
        carbonfluxbench("http://127.0.0.1:1", HASTY)
