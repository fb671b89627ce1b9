"""Settings as frozen dataclasses, read from and written to YAML with strict keys."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from tamrl.errors import TamrlError
from tamrl.schema import current_name
from tamrl.timestep import TimeStep, time_step


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of one TAM-RL network.

    Attributes:
        drivers: names of the inputs, archive variables or derived ones (``tamrl.model.drivers``).
        step: time step of inputs and fluxes, ``1D`` or ``1MS`` (calendar months); an archive of the other step
            cannot be read. Lengths of sequences and bins are in steps.
        code: Z, length of the task embedding.
        embed: width of the modulated input embedding.
        hidden: H, width of the forward LSTM.
        encoder_hidden: width of each direction of the encoder's BiLSTM.
        encoder_bin: steps averaged into one step of the encoder's support sequence.
        dropout: share of embedding and recurrent output units dropped in training.
        balance: ``hard`` predicts GPP and RECO and takes NEE as their difference; ``soft`` predicts
            all three and penalises the imbalance, as in the paper.
        reconstruction: weight of the loss that reconstructs drivers and classes from the embedding; 0 builds no
            decoder.
        modulation: false leaves the forward model the same at all places.
        site_effect: weight of the loss after a few days of a site are seen (``tamrl.model.site_effect``);
            0 builds no site effect.
    """

    drivers: tuple[str, ...] = (
        "TA",
        "TA_MIN",
        "TA_MAX",
        "SW_IN",
        "VPD",
        "P_MON",
        "LAI",
        "EVI",
        "SW_IN_POT",
        "SW_IN_POT_TREND",
    )
    step: TimeStep = TimeStep.DAILY
    code: int = 24
    embed: int = 56
    hidden: int = 72
    encoder_hidden: int = 32
    encoder_bin: int = 8
    dropout: float = 0.35
    balance: Literal["hard", "soft"] = "hard"
    reconstruction: float = 0.05
    modulation: bool = True
    site_effect: float = 3.0


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How one member is trained.

    Attributes:
        sequence: T, steps of one training sequence, spin-up included; the encoder reads the same steps.
        spin_up: first steps of a sequence that carry no loss.
        window: length of the paper's windows; 0 runs whole sequences.
        batch: B, sequences of one step.
        steps: optimiser steps.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: decoupled weight decay of AdamW.
        clip: largest norm of the gradient.
        average: decay of the exponential average of the weights, which is what is validated and kept.
        huber: residual, in units of the flux scale, at which the loss turns from square to linear.
        flux_weights: weights of GPP, RECO and NEE in the loss.
        balance_weight: weight of the soft balance penalty, per (gC m-2 d-1)^2.
        labels: share of sequences whose encoder reads the labels of the support, too.
        driver_dropout: probability that a driver group is hidden in a sequence.
        static_dropout: probability that a tower's class is hidden in a sequence.
        site_weight_floor: a tower's loss is divided by its own flux variance plus this share of the mean variance.
        validation_share: share of the training towers held out for early stopping.
        precision: ``auto`` runs the recurrence of the forward model in bfloat16 where the device does so
            fast, ``float32`` never; all else is always in 32 bits.
        validate_every: optimiser steps between validations.
        patience: validations without improvement before training stops.
    """

    sequence: int = 411
    spin_up: int = 45
    window: int = 0
    batch: int = 32
    steps: int = 450
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float = 0.98
    huber: float = 1.5
    flux_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    balance_weight: float = 0.1
    labels: float = 0.5
    driver_dropout: float = 0.1
    static_dropout: float = 0.1
    site_weight_floor: float = 0.3
    validation_share: float = 0.12
    precision: Literal["auto", "float32"] = "auto"
    validate_every: int = 50
    patience: int = 6


@dataclass(frozen=True)
class Config:
    """Everything that a training run depends on besides the data and the seed."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


def _build(cls: type, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise TamrlError(f"Expected settings by name, got {type(values).__name__}", where)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise TamrlError(f"Unknown setting {', '.join(unknown)}", where, f"Known settings: {', '.join(fields)}")
    built = {}
    for name, value in values.items():
        default = getattr(cls(), name)
        at = f"{where}: {name}"
        if dataclasses.is_dataclass(default):
            built[name] = _build(type(default), value, at)
        elif isinstance(default, TimeStep):
            built[name] = time_step(value, at)
        elif isinstance(default, tuple) and isinstance(value, list | tuple):
            built[name] = tuple(current_name(one) if isinstance(one, str) else one for one in value)
        elif isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
            built[name] = float(value)
        elif type(value) is type(default):
            built[name] = value
        else:
            raise TamrlError(
                f"Setting has the wrong type: {value!r}", at, f"Give a {type(default).__name__}, such as {default!r}"
            )
    return cls(**built)


def from_dict(values: dict[str, Any], where: str = "config") -> Config:
    """Return the settings of a mapping; what is absent keeps its default.

    Raises:
        TamrlError: a key is unknown, a value has the wrong type or is out of range.
    """
    config = _build(Config, values, where)
    _check(config, where)
    return config


def _check(config: Config, where: str) -> None:
    model, train = config.model, config.train
    if model.balance not in ("hard", "soft"):
        raise TamrlError(f"Unknown balance {model.balance!r}", f"{where}: model: balance", "Known: hard, soft")
    if train.precision not in ("auto", "float32"):
        raise TamrlError(f"Unknown precision {train.precision!r}", f"{where}: train: precision", "Known: auto, float32")
    if not 0 <= train.spin_up < train.sequence:
        raise TamrlError("The spin-up must be shorter than the sequence", f"{where}: train: spin_up")
    if train.window and train.sequence % train.window:
        raise TamrlError("The sequence must be a whole number of windows", f"{where}: train: window")
    for name in ("sequence", "batch", "steps", "validate_every", "patience"):
        if getattr(train, name) < 1:
            raise TamrlError(f"{name} must be at least 1", f"{where}: train: {name}")
    for name in ("labels", "driver_dropout", "static_dropout", "validation_share"):
        if not 0 <= getattr(train, name) <= 1:
            raise TamrlError(f"{name} must lie between 0 and 1", f"{where}: train: {name}")


def load_config(path: Path | str) -> Config:
    """Read settings from a YAML file.

    Raises:
        TamrlError: the file cannot be read, is not YAML, or holds an unknown key or a wrong type.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TamrlError(f"The settings cannot be read: {error}", str(path), "Give a YAML file") from error
    return from_dict(values, str(path))


def _plain(value: Any) -> Any:
    if isinstance(value, TimeStep):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def to_dict(config: Config) -> dict[str, Any]:
    """Return the settings as plain lists, numbers and strings, ready for YAML."""
    plain = dataclasses.asdict(config)
    return {part: {k: _plain(v) for k, v in values.items()} for part, values in plain.items()}


def current_settings(saved: dict[str, Any], where: str) -> dict[str, Any]:
    """Return what a run has kept of how it was started, its ``config`` in the names of today.

    Raises:
        TamrlError: see ``from_dict``.
    """
    return saved | {"config": to_dict(from_dict(saved["config"], where))}


def save_config(config: Config, path: Path | str) -> None:
    """Write the settings as YAML."""
    Path(path).write_text(yaml.safe_dump(to_dict(config), sort_keys=False), encoding="utf-8")
