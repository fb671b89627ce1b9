"""What TAM-RL is compared with, trained on the same towers and days, with the same inputs.

Every model offers ``Model``: ``fit(towers)`` and ``predict(tower, support)``. Fitted models can be pickled.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tamrl.baselines.climatology import Climatology
from tamrl.baselines.common import Model
from tamrl.baselines.lightgbm import LightGBMLags
from tamrl.baselines.maml import MAML
from tamrl.baselines.networks import CTLSTM, LSTM
from tamrl.baselines.seasonal import SeasonalCycle
from tamrl.baselines.trees import RandomForest, XGBoost, XGBoostSupport
from tamrl.config import Config
from tamrl.errors import TamrlError

__all__ = ["BASELINES", "Baseline", "Model", "make_baseline"]


@dataclass(frozen=True)
class Baseline:
    """A model to compare with.

    Attributes:
        summary: what it is, in a few words, for tables and help.
        few_shot: whether it needs support days; the others take none.
        make: returns the untrained model for drivers, settings of networks, and a seed.
    """

    summary: str
    few_shot: bool
    make: Callable[[tuple[str, ...], Config | None, int], Model]


#: Models that can be compared with TAM-RL, by the name that tables use.
BASELINES: dict[str, Baseline] = {
    "xgboost": Baseline(
        "Gradient-boosted trees, the algorithm of FLUXCOM-X-BASE, with the weather of the days before",
        False,
        lambda d, c, s: XGBoost(d, s, lags=True),
    ),
    "lightgbm-lags": Baseline(
        "LightGBM on the drivers, classes and the weather of the days before", False, lambda d, c, s: LightGBMLags(d, s)
    ),
    "climatology": Baseline("Mean by IGBP class and day of year", False, lambda d, c, s: Climatology()),
    "random-forest": Baseline("Random forest, the older FLUXCOM", False, lambda d, c, s: RandomForest(d, s)),
    "lstm": Baseline("LSTM on the drivers alone", False, lambda d, c, s: LSTM(d, c, seed=s)),
    "ct-lstm": Baseline("LSTM with the classes beside the drivers", False, lambda d, c, s: CTLSTM(d, c, seed=s)),
    "maml": Baseline("CT-LSTM meta-trained to adapt in a few gradient steps", True, lambda d, c, s: MAML(d, c, seed=s)),
    "xgboost-support": Baseline(
        "XGBoost boosted further with the support days up-weighted",
        True,
        lambda d, c, s: XGBoostSupport(d, s, lags=True),
    ),
    "seasonal-cycle": Baseline(
        "The site's own seasonal cycle, smoothed over the support days; with a year of them its persistence",
        True,
        lambda d, c, s: SeasonalCycle(),
    ),
}


def make_baseline(name: str, drivers: tuple[str, ...], config: Config | None = None, seed: int = 0) -> Model:
    """Return an untrained baseline by name.

    Args:
        name: a key of ``BASELINES``.
        drivers: names of the daily inputs.
        config: settings of the networks; by default those of TAM-RL. Trees and means have none.
        seed: of whatever the model draws at random.

    Raises:
        TamrlError: the name is not known.
    """
    if name not in BASELINES:
        raise TamrlError(f"Unknown model {name!r}", "--models", f"Known models: tamrl, {', '.join(BASELINES)}")
    return BASELINES[name].make(tuple(drivers), config, seed)
