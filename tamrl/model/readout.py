"""From modulated states to what the loss reads, in one operation: training passes over the states are what they cost.

Dimensions: B batch, T days, H hidden, F outputs of the heads, C fluxes that are corrected.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Readout(NamedTuple):
    """What is read from the states.

    Attributes:
        dropped: (B, T, F) of the heads, from states of which a share is dropped.
        raw: (B, T, F) of the heads, from all states.
        correction: (B, T, C) from all states by coefficients of each place.
    """

    dropped: Tensor
    raw: Tensor
    correction: Tensor


def read_out(states: Tensor, kept: Tensor, scale: float, weight: Tensor, bias: Tensor, coefficients: Tensor) -> Readout:
    """Return what separate operations would, whose gradients would pass over the states three times as often.

    Args:
        states: (B, T, H); as the recurrence leaves them, day by day in memory, they are not copied.
        kept: (B, T, H) 1 where a state is kept for ``dropped``, else 0.
        scale: what states that are kept are multiplied by.
        weight: (F, H) of the heads.
        bias: (F,) of the heads.
        coefficients: (B, H, C).
    """
    return Readout(*_ReadOut.apply(states, kept, scale, weight, bias, coefficients))


class _ReadOut(torch.autograd.Function):
    """With states S, those kept K S, heads W, b and coefficients C of each place: K S W' + b, S W' + b and S C.

    Of their gradients D, R and E the gradient of S is K (D W) + R W + E C', that of W the sum over places of
    D'(K S) + R'S, that of b the sum of D and R, and that of C S'E.
    """

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, kept: Tensor, scale: float, weight: Tensor, bias: Tensor, coefficients: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the parts of ``Readout``."""
        places, steps, _ = states.shape
        heads = len(weight)
        less = states * kept
        # Few rows times many columns: the other way round the product takes four times as long.
        rows = torch.cat([weight.expand(len(states), -1, -1), coefficients.transpose(1, 2)], 1)
        read = torch.bmm(rows, states.transpose(1, 2)).transpose(1, 2)
        dropped = torch.mm(scale * weight, _by_day(less).T).view(heads, steps, places).permute(2, 1, 0)
        ctx.save_for_backward(states, kept, less, weight, rows)
        ctx.scale = scale
        return dropped + bias, read[..., :heads] + bias, read[..., heads:].contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_dropped: Tensor, of_raw: Tensor, of_correction: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients."""
        states, kept, less, weight, rows = ctx.saved_tensors
        places, steps, _ = states.shape
        heads = len(weight)
        each = torch.cat([of_raw, of_correction], -1)
        by_day = _by_day(ctx.scale * of_dropped)
        to_states = torch.mm(by_day, weight).view(steps, places, states.shape[2]).transpose(0, 1).mul_(kept)
        if states.device.type == "cpu":
            to_states.baddbmm_(each, rows)
        else:  # not every device adds to what lies across in memory
            to_states = to_states + torch.bmm(each, rows)
        to_rows = torch.bmm(each.transpose(1, 2).contiguous(), states)
        to_weight = torch.mm(by_day.T.contiguous(), _by_day(less)) + to_rows[:, :heads].sum(0)
        to_bias = (of_dropped + of_raw).sum((0, 1))
        return to_states, None, None, to_weight, to_bias, to_rows[:, heads:].transpose(1, 2)


def _by_day(series: Tensor) -> Tensor:
    """Return (T B, ...) of a series (B, T, ...)."""
    return series.transpose(0, 1).flatten(0, 1)
