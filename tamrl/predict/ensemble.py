"""Predictions of an ensemble at one tower, as a Dataset with the archive's names and units."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord, tower_records
from tamrl.model.network import Modulation
from tamrl.predict import effects
from tamrl.predict.endings import HIGH, LEVEL, LOW, VARIANCE
from tamrl.schema import FLUXES, variable
from tamrl.system.device import one_thread, one_thread_meanwhile
from tamrl.system.turns import threads
from tamrl.timestep import days, step_of

T = TypeVar("T")
Forward = Callable[[Tensor, Tensor, Modulation], Tensor]
#: Members are independent and torch releases the interpreter lock, so two run at once on a CPU.
WORKERS = 2
#: Sliding windows of one forward pass: bounds the memory of a long record.
WINDOWS_AT_ONCE = 512


class GaussianPrediction(NamedTuple):
    """A prediction with its uncertainty: mean and standard deviation, (T, 3) each, gC m-2 d-1."""

    mean: np.ndarray
    spread: np.ndarray


def over_members(ensemble: Ensemble, work: Callable[[int, Member], T], workers: int = WORKERS) -> list[T]:
    """Call ``work(index, member)`` for each member, on a CPU several at a time, and return the results in order.

    Raises:
        TamrlError: see ``tamrl.system.turns.threads``, which bounds ``workers``.
    """
    workers = min(workers, threads())
    if ensemble.device.type != "cpu":
        return [work(index, member) for index, member in enumerate(ensemble.members)]
    with one_thread_meanwhile():
        if workers == 1:
            return [work(index, member) for index, member in enumerate(ensemble.members)]
        with ThreadPoolExecutor(min(workers, len(ensemble.members)), initializer=one_thread) as pool:
            return list(pool.map(work, range(len(ensemble.members)), ensemble.members))


def to_predictions(
    values: list[np.ndarray], time: pd.DatetimeIndex, variances: list[np.ndarray] | None = None
) -> xr.Dataset:
    """Return predictions as a Dataset.

    Args:
        values: K arrays (T, 3) in gC m-2 d-1.
        time: T dates.
        variances: K arrays (T, 3) in (gC m-2 d-1)^2: how uncertain each member is of the site effect.

    Returns:
        Dataset(member, time) of GPP, RECO and NEE, and ``<flux>_variance`` where variances are given.
    """
    data = {}
    for ending, arrays, unit in (("", values, "{}"), (VARIANCE, variances or [], "({})2")):
        for i, flux in enumerate(FLUXES if arrays else ()):
            about = {"units": unit.format(variable(flux).unit), "long_name": variable(flux).long_name + ending}
            stacked = np.stack([a[:, i] for a in arrays]).astype(np.float32)
            data[flux + ending] = (("member", "time"), stacked, about)
    return xr.Dataset(data, coords={"member": np.arange(len(values)), "time": time})


def to_gaussian(members: xr.Dataset) -> GaussianPrediction:
    """Return the mean over members and the total standard deviation.

    Its square is the variance between the members plus, where they give one, the mean of their own variances.

    Args:
        members: Dataset(member, time) of the fluxes, and of ``<flux>_variance`` where known.
    """
    count = members.sizes["member"]
    mean = np.stack([members[f].mean("member").values for f in FLUXES], axis=1)
    variance = np.stack([members[f].var("member", ddof=min(1, count - 1)).values for f in FLUXES], axis=1)
    if f"{FLUXES[0]}{VARIANCE}" in members:
        variance = variance + np.stack([members[f"{f}{VARIANCE}"].mean("member").values for f in FLUXES], axis=1)
    return GaussianPrediction(mean, np.sqrt(variance))


def add_intervals(ensemble: Ensemble, predictions: xr.Dataset, shots: int, static: np.ndarray) -> xr.Dataset:
    """Return the predictions with ``<flux>_low`` and ``<flux>_high``: between them lie 90 % of the days of a new place.

    Unchanged where the ensemble is not calibrated, or the method leaves the variance of the site's effect unknown.

    Args:
        ensemble: what made the predictions.
        predictions: Dataset(member, time).
        shots: number of support days, or months of a monthly model, that they have read.
        static: (A,) classes of the place, which the width depends on; ``tamrl.landcover.static_inputs``.
    """
    calibration = ensemble.calibration(days(shots, ensemble.config.model.step))
    if calibration is None or f"{FLUXES[0]}{VARIANCE}" not in predictions:
        return predictions
    made = to_gaussian(predictions)
    ends = zip(
        (LOW, HIGH), calibration.interval(made.mean, made.spread, LEVEL, calibration.widening(static)), strict=True
    )
    return predictions.assign(
        {
            flux + ending: (
                "time",
                values[:, i].astype(np.float32),
                {
                    "units": variable(flux).unit,
                    "long_name": f"{variable(flux).long_name}, {100 * LEVEL:.0f} % interval",
                },
            )
            for ending, values in ends
            for i, flux in enumerate(FLUXES)
        }
    )


def member_records(ensemble: Ensemble, tower: xr.Dataset) -> list[TowerRecord]:
    """Return one tower as the tensors that each member reads.

    Raises:
        TamrlError: the tower has none of the model's drivers, or another time step.
    """
    names, step = ensemble.config.model.drivers, ensemble.config.model.step
    if step_of(tower) != step:
        raise TamrlError(
            f"The model is {step.adjective}, the tower's record is {step_of(tower).adjective}",
            str(tower.site.item()),
            "Choose another model, or a workspace of the model's time step (python -m tamrl aggregate)",
        )
    records = tower_records(tower, names, [member.normaliser for member in ensemble.members])
    stored = [i for i, name in enumerate(names) if name in tower]
    if not stored or not records[0].driver_mask[:, stored].any():
        raise TamrlError(
            "The tower has none of the drivers that the model reads",
            records[0].site,
            f"Ingest a record with some of: {', '.join(names)}",
        )
    return records


def member_record(ensemble: Ensemble, member: Member, tower: xr.Dataset) -> TowerRecord:
    """Return one tower as the tensors that one member reads; raises as :func:`member_records`."""
    return member_records(replace(ensemble, members=[member]), tower)[0]


def cautions(ensemble: Ensemble, tower: xr.Dataset) -> list[str]:
    """Return what a user of a prediction at this tower must know: seen in training, no position, unfinished model."""
    found = [ensemble.caution] if ensemble.caution else []
    site = str(tower.site.item())
    if site in ensemble.seen_sites:
        found.append(f"The model was trained on {site}: this says nothing about new places.")
    if np.isnan(float(tower.lat)):
        found.append(
            "The position of the tower is not known, so the model does without potential radiation and predicts "
            "GPP and RECO worse; give it on the page Workspace, or ingest again with --sites."
        )
    return found


def member_code(ensemble: Ensemble, member: Member, record: TowerRecord, support: pd.DatetimeIndex | None) -> Tensor:
    """Return the task embedding (1, Z) of a tower; labels are read on the support days alone."""
    return effects.codes(ensemble, member, [record], [support])


def run_forward(forward: Forward, drivers: Tensor, mask: Tensor, modulation: Modulation, window: int) -> Tensor:
    """Return what a forward model makes of one tower under B modulations, (B, T, ...).

    Args:
        forward: the states of the forward model, or its fluxes, or those with other weights.
        drivers: (1, T, D).
        mask: (1, T, D).
        modulation: B rows.
        window: 0 runs once over the whole sequence; otherwise each day is the last of its own
            sliding window of that many days, as in the paper.
    """
    rows = len(modulation.gamma_in)
    if not window:
        return forward(drivers.expand(rows, -1, -1), mask.expand(rows, -1, -1), modulation)

    def slide(x: Tensor) -> Tensor:
        return functional.pad(x, (0, 0, window - 1, 0))[0].unfold(0, window, 1).transpose(1, 2)

    results = []
    for row in range(rows):
        parts = []
        for start in range(0, drivers.shape[1], WINDOWS_AT_ONCE):
            x, m = (slide(v)[start : start + WINDOWS_AT_ONCE] for v in (drivers, mask))
            same = Modulation(*(v[row : row + 1].expand(len(x), -1) for v in modulation))
            parts.append(forward(x, m, same)[:, -1])
        results.append(torch.cat(parts))
    return torch.stack(results)


@torch.no_grad()
def states_of(ensemble: Ensemble, member: Member, records: Sequence[TowerRecord], code: Tensor) -> Tensor:
    """Return the modulated states (B, T, H) of towers under task embeddings (B, Z), zeros where a record has ended."""
    modulation, window = member.model.modulator(code), ensemble.config.train.window
    states = member.model.forward_model.states
    if window or len(records) == 1:
        parts = []
        for i, record in enumerate(records):
            own = Modulation(*(part[i : i + 1] for part in modulation))
            drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
            parts.append(run_forward(states, drivers, mask, own, window)[0])
        return pad_sequence(parts, batch_first=True)
    drivers, mask = (effects.padded(records, name, ensemble.device) for name in ("drivers", "driver_mask"))
    return states(drivers, mask, modulation)


def with_effect(
    ensemble: Ensemble,
    member: Member,
    record: TowerRecord,
    labels: pd.DatetimeIndex | None = None,
    support: pd.DatetimeIndex | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the fluxes of one tower with the effect that its support shows, and the variance of that effect.

    Args:
        ensemble: of the member.
        member: what predicts.
        record: T days.
        labels: days whose fluxes the encoder reads.
        support: days whose fluxes the site effect reads; without any the prior's mean and variance.

    Returns:
        (T, 3) gC m-2 d-1 and (T, 3) (gC m-2 d-1)^2; of a model without a site effect the variance is zero.

    Raises:
        TamrlError: a support is given to a model that was trained without a site effect.
    """
    states = states_of(ensemble, member, [record], member_code(ensemble, member, record, labels))
    effect = effects.posteriors(member, [record], states, [support])
    return effects.under_effects(member, [record], states, effect)[0]


def predict(ensemble: Ensemble, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> xr.Dataset:
    """Predict the fluxes of one tower without a gradient step.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        support: days whose observed fluxes the encoder may read; None or empty is zero-shot.

    Returns:
        Dataset(member, time) of GPP, RECO, NEE in gC m-2 d-1, with the variance of the site effect and,
        where the ensemble is calibrated, the ends of the 90 % intervals.

    Raises:
        TamrlError: the tower has no drivers that the model reads, or a class that is not known.
    """
    records = member_records(ensemble, tower)

    def one(index: int, member: Member) -> tuple[np.ndarray, np.ndarray]:
        return with_effect(ensemble, member, records[index], labels=support)

    fluxes, variances = zip(*over_members(ensemble, one), strict=True)
    made = to_predictions(list(fluxes), pd.DatetimeIndex(tower.time.values), list(variances))
    # Intervals are calibrated without labels in the encoder.
    return made if support is not None and len(support) else add_intervals(ensemble, made, 0, tower_static(tower))
