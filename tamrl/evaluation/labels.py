"""Labels of the models in tables, legends and documents: the one list, in the order in which they appear."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelLabel:
    """The names of one model.

    Attributes:
        label: in tables and legends.
        short: where there is little room; the label itself where it is empty.
    """

    label: str
    short: str = ""

    @property
    def brief(self) -> str:
        """The label where there is little room."""
        return self.short or self.label


LABELS: dict[str, ModelLabel] = {
    "tamrl": ModelLabel("TAM-RL"),
    "tamrl-1": ModelLabel("TAM-RL, one member", "TAM-RL, one"),
    "tamrl-published": ModelLabel("TAM-RL as published (one member)", "TAM-RL publ."),
    "tamrl-encode": ModelLabel("TAM-RL, encoder only", "TAM-RL enc."),
    "xgboost": ModelLabel("XGBoost"),
    "xgboost-support": ModelLabel("XGBoost with the support", "XGBoost + days"),
    "lightgbm-lags": ModelLabel("LightGBM with lagged drivers", "LightGBM lags"),
    "lightgbm": ModelLabel("LightGBM"),
    "random-forest": ModelLabel("Random forest"),
    "ct-lstm": ModelLabel("CT-LSTM"),
    "lstm": ModelLabel("LSTM"),
    "maml": ModelLabel("MAML"),
    "seasonal-cycle": ModelLabel("Own seasonal cycle, from the support", "Own season"),
    "climatology": ModelLabel("Climatology"),
}


def label_of(model: str) -> str:
    """Return the label of a model; of one that is not known its name."""
    return LABELS[model].label if model in LABELS else model


def in_order(models: list[str]) -> list[str]:
    """Return models in the order of tables and legends, those that are not known last and by name."""
    order = {name: i for i, name in enumerate(LABELS)}
    return sorted(dict.fromkeys(models), key=lambda name: (order.get(name, len(order)), name))
