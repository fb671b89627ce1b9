"""Files with the names of version 0.1 (QC, SW_POT, SW_POT_TREND) open, and hold what the new ones do."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
import yaml

from tamrl.config import Config, from_dict, load_config, to_dict
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.accuracy import SETTINGS, Benchmark
from tamrl.globe.earth import load_earth
from tamrl.model.checkpoint import MANIFEST, digest, load_ensemble, save_manifest, save_member
from tamrl.model.drivers import DERIVED
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.predict import saved
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import predict
from tamrl.protocol.support_days import support_days
from tamrl.schema import DRIVERS, FORMER_NAMES, VARIABLES, current_name, former_names
from tamrl.towers.archive import load_archive, merge, save_archive, write_zarr
from tamrl.towers.readers.column_map import Column, ColumnMap
from tamrl.training.ensemble import STATE, EnsembleTrainer

OLD_OF = {new: old for old, new in FORMER_NAMES.items()}


def in_old_names(text: str) -> str:
    """Return a text as version 0.1 wrote it."""
    return re.sub(r"\b(?:SW_IN_POT_TREND|SW_IN_POT|NEE_QC)\b", lambda found: OLD_OF[found[0]], text)


def age(file):
    """Write a text file again as version 0.1 did."""
    before = file.read_text()
    file.write_text(in_old_names(before))
    assert file.read_text() != before


@pytest.fixture(scope="module")
def ensemble(config, normaliser, awake, tmp_path_factory):
    """A checkpoint whose network was never trained, which is quick and reads its drivers as any other does."""
    path = tmp_path_factory.mktemp("model") / "new"
    path.mkdir()
    torch.manual_seed(0)
    network = awake(TAMRL(config.model, torch.from_numpy(normaliser.flux_scale)))
    prior = CodePrior(torch.eye(config.model.code), torch.ones(3))
    save_member(path, 0, network, normaliser, prior)
    save_manifest(path, config, [{"index": 0, "training_sites": [], "validation_sites": []}], {"simulated": True})
    return load_ensemble(path)


@pytest.fixture(scope="module")
def tower(towers):
    return towers[0].isel(time=slice(0, 500))


def test_the_table_of_names_leads_from_what_is_gone_to_what_is_there():
    assert not set(FORMER_NAMES) & {*VARIABLES, *DERIVED}
    assert set(FORMER_NAMES.values()) <= {*VARIABLES, *DERIVED}
    assert former_names(["QC", "TA"]) == {"QC": "NEE_QC"}
    assert [current_name(name) for name in ("SW_POT", *DRIVERS)] == ["SW_IN_POT", *DRIVERS]


def test_an_old_archive_opens_and_is_written_with_the_new_names(archive, tmp_path):
    archive = archive[["GPP", "RECO", "NEE", "NEE_QC", "TA"]].isel(site=slice(0, 2), time=slice(0, 800))
    write_zarr(archive.rename({"NEE_QC": "QC"}), tmp_path / "old.zarr")
    save_archive(archive, tmp_path / "new.zarr")
    with xr.open_zarr(tmp_path / "old.zarr") as raw:
        assert set(raw) & {"QC", "NEE_QC"} == {"QC"}
    old, new = load_archive(tmp_path / "old.zarr"), load_archive(tmp_path / "new.zarr")
    assert list(old.data_vars) == list(new.data_vars)
    xr.testing.assert_equal(old, new)

    first, rest = old.isel(site=[0]), new.isel(site=slice(1, None))
    save_archive(merge(first, rest), tmp_path / "both.zarr")
    with xr.open_zarr(tmp_path / "both.zarr") as raw:
        assert set(raw) & {"QC", "NEE_QC"} == {"NEE_QC"}
        np.testing.assert_array_equal(raw["NEE_QC"].values, archive["NEE_QC"].values)


def test_an_old_checkpoint_predicts_the_same_bit_by_bit(ensemble, tower, tmp_path):
    shutil.copytree(ensemble.path, tmp_path / "old")
    age(tmp_path / "old" / MANIFEST)
    assert "SW_POT" in yaml.safe_load((tmp_path / "old" / MANIFEST).read_text())["config"]["model"]["drivers"]
    old = load_ensemble(tmp_path / "old")
    assert old.config == ensemble.config
    xr.testing.assert_identical(predict(old, tower), predict(ensemble, tower))


def test_an_old_adapted_model_predicts_the_same_bit_by_bit(ensemble, tower, tmp_path):
    made = adapt(ensemble, tower, support_days(tower, 30))
    saved.save(made, ensemble, tmp_path / "old")
    age(tmp_path / "old" / saved.BASE / MANIFEST)
    about = yaml.safe_load((tmp_path / "old" / saved.ADAPTED).read_text())
    about["base"]["sha256"] = digest(tmp_path / "old" / saved.BASE)
    (tmp_path / "old" / saved.ADAPTED).write_text(yaml.safe_dump(about))
    xr.testing.assert_identical(saved.predict(saved.load(tmp_path / "old"), tower), made.adapted)


def test_old_settings_are_read_and_new_ones_are_written(tmp_path):
    (tmp_path / "old.yaml").write_text("model: {drivers: [TA, SW_POT, SW_POT_TREND]}")
    config = load_config(tmp_path / "old.yaml")
    assert config.model.drivers == ("TA", "SW_IN_POT", "SW_IN_POT_TREND")
    assert from_dict(yaml.safe_load(in_old_names(yaml.safe_dump(to_dict(Config()))))) == Config()


def test_a_training_that_was_stopped_goes_on(archive_path, config, tmp_path):
    out = tmp_path / "model"
    EnsembleTrainer(archive_path, out, config, members=1, seed=3, device="cpu")
    age(out / STATE / "run.yaml")
    EnsembleTrainer(archive_path, out, config, members=1, seed=3, device="cpu", resume=True)
    with pytest.raises(TamrlError, match="other settings"):
        EnsembleTrainer(archive_path, out, config, members=1, seed=4, device="cpu", resume=True)


def test_a_benchmark_that_was_stopped_goes_on(archive, archive_path, config, tmp_path):
    benchmark = Benchmark(archive=archive_path, out=tmp_path, designs=("igbp",), config=config)
    benchmark.prepare(archive)
    age(tmp_path / SETTINGS)
    benchmark.prepare(archive)
    assert "SW_IN_POT" in (tmp_path / SETTINGS).read_text()
    with pytest.raises(TamrlError, match="other settings"):
        Benchmark(archive=archive_path, out=tmp_path, designs=("igbp",), config=config, seed=5).prepare(archive)


def test_an_old_map_of_columns_is_read():
    old = ColumnMap.from_dict({"time": "Date", "columns": {"quality": "QC", "NEE": "NEE"}}, "map")
    assert old.columns["quality"] == Column(variable="NEE_QC", unit="1")
    assert old.to_dict()["columns"]["quality"]["variable"] == "NEE_QC"


def test_the_bundled_drivers_and_a_file_of_today_hold_the_same(tmp_path):
    """The bundled file keeps the old name; one that is built today has the new one."""
    lat = np.arange(-89.0, 90, 2)
    fields = {"SW_POT": (("time", "lat"), np.random.default_rng(0).random((12, lat.size)).astype("f4"))}
    old = xr.Dataset(fields, {"lat": lat, "time": pd.date_range("2001-01-01", periods=12, freq="MS")})
    for name, content in (("old.nc", old), ("new.nc", old.rename(SW_POT="SW_IN_POT"))):
        content.to_netcdf(tmp_path / name)
    xr.testing.assert_equal(load_earth(tmp_path / "old.nc"), load_earth(tmp_path / "new.nc"))
    assert "SW_IN_POT" in load_earth()
