"""The second-order fit of the modulation against sixty steps of descent, and against the derivatives of torch."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from tamrl.bundled import bundled_models
from tamrl.model.cross_fitted import open_model
from tamrl.predict import newton
from tamrl.predict.descent import fit_offset
from tamrl.predict.ensemble import member_code, member_records
from tamrl.predict.finetune import MODULATION_SPREAD, FineTune, cut_window, misfit
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled


class Problem:
    """One member at one tower: what ``tamrl.predict.methods.finetune`` fits, with and without the held-back days."""

    def __init__(self, ensemble, member, tower, days):
        made = member_records(ensemble, tower)[ensemble.members.index(member)]
        self.member, self.code = member, member_code(ensemble, member, made, None)
        self.task = cut_window(ensemble, made, support_days(tower, days), 0.2)
        self.weight = torch.cat([self.task.fit, self.task.fit + self.task.held])
        self.spread = MODULATION_SPREAD * math.sqrt(min(1, days / 365))

    def shift(self, variants=2):
        return FineTune(self.member, self.code, self.member.prior.shift, self.spread, weights=False, variants=variants)

    @torch.no_grad()
    def objective(self, shift):
        fluxes = shift.fluxes(self.task.drivers, self.task.mask, 1.0, self.task.window)
        return (misfit(shift, self.task, fluxes, self.weight) + shift.penalty()).numpy()

    def fitted(self):
        shift, told = self.shift(), []
        newton.fit_mode(shift, self.task, self.weight, lambda *losses: told.append(losses))
        return shift, told

    def descended(self, steps=60):
        shift = self.shift()
        fit_offset(shift, self.task, self.weight, steps, 0.1, lambda *_: None)
        return shift


@pytest.fixture(scope="module")
def ensemble():
    return open_model(bundled_models()["cross-fitted"]).for_site("DE-Hai")


@pytest.fixture(scope="module")
def unseen():
    return record(bundled().archive(), "DE-Hai").isel(time=slice(0, 500))


@pytest.fixture(scope="module")
def small(ensemble, unseen):
    return Problem(ensemble, ensemble.members[0], unseen, 60)


@pytest.fixture(scope="module", params=[("US-Cop", 30), ("AR-SLu", 365)], ids=lambda param: f"{param[0]}-{param[1]}")
def real(request):
    """An observed tower at the ensemble that has not seen it; the second is far from its zero-shot prediction."""
    site, days = request.param
    ensemble = open_model(bundled_models()["cross-fitted"]).for_site(site)
    return Problem(ensemble, ensemble.members[0], record(bundled().archive(), site), days)


def test_the_objective_is_no_higher_than_after_sixty_steps_of_descent(real):
    shift, told = real.fitted()
    before, descended = real.objective(real.shift()), real.objective(real.descended())
    reached = real.objective(shift)
    assert (reached < before).all()
    assert (reached <= descended + 1e-3).all()
    assert len(told) <= 1 + newton.STEPS * newton.LOOKS


def test_both_reach_the_same_fluxes(small):
    shift, _ = small.fitted()
    shifts = (shift, small.descended(150), small.shift())
    with torch.no_grad():
        ours, theirs, zero = (s.fluxes(small.task.drivers, small.task.mask, 1.0, 0) for s in shifts)
    assert (ours - theirs).abs().max() < 0.02 * (theirs - zero).abs().max()


def test_what_is_found_is_a_mode(small):
    """The gradient vanishes there, and a step to any side raises the objective."""
    shift, _ = small.fitted()
    flat, least = shift.flat(), small.objective(shift)
    generator = torch.Generator().manual_seed(3)
    for _ in range(5):
        aside = torch.randn(flat.shape, generator=generator)
        aside *= 0.2 / aside.norm(dim=1, keepdim=True)
        assert (small.objective(shift.at(flat + aside)) > least).all()


def test_the_derivatives_are_those_of_torch(small):
    shift = small.shift(1)
    shift.take(0.3 * torch.randn(shift.flat().shape, generator=torch.Generator().manual_seed(1)))
    scale = small.member.model.forward_model.flux_scale

    def fluxes(flat):
        return (shift.at(flat).fluxes(small.task.drivers, small.task.mask, 1.0, 0)[0, -20:] / scale).flatten()

    exact = torch.autograd.functional.jacobian(fluxes, shift.flat())[:, 0].T
    with torch.no_grad():
        values, derivatives = newton._jacobian(shift, small.task)
    np.testing.assert_allclose(values[-20:].flatten(), fluxes(shift.flat()), atol=1e-5)
    ours = derivatives.view(len(derivatives), -1, 3)[:, -20:].flatten(1)
    assert (ours - exact).norm() < 0.02 * exact.norm()


def test_the_loss_is_told_for_every_step_and_falls(small):
    _, told = small.fitted()
    losses = [loss for loss, _ in told]
    assert (len(losses) - 1) % newton.STEPS == 0
    assert losses[-1] < losses[0]
    assert np.isfinite(told).all()


def test_sliding_windows_are_fitted_alike(ensemble, unseen):
    one = Problem(ensemble, ensemble.members[0], unseen, 12)
    one.task = dataclasses.replace(one.task, window=20)
    shift, _ = one.fitted()
    assert (one.objective(shift) <= one.objective(one.shift())).all()
