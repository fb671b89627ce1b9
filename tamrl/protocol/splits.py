"""Splits of towers by site, stratified by class, with checked disjointness."""

from collections.abc import Mapping, Sequence

import numpy as np

from tamrl.errors import TamrlError


def check_disjoint(**parts: Sequence[str]) -> None:
    """Check that no tower stands in two parts of a split.

    Raises:
        TamrlError: naming the parts and the towers that they share.
    """
    names = list(parts)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = sorted(set(parts[first]) & set(parts[second]))
            if shared:
                raise TamrlError(
                    f"Towers are in both {first} and {second}: {', '.join(shared)}", "split", "Split by tower"
                )


def folds(classes: Mapping[str, str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Return ``count`` disjoint folds of towers, each class spread evenly over them.

    Towers are dealt class by class in a seeded random order, the deal going on where the last
    class ended: folds differ by at most one tower and rare classes need no minimum size.

    Args:
        classes: tower id -> class, e.g. IGBP.
        count: number of folds, at most the number of towers.
        seed: of the random order.

    Raises:
        TamrlError: there are fewer towers than folds.
    """
    if not 1 <= count <= len(classes):
        raise TamrlError(f"Cannot make {count} folds of {len(classes)} towers", "split", "Choose fewer folds")
    rng = np.random.default_rng(seed)
    dealt: list[str] = []
    for name in sorted(set(classes.values())):
        members = sorted(site for site, label in classes.items() if label == name)
        dealt += [members[i] for i in rng.permutation(len(members))]
    parts = [tuple(sorted(dealt[i::count])) for i in range(count)]
    check_disjoint(**{f"fold {i}": part for i, part in enumerate(parts)})
    return parts


def hold_out(
    classes: Mapping[str, str], share: float, seed: int, part: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (kept, held out) towers, about ``share`` of them held out, at least one on each side.

    Args:
        classes: tower id -> class.
        share: of the towers to hold out.
        seed: of the split.
        part: which of the folds of that split is held out; neighbouring parts share no tower.

    Raises:
        TamrlError: there are fewer than two towers, so that none can be held out.
    """
    if len(classes) < 2:
        raise TamrlError("At least two towers are needed, one of them to validate on", "split", "Ingest more towers")
    count = min(len(classes), max(2, round(1 / max(share, 1e-6))))
    held = folds(classes, count, seed)[part % count]
    kept = tuple(sorted(set(classes) - set(held)))
    check_disjoint(training=kept, validation=held)
    return kept, held
