"""Predictions as CF Datasets and tables, with what was observed beside them and where they come from."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

import tamrl
from tamrl.metrics import score_sets
from tamrl.predict.endings import HIGH, LEVEL, LOW
from tamrl.schema import FLUX_UNIT, FLUXES, variable
from tamrl.timestep import ATTRIBUTE, TimeStep, step_of, time_ends
from tamrl.wording import unit

if TYPE_CHECKING:
    from tamrl.predict.adapt import Adaptation


def _attrs(flux: str, what: str, step: TimeStep, over: str = "") -> dict[str, str]:
    """Return the CF attributes of a mean over days or months; ``over`` is what else was done, as a cell method."""
    cell_methods = " ".join(filter(None, ["time: mean" if step == TimeStep.MONTHLY else "", over]))
    attrs = {"units": FLUX_UNIT, "long_name": f"{variable(flux).long_name}, {what}"}
    if variable(flux).standard_name and not over:
        attrs["standard_name"] = variable(flux).standard_name
    return attrs | ({"cell_methods": cell_methods} if cell_methods else {})


def _base(tower: xr.Dataset, simulated: bool) -> xr.Dataset:
    """Return a Dataset(time) with the observations and the coordinates of the tower."""
    time, step = pd.DatetimeIndex(tower.time.values), step_of(tower)
    data: dict[str, Any] = {
        f"{f}_observed": ("time", tower[f].values.astype(np.float32), _attrs(f, "observed", step)) for f in FLUXES
    }
    data["NEE_QC"] = (
        "time",
        tower["NEE_QC"].values.astype(np.float32),
        {"units": "1", "long_name": variable("NEE_QC").long_name},
    )
    title = "Carbon" if step == TimeStep.DAILY else "Monthly carbon"
    label = "SIMULATED tower. " if simulated else ""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    attrs = {"standard_name": "time", "long_name": "local standard time"}
    if step == TimeStep.MONTHLY:
        attrs |= {"long_name": "first day of the month, local standard time", "bounds": "time_bnds"}
        data["time_bnds"] = (("time", "bnds"), np.stack([time.values, time_ends(time).values], axis=1))
    dataset = xr.Dataset(data, coords={"time": ("time", time, attrs)})
    # Of their own accord the dates and their bounds would be written in units of their own.
    dataset["time"].encoding["units"] = "days since 1970-01-01"
    dataset = dataset.assign_coords(
        lat=((), float(tower.lat), {"units": "degrees_north", "standard_name": "latitude"}),
        lon=((), float(tower.lon), {"units": "degrees_east", "standard_name": "longitude"}),
        site=((), str(tower.site.item()), {"cf_role": "timeseries_id", "long_name": "tower"}),
    )
    return dataset.assign_attrs(
        {ATTRIBUTE: step.value},
        Conventions="CF-1.11",
        featureType="timeSeries",
        simulated=int(simulated),
        title=f"{label}{title} fluxes at {tower.site.item()} predicted with TAM-RL",
        source=f"tamrl {tamrl.__version__}; method: Rozanov, Renganathan and Kumar 2026, arXiv:2603.09974",
        history=f"{now} written by tamrl {tamrl.__version__}",
        igbp=str(tower.igbp.item()),
        koeppen=str(tower.koeppen.item()),
    )


def _add(dataset: xr.Dataset, predictions: xr.Dataset, suffix: str, what: str) -> xr.Dataset:
    step = step_of(dataset)
    for flux in FLUXES:
        values = predictions[flux]
        mean = values.mean("member").values
        dataset[f"{flux}{suffix}"] = ("time", mean, _attrs(flux, f"{what}, ensemble mean", step))
        spread = values.std("member", ddof=1 if values.sizes["member"] > 1 else 0).values
        attrs = _attrs(flux, f"{what}, ensemble spread", step, "member: standard_deviation")
        dataset[f"{flux}{suffix}_sd"] = ("time", spread, attrs)
        for end, which in ((LOW, "lower"), (HIGH, "upper")):
            if flux + end in predictions:
                text = f"{what}, {which} end of the {100 * LEVEL:.0f} % interval"
                dataset[f"{flux}{suffix}{end}"] = ("time", predictions[flux + end].values, _attrs(flux, text, step))
    return dataset


def prediction_dataset(tower: xr.Dataset, predictions: xr.Dataset, simulated: bool = False) -> xr.Dataset:
    """Return observed and predicted fluxes of one tower, ready for ``to_netcdf``.

    Args:
        tower: Dataset(time), one tower's record.
        predictions: Dataset(member, time).
        simulated: whether the tower is; the title then says SIMULATED.

    Returns:
        Dataset(time), CF-1.11: ``<flux>_observed``, ``<flux>`` (ensemble mean), ``<flux>_sd`` and, of a calibrated
        ensemble, ``<flux>_low`` and ``<flux>_high``, gC m-2 d-1; of a monthly record with ``time_bnds``.
    """
    return _add(_base(tower, simulated), predictions, "", "predicted")


def adaptation_dataset(adaptation: Adaptation, simulated: bool = False) -> xr.Dataset:
    """Return observed, zero-shot and adapted fluxes of one tower, ready for ``to_netcdf``.

    Returns:
        Dataset(time), CF-1.11: ``<flux>_observed``, ``<flux>_zero_shot``, ``<flux>_adapted``, each
        prediction with ``_sd``, gC m-2 d-1; ``support`` 1 on the days or months used; the settings as attributes.
    """
    tower = adaptation.tower
    dataset = _add(_base(tower, simulated), adaptation.zero_shot, "_zero_shot", "zero-shot prediction")
    dataset = _add(dataset, adaptation.adapted, "_adapted", "adapted prediction")
    word = unit(step_of(tower))
    used = pd.DatetimeIndex(tower.time.values).isin(adaptation.support)
    for name, flags, text in (
        ("support", used, f"{word.capitalize()} used for adaptation"),
        ("scored", adaptation.scored, f"Valid {word} outside the support"),
    ):
        attrs = {"long_name": text, "flag_values": np.array([0, 1], np.int8), "flag_meanings": "no yes"}
        dataset[name] = ("time", flags.astype(np.int8), attrs)
    settings = adaptation.settings
    return dataset.assign_attrs(
        method=settings.method,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        shrinkage=np.array(adaptation.shrinkage),
        device=adaptation.device,
        notes=" ".join(adaptation.notes),
    )


def before_after(adaptation: Adaptation) -> pd.DataFrame:
    """Return the scores of each flux before and after, on the valid days, or months, outside the support.

    Returns:
        Columns ``flux, n, rmse_before, rmse_after, r2_before, r2_after, mae_before, mae_after,
        bias_before, bias_after``; gC m-2 d-1 but for r2.
    """
    sides, rows = {"before": adaptation.zero_shot, "after": adaptation.adapted}, []
    names = ("rmse", "r2", "mae", "bias")
    for flux, found in _scores(adaptation.tower, list(sides.values()), adaptation.scored).items():
        pairs = {f"{name}_{when}": float(found[name][i]) for name in names for i, when in enumerate(sides)}
        rows.append({"flux": flux, "n": int(found["n"][-1]), **pairs})
    return pd.DataFrame(rows)


def _scores(
    tower: xr.Dataset, predictions: Sequence[xr.Dataset], days: np.ndarray, common: bool = False
) -> dict[str, Mapping[str, np.ndarray]]:
    """Return flux -> the scores of each of M predictions (member, time), of all fluxes in one call of the library.

    Args:
        tower: T days or months.
        predictions: of the tower.
        days: (T,) bool, those to score.
        common: whether to leave out what one of the predictions lacks.
    """
    sets = []
    for flux in FLUXES:
        means = np.stack([values[flux].mean("member").values for values in predictions])
        kept = days & np.isfinite(means).all(axis=0) if common else days
        sets.append((tower[flux].values[kept], means[:, kept]))
    return dict(zip(FLUXES, score_sets(sets), strict=True))


def compare_runs(runs: Mapping[str, Adaptation]) -> pd.DataFrame:
    """Return the errors of zero-shot and of several adaptations at one tower, all on the same days, or months.

    Those are the valid ones that are support of none of them and have a prediction in all.

    Args:
        runs: name -> adaptation of the same model to the same tower, at least one.

    Returns:
        Columns ``run`` (``zero-shot`` first), ``flux, n, rmse, r2, bias``; gC m-2 d-1 but for r2.
    """
    first = next(iter(runs.values()))
    days = np.logical_and.reduce([run.scored for run in runs.values()])
    predictions = {"zero-shot": first.zero_shot} | {name: run.adapted for name, run in runs.items()}
    rows = []
    for flux, found in _scores(first.tower, list(predictions.values()), days, common=True).items():
        for i, name in enumerate(predictions):
            scores = {key: float(found[key][i]) for key in ("rmse", "r2", "bias")}
            rows.append({"run": name, "flux": flux, "n": int(found["n"][i]), **scores})
    return pd.DataFrame(rows)


def support_errors(adaptation: Adaptation) -> pd.DataFrame:
    """Return how far zero-shot is off in the support and elsewhere: what adapting learns from, and where it is scored.

    Adapting takes what the support tells as true of the whole record. Where the two differ, it can do harm.

    Returns:
        DataFrame(flux) with ``support`` and ``scored``, the mean error of zero-shot on the valid days, or months, of
        each [gC m-2 d-1; NaN without any], and ``worse``, the change of the RMSE on the scored ones by adapting [%].
    """
    tower, table = adaptation.tower, before_after(adaptation).set_index("flux")
    used = pd.DatetimeIndex(tower.time.values).isin(adaptation.support)
    rows = {}
    for flux in FLUXES:
        error = adaptation.zero_shot[flux].mean("member").values - tower[flux].values
        parts = (error[used], error[adaptation.scored])
        rows[flux] = [float(np.nanmean(part)) if np.isfinite(part).any() else np.nan for part in parts]
    found = pd.DataFrame(rows, index=["support", "scored"]).T.rename_axis("flux")
    return found.assign(worse=100 * (table["rmse_after"] / table["rmse_before"] - 1))
