"""Valid days of a tower: its observed fluxes and their quality; numpy alone."""

import numpy as np
import xarray as xr

from tamrl.schema import FLUXES, QC_VALID

#: Fewest valid days, or months, of a tower that is trained on.
MIN_DAYS, MIN_MONTHS = 30, 6


def flux_table(tower: xr.Dataset) -> np.ndarray:
    """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1, NaN where missing."""
    return np.stack([tower[f].values.astype(np.float32) for f in FLUXES], axis=1)


def valid_days(tower: xr.Dataset) -> np.ndarray:
    """Return (T,) bool: NEE_QC of at least 0.7 and at least one flux observed."""
    observed = np.isfinite(flux_table(tower)).any(axis=1)
    return observed & (tower["NEE_QC"].values >= QC_VALID)
