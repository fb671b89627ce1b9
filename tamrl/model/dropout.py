"""Dropout whose random numbers do not take longer than the network around it."""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """``torch.nn.Dropout`` that draws 16 bits a number on a CPU, where drawing took a tenth of a training step.

    There the share that is dropped is rounded to a multiple of 2^-16. Elsewhere it is torch's own.
    Srivastava et al. (2014), JMLR 15, 1929-1958.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, in training with a share of its numbers set to zero and the others scaled up in turn."""
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return super().forward(x)
        kept, scale = self.kept(x)
        return x * kept.mul_(scale)

    def kept(self, x: Tensor) -> tuple[Tensor, float]:
        """Return 1 for each number of ``x`` that is kept and else 0, and what keeps the mean if multiplied by it.

        The first lies in memory as ``x`` does. Outside of training all are kept.
        """
        kept, count = torch.empty_like(x), x.numel()
        if x.device.type != "cpu":
            share = self.p if self.training else 0.0
            return kept.bernoulli_(1 - share), 1 / max(1 - share, 2**-16)
        dropped = round(self.p * 2**16) if self.training else 0
        if dropped in (0, 2**16):
            return kept.fill_(dropped == 0), 1.0
        drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[:count]
        # Strides of what lies in one piece, in whatever order of its dimensions, cover its memory without a gap.
        torch.ge(drawn, dropped - 2**15, out=kept.as_strided((count,), (1,)))
        return kept, 2**16 / (2**16 - dropped)
