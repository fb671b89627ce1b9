"""``tamrl fetch``: what it shows, asks and says, against a server on this computer."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from file_server import file_server
from hugging_face import publish

from tamrl.cli.main import main
from tamrl.system import patience
from tamrl.towers import citations
from tamrl.towers.fetch_carbonfluxbench import FILES

NAME = "AMF_US-Ha1_FLUXNET_1991-2020_v1.3_r1.zip"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=lambda seconds: None))
    with file_server() as files:
        yield files


@pytest.fixture
def catalogue(server, tmp_path):
    """A snapshot of one tower, whose zip is on the server."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("README.txt", "of US-Ha1")
    server.bodies[f"/{NAME}"] = body.getvalue()
    cells = {
        "data_hub": "AmeriFlux",
        "site_id": "US-Ha1",
        "site_name": "Harvard\x1b[31m Forest",
        "first_year": "1991",
        "last_year": "2020",
        "download_link": f"{server.url}/{NAME}?=fluxnetshuttle",
        "fluxnet_product_name": NAME,
        "product_citation": "J. William Munger (2026), AmeriFlux FLUXNET-1F US-Ha1. https://doi.org/10.17190/AMF/1871137",
        "product_id": "10.17190/AMF/1871137",
    }
    path = tmp_path / "snapshot.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, cells)
        table.writeheader()
        table.writerow(cells)
    return path


def run(*words, **more):
    return CliRunner().invoke(main, ["fetch", *map(str, words)], **more)


def test_a_tower_comes_once_its_licence_is_accepted(server, catalogue, tmp_path):
    out = tmp_path / "towers"
    done = run("fluxnet", "US-Ha1", "--out", out, "--catalogue", catalogue, "--accept-licence")
    assert done.exit_code == 0, done.output
    assert "US-Ha1  1991-2020  AmeriFlux  Harvard" in done.output
    assert "\x1b" not in done.output
    assert "Licence: CC-BY-4.0" in done.output
    assert "J. William Munger (2026)" in done.output
    assert f"1 of 1 files are in {out}." in done.output
    assert f"tamrl ingest {out} --workspace" in done.output
    assert (out / NAME).read_bytes() == server.bodies[f"/{NAME}"]
    assert citations.load(out)["US-Ha1"].doi == "10.17190/AMF/1871137"
    again = run("fluxnet", "US-Ha1", "--out", out, "--catalogue", catalogue, "--accept-licence")
    assert again.exit_code == 0
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("n\n", "The licence was not accepted, nothing was downloaded."),
        ("\n", "The licence was not accepted, nothing was downloaded."),
        ("", "There was no answer, nothing was downloaded. Add --accept-licence to accept the licence."),
    ],
)
def test_without_a_yes_nothing_is_downloaded(server, catalogue, tmp_path, answer, words):
    done = run("fluxnet", "US-Ha1", "--out", tmp_path / "towers", "--catalogue", catalogue, input=answer)
    assert done.exit_code == 1
    assert "Do you accept this licence?" in done.output
    assert words in done.output
    assert server.seen == []
    assert not (tmp_path / "towers").exists()


def test_a_yes_at_the_prompt_is_enough(catalogue, tmp_path):
    done = run("fluxnet", "US-Ha1", "--out", tmp_path / "towers", "--catalogue", catalogue, input="y\n")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "towers" / NAME).is_file()


def test_offline_is_told_in_words(server, catalogue, tmp_path):
    done = run("fluxnet", "US-Ha1", "--catalogue", "http://127.0.0.1:1/snapshot.csv", "--accept-licence")
    assert done.exit_code == 1
    assert (
        "127.0.0.1:1 cannot be reached (catalogue.csv from 127.0.0.1:1). Check that this computer is online"
        in done.output
    )
    assert "Traceback" not in done.output
    catalogue.write_text(catalogue.read_text().replace(server.url, "http://127.0.0.1:1"))
    done = run("fluxnet", "US-Ha1", "--out", tmp_path / "towers", "--catalogue", catalogue, "--accept-licence")
    assert done.exit_code == 1
    assert f"127.0.0.1:1 cannot be reached ({NAME} from 127.0.0.1:1). Check that this computer is online" in done.output
    assert "0 of 1 files are in" in done.output
    assert "tamrl ingest" not in done.output


def test_a_tower_that_fails_gives_exit_status_1(server, catalogue, tmp_path):
    server.faults = [("answer", 404)]
    done = run("fluxnet", "US-Ha1", "--out", tmp_path / "towers", "--catalogue", catalogue, "--accept-licence")
    assert done.exit_code == 1
    assert "The file is no longer there" in done.output
    assert not (tmp_path / "towers" / "citations.csv").exists()


def test_wrong_usage_is_exit_status_2():
    assert run("fluxnet").exit_code == 2
    assert run("nothing").exit_code == 2


def test_carbonfluxbench_from_a_mirror_that_the_library_is_told_of(server, tmp_path):
    publish(server)
    line = [
        sys.executable,
        "-m",
        "tamrl",
        "fetch",
        "carbonfluxbench",
        "--out",
        str(tmp_path / "cfb"),
        "--accept-licence",
    ]
    told = {**os.environ, "HF_ENDPOINT": server.url, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(line, env=told, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Licence: mit. Its targets are FLUXNET towers" in done.stdout
    assert f"{len(FILES)} of {len(FILES)} files are in" in done.stdout
    assert {path.name for path in (tmp_path / "cfb").iterdir()} >= set(FILES)
