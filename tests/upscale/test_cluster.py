"""One code path for threads, processes and a cluster that is already there."""

import sys
import types
from pathlib import Path

import pytest
import xarray as xr
from distributed import LocalCluster

from tamrl.errors import TamrlError
from tamrl.upscale import run
from tamrl.upscale.cluster import connect, run_all
from tamrl.upscale.request import UpscaleRequest
from tamrl.upscale.run import upscale


def test_a_cluster_that_is_there_computes_the_same(checkpoint, field_files, tmp_path):
    field_files().to_netcdf(tmp_path / "d.nc")
    files = (str(tmp_path / "d.nc"),)
    upscale(
        UpscaleRequest(
            checkpoint=checkpoint,
            files=files,
            out=tmp_path / "here.zarr",
            scheduler="threads",
            workers=2,
            allow_gaps=True,
        )
    )
    settings = {"processes": False, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=1, threads_per_worker=1, **settings) as cluster:
        upscale(
            UpscaleRequest(
                checkpoint=checkpoint,
                files=files,
                out=tmp_path / "there.zarr",
                scheduler=cluster.scheduler_address,
                allow_gaps=True,
            )
        )
        cluster.scale(0)
    here, there = (xr.open_zarr(tmp_path / f"{n}.zarr", chunks=None) for n in ("here", "there"))
    xr.testing.assert_identical(here.drop_attrs(), there.drop_attrs())


def test_a_scheduler_that_is_not_there_is_said_so(monkeypatch):
    monkeypatch.setattr("tamrl.upscale.cluster._CONNECT_S", 0.3)
    with pytest.raises(TamrlError, match="cannot be reached"), connect("tcp://127.0.0.1:9", 1):
        pass


def test_an_error_of_a_task_ends_the_run_with_its_own_words():
    def fail(number):
        if number == 3:
            raise TamrlError("No such thing", str(number), "Do something else")
        return number

    done = []
    with connect("threads", 1) as client, pytest.raises(TamrlError) as caught:
        run_all(client, fail, [(i,) for i in range(50)], done.append)
    assert (caught.value.what, caught.value.where) == ("No such thing", "3")
    assert len(done) < 50


@pytest.mark.slow
def test_processes_do_not_import_the_main_module(monkeypatch, tmp_path):
    """A page of the app, or a script without a guard, is the main module: a worker that imported it would run it."""
    script = tmp_path / "page.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()", encoding="utf-8")
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", main)
    found = []
    with connect("local", 1) as client:
        run_all(client, abs, [(-2,)], found.append)
    assert found == [2]
    assert not (tmp_path / "ran").exists()


def test_workers_elsewhere_are_told_where_the_maps_lie(checkpoint, field_files, tmp_path, monkeypatch):
    field_files().to_netcdf(tmp_path / "d.nc")
    monkeypatch.chdir(tmp_path)
    told = []
    compute = run.run_all
    monkeypatch.setattr(run, "run_all", lambda c, f, jobs, *more: (told.extend(jobs), compute(c, f, jobs, *more)))
    made = upscale(
        UpscaleRequest(
            checkpoint=checkpoint, files=("d.nc",), out=Path("relative.zarr"), scheduler="threads", allow_gaps=True
        )
    )
    assert made.out == tmp_path / "relative.zarr"
    paths = [part for job in told for part in job if isinstance(part, str | Path)]
    assert paths
    assert all(Path(path).is_absolute() for path in paths)
