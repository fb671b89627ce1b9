"""Designs of an experiment: which towers are held out together, written to a file and checked when read."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tamrl.errors import TamrlError
from tamrl.protocol.splits import check_disjoint, folds
from tamrl.schema import UNKNOWN
from tamrl.system.yaml_file import read_yaml

#: Seed of CarbonFluxBench's own protocol, taken for all designs.
SEED = 56
FOLDS = 5
#: CarbonFluxBench: classes of at most this many towers are halved, of the others a fifth is held out.
SMALL_CLASS = 10
DESIGNS = {
    "igbp": "five folds by tower, each IGBP class spread evenly over them",
    "koeppen": "five folds by tower, each Koeppen main class spread evenly over them",
    "carbonfluxbench": "one held-out fold: half of each IGBP class of at most 10 towers, a fifth of the others",
    "carbonfluxbench-koeppen": "one held-out fold: a fifth of each Koeppen main class",
}
#: Designs that go by Koeppen main class; the others by IGBP class.
BY_KOEPPEN = ("koeppen", "carbonfluxbench-koeppen")


@dataclass(frozen=True)
class Split:
    """Which towers are held out together.

    Attributes:
        design: a key of ``DESIGNS``.
        seed: of the random order.
        rule: the design in words.
        folds: the held-out towers of each fold, disjoint; what is not in a fold may be trained on.
    """

    design: str
    seed: int
    rule: str
    folds: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check the folds.

        Raises:
            TamrlError: there is none, one is empty, or a tower stands in two of them or twice in one.
        """
        if not self.folds or not all(self.folds):
            raise TamrlError("A split needs at least one fold and no empty one", "split", "Make the split again")
        check_disjoint(**{f"fold {i}": fold for i, fold in enumerate(self.folds)})
        twice = sorted({s for fold in self.folds for s in fold if fold.count(s) > 1})
        if twice:
            raise TamrlError(f"Towers occur twice in a fold: {', '.join(twice)}", "split", "Make the split again")

    @property
    def covers(self) -> bool:
        """Whether every tower is held out once, as in a cross-validation."""
        return len(self.folds) > 1

    def check(self, towers: Iterable[str]) -> None:
        """Check the split against the towers that there are.

        Raises:
            TamrlError: a tower of the split is not there, one that is there is in no fold of a
                cross-validation, or none is left to train on.
        """
        there, held = set(towers), {s for fold in self.folds for s in fold}
        todo = "Make the split for these towers"
        if held - there:
            raise TamrlError(f"The split names unknown towers: {', '.join(sorted(held - there))}", self.design, todo)
        if self.covers and there - held:
            raise TamrlError(f"Towers are in no fold: {', '.join(sorted(there - held))}", self.design, todo)
        if any(len(fold) == len(there) for fold in self.folds):
            raise TamrlError("The split leaves no tower to train on", self.design, todo)


def make_split(design: str, classes: Mapping[str, str], seed: int = SEED, count: int = FOLDS) -> Split:
    """Split towers by a design.

    Args:
        design: a key of ``DESIGNS``.
        classes: tower id -> class: Koeppen (its first letter counts) for ``BY_KOEPPEN``, otherwise IGBP.
        seed: of the random order.
        count: number of folds of a cross-validation.

    Raises:
        TamrlError: the design is not known, or there are too few towers.
    """
    if design not in DESIGNS:
        raise TamrlError(f"Unknown design {design!r}", "split", f"Known designs: {', '.join(DESIGNS)}")
    if design in BY_KOEPPEN:
        classes = {site: label if label == UNKNOWN else label[:1] for site, label in classes.items()}
    small = {"carbonfluxbench": SMALL_CLASS, "carbonfluxbench-koeppen": 0}
    parts = [_carbonfluxbench(classes, seed, small[design])] if design in small else folds(classes, count, seed)
    split = Split(design, seed, DESIGNS[design], tuple(parts))
    split.check(classes)
    return split


def _carbonfluxbench(classes: Mapping[str, str], seed: int, small: int) -> tuple[str, ...]:
    """Return the held-out towers; of an odd small class the larger half is trained on, a lone tower always.

    A class of at most ``small`` towers is halved.

    The rule is CarbonFluxBench's, the draw is not: another list of towers has other halves anyway.
    """
    rng = np.random.default_rng(seed)
    held: list[str] = []
    for name in sorted(set(classes.values())):
        members = sorted(site for site, label in classes.items() if label == name)
        share = len(members) // 2 if len(members) <= small else math.floor(0.2 * len(members) + 0.5)
        held += [members[i] for i in rng.permutation(len(members))[:share]]
    return tuple(sorted(held))


def save_split(split: Split, path: Path) -> None:
    """Write a split as YAML: ``design``, ``seed``, ``rule`` and ``folds``, a list of lists of towers."""
    content = asdict(split) | {"folds": [list(fold) for fold in split.folds]}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    partial.replace(path)


def load_split(path: Path, towers: Iterable[str] | None = None) -> Split:
    """Read a split and check it.

    Args:
        path: YAML written by ``save_split`` or by hand.
        towers: the towers that there are; the split is checked against them.

    Raises:
        TamrlError: the file cannot be read, lacks a key or has another, or a check fails.
    """
    try:
        content = read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TamrlError(f"The split cannot be read: {error}", str(path), "Make the split again") from error
    split = _from_content(content, path)
    if towers is not None:
        split.check(towers)
    return split


def _from_content(content: Any, path: Path) -> Split:
    keys = {"design", "seed", "rule", "folds"}
    if not isinstance(content, dict) or set(content) != keys:
        raise TamrlError("The split needs the keys design, seed, rule and folds", str(path), "Make the split again")
    listed = content["folds"]
    if not isinstance(listed, list) or not all(
        isinstance(f, list) and all(isinstance(s, str) for s in f) for f in listed
    ):
        raise TamrlError("The folds of a split are lists of tower ids", str(path), "Make the split again")
    if content["design"] not in DESIGNS:
        raise TamrlError(f"Unknown design {content['design']!r}", str(path), f"Known designs: {', '.join(DESIGNS)}")
    return Split(content["design"], int(content["seed"]), str(content["rule"]), tuple(tuple(f) for f in listed))
