"""CarbonFluxBench in its published layout: units, ids, repeated days, what is missing; and its memory."""

import json
import shutil
import subprocess
import sys

import carbonfluxbench_files as files
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.errors import TamrlError
from tamrl.towers.archive import load_archive
from tamrl.towers.readers import carbonfluxbench
from tamrl.towers.readers.carbonfluxbench import read_benchmark
from tamrl.towers.readers.long_table import Records, read_long
from tamrl.towers.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return folder, files.write(folder, towers=4)


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "copy")


def change(file, edit):
    table = pd.read_parquet(file)
    files.save(edit(table), file)


def test_the_towers_come_back_in_the_units_of_the_schema(made):
    folder, archive = made
    reading = read_benchmark(folder / carbonfluxbench.TARGETS)
    assert reading.failures == []
    assert [t.site for t in reading.towers] == archive.site.values.tolist()
    for tower in reading.towers:
        truth = archive.sel(site=tower.site).to_dataframe().loc[tower.table.index]
        assert tower.igbp == truth["igbp"].iloc[0]
        assert tower.koeppen == truth["koeppen"].iloc[0]
        assert tower.lat == pytest.approx(truth["lat"].iloc[0], abs=6e-4)
        assert tower.variant == "VUT_USTAR50"
        for name, far in {"TA": 1e-3, "TA_MIN": 1e-3, "TA_MAX": 1e-3, "SW_IN": 1e-2, "P": 1e-4, "LAI": 1e-4}.items():
            np.testing.assert_allclose(tower.table[name], truth[name], atol=far, err_msg=name)
        np.testing.assert_allclose(tower.table["VPD"], truth["VPD"], atol=0.02)
        for name in ("GPP", "RECO", "NEE", "NEE_QC"):
            np.testing.assert_array_equal(tower.table[name], truth[name])
            assert tower.table[name].notna().any()
        # The simulated EVI jumps from month to month, the lines between medians of 16 days do not.
        assert (tower.table["EVI"] - truth["EVI"]).abs().median() < 0.01
        assert tower.table["EVI"].mean() == pytest.approx(truth["EVI"].mean(), abs=0.01)


def test_it_says_what_was_made_of_what(made):
    notes = " ".join(read_benchmark(made[0] / carbonfluxbench.TARGETS).notes)
    assert "LAI is the sum of its high and low vegetation" in notes
    assert "no band for LW_IN, PA, SWC" in notes
    assert "surface_net_solar_radiation_sum, total_evaporation_sum have no variable here" in notes
    assert "read without the network before them" in notes
    assert "clouds of at most 0.1" in notes


@pytest.mark.parametrize(
    "written",
    [
        lambda days: days.dt.strftime("%Y%m%d").astype(int),
        lambda days: days.dt.strftime("%Y-%m-%d"),
        lambda days: days.dt.date,
        lambda days: days,
    ],
    ids=["number", "text", "date", "time"],
)
def test_dates_are_read_however_they_are_written(copy, written):
    before = read_benchmark(copy / carbonfluxbench.TARGETS).towers
    for name, column in ((carbonfluxbench.TARGETS, "TIMESTAMP"), (carbonfluxbench.WEATHER, "date")):
        change(copy / name, lambda t, c=column: t.assign(**{c: written(pd.to_datetime(t[c].astype(str)))}))
    for one, other in zip(before, read_benchmark(copy / carbonfluxbench.TARGETS).towers, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table)


def test_repeated_days_are_dropped_and_counted(copy):
    before = read_benchmark(copy / carbonfluxbench.TARGETS)

    def twice(table):
        return pd.concat([table, table.iloc[10:17].assign(**{table.columns[-1]: 0.5})], ignore_index=True)

    for name in (carbonfluxbench.TARGETS, carbonfluxbench.WEATHER, carbonfluxbench.REFLECTANCE):
        change(copy / name, twice)
    after = read_benchmark(copy / carbonfluxbench.TARGETS)
    for one, other in zip(before.towers, after.towers, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table)
    assert sum("7 repeated site-days rejected" in note for note in after.notes) == 3


def test_other_towers_and_days_of_the_features_are_passed_over(copy):
    before = read_benchmark(copy / carbonfluxbench.TARGETS)

    def more(table):
        other = table.iloc[:50].assign(site="AMF_ZZ-Zzz")
        early = table.iloc[:50].assign(date=[f"2001-01-{1 + i % 28:02}" for i in range(50)])
        return pd.concat([other, early, table], ignore_index=True)

    change(copy / carbonfluxbench.WEATHER, more)
    for one, other in zip(before.towers, read_benchmark(copy / carbonfluxbench.TARGETS).towers, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table)


def test_reflectances_in_steps_of_a_ten_thousandth_are_converted(copy):
    before = read_benchmark(copy / carbonfluxbench.TARGETS)
    bands = [f"sur_refl_b{i:02}" for i in range(1, 8)]
    change(
        copy / carbonfluxbench.REFLECTANCE, lambda t: t.assign(**{b: (t[b] * 1e4).round().astype(int) for b in bands})
    )
    after = read_benchmark(copy / carbonfluxbench.TARGETS)
    for one, other in zip(before.towers, after.towers, strict=True):
        np.testing.assert_allclose(one.table["EVI"], other.table["EVI"], atol=1e-3)
    assert any("steps of 0.0001" in note for note in after.notes)


@pytest.mark.parametrize("name", [carbonfluxbench.WEATHER, carbonfluxbench.REFLECTANCE])
def test_a_missing_file_is_told_and_costs_no_tower(copy, name):
    (copy / name).unlink()
    reading = read_benchmark(copy / carbonfluxbench.TARGETS)
    assert len(reading.towers) == 4
    (said,) = reading.failures
    assert said.startswith(f"{name} is not beside")
    assert "tamrl fetch carbonfluxbench" in said


def test_without_classes_and_with_damaged_ones(copy):
    for name in carbonfluxbench.KOEPPEN:
        (copy / name).unlink()
    reading = read_benchmark(copy / carbonfluxbench.TARGETS)
    assert any("no Köppen class" in said for said in reading.failures)
    assert {t.koeppen for t in reading.towers} == {"unknown"}
    (copy / carbonfluxbench.KOEPPEN[1]).write_text(json.dumps({"FLX_" + reading.towers[0].site: "D"}))
    assert read_benchmark(copy / carbonfluxbench.TARGETS).towers[0].koeppen == "D"
    (copy / carbonfluxbench.KOEPPEN[1]).write_text("[1, 2")
    (said,) = read_benchmark(copy / carbonfluxbench.TARGETS).failures
    assert "not a table of names" in said


def test_a_missing_column_and_a_damaged_file_are_told(copy):
    (copy / carbonfluxbench.WEATHER).write_bytes(b"PAR1 no table")
    change(copy / carbonfluxbench.REFLECTANCE, lambda t: t.drop(columns="clouds"))
    failures = read_benchmark(copy / carbonfluxbench.TARGETS).failures
    assert any("not a readable parquet file" in said for said in failures)
    assert any("no EVI, since the table lacks clouds" in said for said in failures)
    change(copy / carbonfluxbench.TARGETS, lambda t: t.drop(columns=["IGBP", "NEE_VUT_USTAR50_QC"]))
    with pytest.raises(TamrlError, match="lack IGBP, NEE_VUT_USTAR50_QC"):
        read_benchmark(copy / carbonfluxbench.TARGETS)


def test_a_table_of_other_towers_and_cells_that_are_no_numbers_are_told(tmp_path):
    records = Records(("DE-Tha",), np.array([14610]), np.array([3]))
    table = pd.DataFrame({"site": "FLX_US-Ha1", "date": ["2010-01-01"], "a": [1.0]})
    files.save(table, tmp_path / "t.parquet")
    with pytest.raises(TamrlError, match="no row on a day with fluxes"):
        read_long(tmp_path / "t.parquet", ["a"], records, [])
    files.save(table.assign(site="DE-Tha", a="much"), tmp_path / "t.parquet")
    with pytest.raises(TamrlError, match="much"):
        read_long(tmp_path / "t.parquet", ["a"], records, [])
    files.save(table.assign(site=None), tmp_path / "t.parquet")
    with pytest.raises(TamrlError, match="no readable date or site"):
        read_long(tmp_path / "t.parquet", ["a"], records, [])
    files.save(table.assign(site=pd.Categorical(["DE-Tha"]), a=[np.nan]), tmp_path / "t.parquet")
    found = read_long(tmp_path / "t.parquet", ["a", "b"], records, [])
    assert list(found) == ["a"]
    assert np.isnan(found["a"]).all()


@pytest.mark.parametrize("inside", ["", "data"])
def test_the_command_takes_the_folder(made, tmp_path, inside):
    source = tmp_path / "cfb"
    shutil.copytree(made[0], source / inside)
    if inside:  # as in a clone: tables in data/, lists above
        for name in (*carbonfluxbench.KOEPPEN, carbonfluxbench.FEATURES):
            (source / inside / name).rename(source / name)
    called = CliRunner().invoke(main, ["ingest", str(source), "-w", str(tmp_path / "w")])
    assert called.exit_code == 0, called.output
    archive = load_archive(Workspace.open(tmp_path / "w").archive_path)
    assert archive.sizes["site"] == 4
    assert set(archive.koeppen.values) <= set(made[1].koeppen.values)
    assert {"P_MON", "EVI", "SW_IN"} <= set(archive.data_vars)
    inputs = Workspace.open(tmp_path / "w").provenance()[-1]["inputs"]
    assert {"ERA5.parquet", "MOD09GA.parquet", "target_fluxes_v2.parquet"} <= {i["path"].split("/")[-1] for i in inputs}


def test_a_file_of_features_alone_is_refused(made, tmp_path):
    called = CliRunner().invoke(main, ["ingest", str(made[0] / "ERA5.parquet"), "-w", str(tmp_path / "w")])
    assert called.exit_code == 1
    assert "give that file, or their folder" in called.output


def test_the_generator_writes_what_is_published(made):
    names = pq.read_schema(made[0] / carbonfluxbench.WEATHER).names
    assert set(files.MINIMAL) < set(names)
    assert pq.ParquetFile(made[0] / carbonfluxbench.WEATHER).num_row_groups > 1


def test_memory_holds_the_wanted_columns_and_not_the_file(tmp_path):
    """A file of 160 MB in one row group, of which two columns are wanted: arrow never holds more than a small part."""
    days, sites, bands = 8000, 50, 50
    dates = np.tile(pd.date_range("2000-02-24", periods=days).strftime("%Y-%m-%d"), sites)
    names = np.repeat([f"XX-{i:03}" for i in range(sites)], days)
    values = {f"b{i}": np.random.default_rng(i).random(days * sites) for i in range(bands)}
    files.save(pd.DataFrame({"site": names, "date": dates, **values}), tmp_path / "t.parquet", days * sites)
    assert (tmp_path / "t.parquet").stat().st_size > 150e6
    first = int(np.datetime64("2000-02-24").astype("datetime64[D]").astype(int))
    program = f"""
import sys, numpy as np, pyarrow as pa
from pathlib import Path
from tamrl.towers.readers.long_table import Records, read_long
sites = tuple(f"XX-{{i:03}}" for i in range({sites}))
records = Records(sites, np.full({sites}, {first}), np.full({sites}, {days}))
found = read_long(Path(sys.argv[1]), ["b3", "b7"], records, [])
print(pa.default_memory_pool().max_memory(), found["b3"][0], found["b7"][-1])
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "t.parquet")]
    peak, b3, b7 = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split()
    assert int(peak) < 15e6 + 2 * 8 * days * sites
    assert float(b3) == pytest.approx(values["b3"][0], rel=1e-6)
    assert float(b7) == pytest.approx(values["b7"][-1], rel=1e-6)
