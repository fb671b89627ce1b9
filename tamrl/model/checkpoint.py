"""Ensembles on disk: safetensors and YAML. Loading executes no pickle.

A checkpoint is a folder: ``ensemble.yaml`` (format, config, towers, metrics, versions) and one
``member-<k>.safetensors`` a member with its weights and the scales it was trained with.
"""

import datetime
import hashlib
import math
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import tamrl
from tamrl.bundled import CROSS_FITTED
from tamrl.config import Config, from_dict, to_dict
from tamrl.errors import TamrlError
from tamrl.model.calibration import Calibration
from tamrl.model.inputs import Normaliser
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.model.site_effect import SHRINKAGE_DAYS
from tamrl.system.yaml_file import read_yaml

FORMAT = 2
#: Key of the manifest under which intervals are calibrated, by number of shots.
CALIBRATION = "calibration"
#: Key of the manifest with the shrinkage of the site effect, by days of support: a checkpoint without it has none.
SHRINKAGE = "shrinkage"
MANIFEST = "ensemble.yaml"
#: The same of a model that is adapted to a tower already (``tamrl.predict.saved``), which holds a checkpoint within.
ADAPTED = "adapted.yaml"
_SCALES = ("driver_mean", "driver_std", "flux_scale")


@dataclass
class Member:
    """One trained network with the scales and the towers that belong to it.

    Attributes:
        model: in evaluation mode, on the ensemble's device.
        normaliser: scales of its inputs and targets.
        prior: how a task embedding moves when it sees labels, on the ensemble's device.
        info: ``training_sites``, ``validation_sites``, ``seed``, ``steps``, ``validation_loss``, ``seconds``.
    """

    model: TAMRL
    normaliser: Normaliser
    prior: CodePrior
    info: dict[str, Any]


@dataclass
class Ensemble:
    """K members that share one configuration. Shared between users of the app: never changed in place.

    Attributes:
        members: K members.
        config: settings they were trained with.
        device: where the members are.
        info: what the manifest says besides: ``created``, ``versions``, ``seed``, ``simulated``, ``complete``.
        path: the folder it was read from.
    """

    members: list[Member]
    config: Config
    device: torch.device
    info: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def _sites(self, key: str) -> tuple[str, ...]:
        return tuple(sorted({site for m in self.members for site in m.info.get(key, ())}))

    @property
    def caution(self) -> str:
        """What a user of an unfinished checkpoint must know; empty for a finished one."""
        if self.info.get("complete", True):
            return ""
        return (
            f"The training of this checkpoint was stopped: {len(self.members)} of "
            f"{self.info.get('planned_members', '?')} members, some of them not trained to the end."
        )

    @property
    def training_sites(self) -> tuple[str, ...]:
        """Towers that some member was trained on."""
        return self._sites("training_sites")

    @property
    def validation_sites(self) -> tuple[str, ...]:
        """Towers that stopped the training of some member; most are training towers of another."""
        return self._sites("validation_sites")

    @property
    def seen_sites(self) -> frozenset[str]:
        """Towers that had any part in the training: no score on them says anything about new places."""
        return frozenset(self.training_sites) | frozenset(self.validation_sites)

    def for_site(self, site: str) -> "Ensemble":
        """Return the ensemble for a tower: itself, as ``CrossFitted.for_site`` has one for each."""
        return self

    def groups(self, sites: tuple[str, ...]) -> list[tuple["Ensemble", tuple[str, ...]]]:
        """Return itself with all of ``sites``; see ``CrossFitted.groups``."""
        return [(self, sites)] if sites else []

    def calibration(self, shots: int) -> Calibration | None:
        """Return the calibration for the nearest number of shots, or None where the ensemble has none.

        Raises:
            TamrlError: the checkpoint's calibration is damaged.
        """
        known = {int(n): content for n, content in (self.info.get(CALIBRATION) or {}).items()}
        if not known:
            return None
        nearest = min(known, key=lambda n: abs(math.log1p(n) - math.log1p(shots)))
        return Calibration.from_dict(known[nearest])


def versions() -> dict[str, str]:
    """Return the software that a result depends on."""
    return {"tamrl": tamrl.__version__, "torch": str(torch.__version__), "python": platform.python_version()}


def save_member(
    path: Path, index: int, model: TAMRL, normaliser: Normaliser, prior: CodePrior, half: bool = False
) -> None:
    """Write the weights, scales and prior of one member, whole or not at all.

    Args:
        path: folder of the checkpoint.
        index: of the member.
        model: its network.
        normaliser: its scales, always in 32 bits.
        prior: of its code's shift, always in 32 bits.
        half: write the weights in 16 bits.
    """
    weights = {name for name, _ in model.named_parameters()} if half else set()
    tensors = {
        f"model.{k}": (v.half() if k in weights else v).detach().cpu().contiguous()
        for k, v in model.state_dict().items()
    }
    tensors |= {f"normaliser.{k}": torch.from_numpy(getattr(normaliser, k).copy()) for k in _SCALES}
    tensors |= {"prior.shift": prior.shift.contiguous(), "prior.noise": prior.noise.contiguous()}
    target = path / f"member-{index}.safetensors"
    partial = target.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(target)


def save_manifest(path: Path, config: Config, members: list[dict[str, Any]], info: dict[str, Any]) -> None:
    """Write ``ensemble.yaml``, whole or not at all; ``members`` are the ``info`` of each."""
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    manifest = {"format": FORMAT, "created": created, "versions": versions(), **info}
    manifest |= {"config": to_dict(config), "members": members}
    partial = path / (MANIFEST + ".partial")
    partial.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    partial.replace(path / MANIFEST)


def save_half(ensemble: Ensemble, path: Path) -> None:
    """Write an ensemble with its weights in 16 bits: half the size, to be bundled."""
    path.mkdir(parents=True, exist_ok=True)
    for member in ensemble.members:
        save_member(path, int(member.info["index"]), member.model, member.normaliser, member.prior, half=True)
    save_manifest(path, ensemble.config, [m.info for m in ensemble.members], ensemble.info | {"weights": "float16"})


def is_checkpoint(path: Path | str) -> bool:
    """Return whether a folder holds a checkpoint."""
    return (Path(path) / MANIFEST).is_file()


def digest(path: Path | str) -> str:
    """Return a checksum of the files of a checkpoint: SHA-256 over its manifest and its weights, with their names."""
    total = hashlib.sha256()
    for file in sorted([Path(path) / MANIFEST, *Path(path).glob("*.safetensors")]):
        total.update(file.name.encode() + file.read_bytes())
    return total.hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    if (path / CROSS_FITTED).is_file():
        raise TamrlError(
            "This is a cross-fitted model, one ensemble a fold of towers, where a single one is needed",
            str(path),
            "Give one of them, or the model of all towers, such as fluxnet2015-daily",
        )
    try:
        manifest = read_yaml(path / MANIFEST)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        todo = f"Give a folder with {MANIFEST}, made by tamrl train"
        if (path / ADAPTED).is_file():
            todo = "It is an adapted model: tamrl predict and tamrl.load_adapted read it; in base is the one before"
        raise TamrlError("There is no readable checkpoint here", str(path), todo) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or not manifest.get("members"):
        found = manifest.get("format") if isinstance(manifest, dict) else "none"
        raise TamrlError(f"The checkpoint has format {found}, this version reads {FORMAT}", str(path), "Train it again")
    return manifest


def _load_member(file: Path, config: Config, info: dict[str, Any], device: torch.device) -> Member:
    try:
        tensors = load_file(file)
        normaliser = Normaliser(*(tensors[f"normaliser.{k}"].float().numpy() for k in _SCALES))
        model = TAMRL(config.model, torch.from_numpy(normaliser.flux_scale))
        prior = CodePrior(tensors["prior.shift"].float().to(device), tensors["prior.noise"].float().to(device))
        weights = {k.removeprefix("model."): v.float() for k, v in tensors.items() if k.startswith("model.")}
        model.load_state_dict(weights)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise TamrlError(
            f"The weights cannot be read: {reason}", str(file), "The file is damaged: copy or train it again"
        ) from error
    if not all(torch.isfinite(v).all() for v in tensors.values()):
        raise TamrlError("The weights hold values that are not finite numbers", str(file), "Train the model again")
    model = model.eval().requires_grad_(False).to(device)
    # cuDNN refuses a backward pass through a recurrent layer in evaluation mode. In training mode a
    # single layer computes the same: dropout between layers is all that the mode decides.
    model.forward_model.recurrent.train()
    return Member(model, normaliser, prior, info)


def _set_shrinkage(members: list[Member], content: Any, where: str) -> None:
    """Give the site effect of each member the factors of a manifest: days -> flux -> factor.

    Raises:
        TamrlError: they are not numbers of 0 or more for the days and fluxes that the model has.
    """
    try:
        rows = [[float(content[int(n)][flux]) for n in SHRINKAGE_DAYS] for flux in ("GPP", "RECO")]
        factors = torch.tensor(rows)
        if not (torch.isfinite(factors).all() and (factors >= 0).all()):
            raise ValueError("factors must be finite and not negative")
        for member in members:
            effect = member.model.site_effect
            if effect is None:
                raise ValueError("the model has no site effect")
            effect.shrinkage.copy_(factors)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise TamrlError(
            f"The shrinkage of the site effect is damaged: {error!r}", where, "Copy or train the model again"
        ) from error


def load_ensemble(path: Path | str, device: torch.device | str = "cpu") -> Ensemble:
    """Read a checkpoint.

    Args:
        path: the folder that ``tamrl train --out`` wrote.
        device: where the members go.

    Raises:
        TamrlError: the folder is no checkpoint, of another format, or its weights are damaged or not finite.
    """
    path, device = Path(path), torch.device(device)
    manifest = _read_manifest(path)
    config = from_dict(manifest["config"], str(path / MANIFEST))
    members = [
        _load_member(path / f"member-{info['index']}.safetensors", config, info, device) for info in manifest["members"]
    ]
    info = {k: v for k, v in manifest.items() if k not in ("config", "members")}
    if info.get(SHRINKAGE):
        _set_shrinkage(members, info[SHRINKAGE], str(path / MANIFEST))
    return Ensemble(members, config, device, info, path)
