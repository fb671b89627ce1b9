"""Checks that every archive passes on its way in: units, bounds, time axis, sites, classes, positions.

Glossary: S sites, T days. Structural faults raise; values outside the bounds of the schema become
missing and are counted, so nothing disappears silently.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.timestep import TimeStep, is_regular, step_of

#: First day that a tower can have; a date before is a misread number.
FIRST_DAY = pd.Timestamp("1950-01-01")
#: A variable with more than this share of its values outside the bounds is in another unit, not noisy.
WRONG_UNIT_SHARE = 0.5
#: The same holds of more than FAR_SHARE of a driver beyond the bounds by FAR of their width.
FAR, FAR_SHARE = 0.1, 0.05
#: Largest |NEE - (RECO - GPP)| of a day that counts as closed, gC m-2 d-1.
BALANCE_TOLERANCE = 0.1
#: Towers with more than this share of unclosed days are named in the ingest summary.
BALANCE_SHARE = 0.01
REPORT_COLUMNS = ("site", "variable", "n", "n_outside", "lowest", "highest", "failed", "reason")
SITE_COORDS = ("lat", "lon", "igbp", "koeppen", "name")


def last_day() -> pd.Timestamp:
    """Return the latest date that a record may hold: tomorrow in UTC, since local time can be a day ahead."""
    return pd.Timestamp.now("UTC").tz_localize(None).normalize() + pd.Timedelta(days=1)


def likely_unit(name: str, values: np.ndarray) -> str:
    """Return the likely unit of ``values`` (any shape) outside the bounds of variable ``name``; empty if unclear."""
    middle = float(np.nanmedian(values))
    for low, high, unit in schema.variable(name).usual_mistakes:
        if low <= middle <= high:
            return unit
    return ""


def check_bounds(name: str, values: np.ndarray, sites: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Set values outside the schema's bounds to missing and count them by tower.

    A tower with more than half of its values outside, or with a twentieth of a driver's far outside, has the variable
    in another unit: the rest of its values cannot be trusted either, so the whole variable becomes missing there and is
    marked failed.

    Args:
        name: variable of the schema.
        values: (S, T) float32 in the schema's unit; NaN is missing.
        sites: (S,) names of the towers.

    Returns:
        The checked values (S, T) and one report row for each tower that had values outside.
    """
    variable = schema.variable(name)
    low, high = variable.bounds
    with np.errstate(invalid="ignore"):
        outside = ~np.isnan(values) & ~((values >= low) & (values <= high))
    n_outside = outside.sum(axis=1)
    if not n_outside.any():
        return values, []
    n = (~np.isnan(values)).sum(axis=1)
    failed = n_outside > WRONG_UNIT_SHARE * n
    if variable.role != "flux" and variable.role != "auxiliary":
        # Of fluxes bad days are far away, too; of others only another unit is so often.
        margin = FAR * (high - low)
        with np.errstate(invalid="ignore"):
            failed |= ((values < low - margin) | (values > high + margin)).sum(axis=1) > FAR_SHARE * n
    rows = [
        _bounds_row(str(sites[i]), variable, values[i], outside[i], bool(failed[i])) for i in np.flatnonzero(n_outside)
    ]
    drop = outside | failed[:, None]
    return np.where(drop, np.float32(np.nan), values), rows


def _bounds_row(
    site: str, variable: schema.Variable, values: np.ndarray, outside: np.ndarray, failed: bool
) -> dict[str, Any]:
    """Return the report row of one tower with values (T,) outside their bounds."""
    n, count, bad = int((~np.isnan(values)).sum()), int(outside.sum()), values[outside]
    low, high = variable.bounds
    reason = f"outside {low:g} to {high:g} {variable.unit}"
    if failed:
        unit = likely_unit(variable.name, values)
        guess = f", likely {unit}" if unit else ", likely another unit"
        reason = f"{100 * count / n:.0f} % of the values are {reason}{guess}: the whole variable is rejected"
    row = (site, variable.name, n, count, float(bad.min()), float(bad.max()), failed, reason)
    return dict(zip(REPORT_COLUMNS, row, strict=True))


def check_structure(ds: xr.Dataset) -> None:
    """Check dimensions, variables, units, time axis, sites, classes and positions.

    Raises:
        TamrlError: the first fault found.
    """
    for dim in ("site", "time"):
        if dim not in ds.dims or dim not in ds.coords:
            raise TamrlError(f"The archive has no dimension {dim!r} with a coordinate", "archive", "Ingest it again")
    for name in SITE_COORDS:
        if name not in ds.coords or ds[name].dims != ("site",):
            raise TamrlError(f"The archive has no per-tower coordinate {name!r}", "archive", "Ingest it again")
    for name in ("NEE_QC", *schema.FLUXES):
        if name not in ds:
            raise TamrlError(f"The archive has no variable {name!r}", "archive", "Ingest it again")
    for name, array in ((str(key), value) for key, value in ds.data_vars.items()):
        variable = schema.variable(name)
        if array.dims != ("site", "time"):
            raise TamrlError(f"{name} has dimensions {array.dims}, not (site, time)", "archive", "Transpose it")
        unit = array.attrs.get("units", variable.unit)
        if unit != variable.unit:
            raise TamrlError(f"{name} is in {unit!r}, the archive keeps {variable.unit!r}", name, "Convert it first")
    _check_time(ds["time"].values, step_of(ds))
    _check_sites(ds)


def _check_time(time: np.ndarray, step: TimeStep) -> None:
    """Raise unless ``time`` (T,) has one value a step, ascending, without a gap."""
    if not np.issubdtype(time.dtype, np.datetime64):
        raise TamrlError(f"The time axis has type {time.dtype}, not dates", "time", "Decode it first")
    if not is_regular(time, step):
        each = "day" if step == TimeStep.DAILY else "month"
        raise TamrlError(f"The time axis is not one ascending step a {each}", "time", "Sort it and fill its gaps")


def _check_sites(ds: xr.Dataset) -> None:
    """Raise on repeated or empty sites, unknown classes and impossible positions."""
    sites = ds["site"].values.astype(str)
    unique, counts = np.unique(sites, return_counts=True)
    if (counts > 1).any():
        raise TamrlError("A tower occurs more than once", ", ".join(unique[counts > 1]), "Keep one of each")
    if sites.size == 0 or (sites == "").any():
        raise TamrlError("The archive has no tower, or one without a name", "site")
    for name, table in (("igbp", schema.IGBP), ("koeppen", schema.KOEPPEN)):
        for value in np.unique(ds[name].values.astype(str)):
            schema.check_class(str(value), table, name)
    for name, limit in (("lat", 90.0), ("lon", 180.0)):
        bad = np.abs(ds[name].values) > limit  # NaN, an unknown position, is not bad
        if bad.any():
            raise TamrlError(f"{name} lies outside -{limit:g} to {limit:g} degrees", ", ".join(sites[bad]))


def validate(ds: xr.Dataset) -> tuple[xr.Dataset, pd.DataFrame]:
    """Check an archive and reject impossible values.

    Args:
        ds: Dataset (site, time) in schema names and units.

    Returns:
        The Dataset, float32, with values outside the bounds missing and the schema's attributes; and a
        report with one row for each tower and variable that had values outside: site, variable, n (values
        before), n_outside, lowest and highest of those, failed (whole variable rejected), reason.

    Raises:
        TamrlError: a structural fault, see ``check_structure``.
    """
    check_structure(ds)
    rows: list[dict[str, Any]] = []
    arrays = {}
    sites = ds["site"].values.astype(str)
    for name, array in ds.data_vars.items():
        values, found = check_bounds(str(name), array.values.astype(np.float32, copy=False), sites)
        rows += found
        arrays[name] = (("site", "time"), values, {**attributes(str(name)), **array.attrs})
    return ds.assign(arrays), pd.DataFrame(rows, columns=list(REPORT_COLUMNS))


def attributes(name: str) -> dict[str, str]:
    """Return the CF attributes of a variable of the schema."""
    variable = schema.variable(name)
    attrs = {"units": variable.unit, "long_name": variable.long_name}
    if variable.standard_name:
        attrs["standard_name"] = variable.standard_name
    return attrs | {"native_resolution": variable.resolution, "source": variable.source}


def balance(ds: xr.Dataset) -> pd.DataFrame:
    """Return by tower how well NEE = RECO - GPP closes.

    Published daily files choose the reference of each flux separately, so theirs need not close; this
    is reported, never repaired.

    Returns:
        One row a tower: site, n (days with all three fluxes), share_open (fraction with |NEE - (RECO - GPP)| above 0.1
        gC m-2 d-1), largest (gC m-2 d-1), reversed (NEE + (RECO - GPP) closes far better: the sign of NEE is wrong).
    """
    gpp, reco, nee = (ds[name].values.astype(np.float64) for name in schema.FLUXES)
    residual, mirrored = np.abs(nee - (reco - gpp)), np.abs(nee + (reco - gpp))
    known = ~np.isnan(residual)
    n = known.sum(axis=1)
    share = (known & (residual > BALANCE_TOLERANCE)).sum(axis=1) / np.maximum(n, 1)
    filled, other = np.where(known, residual, 0.0), np.where(known, mirrored, 0.0)
    return pd.DataFrame(
        {
            "site": ds["site"].values.astype(str),
            "n": n,
            "share_open": share,
            "largest": filled.max(axis=1),
            "reversed": (share > WRONG_UNIT_SHARE) & (other.sum(axis=1) < 0.1 * filled.sum(axis=1)),
        }
    )
