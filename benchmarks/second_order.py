"""Whether the second-order fit of the modulation predicts as well as sixty steps of Adam, and what each takes.

    python -m benchmarks.second_order [number of towers, 0 is all]

Bundled towers, each by the ensemble that has not seen it, 30 labelled days of the growing season; scored on the valid
days outside the support. Both are fitted to the same objective under the same guard.
"""

import sys
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from tamrl.bundled import bundled_models
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import open_model
from tamrl.predict.adapt import Adaptation, adapt
from tamrl.predict.descent import fit_offset
from tamrl.predict.finetune import AdaptationWindow, FineTune
from tamrl.predict.methods import AdaptSettings, finetune
from tamrl.predict.output import before_after
from tamrl.predict.rehearsal import warm_up
from tamrl.protocol.support_days import plan
from tamrl.schema import FLUXES
from tamrl.system.device import one_thread
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

DAYS, STEPS, RATE = 30, 60, 0.1
Fit = Callable[[FineTune, AdaptationWindow, Tensor, Callable[[float, float], None]], None]


def descend(shift: FineTune, task: AdaptationWindow, weight: Tensor, report: Callable[[float, float], None]) -> None:
    """Fit as ``tamrl.predict.newton.fit_mode`` does, by Adam."""
    fit_offset(shift, task, weight, STEPS, RATE, report)


def fitted(
    ensemble: Ensemble, tower: xr.Dataset, support: pd.DatetimeIndex, fit: Fit | None
) -> tuple[Adaptation, float]:
    """Return the modulation of a tower by a fit, None by that of the package, and its CPU seconds."""
    with patch.object(finetune, "fit_mode", fit or finetune.fit_mode):
        began = time.process_time()
        result = adapt(ensemble, tower, support, AdaptSettings(method="modulation"))
        return result, time.process_time() - began


def rows_of(site: str, results: dict[str, Adaptation], seconds: dict[str, float]) -> list[dict]:
    """Return the scores of one tower, a row a flux."""
    scores = {name: before_after(result).set_index("flux") for name, result in results.items()}
    made = []
    for flux in FLUXES:
        means = [result.adapted[flux].mean("member").values for result in results.values()]
        row = {"site": site, "flux": flux, "apart": float(np.abs(means[0] - means[1]).max())}
        for name, table in scores.items():
            row |= {f"rmse {name}": table.loc[flux, "rmse_after"], f"r2 {name}": table.loc[flux, "r2_after"]}
            row |= {f"seconds {name}": seconds[name], f"shrinkage {name}": np.mean(results[name].shrinkage)}
            row |= {"rmse zero-shot": table.loc[flux, "rmse_before"], "r2 zero-shot": table.loc[flux, "r2_before"]}
        made.append(row)
    return made


def show(table: pd.DataFrame) -> None:
    """Print the comparison, a row a flux."""
    print("| | " + " | ".join(FLUXES) + " |\n|---|---|---|---|")
    groups = {flux: rows.dropna(subset=["rmse newton", "rmse adam"]) for flux, rows in table.groupby("flux")}

    def line(what: str, value: Callable[[pd.DataFrame], str]) -> None:
        print(f"| {what} | " + " | ".join(value(groups[flux]) for flux in FLUXES) + " |")

    line("towers", lambda rows: f"{len(rows)}")
    for name in ("zero-shot", "adam", "newton"):
        line(f"median RMSE, {name}", lambda rows: f"{rows[f'rmse {name}'].median():.3f}")  # noqa: B023
        line(f"median R2, {name}", lambda rows: f"{rows[f'r2 {name}'].median():.3f}")  # noqa: B023
    ratio = {flux: rows["rmse newton"] / rows["rmse adam"] for flux, rows in groups.items()}
    line(
        "RMSE, newton over adam, geometric mean", lambda rows: f"{np.exp(np.log(ratio[rows.flux.iloc[0]]).mean()):.4f}"
    )
    line("the same, least and most", lambda rows: "{:.3f}-{:.3f}".format(*_ends(ratio[rows.flux.iloc[0]])))
    line("towers more than 1 % better / worse", lambda rows: _sides(ratio[rows.flux.iloc[0]]))
    line("largest difference of a day's mean, median tower", lambda rows: f"{rows['apart'].median():.3f}")
    one = groups[FLUXES[0]]
    for name in ("adam", "newton"):
        print(f"{name}: CPU seconds a tower {one[f'seconds {name}'].median():.2f} (median), ", end="")
        print(f"mean shrinkage {one[f'shrinkage {name}'].mean():.3f}")


def _ends(ratio: pd.Series) -> tuple[float, float]:
    return float(ratio.min()), float(ratio.max())


def _sides(ratio: pd.Series) -> str:
    return f"{(ratio < 0.99).sum()} / {(ratio > 1.01).sum()}"


def main() -> None:
    """Print the table."""
    one_thread()
    torch.manual_seed(0)
    warm_up()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    model, archive = open_model(bundled_models()["cross-fitted"]), bundled().archive()
    sites = archive.site.values.tolist()
    rows: list[dict] = []
    for site in sites[:: max(1, len(sites) // count) if count else 1]:
        tower = record(archive, site)
        support = plan(tower, "growing", (DAYS,)).supports.get(DAYS)
        if support is None:
            continue
        results, seconds = {}, {}
        try:
            for name, fit in (("adam", descend), ("newton", None)):
                results[name], seconds[name] = fitted(model.for_site(site), tower, support, fit)
        except TamrlError as error:
            print(f"{site}: {error}", file=sys.stderr)
            continue
        rows += rows_of(site, results, seconds)
        print(f"{site} ({len(rows) // len(FLUXES)})", file=sys.stderr, flush=True)
    show(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
