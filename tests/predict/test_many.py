"""Many towers and supports at once give each what it gets alone, as batches of several towers as well."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import tamrl
from tamrl.bundled import bundled_models
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict import effects, many
from tamrl.predict import ensemble as tower_ensemble
from tamrl.predict.adapt import adapt, usable_support
from tamrl.predict.ensemble import member_code, member_records, predict
from tamrl.predict.methods import AdaptSettings
from tamrl.protocol.support_days import support_days
from tamrl.schema import FLUXES
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled


@pytest.fixture(scope="module")
def model():
    whole = load_ensemble(bundled_models()["fluxnet2015-daily"])
    return dataclasses.replace(whole, members=whole.members[:2])


@pytest.fixture(scope="module")
def places():
    """Three towers whose records end at different days."""
    archive = bundled().archive()
    towers = [record(archive, site) for site in ("AT-Neu", "DE-Hai", "US-Ha1")]
    return [tower.isel(time=slice(0, count)) for tower, count in zip(towers, (900, 689, 865), strict=True)]


@pytest.fixture(scope="module")
def supports(places):
    return [[None, support_days(t, 20)] for t in places[:2]] + [[support_days(places[2], 7), pd.DatetimeIndex([])]]


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Several towers in one batch, as a GPU takes them."""

    def batches(model, towers):
        return [(model, list(np.argsort([tower.sizes["time"] for tower in towers])))]

    monkeypatch.setattr(many, "_batches", batches)


def close(one, other):
    xr.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def check(model, places, supports, made):
    assert sorted(made) == [0, 1, 2]
    for i, tower in enumerate(places):
        for support, found in zip(supports[i], made[i], strict=True):
            none = support is None or not len(support)
            alone = predict(model, tower) if none else adapt(model, tower, support).adapted
            close(found, alone[list(found)])
            assert found.sizes["time"] == tower.sizes["time"]


def test_each_tower_and_support_is_as_alone(model, places, supports):
    check(model, places, supports, dict(many.adapt_many(model, places, supports)))


def test_without_variances_the_fluxes_are_the_same(model, places, supports):
    whole, less = (dict(many.adapt_many(model, places, supports, variances=v)) for v in (True, False))
    for i in whole:
        for one, other in zip(whole[i], less[i], strict=True):
            assert set(other) == {*FLUXES} < set(one)
            xr.testing.assert_identical(one[[*FLUXES]], other)


def test_every_core_has_a_batch_and_none_is_large(model, places, monkeypatch):
    monkeypatch.setattr(many, "threads", lambda: 2)
    towers = [places[0].assign_coords(site=f"T{i:02}") for i in range(37)]
    sizes = [len(part) for _, part in many._batches(model, towers)]
    assert (sum(sizes), max(sizes)) == (37, many.ON_A_CPU)
    assert [len(part) for _, part in many._batches(model, towers[:3])] == [2, 1]


@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_batch_of_towers_is_as_each_alone(model, places, supports):
    check(model, places, supports, dict(many.adapt_many(model, places, supports)))


def test_codes_of_records_of_different_length_are_those_of_each(model, places):
    """The encoder reads backwards, too: what fills up a shorter record must not be read."""
    member, own = model.members[0], [member_records(model, tower)[0] for tower in places]
    labels = [support_days(tower, 40) for tower in places]
    together = effects.codes(model, member, own, labels)
    apart = torch.cat([member_code(model, member, r, days) for r, days in zip(own, labels, strict=True)])
    assert torch.allclose(together, apart, atol=1e-5)
    assert (together - effects.codes(model, member, own)).abs().max() > 1e-4


@pytest.mark.usefixtures("as_on_a_gpu")
def test_sliding_windows_go_in_a_batch_too(model, places):
    short = [tower.isel(time=slice(0, 90 + i)) for i, tower in enumerate(places)]
    config = dataclasses.replace(model.config, train=dataclasses.replace(model.config.train, window=10))
    windowed = dataclasses.replace(model, config=config)
    for i, (made,) in many.adapt_many(windowed, short, [[None]] * 3):
        close(made[[*FLUXES]], predict(windowed, short[i])[[*FLUXES]])


def test_other_methods_go_tower_by_tower(model, places, supports):
    settings = AdaptSettings(method="encode")
    made = dict(many.adapt_many(model, places[:1], supports[:1], settings))
    close(made[0][1], adapt(model, places[0], supports[0][1], settings).adapted)


@pytest.mark.parametrize("method", ["site-effect", "encode"])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_tower_that_cannot_be_read_is_told_and_the_others_go_on(model, places, supports, method):
    bare = [places[0], places[1][["GPP", "RECO", "NEE", "NEE_QC"]], places[2]]
    told, settings = {}, AdaptSettings(method=method)
    made = dict(many.adapt_many(model, bare, supports, settings, failed=lambda i, error: told.update({i: error.what})))
    assert sorted(made) == [0, 2]
    assert list(told) == [1]
    assert "none of the drivers" in told[1]
    with pytest.raises(TamrlError, match="none of the drivers"):
        list(many.adapt_many(model, bare, supports, settings))


def test_what_cannot_be_asked_is_refused(model, places, supports):
    with pytest.raises(TamrlError, match="same tower"):
        list(many.adapt_many(model, [places[0]] * 2, supports[:2]))
    with pytest.raises(TamrlError, match="1 towers, but 2 supports"):
        tamrl.adapt_many(model, places[:1], [[], []])
    assert list(many.adapt_many(model, places, supports, cancelled=lambda: True)) == []


@pytest.mark.parametrize("allowed", [1, 3])
def test_no_more_threads_are_taken_than_are_allowed(model, places, monkeypatch, allowed):
    """Neither over towers nor over members; with one it is done without a pool."""
    monkeypatch.setenv("TAMRL_THREADS", str(allowed))
    pools = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, workers, **settings):
            pools.append(workers)
            super().__init__(workers, **settings)

    monkeypatch.setattr(many, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(tower_ensemble, "ThreadPoolExecutor", Pool)
    list(many.adapt_many(model, places, [[None]] * 3))
    predict(model, places[0])
    assert pools == ([] if allowed == 1 else [3, 2])


def test_the_public_function_keeps_the_order_and_leaves_out_days_that_are_not_valid(model, places):
    days = [pd.DatetimeIndex(tower.time.values[200:240]) for tower in places]
    made = tamrl.adapt_many(model, places, days)
    for tower, own, found in zip(places, days, made, strict=True):
        alone = adapt(model, tower, own).adapted if len(usable_support(tower, own)) else predict(model, tower)
        close(found, alone[list(found)])
