"""How models, scores and protocols are written and drawn on the Scorecard: the same in every figure.

TAM-RL wears the accent colour; baselines are muted, and differ by dash and symbol as well as by colour, so that no
reader depends on hue.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamrl.evaluation.results import Metric
from tamrl.figures.colours import ROLE
from tamrl.figures.style import Theme, number, unit_label

#: What cannot be told from no difference: its 95 % interval holds zero.
UNSURE = {"light": "#8b929c", "dark": "#7d858f"}
ACCENT = {"light": "#0a7d4f", "dark": "#4fd39a"}


@dataclass(frozen=True)
class Look:
    """How one model is written and drawn.

    Attributes:
        label: in legends and tables.
        light: colour in the light theme.
        dark: colour in the dark theme.
        dash: of its line.
        symbol: of its marker.
        short: label where there is little room; the label itself where it is empty.
    """

    label: str
    light: str
    dark: str
    dash: str = "solid"
    symbol: str = "circle"
    short: str = ""

    def colour(self, theme: Theme) -> str:
        """Return the colour of a theme."""
        return self.dark if theme == "dark" else self.light

    @property
    def brief(self) -> str:
        """The label where there is little room."""
        return self.short or self.label


#: Models in the order of tables and legends.
MODELS = {
    "tamrl": Look("TAM-RL", ACCENT["light"], ACCENT["dark"]),
    "tamrl-1": Look("TAM-RL, one member", "#3f9c78", "#8fdcc0", "dot", "circle-open", "TAM-RL, one"),
    "tamrl-published": Look(
        "TAM-RL as published (one member)", "#6fb39b", "#b5e6d3", "longdash", "circle-open", "TAM-RL publ."
    ),
    "tamrl-encode": Look("TAM-RL, encoder only", "#4fa888", "#a6e3cb", "dash", "circle-open", "TAM-RL enc."),
    "xgboost": Look("XGBoost", "#66717f", "#a9b4c0", "solid", "square"),
    "xgboost-support": Look("XGBoost with the support", "#5c7fa3", "#8fb4da", "dash", "square-open", "XGBoost + days"),
    "lightgbm-lags": Look(
        "LightGBM with lagged drivers", "#7b6a58", "#c2ad95", "solid", "hexagon-open", "LightGBM lags"
    ),
    "lightgbm": Look("LightGBM", "#97a1ac", "#77818d", "dot", "hexagon"),
    "random-forest": Look("Random forest", "#a3abb5", "#77818d", "dot", "triangle-up"),
    "ct-lstm": Look("CT-LSTM", "#8a5fa0", "#c7a0da", "solid", "diamond"),
    "lstm": Look("LSTM", "#b08fc0", "#93739f", "dot", "diamond-open"),
    "maml": Look("MAML", "#a8703a", "#d9a16b", "dashdot", "cross"),
    "seasonal-cycle": Look("Own seasonal cycle, from the support", "#a89a3c", "#cfc06a", "dash", "x", "Own season"),
    "climatology": Look("Climatology", "#b5ab98", "#7d776b", "dot", "star"),
}
#: The markers of plotly as characters, for legends outside figures.
GLYPHS = {
    "circle": "●",
    "circle-open": "○",
    "square": "■",
    "square-open": "□",
    "hexagon": "⬢",
    "hexagon-open": "⬡",
    "triangle-up": "▲",
    "diamond": "◆",
    "diamond-open": "◇",
    "cross": "✚",
    "x": "✖",
    "star": "★",
}
OBSERVED = "Observed"

SCALE_LABELS = {
    "daily": "Daily",
    "weekly": "Weekly",
    "monthly": "Monthly",
    "seasonal": "Mean seasonal cycle",
    "anomaly": "Anomaly",
    "interannual": "Interannual",
    "site-mean": "Site mean",
}
DESIGN_LABELS = {
    "igbp": "Five folds by land cover",
    "koeppen": "Five folds by climate",
    "carbonfluxbench": "CarbonFluxBench rule",
}
PLACEMENT_LABELS = {
    "mean": "Mean of the three placements",
    "growing": "Growing season",
    "dormant": "Dormant season",
    "random": "Random days",
}


def look(model: str) -> Look:
    """Return how a model is drawn; one that is not known keeps its name and is grey."""
    return MODELS.get(model) or Look(model, "#7a7f86", "#9aa1a9", "dot", "hexagon")


def in_order(models: list[str]) -> list[str]:
    """Return models in the order of tables, others last by name."""
    order = {name: i for i, name in enumerate(MODELS)}
    return sorted(dict.fromkeys(models), key=lambda name: (order.get(name, len(order)), name))


def observed_colour(theme: Theme) -> str:
    """Return the colour of what was measured."""
    return ROLE[theme]["observed"]


def shots_label(shots: int) -> str:
    """Return a number of support days in words."""
    return "zero-shot" if not shots else f"{shots} days"


def plain(columns: list[tuple[str, int]]) -> tuple[str, ...]:
    """Return the models that are only ever zero-shot, for which saying so would be noise."""
    shots: dict[str, set[int]] = {}
    for model, count in columns:
        shots.setdefault(model, set()).add(count)
    return tuple(model for model, counts in shots.items() if counts == {0})


def column_label(column: tuple[str, int], without: tuple[str, ...] = ()) -> str:
    """Return a (model, shots) in words; models of ``without`` go without the number of days."""
    model, shots = column
    return look(model).label if model in without else f"{look(model).label}, {shots_label(shots)}"


def metric_label(metric: Metric) -> str:
    """Return a score with its unit, ``RMSE [gC m⁻² d⁻¹]``."""
    unit = unit_label(metric.unit)
    return f"{metric.label} [{unit}]" if unit else metric.label


def change_label(metric: Metric, reference: str) -> str:
    """Return the axis title of a change against a reference."""
    what = f"|{metric.label}|" if metric.best == "zero" else metric.label
    unit = "%" if metric.relative else unit_label(metric.unit)
    return f"{what} against {reference}" + (f" [{unit}]" if unit else "")


def change_text(value: float, metric: Metric) -> str:
    """Return a change as it is read, ``−14 %`` or ``+0.08``."""
    if value != value:  # NaN
        return "\N{EN DASH}"
    return f"{number(value, 1, True)} %" if metric.relative else number(value, 2, True)


def clear(rows: pd.DataFrame) -> np.ndarray:
    """Return at which rows of ``Asked.standing`` the 95 % interval of the change leaves zero out, bool (N,).

    A change without an interval is not clear: too few towers are left to tell.
    """
    return ((rows["change_low"] > 0) | (rows["change_high"] < 0)).to_numpy(dtype=bool)
