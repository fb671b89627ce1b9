"""Recurrent networks without a task embedding: LSTM on the drivers, and CT-LSTM with the classes beside them.

They share TAM-RL's sequences, scales, batches, towers to validate on and training loop, and the width
of its forward model, so that what differs is the modulation alone.
"""

import dataclasses

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.landcover import STATIC_SIZE
from tamrl.model.drivers import driver_table
from tamrl.model.dropout import Dropout
from tamrl.model.inputs import Normaliser, Support, TowerRecord, tower_record
from tamrl.protocol.splits import hold_out
from tamrl.towers.quality import flux_table, valid_days
from tamrl.training.member import MemberTrainer

CPU = torch.device("cpu")
#: Seeds of members are this far apart, as in ``tamrl.training.ensemble``.
SEED_STRIDE = 1000


class RecurrentFluxes(nn.Module):
    """LSTM from drivers, and on request static inputs, to three free linear heads.

    With ``static`` the classes are concatenated to the drivers of each day (Kratzert et al. 2019,
    doi:10.5194/hess-23-5089-2019). The heads are not tied by the carbon balance.
    """

    flux_scale: Tensor

    def __init__(self, config: ModelConfig, flux_scale: Tensor, static: bool) -> None:
        super().__init__()
        self.static = static
        self.embed = nn.Linear(2 * len(config.drivers) + STATIC_SIZE * static, config.embed)
        self.recurrent = nn.LSTM(config.embed, config.hidden, batch_first=True)
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, 3)
        self.register_buffer("flux_scale", flux_scale)
        #: Whether the recurrence runs in bfloat16 in training, as in TAM-RL's forward model.
        self.half_precision = False

    def forward(self, drivers: Tensor, mask: Tensor, static: Tensor) -> Tensor:
        """Return GPP, RECO, NEE.

        Args:
            drivers: (B, T, D) normalised.
            mask: (B, T, D) 1 where present; a masked driver enters as zero with its mask.
            static: (B, A); unused without ``static``.

        Returns:
            (B, T, 3) gC m-2 d-1.
        """
        return self.fluxes(self.states(drivers, mask, static))

    def states(self, drivers: Tensor, mask: Tensor, static: Tensor) -> Tensor:
        """Return the recurrent states (B, T, H)."""
        x = torch.cat([drivers * mask, mask], dim=-1)
        if self.static:
            x = torch.cat([x, static[:, None].expand(-1, x.shape[1], -1)], dim=-1)
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self.half_precision and self.training):
            return self.recurrent(functional.silu(self.embed(x)))[0].float()

    def fluxes(self, states: Tensor) -> Tensor:
        """Return (B, T, 3) fluxes in gC m-2 d-1 of states (B, T, H)."""
        return self.head(self.dropout(states)) * self.flux_scale


class PlainNetwork(nn.Module):
    """A network that the trainer of TAM-RL can train; of a support it reads the classes alone."""

    decoder = None
    site_effect = None

    def __init__(self, config: ModelConfig, flux_scale: Tensor, static: bool) -> None:
        super().__init__()
        self.forward_model = RecurrentFluxes(config, flux_scale, static)

    def states(self, support: Support, drivers: Tensor, mask: Tensor, window: int = 0) -> tuple[Tensor, Tensor]:
        """Return the states (B, T, H) and, in place of a code, the classes (B, A); whole sequences, no windows."""
        return self.forward_model.states(drivers, mask, support.static), support.static


@dataclasses.dataclass(frozen=True)
class Fitted:
    """One trained member: its network and its scales."""

    model: PlainNetwork
    normaliser: Normaliser


class LSTM:
    """LSTM (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735) on the drivers alone. Zero-shot.

    Args:
        drivers: names of the daily inputs.
        config: widths and training settings; by default those of TAM-RL. What belongs to the task
            encoder is not used, and no balance ties the fluxes.
        members: networks whose mean is predicted; each validates on other towers.
        seed: of splits, weights and batches.
    """

    static = False

    def __init__(self, drivers: tuple[str, ...], config: Config | None = None, members: int = 1, seed: int = 0) -> None:
        config = config or Config()
        # Labels are never read, so that no day loses its weight for being one; "hard" adds no penalty to the loss.
        model = dataclasses.replace(config.model, drivers=tuple(drivers), balance="hard", reconstruction=0.0)
        self.config = Config(model, dataclasses.replace(config.train, labels=0.0, window=0))
        self.members, self.seed = members, seed
        self.fitted: list[Fitted] = []

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each.

        Raises:
            TamrlError: there are fewer than two towers, so that none can be validated on.
        """
        self.fitted = [self._fit_member(towers, k) for k in range(self.members)]

    def _fit_member(self, towers: list[xr.Dataset], member: int) -> Fitted:
        training, validation, normaliser = split_records(towers, self.config, self.seed, member)
        return Fitted(self._train(training, validation, normaliser, member), normaliser)

    def _train(
        self, training: list[TowerRecord], validation: list[TowerRecord], normaliser: Normaliser, member: int
    ) -> PlainNetwork:
        def network(config: ModelConfig, scale: Tensor) -> PlainNetwork:
            return PlainNetwork(config, scale, self.static)

        seed = self.seed + SEED_STRIDE * member
        return MemberTrainer(training, validation, normaliser, self.config, seed, CPU, member, network).run()

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1, the mean of the members; ``support`` is ignored."""
        return np.mean([run(f.model, self._record(tower, f)) for f in self._ready()], axis=0)

    def _ready(self) -> list[Fitted]:
        if not self.fitted:
            raise TamrlError("The network is not trained", type(self).__name__, "Call fit first")
        return self.fitted

    def _record(self, tower: xr.Dataset, fitted: Fitted) -> TowerRecord:
        return tower_record(tower, self.config.model.drivers, fitted.normaliser)


class CTLSTM(LSTM):
    """CT-LSTM: the classes concatenated to the drivers of each day. Zero-shot."""

    static = True


@torch.no_grad()
def run(model: PlainNetwork, record: TowerRecord) -> np.ndarray:
    """Return (T, 3) fluxes in gC m-2 d-1 of a whole record."""
    model.eval()
    return model.forward_model(record.drivers[None], record.driver_mask[None], record.static[None])[0].numpy()


def split_records(
    towers: list[xr.Dataset], config: Config, seed: int, member: int
) -> tuple[list[TowerRecord], list[TowerRecord], Normaliser]:
    """Return the records to train on, those to validate on, and the scales of the former, split as for TAM-RL.

    Raises:
        TamrlError: there are fewer than two towers.
    """
    by_site = {str(t.site.item()): t for t in towers}
    classes = {site: str(t.igbp.item()) for site, t in by_site.items()}
    training, validation = hold_out(classes, config.train.validation_share, seed, member)
    names = config.model.drivers
    fluxes = [np.where(valid_days(by_site[s])[:, None], flux_table(by_site[s]), np.nan) for s in training]
    normaliser = Normaliser.fit([driver_table(by_site[s], names) for s in training], fluxes)
    records = {site: tower_record(t, names, normaliser) for site, t in by_site.items()}
    return [records[s] for s in training], [records[s] for s in validation], normaliser
