"""The prior of adaptation, learnt in training: how far, and in which directions, a task embedding moves.

Fine-tuning a code on a few days is a maximum-a-posteriori estimate. Its prior is empirical (Robbins
1956): the spread, over training towers, of the shift from the code read without labels to the code
read with all of them. Directions in which real places differ move freely, the others hardly at all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tamrl.model.inputs import TowerRecord, tower_support
from tamrl.model.network import TAMRL

#: Share of the mean variance added to every direction, so that the prior is proper with few towers.
RIDGE = 0.05


@dataclass(frozen=True)
class CodePrior:
    """Prior of the shift of a task embedding, and the noise of the days it is fitted to.

    Attributes:
        shift: (Z, Z) lower Cholesky factor of the covariance of the shift.
        noise: (3,) standard deviation of GPP, RECO, NEE residuals, in units of the flux scale.
    """

    shift: Tensor
    noise: Tensor


@torch.no_grad()
def fit_prior(model: TAMRL, records: list[TowerRecord], device: torch.device) -> CodePrior:
    """Estimate the prior on training towers; at least one tower, days with labels or not.

    Args:
        model: a trained network in evaluation mode.
        records: the towers it was trained on.
        device: where the network is.
    """
    scale = model.forward_model.flux_scale
    bins = model.config.encoder_bin
    shifts, square, count = [], torch.zeros(3), torch.zeros(3)
    for record in records:
        codes = [
            model.encoder(tower_support(record, days, scale.cpu(), bins).to(device)) for days in (None, record.time)
        ]
        shifts.append((codes[1] - codes[0])[0].cpu())
        # Two years a tower are enough for a standard deviation.
        drivers, mask = (x[None, :731].to(device) for x in (record.drivers, record.driver_mask))
        fluxes = model.from_code(codes[1], drivers, mask)[0].cpu()
        seen = (record.weight[:731] > 0).float()
        square += (((fluxes - record.fluxes[:731]) / scale.cpu()).square() * seen).sum(0)
        count += seen.sum(0)
    stacked = torch.stack(shifts)
    # About zero, not about their mean: a common shift is as much a part of what labels teach.
    covariance = stacked.T @ stacked / len(stacked)
    ridge = RIDGE * covariance.diagonal().mean().clamp(min=1e-6)
    shift = torch.linalg.cholesky(covariance + ridge * torch.eye(len(covariance)))
    return CodePrior(shift, (square / count.clamp(min=1)).sqrt().clamp(min=0.05))
