"""Two models on the same towers: change of the median, paired ratio, signed-rank test, towers improved and harmed."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from tamrl.evaluation.statistics import DRAWS, SEED, bootstrap_ratios, row_means
from tamrl.protocol.placements import counted

#: Of these a larger value is better; of the others a smaller one, of the bias the one nearer to zero.
HIGHER_IS_BETTER = frozenset({"r2", "kge", "correlation"})
#: Two scores closer than this tie: a share of the baseline's for errors, a difference for the scores without unit.
BAND, BAND_HIGHER = 0.05, 0.02
#: A tower is improved, or harmed, where its error changes by more than this share.
HARM = 0.10
#: Towers up to which scipy's signed-rank test goes through all signs where differences tie.
_FEW = 13


def compare(
    scores: pd.DataFrame,
    model: tuple[str, int],
    baseline: tuple[str, int],
    metric: str = "rmse",
    classes: pd.DataFrame | None = None,
    by: str = "",
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Compare a model with another one on the same towers and days.

    Two zero-shot models are compared on all valid days, few-shot with whatever else on the days outside the support.

    Args:
        scores: see ``tower_means``; needs ``placement``.
        model: name and shots.
        baseline: name and shots.
        metric: a score.
        classes: table of towers, see ``tower_means``.
        by: its column to split by.
        draws: resamples of the bootstrap.
        seed: of the bootstrap.

    Returns:
        One row a design, flux, scale (and class): ``metric, model, shots, baseline, baseline_shots, towers``; both
        medians ``model_median, baseline_median``; ``difference`` of a tower, median; ``ratio`` of the medians,
        ``ratio_low, ratio_high``; ``paired``, the geometric mean of the ratios, ``paired_low, paired_high`` (NaN where
        a score is not positive); ``p``, Wilcoxon's signed-rank test, two-sided; ``wins, ties, losses``, towers;
        ``improved, harmed``, the shares of towers whose error is more than ``HARM`` smaller and larger (NaN of
        scores that are no errors). Of the bias the size is compared. Empty where the two share no tower.
    """
    scores = scores[counted(scores["placement"], max(model[1], baseline[1]))]
    keys = [k for k in ("design", "flux", "scale", "placement") if k in scores] + ["site"]
    first, second = (_side(scores, *pair, keys, metric) for pair in ((model, "first"), (baseline, "second")))
    both = first.merge(second, on=keys).dropna(subset=["first", "second"])
    both["model"], both["shots"] = model
    table = row_means(both, ("first", "second"), classes, by)
    cells = [k for k in ("design", "flux", "scale", by) if k and k in table]
    head = {"model": model[0], "shots": model[1], "baseline": baseline[0], "baseline_shots": baseline[1]}
    rows = []
    for cell, group in table.groupby(cells, sort=False):
        one, other = (group[side].to_numpy() for side in ("first", "second"))
        rows.append(
            {**dict(zip(cells, cell, strict=True)), "metric": metric, **head, **_pair(one, other, metric, draws, seed)}
        )
    return pd.DataFrame(rows)


def _side(scores: pd.DataFrame, model: tuple[str, int], label: str, keys: list[str], metric: str) -> pd.DataFrame:
    """Return the scores of one model as the column ``label``; of the bias its size."""
    chosen = scores[(scores["model"] == model[0]) & (scores["shots"] == model[1])]
    side = chosen[[*keys, metric]].rename(columns={metric: label}).astype({label: np.float64})
    return side.assign(**{label: side[label].abs()}) if metric == "bias" else side


def _pair(first: np.ndarray, second: np.ndarray, metric: str, draws: int, seed: int) -> dict[str, float]:
    """Return the comparison of (N,) scores of two models at the same towers."""
    medians = np.median(first), np.median(second)
    intervals = bootstrap_ratios(first, second, draws, seed)
    positive = (first > 0).all() and (second > 0).all()
    wins, ties, losses = win_tie_loss(first, second, metric)
    found = {
        "towers": len(first),
        "model_median": medians[0],
        "baseline_median": medians[1],
        "difference": np.median(first - second),
        "ratio": medians[0] / medians[1] if medians[1] else np.nan,
        "paired": np.exp(np.log(first / second).mean()) if positive else np.nan,
        "p": signed_rank(first, second),
        "wins": wins,
        "ties": ties,
        "losses": losses,
    }
    found["improved"], found["harmed"] = improved_harmed(first, second, metric)
    for name, (low, high) in intervals.items():
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def signed_rank(first: np.ndarray, second: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, as scipy's ``wilcoxon`` does.

    Where differences tie or are zero at 13 towers or fewer, scipy evaluates every combination of signs one by one,
    which takes a second; here they are evaluated at once.

    Args:
        first: (N,) scores.
        second: (N,) of the model that it is compared with; identical scores give 1.
    """
    from scipy.stats import rankdata, wilcoxon

    moved = first - second
    moved = moved[moved != 0]
    if not len(moved):
        return 1.0
    if len(first) > _FEW or len(np.unique(np.abs(moved))) == len(first):
        return float(wilcoxon(first, second).pvalue)
    ranks = rankdata(np.abs(moved))
    signs = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
    sums, found = signs @ ranks, ranks[moved > 0].sum()
    # Ranks are whole or half, so that sums are exact.
    return min(1.0, 2 * float(min((sums >= found).mean(), (sums <= found).mean())))


def win_tie_loss(first: np.ndarray, second: np.ndarray, metric: str, band: float | None = None) -> tuple[int, int, int]:
    """Return at how many towers the first of two models is better, as good, and worse.

    Args:
        first: (N,) scores; sizes of the bias.
        second: (N,) of the other model.
        metric: their name.
        band: half the width of the neutral band, by default ``BAND`` (a share of the second) for errors and
            ``BAND_HIGHER`` (a difference) for R2, KGE and the correlation.
    """
    if metric in HIGHER_IS_BETTER:
        gain, width = first - second, BAND_HIGHER if band is None else band
    else:
        gain, width = second - first, (BAND if band is None else band) * np.abs(second)
    return int((gain > width).sum()), int((np.abs(gain) <= width).sum()), int((gain < -width).sum())


def improved_harmed(first: np.ndarray, second: np.ndarray, metric: str) -> tuple[float, float]:
    """Return the shares of towers at which the first model's error is more than ``HARM`` smaller, and larger.

    Args:
        first: (N,) scores.
        second: (N,) of the model that it is compared with.
        metric: their name; NaN of one that is not an error, whose ratio means nothing.
    """
    if metric == "bias" or metric in HIGHER_IS_BETTER or not len(first):
        return np.nan, np.nan
    return float((first < (1 - HARM) * second).mean()), float((first > (1 + HARM) * second).mean())


def against_baselines(
    scores: pd.DataFrame,
    model: str = "tamrl",
    metrics: Iterable[str] = ("rmse", "r2"),
    classes: pd.DataFrame | None = None,
    by: str = "",
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Compare a model at each number of shots with each other model, and with itself zero-shot.

    A baseline is taken at the same number of shots where it has been scored there, else zero-shot: a
    model that cannot use the support stands against every number of shots.

    Returns:
        The rows of ``compare``.
    """
    there: Mapping[str, set[int]] = {
        str(name): set(group["shots"].astype(int)) for name, group in scores.groupby("model", observed=True)
    }
    tables = []
    for shots in sorted(there.get(model, ())):
        for name, known in there.items():
            other = shots if shots in known and name != model else 0
            if other in known and (name, other) != (model, shots):
                tables += [
                    compare(scores, (model, shots), (name, other), metric, classes, by, draws, seed)
                    for metric in metrics
                ]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
