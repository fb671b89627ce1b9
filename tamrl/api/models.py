"""Models: load, predict, adapt, score and upscale; the public functions that need torch."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from tamrl.bundled import find_model
from tamrl.errors import TamrlError
from tamrl.evaluation.held_out import held_out
from tamrl.evaluation.of_model import evaluate_model, near_copies
from tamrl.maps.catalog import entry, open_maps
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted, open_model
from tamrl.predict import fastest, saved
from tamrl.predict.adapt import Adaptation
from tamrl.predict.ensemble import cautions
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import adaptation_dataset, before_after
from tamrl.predict.rehearsal import ready
from tamrl.predict.saved import AdaptedModel
from tamrl.predict.tower import adapt_tower, adapt_towers, predict_tower
from tamrl.protocol.placements import PLACEMENTS
from tamrl.system.device import choose
from tamrl.towers.workspace import Workspace
from tamrl.upscale import run
from tamrl.upscale.request import UpscaleRequest

log = logging.getLogger(__name__)


def load_model(name: str | Path, device: str = "auto", job: str | None = None) -> Ensemble | CrossFitted:
    """Load a trained ensemble.

    Args:
        name: a bundled model, ``cross-fitted`` (at a tower of FLUXNET2015 the ensemble that never saw it, elsewhere
            ``fluxnet2015-daily``), ``fluxnet2015-daily``, ``fluxnet2015-climate``; or the folder that ``train`` wrote.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:<number>`` or ``mps``.
        job: what the model is for: ``site-effect``, ``modulation``, ``all``, ``encode`` or ``zero-shot`` at one tower,
            ``many`` towers, or ``upscale``. With it ``auto`` is the device that is faster at that on this machine,
            measured once and kept; adapting to one tower may be slower on a GPU. Without it ``auto`` is a GPU where
            there is one.

    Raises:
        TamrlError: there is no such model or job, the model is damaged, or the device is not there.
    """
    if job is not None and job not in fastest.JOBS:
        raise TamrlError(f"Unknown job {job!r}", "load_model", f"Known: {', '.join(fastest.JOBS)}")
    chosen = choose(device) if job is None else ready(job, device, log.info).device
    return open_model(find_model(Path(name)), chosen)


def predict(model: Ensemble | CrossFitted | AdaptedModel, tower: xr.Dataset, allow_gaps: bool = False) -> xr.Dataset:
    """Return the fluxes of a tower, zero-shot (no labelled days are read) or by a model that is adapted to it.

    Args:
        model: of ``load_model`` or ``load_adapted``.
        tower: Dataset(time), one tower's record.
        allow_gaps: also predict steps at which a driver is missing that the tower otherwise has.

    Returns:
        Dataset(time), CF: ``<flux>_observed``, ``<flux>`` (ensemble mean), ``<flux>_sd``, and of a calibrated model
        ``<flux>_low`` and ``<flux>_high`` of the 90 % prediction interval. The attribute ``cautions`` lists limitations
        to consider before the prediction is used.

    Raises:
        TamrlError: the tower has none of the model's drivers, or another time step than the model.
    """
    chosen = model.for_site(str(tower.site.item()))
    return predict_tower(chosen, tower, allow_gaps).assign_attrs(cautions=" ".join(saved.cautions_of(chosen, tower)))


def adapt(
    model: Ensemble | CrossFitted,
    tower: xr.Dataset,
    days: pd.DatetimeIndex | Iterable[Any],
    method: str = "site-effect",
    allow_gaps: bool = False,
    **settings: Any,
) -> Adaptation:
    """Adapt a model to a tower from a few labelled days; the model itself does not change.

    Args:
        model: of ``load_model``.
        tower: Dataset(time), one tower's record.
        days: whose fluxes may be used, see ``labelled_days``; those that are not valid are left out.
        method: ``site-effect``, ``encode``, ``modulation``, ``all`` or ``zero-shot``.
        allow_gaps: as of ``predict``.
        settings: ``steps``, ``learning_rate``, ``held_back``, see ``tamrl.predict.methods.AdaptSettings``.

    Returns:
        The fluxes before and after, ``support``, ``scored`` and notes; see ``scores`` and ``fluxes``.

    Raises:
        TamrlError: no day is valid, a setting is out of range, or the tower has none of the model's drivers.
    """
    ensemble, chosen = model.for_site(str(tower.site.item())), AdaptSettings(method=method, **settings)
    made = adapt_tower(ensemble, tower, pd.DatetimeIndex(days), chosen, allow_gaps=allow_gaps)
    return replace(made, notes=[*made.notes, *cautions(ensemble, tower)])


def adapt_many(
    model: Ensemble | CrossFitted,
    towers: Iterable[xr.Dataset],
    days: Iterable[Iterable[Any]],
    method: str = "site-effect",
    **settings: Any,
) -> list[xr.Dataset]:
    """Adapt a model to many towers, each from labelled days of its own; on a GPU many are one batch.

    Args:
        model: of ``load_model``.
        towers: one record each, no two of the same site.
        days: of each tower, as of ``adapt``; a tower without a valid one is zero-shot.
        method: as of ``adapt``.
        **settings: as of ``adapt``.

    Returns:
        Of each tower Dataset(member, time) of the fluxes, gC m-2 d-1, and ``<flux>_variance`` where known.

    Raises:
        TamrlError: there are not as many supports as towers, or as of ``adapt``.
    """
    return adapt_towers(model, list(towers), list(days), AdaptSettings(method=method, **settings))


def save_adapted(adaptation: Adaptation, model: Ensemble, path: str | Path) -> None:
    """Write an adapted model as a self-contained folder, which ``load_adapted`` reads on any machine.

    Args:
        adaptation: of ``adapt``.
        model: that was adapted.
        path: the folder; an adapted model that is there is replaced.

    Raises:
        TamrlError: the folder holds anything else or cannot be written, or the checkpoint of the model has changed.
    """
    saved.save(adaptation, model, path)


def load_adapted(path: str | Path, device: str = "auto") -> AdaptedModel:
    """Load an adapted model, for ``predict`` at its tower, also with the weather of other years.

    Args:
        path: the folder that ``save_adapted`` or ``tamrl adapt --save-model`` wrote.
        device: as of ``load_model``.

    Raises:
        TamrlError: there is no adapted model, it is damaged, or the device is not there.
    """
    return saved.load(path, choose(device))


def scores(adaptation: Adaptation) -> pd.DataFrame:
    """Return RMSE, R2, MAE and bias of each flux before and after, on the valid days that were not labelled.

    Returns:
        Columns ``flux, n, rmse_before, rmse_after, r2_before, ...``, gC m-2 d-1 but for R2.
    """
    return before_after(adaptation)


def fluxes(adaptation: Adaptation) -> xr.Dataset:
    """Return observed, zero-shot and adapted fluxes as one CF Dataset(time), gC m-2 d-1."""
    return adaptation_dataset(adaptation, bool(adaptation.tower.attrs.get("simulated", 0)))


def evaluate(
    model: Ensemble | CrossFitted,
    workspace: Workspace,
    sites: Iterable[str] | None = None,
    shots: Iterable[int] = (0, 30),
    placements: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Score a model on the towers of a workspace that it was not trained on.

    Args:
        model: of ``load_model``.
        workspace: of ``open_workspace``.
        sites: towers to score; None is all that the model has not seen. A named tower that it has seen is refused.
        shots: numbers of labelled days; 0 is zero-shot.
        placements: of the labelled days, ``growing``, ``dormant``, ``random``; None is all three.

    Returns:
        One row a tower, flux, model, placement, number of shots and time scale. Its ``attrs`` name the towers that were
        left out since the model has seen them (``left_out``), and warn of near-copies of such towers (``warnings``).

    Raises:
        TamrlError: the model has seen a named tower or all of them, or none could be scored.
    """
    archive = workspace.archive()
    candidates = archive.site.values.tolist() if sites is None else list(sites)
    chosen, seen = held_out(candidates, model, named=sites is not None, allow_seen=False)
    near = near_copies(model, archive, chosen, archive, False)
    table, _ = evaluate_model(model, archive, chosen, shots, placements or tuple(PLACEMENTS))
    table.attrs |= {"left_out": list(seen), "warnings": near}
    return table


def upscale(
    model: str | Path,
    drivers: str | Path | Sequence[str | Path],
    out: str | Path,
    bbox: tuple[float, float, float, float] | None = None,
    **options: Any,
) -> xr.Dataset:
    """Predict the fluxes of every cell of a grid and write them as Zarr.

    Args:
        model: as of ``load_model``.
        drivers: NetCDF files, Zarr stores or folders on one grid; ``earth`` is the bundled climatology at 0.5 degree.
        out: Zarr to write.
        bbox: west, south, east, north, degrees.
        options: ``mapping``, ``period``, ``scheduler``, ``workers``, ``resume``, ``members``, ``allow_gaps``, ...; see
            ``tamrl.upscale.request.UpscaleRequest``. By default one thread computes here.

    Returns:
        The maps, opened lazily: Dataset(time, lat, lon), gC m-2 d-1.

    Raises:
        TamrlError: drivers cannot be read or lack a variable, or a run is there already.
    """
    files = (drivers,) if isinstance(drivers, str | Path) else tuple(drivers)
    request = UpscaleRequest(
        checkpoint=find_model(Path(model)),
        files=tuple(str(file) for file in files),
        out=Path(out),
        bbox=bbox,
        **{"scheduler": "threads", **options},
    )
    return open_maps(entry(run.upscale(request).out))
