"""Training as in the published pipeline, in its simplest form, to measure against.

Each sample is a window of days cut out of a table (a DataFrame) when its turn comes, turned into arrays and stacked
into a batch; the network reads the window from its start and is scored on its last day. The network is that of TAM-RL
without its encoder, which reads the same windows in the original: the comparison is in favour of the published way.
"""

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.drivers import driver_table
from tamrl.model.network import ForwardModel
from tamrl.schema import FLUXES
from tamrl.towers.quality import flux_table, valid_days

#: Windows of one step.
BATCH = 64


class PublishedWay:
    """Trains a forward model on windows of tables of towers.

    Args:
        ensemble: whose settings the network has.
        member: whose scales it has.
        towers: Dataset(time) each.
        window: days.
        seed: of weights and samples.
    """

    def __init__(
        self, ensemble: Ensemble, member: Member, towers: list[xr.Dataset], window: int, seed: int = 0
    ) -> None:
        torch.manual_seed(seed)
        config, scales = ensemble.config.model, member.normaliser
        self.names, self.window = list(config.drivers), window
        self.frames: list[pd.DataFrame] = []
        self.samples: list[tuple[int, int]] = []
        for tower in towers:
            values = (driver_table(tower, config.drivers) - scales.driver_mean) / scales.driver_std
            observed = np.where(valid_days(tower)[:, None], flux_table(tower), np.nan)
            frame = pd.DataFrame(np.concatenate([values, observed], 1), columns=[*self.names, *FLUXES])
            labelled = np.flatnonzero(np.isfinite(observed).any(1))
            self.samples += [(len(self.frames), int(day)) for day in labelled if day >= window - 1]
            self.frames.append(frame)
        self.random = np.random.default_rng(seed)
        self.network = ForwardModel(config, torch.from_numpy(scales.flux_scale))
        self.optimizer = torch.optim.Adam(self.network.parameters())

    def sample(self, tower: int, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the drivers (window, D) before and on a day, NaN where missing, and its fluxes (3,)."""
        rows = self.frames[tower].iloc[day - self.window + 1 : day + 1]
        return rows[self.names].to_numpy(np.float32), rows[list(FLUXES)].iloc[-1].to_numpy(np.float32)

    def step(self) -> int:
        """Do one optimiser step; return how many labelled days it learnt from."""
        chosen = self.random.integers(len(self.samples), size=min(BATCH, len(self.samples)))
        cut = [self.sample(*self.samples[i]) for i in chosen]
        drivers, observed = (torch.from_numpy(np.stack(part)) for part in zip(*cut, strict=True))
        mask, seen = torch.isfinite(drivers).float(), torch.isfinite(observed).float()
        predicted = self.network(drivers.nan_to_num(), mask)[:, -1]
        error = (predicted - observed.nan_to_num()) * seen / self.network.flux_scale
        loss = error.square().sum() / seen.sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return len(cut)
