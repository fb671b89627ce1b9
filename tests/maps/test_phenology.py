"""Phenology: lags and mean years by hand, no tower predicted by a model that has seen it, and a cycle of the Earth."""

import map_files
import numpy as np
import pandas as pd
import pytest

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.accuracy import Benchmark
from tamrl.globe.earth import load_earth
from tamrl.maps import phenology
from tamrl.maps.phenology import FIXED, Phenology, features, inner_groups, out_of_fold, targets_of, tower_inputs
from tamrl.maps.phenology_map import cell_climate, earth_cycle
from tamrl.protocol.designs import load_split
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import load_archive, save_archive
from tamrl.towers.monthly import to_monthly


@pytest.fixture(scope="module")
def archive():
    return to_monthly(simulate(10), load_earth())


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    monkeypatch.setattr(Phenology, "SETTINGS", Phenology.SETTINGS | {"n_estimators": 60, "min_child_weight": 5})


def test_lags_wrap_in_a_mean_year_and_are_missing_at_the_start_of_a_record():
    ta, p, light = np.arange(24.0)[None], np.ones((1, 24)), np.full((1, 24), 300.0)
    month = np.tile(np.arange(1, 13), 2)
    open_, cyclic = features(ta, p, light, month), features(ta[:, :12], p[:, :12], light[:, :12], month[:12], True)
    # Columns 6 to 8 are temperature one to three months before.
    np.testing.assert_array_equal(open_[0, 5, 6:9], [4, 3, 2])
    assert np.isnan(open_[0, 1, 7])
    np.testing.assert_array_equal(cyclic[0, 0, 6:9], [11, 10, 9])
    # The mean year of 0..23 is 6..17: its lowest and highest temperature stand after the nine lags.
    np.testing.assert_array_equal(open_[0, 0, 15:17], [6, 17])
    assert open_.shape[-1] == cyclic.shape[-1]


def test_potential_evaporation_is_that_of_the_formula():
    # Oudin et al. 2005: Re / (lambda rho) x (T + 5) / 100; 25 MJ m-2 d-1 at 15 degrees is 2.04 mm d-1.
    assert phenology.potential_evaporation(np.array(15.0), np.array(25e6 / 86_400)) == pytest.approx(2.041, abs=1e-3)
    assert phenology.potential_evaporation(np.array(-10.0), np.array(300.0)) == 0


def test_held_out_towers_and_a_tower_itself_change_nothing_of_what_is_predicted(archive):
    """Leakage: series of a held-out tower, and of a tower's own group, are spoilt; its prediction stays the same."""
    sites = archive["site"].values.tolist()
    held, groups = sites[:2], [sites[2:6], sites[6:]]
    clean = out_of_fold(archive, groups, held)
    spoilt = archive.copy(deep=True)
    spoilt["LAI"][:2] = 9.0
    again = out_of_fold(spoilt, groups, held)
    np.testing.assert_array_equal(clean["LAI"], again["LAI"])
    spoilt["LAI"][2] = 9.0
    own = out_of_fold(spoilt, groups, held)
    np.testing.assert_array_equal(clean["LAI"][2:6], own["LAI"][2:6])
    assert not np.array_equal(clean["LAI"][6:], own["LAI"][6:], equal_nan=True), "the others have learnt from it"
    assert {n: clean[n].attrs["units"] for n in targets_of(archive)} == {"LAI": "m2 m-2", "EVI": "1"}
    np.testing.assert_array_equal(clean["GPP"], archive["GPP"])


def test_the_seasonal_cycle_of_unseen_towers_is_found(archive):
    table = phenology.scores(archive, out_of_fold(archive, inner_groups(archive)))
    assert table.groupby("variable")["r_cycle"].median().min() > 0.6
    assert set(table["variable"]) == {"LAI", "EVI"}


def test_groups_hold_every_other_tower_once(archive):
    sites = archive["site"].values.tolist()
    groups = inner_groups(archive, sites[:3])
    assert sorted(s for group in groups for s in group) == sorted(sites[3:])


def test_a_cell_reads_what_a_tower_with_its_climate_reads(archive):
    """The Earth's inputs are those of a monthly record of the same climate and classes."""
    earth = load_earth()
    row, column = 275, 380
    land = np.array([row * earth.sizes["lon"] + column])
    cell = cell_climate(earth, land)[0]
    tower = archive.isel(site=[0], time=slice(0, 24)).copy(deep=True)
    tower = tower.assign_coords(lat=("site", [float(earth["lat"][row])]))
    for name in ("TA", "P_MON"):
        values = np.tile(earth[name].values[:, row, column], 2)
        tower[name] = (("site", "time"), values[None])
    for name in FIXED:
        tower[name] = (("site", "time"), np.full((1, 24), float(earth[name][row, column])))
    inputs = tower_inputs(tower)[0, 12:, : cell.shape[-1]]
    # Leap years shift the light of a month by a trifle.
    np.testing.assert_allclose(inputs, cell, rtol=2e-2, atol=2e-2)


def test_the_earth_gets_a_cycle_on_land_alone(archive, tmp_path):
    earth = map_files.earth(step=10)
    model = Phenology()
    model.fit(archive)
    cycle = earth_cycle(model, earth)
    land = earth["land_fraction"].values > 0
    assert set(cycle) == {"LAI", "EVI"}
    for name in cycle:
        assert cycle[name].shape == (12, *land.shape)
        assert np.isfinite(cycle[name][:, land]).all()
        assert np.isnan(cycle[name][:, ~land]).all()
    assert (cycle["LAI"][:, land] >= 0).all()


def test_what_cannot_be_learnt_is_said(archive):
    with pytest.raises(TamrlError, match="not trained"):
        Phenology().predict(np.zeros((1, 3)))
    with pytest.raises(TamrlError, match="none of LAI, EVI, FAPAR"):
        Phenology().fit(archive.drop_vars(["LAI", "EVI"]))
    model = Phenology()
    model.fit(archive.drop_vars("EVI"))
    assert model.variables == ("LAI",)
    with pytest.raises(TamrlError, match="this archive is daily"):
        tower_inputs(simulate(2))


def test_each_fold_of_a_benchmark_reads_phenology_that_has_not_seen_its_towers(archive, tmp_path):
    save_archive(archive, tmp_path / "archive.zarr")
    benchmark = Benchmark(
        archive=tmp_path / "archive.zarr",
        out=tmp_path / "out",
        designs=("igbp",),
        members=1,
        side_members=1,
        models=("xgboost",),
        ablations=(),
        config=Config(),
        phenology=True,
    )
    benchmark.prepare(load_archive(benchmark.archive))
    units = benchmark.units()
    assert len({unit.archive for unit in units}) == len(units) == 5
    held = load_split(tmp_path / "out" / "splits" / "igbp.yaml").folds[1]
    kept = load_archive(units[1].archive)
    expected = out_of_fold(archive, inner_groups(archive, held, benchmark.seed), held, benchmark.seed)
    np.testing.assert_array_equal(kept["LAI"].sel(site=expected["site"]), expected["LAI"])
    assert pd.DatetimeIndex(kept["time"].values).equals(pd.DatetimeIndex(archive["time"].values))
    assert benchmark.settings["phenology"] is True
    assert "phenology" not in Benchmark(archive=benchmark.archive, out=tmp_path / "other").settings
