"""Where regions are computed, on machines that this one is not."""

from threading import Barrier, Lock

import numpy as np
import pytest
import torch
import xarray as xr

from tamrl.config import ModelConfig
from tamrl.errors import TamrlError
from tamrl.model.batch_inference import PLACES_AT_ONCE, places_fitting
from tamrl.upscale import run, workers
from tamrl.upscale.cluster import connect, run_all
from tamrl.upscale.request import UpscaleRequest
from tamrl.upscale.run import upscale
from tamrl.upscale.workers import EACH, THREADS, Workers, device_here, lent, plan_workers, worker_number

#: What tasks on threads of one process share: a place where three meet, and who has the device.
MET, HAVING = Barrier(3, timeout=20), []


def where():
    MET.wait()
    return worker_number(), str(device_here(EACH, "float32"))


def use(number):
    MET.wait()
    with lent(torch.device("mps")):
        assert not HAVING
        HAVING.append(number)
        HAVING.remove(number)
    return number


@pytest.fixture
def gpus(monkeypatch):
    """Make this a machine with some GPUs, of which some bytes are free."""
    for cached in (workers._prepared, workers.places_at_once):
        cached.cache_clear()

    def make(count, free=10**9):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))

    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    yield make
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
    for cached in (workers._prepared, workers.places_at_once):
        cached.cache_clear()


def test_each_gpu_has_a_worker_of_several_threads(gpus, monkeypatch):
    gpus(4, free=80 * 10**9)
    monkeypatch.delenv("TAMRL_DEVICE", raising=False)
    monkeypatch.setattr(workers, "_machine_bytes", lambda: 96 * 10**9)
    every = plan_workers("auto", "tf32", "local", 16, None)
    assert every == Workers(EACH, 4, THREADS, 96 * 10**9 // 2 // 4 // THREADS, 100)
    one = plan_workers("cuda:2", "bfloat16", "threads", 16, 9 * 10**9)
    assert one == Workers("cuda:2", 1, THREADS, 3 * 10**9, 100)
    assert plan_workers("cpu", "float32", "local", 16, None) == Workers("cpu", 16, 1, 10**9, 1)
    # What a region holds has to fit into the GPU, too.
    gpus(4, free=10**9)
    assert plan_workers("cuda", "float32", "local", 16, 9 * 10**9).memory == pytest.approx(0.4e9 / THREADS, rel=1e-6)
    # A cluster that is there has devices of its own.
    assert plan_workers("cuda", "float32", "tcp://somewhere:8786", 16, None)[:3] == ("cuda", 16, 1)


def test_what_cannot_be_computed_is_refused(gpus):
    gpus(0)
    with pytest.raises(TamrlError, match="no cuda"):
        plan_workers("cuda", "float32", "local", 1, None)
    with pytest.raises(TamrlError, match="TF32 is available on NVIDIA GPUs"):
        plan_workers("auto", "tf32", "local", 1, None)
    with pytest.raises(TamrlError, match="Unknown precision"):
        plan_workers("cpu", "float16", "local", 1, None)
    with pytest.raises(TamrlError, match="Unknown device"):
        plan_workers("gpu", "float32", "tcp://somewhere:8786", 1, None)


def test_workers_on_one_machine_take_different_gpus_and_those_of_a_cluster_their_first(gpus):
    gpus(2)
    found = []
    with connect("threads", 3) as client:
        run_all(client, where, [()] * 3, found.append)
    assert sorted(found) == [(0, "cuda:0"), (1, "cuda:1"), (2, "cuda:0")]
    assert str(device_here("cuda", "float32")) == "cuda:0"
    assert not torch.backends.cudnn.allow_tf32
    device_here("cuda", "tf32")
    assert torch.backends.cudnn.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32


def test_batches_fit_the_memory_that_a_gpu_has_left(gpus):
    config = ModelConfig()
    gpus(1, free=80 * 10**9)
    day, years = (workers.places_at_once(torch.device("cuda", 0), steps, config, 5) for steps in (12, 7670))
    assert day == 32_768
    assert years % PLACES_AT_ONCE == 0
    # Ten drivers and five members' fluxes of 7,670 days are at least 4 * 7670 * (10 + 15) bytes a place.
    assert 8_192 < years < 80e9 / (4 * 7670 * 25)
    workers.places_at_once.cache_clear()
    gpus(1, free=40 * 10**9)
    half = workers.places_at_once(torch.device("cuda", 0), 7670, config, 5)
    assert half == pytest.approx(years / 2, abs=PLACES_AT_ONCE)
    assert places_fitting(1, 7670, config, 5) == PLACES_AT_ONCE


def test_one_region_is_computed_while_others_are_read_and_written():
    """Three tasks are under way on one worker, of which one at a time has the device."""
    done = []
    with connect("threads", 1, THREADS) as client:
        run_all(client, use, [(i,) for i in range(2 * THREADS)], done.append)
    assert sorted(done) == list(range(2 * THREADS))
    assert HAVING == []


def test_workers_of_several_threads_and_other_batches_make_the_same_maps(
    checkpoint, field_files, tmp_path, monkeypatch
):
    """All that a GPU changes but its arithmetic: threads of one worker, a device lent to one, other batches."""
    field_files(degrees=1.0).to_netcdf(tmp_path / "d.nc")
    monkeypatch.setattr(run, "_LARGEST", 16)

    def made(name, **settings):
        request = UpscaleRequest(
            checkpoint=checkpoint,
            files=(str(tmp_path / "d.nc"),),
            out=tmp_path / name,
            scheduler="threads",
            allow_gaps=True,
            device="cpu",
            **settings,
        )
        upscale(request)
        return xr.open_zarr(tmp_path / name, chunks=None)

    plain, half = made("plain.zarr"), made("half.zarr", precision="bfloat16")
    lock = Lock()
    monkeypatch.setattr(run, "plan_workers", lambda *_: Workers("cpu", 1, THREADS, 10**9, 1))
    monkeypatch.setattr("tamrl.upscale.regions.lent", lambda device: lock)
    monkeypatch.setattr("tamrl.upscale.regions.places_at_once", lambda *_: 96)
    threaded = made("threaded.zarr")
    for name in ("GPP", "RECO", "NEE", "NEE_sd", "code", "extrapolation"):
        np.testing.assert_allclose(threaded[name], plain[name], rtol=0, atol=1e-4, err_msg=name)
    error = float(abs(half["GPP"] - plain["GPP"]).max())
    assert 1e-5 < error < 0.3
    assert '"precision": "bfloat16"' in half.attrs["settings"]
