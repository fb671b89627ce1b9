"""Scores of one fold: every model on the same days, and what the Scorecard draws besides the scores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.evaluation.benchmark.runs import ALONE, TAMRL, Unit, read_predictions
from tamrl.evaluation.held_out import score_predictions
from tamrl.evaluation.models import Prediction
from tamrl.model.calibration import Residuals, interval_scores
from tamrl.model.checkpoint import Ensemble, load_ensemble
from tamrl.protocol.placements import ALL, PLACEMENTS, counted
from tamrl.protocol.support_days import Plan, plans
from tamrl.schema import FLUXES
from tamrl.system.device import one_thread
from tamrl.towers.archive import load_archive, record
from tamrl.towers.quality import flux_table

#: Width of the bins of the density of observed against predicted days, gC m-2 d-1, and its ends.
BIN, LOWEST, HIGHEST = 0.5, -15.0, 25.0
#: Names the units that the tables of a fold are made of.
SCORED = "scored.txt"
PARTS = ("scores", "ablations", "intervals", "density", "cycles")
_EDGES = np.arange(LOWEST, HIGHEST + BIN, BIN)


@dataclass(frozen=True)
class Fold:
    """A fold whose units are done.

    Attributes:
        units: those of one design and fold.
    """

    units: tuple[Unit, ...]

    @property
    def member(self) -> str:
        """The fold in words; ``run_processes`` names its processes by it."""
        return f"{self.units[0].design} fold {self.units[0].fold}: scores"

    @property
    def folder(self) -> Path:
        """Where its tables are written."""
        return Path(self.units[0].out) / "scores" / f"{self.units[0].design}-{self.units[0].fold}"

    @property
    def done(self) -> bool:
        """Whether the tables are there, of these units, and no prediction is newer."""
        last = self.folder / SCORED
        if not last.exists() or last.read_text(encoding="utf-8") != self.names:
            return False
        return all(u.file.stat().st_mtime <= last.stat().st_mtime for u in self.units)

    @property
    def names(self) -> str:
        """The units, one a line."""
        return "\n".join(sorted(u.member for u in self.units))


def score_fold(fold: Fold, report: Callable[[str], None], stop: Callable[[], bool]) -> None:
    """Score all models of one fold and write its tables."""
    one_thread()
    head = fold.units[0]
    archive, held = load_archive(head.archive), head.split.folds[head.fold]
    checkpoint = next((u.checkpoint for u in fold.units if u.model == TAMRL), None)
    ensemble = load_ensemble(checkpoint) if checkpoint else None
    models = [u.file for u in fold.units if not u.ablation]
    # The first member of TAM-RL is scored beside it.
    models += [u.folder / f"{ALONE}.npz" for u in fold.units if u.model == TAMRL and u.members > 1]
    ablations = [u.file for u in fold.units if u.ablation]
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in PARTS}
    places = (*PLACEMENTS, ALL)
    for i, site in enumerate(held):
        if stop():
            return
        tower = record(archive, site)
        days = plans(tower)
        made = [p for file in models for p in read_predictions(file, site, places)]
        tables["scores"].append(score_predictions(tower, days, made))
        tables["density"].append(_density(tower, days, made))
        tables["cycles"].append(_cycles(tower, days, made))
        if ensemble:
            tables["intervals"].append(_intervals(tower, days, made, ensemble))
        less = [p for file in ablations for p in read_predictions(file, site, places)]
        tables["ablations"].append(score_predictions(tower, days, less, scales=["daily"]))
        if i % 10 == 0:
            report(f"{fold.member}: {i} of {len(held)} towers")
    fold.folder.mkdir(parents=True, exist_ok=True)
    (fold.folder / SCORED).unlink(missing_ok=True)
    for name in PARTS:
        parts = [t for t in tables[name] if len(t)]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if name == "density" and len(table):
            keys = ["model", "shots", "flux", "observed", "predicted"]
            table = table.groupby(keys, as_index=False)["days"].sum()
        table.assign(design=head.design, fold=head.fold).to_parquet(fold.folder / f"{name}.parquet")
    # Last, so that a run that is killed before is not taken for done.
    (fold.folder / SCORED).write_text(fold.names, encoding="utf-8")
    report(f"{fold.member}: done")


def _placed(days: Iterable[Plan], made: Iterable[Prediction]) -> Iterable[tuple[Plan, Prediction]]:
    by_placement = {plan.placement: plan for plan in days}
    return ((by_placement[p.placement], p) for p in made if p.placement in by_placement)


def _headline(days: Iterable[Plan], made: Iterable[Prediction]) -> list[tuple[Plan, Prediction]]:
    """Return the predictions with the days that each number of shots is shown on; see ``counted``."""
    pairs = list(_placed(days, made))
    keep = counted(pd.Index([p.placement for _, p in pairs]), np.array([p.shots for _, p in pairs]))
    return [pair for pair, kept in zip(pairs, keep, strict=True) if kept]


def _intervals(tower: xr.Dataset, days: list[Plan], made: list[Prediction], ensemble: Ensemble) -> pd.DataFrame:
    """Return the scores of the intervals of TAM-RL at one tower."""
    tables, observed, igbp = [], flux_table(tower), str(tower["igbp"].item())
    for plan, p in _placed(days, made):
        calibration = ensemble.calibration(p.shots) if p.model == TAMRL else None
        if calibration and p.spread is not None and plan.scored.any():
            found = interval_scores(
                Residuals(observed=observed, mean=p.fluxes, spread=p.spread, used=plan.scored),
                calibration.of_class(igbp),
            )
            tables.append(found.assign(site=plan.site, model=p.model, shots=p.shots, placement=p.placement))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _density(tower: xr.Dataset, days: list[Plan], made: list[Prediction]) -> pd.DataFrame:
    """Return how many scored days fall into each bin of observed and predicted flux; the ends are open."""
    rows, observed = [], flux_table(tower)
    for plan, p in _headline(days, made):
        for i, flux in enumerate(FLUXES):
            keep = plan.scored & np.isfinite(observed[:, i]) & np.isfinite(p.fluxes[:, i])
            x, y = (np.clip(fluxes[keep, i], LOWEST, HIGHEST - BIN / 2) for fluxes in (observed, p.fluxes))
            counts = np.histogram2d(x, y, bins=[_EDGES, _EDGES])[0]
            o, m = np.nonzero(counts)
            bins = {"observed": _EDGES[o] + BIN / 2, "predicted": _EDGES[m] + BIN / 2, "days": counts[o, m].astype(int)}
            rows.append(pd.DataFrame(bins).assign(model=p.model, shots=p.shots, flux=flux))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    keys = ["model", "shots", "flux", "observed", "predicted"]
    return table.groupby(keys, as_index=False)["days"].sum() if len(table) else table


def _cycles(tower: xr.Dataset, days: list[Plan], made: list[Prediction]) -> pd.DataFrame:
    """Return the mean flux of each calendar month at one tower, over the scored days, placements alike."""
    observed, rows = flux_table(tower), []
    month = pd.DatetimeIndex(tower.time.values).month.to_numpy()
    for plan, p in _headline(days, made):
        seen = np.isfinite(observed) & plan.scored[:, None]
        for name, shots, values in (("observed", 0, observed), (p.model, p.shots, p.fluxes)):
            if name == "observed" and (p.model, p.shots) != (TAMRL, 0):
                continue
            table = pd.DataFrame(np.where(seen, values, np.nan), columns=list(FLUXES)).groupby(month).mean()
            rows.append(table.rename_axis("month").reset_index().assign(model=name, shots=shots))
    if not rows:
        return pd.DataFrame()
    wide = pd.concat(rows, ignore_index=True).groupby(["model", "shots", "month"], as_index=False).mean()
    long = wide.melt(id_vars=["model", "shots", "month"], var_name="flux", value_name="mean")
    return long.dropna(subset=["mean"]).assign(site=str(tower.site.item()), group=str(tower.igbp.item()))
