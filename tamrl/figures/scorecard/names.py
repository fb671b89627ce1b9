"""How models, scores and protocols are written and drawn on the Scorecard: the same in every figure.

TAM-RL wears the accent colour; baselines are muted, and differ by dash and symbol as well as by colour, so that no
reader depends on hue.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamrl.evaluation.labels import LABELS, ModelLabel
from tamrl.evaluation.results import Metric
from tamrl.figures.colours import MODEL, ROLE, UNKNOWN_MODEL
from tamrl.figures.style import Theme, number, unit_label


@dataclass(frozen=True, kw_only=True)
class ModelLook:
    """How one model is written and drawn.

    Attributes:
        label: in legends and tables.
        brief: the label where there is little room.
        light: colour in the light theme.
        dark: colour in the dark theme.
        dash: of its line.
        symbol: of its marker.
    """

    label: str
    brief: str
    light: str
    dark: str
    dash: str = "solid"
    symbol: str = "circle"

    def colour(self, theme: Theme) -> str:
        """Return the colour of a theme."""
        return self.dark if theme == "dark" else self.light


#: Dash and marker of each model; its names are in ``tamrl.evaluation.labels``, its colours in ``MODEL``.
_DRAWN: dict[str, dict[str, str]] = {
    "tamrl": dict(),
    "tamrl-1": dict(dash="dot", symbol="circle-open"),
    "tamrl-published": dict(dash="longdash", symbol="triangle-down"),
    "tamrl-encode": dict(dash="dash", symbol="circle-open"),
    "xgboost": dict(dash="solid", symbol="square"),
    "xgboost-support": dict(dash="dash", symbol="square-open"),
    "lightgbm-lags": dict(dash="solid", symbol="hexagon-open"),
    "lightgbm": dict(dash="dot", symbol="hexagon"),
    "random-forest": dict(dash="dot", symbol="triangle-up"),
    "ct-lstm": dict(dash="solid", symbol="diamond"),
    "lstm": dict(dash="dot", symbol="diamond-open"),
    "maml": dict(dash="dashdot", symbol="cross"),
    "seasonal-cycle": dict(dash="dash", symbol="x"),
    "climatology": dict(dash="dot", symbol="star"),
}
#: How a line is dashed -> the character that stands for it in a legend.
LINES = {"solid": "━", "dot": "┅", "dash": "╍", "longdash": "╍", "dashdot": "╍"}
_UNKNOWN = dict(dash="dot", symbol="hexagon")
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
    "carbonfluxbench-koeppen": "CarbonFluxBench rule, Köppen",
}
PLACEMENT_LABELS = {
    "mean": "Mean of the three placements",
    "growing": "Growing season",
    "dormant": "Dormant season",
    "random": "Random days",
}


def look(model: str) -> ModelLook:
    """Return how a model is written and drawn; one that is not known keeps its name and is grey."""
    names, drawn = LABELS.get(model, ModelLabel(model)), _DRAWN.get(model, _UNKNOWN)
    light, dark = MODEL.get(model, UNKNOWN_MODEL)
    return ModelLook(label=names.label, brief=names.brief, light=light, dark=dark, **drawn)


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
