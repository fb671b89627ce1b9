import json
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_files import bif, name, values, write_dd, write_table, write_zip

from tamrl import schema
from tamrl.cli.main import main
from tamrl.errors import TamrlError
from tamrl.towers.archive import load_archive, record
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


@pytest.fixture
def space(tmp_path):
    return Workspace.create(tmp_path / "workspace")


def run(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["ingest", *map(str, arguments)])
    return result.exit_code, result.output


def status(result) -> dict[str, str]:
    return {item.path.name: item.status for item in result.items}


def test_tables_and_csv_go_into_one_archive(tmp_path, space):
    table = write_table(tmp_path / "table", {"AT-Aaa": 20, "DE-Bbb": 20})
    csv = write_dd(tmp_path / (name("CH-Ccc") + ".gz"))
    result = ingest([table, csv], space)
    assert result.ok
    assert list(result.summary["site"]) == ["AT-Aaa", "CH-Ccc", "DE-Bbb"]
    ds = space.archive()
    assert ds.sizes["site"] == 3
    assert (ds["P_MON"].sel(site="CH-Ccc", time="2010-01") == 2.0).all()
    row = result.summary.set_index("site").loc["CH-Ccc"]
    assert (row["days"], row["first"], row["last"]) == (40, "2010-01-01", "2010-02-09")
    assert row["missing_GPP"] == 0
    assert np.isnan(row["missing_CO2"])
    entry = space.provenance()[-1]
    assert entry["command"] == "ingest"
    assert {len(part["sha256"]) for part in entry["inputs"]} == {64}
    assert ["CH-Ccc"] in [part["towers"] for part in entry["inputs"]]


def test_ingesting_again_replaces_and_never_duplicates(tmp_path, space):
    path = write_dd(tmp_path / name("CH-Ccc"))
    ingest([path, write_dd(tmp_path / name("AT-Aaa"))], space)
    longer = write_dd(path, days=50)
    result = ingest([longer], space)
    assert list(result.summary["action"]) == ["replaced"]
    ds = space.archive()
    assert list(ds["site"].values) == ["AT-Aaa", "CH-Ccc"]
    assert record(ds, "CH-Ccc").sizes["time"] == 50
    assert record(ds, "AT-Aaa").sizes["time"] == 40
    assert result.n_sites == 2


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["AT-Aaa", "BE-Bbb", "CH-Ccc"]), st.integers(1, 15)), min_size=1, max_size=3))
def test_ingesting_twice_is_ingesting_once(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("twice")
    sources = [write_dd(folder / str(i) / name(site), days=days) for i, (site, days) in enumerate(files)]
    once, twice = Workspace.create(folder / "once"), Workspace.create(folder / "twice")
    ingest(sources, once)
    ingest(sources, twice)
    ingest(sources, twice)
    first, second = once.archive().load(), twice.archive().load()
    xr.testing.assert_equal(first, second)
    assert len(set(second["site"].values)) == second.sizes["site"] == len({site for site, _ in files})


def test_one_tower_in_two_files_is_taken_once_from_the_longer(tmp_path, space):
    write_dd(tmp_path / "a" / name("AT-Aaa"), days=60)
    write_dd(tmp_path / "b" / name("AT-Aaa"), days=30)
    result = ingest([tmp_path / "a", tmp_path / "b"], space)
    assert result.summary["days"].tolist() == [60]
    assert "also in" in result.summary["notes"].iloc[0]


def test_zip_as_published_with_its_bif(tmp_path, space):
    text = values().to_csv(index=False)
    prefix = "AMF_US-Zzz_FLUXNET"
    members = {
        f"{prefix}_FLUXMET_DD_2010-2010_v1.2_r1.csv": text,
        f"{prefix}_FLUXMET_HH_2010-2010_v1.2_r1.csv": "TIMESTAMP_START,TIMESTAMP_END\n",
        f"{prefix}_ERA5_DD_1981-2010_v1.2_r1.csv": "TIMESTAMP,TA_ERA\n20100101,1\n",
        f"{prefix}_BIFVARINFO_DD_2010-2010_v1.2_r1.csv": "SITE_ID,GROUP_ID\n",
        f"{prefix}_BIF_2010-2010_v1.2_r1.csv": bif("US-Zzz", 40.25, -80.5, "DBF"),
        "README.txt": "made for a test",
    }
    result = ingest([write_zip(tmp_path / f"{prefix}_2010-2010_v1.2_r1.zip", members)], space)
    assert result.ok
    tower = record(space.archive(), "US-Zzz")
    assert (tower["lat"].item(), tower["lon"].item(), tower["igbp"].item()) == (40.25, -80.5, "DBF")
    assert tower["koeppen"].item() == schema.UNKNOWN
    assert tower["name"].item() == "Written, for a test"


def test_zips_that_cannot_be_read_are_named(tmp_path, space):
    whole = write_zip(tmp_path / "FLX_AT-Aaa_ok.zip", {name("AT-Aaa"): values(days=300).to_csv(index=False)})
    cut = tmp_path / "FLX_DE-Bbb_cut.zip"
    cut.write_bytes(whole.read_bytes()[:500])
    none = write_zip(tmp_path / "FLX_US-Ccc_months.zip", {name("US-Ccc", step="MM"): "TIMESTAMP\n201001\n"})
    rotten = tmp_path / "FLX_CH-Ddd_rot.zip"
    content = bytearray(whole.read_bytes())
    content[200:260] = bytes(60)
    rotten.write_bytes(content)
    result = ingest([whole, cut, none, rotten], space)
    assert not result.ok
    assert status(result) == {whole.name: "ingested", cut.name: "failed", none.name: "failed", rotten.name: "failed"}
    reasons = " ".join(item.reason for item in result.items)
    assert "cut off or damaged" in reasons
    assert "no daily (DD), half-hourly (HH) or hourly (HR) file, only MM" in reasons


def test_positions_come_from_sites_then_bif_then_the_archive(tmp_path, space):
    csv = write_dd(tmp_path / "in" / name("AT-Aaa"))
    given = tmp_path / "mine.csv"
    given.write_text("site,lat,lon,igbp,koeppen,name\nAT-Aaa,1,2,GRA,Cfb,Mine\n")
    first = ingest([csv], space)
    assert not bool(first.summary["position"].iloc[0])
    ingest([csv], space, sites=given)
    assert record(space.archive(), "AT-Aaa")["lat"].item() == 1
    again = ingest([csv], space)  # kept from the archive
    assert bool(again.summary["position"].iloc[0])
    assert record(space.archive(), "AT-Aaa")["koeppen"].item() == "Cfb"
    (tmp_path / "in" / "sites.csv").write_text("site,lat,lon\nAT-Aaa,5,6\n")
    ingest([csv], space)  # beside the file
    tower = record(space.archive(), "AT-Aaa")
    assert (tower["lat"].item(), tower["igbp"].item()) == (5, "GRA")
    other = Workspace.create(tmp_path / "other")
    ingest([csv, given], other)  # as a source
    assert record(other.archive(), "AT-Aaa")["name"].item() == "Mine"


def test_siblings_in_a_folder_are_skipped_but_explicit_files_fail(tmp_path):
    folder = tmp_path / "in"
    write_dd(folder / name("AT-Aaa"))
    monthly = folder / name("AT-Aaa", step="MM")
    monthly.write_text("TIMESTAMP,NEE_VUT_REF\n201001,1\n")
    (folder / "FLX_AT-Aaa_FLUXNET2015_AUXNEE_2010-2010_1-4.csv").write_text("ID,VARIABLE\n")
    (folder / "README.md").write_text("words")
    code, text = run(folder, "-w", tmp_path / "w")
    assert code == 0
    assert "it is monthly (MM)" in text
    assert "Towers added: 1," in text
    code, text = run(monthly, "-w", tmp_path / "w")
    assert code == 1
    assert "FAILED" in text
    assert "Nothing was ingested" in text


def test_a_tower_in_a_folder_without_its_daily_file_is_a_failure(tmp_path):
    write_dd(tmp_path / "in" / name("AT-Aaa"))
    (tmp_path / "in" / name("DE-Bbb", step="MM")).write_text("TIMESTAMP,NEE_VUT_REF\n201001,1\n")
    code, text = run(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 1
    assert "it is monthly (MM)" in text
    assert load_archive(tmp_path / "w" / "archive.zarr").sizes["site"] == 1


def test_what_fails_is_named_and_the_others_go_in(tmp_path):
    good = write_dd(tmp_path / name("AT-Aaa"))
    empty = tmp_path / name("DE-Emp")
    empty.write_bytes(b"")
    modis = tmp_path / "CH-Lae_MCD15A3H_gee_subset.csv"
    modis.write_text("id,longitude,latitude,date,Fpar\n1,2,3,4,5\n")
    (tmp_path / "nothing").mkdir()
    code, text = run(good, empty, modis, tmp_path / "nothing", tmp_path / "gone.csv", "-w", tmp_path / "w")
    assert code == 1
    for part in ("The file is empty", "its columns are id", "the folder is empty", "no such file", "Towers added: 1,"):
        assert part in text


def test_a_table_of_citations_in_a_folder_is_skipped_but_explicit_it_fails(tmp_path):
    folder = write_table(tmp_path / "in", {"AT-Aaa": 5})
    (folder / "citations.csv").write_text("site,doi,policy\nAT-Aaa,10.18140/FLX/1,CC-BY-4.0\n")
    code, text = run(folder, "-w", tmp_path / "w")
    assert code == 0
    assert "citations.csv: it describes towers" in text
    assert run(folder / "citations.csv", "-w", tmp_path / "w")[0] == 1


def test_the_audit_is_kept_in_brief_in_the_provenance(tmp_path, space):
    ingest([write_dd(tmp_path / name("AT-Aaa"))], space)
    kept = space.provenance()[-1]["audit"]
    assert kept["NEE and RECO - GPP"] == {"towers": 1, "contradicting": 0.0, "median": 0.0}


def test_kelvin_fails_the_variable_loudly(tmp_path):
    table = values().assign(TA_F=288.0)
    code, text = run(write_dd(tmp_path / name("AT-Aaa"), table), "-w", tmp_path / "w")
    assert code == 1
    assert "likely kelvin" in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "AT-Aaa")
    assert tower["TA"].isnull().all()
    assert tower["GPP"].notnull().all()


def test_a_file_of_missing_values_only_does_not_become_a_tower(tmp_path, space):
    table = values()
    table.iloc[:, 1:] = -9999
    result = ingest([write_dd(tmp_path / name("AT-Aaa"), table), write_dd(tmp_path / name("DE-Bbb"))], space)
    assert not result.ok
    assert result.failures == [f"AT-Aaa: {name('AT-Aaa')} (VUT_REF) holds no value at all"]
    assert list(space.archive()["site"].values) == ["DE-Bbb"]


def test_the_text_shows_missing_shares_values_set_aside_and_what_to_do(tmp_path):
    table = values(days=100)
    table.loc[:24, "NEE_VUT_REF"] = -9999
    table.loc[50, "GPP_NT_VUT_REF"] = 77.0
    table.loc[60:, "RECO_NT_VUT_REF"] += 0.5
    code, text = run(write_dd(tmp_path / name("AT-Aaa"), table), "-w", tmp_path / "w")
    assert code == 0
    head, row = text.splitlines()[1:3]
    cells = dict(zip(head.split(), row.split(), strict=False))
    assert (cells["days"], cells["NEE"], cells["GPP"], cells.get("CO2", ".")) == ("100", "25", "1", ".")
    assert row.endswith("GPP 1")
    assert "outside -4 to 30 gC m-2 d-1" in text
    assert "NEE = RECO - GPP is not closed within" in text
    assert "give --sites FILE" in text


def test_replacing_by_a_poorer_version_is_said(tmp_path, space):
    ingest([write_table(tmp_path / "t", {"AT-Aaa": 20})], space)
    result = ingest([write_dd(tmp_path / name("AT-Aaa"))], space)
    assert "replaces a version that had LAI, EVI" in result.summary["notes"].iloc[0]
    shorter = ingest([write_dd(tmp_path / name("AT-Aaa"), days=30)], space)
    assert "replaces a longer version of 40 days" in shorter.summary["notes"].iloc[0]


def test_workspaces_and_zarr_stores_inside_a_folder_are_passed_over(tmp_path):
    write_dd(tmp_path / "in" / name("AT-Aaa"))
    inside = tmp_path / "in" / "w"
    assert run(tmp_path / "in", "-w", inside)[0] == 0
    code, text = run(tmp_path / "in", "-w", inside)
    assert code == 0
    assert "a Zarr store or a workspace" in text
    assert "Towers added: 0, replaced: 1" in text


def test_a_read_only_or_simulated_workspace_is_refused(tmp_path):
    simulated = Workspace.create(tmp_path / "sim", simulated=True)
    csv = write_dd(tmp_path / name("AT-Aaa"))
    code, text = run(csv, "-w", simulated.path)
    assert code == 1
    assert "holds simulated towers" in text
    with pytest.raises(TamrlError, match="read-only"):
        ingest([csv], Workspace(tmp_path, "x", read_only=True))


def test_module_runs_and_help_needs_no_heavy_import(tmp_path):
    csv = write_dd(tmp_path / name("AT-Aaa"))
    command = [sys.executable, "-m", "tamrl", "ingest", str(csv), "--workspace", str(tmp_path / "w")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads((tmp_path / "w" / "provenance.json").read_text())[0]["inputs"][0]["towers"] == ["AT-Aaa"]
    code = "import sys; from tamrl.cli.main import main; main(['-h'], standalone_mode=False)"
    code += "; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ingest" in done.stdout
    assert done.stdout.strip().endswith("False")


def test_all_real_towers_are_ingested(shared_data, tmp_path):
    code, text = run(shared_data / "fluxnet2015", "-w", tmp_path / "w")
    assert code == 0
    assert "Towers added: 163, replaced: 0" in text
    assert "CA-Man       GPP   11 of 5479" in text
    ds = load_archive(tmp_path / "w" / "archive.zarr")
    assert ds.sizes == {"site": 163, "time": 8766}
    assert record(ds, "DE-Hai").sizes["time"] == 4749
    files = sum(len(names) for _, _, names in os.walk(tmp_path / "w" / "archive.zarr"))
    assert files < 150


def test_real_raw_folder_names_what_it_cannot_read(shared_data, tmp_path):
    code, text = run(shared_data / "raw", "--sites", shared_data / "fluxnet2015" / "sites.csv", "-w", tmp_path / "w")
    assert code == 1
    assert "Towers added: 22," in text
    failed = text[text.index("FAILED") :]
    assert "CH-Lae_MCD15A3H" in failed
    assert failed.count("csv:") == 1
    assert "AMF_US-CRT_BASE_HH_2-5.csv: its tower has FLX_US-CRT_FLUXNET2015_SUBSET_DD" in text
    assert "No position for US-xBA, US-xHA" in text
    ds = load_archive(tmp_path / "w" / "archive.zarr")
    assert record(ds, "AU-Lox")["igbp"].item() == "DBF"


def test_real_ameriflux_folder_alone_is_fine(shared_data, tmp_path):
    code, text = run(shared_data / "raw" / "ameriflux_fluxnet", "-w", tmp_path / "w")
    assert code == 0
    assert "Towers added: 2," in text
