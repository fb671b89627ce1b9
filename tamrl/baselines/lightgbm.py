"""LightGBM with the weather of the days before: what a competitor in a contest would run."""

from typing import Any, ClassVar

import numpy as np

from tamrl.baselines.trees import XGBoost


class LightGBMLags(XGBoost):
    """Gradient-boosted trees grown leaf by leaf, on the day's drivers, the classes and the recent past. Zero-shot.

    Ke et al. 2017, LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 30. Tuned like ``XGBoost``, by
    a cross-validation whose groups share no tower; towers weigh alike in most settings.

    Args:
        drivers: names of the daily inputs.
        seed: of the groups and of the rows and columns that a tree sees.
        tune: whether to cross-validate; otherwise ``SETTINGS`` are taken.
    """

    NAME: ClassVar = "lightgbm-lags"
    SETTINGS: ClassVar[dict[str, Any]] = {
        "n_estimators": 200,
        "num_leaves": 31,
        "learning_rate": 0.05,
        "min_child_samples": 200,
        "subsample": 0.5,
        "subsample_freq": 1,
        "colsample_bytree": 0.5,
        "reg_lambda": 1.0,
        "equal_towers": True,
    }
    GRID: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"equal_towers": False},
        {"num_leaves": 15},
        {"learning_rate": 0.03},
    )
    ROUNDS: ClassVar = (100, 150, 200)

    def __init__(self, drivers: tuple[str, ...], seed: int = 0, tune: bool = True) -> None:
        super().__init__(drivers, seed, tune, lags=True)

    def _regressor(self, settings: dict[str, Any]) -> Any:
        from lightgbm import LGBMRegressor

        # Without `deterministic` the sums of a histogram depend on how it was built.
        return LGBMRegressor(
            **settings, num_threads=1, random_state=self.seed, deterministic=True, force_col_wise=True, verbosity=-1
        )

    def _first_trees(self, model: Any, inputs: np.ndarray, count: int) -> np.ndarray:
        return model.predict(inputs, num_iteration=count)
