"""One member of an ensemble laid open: its states at one tower before modulation by hand, and the head that reads them.

For teaching: whoever moves a scale and a shift of the states sees at once what the fluxes make of it, since the
recurrence has been run already.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl.model.checkpoint import Ensemble
from tamrl.model.network import Modulation
from tamrl.predict.ensemble import member_code, member_record, states_of, with_effect


@dataclass(frozen=True, kw_only=True)
class OpenMember:
    """One member at one tower, T days, H states.

    Attributes:
        time: T dates.
        states: (T, H) of the forward model without any modulation.
        weight: (2, H) of the head, rows GPP and RECO.
        bias: (2,) of the head.
        scale: (2,) flux scale [gC m-2 d-1].
        encoder: (T, 3) fluxes under the modulation that the encoder sets, without labels [gC m-2 d-1].
        adapted: (T, 3) the same with the site effect of the support [gC m-2 d-1].
        sizes: how many scales and shifts the encoder sets.
    """

    time: pd.DatetimeIndex
    states: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    scale: np.ndarray
    encoder: np.ndarray
    adapted: np.ndarray
    sizes: int

    def fluxes(self, gamma: float, beta: float) -> np.ndarray:
        """Return the fluxes (T, 3) in gC m-2 d-1 of states that are scaled and shifted by hand.

        The states h become (1 + gamma) h + beta d, where d is the direction of unit length in which GPP grows fastest.

        Args:
            gamma: scale minus one, of all states alike.
            beta: shift along d.
        """
        direction = self.weight[0] / np.linalg.norm(self.weight[0])
        raw = ((1 + gamma) * self.states + beta * direction) @ self.weight.T + self.bias
        gross = np.logaddexp(0.0, raw) * self.scale
        return np.column_stack([gross, gross[:, 1] - gross[:, 0]])


@torch.no_grad()
def open_member(ensemble: Ensemble, tower: xr.Dataset, support: pd.DatetimeIndex) -> OpenMember:
    """Return the first member of an ensemble at one tower, laid open.

    Args:
        ensemble: with the hard balance and a site effect.
        tower: Dataset(time), one tower's record.
        support: valid days that the site effect reads.

    Raises:
        TamrlError: the tower has no drivers that the model reads, or the model has no site effect.
    """
    member = ensemble.members[0]
    record = member_record(ensemble, member, tower)
    code, forward = member_code(ensemble, member, record, None), member.model.forward_model
    states = states_of(ensemble, member, [record], code)
    modulation = member.model.modulator(code)
    none = Modulation(*(torch.zeros_like(part) for part in modulation))
    drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
    return OpenMember(
        time=record.time,
        states=forward.states(drivers, mask, none)[0].cpu().numpy(),
        weight=forward.head.weight.cpu().numpy(),
        bias=forward.head.bias.cpu().numpy(),
        scale=forward.flux_scale[:2].cpu().numpy(),
        encoder=forward.raw_fluxes(states)[0].cpu().numpy(),
        adapted=with_effect(ensemble, member, record, support=support)[0],
        sizes=sum(part.shape[1] for part in modulation),
    )
