"""Scores on held-out towers: the same days for every model, method and number of shots."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.adapt import AdaptSettings, adapt
from tamrl.data.archive import record
from tamrl.data.sequences import flux_table, valid_days
from tamrl.data.splits import check_disjoint
from tamrl.errors import TamrlError
from tamrl.metrics import score
from tamrl.model.baselines import BASELINES, Baseline, make_baseline
from tamrl.model.checkpoint import Ensemble
from tamrl.predict import predict
from tamrl.schema import FLUXES

COLUMNS = ("site", "flux", "model", "method", "shots", "n", "r2", "rmse", "mae", "bias")
METHODS = ("zero-shot", "encode", "modulation", "all")
#: Days of record before the support, and before the scored days of a long record.
SKIP_DAYS, SCORED_FROM = 180, 545
#: Fewest days that a score is taken over.
MIN_SCORED = 30


@dataclass(frozen=True)
class Plan:
    """Which days of a tower are support and which are scored.

    Attributes:
        site: tower id.
        supports: number of shots -> support days; shots that would leave too few days are absent.
        scored: (T,) bool, the days scored, the same for all.
        rule: in words, how the scored days were chosen.
    """

    site: str
    supports: dict[int, pd.DatetimeIndex]
    scored: np.ndarray
    rule: str


def support_days(tower: xr.Dataset, shots: int, skip: int = SKIP_DAYS) -> pd.DatetimeIndex:
    """Return the first ``shots`` valid days after the first ``skip`` days of a record, or as many as there are."""
    days = pd.DatetimeIndex(tower.time.values)[valid_days(tower) & (np.arange(tower.sizes["time"]) >= skip)]
    return days[:shots]


def plan(tower: xr.Dataset, shots: Iterable[int]) -> Plan:
    """Choose the support and the scored days of one tower.

    Scored are the valid days after day 545 of the record and after the largest support; where the
    record is too short for that, the valid days after the largest support that leaves enough of them.

    Args:
        tower: Dataset(time), one tower's record.
        shots: numbers of support days wanted; 0 is zero-shot.
    """
    time = pd.DatetimeIndex(tower.time.values)
    valid, position = valid_days(tower), np.arange(len(time))
    supports: dict[int, pd.DatetimeIndex] = {}
    end = SKIP_DAYS - 1
    for count in sorted(set(shots)):
        days = support_days(tower, count)
        last = time.get_loc(days[-1]) if len(days) else SKIP_DAYS - 1
        if count and (len(days) < count or (valid & (position > last)).sum() < MIN_SCORED):
            break
        supports[count], end = days, last
    after = valid & (position > end)
    late = after & (position >= SCORED_FROM)
    if after.sum() < MIN_SCORED:
        return Plan(str(tower.site.item()), {}, np.zeros_like(valid), f"fewer than {MIN_SCORED} days to score")
    if late.sum() < MIN_SCORED:
        return Plan(str(tower.site.item()), supports, after, "short record: valid days after the support")
    rule = f"valid days after day {SCORED_FROM}"
    if end >= SCORED_FROM:
        rule = f"valid days after the support, which gaps pushed past day {SCORED_FROM}"
    return Plan(str(tower.site.item()), supports, late, rule)


def held_out(
    sites: Iterable[str], ensemble: Ensemble, named: bool, allow_seen: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split towers into those to score and those left out because the checkpoint has seen them.

    Args:
        sites: candidates.
        ensemble: the checkpoint.
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
            f"The checkpoint was trained on {len(seen)} of these towers: {', '.join(seen[:8])}", "--sites",
            "A score on them says nothing about new places; give --allow-seen to have it all the same",
        )  # fmt: skip
    left = tuple(s for s in sites if s not in ensemble.seen_sites)
    if not left:
        raise TamrlError(
            "The checkpoint was trained on every tower of this workspace", str(ensemble.path or "checkpoint"),
            "Train with --exclude-sites, ingest further towers, or give --allow-seen",
        )  # fmt: skip
    return left, seen


def fit_baselines(names: Iterable[str], archive: xr.Dataset, scored: Iterable[str], drivers: tuple[str, ...]) -> dict:
    """Train the baselines on the towers of an archive without those that are scored.

    Raises:
        TamrlError: a name is not known, or no tower is left to train on.
    """
    names = tuple(names)
    models: dict[str, Baseline] = {name: make_baseline(name, drivers) for name in names}
    if not models:
        return {}
    scored = set(scored)
    candidates = [(s, record(archive, s)) for s in archive.site.values.tolist() if s not in scored]
    towers = {site: tower for site, tower in candidates if valid_days(tower).any()}
    if not towers:
        raise TamrlError(
            "No tower is left to train the baselines on", "--models",
            "Give --train-workspace with other towers, or score fewer with --sites",
        )  # fmt: skip
    check_disjoint(baseline_training=list(towers), scored=sorted(scored))
    for model in models.values():
        model.fit(list(towers.values()))
    return models


def _rows(
    tower: xr.Dataset, days: Plan, model: str, method: str, shots: int, fluxes: np.ndarray
) -> list[dict[str, object]]:
    observed = flux_table(tower)
    head = {"site": days.site, "model": model, "method": method, "shots": shots}
    return [{**head, "flux": flux, **score(observed[:, i], fluxes[:, i], days.scored)} for i, flux in enumerate(FLUXES)]


def _mean_fluxes(predictions: xr.Dataset) -> np.ndarray:
    """Return the ensemble mean (T, 3)."""
    return np.stack([predictions[f].mean("member").values for f in FLUXES], axis=1)


def evaluate_tower(
    tower: xr.Dataset, ensemble: Ensemble | None, baselines: dict[str, Baseline], shots: Iterable[int],
    methods: Iterable[str] = ("zero-shot", "encode", "modulation"),
) -> tuple[pd.DataFrame, Plan]:  # fmt: skip
    """Score every model and method at one tower.

    Args:
        tower: Dataset(time), one tower's record.
        ensemble: TAM-RL, or None to score baselines alone.
        baselines: trained baselines by name; they take no support and count as zero-shot.
        shots: numbers of support days; zero-shot has 0, the other methods the positive ones.
        methods: of TAM-RL.

    Returns:
        Scores with ``COLUMNS``, and the plan; no rows where there is no day to score.
    """
    days, rows = plan(tower, {0, *shots}), []
    if not days.scored.any():
        return pd.DataFrame(rows, columns=list(COLUMNS)), days
    for name, model in baselines.items():
        rows += _rows(tower, days, name, "zero-shot", 0, model.predict(tower))
    if ensemble is not None and "zero-shot" in methods:
        rows += _rows(tower, days, "tamrl", "zero-shot", 0, _mean_fluxes(predict(ensemble, tower)))
    for count, support in days.supports.items():
        for method in methods:
            if ensemble is not None and count and count in set(shots) and method != "zero-shot":
                result = adapt(ensemble, tower, support, AdaptSettings(method=method))
                rows += _rows(tower, days, "tamrl", method, count, _mean_fluxes(result.adapted))
    return pd.DataFrame(rows)[list(COLUMNS)], days


def evaluate(
    archive: xr.Dataset, sites: Iterable[str], ensemble: Ensemble | None, baselines: dict[str, Baseline],
    shots: Iterable[int], methods: Iterable[str] = ("zero-shot", "encode", "modulation"),
    on_tower: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Score every model and method at many towers.

    Returns:
        Scores with ``COLUMNS``, and a table of the days: ``site, rule, scored_from, n_scored,
        support_from, support_to, shots`` with one row a tower and number of shots; a tower that
        cannot be scored stands there with the reason.

    Raises:
        TamrlError: a method is not known, or no tower could be scored.
    """
    shots, methods = tuple(shots), tuple(methods)
    unknown = [m for m in methods if m not in METHODS]
    if unknown:
        raise TamrlError(f"Unknown method {', '.join(unknown)}", "--methods", f"Known methods: {', '.join(METHODS)}")
    scores, protocol = [], []
    for site in sites:
        tower = record(archive, site)
        try:
            table, days = evaluate_tower(tower, ensemble, baselines, shots, methods)
        except TamrlError as error:
            # One tower that a model cannot read must not cost the scores of the others.
            table, days = pd.DataFrame(), Plan(site, {}, np.zeros(tower.sizes["time"], bool), error.what)
        if len(table):
            scores.append(table)
        protocol += _describe(tower, days, shots)
        if on_tower:
            on_tower(site)
    if not scores:
        reasons = "; ".join(sorted({row["rule"] for row in protocol}))
        raise TamrlError(f"No tower could be scored: {reasons}", "evaluate", "Score towers with longer records")
    return pd.concat(scores, ignore_index=True), pd.DataFrame(protocol)


def _describe(tower: xr.Dataset, days: Plan, shots: Iterable[int]) -> list[dict[str, object]]:
    time = pd.DatetimeIndex(tower.time.values)
    first = time[days.scored][0].date().isoformat() if days.scored.any() else ""
    rows = []
    for count in sorted({0, *shots}):
        support = days.supports.get(count, time[:0])
        reached = count in days.supports and days.scored.any()
        rows.append(
            {
                "site": days.site, "shots": count, "scored": reached,
                "rule": days.rule if reached or not days.supports else "record too short for this many shots",
                "scored_from": first, "n_scored": int(days.scored.sum()),
                "support_from": support[0].date().isoformat() if len(support) else "",
                "support_to": support[-1].date().isoformat() if len(support) else "",
            }
        )  # fmt: skip
    return rows


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Return medians over towers by flux, model, method and shots.

    ``change`` is the RMSE's against the zero-shot TAM-RL on the same towers: the ratio of the two
    medians, minus one, in percent. ``paired`` is the same as the geometric mean over towers of each
    tower's own ratio, which depends less on which tower happens to stand in the middle.

    Returns:
        Columns ``flux, model, method, shots, statistic, towers, r2, rmse, mae, bias, change, paired``.
    """
    keys = ["flux", "model", "method", "shots"]
    zero = scores.query("model == 'tamrl' and method == 'zero-shot'").set_index(["site", "flux"])["rmse"].rename("zero")
    joined = scores.join(zero, on=["site", "flux"])
    joined["log_ratio"] = np.log(joined["rmse"] / joined["zero"])
    groups = joined.groupby(keys, sort=False)
    table = groups[["r2", "rmse", "mae", "bias"]].median()
    table.insert(0, "statistic", "median over towers")
    table.insert(1, "towers", groups["site"].nunique())
    table["change"] = (table["rmse"] / groups["zero"].median() - 1) * 100
    table["paired"] = (np.exp(groups["log_ratio"].mean()) - 1) * 100
    order = {flux: i for i, flux in enumerate(FLUXES)}
    return table.reset_index().sort_values(
        keys, key=lambda column: column.map(order) if column.name == "flux" else column, ignore_index=True
    )


def model_names(names: Iterable[str]) -> tuple[bool, tuple[str, ...]]:
    """Return whether TAM-RL is among the names, and the baselines among them.

    Raises:
        TamrlError: a name is not known.
    """
    names = tuple(names)
    for name in names:
        if name not in ("tamrl", *BASELINES):
            raise TamrlError(f"Unknown model {name!r}", "--models", f"Known models: tamrl, {', '.join(BASELINES)}")
    return "tamrl" in names, tuple(n for n in names if n != "tamrl")
