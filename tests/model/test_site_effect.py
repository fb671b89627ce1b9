"""The site effect: parity with Bayesian linear regression, the prior without days, and what it may read."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tamrl.model.network import TAMRL
from tamrl.model.site_effect import HARMONICS, SiteEffect, season_features


def problem(days=60, hidden=4, fluxes=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effect = SiteEffect(hidden, fluxes).double()
    states = torch.randn(1, days, hidden, generator=generator).double()
    angle = torch.linspace(0, 4, days).double()
    season = torch.stack([torch.sin(angle), torch.cos(angle)], -1)[None]
    residual = torch.randn(1, days, fluxes, generator=generator).double()
    seen = (torch.rand(1, days, fluxes, generator=generator) < 0.5).double()
    return effect, effect.features(states, season), residual, seen


def test_the_posterior_mean_is_ridge_regression():
    """Parity with scikit-learn: in units of the prior, the mode is ridge regression."""
    effect, features, residual, seen = problem()
    found = effect.posterior(features, residual, seen)
    for flux in range(2):
        days = seen[0, :, flux] > 0
        sd, weight = effect.log_sd[flux].exp().detach(), effect.log_day_weight[flux].exp().item()
        inputs = (features[0, days] * sd).detach().numpy()
        ridge = Ridge(alpha=1 / weight, fit_intercept=False).fit(inputs, residual[0, days, flux].numpy())
        assert found.mean[0, flux].detach().numpy() == pytest.approx(ridge.coef_ * sd.numpy(), abs=1e-9)


def test_the_posterior_covariance_is_the_inverse_of_the_precision():
    effect, features, residual, seen = problem()
    found = effect.posterior(features, residual, seen)
    with torch.no_grad():
        for flux in range(2):
            x = features[0] * seen[0, :, flux : flux + 1]
            precision = effect.log_day_weight[flux].exp() * x.T @ x + torch.diag(1 / effect.log_sd[flux].exp() ** 2)
            expected = torch.einsum("tp,pq,tq->t", features[0], torch.linalg.inv(precision), features[0])
            assert torch.allclose(effect.variance(features, found)[0, :, flux], expected)


def test_without_a_day_the_posterior_is_the_prior():
    effect, features, residual, seen = problem()
    found = effect.posterior(features, residual, seen * 0)
    assert torch.equal(found.mean, torch.zeros_like(found.mean))
    prior = (features.square() @ (2 * effect.log_sd).exp().T).detach()
    assert torch.allclose(effect.variance(features, found), prior)


@given(seed=st.integers(0, 50), extra=st.integers(0, 59))
@settings(max_examples=25, deadline=None)
def test_a_further_day_never_makes_the_effect_less_certain(seed, extra):
    effect, features, residual, seen = problem(seed=seed)
    more = seen.clone()
    more[0, extra] = 1
    fewer, further = (effect.variance(features, effect.posterior(features, residual, s)) for s in (seen, more))
    assert (further <= fewer + 1e-12).all()


def test_fluxes_that_come_together_give_what_they_give_apart():
    effect, features, residual, seen = problem()
    seen[..., 1] = seen[..., 0]
    together = effect.posterior(features, residual, seen)
    for flux in range(2):
        apart = seen.clone()
        apart[..., 1 - flux] = 0
        alone = effect.posterior(features, residual, apart)
        assert torch.allclose(together.mean[:, flux], alone.mean[:, flux])
        assert torch.allclose(together.factor[:, flux], alone.factor[:, flux])


@pytest.mark.parametrize("together", [True, False])
def test_the_gradients_of_the_mean_are_those_of_finite_differences(together):
    _, features, residual, seen = problem(days=9, hidden=2)
    if together:
        seen[..., 1] = seen[..., 0]
    effect = SiteEffect(2, 2).double()
    leaves = [features.detach(), residual, effect.log_sd.detach(), effect.log_day_weight.detach()]

    def mean(features, residual, log_sd, log_day_weight):
        effect.log_sd, effect.log_day_weight = log_sd, log_day_weight
        return effect.posterior(features, residual, seen).mean

    del effect.log_sd, effect.log_day_weight
    assert torch.autograd.gradcheck(mean, [leaf.requires_grad_() for leaf in leaves])


def test_only_support_days_are_read():
    effect, features, residual, seen = problem()
    changed = torch.where(seen > 0, residual, residual + 100)
    assert torch.equal(effect.posterior(features, residual, seen).mean, effect.posterior(features, changed, seen).mean)


def test_the_season_features_are_a_fourier_series():
    day = np.arange(0, 366, 30)
    angle = 2 * np.pi * day / 365.25
    season = torch.from_numpy(np.stack([np.sin(angle), np.cos(angle)], -1))[None]
    found = season_features(season)[0].numpy()
    assert found.shape == (len(day), 1 + 2 * HARMONICS)
    assert (found[:, 0] == 1).all()
    assert found[:, 3] == pytest.approx(np.sin(2 * angle) / 2)
    assert found[:, 2 * HARMONICS] == pytest.approx(np.cos(HARMONICS * angle) / HARMONICS)


def test_a_site_with_a_known_effect_is_recovered(config, records, normaliser):
    """GPP raised by a constant at the support days is raised on the other days, too, and the balance closes."""
    scale = torch.from_numpy(normaliser.flux_scale)
    model, r = TAMRL(config.model, scale).eval(), records[0]
    with torch.no_grad():
        states = model.forward_model.states(r.drivers[None], r.driver_mask[None])
        plain = model.forward_model.raw_fluxes(states)
        raised = plain + torch.tensor([2.0, 0.0, -2.0])
        seen = torch.zeros_like(plain)
        seen[:, 200:565] = 1
        adapted, posterior = model.effect(states, r.season[None], raised, seen)
        variance = model.effect_variance(states, r.season[None], posterior)
    assert (adapted - plain)[..., 0].mean().item() == pytest.approx(2, abs=0.2)
    assert (adapted - plain)[..., 1].abs().mean().item() < 0.1
    assert torch.equal(adapted[..., 2], adapted[..., 1] - adapted[..., 0])
    assert torch.allclose(variance[..., 2], variance[..., 0] + variance[..., 1])
