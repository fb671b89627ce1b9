"""Many towers, many supports and all members of an ensemble, adapted to at once.

By the site effect several towers are one batch; on a CPU smaller ones, several of which run at the same time.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.cross_fitted import CrossFitted
from tamrl.model.inputs import TowerRecord
from tamrl.predict import effects
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import WORKERS, member_records, over_members, predict, states_of, to_predictions
from tamrl.predict.methods import AdaptSettings
from tamrl.system.device import one_thread_meanwhile
from tamrl.system.turns import threads

#: Towers of one batch on a GPU: with states of 20 years some 100 MB each, a member at a time. On a CPU the recurrence
#: of eight costs a third of that of eight alone; of more it costs no less, while shorter records wait for longer ones.
TOWERS_AT_ONCE, ON_A_CPU = 32, 8

Supports = Sequence[pd.DatetimeIndex | None]


def adapt_many(
    model: Ensemble | CrossFitted,
    towers: Sequence[xr.Dataset],
    supports: Sequence[Supports],
    settings: AdaptSettings | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    failed: Callable[[int, TamrlError], None] | None = None,
    variances: bool = True,
) -> Iterator[tuple[int, list[xr.Dataset]]]:
    """Yield the fluxes of towers as each is done, with every one of its supports; what supports share is computed once.

    Args:
        model: a checkpoint or a cross-fitted model; each tower is adapted to by the ensemble that has not seen it.
        towers: Dataset(time), one tower's record each.
        supports: of each tower, any number: valid days whose fluxes may be used; None or none is zero-shot.
        settings: how; the default is the site effect.
        cancelled: asked before each batch; what is done then has been yielded.
        failed: called, from any thread, with the index of a tower that cannot be adapted to; else that is raised.
        variances: whether those of the site effect are wanted, a third of its work.

    Yields:
        Index of the tower, and one Dataset(member, time) a support: GPP, RECO, NEE in gC m-2 d-1, with the variances
        ``<flux>_variance`` where the method gives them.

    Raises:
        TamrlError: a tower has none of the model's drivers or another time step, or the model has no site effect.
    """
    settings = settings or AdaptSettings()
    wanted = [[None if s is None or not len(s) else s for s in own] for own in supports]
    workers = _workers(batches := _batches(model, towers))
    # Members run at once where towers do not.
    within = WORKERS if workers == 1 else 1

    def one(batch: tuple[Ensemble, list[int]]) -> list[tuple[int, list[xr.Dataset]]]:
        ensemble, indices = batch
        if cancelled():
            return []
        if settings.method == "site-effect":
            return _site_effects(ensemble, indices, towers, wanted, within, failed, variances)
        return _one_by_one(ensemble, indices, towers, wanted, settings, failed)

    if workers == 1:
        for batch in batches:
            yield from one(batch)
        return
    with ThreadPoolExecutor(workers) as pool:
        for done in pool.map(one, batches):
            yield from done
            if cancelled():  # what is under way ends unseen
                return


def _workers(batches: list[tuple[Ensemble, list[int]]]) -> int:
    """Return how many batches are worked on at once: on a GPU one, which fills it."""
    return min(threads(), len(batches)) if batches and batches[0][0].device.type == "cpu" else 1


def _batches(model: Ensemble | CrossFitted, towers: Sequence[xr.Dataset]) -> list[tuple[Ensemble, list[int]]]:
    """Return which towers go together: of one ensemble and of like length, where the device takes several.

    Raises:
        TamrlError: two towers have the same id.
    """
    index = {str(tower.site.item()): i for i, tower in enumerate(towers)}
    if len(index) < len(towers):
        raise TamrlError("Two records are of the same tower", "towers", "Give several supports of one record")
    made = []
    for ensemble, part in model.groups(tuple(index)):
        own = sorted((index[site] for site in part), key=lambda i: towers[i].sizes["time"])
        on_cpu = ensemble.device.type == "cpu"
        # So few on a CPU that there is a batch for every core.
        size = min(ON_A_CPU, -(-len(own) // threads())) if on_cpu else TOWERS_AT_ONCE
        made += [(ensemble, own[i : i + size]) for i in range(0, len(own), size)]
    return made


@one_thread_meanwhile()
def _site_effects(
    ensemble: Ensemble,
    indices: list[int],
    towers: Sequence[xr.Dataset],
    supports: Sequence[Supports],
    workers: int,
    failed: Callable[[int, TamrlError], None] | None,
    variances: bool,
) -> list[tuple[int, list[xr.Dataset]]]:
    """Return the predictions of one batch, see ``adapt_many``."""
    records: dict[int, list[TowerRecord]] = {}
    for i in indices:
        try:
            records[i] = member_records(ensemble, towers[i])
        except TamrlError as error:
            _refuse(i, error, failed)
    if not records:
        return []

    def one(index: int, member: Member) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        own = [of_members[index] for of_members in records.values()]
        return _effects_of(ensemble, member, own, [supports[i] for i in records], variances)

    found = over_members(ensemble, one, workers)
    return [
        (
            i,
            [
                to_predictions([f for f, _ in each], records[i][0].time, [v for _, v in each] if variances else None)
                for each in zip(*(of_member[place] for of_member in found), strict=True)
            ],
        )
        for place, i in enumerate(records)
    ]


@torch.no_grad()
def _effects_of(
    ensemble: Ensemble, member: Member, records: list[TowerRecord], supports: list[Supports], variances: bool
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Return fluxes and variances (T, 3) of each tower and each of its supports, by one member."""
    states = states_of(ensemble, member, records, effects.codes(ensemble, member, records))
    made: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in records]
    for turn in range(max(map(len, supports))):
        # A tower with fewer supports than others is carried along.
        own = [each[turn] if turn < len(each) else None for each in supports]
        posterior = effects.posteriors(member, records, states, own)
        for place, pair in enumerate(effects.under_effects(member, records, states, posterior, variances)):
            if turn < len(supports[place]):
                made[place].append(pair)
    return made


@one_thread_meanwhile()
def _one_by_one(
    ensemble: Ensemble,
    indices: list[int],
    towers: Sequence[xr.Dataset],
    supports: Sequence[Supports],
    settings: AdaptSettings,
    failed: Callable[[int, TamrlError], None] | None,
) -> list[tuple[int, list[xr.Dataset]]]:
    """Return the predictions of towers by a method that fits each of them by itself."""
    made = []
    for i in indices:
        try:
            each = [
                predict(ensemble, towers[i]) if s is None else adapt(ensemble, towers[i], s, settings).adapted
                for s in supports[i]
            ]
        except TamrlError as error:
            _refuse(i, error, failed)
        else:
            made.append((i, each))
    return made


def _refuse(index: int, error: TamrlError, failed: Callable[[int, TamrlError], None] | None) -> None:
    if failed is None:
        raise error
    failed(index, error)
