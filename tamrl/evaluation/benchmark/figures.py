"""The figures of docs/benchmarks.md, drawn without a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tamrl.evaluation.benchmark.runs import PUBLISHED, TAMRL
from tamrl.evaluation.statistics import bootstrap_median, tower_means
from tamrl.schema import FLUX_UNIT, FLUXES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Colour of each model, of Okabe and Ito's set for colour-blind readers; TAM-RL stands out.
COLOURS = {
    TAMRL: "#009E73",
    PUBLISHED: "#7FCDB0",
    "xgboost": "#D55E00",
    "lightgbm-lags": "#F0A27A",
    "random-forest": "#E69F00",
    "ct-lstm": "#0072B2",
    "lstm": "#56B4E9",
    "maml": "#CC79A7",
    "xgboost-support": "#8C510A",
    "seasonal-cycle": "#666666",
    "climatology": "#999999",
}
SOURCE = "FLUXNET2015 (Pastorello et al. 2020), held-out towers, tamrl bench accuracy"


def draw(tables: dict[str, pd.DataFrame], folder: Path) -> list[tuple[Path, str]]:
    """Draw the figures of a results folder as SVG.

    Args:
        tables: of a results folder.
        folder: to write to.

    Returns:
        Path and text alternative of each.
    """
    import matplotlib

    matplotlib.use("Agg")
    # The same data give the same file.
    matplotlib.rcParams |= {
        "svg.hashsalt": "tamrl",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    folder.mkdir(parents=True, exist_ok=True)
    scores = tables["scores"]
    daily = scores[(scores["scale"].astype(str) == "daily") & (scores["design"].astype(str) == "igbp")]
    names = {"model": str, "flux": str}
    towers, same = (tower_means(daily, ("r2", "rmse"), common=common).astype(names) for common in (False, True))
    return [
        (_learning_curves(same, folder), "Median R2 over towers against the days of support, all on the same days"),
        (_distribution(towers, folder), "Share of towers with at most a given RMSE, zero-shot"),
    ]


def _learning_curves(towers: pd.DataFrame, folder: Path) -> Path:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    ticks = sorted(towers["shots"].unique())
    place = {shots: i for i, shots in enumerate(ticks)}
    for axis, flux in zip(axes, FLUXES, strict=True):
        for model, colour in COLOURS.items():
            here = towers[(towers["flux"] == flux) & (towers["model"] == model)]
            if not len(here):
                continue
            points = [
                (place[n], g["r2"].median(), *bootstrap_median(g["r2"].to_numpy())) for n, g in here.groupby("shots")
            ]
            x, y, low, high = map(np.array, zip(*points, strict=True))
            style = {"color": colour, "lw": 2.2 if model == TAMRL else 1.2, "label": model}
            if len(x) == 1:
                axis.axhline(y[0], ls=":", **style)
            else:
                axis.plot(x, y, marker="o", ms=4, **style)
                axis.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)
        axis.set(title=flux, xlabel="days of support", xticks=range(len(ticks)), ylim=(-0.5, 1))
        axis.set_xticklabels([str(n) for n in ticks])
    axes[0].set_ylabel("R2, median over towers (band: 95 %)")
    axes[-1].legend(fontsize=7, frameon=False, loc="lower right")
    return _save(figure, folder / "learning-curves.svg")


def _distribution(towers: pd.DataFrame, folder: Path) -> Path:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharey=True)
    for axis, flux in zip(axes, FLUXES, strict=True):
        for model, colour in COLOURS.items():
            here = towers[(towers["flux"] == flux) & (towers["model"] == model) & (towers["shots"] == 0)]
            if len(here):
                rmse = np.sort(here["rmse"].to_numpy())
                width = 2.2 if model == TAMRL else 1.2
                axis.plot(rmse, np.arange(1, len(rmse) + 1) / len(rmse), color=colour, lw=width, label=model)
        axis.set(title=flux, xlabel=f"RMSE ({FLUX_UNIT}), zero-shot", xlim=(0, 6))
    axes[0].set_ylabel("share of towers")
    axes[-1].legend(fontsize=7, frameon=False, loc="lower right")
    return _save(figure, folder / "rmse-distribution.svg")


def _save(figure: "Figure", path: Path) -> Path:
    from matplotlib import pyplot as plt

    figure.text(0.005, -0.03, SOURCE, fontsize=7, color="#666666")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return path
