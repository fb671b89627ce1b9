"""Training of one ensemble member: the loop, the validation on held-out towers, and its state."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.model.inputs import Normaliser, TowerRecord, make_support
from tamrl.model.network import TAMRL, flatten_recurrent
from tamrl.system.device import fast_bfloat16, no_denormals
from tamrl.timestep import steps
from tamrl.training.batches import Batcher
from tamrl.training.losses import training_loss

#: Days of each validation tower that are read, and the support days of its few-shot score.
VALIDATION_DAYS, VALIDATION_SHOTS = 1461, 90
#: Steps after which a GPU is asked for its losses: to ask at each lets it stand still while the next is prepared.
READ_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Where the training of one member stands.

    Attributes:
        member: index in the ensemble.
        step: steps done.
        steps: steps planned.
        terms: smoothed loss terms by name.
        validation: last validation loss, NaN before the first.
        best: best validation loss so far.
    """

    member: int
    step: int
    steps: int
    terms: dict[str, float]
    validation: float
    best: float


class Validator:
    """Scores a network on towers that it is not trained on, zero-shot and with the effect of their site.

    The loss is the mean over towers, fluxes, zero-shot and few-shot of RMSE / flux scale, on the
    same days: those after the support. It is what early stopping watches, because the claim of the
    method is about new places. A network without a site effect is scored zero-shot.

    Raises:
        TamrlError: no tower has a valid day to score.
    """

    def __init__(self, records: list[TowerRecord], scale: Tensor, config: Config, device: torch.device) -> None:
        self.window = config.train.window
        most, shots_most = (steps(n, config.model.step) for n in (VALIDATION_DAYS, VALIDATION_SHOTS))
        days = min(most, max(len(r.time) for r in records))
        days = -(-days // self.window) * self.window if self.window else days

        def padded(name: str) -> Tensor:
            parts = [getattr(r, name)[:days] for r in records]
            return torch.stack([torch.nn.functional.pad(p, (0, 0, 0, days - len(p))) for p in parts]).to(device)

        self.drivers, self.mask, self.fluxes = padded("drivers"), padded("driver_mask"), padded("fluxes")
        weight, self.season = padded("weight"), padded("season")
        static = torch.stack([r.static for r in records]).to(device)
        order = (weight.amax(-1) > 0).cumsum(1)
        # Of a record shorter than twice the shots, the second half is scored.
        shots = (order[:, -1:] // 2).clamp(max=shots_most)
        self.seen = (weight > 0).float() * (order <= shots)[..., None]
        self.scored = (weight > 0).float() * (order > shots)[..., None]
        if not self.scored.any():
            raise TamrlError("No validation tower has a day to score", "train", "Ingest longer records")
        self.scale = scale.to(device)
        unlabelled = torch.zeros_like(self.seen)
        self.support = make_support(
            self.drivers, self.mask, self.fluxes, unlabelled, self.season, static, config.model.encoder_bin
        )

    @torch.no_grad()
    def __call__(self, model: TAMRL) -> float:
        """Return the validation loss."""
        model.eval()
        states, _ = model.states(self.support, self.drivers, self.mask, self.window)
        predictions = [model.forward_model.fluxes(states)]
        if model.site_effect is not None:
            predictions.append(model.effect(states, self.season, self.fluxes, self.seen)[0])
        n, losses = self.scored.sum(1), []
        for fluxes in predictions:
            square = ((fluxes - self.fluxes).square() * self.scored).sum(1) / n.clamp(min=1)
            losses.append((square.sqrt() / self.scale)[n > 0].mean())
        return torch.stack(losses).mean().item()


class MemberTrainer:
    """Trains one member; its whole state can be taken out and put back, so that a run can resume.

    Args:
        training: records of the towers trained on.
        validation: records of the towers that decide when to stop; no tower of ``training``.
        normaliser: scales from the training towers.
        config: settings.
        seed: of weights and batches.
        device: where to train.
        member: index in the ensemble.
        network: makes the network from its settings and the flux scale (3,); another one than TAM-RL
            has its ``states`` and a ``forward_model`` with ``fluxes`` and ``flux_scale``; its ``decoder``
            and ``site_effect`` may be None.
    """

    def __init__(
        self,
        training: list[TowerRecord],
        validation: list[TowerRecord],
        normaliser: Normaliser,
        config: Config,
        seed: int,
        device: torch.device,
        member: int = 0,
        network: Callable[[ModelConfig, Tensor], Any] = TAMRL,
    ) -> None:
        torch.manual_seed(seed)
        self.config, self.device, self.member = config, device, member
        scale = torch.from_numpy(normaliser.flux_scale)
        self.model: TAMRL = network(config.model, scale).to(device)
        self.model.forward_model.half_precision = config.train.precision == "auto" and fast_bfloat16(device)
        self.average = copy.deepcopy(self.model)
        flatten_recurrent(self.average)
        self.batcher = Batcher(training, normaliser, config, seed, device)
        self.validator = Validator(validation, scale, config, device)
        train = config.train
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay, fused=True
        )
        self.read_every = 1 if device.type == "cpu" else READ_EVERY
        #: Loss and terms (1 + n,) of the steps whose losses have not been read yet.
        self.unread: list[Tensor] = []
        self.step, self.worse = 0, 0
        self.best, self.validation = math.inf, math.nan
        self.best_weights = copy.deepcopy(self.average.state_dict())
        self.terms: dict[str, float] = {}

    def _learning_rate(self) -> float:
        """Return the one-cycle rate (Smith and Topin 2019, arXiv:1708.07120): warm up, then cosine to zero."""
        train = self.config.train
        warm = max(1, train.steps // 20)
        if self.step < warm:
            return train.learning_rate * (self.step + 1) / warm
        done = (self.step - warm) / max(1, train.steps - warm)
        return train.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1)))

    def _average_weights(self) -> None:
        """Move the averaged weights towards the current ones, faster at the beginning."""
        keep = min(self.config.train.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)

    def advance(self) -> TrainingProgress:
        """Do one optimiser step, validate where it is due, and return where the training stands.

        Raises:
            TamrlError: the loss is not a finite number.
        """
        with no_denormals():
            self.model.train()
            for group in self.optimizer.param_groups:
                group["lr"] = self._learning_rate()
            loss, terms = training_loss(self.model, self.batcher.draw(), self.config)
            self.unread.append(torch.stack([loss.detach(), *terms.values()]))
            step, train = self.step + 1, self.config.train
            validates = step % train.validate_every == 0 or step == train.steps
            if validates or len(self.unread) >= self.read_every:
                self._read(tuple(terms))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.train.clip)
            self.optimizer.step()
            self._average_weights()
        self.step += 1
        if validates:
            self._validate()
        return TrainingProgress(
            member=self.member,
            step=self.step,
            steps=self.config.train.steps,
            terms=self.terms,
            validation=self.validation,
            best=self.best,
        )

    def _read(self, names: tuple[str, ...]) -> None:
        """Wait for the losses of the last steps, smooth their terms, and check them.

        Raises:
            TamrlError: a loss is not a finite number.
        """
        rows, self.unread = torch.stack(self.unread).tolist(), []
        for step, (loss, *values) in enumerate(rows, self.step + 1 - len(rows)):
            if not math.isfinite(loss):
                raise TamrlError(
                    f"The loss is {loss} at step {step}",
                    f"member {self.member}",
                    "Train into another folder with a lower train.learning_rate; the best weights so far are kept here",
                )
            terms = dict(zip(names, values, strict=True))
            self.terms = {k: 0.95 * self.terms.get(k, v) + 0.05 * v for k, v in terms.items()}

    def _validate(self) -> None:
        self.validation = self.validator(self.average)
        if self.validation < self.best:
            # A deep copy: an alias would follow the weights to the end of the training.
            self.best, self.worse = self.validation, 0
            self.best_weights = copy.deepcopy(self.average.state_dict())
        else:
            self.worse += 1

    @property
    def finished(self) -> bool:
        """Whether all steps are done or the patience has run out."""
        return self.step >= self.config.train.steps or self.worse >= self.config.train.patience

    def best_model(self) -> Any:
        """Return a network as ``network`` makes it with the best weights, in evaluation mode."""
        model = copy.deepcopy(self.average)
        model.load_state_dict(self.best_weights)
        flatten_recurrent(model)
        return model.eval()

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on from here."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best_weights": self.best_weights,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.batcher.generator.get_state(),
            "order": self.batcher.order,
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "step": self.step,
            "worse": self.worse,
            "best": self.best,
            "validation": self.validation,
            "terms": self.terms,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` returned."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.best_weights = state["best_weights"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.batcher.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        if self.device.type == "cuda" and state.get("cuda") is not None:
            torch.cuda.set_rng_state(state["cuda"], self.device)
        self.batcher.order = state["order"]
        for name in ("step", "worse", "best", "validation", "terms"):
            setattr(self, name, state[name])

    def run(
        self, on_step: Callable[[TrainingProgress], None] | None = None, stop: Callable[[], bool] | None = None
    ) -> Any:
        """Train until finished or until ``stop`` says so, and return the best network."""
        while not self.finished and not (stop and stop()):
            progress = self.advance()
            if on_step:
                on_step(progress)
        if math.isinf(self.best):
            self._validate()
        return self.best_model()
