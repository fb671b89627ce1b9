"""An adapted model on disk: wherever it is read it predicts the same, for every method; what is damaged is told."""

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from safetensors.torch import load_file, save_file
from small_workspace import ROOT

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import ADAPTED, load_ensemble
from tamrl.predict import saved
from tamrl.predict.adapt import adapt
from tamrl.predict.methods import METHODS, AdaptSettings
from tamrl.protocol.support_days import support_days


def settings(method):
    return AdaptSettings(method=method, steps=6, learning_rate=0.3)


@pytest.fixture(scope="module")
def support(unseen):
    return support_days(unseen, 60)


@pytest.fixture(scope="module")
def adapted(ensemble, unseen, support):
    return adapt(ensemble, unseen, support)


@pytest.fixture
def folder(adapted, ensemble, tmp_path):
    saved.save(adapted, ensemble, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("method", list(METHODS))
def test_it_predicts_the_same_wherever_it_is_read(ensemble, unseen, support, tmp_path, method):
    """Every method; in another folder, from a copy of the checkpoint, without the fluxes of the tower."""
    made = adapt(ensemble, unseen, support, settings(method))
    saved.save(made, ensemble, tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    model = saved.load(tmp_path / "there")
    assert (model.site, model.method) == (str(unseen.site.item()), method)
    assert model.support.equals(made.support)
    blind = unseen.assign({flux: unseen[flux] * np.nan for flux in ("GPP", "RECO", "NEE")})
    xr.testing.assert_identical(saved.predict(model, blind), made.adapted)
    if method in ("site-effect", "modulation", "all"):
        assert abs(made.adapted["GPP"] - made.zero_shot["GPP"]).max() > 0.01


@pytest.mark.parametrize(("method", "share"), [("encode", 1.0), ("encode", 0.25), ("all", 0.25), ("all", 0.0)])
def test_a_part_of_an_adaptation_is_kept_as_that_part(ensemble, unseen, support, tmp_path, monkeypatch, method, share):
    """As the guard leaves it where all of an adaptation does harm."""
    from tamrl.predict.methods import guard

    monkeypatch.setattr(guard, "backtrack", lambda shift, stretch, most=1.0: (share, 1.0, 1.0))
    made = adapt(ensemble, unseen, support, settings(method))
    assert set(made.shrinkage) == {share}
    saved.save(made, ensemble, tmp_path / "m")
    assert (made.adapted["GPP"] == made.zero_shot["GPP"]).all() == (share == 0)
    xr.testing.assert_identical(saved.predict(saved.load(tmp_path / "m"), unseen), made.adapted)


def test_another_process_and_the_public_functions_predict_the_same(adapted, unseen, folder, tmp_path):
    unseen.drop_attrs().to_netcdf(tmp_path / "tower.nc")
    code = (
        "import sys, tamrl, xarray as xr\n"
        "tower = xr.load_dataset('tower.nc')\n"
        "made = tamrl.predict(tamrl.load_adapted('model', device='cpu'), tower)\n"
        "made.to_netcdf('made.nc')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with xr.open_dataset(tmp_path / "made.nc") as made:
        np.testing.assert_array_equal(made["NEE"], adapted.adapted["NEE"].mean("member"))
        assert made.attrs["adapted_to"] == str(unseen.site.item())
        assert "has read the fluxes of 60 days" in made.attrs["cautions"]


def test_other_years_of_the_tower_are_predicted_with_the_same_place(folder, unseen):
    """What was adapted stays: where the same weather comes again, so do the fluxes."""
    model = saved.load(folder)
    whole = saved.predict(model, unseen)
    first = saved.predict(model, unseen.isel(time=slice(0, 400)))
    np.testing.assert_allclose(first["GPP"], whole["GPP"].isel(time=slice(0, 400)), rtol=1e-5, atol=1e-6)


def test_another_tower_is_cautioned(folder, unseen):
    model = saved.load(folder)
    assert saved.cautions_of(model, unseen) == ["The model has read the fluxes of 60 days of this record."]
    other = unseen.assign_coords(site="XX-Not")
    assert f"adapted to {unseen.site.item()}, not to XX-Not" in " ".join(saved.cautions_of(model, other))


def test_what_is_there_is_replaced_only_where_it_is_an_adapted_model(adapted, ensemble, folder, tmp_path):
    saved.save(adapted, ensemble, folder)
    assert saved.is_adapted(folder)
    taken = tmp_path / "home"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    with pytest.raises(TamrlError, match="not replaced"):
        saved.save(adapted, ensemble, taken)
    assert (taken / "thesis.txt").read_text() == "years of work"
    empty = tmp_path / "empty"
    empty.mkdir()
    saved.save(adapted, ensemble, empty)
    assert saved.is_adapted(empty)


def test_a_model_that_was_trained_again_since_is_not_saved_beside(adapted, ensemble, tmp_path):
    shutil.copytree(ensemble.path, tmp_path / "base")
    moved = dataclasses.replace(ensemble, path=tmp_path / "base")
    manifest = tmp_path / "base" / "ensemble.yaml"
    manifest.write_text(manifest.read_text().replace("created: '2", "created: '1"))
    with pytest.raises(TamrlError, match="was changed since"):
        saved.save(adapted, moved, tmp_path / "m")
    with pytest.raises(TamrlError, match="not on disk"):
        saved.save(adapted, dataclasses.replace(ensemble, path=None), tmp_path / "m")
    with pytest.raises(TamrlError, match="keeps nothing that could be saved"):
        saved.save(dataclasses.replace(adapted, states=()), ensemble, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def edit(folder, **changes):
    about = yaml.safe_load((folder / ADAPTED).read_text())
    (folder / ADAPTED).write_text(yaml.safe_dump(about | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / ADAPTED).unlink(), "no readable adapted model"),
        (lambda f: (f / ADAPTED).write_text("{"), "no readable adapted model"),
        (lambda f: edit(f, format=99), "format 99"),
        (lambda f: edit(f, support=["a day in June"]), "no readable adapted model"),
        (lambda f: edit(f, method="magic"), "no readable adapted model"),
        (lambda f: edit(f, base={"sha256": "0"}), "not the one that was adapted"),
        (lambda f: (f / "adapted-1.safetensors").unlink(), "cannot be read"),
        (lambda f: (f / "adapted-0.safetensors").write_bytes(b"no"), "cannot be read"),
        (lambda f: (f / "base" / "member-0.safetensors").write_bytes(b"no"), "weights cannot be read"),
        (lambda f: shutil.rmtree(f / "base"), "no readable checkpoint"),
    ],
)
def test_a_damaged_folder_is_told(folder, damage, message):
    damage(folder)
    with pytest.raises(TamrlError, match=message) as told:
        saved.load(folder)
    assert told.value.todo


def test_what_does_not_fit_or_is_not_finite_is_told(folder, unseen):
    file = folder / "adapted-0.safetensors"
    state = load_file(file)
    save_file({name: part for name, part in state.items() if name != "effect.factor"}, file)
    with pytest.raises(TamrlError, match="does not fit the model"):
        saved.predict(saved.load(folder), unseen)
    save_file({**state, "code": state["code"][:, :-1].contiguous()}, file)
    with pytest.raises(TamrlError, match="does not fit the model"):
        saved.predict(saved.load(folder), unseen)
    save_file({**state, "code": state["code"] * np.nan}, file)
    with pytest.raises(TamrlError, match="not finite"):
        saved.load(folder)


def test_where_a_checkpoint_is_wanted_an_adapted_model_is_told_apart(folder):
    with pytest.raises(TamrlError, match="no readable checkpoint") as told:
        load_ensemble(folder)
    assert "tamrl.load_adapted" in told.value.todo
    assert load_ensemble(folder / "base").members


def test_the_manifest_says_how_it_was_made(folder, unseen, support):
    about = yaml.safe_load((folder / ADAPTED).read_text())
    assert about["site"] == str(unseen.site.item())
    assert pd.DatetimeIndex(about["support"]).equals(support)
    assert about["simulated"] == 1
    assert about["settings"] == {"steps": 60, "learning_rate": 0.1, "held_back": 0.2}
    assert about["base"]["name"] == "small"
