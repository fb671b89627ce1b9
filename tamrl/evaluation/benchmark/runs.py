"""The units of the accuracy benchmark: which model is trained on which fold, and how."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tamrl.config import Config
from tamrl.evaluation.benchmark.targets import TAMRL
from tamrl.evaluation.held_out import held_out
from tamrl.evaluation.models import EncoderPredictor, Prediction, Predictor, TamrlPredictor, fit_baselines, predictions
from tamrl.model.checkpoint import Ensemble, is_checkpoint, load_ensemble
from tamrl.protocol.designs import Split, load_split
from tamrl.protocol.support_days import SHOTS, plans
from tamrl.system.device import one_thread
from tamrl.towers.archive import load_archive, record
from tamrl.training.ensemble import STATE, EnsembleTrainer, usable_sites
from tamrl.training.member import TrainingProgress

ALONE, PUBLISHED = "tamrl-1", "tamrl-published"
#: Models of each design. On the second and third the question is only whether the first one's answer holds, with as
#: few members as that takes: ``tamrl-1`` of the first design stands beside them.
MODELS = {
    "igbp": (
        TAMRL,
        PUBLISHED,
        "xgboost-support",
        "maml",
        "ct-lstm",
        "lstm",
        "random-forest",
        "lightgbm-lags",
        "xgboost",
        "climatology",
        "seasonal-cycle",
    ),
    "koeppen": (TAMRL, "xgboost", "climatology", "seasonal-cycle"),
    "carbonfluxbench": (TAMRL, "xgboost", "climatology", "seasonal-cycle"),
    "carbonfluxbench-koeppen": (TAMRL, "xgboost", "climatology", "seasonal-cycle"),
}
#: TAM-RL by the recipe of its paper (Renganathan et al. 2025), on our data: windows of 30 days, the carbon balance as a
#: penalty, no site effect; with support the encoder reads the labels. One member.
RECIPE: tuple[dict[str, Any], dict[str, Any]] = (
    {"balance": "soft", "site_effect": 0.0},
    {"window": 30, "sequence": 720, "spin_up": 0},
)
#: Ablation -> changed settings of the model and of the training; the first is what the others are compared with.
ABLATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    ALONE: ({}, {}),
    "no modulation": ({"modulation": False}, {}),
    "no reconstruction": ({"reconstruction": 0.0}, {}),
    "no site effect": ({"site_effect": 0.0}, {}),
    "balance off": ({"balance": "soft"}, {"balance_weight": 0.0}),
    "balance soft": ({"balance": "soft"}, {}),
    "no encoder labels": ({}, {"labels": 0.0}),
    "30-day windows": ({}, {"window": 30, "sequence": 720, "spin_up": 0}),
}
#: Ablation -> drivers left out.
WITHOUT = {
    "no temperature": ("TA", "TA_MIN", "TA_MAX"),
    "no radiation": ("SW_IN",),
    "no VPD": ("VPD",),
    "no precipitation": ("P_MON",),
    "no LAI and EVI": ("LAI", "EVI"),
    "no potential radiation": ("SW_IN_POT", "SW_IN_POT_TREND"),
}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One model on one fold.

    Attributes:
        archive: path.
        out: folder of the benchmark.
        design: of the split.
        fold: index.
        model: a name in ``MODELS``, or an ablation.
        config: settings of the networks.
        members: of TAM-RL.
        seed: of the members; the split has its own.
        ablation: whether it is compared with the other ablations alone.
    """

    archive: str
    out: str
    design: str
    fold: int
    model: str
    config: Config
    members: int
    seed: int
    ablation: bool = False

    @property
    def member(self) -> str:
        """The unit in words; ``run_processes`` names its processes by it."""
        return f"{self.design} fold {self.fold}, {self.model}"

    @property
    def folder(self) -> Path:
        """Where the predictions of this fold are."""
        name = f"{self.design}-{self.fold}" + ("-ablations" if self.ablation else "")
        return Path(self.out) / "predictions" / name

    @property
    def file(self) -> Path:
        """The predictions of this unit; there once it is done."""
        return self.folder / f"{self.model}.npz"

    @property
    def checkpoint(self) -> Path:
        """Where TAM-RL is kept."""
        return Path(self.out) / "models" / f"{self.folder.name}-{self.model.replace(' ', '-')}"

    @property
    def split(self) -> Split:
        """The split of the design, as it was written when the benchmark was started."""
        return load_split(split_file(Path(self.out), self.design))


def split_file(out: Path, design: str) -> Path:
    """Return where the split of a design is kept."""
    return out / "splits" / f"{design}.yaml"


def ablated(config: Config, name: str) -> Config:
    """Return the settings of an ablation, or of the recipe of the paper (``PUBLISHED``)."""
    if name in WITHOUT:
        kept = tuple(d for d in config.model.drivers if d not in WITHOUT[name])
        return dataclasses.replace(config, model=dataclasses.replace(config.model, drivers=kept))
    model, train = RECIPE if name == PUBLISHED else ABLATIONS[name]
    return Config(dataclasses.replace(config.model, **model), dataclasses.replace(config.train, **train))


def save_predictions(file: Path, made: dict[str, list[Prediction]]) -> None:
    """Write the predictions of one model at many towers, whole or not at all; a zero-shot one once."""
    arrays: dict[str, Any] = {}
    for site, at_site in made.items():
        for p in at_site:
            key = f"{site}|{p.shots}|{p.placement if p.shots else ''}"
            arrays[f"{key}|mean"] = p.fluxes.astype(np.float32)
            if p.spread is not None:
                arrays[f"{key}|spread"] = p.spread.astype(np.float32)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(file)


def read_predictions(file: Path, site: str, placements: Iterable[str]) -> list[Prediction]:
    """Return what one model predicts at one tower; a zero-shot prediction stands at each placement."""
    found, placements = [], tuple(placements)
    with np.load(file) as arrays:
        for key in arrays.files:
            of, shots, placement, kind = key.rsplit("|", 3)
            if of != site or kind != "mean":
                continue
            spread_key = key.removesuffix("mean") + "spread"
            spread = arrays[spread_key] if spread_key in arrays.files else None
            for place in [placement] if placement else placements:
                found.append(Prediction(file.stem, int(shots), place, arrays[key], spread))
    return found


def run_unit(unit: Unit, report: Callable[[str], None], stop: Callable[[], bool]) -> None:
    """Train one unit, or go on with it, and write its predictions."""
    one_thread()
    archive = load_archive(unit.archive)
    held = unit.split.folds[unit.fold]
    if unit.model in (TAMRL, PUBLISHED) or unit.ablation:
        ensemble = _train(unit, held, report, stop)
        if ensemble is None:
            return
        held_out(held, ensemble, named=True, allow_seen=False)
        if unit.model == PUBLISHED:
            _predict(unit, archive, EncoderPredictor(ensemble), report, stop)
            return
        # A model without a site effect is scored zero-shot: without it nothing here reads the support.
        shots = SHOTS if ensemble.config.model.site_effect > 0 else (0,)
        if unit.model == TAMRL and unit.members > 1:
            alone = dataclasses.replace(ensemble, members=ensemble.members[:1])
            _predict(dataclasses.replace(unit, model=ALONE), archive, TamrlPredictor(alone), report, stop)
        _predict(unit, archive, TamrlPredictor(ensemble), report, stop, shots)
        return
    report(f"{unit.member}: training")
    usable = archive.sel(site=[s for s in usable_sites(archive) if s not in held])
    fitted = fit_baselines([unit.model], usable, held, unit.config.model.drivers, unit.config, unit.seed)
    # A baseline keeps nothing when it is stopped: once it is trained it is worth its predictions.
    _predict(unit, archive, fitted[unit.model], report, lambda: False)


def _train(
    unit: Unit, held: tuple[str, ...], report: Callable[[str], None], stop: Callable[[], bool]
) -> Ensemble | None:
    """Return the trained ensemble, or None where it was stopped."""
    out = unit.checkpoint
    resume = (out / STATE / "run.yaml").exists()
    if resume or not is_checkpoint(out):
        trainer = EnsembleTrainer(
            unit.archive, out, unit.config, unit.members, unit.seed, exclude=held, device="cpu", resume=resume
        )

        def tell(progress: TrainingProgress) -> None:
            if progress.step % 100 == 0:
                report(f"{unit.member}: member {progress.member} step {progress.step} best {progress.best:.4f}")

        if not trainer.run_here(tell, stop):
            return None
    return load_ensemble(out)


def _predict(
    unit: Unit,
    archive: xr.Dataset,
    predictor: Predictor,
    report: Callable[[str], None],
    stop: Callable[[], bool],
    shots: Iterable[int] = SHOTS,
) -> None:
    """Write what a model predicts at the held-out towers of its fold."""
    made: dict[str, list[Prediction]] = {}
    held = unit.split.folds[unit.fold]
    for i, site in enumerate(held):
        if stop():
            return
        tower = record(archive, site)
        made[site] = list(predictions(tower, {unit.model: predictor}, plans(tower, shots=shots)))
        if i % 10 == 0:
            report(f"{unit.member}: {i} of {len(held)} towers predicted")
    save_predictions(unit.file, made)
    report(f"{unit.member}: done")


def folds_to_score(units: Iterable[Unit]) -> list[tuple[str, int]]:
    """Return the folds that some unit belongs to, in order."""
    return list(dict.fromkeys((u.design, u.fold) for u in units))


def towers_of(archive: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Return tower -> (IGBP, Koeppen) of the towers that a benchmark uses."""
    classes = zip(
        archive.site.values.tolist(), archive.igbp.values.tolist(), archive.koeppen.values.tolist(), strict=True
    )
    usable = set(usable_sites(archive))
    return {site: (igbp, koeppen) for site, igbp, koeppen in classes if site in usable}
