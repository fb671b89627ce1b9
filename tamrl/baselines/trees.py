"""Trees on the drivers of the same day and the classes of the place: boosted, averaged, and refitted to a place."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.baselines.common import input_table, supported, training_days
from tamrl.baselines.lags import lag_table
from tamrl.errors import TamrlError
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.quality import flux_table, valid_days

#: Groups of towers of the cross-validation, and of each tower's valid days the share that it reads: one in so many.
GROUPS, TUNING_STEP = 3, 4


class XGBoost:
    """Gradient-boosted trees, one model a flux: the algorithm of FLUXCOM-X-BASE. Zero-shot.

    Chen and Guestrin 2016, doi:10.1145/2939672.2939785; Nelson, Walther et al. 2024, doi:10.5194/bg-21-5079-2024. The
    inputs are those of the TAM-RL checkpoint compared with. Each flux takes, of ``GRID`` and ``ROUNDS``, what has the
    lowest geometric mean over towers of the RMSE in a cross-validation whose groups share no tower.

    Args:
        drivers: names of the daily inputs.
        seed: of the groups and of the rows and columns that a tree sees.
        tune: whether to cross-validate; otherwise ``SETTINGS`` are taken.
        lags: whether the trees see the weather of the days before, too (``tamrl.baselines.lags``); not of months.

    Attributes:
        chosen: settings of GPP, RECO and NEE, for the record.
    """

    NAME: ClassVar = "xgboost"
    SETTINGS: ClassVar[dict[str, Any]] = {
        "n_estimators": 200,
        "max_depth": 6,
        "learning_rate": 0.05,
        "subsample": 0.5,
        "colsample_bytree": 0.6,
        "min_child_weight": 50,
        "equal_towers": False,
    }
    #: What may differ from ``SETTINGS``; ``equal_towers`` gives each tower the same weight instead of each day.
    GRID: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"equal_towers": True},
        {"equal_towers": True, "max_depth": 5, "min_child_weight": 20},
        {"equal_towers": True, "max_depth": 8, "min_child_weight": 100},
        {"equal_towers": True, "learning_rate": 0.03},
    )
    #: Numbers of trees compared; the first trees of a larger model are the smaller one.
    ROUNDS: ClassVar = (100, 150, 200)

    def __init__(self, drivers: tuple[str, ...], seed: int = 0, tune: bool = True, lags: bool = False) -> None:
        self.drivers, self.seed, self.tune, self.lags = drivers, seed, tune, lags
        self.chosen: tuple[dict[str, Any], ...] = (dict(self.SETTINGS),) * 3
        self._models: list[Any] = []

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each.

        Raises:
            TamrlError: no tower has a valid day of a flux.
        """
        if self.tune and len(towers) >= GROUPS:
            # Of months, one in four would be the same three of every year.
            every = TUNING_STEP if step_of(towers[0]) == TimeStep.DAILY else 1
            self.chosen = self._tuned([self._days(t, every) for t in towers])
        days = [self._days(t) for t in towers]
        self._models = [self._fitted(days, flux, self.chosen[flux]) for flux in range(3)]

    def _inputs(self, tower: xr.Dataset) -> np.ndarray:
        """Return (T, D + A): drivers, their past where it is wanted, and classes."""
        table = input_table(tower, self.drivers)
        if not self.lags or step_of(tower) != TimeStep.DAILY:
            return table
        return np.concatenate([table, lag_table(tower, self.drivers)], axis=1)

    def _days(self, tower: xr.Dataset, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and fluxes (N, 3) of every ``step``-th valid day of a tower."""
        days = np.flatnonzero(valid_days(tower))[::step]
        return self._inputs(tower)[days], flux_table(tower)[days]

    def _fitted(self, days: list[tuple[np.ndarray, np.ndarray]], flux: int, settings: dict[str, Any]) -> Any:
        """Return the model of one flux, trained on (inputs, fluxes) of each tower."""
        inputs, targets = (np.concatenate(part) for part in zip(*days, strict=True))
        seen = np.isfinite(targets[:, flux])
        if not seen.any():
            raise TamrlError("The training towers have no valid day of a flux", self.NAME, "Ingest more towers")
        weight = _tower_weights(days, flux)[seen] if settings["equal_towers"] else None
        plain = {k: v for k, v in settings.items() if k != "equal_towers"}
        return self._regressor(plain).fit(inputs[seen], targets[seen, flux], sample_weight=weight)

    def _regressor(self, settings: dict[str, Any]) -> Any:
        """Return the library's untrained model."""
        from xgboost import XGBRegressor

        return XGBRegressor(**settings, tree_method="hist", n_jobs=1, random_state=self.seed)

    def _first_trees(self, model: Any, inputs: np.ndarray, count: int) -> np.ndarray:
        """Return what the first ``count`` trees of a model predict (N,)."""
        return model.predict(inputs, iteration_range=(0, count))

    def _tuned(self, days: list[tuple[np.ndarray, np.ndarray]]) -> tuple[dict[str, Any], ...]:
        """Return the settings of each flux with the lowest cross-validated error."""
        candidates = [{**self.SETTINGS, **change, "n_estimators": max(self.ROUNDS)} for change in self.GRID]
        errors = np.full((3, len(candidates), len(self.ROUNDS), len(days)), np.nan)
        for group in tower_groups(len(days), self.seed):
            training = [days[i] for i in np.setdiff1d(np.arange(len(days)), group)]
            for flux in range(3):
                for c, settings in enumerate(candidates):
                    model = self._fitted(training, flux, settings)
                    errors[flux, c][:, group] = self._errors(model, [days[i] for i in group], flux)
        scores = np.nanmean(np.log(np.maximum(errors, 1e-6)), axis=-1).reshape(3, -1)
        best = [np.unravel_index(np.argmin(s), errors.shape[1:3]) for s in scores]
        return tuple({**candidates[c], "n_estimators": self.ROUNDS[r]} for c, r in best)

    def _errors(self, model: Any, days: list[tuple[np.ndarray, np.ndarray]], flux: int) -> np.ndarray:
        """Return the RMSE (rounds, towers) of a model at towers that it has not seen, NaN without the flux."""
        inputs = np.concatenate([x for x, _ in days])
        tower = np.repeat(np.arange(len(days)), [len(x) for x, _ in days])
        observed = np.concatenate([y[:, flux] for _, y in days])
        rows = []
        for rounds in self.ROUNDS:
            square = (self._first_trees(model, inputs, rounds) - observed) ** 2
            rows.append(pd.Series(square).groupby(tower).mean().reindex(range(len(days))).to_numpy())
        return np.sqrt(rows)

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1; ``support`` is ignored."""
        return self.predict_table(self._inputs(tower))

    def predict_table(self, inputs: np.ndarray) -> np.ndarray:
        """Return (N, 3) GPP, RECO, NEE in gC m-2 d-1 for inputs (N, D + A), see ``input_table``."""
        return np.stack([model.predict(inputs) for model in self._models], axis=1)


def tower_groups(count: int, seed: int) -> list[np.ndarray]:
    """Return the towers 0..count-1 dealt at random into ``GROUPS`` disjoint groups."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(order[g::GROUPS]) for g in range(GROUPS)]


def _tower_weights(days: list[tuple[np.ndarray, np.ndarray]], flux: int) -> np.ndarray:
    """Return a weight for each day, mean 1, with the same sum at each tower that has the flux."""
    counts = np.array([np.isfinite(y[:, flux]).sum() for _, y in days])
    each = counts.sum() / np.maximum(counts, 1) / (counts > 0).sum()
    return np.repeat(each, [len(y) for _, y in days])


class XGBoostSupport(XGBoost):
    """XGBoost whose boosting goes on at a place, with the support days up-weighted. Few-shot.

    Further trees, one series a flux, are fitted to what the trained model leaves over on the support
    days and on a sample of training days, which keeps the rest of the input space in place. The
    weight and the number of trees were chosen on training towers (docs/decisions/benchmark.md).

    Args:
        drivers: names of the daily inputs.
        seed: of XGBoost and of the sample.
        tune: whether the trained model is cross-validated.
        lags: see ``XGBoost``.
        weight: how many training days one support day counts as.
    """

    NAME: ClassVar = "xgboost-support"

    SAMPLE: ClassVar = 4000
    REFIT: ClassVar = {
        "n_estimators": 40,
        "max_depth": 3,
        "learning_rate": 0.05,
        "subsample": 0.7,
        "min_child_weight": 50,
        "max_bin": 64,
    }

    def __init__(
        self, drivers: tuple[str, ...], seed: int = 0, tune: bool = True, lags: bool = False, weight: float = 30.0
    ) -> None:
        super().__init__(drivers, seed, tune, lags)
        self.weight = weight

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the valid days of towers, Dataset(time) each, and keep a sample of them.

        Raises:
            TamrlError: no tower has a valid day of a flux.
        """
        super().fit(towers)
        inputs, targets = map(np.concatenate, zip(*map(self._days, towers), strict=True))
        chosen = np.random.default_rng(self.seed).permutation(len(inputs))[: self.SAMPLE]
        self._sample, self._targets = inputs[chosen], targets[chosen]
        self._before = np.stack([model.predict(self._sample) for model in self._models], axis=1)

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1.

        Raises:
            TamrlError: no support day has a valid flux.
        """
        days = supported(tower, support, "xgboost-support")
        before = super().predict(tower)
        # No flux outside the support goes further than this line.
        observed = flux_table(tower)[days]
        place = self._inputs(tower)
        inputs = np.concatenate([self._sample, place[days]])
        left = np.concatenate([self._targets - self._before, observed - before[days]])
        weight = np.repeat([1.0, self.weight], [len(self._sample), len(observed)])
        return before + np.stack([self._further(inputs, left[:, i], weight, place) for i in range(3)], axis=1)

    def _further(self, inputs: np.ndarray, left: np.ndarray, weight: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Return (T,) what further trees add at a place; nothing where no support day has the flux."""
        from xgboost import XGBRegressor

        seen = np.isfinite(left)
        if not seen[len(self._sample) :].any():
            return np.zeros(len(place), np.float32)
        model = XGBRegressor(**self.REFIT, base_score=0.0, tree_method="hist", n_jobs=1, random_state=self.seed)
        return model.fit(inputs[seen], left[seen], sample_weight=weight[seen]).predict(place)


class RandomForest:
    """Random forest on the same inputs: the older FLUXCOM. Zero-shot.

    Breiman 2001, doi:10.1023/A:1010933404324; Tramontana et al. 2016, doi:10.5194/bg-13-4291-2016; Jung et al. 2020,
    doi:10.5194/bg-17-1343-2020. One forest for the three fluxes, each scaled by its standard deviation so that none
    rules the splits. A tree reads as many days as ``DAYS``, which bounds the cost of many towers.

    Args:
        drivers: names of the daily inputs.
        seed: of the days and inputs that a tree sees.
    """

    DAYS: ClassVar = 30_000
    SETTINGS: ClassVar[dict[str, Any]] = {"n_estimators": 100, "min_samples_leaf": 10, "max_features": 1 / 3}

    def __init__(self, drivers: tuple[str, ...], seed: int = 0) -> None:
        self.drivers, self.seed = drivers, seed
        self._scale = np.ones(3)
        self._model: Any = None

    def fit(self, towers: list[xr.Dataset]) -> None:
        """Learn from the days of towers, Dataset(time) each, that are valid and have all three fluxes.

        Raises:
            TamrlError: no tower has such a day.
        """
        from sklearn.ensemble import RandomForestRegressor

        inputs, targets = map(np.concatenate, zip(*(training_days(t, self.drivers) for t in towers), strict=True))
        seen = np.isfinite(targets).all(axis=1)
        if not seen.any():
            raise TamrlError("The training towers have no day with all fluxes", "random-forest", "Ingest more towers")
        inputs, targets = inputs[seen], targets[seen].astype(np.float64)
        self._scale = np.where(targets.std(axis=0) > 0, targets.std(axis=0), 1)
        model = RandomForestRegressor(**self.SETTINGS, max_samples=min(self.DAYS, len(inputs)), random_state=self.seed)
        self._model = model.fit(inputs, targets / self._scale)

    def predict(self, tower: xr.Dataset, support: pd.DatetimeIndex | None = None) -> np.ndarray:
        """Return (T, 3) GPP, RECO, NEE in gC m-2 d-1; ``support`` is ignored."""
        return self.predict_table(input_table(tower, self.drivers))

    def predict_table(self, inputs: np.ndarray) -> np.ndarray:
        """Return (N, 3) GPP, RECO, NEE in gC m-2 d-1 for inputs (N, D + A), see ``input_table``."""
        return (self._model.predict(inputs) * self._scale).astype(np.float32)
