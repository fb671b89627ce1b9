"""Whole runs of the engine on small grids."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.globe.contract import check_maps
from tamrl.globe.earth import load_earth
from tamrl.model.batch_inference import Estimate
from tamrl.model.checkpoint import save_manifest, save_member
from tamrl.model.inputs import Normaliser
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.model.training_towers import load_reference
from tamrl.predict.ensemble import member_code, member_records, predict, to_gaussian
from tamrl.schema import FLUXES, IGBP_CLASSES
from tamrl.timestep import TimeStep
from tamrl.upscale import rechunk
from tamrl.upscale.drivers import read
from tamrl.upscale.regions import spin_up_steps, spread
from tamrl.upscale.request import UpscaleRequest
from tamrl.upscale.run import upscale
from tamrl.upscale.store import RunFolder


def run(checkpoint, files, out, **settings):
    files = files if isinstance(files, tuple) else (str(files),)
    settings.setdefault("allow_gaps", True)
    outcome = upscale(
        UpscaleRequest(
            checkpoint=checkpoint, files=files, out=out, scheduler=settings.pop("scheduler", "threads"), **settings
        )
    )
    return xr.open_zarr(out, chunks=None), outcome


@pytest.fixture
def in_small_tiles(monkeypatch):
    """Make regions as small as they can be, so that a small grid has several."""
    monkeypatch.setattr("tamrl.upscale.run._LARGEST", 8)


@pytest.mark.parametrize("gaps", [False, True])
def test_a_tower_as_a_grid_of_one_cell_gives_what_predict_gives(checkpoint, ensemble, towers, as_grid, tmp_path, gaps):
    known = load_reference(checkpoint).igbp
    tower = next(t for t in towers.values() if str(t.igbp.item()) in known).copy(deep=True)
    if gaps:
        tower["TA"][100:200] = np.nan
        tower["VPD"][:] = np.nan
        for name in ("TA", "SW_IN", "P_MON", "LAI", "EVI", "TA_MIN", "TA_MAX"):
            tower[name][300:310] = np.nan
    as_grid(tower).to_netcdf(tmp_path / "cell.nc")
    maps, _ = run(checkpoint, tmp_path / "cell.nc", tmp_path / "m.zarr", spin_up=False, members=True)
    expected = predict(ensemble, tower)
    forecast = to_gaussian(expected)
    sd = ensemble.calibration(0).of_class(str(tower.igbp.item())).sd(forecast.mean, forecast.spread)
    for i, flux in enumerate(FLUXES):
        each = maps[f"{flux}_members"].values[..., 0, 0]
        np.testing.assert_allclose(each, expected[flux].values, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(maps[flux].values[:, 0, 0], forecast.mean[:, i], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(maps[f"{flux}_sd"].values[:, 0, 0], sd[:, i], rtol=1e-4, atol=1e-6)
    assert "calibrated on held-out towers" in maps.attrs["spread"]
    codes = np.stack(
        [
            member_code(ensemble, m, r, None).numpy()
            for m, r in zip(ensemble.members, member_records(ensemble, tower), strict=True)
        ]
    )
    np.testing.assert_allclose(
        maps["code"].values[:, 0, 0], load_reference(checkpoint).project(codes)[0], rtol=1e-3, atol=1e-4
    )


def test_without_a_calibration_the_spread_is_that_of_members_and_prior(ensemble):
    found = Estimate(*(torch.rand(3, 4, 5) for _ in range(5)))
    static = torch.eye(5, 25)
    assert spread(None, found, static) is found.sd
    calibration = dataclasses.replace(ensemble.calibration(0), classes={IGBP_CLASSES[3]: (2.0, 1.0, 0.5)})
    one = calibration.sd(found.mean[:, 2, 3].numpy()[None], found.sd[:, 2, 3].numpy()[None])[0]
    sd = spread(calibration, found, static).numpy()
    np.testing.assert_allclose(sd[:, 2, 3], one * [2, 1, 0.5], rtol=1e-6)
    plain = dataclasses.replace(calibration, classes={})
    np.testing.assert_allclose(
        sd[..., [0, 1, 2, 4]], spread(plain, found, static)[..., [0, 1, 2, 4]].numpy(), rtol=1e-6
    )


def test_maps_keep_the_contract_and_say_what_they_are(checkpoint, field_files, tmp_path):
    field_files().to_netcdf(tmp_path / "d.nc")
    maps, outcome = run(checkpoint, tmp_path / "d.nc", tmp_path / "m.zarr")
    check_maps(maps)
    assert maps.attrs["simulated"] == 1
    assert len(maps.attrs["checkpoint_sha256"]) == 64
    assert {"lat_bnds", "lon_bnds", "time_bnds"} <= set(maps.variables)
    land = maps["land_fraction"].values > 0
    assert np.isfinite(maps["GPP"].values[:, land]).all()
    assert np.isnan(maps["GPP"].values[:, ~land]).all()
    np.testing.assert_allclose(maps["NEE"], maps["RECO"] - maps["GPP"], atol=1e-5)
    assert (maps["NEE_sd"].values[:, land] > 0).all()
    assert maps["extrapolation"].attrs["threshold"] == pytest.approx(load_reference(checkpoint).threshold)
    assert (maps["extrapolation"].values[land] >= 0).all()
    assert "shorter than a year" in " ".join(outcome.notes)
    assert not RunFolder(tmp_path / "m.zarr").work.exists()


def test_bare_land_carries_no_flux(checkpoint, field_files, tmp_path):
    ds = field_files()
    share = np.zeros((17, 6, 10), np.float32)
    share[9], share[15] = 0.25, 0.75
    ds["igbp_fraction"] = (("igbp", "lat", "lon"), share)
    classes = list("ENF EBF DNF DBF MF CSH OSH WSA SAV GRA WET CRO URB CVM SNO BSV WAT".split())
    ds.assign_coords(igbp=classes).to_netcdf(tmp_path / "quarter.nc")
    share[9], share[15] = 1, 0
    ds["igbp_fraction"] = (("igbp", "lat", "lon"), share)
    ds.assign_coords(igbp=classes).to_netcdf(tmp_path / "whole.nc")
    quarter, _ = run(checkpoint, tmp_path / "quarter.nc", tmp_path / "q.zarr")
    whole, _ = run(checkpoint, tmp_path / "whole.nc", tmp_path / "w.zarr")
    np.testing.assert_allclose(quarter["GPP"], 0.25 * whole["GPP"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(quarter["NEE_sd"], 0.25 * whole["NEE_sd"], rtol=1e-5, atol=1e-6)
    bare, _ = run(checkpoint, tmp_path / "quarter.nc", tmp_path / "b.zarr", dominant=True)
    assert float(abs(bare["GPP"]).max()) == 0


def test_spin_up_is_the_first_year():
    assert spin_up_steps(pd.date_range("2001-01-01", periods=12, freq="MS")) == 12
    assert spin_up_steps(pd.date_range("2000-01-01", "2003-12-31")) == 366
    assert spin_up_steps(pd.date_range("2001-03-01", periods=365)) == 365
    assert spin_up_steps(pd.date_range("2001-01-01", periods=364)) == 0


def test_a_warm_start_forgets_where_the_series_begins(checkpoint, towers, as_grid, tmp_path):
    ds = as_grid(next(iter(towers.values()))).isel(time=slice(0, 365))
    ds.to_netcdf(tmp_path / "d.nc")
    warm, _ = run(checkpoint, tmp_path / "d.nc", tmp_path / "w.zarr")
    cold, _ = run(checkpoint, tmp_path / "d.nc", tmp_path / "c.zarr", spin_up=False)
    change = abs(warm["GPP"] - cold["GPP"]).values[:, 0, 0]
    assert change[:5].max() > 1e-4
    assert change[250:].max() < change[:5].max() / 10


def test_maps_and_series_give_identical_output_and_maps_are_read_once(
    checkpoint, field_files, tmp_path, in_small_tiles, monkeypatch
):
    ds = field_files(degrees=1.0)
    ds.chunk({"time": 40, "lat": 8, "lon": 8}).to_zarr(tmp_path / "series.zarr", consolidated=False)
    ds.chunk({"time": 2, "lat": -1, "lon": -1}).to_zarr(tmp_path / "maps.zarr", consolidated=False)
    series, first = run(checkpoint, tmp_path / "series.zarr", tmp_path / "a.zarr", smallest=0)
    reads, plain = [], read.read_piece

    def counted(piece, *where):
        reads.append(piece.path)
        return plain(piece, *where)

    monkeypatch.setattr(read, "read_piece", counted)
    monkeypatch.setattr(rechunk, "read_piece", counted)
    turned, second = run(checkpoint, tmp_path / "maps.zarr", tmp_path / "b.zarr", smallest=0)
    of_files = reads.count(str(tmp_path / "maps.zarr"))
    reads.clear()
    direct, third = run(checkpoint, tmp_path / "maps.zarr", tmp_path / "c.zarr")
    assert (first.staged, third.staged) == ((), ())
    assert second.staged == ("TA-0", "SW_IN-0", "VPD-0")
    xr.testing.assert_identical(series.drop_attrs(), turned.drop_attrs())
    xr.testing.assert_identical(series.drop_attrs(), direct.drop_attrs())
    # One slab a driver, against fifteen regions that each read every driver.
    assert of_files == 3
    assert reads.count(str(tmp_path / "maps.zarr")) == 15 * 3


def test_shut_down_and_resumed_runs_are_identical(checkpoint, field_files, tmp_path, in_small_tiles, monkeypatch):
    field_files(degrees=1.0).to_netcdf(tmp_path / "d.nc")
    whole, outcome = run(checkpoint, tmp_path / "d.nc", tmp_path / "whole.zarr")
    assert outcome.computed == 15
    out, done = tmp_path / "cut.zarr", []

    def stop(progress):
        done.append(progress.done)
        if progress.done == 4:
            raise KeyboardInterrupt

    request = UpscaleRequest(
        checkpoint=checkpoint, files=(str(tmp_path / "d.nc"),), out=out, scheduler="threads", allow_gaps=True
    )
    with pytest.raises(KeyboardInterrupt):
        upscale(request, stop)
    assert not out.exists()
    with pytest.raises(TamrlError, match=r"stopped.*--resume"):
        upscale(request)
    with pytest.raises(TamrlError, match="other settings"):
        run(checkpoint, tmp_path / "d.nc", out, resume=True, dominant=True)
    field_files(degrees=1.0, start="2002-01-01").to_netcdf(tmp_path / "e.nc")
    with pytest.raises(TamrlError, match="other drivers"):
        run(checkpoint, tmp_path / "e.nc", out, resume=True)
    again, outcome = run(checkpoint, tmp_path / "d.nc", out, resume=True, memory=50_000_000)
    assert outcome.before >= 4
    assert outcome.before + outcome.computed == 15
    xr.testing.assert_identical(whole.drop_attrs(), again.drop_attrs())
    place = RunFolder(out)
    place.work.mkdir()
    place.plan.write_text("{}")  # a run that was killed after it had moved the maps
    for resume, text in ((False, "exists already"), (True, "complete")):
        with pytest.raises(TamrlError, match=text):
            run(checkpoint, tmp_path / "d.nc", out, resume=resume)
    assert not place.work.exists()
    with pytest.raises(TamrlError, match="no run to resume"):
        run(checkpoint, tmp_path / "d.nc", tmp_path / "new.zarr", resume=True)


def test_a_full_disk_loses_nothing(checkpoint, field_files, tmp_path, in_small_tiles, monkeypatch):
    field_files(degrees=1.0).to_netcdf(tmp_path / "d.nc")
    import zarr

    from tamrl.upscale import store

    count, plain = [], zarr.open_array

    class Full:
        def __setitem__(self, *_):
            raise OSError(28, "No space left on device")

    def open_array(path, **more):
        count.append(path)
        return Full() if len(count) > 30 else plain(path, **more)

    monkeypatch.setattr(zarr, "open_array", open_array)
    with pytest.raises(TamrlError, match=r"No space left.*--resume"):
        run(checkpoint, tmp_path / "d.nc", tmp_path / "m.zarr")
    monkeypatch.undo()
    monkeypatch.setattr("tamrl.upscale.run._LARGEST", 8)
    maps, outcome = run(checkpoint, tmp_path / "d.nc", tmp_path / "m.zarr", resume=True)
    assert outcome.before >= 1
    assert np.isfinite(maps["GPP"].values[:, maps["land_fraction"].values > 0]).all()
    assert store.RunFolder(tmp_path / "m.zarr").work.exists() is False


@pytest.fixture
def monthly_checkpoint(tmp_path):
    """A monthly model that was never trained, with the bundled global drivers."""
    names = ("TA", "P_MON", "SW_IN_POT", "SW_IN_POT_TREND", "NDVI_MIN", "NDVI_MAX", "C4")
    shape = ModelConfig(
        drivers=names, step=TimeStep.MONTHLY, code=4, embed=6, hidden=6, encoder_hidden=4, encoder_bin=1
    )
    scales = Normaliser(np.zeros(7, "f4") + 0.5, np.array([10, 3, 150, 50, 0.3, 0.3, 0.3], "f4"), np.ones(3, "f4"))
    (tmp_path / "monthly").mkdir()
    for k in range(2):
        torch.manual_seed(k)
        prior = CodePrior(torch.zeros(4), torch.ones(4))
        save_member(tmp_path / "monthly", k, TAMRL(shape, torch.ones(3)), scales, prior)
    save_manifest(tmp_path / "monthly", Config(shape), [{"index": k} for k in range(2)], {"simulated": False})
    return tmp_path / "monthly"


def test_the_bundled_earth_is_taken_by_name(monthly_checkpoint, tmp_path):
    maps, outcome = run(monthly_checkpoint, "earth", tmp_path / "m.zarr", bbox=(-10, 35, 30, 60))
    check_maps(maps)
    earth = load_earth().sel(lat=slice(35, 60), lon=slice(-10, 30))
    assert maps.attrs["climatology"] == earth.attrs["climatology"]
    assert np.array_equal(maps["land_fraction"], earth["land_fraction"])
    land = (earth["land_fraction"].values > 0) & np.isfinite(earth["TA"].values[0])
    assert np.array_equal(np.isfinite(maps["GPP"].values[0]), land)
    assert "extrapolation" not in maps
    assert "does not hold its training towers" in " ".join(outcome.notes)


def test_too_little_memory_and_unknown_schedulers_are_said_so(checkpoint, field_files, tmp_path):
    field_files().to_netcdf(tmp_path / "d.nc")
    with pytest.raises(TamrlError, match="too little for 8 x 8 cells"):
        run(checkpoint, tmp_path / "d.nc", tmp_path / "m.zarr", memory=1000)
    with pytest.raises(TamrlError, match="Unknown scheduler"):
        run(checkpoint, tmp_path / "d.nc", tmp_path / "n.zarr", scheduler="cloud")
