"""The command, in processes of its own, killed at the worst moments."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.cli.work.upscale import read_box, read_size
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.synthetic_drivers import write_synthetic
from tamrl.upscale.store import RunFolder

#: Regions of one block of cells, and slow enough that a kill comes while they are computed.
SLOWLY = """
import sys, time
from tamrl.upscale import run
run._LARGEST = 16
mark = run.set_mark
run.set_mark = lambda *told: (mark(*told), time.sleep(0.1))
from tamrl.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def drivers(tmp_path_factory):
    path = tmp_path_factory.mktemp("drivers") / "simulated.zarr"
    return write_synthetic(path, 3.0, pd.date_range("2001-01-01", periods=60))


@pytest.fixture(scope="module")
def checkpoint(small_workspace):
    return small_workspace[0].path / "models" / "tiny"


def invoke(*args):
    return CliRunner().invoke(main, ["upscale", *map(str, args)])


def start(checkpoint, drivers, out, *more, scheduler="local"):
    args = ["upscale", "-c", checkpoint, "-d", drivers, "-o", out, "--workers", 1, "--scheduler", scheduler, *more]
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *map(str, args)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(out):
    done = RunFolder(out).work / "done"
    return {p.name: p.stat().st_mtime_ns for p in done.iterdir()} if done.is_dir() else {}


def wait_for(process, out, count, seconds=120):
    until = time.monotonic() + seconds
    while len(finished(out)) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.01)


def children(pid):
    import psutil

    return [p for p in psutil.Process(pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


@pytest.fixture(scope="module")
def whole(checkpoint, drivers, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "maps.zarr"
    process = start(checkpoint, drivers, out, scheduler="threads")
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    assert f"Maps in {out}: 7200 cells, 60 steps, 32 regions." in said
    assert "Regions: 32 of 32" in wrong
    return xr.open_zarr(out, chunks=None).load()


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_run_lose_no_finished_region(checkpoint, drivers, whole, tmp_path):
    out = tmp_path / "maps.zarr"
    process = start(checkpoint, drivers, out)
    try:
        wait_for(process, out, 2)
        for child in children(process.pid):
            os.kill(child.pid, signal.SIGKILL)
        # Dask starts another worker, which goes on.
        wait_for(process, out, len(finished(out)) + 2)
    finally:
        before = finished(out)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert not out.exists()
    refused = invoke("-c", checkpoint, "-d", drivers, "-o", out)
    assert refused.exit_code == 1
    assert "--resume" in refused.output
    process = start(checkpoint, drivers, out, "--resume", scheduler="threads")
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    assert int(said.split("regions, ")[1].split(" ")[0]) >= len(before) >= 4
    xr.testing.assert_identical(whole.drop_attrs(), xr.open_zarr(out, chunks=None).load().drop_attrs())


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(checkpoint, drivers, tmp_path):
    out = tmp_path / "maps.zarr"
    process = start(checkpoint, drivers, out, scheduler="threads")
    wait_for(process, out, 2)
    os.killpg(process.pid, signal.SIGINT)
    _, wrong = process.communicate(timeout=120)
    assert process.returncode == 130, wrong
    assert "with --resume goes on" in wrong
    assert len(finished(out)) >= 2


def test_options_and_export(checkpoint, drivers, tmp_path):
    out = tmp_path / "maps.zarr"
    result = invoke(
        "-c",
        checkpoint,
        "--drivers",
        drivers,
        "--out",
        out,
        "--scheduler",
        "threads",
        "--workers",
        1,
        "--bbox",
        "-10,40,20,60",
        "--time",
        "2001-01-11:2001-02-09",
        "--keep-members",
        "--no-spin-up",
        "--classes",
        "dominant",
        "--memory",
        "200MB",
        "--ilamb",
        tmp_path / "ilamb",
    )
    assert result.exit_code == 0, result.output
    maps = xr.open_zarr(out, chunks=None)
    assert dict(maps.sizes)["time"] == 30
    assert maps["GPP_members"].dims == ("member", "time", "lat", "lon")
    for flux, sign in (("gpp", 1), ("reco", 1), ("nee", 1)):
        with xr.open_dataset(tmp_path / "ilamb" / f"{flux}.nc", decode_cf=True) as ds:
            assert ds[flux].attrs["units"] == "kg m-2 s-1"
            assert {"lat_bnds", "lon_bnds", "time_bnds"} <= set(ds.variables)
            assert (ds["time_bnds"].values[:, 0] == maps.time.values).all()
            np.testing.assert_allclose(ds[flux] * 86_400e3, sign * maps[flux.upper()], rtol=1e-5, atol=1e-6)
    with xr.open_dataset(tmp_path / "ilamb" / "gpp.nc") as ds:
        assert ds["gpp"].attrs["standard_name"] == "gross_primary_productivity_of_biomass_expressed_as_carbon"
    with xr.open_dataset(tmp_path / "ilamb" / "nee.nc") as ds:
        assert "standard_name" not in ds["nee"].attrs
    with xr.open_dataset(tmp_path / "ilamb" / "sftlf.nc") as ds:
        np.testing.assert_allclose(ds["sftlf"], 100 * maps["land_fraction"], rtol=1e-6)


def test_several_files_follow_one_option(checkpoint, drivers, tmp_path):
    result = invoke("-c", checkpoint, "--drivers", drivers, tmp_path / "none.nc", "--out", tmp_path / "m.zarr")
    assert result.exit_code == 1
    assert "no such file" in result.output
    assert "none.nc" in result.output


def test_a_daily_model_refuses_the_monthly_earth(checkpoint, tmp_path):
    result = invoke("-c", checkpoint, "-d", "earth", "-o", tmp_path / "m.zarr")
    assert result.exit_code == 1
    assert "The model is daily, TA comes in months" in result.output


def test_sizes_and_boxes():
    assert read_size("1GB") == 10**9
    assert read_size("512 MiB") == 512 * 10**6
    assert read_box("-10, 35,30,60.5") == (-10, 35, 30, 60.5)
    for reader, text in ((read_size, "much"), (read_box, "1,2,3"), (read_box, "a,b,c,d")):
        with pytest.raises(TamrlError):
            reader(text)
