"""Phenology: monthly LAI and EVI of a place from its climate, NDVI range, maximum fAPAR and classes.

The bundled global drivers have no satellite series, towers do. Boosted trees learn the series of the towers from the
inputs that both have; on the grid they give the seasonal cycle of each cell, which the climate model reads like that
of a tower. At a tower the phenology comes from a model that has never seen that tower (``out_of_fold``), so that
training and the global maps use the same kind of input.

Shapes: N places, T months, F features.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.landcover import static_inputs
from tamrl.metrics import score
from tamrl.protocol.splits import folds
from tamrl.solar import potential_radiation
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.archive import now

#: What is predicted, where towers have it.
TARGETS = ("LAI", "EVI", "FAPAR")
#: Drivers that do not change with time, of ``tamrl.globe.earth``.
FIXED = ("NDVI_MIN", "NDVI_MAX", "C4", "FAPAR_MAX")
#: Months back that temperature and the water balance are read from.
LAGS = (1, 2, 3)
#: Latent heat of vaporisation, J kg-1, and the seconds of a day: what W m-2 evaporate in mm d-1.
_LATENT, _DAY = 2.45e6, 86_400.0
#: Groups of training towers, each predicted by a model of the others.
INNER = 5


def potential_evaporation(ta: np.ndarray, sw_pot: np.ndarray) -> np.ndarray:
    """Return potential evaporation, mm d-1, from temperature and extraterrestrial radiation alone.

    Oudin et al. 2005, doi:10.1016/j.jhydrol.2004.08.026, equation 3 with K1 = 100 and K2 = 5 degrees.

    Args:
        ta: air temperature, degC, of any shape.
        sw_pot: extraterrestrial radiation, W m-2, of the same shape.
    """
    return np.maximum(ta + 5, 0) / 100 * sw_pot * _DAY / _LATENT


def features(ta: np.ndarray, p: np.ndarray, sw_pot: np.ndarray, month: np.ndarray, cyclic: bool = False) -> np.ndarray:
    """Return the climate inputs of the phenology model, (N, T, F) float32, NaN where not known.

    Args:
        ta: (N, T) air temperature, degC.
        p: (N, T) precipitation, mm d-1.
        sw_pot: (N, T) extraterrestrial radiation, W m-2.
        month: (T,) 1 to 12; without a gap.
        cyclic: whether the month before the first is the last, as in a mean year.
    """
    ta, p, sw_pot = (np.asarray(x, np.float64) for x in (ta, p, sw_pot))
    balance = p - potential_evaporation(ta, sw_pot)

    def before(values: np.ndarray, lag: int) -> np.ndarray:
        moved = np.roll(values, lag, axis=1)
        if not cyclic:
            moved[:, :lag] = np.nan
        return moved

    year = {name: _mean_year(values, month) for name, values in (("ta", ta), ("p", p), ("balance", balance))}
    low, high = (f(year["ta"], axis=1, keepdims=True) for f in (_least, _most))
    light = sw_pot / np.maximum(_most(_mean_year(sw_pot, month), axis=1, keepdims=True), 1)
    columns = [ta, p, balance, light, light - before(light, 1), (ta - low) / np.maximum(high - low, 1)]
    for values in (ta, p, balance):
        columns += [before(values, lag) for lag in LAGS]
    constant = [low, high, *(_mean(year[n]) for n in ("ta", "p", "balance")), _most(year["p"], axis=1, keepdims=True)]
    constant.append(_mean(np.maximum(year["ta"], 0)))
    columns += [np.broadcast_to(c, ta.shape) for c in constant]
    return np.stack(columns, axis=-1).astype(np.float32)


def _mean_year(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Return the mean of each calendar month, (N, 12), NaN for months without a value."""
    found = np.full((len(values), 12), np.nan)
    for m in range(12):
        part = values[:, month == m + 1]
        known = np.isfinite(part)
        count = known.sum(axis=1)
        total = np.where(known, part, 0).sum(axis=1)
        found[:, m] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def _mean(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1, keepdims=True)
    return np.where(known.any(axis=1, keepdims=True), total / np.maximum(known.sum(axis=1, keepdims=True), 1), np.nan)


def _least(values: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return -_most(-values, axis, keepdims)


def _most(values: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    top = np.where(np.isfinite(values), values, -np.inf).max(axis=axis, keepdims=keepdims)
    return np.where(np.isfinite(top), top, np.nan)


def tower_inputs(archive: xr.Dataset) -> np.ndarray:
    """Return the inputs of all towers of a monthly archive, (N, T, F): climate, fixed drivers, classes.

    Raises:
        TamrlError: the archive is not monthly, or lacks temperature or precipitation.
    """
    if step_of(archive) != TimeStep.MONTHLY:
        raise TamrlError("Phenology is learnt from months, this archive is daily", "phenology", "Aggregate it first")
    for name in ("TA", "P_MON"):
        if name not in archive:
            raise TamrlError(f"The archive has no {name}", "phenology", "Ingest towers with monthly precipitation")
    time = pd.DatetimeIndex(archive["time"].values)
    lat = archive["lat"].values.astype(float)
    climate = features(
        archive["TA"].values,
        archive["P_MON"].values,
        potential_radiation(lat, time, TimeStep.MONTHLY),
        time.month.to_numpy(),
    )
    shape = climate.shape[:2]
    parts = [climate]
    for name in FIXED:
        values = archive[name].values if name in archive else np.full(shape, np.nan)
        parts.append(values[..., None].astype(np.float32))
    pairs = zip(archive["igbp"].values.astype(str), archive["koeppen"].values.astype(str), strict=True)
    classes = np.stack([static_inputs(igbp, koeppen) for igbp, koeppen in pairs])
    parts.append(np.broadcast_to(classes[:, None], (*shape, classes.shape[-1])))
    return np.concatenate(parts, axis=-1)


def targets_of(archive: xr.Dataset) -> tuple[str, ...]:
    """Return which of ``TARGETS`` some tower of an archive has."""
    return tuple(name for name in TARGETS if name in archive and bool(np.isfinite(archive[name].values).any()))


@dataclass
class Phenology:
    """Boosted trees, one model per variable, every tower with the same weight.

    Attributes:
        seed: of the rows and columns that each tree uses.
    """

    SETTINGS: ClassVar = {
        "n_estimators": 300,
        "max_depth": 5,
        "learning_rate": 0.05,
        "subsample": 0.5,
        "colsample_bytree": 0.5,
        "min_child_weight": 20,
    }
    seed: int = 0
    _models: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that the model was trained on."""
        return tuple(self._models)

    def fit(self, archive: xr.Dataset, sites: Iterable[str] | None = None, inputs: np.ndarray | None = None) -> None:
        """Learn the satellite series of towers.

        Args:
            archive: (site, time), monthly.
            sites: the towers to learn from; all where None.
            inputs: ``tower_inputs`` of the same archive, where already computed.

        Raises:
            TamrlError: the towers have no satellite series, or see ``tower_inputs``.
        """
        from xgboost import XGBRegressor

        inputs = tower_inputs(archive) if inputs is None else inputs
        chosen = np.isin(archive["site"].values.astype(str), list(archive["site"].values if sites is None else sites))
        self._models = {}
        for name in targets_of(archive):
            values = archive[name].values
            known = np.isfinite(values) & chosen[:, None] & np.isfinite(inputs[..., 0])
            if not known.any():
                continue
            count = known.sum(axis=1, keepdims=True)
            weight = np.broadcast_to(known.sum() / (max((count > 0).sum(), 1) * np.maximum(count, 1)), known.shape)
            model = XGBRegressor(**self.SETTINGS, tree_method="hist", n_jobs=1, random_state=self.seed)
            self._models[name] = model.fit(inputs[known], values[known], sample_weight=weight[known])
        if not self._models:
            todo = "Ingest towers with satellite series"
            raise TamrlError(f"The towers have none of {', '.join(TARGETS)}", "phenology", todo)

    def predict(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Return each variable for inputs (..., F), in its own unit; NaN where the climate is not known.

        Raises:
            TamrlError: the model was not trained.
        """
        if not self._models:
            raise TamrlError("The phenology model was not trained", "phenology", "Call fit first")
        flat = inputs.reshape(-1, inputs.shape[-1])
        found = {}
        for name, model in self._models.items():
            values = model.predict(flat).astype(np.float32)
            # Leaves are never fewer than none; EVI may be below zero over snow and water.
            values = values if name == "EVI" else np.maximum(values, 0)
            found[name] = np.where(np.isfinite(flat[:, 0]), values, np.nan).reshape(inputs.shape[:-1])
        return found


def out_of_fold(
    archive: xr.Dataset, groups: Sequence[Sequence[str]], held: Sequence[str] = (), seed: int = 0
) -> xr.Dataset:
    """Return the archive with predicted phenology in place of the observed.

    Each tower is predicted by a model trained on neither the towers of its group nor those held out; those held out by
    a model trained on all others.

    Args:
        archive: (site, time), monthly, with some of ``TARGETS``.
        groups: towers that are left out together; towers in none of them are predicted by a model of all others.
        held: towers that no model may see.
        seed: of the models.

    Raises:
        TamrlError: see ``Phenology.fit``.
    """
    sites, inputs = archive["site"].values.astype(str), tower_inputs(archive)
    held_out = set(held)
    arrays = {name: np.full(inputs.shape[:2], np.nan, np.float32) for name in targets_of(archive)}
    inside = {site for group in groups for site in group} - held_out
    parts = [[s for s in group if s not in held_out] for group in groups] + [[s for s in sites if s not in inside]]
    for group in [part for part in parts if part]:
        model = Phenology(seed)
        model.fit(archive, [s for s in sites if s not in held_out and s not in group], inputs)
        rows = np.isin(sites, group)
        for name, values in model.predict(inputs[rows]).items():
            arrays[name][rows] = values
    said = "predicted from climate, NDVI range, maximum fAPAR and class; the tower itself was not seen"
    made = {
        name: (("site", "time"), values, archive[name].attrs | {"comment": said}) for name, values in arrays.items()
    }
    history = "\n".join(filter(None, [str(archive.attrs.get("history", "")), f"{now()} phenology predicted"]))
    return archive.transpose("site", "time").assign(made).assign_attrs(history=history)


def inner_groups(archive: xr.Dataset, held: Sequence[str] = (), seed: int = 0) -> list[tuple[str, ...]]:
    """Return the towers outside ``held`` in five groups, each IGBP class spread evenly over them.

    Raises:
        TamrlError: no tower is left.
    """
    pairs = zip(archive["site"].values.astype(str), archive["igbp"].values.astype(str), strict=True)
    classes = {site: igbp for site, igbp in pairs if site not in set(held)}
    return folds(classes, min(INNER, len(classes)), seed)


def scores(observed: xr.Dataset, predicted: xr.Dataset, least: int = 12) -> pd.DataFrame:
    """Return how well predicted series agree with observed ones, one row a tower and variable.

    Args:
        observed: archive (site, time).
        predicted: archive of the same towers and months.
        least: months that a tower needs.

    Returns:
        ``site``, ``variable``, ``n``, ``r2``, ``rmse``, and ``r_cycle``, the correlation of the mean seasonal cycles
        (NaN where a tower lacks months of it).
    """
    month = pd.DatetimeIndex(observed["time"].values).month.to_numpy()
    rows = []
    for name in targets_of(observed):
        pairs = zip(observed["site"].values.astype(str), observed[name].values, predicted[name].values, strict=True)
        for site, seen, made in pairs:
            known = np.isfinite(seen) & np.isfinite(made)
            if known.sum() < least:
                continue
            found = score(seen[known].astype(float), made[known].astype(float))
            a, b = (_mean_year(np.where(known, x, np.nan)[None], month)[0] for x in (seen, made))
            whole = np.isfinite(a).all() and np.isfinite(b).all() and np.ptp(a) > 0 and np.ptp(b) > 0
            cycle = float(np.corrcoef(a, b)[0, 1]) if whole else np.nan
            rows.append((site, name, int(known.sum()), found["r2"], found["rmse"], cycle))
    return pd.DataFrame(rows, columns=["site", "variable", "n", "r2", "rmse", "r_cycle"])
