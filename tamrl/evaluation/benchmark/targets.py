"""The targets of the project on held-out towers, beside what a results folder measures."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from tamrl.evaluation.labels import label_of
from tamrl.evaluation.paired import compare
from tamrl.evaluation.results import published
from tamrl.evaluation.statistics import tower_means
from tamrl.protocol.placements import counted
from tamrl.schema import FLUXES

#: The model, by its name in tables of scores.
TAMRL = "tamrl"
#: The rivals without labels; the better of them by paired RMSE, flux by flux, is the one to beat.
RIVALS = ("xgboost", "lightgbm-lags")
RIVAL = "rival"
NAME = "target"


class Change(NamedTuple):
    """A wanted change: of what, at how many shots, against what, and how large for GPP, RECO and NEE.

    ``statistic`` is of ``compare``: ``paired``, the geometric mean of the towers' ratios, or ``ratio``, of medians.
    """

    what: str
    metric: str
    statistic: str
    shots: int
    other: str
    wanted: tuple[float, float, float]


CHANGES = (
    Change("zero-shot RMSE, paired", "rmse", "paired", 0, RIVAL, (-0.10, -0.10, -0.096)),
    Change("zero-shot R2, median over towers", "r2", "ratio", 0, RIVAL, (0.20, 0.25, 0.44)),
    Change("RMSE with 30 days against none, paired", "rmse", "paired", 30, TAMRL, (-0.10, -0.14, -0.12)),
    Change("RMSE with 365 days against none, paired", "rmse", "paired", 365, TAMRL, (-0.26, -0.26, -0.24)),
)
#: What the paper claims of TAM-RL against existing products over 150 and more towers, "depending on the target flux":
#: RMSE 8 to 9.6 % lower, R2 19.4 to 43.8 % higher (Rozanov et al. 2026, arXiv:2603.09974, abstract). The lower ends,
#: for each flux; the product FLUXCOM-X-BASE is made with XGBoost.
CLAIMS = (
    Change("zero-shot RMSE, paired", "rmse", "paired", 0, "xgboost", (-0.08, -0.08, -0.08)),
    Change("zero-shot R2, median over towers", "r2", "ratio", 0, "xgboost", (0.194, 0.194, 0.194)),
)
#: Largest share of towers that support may harm: RMSE more than 10 % above zero-shot, at any number of shots.
HARMED = 0.05
#: Share of held-out days that 90 % intervals should cover over towers, and least in each class of so many towers.
COVERED, COVERED_CLASS, CLASS_TOWERS = (0.88, 0.92), 0.80, 5
MET = {True: "met", False: "**not met**"}


def rivals(daily: pd.DataFrame) -> dict[str, str]:
    """Return flux -> the stronger of the rivals that were scored: the one with the lower paired zero-shot RMSE."""
    known = [name for name in RIVALS if name in set(daily["model"].astype(str))]
    found = dict.fromkeys(FLUXES, known[0] if known else "xgboost")
    if len(known) == len(RIVALS):
        table = compare(daily, (known[1], 0), (known[0], 0), draws=2)
        found |= {str(r["flux"]): known[1] for r in table.to_dict("records") if r["paired"] < 1}
    return found


def against_targets(scores: pd.DataFrame, sites: pd.DataFrame, intervals: pd.DataFrame) -> list[dict[str, str]]:
    """Return one row a target: what was wanted, what was measured, and whether it was met.

    Args:
        scores: of one design, at all scales.
        sites: table of towers.
        intervals: of the same design; empty where no interval was scored.
    """
    scores = scores[scores["model"].isin([TAMRL, *RIVALS])]
    daily = scores[scores["scale"].astype(str) == "daily"]
    strongest = rivals(daily)
    rows = [row for change in CHANGES if (row := _change(daily, change, strongest))]
    rows += [row for row in (_harmed(daily), _years(scores)) if row]
    if len(intervals):
        rows += [_covered(intervals), _covered_classes(intervals, sites)]
    return [*rows, _published(daily)]


def against_claims(scores: pd.DataFrame) -> list[dict[str, str]]:
    """Return rows as ``against_targets`` does, for what the paper claims.

    Args:
        scores: of one design, at all scales.
    """
    chosen = scores[(scores["scale"] == "daily") & scores["model"].isin([TAMRL, *RIVALS])]
    return [row for claim in CLAIMS if (row := _change(chosen, claim, {}, "claimed"))]


def verdict(cell: str) -> tuple[str, bool | None]:
    """Return what a cell of ``against_targets`` says without its verdict, and the verdict; None where it has none."""
    for met, word in MET.items():
        if cell.endswith(f": {word}"):
            return cell.removesuffix(f": {word}"), met
    return cell, None


def _change(daily: pd.DataFrame, change: Change, strongest: dict[str, str], word: str = "wanted") -> dict[str, str]:
    """Return the row of one change; empty where it was not scored."""
    row = {NAME: change.what + (", against the stronger rival" if change.other == RIVAL else "")}
    for flux, want in zip(FLUXES, change.wanted, strict=True):
        other = strongest[flux] if change.other == RIVAL else change.other
        found = compare(daily[daily["flux"] == flux], (TAMRL, change.shots), (other, 0), change.metric, draws=2)
        if found.empty:
            return {}
        moved = float(found[change.statistic].iloc[0]) - 1
        good = moved >= want if change.metric == "r2" else moved <= want
        named = f" against {label_of(other)}" if other in RIVALS else ""
        digits = 0 if float(100 * want).is_integer() else 1
        row[flux] = f"{100 * moved:+.1f} %{named} ({word} {100 * want:+.{digits}f} %): {MET[bool(good)]}"
    return row


def _harmed(daily: pd.DataFrame) -> dict[str, str]:
    """Return the largest share of towers that support harms, over the numbers of shots."""
    few = sorted({int(s) for s in daily.loc[daily["model"] == TAMRL, "shots"].unique()} - {0})
    tables = [compare(daily, (TAMRL, shots), (TAMRL, 0), draws=2) for shots in few]
    tables = [table for table in tables if len(table)]
    if not tables:
        return {}
    table = pd.concat(tables).astype({"flux": str})
    row = {NAME: f"towers more than 10 % worse with support than without, at any shots {100 * HARMED:.0f} % or less"}
    for flux in FLUXES:
        here = table[table["flux"] == flux]
        worst = here.loc[here["shots"] == here["shots"].iloc[here["harmed"].to_numpy().argmax()]].iloc[0]
        row[flux] = f"{100 * worst['harmed']:.1f} % with {worst['shots']} days: {MET[bool(worst['harmed'] <= HARMED)]}"
    return row


def _years(scores: pd.DataFrame) -> dict[str, str]:
    """Return whether the differences between years are predicted better than by each rival, zero-shot."""
    years = scores[scores["scale"].astype(str) == "interannual"]
    tables = [compare(years, (TAMRL, 0), (name, 0), "r2", draws=2) for name in RIVALS]
    tables = [table for table in tables if len(table)]
    if not tables:
        return {}
    table = pd.concat(tables).astype({"flux": str})
    row = {NAME: "year-to-year differences, zero-shot R2 (median over towers) above the best rival"}
    for flux in FLUXES:
        here = table[table["flux"] == flux]
        if here.empty:
            row[flux] = "not scored"
            continue
        best = here.sort_values("baseline_median").iloc[-1]
        good = bool(best["model_median"] > best["baseline_median"])
        name = label_of(str(best["baseline"]))
        row[flux] = f"{best['model_median']:.2f} against {best['baseline_median']:.2f} of {name}: {MET[good]}"
    return row


def _coverage(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return ``flux, shots, site, coverage90``, the mean over placements on the days that count."""
    rows = intervals
    if "placement" in rows:
        rows = rows[counted(rows["placement"], rows["shots"])]
    return rows.groupby(["flux", "shots", "site"], observed=True)["coverage90"].mean().reset_index()


def _covered(intervals: pd.DataFrame) -> dict[str, str]:
    """Return what share of days the 90 % intervals cover, towers alike: lowest and highest over the shots."""
    by_shots = _coverage(intervals).groupby(["flux", "shots"], observed=True)["coverage90"].mean().unstack("flux")
    row = {NAME: f"90 % intervals cover {100 * COVERED[0]:.0f} to {100 * COVERED[1]:.0f} % of days (mean over towers)"}
    for flux in FLUXES:
        low, high = by_shots[flux].min(), by_shots[flux].max()
        good = bool(low >= COVERED[0] and high <= COVERED[1])
        row[flux] = f"{100 * low:.1f} to {100 * high:.1f} %: {MET[good]}"
    return row


def _covered_classes(intervals: pd.DataFrame, sites: pd.DataFrame) -> dict[str, str]:
    """Return the IGBP class of enough towers that the 90 % intervals cover least, over the shots."""
    label = sites.astype({"site": str, "igbp": str}).set_index("site")["igbp"]
    table = _coverage(intervals).astype({"site": str, "flux": str})
    table["igbp"] = table["site"].map(label)
    groups = table.groupby(["flux", "igbp", "shots"])["coverage90"].agg(["mean", "size"]).reset_index()
    groups = groups[groups["size"] >= CLASS_TOWERS]
    row = {
        NAME: f"90 % intervals cover {100 * COVERED_CLASS:.0f} % or more in every IGBP class of {CLASS_TOWERS} towers"
    }
    for flux in FLUXES:
        here = groups[groups["flux"] == flux].sort_values("mean")
        if here.empty:
            row[flux] = "no such class"
            continue
        least = here.iloc[0]
        good = bool(least["mean"] >= COVERED_CLASS)
        row[flux] = f"least {100 * least['mean']:.1f} % ({least['igbp']}, {least['shots']} days): {MET[good]}"
    return row


def best_published() -> dict[str, float]:
    """Return flux -> the highest zero-shot R2 that CarbonFluxBench published, whatever the model and the split."""
    models = [fluxes for split in published()["scores"].values() for fluxes in split.values()]
    return {flux: max(fluxes[flux][0] for fluxes in models) for flux in FLUXES}


def _published(daily: pd.DataFrame) -> dict[str, str]:
    """Return our zero-shot medians beside the best published ones, which are of another data set."""
    towers, best = tower_means(daily, ("r2",)), best_published()
    ours = towers[(towers["model"].astype(str) == TAMRL) & (towers["shots"] == 0)]
    row = {NAME: "zero-shot R2 above the best of CarbonFluxBench (published, another data set)"}
    for flux in FLUXES:
        median = float(np.nanmedian(ours.loc[ours["flux"].astype(str) == flux, "r2"]))
        row[flux] = f"{median:.3f} against {best[flux]:.3f}: {MET[median > best[flux]]}"
    return row
