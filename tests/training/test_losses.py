"""The loss: the carbon balance in physical units, and the masked Huber against an independent sum."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_squared_error

from tamrl.model.network import TAMRL
from tamrl.model.reconstruction import seasonal_means
from tamrl.training.losses import balance_penalty, imbalance, masked_huber, training_loss


def test_balanced_fluxes_carry_no_penalty_and_a_known_imbalance_its_square():
    gpp, reco = torch.rand(3, 7) * 10, torch.rand(3, 7) * 8
    balanced = torch.stack([gpp, reco, reco - gpp], dim=-1)
    assert balance_penalty(balanced).item() == 0
    off = balanced + torch.tensor([0.0, 0.0, 0.5])
    assert torch.allclose(imbalance(off), torch.full((3, 7), 0.5), atol=1e-5)
    # gC m-2 d-1: 0.5 squared, whatever the scales of the fluxes are.
    assert balance_penalty(off).item() == pytest.approx(0.25, rel=1e-5)
    wrong_sign = torch.stack([gpp, reco, reco + gpp], dim=-1)
    assert balance_penalty(wrong_sign).item() == pytest.approx((2 * gpp).square().mean().item(), rel=1e-5)


def test_the_huber_loss_is_the_squared_error_where_residuals_are_small(rng):
    observed, weight = rng.normal(size=(2, 30, 3)), (rng.random((2, 30, 3)) > 0.3).astype(float)
    predicted = observed + rng.normal(scale=0.01, size=observed.shape)
    scale = np.array([2.0, 3.0, 4.0])
    loss = masked_huber(*(torch.tensor(x) for x in (predicted, observed, weight, scale)), delta=1.0)
    for i in range(3):
        expected = mean_squared_error(
            observed[..., i].ravel() / scale[i],
            predicted[..., i].ravel() / scale[i],
            sample_weight=weight[..., i].ravel(),
        )
        assert loss[i].item() == pytest.approx(0.5 * expected, rel=1e-9)


def test_a_flux_without_observations_costs_nothing_and_keeps_the_gradient_finite():
    predicted = torch.ones(1, 4, 3, requires_grad=True)
    weight = torch.ones(1, 4, 3)
    weight[..., 1] = 0
    loss = masked_huber(predicted, torch.zeros(1, 4, 3), weight, torch.ones(3), 1.0)
    assert loss[1].item() == 0
    loss.sum().backward()
    assert torch.isfinite(predicted.grad).all()
    assert (predicted.grad[..., 1] == 0).all()


def test_seasonal_means_are_those_of_a_month(records, config, normaliser):
    from tamrl.model.inputs import tower_support

    r = records[0]
    support = tower_support(r, None, torch.from_numpy(normaliser.flux_scale), 1)
    means, present = seasonal_means(support, len(config.model.drivers))
    column = config.model.drivers.index("TA")
    # One-day bins: the decoder's twelfths of a year are nearly calendar months.
    june = r.drivers[:, column].numpy()[r.time.month == 6].mean()
    assert present[0, :, column].all()
    assert means[0, 5, column].item() == pytest.approx(june, abs=0.1)


def test_loss_terms_are_logged_one_by_one(records, config, normaliser):
    import dataclasses

    from tamrl.training.batches import Batcher

    batch = Batcher(records, normaliser, config, 0, torch.device("cpu")).draw()
    scale = torch.from_numpy(normaliser.flux_scale)
    _, hard = training_loss(TAMRL(config.model, scale), batch, config)
    supported = {"GPP with support", "RECO with support", "NEE with support"}
    assert set(hard) == {"GPP", "RECO", "NEE", "reconstruction"} | supported
    soft_config = dataclasses.replace(
        config, model=dataclasses.replace(config.model, balance="soft", reconstruction=0.0, site_effect=0.0)
    )
    model = TAMRL(soft_config.model, scale)
    total, soft = training_loss(model, batch, soft_config)
    assert set(soft) == {"GPP", "RECO", "NEE", "balance"}
    assert soft["balance"] > 0
    assert model.decoder is None
    weights = soft_config.train.flux_weights
    each = sum(weight * soft[flux] for flux, weight in zip(("GPP", "RECO", "NEE"), weights, strict=True))
    expected = each + soft_config.train.balance_weight * soft["balance"]
    assert total.item() == pytest.approx(float(expected), rel=1e-5)


def test_support_days_never_enter_the_loss_of_what_has_read_them(records, config, normaliser):
    """Changing the observations of the support moves the fit to them, never the target."""
    import dataclasses

    from tamrl.training.batches import Batcher

    batch = Batcher(records, normaliser, config, 0, torch.device("cpu")).draw()
    batch = dataclasses.replace(batch, weight=batch.weight * batch.shots, read=torch.ones_like(batch.read))
    assert batch.weight.sum() > 0, "no support day carries weight: the check has checked nothing"
    _, terms = training_loss(TAMRL(config.model, torch.from_numpy(normaliser.flux_scale)), batch, config)
    assert all(terms[name] == 0 for name in terms if name != "reconstruction")
