"""The task encoder of TAM-RL: reads a place into a task embedding.

Rozanov, Renganathan and Kumar (2026), arXiv:2603.09974.

Dimensions: B batch, S support steps, W width, A static inputs, Z code.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tamrl.config import ModelConfig
from tamrl.landcover import STATIC_SIZE
from tamrl.model.dropout import Dropout
from tamrl.model.inputs import Support, support_features


class TaskEncoder(nn.Module):
    """Reads a place into a task embedding: BiLSTM over the support, mean-pooled, joined with static inputs.

    The mean over labelled steps is kept beside the mean over all: thirty labelled days must not
    drown in ten years of drivers.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.encoder_hidden
        self.project = nn.Linear(support_features(len(config.drivers)), width)
        self.recurrent = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.label_project = nn.Linear(2 * width, width)
        self.head = nn.Sequential(
            nn.Linear(2 * width + width + 1 + STATIC_SIZE, 64),
            nn.SiLU(),
            Dropout(config.dropout),
            nn.Linear(64, config.code),
        )

    def forward(self, support: Support, lengths: Tensor | None = None) -> Tensor:
        """Return the task embedding (B, Z).

        Args:
            support: B places.
            lengths: (B,) bins of each, on the CPU, where the bins of shorter records were filled up with zeros.
        """
        series = torch.tanh(self.project(support.series))
        states = self.recurrent(series)[0] if lengths is None else self._both_ways(series, lengths)
        valid, labelled = support.valid[..., None], support.labelled[..., None]
        everywhere = (states * valid).sum(1) / valid.sum(1).clamp(min=1)
        count = labelled.sum(1)
        at_labels = (functional.silu(self.label_project(states)) * labelled).sum(1) / count.clamp(min=1)
        return self.head(torch.cat([everywhere, at_labels, torch.log1p(count) / 4, support.static], dim=1))

    def _both_ways(self, series: Tensor, lengths: Tensor) -> Tensor:
        """Return the states (B, S, 2 W) of both directions, of which the backward one begins at the end of each record.

        On a CPU torch runs packed sequences bin by bin, which takes several times as long as one direction after the
        other; on a GPU it has both at once, from weights that lie in one piece.
        """
        if series.device.type != "cpu":
            packed = pack_padded_sequence(series, lengths, batch_first=True, enforce_sorted=False)
            return pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=series.shape[1])[0]
        bins = series.shape[1]
        turned = (lengths[:, None] - 1 - torch.arange(bins)).remainder(bins)

        def run(x: Tensor, direction: int) -> Tensor:
            start = x.new_zeros(1, len(x), self.recurrent.hidden_size)
            weights: list[Tensor] = list(self.recurrent.all_weights[direction])
            return torch.lstm(x, (start, start), weights, True, 1, 0.0, self.training, False, True)[0]

        backward = run(series.take_along_dim(turned[..., None], 1), 1)
        return torch.cat([run(series, 0), backward.take_along_dim(turned[..., None], 1)], -1)
