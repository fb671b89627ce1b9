"""The public Python API: the example in its docstring, each function, and that it costs nothing until it is used."""

import re
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import torch
import tower_files
import xarray as xr
from map_files import write
from small_workspace import ROOT

import tamrl
import tamrl.api
from tamrl.errors import TamrlError
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import cautions
from tamrl.predict.methods import AdaptSettings


def test_the_names_are_those_of_the_module_and_documented():
    assert set(tamrl.PUBLIC) <= set(dir(tamrl))
    for name in tamrl.api.__all__:
        assert getattr(tamrl.api, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tamrl.nothing


def test_nothing_is_loaded_before_it_is_used():
    code = """
import sys, tamrl, tamrl.api
assert "adapt" in dir(tamrl)
assert not {"torch", "xarray", "pandas"} & set(sys.modules)
tamrl.open_product, tamrl.open_workspace
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_example_runs_as_it_stands(tmp_path):
    example = re.search(r"(?m)^    import tamrl\n(?:(?:    .*)?\n)+", tamrl.api.__doc__).group()
    code = textwrap.dedent(example) + "\nprint(tamrl.scores(adapted).to_string())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "rmse_after" in done.stdout
    made = pd.read_csv(tmp_path / "DE-Hai.csv")
    assert made["support"].sum() == 30
    assert {"GPP_observed", "GPP_zero_shot", "GPP_adapted", "GPP_adapted_sd"} <= set(made)


@pytest.fixture(scope="module")
def space(small_workspace):
    return tamrl.open_workspace(small_workspace[0].path), small_workspace[1][0]


@pytest.fixture(scope="module")
def model(checkpoint):
    return tamrl.load_model(checkpoint, device="cpu")


def test_a_model_for_a_job_is_on_the_device_that_is_faster_at_it(checkpoint, monkeypatch):
    from tamrl.api import models
    from tamrl.predict.fastest import Picked

    asked = []

    def ready(job, name, say):
        asked.append((job, name))
        return Picked(torch.device("cpu"), "2.0 times as fast at this")

    monkeypatch.setattr(models, "ready", ready)
    assert tamrl.load_model(checkpoint, job="site-effect").device.type == "cpu"
    assert tamrl.load_model(checkpoint, device="cpu").device.type == "cpu"
    assert asked == [("site-effect", "auto")]
    with pytest.raises(TamrlError, match=r"Unknown job 'magic'.*site-effect"):
        tamrl.load_model(checkpoint, job="magic")


def test_a_tower_is_adapted_as_by_the_functions_below(space, model):
    workspace, site = space
    tower = tamrl.read_tower(workspace, site)
    days = tamrl.labelled_days(tower, 30)
    assert len(days) == 30
    assert tamrl.labelled_days(tower, 5, start=days[10])[0] == days[10]
    made = tamrl.adapt(model, tower, days)
    below = adapt(model, tower, days, AdaptSettings())
    xr.testing.assert_equal(made.adapted, below.adapted)
    table = tamrl.scores(made).set_index("flux")
    assert table.loc["GPP", "n"] == made.scored.sum()
    both = tamrl.fluxes(made)
    zero = tamrl.predict(model, tower)
    np.testing.assert_allclose(both["GPP_zero_shot"], zero["GPP"], rtol=1e-5)
    assert zero["GPP"].attrs["units"] == "gC m-2 d-1"
    with pytest.raises(TamrlError, match="Unknown method"):
        tamrl.adapt(model, tower, days, method="magic")


def test_an_adapted_model_is_kept_and_predicts_the_same(space, model, tmp_path):
    tower = tamrl.read_tower(*space)
    made = tamrl.adapt(model, tower, tamrl.labelled_days(tower, 30))
    tamrl.save_adapted(made, model, tmp_path / "kept")
    again = tamrl.predict(tamrl.load_adapted(tmp_path / "kept", device="cpu"), tower)
    both = tamrl.fluxes(made)
    for flux in ("GPP", "RECO", "NEE"):
        np.testing.assert_array_equal(again[flux], both[f"{flux}_adapted"])
        np.testing.assert_array_equal(again[f"{flux}_sd"], both[f"{flux}_adapted_sd"])
    with pytest.raises(TamrlError, match="no readable checkpoint"):
        tamrl.load_model(tmp_path / "kept")


def test_rooms_of_the_same_name_are_called_whatever_was_imported(space, model):
    from tamrl.predict import ensemble

    assert ensemble.__name__ == "tamrl.predict.ensemble"
    tower = tamrl.read_tower(*space)
    made = tamrl.predict(model, tower)
    assert {"GPP", "RECO", "NEE"} <= set(made)
    assert "was trained on" not in made.attrs["cautions"]
    known = tamrl.read_tower(space[0], model.training_sites[0])
    assert tamrl.predict(model, known).attrs["cautions"]
    assert set(tamrl.adapt(model, known, tamrl.labelled_days(known, 5)).notes) >= set(cautions(model, known))
    assert callable(tamrl.upscale)


def test_a_tower_is_read_from_its_file_and_named_where_there_are_several(tmp_path, space):
    path = tower_files.write_dd(tmp_path / tower_files.name("AT-Aaa"))
    tower = tamrl.read_tower(path)
    assert str(tower.site.item()) == "AT-Aaa"
    assert np.isfinite(tower["NEE"]).any()
    assert "missing" in tower.attrs["ingest_report"]
    with pytest.raises(TamrlError, match="There are 6 towers"):
        tamrl.read_tower(space[0])
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TamrlError, match="No tower could be read"):
        tamrl.read_tower(tmp_path / "none.csv")


@pytest.mark.slow
def test_a_workspace_is_scored_on_its_held_out_towers(space, model):
    workspace, site = space
    table = tamrl.evaluate(model, workspace, [site], shots=(0, 30), placements=("growing",))
    assert set(table["site"]) == {site}
    assert {0, 30} == set(table["shots"])
    assert table.attrs == {"left_out": [], "warnings": []}
    with pytest.raises(TamrlError, match="was trained on"):
        tamrl.evaluate(model, workspace, [model.training_sites[0]])


@pytest.mark.slow
def test_maps_are_made_and_opened(tmp_path):
    made = tamrl.upscale("fluxnet2015-climate", "earth", tmp_path / "maps.zarr", bbox=(5, 45, 12, 50))
    bundled = tamrl.open_maps("tamrl-climate").sel(lat=made.lat, lon=made.lon)
    # Bundled maps are rounded to 0.05 gC m-2 d-1.
    np.testing.assert_allclose(made["GPP"], bundled["GPP"], atol=0.026)
    xr.testing.assert_identical(tamrl.open_maps(tmp_path / "maps.zarr")["NEE"].load(), made["NEE"].load())
    with pytest.raises(TamrlError, match="There are no maps 'nothing'"):
        tamrl.open_maps("nothing")


def test_a_product_is_opened(tmp_path):
    maps = tamrl.open_product(write(tmp_path / "x.nc", step=10.0, title="One", kind="product", years=1))
    assert "GPP" in maps
    assert isinstance(maps.indexes["time"], pd.DatetimeIndex)
