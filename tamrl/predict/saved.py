"""An adapted model as a folder: what adapting found beside the checkpoint that it was found for.

``adapted.yaml`` says how it was made, ``adapted-<k>.safetensors`` is what was found for member k, and ``base/`` is a
copy of the checkpoint, so that the folder is all that another machine needs. Loading executes no pickle.
"""

import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tamrl import wording
from tamrl.errors import TamrlError
from tamrl.model import cross_fitted
from tamrl.model.checkpoint import ADAPTED, MANIFEST, Ensemble, Member, digest, load_ensemble, versions
from tamrl.model.cross_fitted import CrossFitted
from tamrl.predict.adapt import Adaptation, predictions
from tamrl.predict.ensemble import cautions, member_records, over_members
from tamrl.predict.methods import METHODS
from tamrl.system.storage import locked, swap_in
from tamrl.system.yaml_file import read_yaml
from tamrl.timestep import step_of

FORMAT = 1
BASE = "base"


@dataclass(frozen=True, kw_only=True)
class AdaptedModel:
    """An ensemble adapted to one tower, of ``load``.

    Attributes:
        ensemble: before it was adapted.
        states: what adapting found, of each member.
        site: tower that it was adapted to.
        method: a key of ``METHODS``.
        support: days, or months, whose fluxes it has read.
        path: the folder it was read from.
    """

    ensemble: Ensemble
    states: tuple[dict[str, torch.Tensor], ...]
    site: str
    method: str
    support: pd.DatetimeIndex
    path: Path

    def for_site(self, site: str) -> "AdaptedModel":
        """Return itself; see ``tamrl.model.cross_fitted.CrossFitted.for_site``."""
        return self


def save(adaptation: Adaptation, ensemble: Ensemble, path: Path | str) -> None:
    """Write an adapted model as a folder, whole or not at all; an adapted model that is there is replaced.

    Args:
        adaptation: of ``tamrl.predict.adapt.adapt``.
        ensemble: that was adapted, read from a checkpoint.
        path: the folder.

    Raises:
        TamrlError: the folder holds something else or cannot be written, the method keeps nothing that could be saved,
            or the checkpoint is no longer on disk as it was loaded.
    """
    path = Path(path).expanduser().resolve()
    method = adaptation.settings.method
    if len(adaptation.states) != len(ensemble.members):
        raise TamrlError(f"The method {method} keeps nothing that could be saved", method, "Save its predictions")
    if ensemble.path is None or _created(ensemble.path) != ensemble.info.get("created"):
        what = "The checkpoint that was adapted is not on disk, or was changed since it was loaded"
        raise TamrlError(what, str(ensemble.path or "adapted model"), "Load it and adapt again")
    if path.exists() and not is_adapted(path) and (path.is_file() or any(path.iterdir())):
        raise TamrlError("This is not an adapted model, so it is not replaced", str(path), "Name a folder that is new")
    tower = adaptation.tower
    about = {
        "format": FORMAT,
        "versions": versions(),
        "site": str(tower.site.item()),
        "method": method,
        "settings": {name: getattr(adaptation.settings, name) for name in ("steps", "learning_rate", "held_back")},
        "support": [f"{day:%Y-%m-%d}" for day in adaptation.support],
        "shrinkage": [float(share) for share in adaptation.shrinkage],
        "simulated": int(tower.attrs.get("simulated", 0)),
        "base": {"name": ensemble.path.resolve().name, "sha256": digest(ensemble.path)},
    }

    def write(folder: Path) -> None:
        shutil.copytree(ensemble.path, folder / BASE)  # type: ignore[arg-type]
        for index, state in enumerate(adaptation.states):
            save_file({name: part.contiguous().clone() for name, part in state.items()}, _file(folder, index))
        (folder / ADAPTED).write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")

    with locked(path):
        swap_in(path, write)


def zipped(adaptation: Adaptation, ensemble: Ensemble, name: str) -> bytes:
    """Return the folder of ``save`` as a zip file with one folder ``name``.

    Raises:
        TamrlError: see ``save``.
    """
    with tempfile.TemporaryDirectory() as place:
        folder, buffer = Path(place).resolve() / name, io.BytesIO()
        save(adaptation, ensemble, folder)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                packed.write(file, file.relative_to(folder.parent))
    return buffer.getvalue()


def _created(checkpoint: Path) -> Any:
    """Return when a checkpoint on disk was made, None where that cannot be read."""
    try:
        return read_yaml(checkpoint / MANIFEST).get("created")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError):
        return None


def _file(folder: Path, index: int) -> Path:
    return folder / f"adapted-{index}.safetensors"


def is_adapted(path: Path | str) -> bool:
    """Return whether a folder holds an adapted model."""
    return (Path(path) / ADAPTED).is_file()


def load(path: Path | str, device: torch.device | str = "cpu") -> AdaptedModel:
    """Read an adapted model.

    Args:
        path: the folder that ``save`` wrote.
        device: where it goes.

    Raises:
        TamrlError: the folder is no adapted model, of another format, damaged, or its parts do not belong together.
    """
    path, device = Path(path), torch.device(device)
    about = _read_manifest(path)
    ensemble = load_ensemble(path / BASE, device)
    if digest(path / BASE) != about["base"]["sha256"]:
        what = "The checkpoint in this folder is not the one that was adapted"
        raise TamrlError(what, str(path / BASE), "Copy the adapted model again, as a whole")
    states = tuple(_read_state(_file(path, index), device) for index in range(len(ensemble.members)))
    support = pd.DatetimeIndex(about["support"])
    return AdaptedModel(
        ensemble=ensemble, states=states, site=about["site"], method=about["method"], support=support, path=path
    )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        about = read_yaml(path / ADAPTED)
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            found = about.get("format") if isinstance(about, dict) else "none"
            raise TamrlError(
                f"The adapted model has format {found}, this version reads {FORMAT}", str(path), "Adapt again"
            )
        if about["method"] not in METHODS or not about["base"]["sha256"]:
            raise ValueError(f"method {about['method']!r}")
        pd.DatetimeIndex(about["support"])
        return about | {"site": str(about["site"])}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        todo = f"Give a folder with {ADAPTED}, made by tamrl adapt --save-model"
        raise TamrlError("There is no readable adapted model here", str(path), todo) from error


def _read_state(file: Path, device: torch.device) -> dict[str, torch.Tensor]:
    try:
        state = load_file(file)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise TamrlError(
            f"What was adapted cannot be read: {reason}", str(file), "Copy it again, or adapt again"
        ) from error
    if not all(torch.isfinite(part).all() for part in state.values()):
        raise TamrlError("What was adapted holds values that are not finite numbers", str(file), "Adapt again")
    # As they lie in the file, at any place in memory, some processors would round them otherwise than when they were
    # made. Numbers in 64 bits are read by Python, and not every device has them.
    own = {name: part.clone() for name, part in state.items()}
    return {name: part if part.dtype == torch.float64 else part.to(device) for name, part in own.items()}


def open_model(path: Path | str, device: torch.device | str = "cpu") -> Ensemble | CrossFitted | AdaptedModel:
    """Read what a folder holds: a checkpoint, a cross-fitted or an adapted model.

    Raises:
        TamrlError: see ``load`` and ``tamrl.model.cross_fitted.open_model``.
    """
    return load(path, device) if is_adapted(path) else cross_fitted.open_model(path, device)


def cautions_of(model: Ensemble | AdaptedModel, tower: xr.Dataset) -> list[str]:
    """Return what a user of a prediction at this tower must know, see ``tamrl.predict.ensemble.cautions``."""
    if isinstance(model, Ensemble):
        return cautions(model, tower)
    found, site = cautions(model.ensemble, tower), str(tower.site.item())
    known = int(pd.DatetimeIndex(tower.time.values).isin(model.support).sum())
    if site != model.site:
        found.append(f"The model was adapted to {model.site}, not to {site}.")
    elif known:
        found.append(f"The model has read the fluxes of {wording.counted(known, step_of(tower))} of this record.")
    return found


def predict(model: AdaptedModel, tower: xr.Dataset) -> xr.Dataset:
    """Predict the fluxes of a tower with a model that is adapted already; no flux of the tower is read.

    Args:
        model: of ``load``.
        tower: Dataset(time), one tower's record, of any years.

    Returns:
        Dataset(member, time) of GPP, RECO, NEE in gC m-2 d-1: of the record that it was adapted to the same as
        ``Adaptation.adapted``, with the ends of the 90 % intervals where the method gives them.

    Raises:
        TamrlError: the tower has no drivers that the model reads, or what was adapted does not fit the model.
    """
    ensemble, records = model.ensemble, member_records(model.ensemble, tower)

    def one(index: int, member: Member) -> tuple[np.ndarray, np.ndarray | None]:
        try:
            return METHODS[model.method].again(ensemble, member, records[index], model.states[index])
        except (KeyError, RuntimeError) as error:
            what = f"What was adapted does not fit the model: {str(error).splitlines()[0]}"
            raise TamrlError(what, str(_file(model.path, index)), "Copy it again, or adapt again") from error

    return predictions(ensemble, tower, over_members(ensemble, one), len(model.support))
