"""The terms of the training loss, each returned by name so that it can be logged."""

from torch import Tensor
from torch.nn import functional

from tamrl.config import Config
from tamrl.model.inputs import Support
from tamrl.model.network import TAMRL
from tamrl.model.reconstruction import seasonal_means
from tamrl.schema import FLUXES
from tamrl.training.batches import Batch


def masked_huber(predicted: Tensor, observed: Tensor, weight: Tensor, scale: Tensor, delta: float) -> Tensor:
    """Return the weighted Huber loss of each flux.

    Args:
        predicted: (B, T, 3) gC m-2 d-1.
        observed: (B, T, 3) gC m-2 d-1.
        weight: (B, T, 3), 0 where there is no observation.
        scale: (3,) gC m-2 d-1, what residuals are divided by.
        delta: scaled residual where the loss turns linear (Huber 1964, doi:10.1214/aoms/1177703732).

    Returns:
        (3,) mean over the weights; 0 for a flux without observations.
    """
    loss = functional.huber_loss(predicted / scale, observed / scale, reduction="none", delta=delta)
    return (loss * weight).sum((0, 1)) / weight.sum((0, 1)).clamp(min=1e-6)


def imbalance(fluxes: Tensor) -> Tensor:
    """Return NEE - (RECO - GPP) in gC m-2 d-1 for fluxes (..., 3) ordered GPP, RECO, NEE."""
    return fluxes[..., 2] - (fluxes[..., 1] - fluxes[..., 0])


def balance_penalty(fluxes: Tensor) -> Tensor:
    """Return the mean squared imbalance, (gC m-2 d-1)^2: the carbon balance of the paper, in physical units."""
    return imbalance(fluxes).square().mean()


def reconstruction_loss(model: TAMRL, code: Tensor, support: Support) -> Tensor:
    """Return the error of the seasonal cycle of the drivers and of the classes that are decoded from a code."""
    target, present = seasonal_means(support, len(model.config.drivers))
    assert model.decoder is not None  # asked for only of a network with a decoder
    means, logits = model.decoder(code)
    drivers = ((means - target).square() * present).sum() / present.sum().clamp(min=1)
    return drivers + functional.binary_cross_entropy_with_logits(logits, support.static)


def training_loss(model: TAMRL, batch: Batch, config: Config) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of one batch and its terms by name, left on the device: reading them waits for it."""
    forward, huber = model.forward_model, config.train.huber
    states, code = model.states(batch.support, batch.drivers, batch.mask, config.train.window)
    if model.site_effect is None:
        fluxes, adapted = forward.fluxes(states), None
    else:
        told = (batch.season, batch.fluxes, batch.shots, batch.rows)
        fluxes, adapted = model.with_and_without_effect(states, *told)
    # Support days never enter the loss of a prediction that has read them.
    unread = batch.weight * (1 - batch.shots * batch.read)
    each = masked_huber(fluxes, batch.fluxes, unread, forward.flux_scale, huber)
    weights = each.new_tensor(config.train.flux_weights)
    total = (each * weights).sum()
    terms = dict(zip(FLUXES, each.detach(), strict=True))
    if adapted is not None:
        other = masked_huber(adapted, batch.fluxes, batch.weight * (1 - batch.shots), forward.flux_scale, huber)
        total = total + config.model.site_effect * (other * weights).sum()
        terms |= {f"{flux} with support": value for flux, value in zip(FLUXES, other.detach(), strict=True)}
    if config.model.balance == "soft":
        penalty = balance_penalty(fluxes)
        total = total + config.train.balance_weight * penalty
        terms["balance"] = penalty.detach()
    if model.decoder is not None:
        rebuilt = reconstruction_loss(model, code, batch.support)
        total = total + config.model.reconstruction * rebuilt
        terms["reconstruction"] = rebuilt.detach()
    return total, terms
