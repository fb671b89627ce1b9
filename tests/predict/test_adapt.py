"""Adaptation: it learns, it does no harm, and it leaves the shared ensemble alone."""

import copy
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.predict.adapt import Cancelled, adapt, usable_support
from tamrl.predict.endings import VARIANCE
from tamrl.predict.ensemble import predict
from tamrl.predict.finetune import held_back_days
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import before_after
from tamrl.protocol.support_days import support_days
from tamrl.schema import FLUXES
from tamrl.towers.quality import flux_table, valid_days

FAST = AdaptSettings(method="modulation")
DESCENT = AdaptSettings(method="all", steps=24)
ALL = ("zero-shot", "site-effect", "encode", "modulation", "all")


@pytest.fixture(scope="module")
def support(unseen):
    return support_days(unseen, 120)


def shifted(tower, add=0.0, times=1.0):
    """The same place under another, consistent, carbon balance."""
    changed = tower.copy(deep=True)
    changed["GPP"] = tower["GPP"] * times + add
    changed["RECO"] = tower["RECO"] * times
    changed["NEE"] = changed["RECO"] - changed["GPP"]
    return changed


@pytest.mark.parametrize("method", ["modulation", "site-effect"])
def test_adaptation_learns_from_the_support(ensemble, unseen, support, method):
    """A place that takes up half as much: days outside the support are predicted better."""
    tower = shifted(unseen, times=0.5)
    settings = dataclasses.replace(FAST, method=method)
    table = before_after(adapt(ensemble, tower, support, settings)).set_index("flux")
    changed = table.loc[["GPP", "RECO"]]  # NEE hardly changes here
    assert (changed["rmse_after"] < changed["rmse_before"]).all()
    assert table.loc["GPP", "rmse_after"] < 0.8 * table.loc["GPP", "rmse_before"]


@pytest.mark.parametrize("method", ["encode", "modulation", "all"])
def test_adaptation_never_ends_worse_than_zero_shot_on_the_held_back_days(ensemble, unseen, method):
    """Support whose first part misleads: what was learnt there would do harm afterwards."""
    tower, days = unseen.copy(deep=True), support_days(unseen, 20)
    apart = held_back_days(20, 0.2)
    assert np.flatnonzero(apart).tolist() == [16, 17, 18, 19]
    wrong = pd.DatetimeIndex(tower.time.values).isin(days[~apart])
    guess = predict(ensemble, tower).mean("member")
    for flux in ("GPP", "RECO"):
        # Away from what is observed afterwards, far beyond the error of the zero-shot prediction.
        away = np.sign(float((guess[flux] - tower[flux])[~wrong].mean()))
        tower[flux][wrong] = guess[flux].values[wrong] + 6 * away
    tower["NEE"] = tower["RECO"] - tower["GPP"]
    settings = AdaptSettings(method=method, steps=60, learning_rate=0.3)
    result = adapt(ensemble, tower, days, settings)
    held = pd.DatetimeIndex(tower.time.values).isin(days[apart])
    observed = flux_table(tower)[held]
    for k, member in enumerate(ensemble.members):
        before, after = result.held_back_loss[k]
        assert after <= before
        scale = torch.from_numpy(member.normaliser.flux_scale)

        def loss(predictions, k=k, scale=scale):
            fluxes = np.stack([predictions[f].values[k][held] for f in ("GPP", "RECO", "NEE")], axis=1)
            return torch.nn.functional.huber_loss(
                torch.from_numpy(fluxes) / scale, torch.from_numpy(observed) / scale, delta=1.5
            ).item()

        # What is returned was fitted to the held-back days as well, and still must not do harm there.
        assert loss(result.adapted) <= loss(result.zero_shot) + 1e-6
    if method == "modulation":
        assert min(result.shrinkage) < 1
        assert any("shrunk towards zero-shot" in note for note in result.notes)


@pytest.mark.parametrize("method", ALL)
def test_the_ensemble_is_not_changed_and_the_same_call_gives_the_same(ensemble, unseen, support, method):
    before = [copy.deepcopy(m.model.state_dict()) for m in ensemble.members]
    settings = AdaptSettings(method=method, steps=5)
    first = adapt(ensemble, unseen, support, settings)
    torch.manual_seed(5)
    second = adapt(ensemble, unseen, support, settings)
    assert first.adapted.equals(second.adapted)
    for member, state in zip(ensemble.members, before, strict=True):
        assert all(torch.equal(member.model.state_dict()[k], v) for k, v in state.items())
    assert first.zero_shot[[*FLUXES]].equals(predict(ensemble, unseen)[[*FLUXES]])


@pytest.fixture
def unguarded(monkeypatch):
    """Adaptation without the guard: the whole shift is kept."""
    monkeypatch.setattr("tamrl.predict.methods.guard.backtrack", lambda *_: (1.0, 0.0, 0.0))


def test_two_fits_at_once_are_the_fits_one_by_one(ensemble, unseen, support):
    """Rows of a batch do not know of each other: parity with each fitted alone."""
    from tamrl.predict.ensemble import member_code, member_records
    from tamrl.predict.finetune import FineTune, cut_window
    from tamrl.predict.newton import fit_mode

    member = ensemble.members[0]
    record = member_records(ensemble, unseen)[0]
    code = member_code(ensemble, member, record, None)
    task = cut_window(ensemble, record, support, 0.2)
    weights = torch.cat([task.fit, task.fit + task.held])

    def fitted(weight, variants):
        shift = FineTune(member, code, member.prior.shift, 0.2, weights=False, variants=variants)
        fit_mode(shift, task, weight, lambda *_: None)
        return shift

    both = fitted(weights, 2)
    for i in range(2):
        alone = fitted(weights[i : i + 1], 1)
        for together, apart in zip(both.variant(i).parameters, alone.parameters, strict=True):
            assert torch.allclose(together, apart, atol=2e-3)
            assert apart.abs().max() > 0


@pytest.mark.usefixtures("unguarded")
def test_methods_differ_in_what_they_move(ensemble, unseen, support):
    results = {m: adapt(ensemble, unseen, support, AdaptSettings(method=m, steps=10)) for m in ALL}
    assert results["zero-shot"].adapted.equals(results["zero-shot"].zero_shot)
    assert results["zero-shot"].shrinkage == (0.0, 0.0)
    moved = {m: float(abs(r.adapted - r.zero_shot).to_array().mean()) for m, r in results.items()}
    assert all(moved[m] > 0 for m in ("site-effect", "encode", "modulation", "all"))
    assert len(set(moved.values())) == 5


@pytest.mark.usefixtures("unguarded")
def test_encode_is_the_encoder_alone(ensemble, unseen, support):
    result = adapt(ensemble, unseen, support, AdaptSettings(method="encode"))
    expected = predict(ensemble, unseen, support)[[*FLUXES]]
    xr.testing.assert_allclose(result.adapted, expected, rtol=1e-4, atol=1e-4)
    assert result.history.empty


def test_the_first_fit_does_not_see_the_held_back_days(ensemble, unseen, support):
    settings = AdaptSettings(method="all", steps=20)
    held = support[held_back_days(len(support), settings.held_back)]
    assert 0.15 < len(held) / len(support) < 0.25
    tower = unseen.copy(deep=True)
    for flux in ("GPP", "RECO", "NEE"):
        tower[flux][pd.DatetimeIndex(tower.time.values).isin(held)] = 9.0
    first, second = (adapt(ensemble, t, support, FAST) for t in (unseen, tower))
    assert first.history["loss"].equals(second.history["loss"])
    assert not first.history["held_back"].equals(second.history["held_back"])
    assert not first.adapted.equals(second.adapted), "what is returned has seen all days"
    first, second = (adapt(ensemble, t, support, settings).history for t in (unseen, tower))
    blind = first["step"] <= settings.steps
    assert first.loc[blind, "loss"].equals(second.loc[blind, "loss"])
    assert not first.loc[blind, "held_back"].equals(second.loc[blind, "held_back"])
    assert not first.loc[~blind, "loss"].equals(second.loc[~blind, "loss"])


@given(count=st.integers(2, 800), share=st.floats(0.05, 0.9))
def test_held_back_days_leave_days_to_fit_and_are_spread_over_the_support(count, share):
    held = held_back_days(count, share)
    assert held.any()
    assert not held.all()
    if count >= 90:
        assert all(part.any() for part in np.array_split(held, count // 60))


@pytest.mark.parametrize("method", ["site-effect", "modulation", "all"])
def test_many_may_adapt_the_same_ensemble_at_once(ensemble, unseen, support, method):
    """As sessions of the app do: each gets what it would get alone, and the weights stay."""
    settings = AdaptSettings(method=method, steps=8)
    before = [copy.deepcopy(m.model.state_dict()) for m in ensemble.members]
    alone = adapt(ensemble, unseen, support, settings).adapted
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: adapt(ensemble, unseen, support, settings).adapted, range(4)))
    assert all(result.equals(alone) for result in results)
    for member, state in zip(ensemble.members, before, strict=True):
        assert all(torch.equal(member.model.state_dict()[k], v) for k, v in state.items())
        assert not any(p.requires_grad for p in member.model.parameters())


@pytest.mark.parametrize("method", ["site-effect", "modulation"])
def test_only_support_days_are_read(ensemble, unseen, support, method):
    """Fluxes outside the support may be anything: the adapted prediction does not change."""
    tower = unseen.copy(deep=True)
    outside = ~pd.DatetimeIndex(tower.time.values).isin(support)
    for flux in ("GPP", "RECO", "NEE"):
        tower[flux][outside] = 3.0
    settings = dataclasses.replace(FAST, method=method)
    a = adapt(ensemble, unseen, support, settings).adapted
    assert adapt(ensemble, tower, support, settings).adapted.equals(a)


def test_progress_is_told_step_by_step_and_kept(ensemble, unseen, support):
    steps = []
    result = adapt(ensemble, unseen, support, DESCENT, on_step=steps.append)
    assert len(steps) == len(result.history) == 2 * 2 * DESCENT.steps
    assert max(s.step for s in steps) == steps[0].steps == 2 * DESCENT.steps
    assert {s.member for s in steps} == {0, 1}
    first = result.history.query("member == 0").head(DESCENT.steps)
    assert first["held_back"].notna().all()
    assert first["loss"].iloc[-1] < first["loss"].iloc[0]


def test_cancelling_stops_at_the_next_step(ensemble, unseen, support):
    steps = []
    with pytest.raises(Cancelled):
        adapt(ensemble, unseen, support, DESCENT, on_step=steps.append, cancelled=lambda: len(steps) >= 4)
    assert len(steps) <= 6


def test_days_without_a_valid_observation_are_left_out_and_counted(ensemble, unseen):
    time = pd.DatetimeIndex(unseen.time.values)
    days = time[200:260]
    usable = usable_support(unseen, days)
    assert list(usable) == list(time[200:260][valid_days(unseen)[200:260]])
    tower = unseen.copy(deep=True)
    tower["NEE_QC"][205:215] = 0.1
    result = adapt(ensemble, tower, days, FAST)
    assert len(result.support) < 60
    assert any("left out" in note for note in result.notes)


def test_a_support_without_a_valid_day_is_an_error(ensemble, unseen):
    with pytest.raises(TamrlError, match="None of the support days"):
        adapt(ensemble, unseen, pd.date_range("1980-01-01", periods=5))
    settings = AdaptSettings(method="zero-shot")
    assert adapt(ensemble, unseen, pd.DatetimeIndex([]), settings).adapted is not None


def test_a_single_day_stays_zero_shot_and_says_so(ensemble, unseen, support):
    result = adapt(ensemble, unseen, support[:1], FAST)
    assert result.adapted.equals(result.zero_shot)
    assert any("two valid support days" in note for note in result.notes)


def test_the_site_effect_is_more_certain_after_every_support_and_keeps_the_balance(ensemble, unseen, support):
    none, few, many = (
        adapt(ensemble, unseen, support[:n], AdaptSettings()).adapted if n else predict(ensemble, unseen)
        for n in (0, 7, 120)
    )
    for flux in FLUXES:
        assert (few[flux + VARIANCE] <= none[flux + VARIANCE] * 1.001).all()
        assert (many[flux + VARIANCE] <= few[flux + VARIANCE] * 1.001).all()
        assert float(many[flux + VARIANCE].mean()) < 0.8 * float(none[flux + VARIANCE].mean())
    assert many["NEE"].equals(many["RECO"] - many["GPP"])
    assert (many[["GPP", "RECO"]].to_array() >= 0).all()


def test_a_model_without_a_site_effect_says_so(ensemble, unseen, support):
    member = ensemble.members[0]
    model = copy.deepcopy(member.model)
    model.site_effect = None
    bare = dataclasses.replace(ensemble, members=[dataclasses.replace(member, model=model)])
    assert (predict(bare, unseen)["GPP" + VARIANCE] == 0).all()
    with pytest.raises(TamrlError, match="trained without a site effect"):
        adapt(bare, unseen, support, AdaptSettings())


def test_a_tower_without_the_drivers_is_an_error(ensemble, unseen, support):
    bare = unseen[["GPP", "RECO", "NEE", "NEE_QC"]]
    with pytest.raises(TamrlError, match=r"none of the drivers.*TA"):
        adapt(ensemble, bare, support, FAST)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "magic"},
        {"steps": 0},
        {"learning_rate": 0.0},
        {"learning_rate": 1e30},
        {"held_back": 1.0},
        {"held_back": 0.0},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(TamrlError):
        AdaptSettings(**wrong)


def test_sliding_windows_predict_each_day_from_its_own_window(ensemble, unseen):
    """The setting that reproduces the paper, against the forward model called window by window."""
    from tamrl.predict.ensemble import member_code, member_records

    windowed = dataclasses.replace(
        ensemble,
        config=dataclasses.replace(ensemble.config, train=dataclasses.replace(ensemble.config.train, window=30)),
    )
    fluxes = predict(windowed, unseen)
    member = ensemble.members[0]
    record = member_records(ensemble, unseen)[0]
    with torch.no_grad():
        modulation = member.model.modulator(member_code(ensemble, member, record, None))
        for day in (29, 400, unseen.sizes["time"] - 1):
            cut = slice(day - 29, day + 1)
            one = member.model.forward_model(record.drivers[None, cut], record.driver_mask[None, cut], modulation)
            assert fluxes["GPP"].values[0, day] == pytest.approx(one[0, -1, 0].item(), abs=1e-4)


def test_a_support_of_nee_alone_is_refused_by_the_effect_of_the_site(ensemble, unseen, support):
    """The effect is one of GPP and RECO: without them it would silently return the zero-shot prediction."""
    tower = unseen.copy(deep=True)
    for flux in ("GPP", "RECO"):
        tower[flux] = tower[flux] * np.nan
    with pytest.raises(TamrlError, match="NEE alone"):
        adapt(ensemble, tower, support)
    made = adapt(ensemble, tower, support, FAST)
    assert len(made.support) == len(support)
