"""Case 23: a driver that is missing for some steps or cells is counted and refused, in runs and at towers."""

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.evaluation.benchmark.synthetic_drivers import weather
from tamrl.predict.gaps import describe, driver_gaps, leave_out
from tamrl.towers.archive import record
from tamrl.upscale.gaps import Account, Gap

LAT, LON = np.arange(41.0, 49), np.arange(1.0, 11)


@pytest.fixture(scope="module")
def checkpoint(small_workspace):
    return small_workspace[0].path / "models" / "tiny"


def drivers(days=30):
    time = xr.date_range("2001-01-01", periods=days)
    units = {"TA": "K", "SW_IN": "W m-2", "VPD": "hPa"}
    fields = {n: (("time", "lat", "lon"), v, {"units": units[n]}) for n, v in weather(LAT, LON, time).items()}
    return xr.Dataset(fields, {"time": time, "lat": LAT, "lon": LON})


def run(checkpoint, out, files, *more):
    args = ["upscale", "-c", checkpoint, "-d", *files, "-o", out, "--workers", 1, "--scheduler", "threads", *more]
    return CliRunner().invoke(main, list(map(str, args)))


def in_files(tmp_path, ds, leave):
    """One file of the others, and two of TA with days missing between them."""
    ds.drop_vars("TA").to_netcdf(tmp_path / "rest.nc")
    ds[["TA"]].isel(time=slice(0, 10)).to_netcdf(tmp_path / "ta1.nc")
    ds[["TA"]].isel(time=slice(10 + leave, None)).to_netcdf(tmp_path / "ta2.nc")
    return [tmp_path / name for name in ("rest.nc", "ta1.nc", "ta2.nc")]


def test_steps_that_no_file_holds_are_refused_before_anything_is_written(checkpoint, tmp_path):
    files = in_files(tmp_path, drivers(), 5)
    result = run(checkpoint, tmp_path / "m.zarr", files)
    assert result.exit_code == 1
    assert "TA has no value at 5 of 30 steps (2001-01-11 to 2001-01-15)" in result.output
    assert "--allow-gaps" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rest.nc", "ta1.nc", "ta2.nc"]
    result = run(checkpoint, tmp_path / "m.zarr", files, "--allow-gaps")
    assert result.exit_code == 0, result.output
    assert "missing: TA: no value at 5 of 30 steps (2001-01-11 to 2001-01-15) in 80 cells" in result.output
    report = json.loads(xr.open_zarr(tmp_path / "m.zarr").attrs["ingest_report"])
    assert [e["count"] for e in report if e["kind"] == "missing" and e["subject"] == "TA"] == [5 * 80]


def test_values_that_are_missing_in_some_cells_are_counted_and_a_resumed_run_says_the_same(
    checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr("tamrl.upscale.run._LARGEST", 8)
    ds = drivers()
    ds["TA"][3:6, 2, 4:] = np.nan
    ds["TA"][7, 0, 0] = -9999
    ds["TA"].encoding["_FillValue"] = None
    ds["VPD"][:, 7, 9] = 1e20
    ds.to_netcdf(tmp_path / "d.nc", encoding={n: {"_FillValue": None} for n in ("TA", "VPD")})
    words = (
        "TA has no value at 4 of 30 steps (2001-01-04 to 2001-01-08) in 7 cells",
        "VPD has no value at 30 of 30 steps (2001-01-01 to 2001-01-30) in 1 cells that have other drivers, 1 of these",
        "VPD: 30 values hold a fill value that the file does not declare",
    )
    for more in ((), ("--resume",)):
        result = run(checkpoint, tmp_path / "m.zarr", [tmp_path / "d.nc"], *more)
        assert result.exit_code == 1
        assert all(text in result.output for text in words), result.output
        assert not (tmp_path / "m.zarr").exists()
    result = run(checkpoint, tmp_path / "m.zarr", [tmp_path / "d.nc"], "--resume", "--allow-gaps")
    assert result.exit_code == 0, result.output
    assert "rejected: TA: 1 values hold a fill value" in result.output
    assert np.isfinite(xr.open_zarr(tmp_path / "m.zarr")["GPP"].values).all()


def test_an_account_is_the_same_when_it_was_written_and_read():
    account = Account(gaps={"TA": Gap(np.arange(11) % 3 == 0, 4, 1, 16)})
    account.tally.add("TA", "fill", 7)
    total = Account.from_text(account.to_text())
    total.add(Account.from_text(account.to_text()))
    assert total.tally.counts == {("TA", "fill"): 14}
    assert (total.gaps["TA"].cells, total.gaps["TA"].never, total.gaps["TA"].values) == (8, 2, 32)
    assert np.array_equal(total.gaps["TA"].steps, np.arange(11) % 3 == 0)
    assert Account().to_text() == ""


def test_of_a_tower_steps_with_a_gap_are_said_and_left_out(small_workspace):
    archive = small_workspace[0].archive()
    tower = record(archive, str(archive.site.values[0])).copy(deep=True)
    names = ("TA", "SW_IN", "VPD", "SW_IN_POT")
    for name in names[:3]:
        tower[name] = tower[name].fillna(1.0)
    assert driver_gaps(tower, names) == {}
    tower["TA"][10:20] = np.nan
    # One that the tower has not at all is masked, as in training.
    tower["VPD"][:] = np.nan
    gaps = driver_gaps(tower, names)
    assert list(gaps) == ["TA"]
    assert gaps["TA"].sum() == 10
    (said,) = describe(gaps, tower, allowed=False)
    assert "TA is missing on 10 of" in said
    assert "10 days without weather are left without a prediction" in said
    assert "predicted without the driver" in describe(gaps, tower, allowed=True)[0]
    made = xr.Dataset({"GPP": (("member", "time"), np.ones((2, tower.sizes["time"])))})
    assert np.array_equal(np.isnan(leave_out(made, gaps)["GPP"].values[1]), gaps["TA"])
    assert leave_out(made, {}) is made
    # Satellites lose the vegetation at most towers: said, but predicted, as in training.
    assert leave_out(made, {"LAI": gaps["TA"]}) is made
