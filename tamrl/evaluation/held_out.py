"""Scores on held-out towers: the same days for every model and number of shots (``tamrl.protocol.support_days``)."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.evaluation.models import Prediction, Predictor, predictions
from tamrl.evaluation.paired import compare
from tamrl.evaluation.statistics import tower_means
from tamrl.evaluation.temporal_scales import SCALES, score_series, to_scales
from tamrl.metrics import METRICS, MOMENTS
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.protocol.placements import ALL
from tamrl.protocol.support_days import PLACEMENTS, SEED, SHOTS, Plan, plans
from tamrl.schema import FLUXES
from tamrl.towers.archive import record
from tamrl.towers.quality import flux_table

COLUMNS = ("site", "model", "shots", "placement", "flux", "scale", "n", *METRICS, *MOMENTS)
#: What ``summarise`` gives.
_SUMMARY = ("r2", "rmse", "mae", "bias", "kge")
_CHANGES = ["change", "paired", "improved", "harmed"]


def score_predictions(
    tower: xr.Dataset, days: Iterable[Plan], made: Iterable[Prediction], scales: Iterable[str] = tuple(SCALES)
) -> pd.DataFrame:
    """Score predictions at the scales wanted; all of a placement on the same days, and zero-shot on all days as well.

    Args:
        tower: Dataset(time), one tower's record.
        days: one plan a placement, and that of all days.
        made: the predictions.
        scales: keys of ``tamrl.evaluation.temporal_scales.SCALES``.

    Returns:
        ``COLUMNS``, one row a prediction, flux and scale.
    """
    time, observed, made = pd.DatetimeIndex(tower.time.values), flux_table(tower), list(made)
    of = {plan.placement: (plan, [p for p in made if p.placement == plan.placement]) for plan in days}
    cases = [(plan, here, i) for plan, here in of.values() if here for i in range(len(FLUXES))]
    if not cases:
        return pd.DataFrame(columns=list(COLUMNS))
    series = [
        to_scales(time, observed[:, i], np.stack([p.fluxes[:, i] for p in here]), plan.scored)
        for plan, here, i in cases
    ]
    tables = score_series(series, scales)
    for at, (plan, here, i) in enumerate(cases):
        which = tables[at]["model"].to_numpy()
        tables[at] = tables[at].assign(
            shots=np.array([p.shots for p in here])[which],
            model=np.array([p.model for p in here], dtype=object)[which],
            site=plan.site,
            placement=plan.placement,
            flux=FLUXES[i],
        )
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def evaluate_tower(
    tower: xr.Dataset,
    predictors: Mapping[str, Predictor],
    shots: Iterable[int] = SHOTS,
    placements: Iterable[str] = tuple(PLACEMENTS),
    seed: int = SEED,
    keep: Callable[[Plan, Prediction], None] | None = None,
) -> tuple[pd.DataFrame, list[Plan]]:
    """Score models at one tower.

    Args:
        tower: Dataset(time), one tower's record.
        predictors: models by name.
        shots: numbers of support days.
        placements: of the support.
        seed: of the placements.
        keep: called with each prediction and its plan, for what else is made of them.

    Returns:
        Scores with ``COLUMNS`` (RMSE, MAE and bias in gC m-2 d-1), without rows where there is no day to score, and the
        plans.

    Raises:
        TamrlError: a model cannot predict this tower.
    """
    days = plans(tower, placements, shots, seed)
    by_placement, made = {plan.placement: plan for plan in days}, []
    for prediction in predictions(tower, predictors, days):
        made.append(prediction)
        if keep:
            keep(by_placement[prediction.placement], prediction)
    return score_predictions(tower, days, made), days


def evaluate(
    archive: xr.Dataset,
    sites: Iterable[str],
    predictors: Mapping[str, Predictor],
    shots: Iterable[int] = SHOTS,
    placements: Iterable[str] = tuple(PLACEMENTS),
    seed: int = SEED,
    on_tower: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score models at many towers.

    Args:
        archive: Dataset(site, time).
        sites: towers to score.
        predictors: models by name.
        shots: numbers of support days.
        placements: of the support.
        seed: of the placements.
        on_tower: called after each tower.

    Returns:
        Scores with ``COLUMNS``, and a table of the days: ``site, placement, shots, scored, rule, scored_from, n_scored,
        support_from, support_to`` with one row a tower, placement and number of shots; a tower that cannot be
        scored stands there with the reason.

    Raises:
        TamrlError: a placement is not known, or no tower could be scored.
    """
    shots, placements, scores, protocol = tuple(shots), tuple(placements), [], []
    for site in sites:
        tower = record(archive, site)
        days = plans(tower, placements, shots, seed)
        try:
            table, _ = evaluate_tower(tower, predictors, shots, placements, seed)
        except TamrlError as error:
            # One tower that a model cannot read must not cost the scores of the others.
            nothing = np.zeros(tower.sizes["time"], bool)
            table, days = pd.DataFrame(), [Plan(site, p.placement, {}, nothing, error.what) for p in days]
        scores += [table] if len(table) else []
        protocol += describe_days(tower, days, shots)
        if on_tower:
            on_tower(site)
    if not scores:
        reasons = "; ".join(sorted({str(row["rule"]) for row in protocol})) or "no tower was named"
        raise TamrlError(f"No tower could be scored: {reasons}", "evaluate", "Score towers with longer records")
    return pd.concat(scores, ignore_index=True), pd.DataFrame(protocol)


def describe_days(tower: xr.Dataset, days: Iterable[Plan], shots: Iterable[int]) -> list[dict[str, object]]:
    """Return one row a plan and number of shots: which days are support and scored; see ``evaluate``."""
    time, rows = pd.DatetimeIndex(tower.time.values), []
    for plan in days:
        first = time[plan.scored][0].date().isoformat() if plan.scored.any() else ""
        for count in sorted(set(shots) if plan.placement != ALL else {0}):
            support, reached = plan.supports.get(count, time[:0]), count in plan.supports
            rows.append(
                {
                    "site": plan.site,
                    "placement": plan.placement,
                    "shots": count,
                    "scored": reached,
                    "rule": plan.rule if reached or not plan.supports else "record too short for this many shots",
                    "scored_from": first,
                    "n_scored": int(plan.scored.sum()),
                    "support_from": support[0].date().isoformat() if len(support) else "",
                    "support_to": support[-1].date().isoformat() if len(support) else "",
                }
            )
    return rows


def held_out(
    sites: Iterable[str], ensemble: Ensemble | CrossFitted, named: bool, allow_seen: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split towers into those to score and those left out because the checkpoint has seen them.

    Args:
        sites: candidates.
        ensemble: the checkpoint, or the cross-fitted model.
        named: whether the user named these towers; named towers are refused rather than left out.
        allow_seen: score them all the same.

    Raises:
        TamrlError: a named tower was seen, or none is left.
    """
    sites = tuple(sites)
    if allow_seen:
        return sites, ()
    seen = tuple(s for s in sites if s in ensemble.seen_sites)
    if named and seen:
        raise TamrlError(
            f"The checkpoint was trained on {len(seen)} of these towers: {', '.join(seen[:8])}",
            "--sites",
            "A score on them says nothing about new places; give --allow-seen to have it all the same",
        )
    left = tuple(s for s in sites if s not in ensemble.seen_sites)
    if not left:
        raise TamrlError(
            "The checkpoint was trained on every tower of this workspace",
            str(ensemble.path or "checkpoint"),
            "Train with --exclude-sites, ingest further towers, or give --allow-seen",
        )
    return left, seen


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Return medians over towers of the daily scores, by flux, model and shots.

    Zero-shot is on all valid days of a tower; few-shot, and what it is compared with, on the days outside the support.
    ``change`` is the RMSE's against zero-shot TAM-RL on the same towers and placements: the ratio of the two
    medians, minus one, in percent. ``paired`` is the same as the geometric mean over towers of each tower's own
    ratio, which depends less on which tower happens to stand in the middle. ``improved`` and ``harmed`` are the
    percentages of towers whose RMSE is more than 10 % smaller and larger. All NaN where it was not scored.

    Returns:
        Columns ``flux, model, shots, statistic, towers, r2, rmse, mae, bias, kge, change, paired, improved, harmed``.
    """
    daily = scores[scores["scale"] == "daily"]
    groups = tower_means(daily, _SUMMARY).groupby(["flux", "model", "shots"], sort=False)
    table = groups[list(_SUMMARY)].median()
    table.insert(0, "statistic", "median over towers")
    table.insert(1, "towers", groups["site"].nunique())
    table = table.assign(change=np.nan, paired=np.nan, improved=np.nan, harmed=np.nan)
    for model, shots in daily[["model", "shots"]].drop_duplicates().itertuples(index=False):
        for row in compare(daily, (model, shots), ("tamrl", 0), draws=2).to_dict("records"):
            cell = (row["flux"], model, shots)
            shares = 100 * row["improved"], 100 * row["harmed"]
            table.loc[cell, _CHANGES] = (row["ratio"] - 1) * 100, (row["paired"] - 1) * 100, *shares
    order = {flux: i for i, flux in enumerate(FLUXES)}
    return table.reset_index().sort_values(
        ["flux", "model", "shots"], key=lambda c: c.map(order) if c.name == "flux" else c, ignore_index=True
    )
