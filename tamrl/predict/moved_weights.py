"""The weights of one member that adaptation moves, as one row: a step is a handful of operations, not one a weight.

Dimensions: W weights.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tamrl.model.network import TAMRL, Modulation
from tamrl.predict.ensemble import Forward

#: Prior standard deviation of a weight under ``all``, relative to the spread of its matrix.
WEIGHT_SPREAD = 0.02
#: Parts of the network whose weights move.
_PARTS = ("forward_model", "modulator")


class MovedWeights:
    """The weights of the forward model and of the modulator, and how far each may go.

    Those of the recurrence come first: so they are one piece of memory, which cuDNN else makes at every call.

    Args:
        model: that the weights are of, not changed.
    """

    def __init__(self, model: TAMRL) -> None:
        # functional_call swaps weights inside the module, which other threads are using.
        self._parts: dict[str, nn.Module] = {part: copy.deepcopy(getattr(model, part)) for part in _PARTS}
        named = {
            f"{part}.{name}": value for part, owner in self._parts.items() for name, value in owner.named_parameters()
        }
        self.names = sorted(named, key=lambda name: not name.startswith("forward_model.recurrent."))
        self._shapes = [named[name].shape for name in self.names]
        units = [(WEIGHT_SPREAD * named[name].std().clamp(min=1e-3)).expand(named[name].numel()) for name in self.names]
        self._own, self._unit = self.row(named), torch.cat(units)[None]

    def row(self, named: Mapping[str, Tensor]) -> Tensor:
        """Return (1, W) what is given by the name of each weight.

        Raises:
            KeyError: a weight is missing.
        """
        return torch.cat([named[name].reshape(-1) for name in self.names])[None]

    def by_name(self, row: Tensor) -> dict[str, Tensor]:
        """Return a row (1, W) by the name of each weight, as views of it."""
        parts = row[0].split([shape.numel() for shape in self._shapes])
        return {name: part.view(shape) for name, part, shape in zip(self.names, parts, self._shapes, strict=True)}

    def zeros(self) -> Tensor:
        """Return (1, W) the weights as they are."""
        return torch.zeros_like(self._own)

    def moved(self, row: Tensor, share: float) -> tuple[Forward, Callable[[Tensor], Modulation]]:
        """Return the forward model and the modulator with moved weights.

        Args:
            row: (1, W) how far, in prior standard deviations.
            share: of it.
        """
        weights = self.by_name(torch.addcmul(self._own, self._unit, row, value=share))

        def part(owner: str) -> Callable[..., Any]:
            own = {name.partition(".")[2]: value for name, value in weights.items() if name.startswith(f"{owner}.")}
            return lambda *inputs: functional_call(self._parts[owner], own, inputs)

        return part("forward_model"), part("modulator")
