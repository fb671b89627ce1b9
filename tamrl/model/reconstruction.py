"""The target of the decoder: the mean seasonal cycle of the drivers that the encoder read."""

import torch
from torch import Tensor
from torch.nn import functional

from tamrl.model.inputs import Support
from tamrl.model.network import MONTHS


def seasonal_means(support: Support, drivers: int) -> tuple[Tensor, Tensor]:
    """Return the monthly driver means (B, 12, D) of a support and their presence (B, 12, D).

    The month of a bin is read from the season columns that every support carries.
    """
    series = support.series
    values, present = series[..., :drivers], series[..., drivers : 2 * drivers]
    angle = torch.atan2(series[..., -2], series[..., -1]) % (2 * torch.pi)
    month = (angle / (2 * torch.pi) * MONTHS).long().clamp(max=MONTHS - 1)
    member = functional.one_hot(month, MONTHS).to(values) * support.valid[..., None]
    weight = torch.einsum("bsm,bsd->bmd", member, present)
    total = torch.einsum("bsm,bsd->bmd", member, values * present)
    return total / weight.clamp(min=1e-6), (weight > 0).to(values)
