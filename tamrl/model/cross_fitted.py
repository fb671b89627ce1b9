"""A cross-fitted model: for each tower of an archive the ensemble that never saw it, for any other place that of all.

Scores on held-out towers, and what a visitor adapts to, are then of the same weights (Stone 1974,
doi:10.1111/j.2517-6161.1974.tb00994.x, on cross-validatory choice and assessment of predictions).

On disk: a folder with ``cross-fitted.yaml``, which names the checkpoint of all towers, those
of the folds, and the split.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import torch
import yaml

from tamrl.bundled import CROSS_FITTED
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble, load_ensemble
from tamrl.protocol.designs import load_split
from tamrl.system.yaml_file import read_yaml


@dataclass
class CrossFitted:
    """Ensembles of which each has left out one fold of the towers, and one of all towers.

    Attributes:
        path: the folder it was read from.
        device: where members go.
        whole: checkpoint of all towers.
        folds: checkpoint of each fold.
        held: towers that the fold of the same place has neither been trained nor validated on.
    """

    path: Path
    device: torch.device
    whole: Path
    folds: tuple[Path, ...]
    held: tuple[frozenset[str], ...]
    _loaded: dict[Path, Ensemble] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def for_site(self, site: str) -> Ensemble:
        """Return the ensemble that has not seen a tower: of its fold, or of all towers where it is of no fold.

        Raises:
            TamrlError: the checkpoint is damaged, or has seen a tower of its fold.
        """
        index = next((i for i, sites in enumerate(self.held) if site in sites), None)
        with self._lock:
            path = self.whole if index is None else self.folds[index]
            if path not in self._loaded:
                ensemble = load_ensemble(path, self.device)
                if index is not None and (seen := sorted(ensemble.seen_sites & self.held[index])):
                    raise TamrlError(
                        f"This fold has seen towers that it should have left out: {', '.join(seen[:8])}",
                        str(path),
                        "Copy the checkpoint again, or build it again",
                    )
                self._loaded[path] = ensemble
            return self._loaded[path]

    def groups(self, sites: tuple[str, ...]) -> list[tuple[Ensemble, tuple[str, ...]]]:
        """Return each ensemble with those of ``sites`` that it is for, in the order of the folds."""
        of = [next((i for i, held in enumerate(self.held) if site in held), len(self.held)) for site in sites]
        parts = [tuple(s for s, i in zip(sites, of, strict=True) if i == index) for index in range(len(self.held) + 1)]
        return [(self.for_site(part[0]), part) for part in parts if part]

    @property
    def training_sites(self) -> tuple[str, ...]:
        """Towers for which there is no ensemble that has not seen them."""
        return tuple(s for s in self.for_site("").training_sites if not any(s in held for held in self.held))

    @property
    def validation_sites(self) -> tuple[str, ...]:
        """Towers that stopped the training of some member, and are of no fold."""
        return tuple(s for s in self.for_site("").validation_sites if not any(s in held for held in self.held))

    @property
    def seen_sites(self) -> frozenset[str]:
        """Towers that had a part in the training of every ensemble there is for them."""
        return frozenset(self.training_sites) | frozenset(self.validation_sites)


def open_model(path: Path | str, device: torch.device | str = "cpu") -> Ensemble | CrossFitted:
    """Read a checkpoint, or a cross-fitted model.

    Args:
        path: the folder that ``tamrl train --out`` wrote, or one with ``cross-fitted.yaml``.
        device: where the members go.

    Raises:
        TamrlError: the folder holds neither, or what it holds is damaged.
    """
    folder, device = Path(path), torch.device(device)
    file = folder / CROSS_FITTED
    if not file.is_file():
        return load_ensemble(folder, device)
    try:
        said = read_yaml(file)
        whole, folds, split = folder / said["all"], [folder / name for name in said["folds"]], folder / said["split"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise TamrlError(f"The cross-fitted model cannot be read: {error!r}", str(file), "Copy it again") from error
    held = tuple(frozenset(sites) for sites in load_split(split).folds)
    if len(folds) != len(held):
        raise TamrlError(f"There are {len(folds)} checkpoints for {len(held)} folds", str(file), "Copy it again")
    return CrossFitted(folder, device, whole, tuple(folds), held)
