"""From the scores of each tower to statements about towers: percentiles, intervals, paired comparisons.

Every table names its n (``towers``). A tower counts once: its scores are averaged over the placements of the support
first. Zero-shot statements are about all valid days, whatever has to do with support about the days outside it
(``tamrl.protocol.placements.counted``). Intervals are percentiles of a bootstrap over towers (Efron 1979,
doi:10.1214/aos/1176344552), which is the unit that the claim is about. Tables in, tables out.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.metrics import METRICS, score_models
from tamrl.protocol.placements import counted

PERCENTILES = (10, 25, 50, 75, 90)
DRAWS = 2000
SEED = 56
#: Columns that tell cells of a scores table apart, as far as the table has them; a split by class adds its own.
_CELL = ("design", "flux", "model", "shots", "scale")


def tower_means(
    scores: pd.DataFrame,
    metrics: Iterable[str] = METRICS,
    classes: pd.DataFrame | None = None,
    by: str = "",
    common: bool = False,
) -> pd.DataFrame:
    """Return one row a tower and cell, the mean over placements; of zero-shot cells the score on all valid days.

    Args:
        scores: the columns of a results folder's ``scores.parquet``; ``design`` and ``scale`` may be absent.
        metrics: columns to average.
        classes: ``site`` and the column named ``by``; where ``by`` is ``koeppen``, its first letter counts.
        by: a column of ``classes`` that splits the towers, kept as a column.
        common: take zero-shot on the days outside the support, too, so that it can stand beside few-shot.

    Raises:
        TamrlError: ``by`` is not a column of ``classes``.
    """
    if "placement" in scores:
        shots = int(scores["shots"].max()) if common and len(scores) else scores["shots"]
        scores = scores[counted(scores["placement"], shots)]
    return row_means(scores, metrics, classes, by)


def row_means(scores: pd.DataFrame, metrics: Iterable[str], classes: pd.DataFrame | None, by: str) -> pd.DataFrame:
    """Return the means of ``tower_means`` over all rows, whatever their placement.

    Raises:
        TamrlError: ``by`` is not a column of ``classes``.
    """
    keys = [*(k for k in _CELL if k in scores), "site"]
    plain = scores[[*keys, *metrics]].astype({k: scores[k].cat.categories.dtype for k in keys if _coded(scores[k])})
    table = plain.groupby(keys, sort=False, as_index=False)[list(metrics)].mean()
    if not by:
        return table
    if classes is None or by not in classes:
        raise TamrlError(f"The towers have no {by!r}", "statistics", "Give a table of towers with that column")
    label = classes.drop_duplicates("site").set_index("site")[by].astype(str)
    if by == "koeppen":
        label = label.where(label == "unknown", label.str[:1])
    table[by] = table["site"].astype(str).map(label).fillna("unknown")
    return table


def _coded(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


@lru_cache(maxsize=32)
def _resamples(count: int, draws: int, seed: int) -> np.ndarray:
    """Return how often each of ``count`` towers is in each resample, (draws, count) int16."""
    chosen = np.random.default_rng(seed).integers(count, size=(draws, count))
    places = chosen + count * np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=draws * count).reshape(draws, count).astype(np.int16)


def _medians(values: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Return the medians of (N,) finite values in each resample, (draws,).

    Resampling sorted values is resampling ranks, so that the middle ones are found by counting.
    """
    order, count = np.argsort(values, kind="stable"), len(values)
    below = np.cumsum(_resamples(count, draws, seed)[:, order], axis=1, dtype=np.int32)
    ranks = [(below <= middle).sum(axis=1) for middle in ((count - 1) // 2, count // 2)]
    return values[order][np.stack(ranks)].mean(axis=0)


def bootstrap_median(values: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> tuple[float, float]:
    """Return the 95 % interval of the median of (N,) values under resampling; NaN are left out, NaN where N < 2."""
    values = np.sort(values[np.isfinite(values)])
    if len(values) < 2:
        return np.nan, np.nan
    low, high = np.percentile(_medians(values, draws, seed), [2.5, 97.5])
    return float(low), float(high)


def bootstrap_ratios(
    first: np.ndarray, second: np.ndarray, draws: int = DRAWS, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of two comparisons of N towers, resampled in pairs.

    Args:
        first: (N,) finite scores of a model.
        second: (N,) of another one at the same towers.
        draws: resamples.
        seed: of the resamples.

    Returns:
        ``ratio``, of the ratio of the two medians, and ``paired``, of the geometric mean of the ratios
        (NaN where a score is not positive); NaN where N < 2.
    """
    if len(first) < 2:
        return {"ratio": (np.nan, np.nan), "paired": (np.nan, np.nan)}
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _medians(first, draws, seed) / _medians(second, draws, seed)
        paired = np.exp(_resamples(len(first), draws, seed) @ np.log(first / second) / len(first))
    found = {}
    for name, values in (("ratio", ratio), ("paired", paired)):
        known = np.isfinite(values).all()
        found[name] = tuple(np.percentile(values, [2.5, 97.5])) if known else (np.nan, np.nan)
    return found


def percentiles(
    scores: pd.DataFrame,
    metrics: Iterable[str] = METRICS,
    classes: pd.DataFrame | None = None,
    by: str = "",
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Return percentiles over towers of each score in each cell.

    Args:
        scores: see ``tower_means``, as for the next three.
        metrics: scores to give.
        classes: table of towers.
        by: its column to split by.
        draws: resamples of the bootstrap.
        seed: of the bootstrap.

    Returns:
        Columns ``design`` (where given), ``flux, model, shots, scale``, the class (where given), ``metric, towers,
        p10, p25, p50, p75, p90, low, high``; the last two bound the 95 % interval of the median, p50.
    """
    metrics = tuple(metrics)
    table = tower_means(scores, metrics, classes, by)
    keys = [k for k in (*_CELL, by) if k and k in table]
    rows = []
    for cell, group in table.groupby(keys, sort=False):
        head = dict(zip(keys, cell, strict=True))
        for metric in metrics:
            values = group[metric].to_numpy(np.float64)
            values = values[np.isfinite(values)]
            spread = np.percentile(values, PERCENTILES) if len(values) else np.full(len(PERCENTILES), np.nan)
            low, high = bootstrap_median(values, draws, seed)
            named = dict(zip((f"p{p}" for p in PERCENTILES), spread, strict=True))
            rows.append({**head, "metric": metric, "towers": len(values), **named, "low": low, "high": high})
    columns = [*keys, "metric", "towers", *(f"p{p}" for p in PERCENTILES), "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def across_towers(scores: pd.DataFrame) -> pd.DataFrame:
    """Return how well the differences between towers are predicted: scores of the site means over towers.

    Args:
        scores: with the scale ``site-mean``, whose rows hold one mean a tower and side.

    Returns:
        Columns ``design`` (where given), ``flux, model, shots, n`` and the scores, over towers.
    """
    means = scores[scores["scale"] == "site-mean"]
    table = tower_means(means, ("mean_observed", "mean_predicted")).drop(columns="scale")
    keys = [k for k in _CELL if k in table]
    rows = []
    for cell, group in table.groupby(keys, sort=False):
        found = score_models(group["mean_observed"].to_numpy(), group["mean_predicted"].to_numpy()[None])
        rows.append(dict(zip(keys, cell, strict=True)) | {name: found[name][0] for name in ("n", *METRICS)})
    return pd.DataFrame(rows, columns=[*keys, "n", *METRICS])
