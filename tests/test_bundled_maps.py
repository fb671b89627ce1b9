"""The bundled climate model and its maps: whole, small, and made by what is in the project."""

import numpy as np
import pytest
import xarray as xr

from tamrl.bundled import bundled_folder, bundled_models, model_step
from tamrl.globe.contract import SD, check_maps, is_climatology
from tamrl.globe.earth import load_earth
from tamrl.model.checkpoint import load_ensemble
from tamrl.model.training_towers import load_reference
from tamrl.schema import FLUXES
from tamrl.timestep import TimeStep
from tamrl.upscale.request import UpscaleRequest
from tamrl.upscale.run import upscale

MODEL = "fluxnet2015-climate"
NAMES = ("tamrl-climate", "xgboost-climate", "random-forest-climate")
#: Half of the step that maps are packed in, and rounding.
PACKED = 0.026


@pytest.fixture(scope="module")
def maps():
    return {name: xr.open_dataset(bundled_folder("maps") / f"{name}.nc").load() for name in NAMES}


def test_the_climate_model_is_whole_and_reads_what_the_earth_has():
    folder = bundled_models()[MODEL]
    ensemble = load_ensemble(folder)
    assert len(ensemble.members) == 5
    assert ensemble.info["complete"]
    assert model_step(folder) == ensemble.config.model.step == TimeStep.MONTHLY
    assert set(ensemble.config.model.drivers) - {"SW_IN_POT_TREND"} <= set(load_earth().data_vars)
    assert ensemble.calibration(0) is not None
    assert load_reference(folder).sites == ensemble.training_sites
    assert sum(f.stat().st_size for f in folder.iterdir()) < 2e6
    assert {f.suffix for f in folder.iterdir()} <= {".safetensors", ".yaml", ".md"}, "no observation is bundled"
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in ("CC-BY-4.0", "| 0 | TAM-RL |", "| 0 | XGBoost |", "far too large", "10.1038/s41597-020-0534-3"):
        assert part in card


@pytest.mark.parametrize("name", NAMES)
def test_maps_keep_the_contract_over_all_land(maps, name):
    ds = maps[name]
    check_maps(ds, name)
    assert is_climatology(ds)
    assert (ds.attrs["simulated"], ds.attrs["kind"]) == (0, "model")
    for text in ("title", "source", "citation", "license", "spread"):
        assert ds.attrs[text], text
    land = ds["land_fraction"].values > 0.01
    for flux in FLUXES:
        assert np.isfinite(ds[flux].values[:, land]).mean() > 0.999
        assert (ds[flux + SD].values[:, land] >= 0).mean() > 0.999


def test_the_balance_of_the_model_closes_on_the_map(maps):
    ds = maps["tamrl-climate"]
    assert ds.attrs["derived"] == "NEE"
    assert float(abs(ds["NEE"] - (ds["RECO"] - ds["GPP"])).max()) < 3 * PACKED
    assert float(ds["GPP"].min()) >= 0


def test_the_engine_makes_the_bundled_maps_again(maps, tmp_path):
    box = (8.0, 50.0, 11.0, 53.0)
    request = UpscaleRequest(
        checkpoint=bundled_models()[MODEL], files=("earth",), out=tmp_path / "box.zarr", scheduler="threads", bbox=box
    )
    made = xr.open_zarr(upscale(request).out, chunks=None)
    kept = maps["tamrl-climate"].sel(lat=made["lat"], lon=made["lon"])
    for name in [n for flux in FLUXES for n in (flux, flux + SD)]:
        np.testing.assert_allclose(kept[name], made[name], atol=PACKED, err_msg=name)
    np.testing.assert_allclose(kept["code"], made["code"], atol=PACKED)
    np.testing.assert_allclose(kept["extrapolation"], made["extrapolation"], atol=0.006)
    assert kept["extrapolation"].attrs["threshold"] == pytest.approx(made["extrapolation"].attrs["threshold"])
    assert kept.attrs["spread"] == made.attrs["spread"]


def test_bundled_drivers_and_published_totals_are_there():
    folder = bundled_folder("maps").parent
    for name in (
        "earth.nc",
        "driver-maps/era5land-modis.yaml",
        "published-totals.yaml",
        "land-sink.yaml",
        "maps/totals.yaml",
    ):
        assert (folder / name).is_file(), name
