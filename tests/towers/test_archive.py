import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_files import tower

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.simulation.towers import simulate
from tamrl.system import storage
from tamrl.towers.archive import build, load_archive, merge, record, save_archive, validate
from tamrl.towers.checks import balance


def test_build_is_the_canonical_dataset():
    ds = build([tower("DE-Bbb", 10), tower("AT-Aaa", 5, "2010-01-08", lat=47.0, lon=11.0, igbp="GRA", koeppen="Dfb")])
    assert list(ds["site"].values) == ["AT-Aaa", "DE-Bbb"]
    assert ds["time"].dtype == np.dtype("datetime64[ns]")
    assert ds.sizes["time"] == 12
    assert {"GPP", "RECO", "NEE", "NEE_QC"} <= set(ds.data_vars)
    assert all(ds[name].dtype == np.float32 and ds[name].dims == ("site", "time") for name in ds.data_vars)
    assert ds["GPP"].attrs["units"] == "gC m-2 d-1"
    assert ds.attrs["Conventions"] == "CF-1.11"
    assert ds.attrs["simulated"] == 0
    assert np.isnan(ds["GPP"].sel(site="AT-Aaa").values[:7]).all()


def test_quality_and_fluxes_are_present_even_where_no_tower_has_them():
    one = tower("AT-Aaa")
    one.table = one.table[["TA"]]
    ds = build([one])
    assert all(np.isnan(ds[name].values).all() for name in ("GPP", "RECO", "NEE", "NEE_QC"))


def test_build_refuses_a_repeated_tower_and_an_unknown_column():
    with pytest.raises(TamrlError, match="tower twice"):
        build([tower("AT-Aaa"), tower("AT-Aaa")])
    odd = tower("AT-Aaa")
    odd.table["GPPX"] = 1.0
    with pytest.raises(TamrlError, match="Known variables"):
        build([odd])


def test_values_outside_bounds_become_missing_and_are_counted():
    one = tower("CA-Man")
    one.table.iloc[3, one.table.columns.get_loc("GPP")] = 76.0
    one.table.iloc[4, one.table.columns.get_loc("TA")] = np.inf
    ds, report = validate(build([one, tower("AT-Aaa")]))
    found = report.set_index(["site", "variable"])
    assert found.loc[("CA-Man", "GPP"), "n_outside"] == 1
    assert found.loc[("CA-Man", "GPP"), "highest"] == 76.0
    assert found.loc[("CA-Man", "TA"), "n_outside"] == 1
    assert len(report) == 2
    gpp, nee = ds["GPP"].sel(site="CA-Man"), ds["NEE"].sel(site="CA-Man")
    assert np.isnan(gpp.values[3])
    assert gpp.notnull().sum() == 29
    assert nee.notnull().all()  # the other fluxes of that day stay


@pytest.mark.parametrize(
    ("name", "factor", "offset", "unit"), [("TA", 1, 273.15, "kelvin"), ("NEE_QC", 100, 0, "percent")]
)
def test_a_variable_in_another_unit_fails_loudly(name, factor, offset, unit):
    one = tower("AT-Aaa")
    one.table[name] = one.table[name] * factor + offset
    ds, report = validate(build([one]))
    row = report.iloc[0]
    assert bool(row["failed"])
    assert unit in row["reason"]
    assert ds[name].isnull().all()
    assert ds["GPP"].notnull().all()


def test_unknown_position_and_class_are_valid():
    ds, report = validate(build([tower("XX-Xxx")]))
    assert np.isnan(ds["lat"].values).all()
    assert ds["igbp"].values[0] == schema.UNKNOWN
    assert report.empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.isel(time=[0, 2, 3]), "one ascending step"),
        (lambda ds: ds.isel(time=slice(None, None, -1)), "one ascending step"),
        (lambda ds: ds.isel(site=[0, 0]), "more than once"),
        (lambda ds: ds.assign_coords(igbp=("site", ["XYZ", "GRA"])), "Known classes"),
        (lambda ds: ds.assign_coords(koeppen=("site", ["Zfb", "Dfb"])), "Known classes"),
        (lambda ds: ds.assign_coords(lat=("site", [91.0, 0.0])), "lat lies outside"),
        (lambda ds: ds.assign_coords(lon=("site", [0.0, 200.0])), "lon lies outside"),
        (lambda ds: ds.rename(TA="TEMP"), "Unknown variable"),
        (lambda ds: ds.drop_vars("NEE_QC"), "no variable 'NEE_QC'"),
        (lambda ds: ds.drop_vars("koeppen"), "no per-tower coordinate 'koeppen'"),
        (lambda ds: ds.assign(TA=ds["TA"].assign_attrs(units="K")), "is in 'K'"),
        (lambda ds: ds.transpose("time", "site"), "not \\(site, time\\)"),
    ],
)
def test_structural_faults_raise(change, message):
    ds = build([tower("AT-Aaa"), tower("AT-Bbb")])
    with pytest.raises(TamrlError, match=message):
        validate(change(ds))


def test_save_and_load_round_trip_lazily(tmp_path):
    ds, _ = validate(
        build([tower("AT-Aaa", 10, lat=1.5, lon=-3.0, igbp="GRA", koeppen="Dfb", name="Ä b"), tower("XX-Xxx")])
    )
    save_archive(ds, tmp_path / "a.zarr")
    back = load_archive(tmp_path / "a.zarr")
    assert not back["GPP"]._in_memory
    xr.testing.assert_identical(back.load(), ds)
    assert list(back.data_vars) == list(ds.data_vars)
    assert back["site"].values.dtype.kind == "U"
    assert back["name"].values[0] == "Ä b"


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_load_says_what_is_wrong(tmp_path):
    with pytest.raises(TamrlError, match="no archive"):
        load_archive(tmp_path / "nothing.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TamrlError, match="not a Zarr archive"):
        load_archive(tmp_path / "folder")
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(tmp_path / "other.zarr", zarr_format=3)
    with pytest.raises(TamrlError, match="not a tower archive"):
        load_archive(tmp_path / "other.zarr")


def test_record_is_cut_to_the_days_with_values(tmp_path):
    early, late = tower("AT-Aaa", 10), tower("DE-Bbb", 20, "2010-03-01", lat=50.0, lon=8.0)
    late.table.loc[late.table.index[-3:], ["GPP", "RECO", "NEE", "TA"]] = np.nan  # quality alone is no record
    save_archive(build([early, late]), tmp_path / "a.zarr")
    found = record(load_archive(tmp_path / "a.zarr"), "DE-Bbb")
    assert dict(found.sizes) == {"time": 17}
    assert found["time"].values[0] == np.datetime64("2010-03-01")
    assert {"lat", "lon", "igbp", "koeppen", "name", "site"} <= set(found.coords)
    assert found["site"].item() == "DE-Bbb"
    with pytest.raises(TamrlError, match="Did you mean DE-Bbb"):
        record(load_archive(tmp_path / "a.zarr"), "DE-Bbc")


def test_merge_replaces_and_never_repeats():
    old = build([tower("AT-Aaa", 10), tower("DE-Bbb", 10)])
    lai = tower("DE-Bbb", 5, "2011-01-01", level=2.0)
    lai.table["LAI"] = 3.0
    joined = merge(old, build([lai, tower("AA-New", 5, "2009-12-30")]))
    assert list(joined["site"].values) == ["AA-New", "AT-Aaa", "DE-Bbb"]
    assert joined["time"].values[0] == np.datetime64("2009-12-30")
    assert joined["time"].values[-1] == np.datetime64("2011-01-05")
    assert record(joined, "DE-Bbb").sizes["time"] == 5
    assert joined["LAI"].sel(site="AT-Aaa").isnull().all()
    xr.testing.assert_equal(record(joined, "AT-Aaa")[["GPP", "NEE"]], record(old, "AT-Aaa")[["GPP", "NEE"]])


def test_simulated_and_real_towers_do_not_mix():
    with pytest.raises(TamrlError, match="do not mix"):
        merge(build([tower("AT-Aaa")], simulated=True), build([tower("AT-Bbb")]))


_TOWERS = st.lists(
    st.tuples(st.sampled_from(["AT-Aaa", "BE-Bbb", "CH-Ccc", "DE-Ddd"]), st.integers(1, 20), st.integers(0, 60)),
    min_size=1,
    max_size=4,
    unique_by=lambda item: item[0],
)


def _build(items):
    start = pd.Timestamp("2010-01-01")
    towers = [tower(site, days, str(start + pd.Timedelta(days=shift)), level=days / 10) for site, days, shift in items]
    return validate(build(towers))[0]


@settings(max_examples=25, deadline=None)
@given(_TOWERS, _TOWERS)
def test_merge_keeps_every_tower_and_merging_again_changes_nothing(first, second):
    old, new = _build(first), _build(second)
    joined = merge(old, new)
    assert set(joined["site"].values) == {site for site, *_ in (*first, *second)}
    for site in joined["site"].values:
        origin = new if site in new["site"].values else old
        xr.testing.assert_equal(record(joined, site), record(origin, site))
    again = merge(joined, new)
    xr.testing.assert_equal(again, joined)


def test_a_leftover_of_a_killed_writer_is_cleaned(tmp_path):
    path = tmp_path / "a.zarr"
    save_archive(build([tower("AT-Aaa")]), path)
    (tmp_path / ".a.zarr.new").mkdir()
    (tmp_path / ".a.zarr.new" / "half").write_text("x")
    save_archive(build([tower("AT-Bbb")]), path)
    assert list(load_archive(path)["site"].values) == ["AT-Bbb"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.zarr.lock", "a.zarr"]


def test_killed_between_the_renames_the_old_archive_is_still_read_and_kept(tmp_path):
    path = tmp_path / "a.zarr"
    save_archive(build([tower("AT-Aaa")]), path)
    path.rename(tmp_path / ".a.zarr.old")
    assert list(load_archive(path)["site"].values) == ["AT-Aaa"]
    with pytest.raises(RuntimeError, match="disk"), storage.locked(path):
        storage.swap_in(path, lambda folder: (_ for _ in ()).throw(RuntimeError("disk full")))
    assert list(load_archive(path)["site"].values) == ["AT-Aaa"]


def test_two_writers_are_kept_apart(tmp_path):
    path = tmp_path / "a.zarr"
    code = (
        "from pathlib import Path; from tamrl.system.storage import locked\n"
        f"with locked(Path({str(path)!r}), 0.1): pass"
    )
    with storage.locked(path):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "Another process is writing" in other.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_writer_never_leaves_half_an_archive(tmp_path):
    path = tmp_path / "a.zarr"
    save_archive(build([tower(f"AA-{i:03d}", 50) for i in range(40)]), path)
    code = textwrap.dedent(f"""
        import sys; sys.path.insert(0, {os.path.dirname(__file__)!r} + "/../helpers")
        from tower_files import tower
        from tamrl.towers.archive import build, save_archive
        print("ready", flush=True)
        while True:
            for first in "AB":
                save_archive(build([tower(f"{{first}}A-{{i:03d}}", 50) for i in range(40)]), {str(path)!r})
    """)
    for pause in (0.02, 0.11, 0.23):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = load_archive(path).load()
        assert found.sizes["site"] == 40
        assert found["GPP"].notnull().all()


def test_balance_names_open_towers_and_reversed_signs():
    closed, open_, mirrored = tower("AA-Cls", 200), tower("BB-Opn", 200), tower("CC-Mir", 200)
    open_.table.iloc[:10, open_.table.columns.get_loc("NEE")] += 0.3
    mirrored.table["NEE"] *= -1
    found = balance(build([closed, open_, mirrored])).set_index("site")
    assert found.loc["AA-Cls", "share_open"] == 0
    assert found.loc["BB-Opn", "share_open"] == pytest.approx(0.05)
    assert found.loc["BB-Opn", "largest"] == pytest.approx(0.3, abs=1e-5)
    assert list(found["reversed"]) == [False, False, True]


@pytest.mark.parametrize("variable", ["GPP", "TA"])
def test_a_damaged_block_is_said_in_words(tmp_path, variable):
    ds, _ = validate(simulate(3))
    save_archive(ds, tmp_path / "a.zarr")
    for block in (tmp_path / "a.zarr" / variable).rglob("*"):
        if block.is_file() and block.name != "zarr.json":
            content = bytearray(block.read_bytes())
            for at in range(len(content) // 20, len(content) - len(content) // 20):
                content[at] ^= 0x5A
            block.write_bytes(content)
    archive = load_archive(tmp_path / "a.zarr")
    with pytest.raises(TamrlError, match="The archive is damaged, a part of it cannot be read"):
        record(archive, str(archive.site.values[1]))
    with pytest.raises(TamrlError, match="The archive is damaged, a part of it cannot be read"):
        merge(archive, ds.isel(site=[0]))
