"""The benchmark of the engine, on a model and grids that are too small to say anything."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark import upscaling
from tamrl.evaluation.benchmark.synthetic_drivers import write_synthetic
from tamrl.evaluation.benchmark.upscaling_report import BEGIN, END, Figures, Whole, globe, lines, write_section
from tamrl.globe.earth import load_earth
from tamrl.timestep import TimeStep
from tamrl.upscale.rechunk import Staging, times_read
from tamrl.upscale.workers import plan_workers

FIGURES = Figures(
    bare=9e5,
    memory_rate=8e5,
    ratio=0.89,
    one=Whole(6e5, 100.0, 0.0, 5e8, 9000),
    two=Whole(1.1e6, 55.0, 0.0, 5e8, 9000),
    coarse=Whole(6e5, 9.0, 0.0, 5e8, 22_000),
    fine=Whole(6e5, 99.0, 0.0, 5.1e8, 350_000),
    maps=Whole(5e5, 120.0, 15.0, 5e8, 9000),
    maps_read=50.0,
    members=5,
    device="2 cores",
)


@pytest.mark.parametrize("order", ["maps", "series"])
def test_synthetic_drivers_are_the_same_in_any_order(tmp_path, order):
    time = pd.date_range("2001-01-01", periods=6)
    ds = xr.open_zarr(write_synthetic(tmp_path / "d.zarr", 10.0, time, order), consolidated=False, chunks=None)
    assert ds.attrs["simulated"] == 1
    assert "SIMULATED" in ds.attrs["title"]
    land = ds["land_fraction"].values > 0
    assert np.isfinite(ds["TA"].values[:, land]).all()
    assert np.isnan(ds["TA"].values[:, ~land]).all()
    expected = upscaling.read_region  # the reader of the engine, on the whole grid
    found = upscaling.open_drivers([tmp_path / "d.zarr"], upscaling.default_mapping(), ("TA", "VPD"), TimeStep.DAILY)
    values = expected(found, upscaling.Region(0, 18, 0, 36))
    np.testing.assert_allclose(values["VPD"], ds["VPD"].values[:, ::-1], rtol=1e-6)
    assert (ds["lat"].values[0], ds["lat"].values[-1]) == (85, -85)


def test_whole_maps_are_known_by_their_blocks(tmp_path):
    time = pd.date_range("2001-01-01", periods=6)
    reads = {}
    for order in ("maps", "series"):
        write_synthetic(tmp_path / f"{order}.zarr", 2.0, time, order)
        found = upscaling.open_drivers(
            [tmp_path / f"{order}.zarr"], upscaling.default_mapping(), ("TA",), TimeStep.DAILY
        )
        piece = found.drivers["TA"].pieces[0]
        reads[order] = times_read(piece, 32)
        few, band = Staging({"TA": piece}, 32, 1 << 20).shape(piece)
        # What is turned at once fits: steps times rows times columns, four bytes, four copies.
        assert few * band * 180 * 16 <= 1 << 20 or band == 32
    assert reads["maps"] == 3 * 6
    assert reads["series"] < 4


def test_the_estimate_follows_from_the_rate():
    hours, workers = globe(0.05, 1e6, 5)
    land = (load_earth()["land_fraction"].values > 0).mean() * 3600 * 7200
    assert hours == pytest.approx(land * 7670 * 5 / 1e6 / 3600, rel=1e-3)
    assert workers == np.ceil(hours / 24)
    assert globe(0.05, 5e5, 5)[0] == pytest.approx(2 * hours)
    assert globe(0.25, 1e6, 5)[0] == pytest.approx(hours / 25)


def test_figures_are_written_between_their_marks(tmp_path):
    text = "\n".join(lines(FIGURES))
    assert "| 0.89 |" in text
    assert "| 1.83 |" in text
    assert "| 1.02 |" in text
    assert "core-hours at 0.05 degree" in text
    on_gpu = "\n".join(lines(replace(FIGURES, two=None, gpu=True, device="GPU (H100)", precision="tf32")))
    assert "Two workers" not in on_gpu
    assert "tf32, SIMULATED drivers; GPU (H100)." in on_gpu
    assert "GPU-hours at 0.25 degree" in on_gpu
    with pytest.raises(TamrlError, match="no place"):
        write_section(FIGURES, tmp_path)
    (tmp_path / "benchmarks.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    written = write_section(FIGURES, tmp_path).read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "old" not in written
    assert text in written


def test_the_engine_in_memory_is_measured(checkpoint, tmp_path):
    store = write_synthetic(tmp_path / "d.zarr", 3.0, pd.date_range("2001-01-01", periods=30))
    workers = plan_workers("cpu", "float32", "local", 1, None)
    bare, rate, ratio = upscaling.in_memory(checkpoint, store, 1, workers)
    assert bare > 0
    assert ratio == pytest.approx(rate / bare)
