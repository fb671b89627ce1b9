"""Scores of a checkpoint, or of a cross-fitted model whose ensemble differs from fold to fold, beside baselines."""

from collections.abc import Callable, Iterable

import pandas as pd
import xarray as xr

from tamrl.evaluation.held_out import evaluate
from tamrl.evaluation.models import fit_baselines, tamrl_predictors
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.protocol.copies import check_held_out


def near_copies(
    model: Ensemble | CrossFitted, archive: xr.Dataset, sites: tuple[str, ...], training: xr.Dataset, allow_seen: bool
) -> list[str]:
    """Return warnings of towers that are near-copies of some that the ensemble which scores them has seen.

    Args:
        model: what is scored.
        archive: Dataset(site, time) with the scored towers.
        sites: towers to score.
        training: archive of the training towers.
        allow_seen: whether copies are scored all the same.

    Raises:
        TamrlError: a tower is a copy of a training tower.
    """
    groups = model.groups(sites)
    return [
        line for one, part in groups for line in check_held_out(archive, part, one.seen_sites, training, allow_seen)
    ]


def evaluate_model(
    model: Ensemble | CrossFitted,
    archive: xr.Dataset,
    sites: tuple[str, ...],
    shots: Iterable[int],
    placements: Iterable[str],
    *,
    ours: Iterable[str] = ("tamrl",),
    baselines: Iterable[str] = (),
    training: xr.Dataset | None = None,
    drivers: tuple[str, ...] = (),
    on_tower: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score a model and baselines at towers, each tower by the ensemble that has not seen it.

    Baselines are trained once for each ensemble, without the towers that it is to score.

    Args:
        model: a checkpoint or a cross-fitted model.
        archive: Dataset(site, time).
        sites: towers to score.
        shots: numbers of support days.
        placements: of the support.
        ours: ``tamrl``, ``tamrl-encode``.
        baselines: of ``BASELINES``.
        training: archive that baselines learn from; that of the scored towers where None.
        drivers: inputs of the baselines.
        on_tower: called after each tower.

    Returns:
        Scores and days, see ``tamrl.evaluation.held_out.evaluate``.

    Raises:
        TamrlError: no tower could be scored, or none is left to train the baselines on.
    """
    shots, placements, ours, baselines = tuple(shots), tuple(placements), set(ours), tuple(baselines)
    scores, days = [], []
    for ensemble, part in model.groups(sites):
        predictors = {name: p for name, p in tamrl_predictors(ensemble).items() if name in ours}
        if baselines:
            predictors |= fit_baselines(baselines, archive if training is None else training, part, drivers)
        table, chosen = evaluate(archive, part, predictors, shots, placements, on_tower=on_tower)
        scores.append(table)
        days.append(chosen)
    return pd.concat(scores, ignore_index=True), pd.concat(days, ignore_index=True)
