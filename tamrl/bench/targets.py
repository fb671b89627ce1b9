"""What the project set out to reach on held-out towers, beside what a results folder measures."""

import pandas as pd

from tamrl.bench.units import TAMRL
from tamrl.schema import FLUXES
from tamrl.statistics import against_baselines, compare

#: (what, metric, shots, compared with, its shots) -> wanted change of the median over towers of GPP, RECO and NEE.
CHANGES = {
    ("zero-shot RMSE against XGBoost", "rmse", 0, "xgboost", 0): (-0.15, -0.12, -0.10),
    ("zero-shot R2 against XGBoost", "r2", 0, "xgboost", 0): (0.30, 0.30, 0.44),
    ("RMSE with 30 days against none", "rmse", 30, TAMRL, 0): (-0.08, -0.12, -0.17),
    ("RMSE with 365 days against none", "rmse", 365, TAMRL, 0): (-0.26, -0.23, -0.27),
}
#: Share of held-out days that 90 % intervals should cover.
COVERED = (0.87, 0.93)
#: A class of towers is harmed where few-shot is worse in pairs with Wilcoxon's p below this.
SIGNIFICANT = 0.05
MET = {True: "met", False: "**not met**"}


def harmed(daily: pd.DataFrame, sites: pd.DataFrame, by: str) -> list[str]:
    """Return the classes, shots and fluxes at which few-shot TAM-RL is significantly worse than zero-shot."""
    found = []
    for shots in sorted({int(s) for s in daily["shots"].unique()} - {0}):
        table = compare(daily, (TAMRL, shots), (TAMRL, 0), classes=sites, by=by, draws=2)
        worse = table[(table["paired"] > 1) & (table["p"] < SIGNIFICANT)]
        found += [f"{r[by]}, {shots} days, {r['flux']} (n {r['towers']})" for r in worse.to_dict("records")]
    return found


def against_targets(daily: pd.DataFrame, sites: pd.DataFrame, intervals: pd.DataFrame) -> list[dict[str, str]]:
    """Return one row a target: what was wanted, what was measured, and whether it was met.

    Args:
        daily: scores of one design at the daily scale.
        sites: table of towers.
        intervals: of the same design; empty where no interval was scored.
    """
    rows = []
    for (what, metric, shots, other, other_shots), wanted in CHANGES.items():
        found = compare(daily, (TAMRL, shots), (other, other_shots), metric, draws=2)
        if found.empty:
            continue
        ratio = found.astype({"flux": str}).set_index("flux")["ratio"] - 1
        sign = 1 if metric == "r2" else -1
        row = {"target (medians over towers)": what}
        for flux, want in zip(FLUXES, wanted, strict=True):
            good = bool(sign * ratio[flux] >= sign * want)
            row[flux] = f"{100 * ratio[flux]:+.1f} % (wanted {100 * want:+.0f} %): {MET[good]}"
        rows.append(row)
    rows.append(_behind(daily))
    for by, name in (("igbp", "IGBP"), ("koeppen", "Koeppen")):
        worse = harmed(daily, sites, by)
        row = {"target (medians over towers)": f"few-shot not significantly worse than zero-shot in any {name} class"}
        for flux in FLUXES:
            here = [w.replace(f", {flux}", "") for w in worse if f", {flux}" in w]
            row[flux] = f"{MET[not here]}" + (f": {'; '.join(here)}" if here else "")
        rows.append(row)
    if len(intervals):
        rows.append(_covered(intervals))
    return rows


def _behind(daily: pd.DataFrame) -> dict[str, str]:
    """Return where a baseline's median R2 is above TAM-RL's."""
    table = against_baselines(daily, TAMRL, ("r2",), draws=2).astype({"flux": str, "baseline": str})
    table = table[table["baseline"] != TAMRL]
    row = {"target (medians over towers)": "R2 at or above each baseline at every number of shots"}
    for flux in FLUXES:
        here = table[table["flux"] == flux]
        above = here[here["model_median"] < here["baseline_median"]]
        texts = [f"{r['baseline']} with {r['shots']} days" for r in above.to_dict("records")]
        row[flux] = MET[not texts] + (f": {'; '.join(texts)}" if texts else "")
    return row


def _covered(intervals: pd.DataFrame) -> dict[str, str]:
    """Return what share of days the 90 % intervals cover, towers alike: lowest and highest over the shots."""
    mean = intervals.groupby(["flux", "shots", "site"], observed=True)["coverage90"].mean()
    by_shots = mean.groupby(["flux", "shots"], observed=True).mean().unstack("flux")
    row = {"target (medians over towers)": "90 % intervals cover 87 to 93 % of days (mean over towers)"}
    for flux in FLUXES:
        low, high = by_shots[flux].min(), by_shots[flux].max()
        good = bool(low >= COVERED[0] and high <= COVERED[1])
        row[flux] = f"{100 * low:.1f} to {100 * high:.1f} %: {MET[good]}"
    return row
