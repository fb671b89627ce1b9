"""Model-agnostic meta-learning on the forward model: weights that a few gradient steps fit to a place."""

import copy
import dataclasses
import math

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from tamrl.baselines.common import supported
from tamrl.baselines.networks import CTLSTM, Fitted, PlainNetwork, run, split_records
from tamrl.config import Config
from tamrl.model.inputs import TowerRecord
from tamrl.timestep import steps
from tamrl.training.losses import masked_huber


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetaConfig:
    """How MAML is meta-trained after the CT-LSTM it starts from.

    Attributes:
        inner_steps: gradient steps on the support of a place.
        inner_rate: their learning rate.
        steps: meta-steps.
        tasks: towers of one meta-step.
        windows: sequences of a tower on which the adapted weights are judged.
        rate: peak learning rate of the meta-steps, which falls to zero along a cosine.
        validate_every: meta-steps between validations.
        validation_tasks: supports of each tower held out of the training, on which the weights are chosen.
    """

    inner_steps: int = 5
    inner_rate: float = 0.03
    steps: int = 400
    tasks: int = 4
    windows: int = 2
    rate: float = 1e-3
    validate_every: int = 50
    validation_tasks: int = 3


class MAML(CTLSTM):
    """MAML on the forward model with the classes as inputs. Few-shot.

    Finn, Abbeel and Levine 2017, arXiv:1703.03400, in its first-order form: the gradient of the
    adapted weights on other days of the place is taken as that of the weights before adaptation. It
    starts from the CT-LSTM trained on the same towers. Supports of meta-training are runs of valid
    days, log-uniform between 5 and 365 (1 and 12 months of a monthly model); every weight is
    adapted, by plain gradient steps.

    Args:
        drivers: names of the daily inputs.
        config: widths and settings of the CT-LSTM.
        members: networks whose mean is predicted.
        seed: of splits, weights, batches and tasks.
        meta: settings of the meta-training.
    """

    def __init__(
        self,
        drivers: tuple[str, ...],
        config: Config | None = None,
        members: int = 1,
        seed: int = 0,
        meta: MetaConfig | None = None,
    ) -> None:
        super().__init__(drivers, config, members, seed)
        self.meta = meta or MetaConfig()

    def _fit_member(self, towers: list[xr.Dataset], member: int) -> Fitted:
        training, validation, normaliser = split_records(towers, self.config, self.seed, member)
        start = self._train(training, validation, normaliser, member)
        return Fitted(self._meta_train(start, training, validation, member), normaliser)

    def _meta_train(
        self, start: PlainNetwork, training: list[TowerRecord], validation: list[TowerRecord], member: int
    ) -> PlainNetwork:
        """Return the weights of the best validation, those before meta-training among the candidates."""
        meta, model = self.meta, copy.deepcopy(start)
        rng = np.random.default_rng([self.seed, member])
        training = [r for r in training if _days(r).size >= 2]
        # The same tasks at every validation: towers that are not trained on.
        fixed_rng = np.random.default_rng([self.seed, member, 1])
        towers = [r for r in validation if _days(r).size >= 2]
        fixed = [(r, *self._task(r, fixed_rng)) for r in towers for _ in range(meta.validation_tasks)]
        optimizer = torch.optim.AdamW(model.parameters(), lr=meta.rate, weight_decay=0)
        best, kept = self._validate(model, fixed), copy.deepcopy(model)
        for step in range(meta.steps):
            for group in optimizer.param_groups:
                group["lr"] = meta.rate * 0.5 * (1 + math.cos(math.pi * step / meta.steps))
            optimizer.zero_grad()
            for i in rng.choice(len(training), min(meta.tasks, len(training)), replace=False):
                support, other = self._task(training[i], rng)
                windows = self._windows(training[i], other, rng)
                self._accumulate(model, self._adapt(model, training[i], support), windows, training[i].static[None])
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.config.train.clip)
            optimizer.step()
            if (step + 1) % meta.validate_every == 0 or step + 1 == meta.steps:
                loss = self._validate(model, fixed)
                if loss < best:
                    best, kept = loss, copy.deepcopy(model)
        return kept.eval()

    def _task(self, record: TowerRecord, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the support (T,) bool, a run of at most half the valid days, and the other valid days (T,) bool."""
        days = _days(record)
        least, longest = (steps(n, self.config.model.step) for n in (5, 365))
        most = min(longest, days.size // 2)
        count = int(np.clip(round(least * math.exp(rng.random() * math.log(max(most, least) / least))), 1, most))
        first = int(rng.integers(days.size - count + 1))
        support = np.zeros(len(record.time), bool)
        support[days[first : first + count]] = True
        other = np.zeros(len(record.time), bool)
        other[days] = True
        return support, other & ~support

    def _adapt(self, model: PlainNetwork, record: TowerRecord, support: np.ndarray) -> PlainNetwork:
        """Return a copy of a network after the inner steps on the support (T,) bool."""
        days = np.flatnonzero(support)
        # Nothing is run but the stretch of the support, with the spin-up before it.
        stretch = slice(max(0, days[0] - self.config.train.spin_up), days[-1] + 1)
        labels = record.weight * torch.from_numpy(support.astype(np.float32))[:, None]
        parts = [x[None, stretch] for x in (record.drivers, record.driver_mask, record.fluxes, labels)]
        adapted = copy.deepcopy(model).eval()
        weights = list(adapted.parameters())
        for _ in range(self.meta.inner_steps):
            gradients = torch.autograd.grad(self._loss(adapted, parts, record.static[None]), weights)
            with torch.no_grad():
                for weight, gradient in zip(weights, gradients, strict=True):
                    weight.sub_(self.meta.inner_rate * gradient)
        return adapted

    def _loss(self, model: PlainNetwork, parts: list[Tensor], static: Tensor) -> Tensor:
        """Return the Huber loss of drivers, mask, fluxes and weights (B, T, ...), summed over fluxes."""
        drivers, mask, fluxes, weight = parts
        forward = model.forward_model
        predicted = forward(drivers, mask, static.expand(len(drivers), -1))
        return masked_huber(predicted, fluxes, weight, forward.flux_scale, self.config.train.huber).sum()

    def _accumulate(self, model: PlainNetwork, adapted: PlainNetwork, windows: list[Tensor], static: Tensor) -> None:
        """Add the first-order meta-gradient of one task to the gradients of a network."""
        loss = self._loss(adapted, windows, static) / self.meta.tasks
        gradients = torch.autograd.grad(loss, list(adapted.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def _windows(self, record: TowerRecord, other: np.ndarray, rng: np.random.Generator) -> list[Tensor]:
        """Return random sequences of a record, as (B, T, ...) drivers, mask, fluxes and weights."""
        length = min(self.config.train.sequence, len(record.time))
        starts = rng.integers(len(record.time) - length + 1, size=self.meta.windows)
        weight = record.weight * torch.from_numpy(other.astype(np.float32))[:, None]
        rows = (record.drivers, record.driver_mask, record.fluxes, weight)
        windows = [torch.stack([x[s : s + length] for s in starts]) for x in rows]
        windows[-1][:, : self.config.train.spin_up] = 0
        return windows

    def _validate(self, model: PlainNetwork, tasks: list[tuple[TowerRecord, np.ndarray, np.ndarray]]) -> float:
        """Return the mean scaled RMSE over tasks and fluxes after adaptation, on the days outside the support."""
        losses = []
        for record, support, other in tasks:
            adapted = self._adapt(model, record, support)
            error = (torch.from_numpy(run(adapted, record)) - record.fluxes) / adapted.forward_model.flux_scale
            seen = (record.weight > 0) & torch.from_numpy(other)[:, None]
            each = (error.square() * seen).sum(0) / seen.sum(0).clamp(min=1)
            losses.append(each.sqrt()[seen.any(0)].mean().item())
        return float(np.mean(losses)) if losses else math.inf

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1, the mean of the members, each adapted to the support.

        Raises:
            TamrlError: no support day has a valid flux.
        """
        days = supported(tower, support, "maml")
        records = [(f.model, self._record(tower, f)) for f in self._ready()]
        return np.mean([run(self._adapt(model, record, days), record) for model, record in records], axis=0)


def _days(record: TowerRecord) -> np.ndarray:
    """Return the indices of days with a weight."""
    return np.flatnonzero(record.weight.amax(-1).numpy() > 0)
