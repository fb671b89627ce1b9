"""Scores of predicted against observed fluxes."""

from collections.abc import Mapping

import numpy as np


def score(observed: np.ndarray, predicted: np.ndarray, mask: np.ndarray | None = None) -> Mapping[str, float]:
    """Return the scores of one flux at one tower.

    Args:
        observed: (T,) gC m-2 d-1, NaN where missing.
        predicted: (T,) gC m-2 d-1.
        mask: (T,) bool, the days to score; all where None. Days missing on either side are left out.

    Returns:
        ``n``; ``r2``, the coefficient of determination 1 - SSE / SST (Nash and Sutcliffe 1970,
        doi:10.1016/0022-1694(70)90255-6); ``rmse``, ``mae`` and ``bias`` (predicted minus observed) in
        gC m-2 d-1. NaN where there are no days, and r2 where the observations do not vary.
    """
    keep = np.isfinite(observed) & np.isfinite(predicted)
    if mask is not None:
        keep &= mask
    o, p = observed[keep].astype(np.float64), predicted[keep].astype(np.float64)
    if not len(o):
        return {"n": 0, "r2": np.nan, "rmse": np.nan, "mae": np.nan, "bias": np.nan}
    error = p - o
    spread = np.square(o - o.mean()).sum()
    return {
        "n": len(o),
        "r2": float(1 - np.square(error).sum() / spread) if spread > 0 else np.nan,
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
    }
