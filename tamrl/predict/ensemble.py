"""Predictions of an ensemble at one tower, as a Dataset with the archive's names and units."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord, tower_record, tower_support
from tamrl.model.network import Modulation
from tamrl.model.site_effect import Effect
from tamrl.predict.endings import HIGH, LEVEL, LOW, VARIANCE
from tamrl.schema import FLUXES, variable
from tamrl.timestep import days, step_of

T = TypeVar("T")
Forward = Callable[[Tensor, Tensor, Modulation], Tensor]
#: Members are independent and torch releases the interpreter lock, so two run at once on a CPU.
WORKERS = 2
#: Sliding windows of one forward pass: bounds the memory of a long record.
WINDOWS_AT_ONCE = 512


class GaussianPrediction(NamedTuple):
    """A prediction that knows how uncertain it is: mean and standard deviation, (T, 3) each, gC m-2 d-1."""

    mean: np.ndarray
    spread: np.ndarray


def over_members(ensemble: Ensemble, work: Callable[[int, Member], T], workers: int = WORKERS) -> list[T]:
    """Call ``work(index, member)`` for each member, on a CPU several at a time, and return the results in order."""
    if workers == 1 or ensemble.device.type != "cpu":
        return [work(index, member) for index, member in enumerate(ensemble.members)]
    with ThreadPoolExecutor(min(workers, len(ensemble.members))) as pool:
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
                {"units": variable(flux).unit, "long_name": f"{variable(flux).long_name}, {LEVEL:.0%} interval"},
            )
            for ending, values in ends
            for i, flux in enumerate(FLUXES)
        }
    )


def member_record(ensemble: Ensemble, member: Member, tower: xr.Dataset) -> TowerRecord:
    """Return one tower as the tensors that this member reads.

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
    record = tower_record(tower, names, member.normaliser)
    stored = [i for i, name in enumerate(names) if name in tower]
    if not stored or not record.driver_mask[:, stored].any():
        raise TamrlError(
            "The tower has none of the drivers that the model reads",
            record.site,
            f"Ingest a record with some of: {', '.join(names)}",
        )
    return record


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
    scale = member.model.forward_model.flux_scale.cpu()
    bins = tower_support(record, support, scale, ensemble.config.model.encoder_bin)
    with torch.no_grad():
        return member.model.encoder(bins.to(ensemble.device))


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


def member_states(
    ensemble: Ensemble, member: Member, record: TowerRecord, labels: pd.DatetimeIndex | None = None
) -> Tensor:
    """Return the modulated states (1, T, H) of one tower; the encoder reads the fluxes of ``labels`` alone."""
    return states_of(ensemble, member, record, member_code(ensemble, member, record, labels))


@torch.no_grad()
def states_of(ensemble: Ensemble, member: Member, record: TowerRecord, code: Tensor) -> Tensor:
    """Return the modulated states (1, T, H) of one tower under a task embedding (1, Z)."""
    modulation = member.model.modulator(code)
    drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
    return run_forward(member.model.forward_model.states, drivers, mask, modulation, ensemble.config.train.window)


def with_effect(
    member: Member, record: TowerRecord, states: Tensor, support: pd.DatetimeIndex | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the fluxes of one tower with the effect that its support shows, and the variance of that effect.

    Args:
        member: of an ensemble.
        record: T days.
        states: (1, T, H) modulated.
        support: days whose fluxes are read; without any the prior's mean and variance.

    Returns:
        (T, 3) gC m-2 d-1 and (T, 3) (gC m-2 d-1)^2; of a model without a site effect the variance is zero.

    Raises:
        TamrlError: a support is given to a model that was trained without a site effect.
    """
    return under_effect(member, record, states, posterior(member, record, states, support))


@torch.no_grad()
def posterior(
    member: Member, record: TowerRecord, states: Tensor, support: pd.DatetimeIndex | None = None
) -> Effect | None:
    """Return the site effect that the support of a tower shows, see ``with_effect``; None where the model has none.

    Raises:
        TamrlError: a support is given to a model that was trained without a site effect.
    """
    if member.model.site_effect is None:
        if support is not None and len(support):
            raise TamrlError(
                "This model was trained without a site effect", "method", "Choose modulation or encode, or train again"
            )
        return None
    seen = (record.weight > 0).float()
    chosen = record.time.isin(support if support is not None else [])
    seen = seen * torch.from_numpy(chosen.astype(np.float32))[:, None]
    season, fluxes, used = (x[None].to(states.device) for x in (record.season, record.fluxes, seen))
    return member.model.effect(states, season, fluxes, used)[1]


@torch.no_grad()
def under_effect(
    member: Member, record: TowerRecord, states: Tensor, effect: Effect | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the fluxes (T, 3) of one tower under the effect of its site, and their variance, see ``with_effect``."""
    if effect is None:
        fluxes = member.model.forward_model.raw_fluxes(states)[0].cpu().numpy()
        return fluxes, np.zeros_like(fluxes)
    season = record.season[None].to(states.device)
    found = member.model.under_effect(states, season, effect)
    variance = member.model.effect_variance(states, season, effect)
    return found[0].cpu().numpy(), variance[0].cpu().numpy()


def site_effects(
    ensemble: Ensemble, tower: xr.Dataset, supports: Iterable[pd.DatetimeIndex | None], workers: int = WORKERS
) -> list[xr.Dataset]:
    """Predict one tower with the effect that each of several supports shows; the states are computed once.

    Args:
        ensemble: K members.
        tower: Dataset(time), one tower's record.
        supports: valid days whose fluxes are read; None or none is zero-shot.
        workers: members at once; 1 where towers run at once already.

    Returns:
        One Dataset(member, time) a support; see ``predict``.

    Raises:
        TamrlError: see ``predict`` and ``with_effect``.
    """
    supports = [None if s is None or not len(s) else s for s in supports]

    def one(_: int, member: Member) -> list[tuple[np.ndarray, np.ndarray]]:
        record = member_record(ensemble, member, tower)
        states = member_states(ensemble, member, record)
        return [with_effect(member, record, states, support) for support in supports]

    time, found = pd.DatetimeIndex(tower.time.values), over_members(ensemble, one, workers)
    columns = [[of_member[i] for of_member in found] for i in range(len(supports))]
    return [to_predictions([f for f, _ in column], time, [v for _, v in column]) for column in columns]


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

    def one(_: int, member: Member) -> tuple[np.ndarray, np.ndarray]:
        record = member_record(ensemble, member, tower)
        return with_effect(member, record, member_states(ensemble, member, record, support))

    fluxes, variances = zip(*over_members(ensemble, one), strict=True)
    made = to_predictions(list(fluxes), pd.DatetimeIndex(tower.time.values), list(variances))
    # Intervals are calibrated without labels in the encoder.
    return made if support is not None and len(support) else add_intervals(ensemble, made, 0, tower_static(tower))
