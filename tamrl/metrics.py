"""Scores of predicted against observed fluxes, with the library ``scores`` where it has them.

R2, RMSE, bias and KGE (with the correlation inside it) are the library's; the errors relative to what was
observed are not in it and are made of its MAE. All scores of many models on the same days come from one
call, since a call costs the library about as much for one model as for twenty.
"""

from collections.abc import Mapping, Sequence

import numpy as np

#: Scores in the order of the tables. Of these only the first eight are scores, the others describe the two sides.
METRICS = ("r2", "rmse", "mae", "bias", "kge", "nmae", "rae", "correlation")
#: Series that are shorter by more than this factor are scored apart.
_ALIKE = 16
MOMENTS = ("sd_observed", "sd_predicted", "mean_observed", "mean_predicted")


def score(observed: np.ndarray, predicted: np.ndarray, mask: np.ndarray | None = None) -> Mapping[str, float]:
    """Return the scores of one flux at one tower, of one model.

    Args:
        observed: (T,) gC m-2 d-1, NaN where missing.
        predicted: (T,) gC m-2 d-1.
        mask: (T,) bool, the days to score; all where None. Days missing on either side are left out.

    Returns:
        ``n`` and what ``score_models`` returns, as numbers.
    """
    found = score_models(np.asarray(observed), np.asarray(predicted)[None], mask)
    return {name: int(v[0]) if name == "n" else float(v[0]) for name, v in found.items()}


def score_models(observed: np.ndarray, predicted: np.ndarray, mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the scores of M models against the same observations, or of M pairs of series.

    Args:
        observed: (T,) gC m-2 d-1, NaN where missing; or (M, T), those of each model.
        predicted: (M, T) gC m-2 d-1.
        mask: (T,) bool, the days to score; all where None. Days missing on either side are left out.

    Returns:
        (M,) each: ``n``; ``r2``, the coefficient of determination 1 - SSE / SST (Nash and Sutcliffe 1970,
        doi:10.1016/0022-1694(70)90255-6); ``rmse``, ``mae`` and ``bias`` (predicted minus observed) in
        gC m-2 d-1; ``kge`` (Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003), hard to read for NEE,
        whose mean may be near zero; ``nmae``, MAE over the mean absolute observation; ``rae``, the sum of
        absolute errors over that of the observed mean as a prediction; ``correlation`` (Pearson); the
        standard deviations (population) and means of both sides. NaN where there are no days, and where
        a score divides by a spread, correlation or size that is zero.
    """
    known = np.isfinite(observed) if mask is None else np.isfinite(observed) & mask
    keep = known if known.ndim == 1 else known.any(axis=0)
    p = predicted[:, keep].astype(np.float64)
    both = np.isfinite(p) & known[..., keep]
    n = both.sum(axis=1)
    found = {"n": n} | {name: np.full(len(p), np.nan) for name in (*METRICS, *MOMENTS)}
    some = n > 0
    if some.any():
        o = np.broadcast_to(observed[..., keep].astype(np.float64), p.shape)
        o = np.where(both[some], o[some], np.nan)
        for name, values in _library_scores(o, np.where(both[some], p[some], np.nan)).items():
            found[name][some] = np.where(np.isfinite(values), values, np.nan)
    return found


def score_sets(sets: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """Return the scores of several sets of models, each against its own observations, in a few calls of the library.

    Args:
        sets: of each set (N,) observations and (M, N) predictions, gC m-2 d-1; N and M differ from set to set.

    Returns:
        What ``score_models`` returns of each set.
    """
    found: dict[int, dict[str, np.ndarray]] = {}
    for group in _alike([p.shape[1] for _, p in sets]):
        longest = max(sets[at][1].shape[1] for at in group)

        def padded(values: np.ndarray, to: int = longest) -> np.ndarray:
            return np.pad(values.astype(np.float64), ((0, 0), (0, to - values.shape[1])), constant_values=np.nan)

        rows = np.cumsum([0, *(len(sets[at][1]) for at in group)])
        observed = np.concatenate(
            [np.broadcast_to(padded(sets[at][0][None]), (len(sets[at][1]), longest)) for at in group]
        )
        scores = score_models(observed, np.concatenate([padded(sets[at][1]) for at in group]))
        for at, first, last in zip(group, rows, rows[1:], strict=False):
            found[at] = {name: values[first:last] for name, values in scores.items()}
    return [found[at] for at in range(len(sets))]


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Return places whose lengths are within a factor of ``_ALIKE``, so that little of what is scored is padding."""
    groups: list[list[int]] = []
    for at in np.argsort(lengths, kind="stable")[::-1]:
        if groups and lengths[groups[-1][0]] <= _ALIKE * lengths[at]:
            groups[-1].append(int(at))
        else:
            groups.append([int(at)])
    return groups


def _library_scores(o: np.ndarray, p: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of (M, N) observations and predictions, NaN on the same days in both, or infinite."""
    import xarray as xr
    from scores.continuous import additive_bias, kge, mae, nse, rmse

    obs, fcst = (xr.DataArray(x, dims=("model", "day")) for x in (o, p))
    error = mae(fcst, obs, reduce_dims="day")
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "rmse": rmse(fcst, obs, reduce_dims="day"),
            "mae": error,
            "bias": additive_bias(fcst, obs, reduce_dims="day"),
            "nmae": error / abs(obs).mean("day"),
            "sd_observed": obs.std("day"),
            "sd_predicted": fcst.std("day"),
            "mean_observed": obs.mean("day"),
            "mean_predicted": fcst.mean("day"),
        }
        # The range tells a constant apart, whose standard deviation may round to something above zero; and where
        # the variance rounds to zero, or there is one day, the library warns or refuses.
        varies = ((obs.max("day") > obs.min("day")) & (obs.var("day") > 0)).values
        for name in ("r2", "kge", "rae", "correlation"):
            found[name] = xr.full_like(error, np.nan)
        if varies.any():
            obs, fcst, changes = obs[varies], fcst[varies], (fcst.max("day") > fcst.min("day"))[varies]
            parts = kge(fcst, obs, reduce_dims="day", include_components=True)
            found["r2"][varies] = nse(fcst, obs, reduce_dims="day")
            found["kge"][varies] = parts["kge"].where(changes)
            found["correlation"][varies] = parts["rho"].where(changes)
            found["rae"][varies] = error[varies] / abs(obs - obs.mean("day")).mean("day")
    return {name: values.values for name, values in found.items()}
