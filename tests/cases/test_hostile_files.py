"""Broken and hostile inputs of ingest: one message with file, cause and remedy, nothing written, never stuck."""

import gzip
import os
import socket
import zipfile

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from tower_files import bif, name, values, write_dd, write_table, write_zip

from tamrl.cli.main import main
from tamrl.towers.readers import limits
from tamrl.towers.workspace import Workspace

SITE = "AT-Aaa"


def run(*sources, to) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["ingest", *map(str, sources), "-w", str(to)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert not any(ord(ch) < 32 and ch not in "\n\t" for ch in done.output)
    return done.exit_code, done.output


def refused(*sources, to) -> str:
    """Run, and make sure that it was refused, with the file named and nothing written but an empty workspace."""
    code, text = run(*sources, to=to)
    assert code == 1
    assert "Nothing was ingested" in text
    assert str(os.path.basename(sources[0]))[:20] in text
    assert not (to / "archive.zarr").exists()
    assert Workspace.open(to).provenance() == []
    return text


def pipe(folder):
    path = folder / name(SITE)
    os.mkfifo(path)
    return path, "a pipe"


def folder(folder):
    (folder / name(SITE)).mkdir()
    return folder / name(SITE), "the folder is empty"


def endless(folder):
    (folder / name(SITE)).symlink_to("/dev/zero")
    return folder / name(SITE), "a device"


def nowhere(folder):
    (folder / name(SITE)).symlink_to(folder / "gone")
    return folder / name(SITE), "no such file"


def long_name(folder):
    return folder / ("x" * 300 + ".csv"), "cannot be read"


def utf16(folder):
    path = folder / name(SITE)
    path.write_bytes(values().to_csv(index=False).encode("utf-16"))
    return path, "Save it as UTF-8"


def sheet(folder):
    path = folder / name(SITE)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    return path, "spreadsheet"


def junk(folder):
    path = folder / name(SITE)
    path.write_bytes(np.random.default_rng(1).bytes(10_000))
    return path, "no column TIMESTAMP"


def long_line(folder):
    path = write_dd(folder / name(SITE))
    with path.open("ab") as out:
        out.write(b"9" * 200_000)
    return path, "has a line of more than"


def gz_bomb(folder):
    path = folder / (name(SITE) + ".gz")
    path.write_bytes(gzip.compress(values().to_csv(index=False).encode() + b"\n" * 3_000_000))
    return path, "holds more than"


def many_rows(folder):
    path = folder / (name(SITE) + ".gz")
    path.write_bytes(gzip.compress(b"TIMESTAMP,NEE_VUT_REF\n" + b"20100101,1\n" * 30_000))
    return path, "rows"


def zip_bomb(folder):
    path = folder / f"FLX_{SITE}_FLUXNET2015_SUBSET_2010-2010_1-4.zip"
    write_zip(path, {name(SITE): values().to_csv(index=False) + "\n" * 3_000_000})
    return path, "holds more than"


def parquet_bomb(folder):
    path = folder / "daily.parquet"
    rows = 70_000
    pd.DataFrame({"date": [20100101] * rows, "site": [SITE] * rows, "GPP_NT": [1.0] * rows}).to_parquet(path)
    return path, "too many for the memory"


@pytest.fixture
def small_limits(monkeypatch):
    """The same limits, in small, so that the files of the tests are small."""
    monkeypatch.setattr(limits, "LONGEST_LINE", 100_000)
    monkeypatch.setattr(limits, "MOST_ROWS", 20_000)
    monkeypatch.setattr(limits, "MOST_CELLS", 100_000)
    for opened in (limits.open_text, limits.open_member):
        monkeypatch.setattr(opened, "__defaults__", (1_000_000,))


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")
@pytest.mark.parametrize(
    "make",
    [
        pipe,
        folder,
        endless,
        nowhere,
        long_name,
        utf16,
        sheet,
        junk,
        long_line,
        gz_bomb,
        many_rows,
        zip_bomb,
        parquet_bomb,
    ],
)
def test_it_is_refused_with_the_reason_and_nothing_is_written(tmp_path, make, small_limits):
    path, reason = make(tmp_path)
    assert reason in refused(path, to=tmp_path / "w")


@pytest.mark.skipif(os.name == "nt", reason="pipes and sockets of POSIX")
def test_what_is_no_file_inside_a_folder_does_not_stop_the_others(tmp_path):
    folder = tmp_path / "in"
    write_dd(folder / name(SITE))
    os.mkfifo(folder / name("DE-Bbb"))
    os.mkfifo(folder / "sites.csv")
    (folder / "again").symlink_to("..")
    (folder / "table.csv").mkdir()
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(folder / "s"))
        code, text = run(folder, to=tmp_path / "w")
    assert code == 1
    assert "Towers added: 1," in text
    assert text.count("This is a pipe, not a file") == 2
    assert "a link to a folder, not followed" in text
    os.mkfifo(tmp_path / "daily.csv")
    os.mkfifo(tmp_path / "x.parquet")
    table = write_table(tmp_path, {"CH-Ccc": 5}) / "daily.parquet"
    assert run(table, to=tmp_path / "v")[0] == 0


def test_a_bomb_in_the_table_that_describes_the_tower_costs_that_table_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_ABOUT", 1_000_000)
    path = tmp_path / f"FLX_{SITE}_FLUXNET2015_SUBSET_2010-2010_1-4.zip"
    about = bif(SITE) + f"{SITE},1,GRP,OTHER,{'a' * 50}\n" * 40_000
    write_zip(path, {f"FLX_{SITE}_FLUXNET2015_BIF_20200501.csv": about, name(SITE): values().to_csv(index=False)})
    code, text = run(path, to=tmp_path / "w")
    assert code == 1
    assert "BIF_20200501.csv" in text
    assert "holds more than" in text
    assert "Towers added: 1," in text


def test_a_zip_of_very_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_MEMBERS", 50)
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as out:
        for i in range(60):
            out.writestr(f"{i}.txt", "")
    assert "The zip holds 60 files" in refused(path, to=tmp_path / "w")


@pytest.mark.skipif(os.name == "nt", reason="names of files are Unicode there")
def test_names_that_no_terminal_should_obey(tmp_path):
    odd = os.fsencode(str(tmp_path)) + b"/FLX_AT-Aaa_FLUXNET2015_SUBSET_DD_2010-2010_\xff\x1b[31m.csv"
    with open(odd, "wb") as out:
        out.write(values().to_csv(index=False).encode())
    code, text = run(tmp_path, to=tmp_path / "w")
    assert code == 0
    assert "Towers added: 1," in text
    entry = Workspace.open(tmp_path / "w").provenance()[-1]
    assert entry["inputs"][0]["path"].endswith("_\\xff\\x1b[31m.csv")
    bad = os.fsencode(str(tmp_path)) + b"/FLX_DE-Bbb_FLUXNET2015_SUBSET_DD_2010-2010_\xff\x1b[31m.csv"
    with open(bad, "wb") as out:
        out.write(b"TIMESTAMP\x1b[2J,x\n")
    code, text = run(tmp_path, to=tmp_path / "w")
    assert code == 1
    assert "\\x1b[31m" in text


def test_cells_of_text_are_counted_and_a_column_of_them_is_a_failure(tmp_path):
    table = values(days=200).astype(object)
    table.loc[10, "GPP_NT_VUT_REF"], table.loc[11, "TA_F"] = "#REF!", "n/a"
    code, text = run(write_dd(tmp_path / name(SITE), table), to=tmp_path / "w")
    assert code == 0
    assert "1 non-numeric cells rejected (GPP_NT_VUT_REF 1)" in text
    table["GPP_NT_VUT_REF"] = "missing"
    code, text = run(write_dd(tmp_path / name(SITE), table), to=tmp_path / "w")
    assert code == 1
    assert "GPP_NT_VUT_REF: 200 of 200 cells are not numbers, the first is 'missing'" in text
    assert "GPP is not derived, since a flux of this tower was rejected" in text


def test_lists_and_decimal_commas_in_a_table_are_named(tmp_path):
    folder = write_table(tmp_path / "t", {SITE: 40})
    table = pd.read_parquet(folder / "daily.parquet")
    table["GPP_NT"] = table["GPP_NT"].astype(str).str.replace(".", ",")
    table["RECO_NT"] = [[1.0]] * len(table)
    table.to_parquet(folder / "daily.parquet")
    code, text = run(folder, to=tmp_path / "w")
    assert code == 1
    assert "GPP: 40 of 40 cells are not numbers, the first is '5,0'" in text
    assert "RECO: 40 of 40 cells are not numbers" in text
