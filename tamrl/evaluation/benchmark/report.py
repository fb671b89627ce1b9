"""docs/benchmarks.md and its figures, from the results folder of the accuracy benchmark.

The parts between the markers are written by the command; what was tried, when the folds were looked at, and
other measurements stand outside them and are written by hand.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.document import write_between
from tamrl.evaluation.benchmark.figures import draw
from tamrl.evaluation.benchmark.runs import ALONE, TAMRL
from tamrl.evaluation.benchmark.targets import RIVALS, against_targets
from tamrl.evaluation.labels import LABELS, in_order, label_of
from tamrl.evaluation.paired import HARM, against_baselines, compare
from tamrl.evaluation.statistics import across_towers, percentiles, tower_means
from tamrl.protocol.placements import counted
from tamrl.schema import FLUXES

DOCUMENT = "benchmarks.md"
BEGIN, END = "<!-- written by tamrl bench accuracy: begin -->", "<!-- written by tamrl bench accuracy: end -->"
MAIN, REFERENCE = "igbp", "xgboost"
HARMED_COLUMN = f"towers improved / harmed by {100 * HARM:.0f} %"
#: The rival that has the same labels.
SUPPORTED = "xgboost-support"
_DAYS = (
    "Rows of 0 shots: all valid days of a tower. Rows with support: the days outside the largest support, the mean "
    "over its three placements. The two sets of days differ, so rows of different shots are not compared here; the "
    "tables of support against none, and the learning curves, take both on the same days."
)


def write_report(tables: dict[str, pd.DataFrame], docs: Path) -> list[Path]:
    """Write the tables into ``docs/benchmarks.md``, between its markers, and the figures beside it.

    Args:
        tables: of a results folder.
        docs: folder of the documents.

    Returns:
        The files written.

    Raises:
        TamrlError: the document is there without the markers, so that writing would destroy it; or what its tables
            compare was not scored.
    """
    scores = tables["scores"]
    scored = set(scores.loc[scores["design"].astype(str) == MAIN, "model"].astype(str))
    if missing := [name for name in (TAMRL, REFERENCE) if name not in scored]:
        raise TamrlError(
            f"The document compares {TAMRL} with {REFERENCE} in the design {MAIN}; not scored: {', '.join(missing)}",
            "--docs",
            "Run these too, or leave --docs out: the results folder has the tables",
        )
    file = docs / DOCUMENT
    pictures = draw(tables, docs / "figures")
    body = "\n\n".join([*sections(tables), *(f"![{alt}](figures/{path.name})" for path, alt in pictures)])
    write_between(file, BEGIN, END, body, f"# Benchmarks\n\n{BEGIN}\n{END}\n")
    return [file, *(path for path, _ in pictures)]


def sections(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return the tables in Markdown, each under its heading."""
    scores = tables["scores"]
    main = scores[scores["design"].astype(str) == MAIN]
    daily = main[main["scale"].astype(str) == "daily"]
    covered = tables.get("intervals", pd.DataFrame())
    covered = covered[covered["design"].astype(str) == MAIN] if len(covered) else covered
    parts = ["### Targets", markdown(against_targets(main, tables["sites"], covered))]
    parts += ["### Zero-shot and few-shot, medians over towers", standings(daily), _DAYS]
    for name in [n for n in RIVALS if n in set(daily["model"].astype(str))]:
        parts += [f"### TAM-RL against {label_of(name)}, zero-shot", against(daily, 0, name, 0)]
    for shots in sorted(set(daily["shots"]) - {0}):
        parts += [f"### {shots} days of support against none", against(daily, shots, TAMRL, 0)]
        if (daily["model"].astype(str) == SUPPORTED).any():
            title = f"### {shots} days of support, TAM-RL against {label_of(SUPPORTED)}"
            parts += [title, against(daily, shots, SUPPORTED, shots)]
    parts += ["### By placement of the support, RMSE against zero-shot, paired", by_placement(daily)]
    parts += ["### Against each baseline, median R2, and RMSE paired", all_baselines(daily)]
    parts += ["### At other scales, zero-shot", scales(main)]
    parts += ["### Percentiles over towers, R2", spread(daily)]
    for by, title in (("igbp", "IGBP class"), ("koeppen", "Koeppen main class")):
        parts += [f"### Percentiles over towers by {title}, zero-shot R2", spread_by(daily, tables["sites"], by)]
        parts += [f"### Few-shot harm or help by {title}", by_class(daily, tables["sites"], by)]
    if len(covered):
        parts += ["### Intervals", intervals(covered)]
    others = [d for d in scores["design"].astype(str).unique() if d != MAIN]
    for design in others:
        chosen = scores[(scores["design"].astype(str) == design) & (scores["scale"].astype(str) == "daily")]
        parts += [f"### Design {design}", standings(chosen)]
    if len(tables.get("ablations", ())):
        parts += ["### Ablations, one member, paired RMSE against `tamrl-1`", ablations(tables["ablations"])]
    return parts


def markdown(rows: Iterable[dict[str, str]]) -> str:
    """Return rows as a Markdown table."""
    rows = list(rows)
    names = list(rows[0]) if rows else ["nothing scored"]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row[n] for n in names) + " |" for row in rows)])


def _percent(ratio: float) -> str:
    return "" if not np.isfinite(ratio) else f"{(ratio - 1) * 100:+.1f} %"


def shares(row: Mapping[str, float]) -> str:
    """Return the percentages of towers improved and harmed."""
    return f"{100 * row['improved']:.0f} % / {100 * row['harmed']:.0f} %"


def _in_order(fluxes: pd.Series) -> pd.Series:
    return fluxes.astype(str).map(FLUXES.index)


def _shots(daily: pd.DataFrame) -> list[int]:
    return sorted({int(s) for s in daily["shots"].unique()})


def standings(daily: pd.DataFrame) -> str:
    """Return medians over towers of R2 and RMSE for every model and number of shots."""
    towers = tower_means(daily, ("r2", "rmse"))
    rows = []
    for shots in _shots(daily):
        here = towers[towers["shots"] == shots]
        names = in_order(here["model"].astype(str).unique().tolist())
        for name in names:
            row, of_model = {"shots": str(shots), "model": label_of(name)}, here[here["model"].astype(str) == name]
            row["towers"] = str(of_model["site"].nunique())
            for flux in FLUXES:
                x = of_model[of_model["flux"].astype(str) == flux]
                row[f"{flux} R2"], row[f"{flux} RMSE"] = f"{x['r2'].median():.3f}", f"{x['rmse'].median():.3f}"
            rows.append(row)
    return markdown(rows)


def against(daily: pd.DataFrame, shots: int, baseline: str, baseline_shots: int) -> str:
    """Return how TAM-RL compares with a baseline on the same towers and days."""
    found = compare(daily, (TAMRL, shots), (baseline, baseline_shots))
    skill = compare(daily, (TAMRL, shots), (baseline, baseline_shots), "r2").set_index("flux")
    rows = []
    for row in found.sort_values("flux", key=_in_order).to_dict("records"):
        r2 = skill.loc[row["flux"]]
        gain = (r2["model_median"] / r2["baseline_median"] - 1) * 100 if r2["baseline_median"] > 0 else np.nan
        rows.append(
            {
                "flux": str(row["flux"]),
                "towers": str(row["towers"]),
                "RMSE, ratio of medians": _percent(row["ratio"]),
                "95 %": f"{_percent(row['ratio_low'])} to {_percent(row['ratio_high'])}",
                "RMSE, paired": _percent(row["paired"]),
                "95 % ": f"{_percent(row['paired_low'])} to {_percent(row['paired_high'])}",
                "Wilcoxon p": f"{row['p']:.1e}",
                "better / same / worse": f"{row['wins']} / {row['ties']} / {row['losses']}",
                HARMED_COLUMN: shares(row),
                "median R2": f"{r2['baseline_median']:.3f} → {r2['model_median']:.3f} ({gain:+.0f} %)",
            }
        )
    return markdown(rows)


def by_placement(daily: pd.DataFrame) -> str:
    """Return the paired change of RMSE by support for each placement, and the towers improved and harmed."""
    rows = []
    for placement, group in daily.groupby("placement", observed=True):
        for shots in [s for s in _shots(group) if s]:
            found = compare(group, (TAMRL, shots), (TAMRL, 0), draws=2)
            row = {"placement": str(placement), "shots": str(shots)} | dict.fromkeys(FLUXES, "")
            texts = {str(r["flux"]): f"{_percent(r['paired'])} ({shares(r)})" for r in found.to_dict("records")}
            rows += [row | texts] if texts else []
    return markdown(rows)


def all_baselines(daily: pd.DataFrame) -> str:
    """Return median R2 of TAM-RL and of each baseline on the same towers, and paired RMSE, at each number of shots."""
    rows: dict[tuple[int, str], dict[str, str]] = {}
    both = against_baselines(daily, TAMRL, ("r2", "rmse"), draws=2)
    both = both[both["baseline"].isin(set(LABELS) - {TAMRL})]
    errors = both[both["metric"] == "rmse"].set_index(["baseline", "shots", "flux"])
    for r in both[both["metric"] == "r2"].to_dict("records"):
        name, shots = str(r["baseline"]), int(r["shots"])
        empty = {"shots": str(shots), "TAM-RL / baseline": label_of(name), **dict.fromkeys(FLUXES, "")}
        row = rows.setdefault((shots, name), empty)
        behind = " **below**" if r["model_median"] < r["baseline_median"] else ""
        error = errors.loc[(r["baseline"], r["shots"], r["flux"])]
        medians = f"{r['model_median']:.3f} / {r['baseline_median']:.3f} (p {r['p']:.0e}){behind}"
        row[str(r["flux"])] = f"{medians}; {_percent(error['paired'])} ({shares(error)})"
    order = list(LABELS)
    return markdown(rows[key] for key in sorted(rows, key=lambda key: (key[0], order.index(key[1]))))


def scales(main: pd.DataFrame) -> str:
    """Return zero-shot RMSE and R2 at each scale, against the rivals without labels."""
    known = [name for name in RIVALS if name in set(main["model"].astype(str))]
    return markdown(row for name in known for row in _scales(main, name))


def _scales(main: pd.DataFrame, rival: str) -> list[dict[str, str]]:
    """Return a row a scale: paired RMSE, median R2 of both, and the towers improved and harmed."""
    zero = main[(main["shots"] == 0) & main["model"].astype(str).isin([TAMRL, rival])]
    rows = []
    for scale in zero["scale"].astype(str).unique():
        if scale == "site-mean":
            continue
        here = zero[zero["scale"].astype(str) == scale]
        found = compare(here, (TAMRL, 0), (rival, 0), draws=2)
        if found.empty:
            continue
        skill = compare(here, (TAMRL, 0), (rival, 0), "r2", draws=2).set_index("flux")
        row = {"scale": scale, "against": label_of(rival), "towers": str(found["towers"].max())}
        row |= dict.fromkeys(FLUXES, "")
        for r in found.to_dict("records"):
            r2 = skill.loc[r["flux"]]
            medians = f"R2 {r2['baseline_median']:.2f} → {r2['model_median']:.2f}"
            row[str(r["flux"])] = f"{_percent(r['paired'])} ({medians}; {shares(r)})"
        rows.append(row)
    table = across_towers(zero)
    row = {"scale": "site means, over towers", "against": label_of(rival), "towers": str(int(table["n"].max()))}
    for flux in FLUXES:
        pair = table[table["flux"].astype(str) == flux].astype({"model": str}).set_index("model")
        change = pair.loc[TAMRL, "rmse"] / pair.loc[rival, "rmse"]
        row[flux] = f"{_percent(change)} (R2 {pair.loc[rival, 'r2']:.2f} → {pair.loc[TAMRL, 'r2']:.2f})"
    return [*rows, row]


def spread(daily: pd.DataFrame) -> str:
    """Return percentiles over towers of R2, with the interval of the median."""
    chosen = daily[daily["model"].astype(str).isin([TAMRL, REFERENCE])]
    rows = []
    for r in percentiles(chosen, ("r2",)).to_dict("records"):
        rows.append(
            {"model": label_of(str(r["model"])), "shots": str(r["shots"]), "flux": str(r["flux"])}
            | {f"{p} %": f"{r[f'p{p}']:.2f}" for p in (10, 25, 50, 75, 90)}
            | {"95 % of the median": f"{r['low']:.2f} to {r['high']:.2f}"}
        )
    return markdown(rows)


def spread_by(daily: pd.DataFrame, sites: pd.DataFrame, by: str) -> str:
    """Return percentiles over the towers of each class of zero-shot R2."""
    chosen = daily[daily["model"].astype(str).isin([TAMRL, REFERENCE]) & (daily["shots"] == 0)]
    found = percentiles(chosen, ("r2",), sites, by)
    return markdown(
        {"class": str(r[by]), "towers": str(r["towers"]), "flux": str(r["flux"]), "model": label_of(str(r["model"]))}
        | {f"{p} %": f"{r[f'p{p}']:.2f}" for p in (10, 25, 50, 75, 90)}
        | {"95 % of the median": "" if np.isnan(r["low"]) else f"{r['low']:.2f} to {r['high']:.2f}"}
        for r in found.assign(order=_in_order(found["flux"])).sort_values([by, "order", "model"]).to_dict("records")
    )


def by_class(daily: pd.DataFrame, sites: pd.DataFrame, by: str) -> str:
    """Return the paired change of RMSE by support in each class, and the towers improved and harmed.

    Marked is where a class is worse with Wilcoxon's p below 0.05.
    """
    sites = sites.assign(koeppen=sites["koeppen"].astype(str).str[0], igbp=sites["igbp"].astype(str))
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for shots in [s for s in _shots(daily) if s]:
        for r in compare(daily, (TAMRL, shots), (TAMRL, 0), classes=sites, by=by, draws=2).to_dict("records"):
            mark = " **worse**" if r["paired"] > 1 and r["p"] < 0.05 else ""
            row = rows.setdefault((str(r[by]), shots), {"class": str(r[by]), "shots": str(shots), "towers": ""})
            row["towers"] = str(max(int(row["towers"] or 0), r["towers"]))
            row[str(r["flux"])] = f"{_percent(r['paired'])} ({shares(r)}){mark}"
    ordered = [rows[key] | {f: rows[key].get(f, "") for f in FLUXES} for key in sorted(rows)]
    return markdown(ordered)


def intervals(table: pd.DataFrame) -> str:
    """Return how many held-out days the intervals cover, each tower counting the same, and how sharp they are."""
    rows = []
    table = table[counted(table["placement"], table["shots"])]
    for (shots, flux), group in table.groupby(["shots", "flux"], observed=True):
        mean = group.groupby("site", observed=True)[
            ["coverage50", "coverage90", "width90", "crps", "spread", "rmse"]
        ].mean()
        m = mean.mean()
        rows.append(
            {
                "shots": str(shots),
                "flux": str(flux),
                "towers": str(len(mean)),
                "50 % covers": f"{m['coverage50'] * 100:.1f} %",
                "90 % covers": f"{m['coverage90'] * 100:.1f} %",
                "width of 90 %": f"{m['width90']:.2f}",
                "CRPS": f"{m['crps']:.3f}",
                "spread / RMSE": f"{np.sqrt((group['spread'] ** 2).mean() / (group['rmse'] ** 2).mean()):.2f}",
            }
        )
    return markdown(rows)


def ablations(table: pd.DataFrame) -> str:
    """Return the paired change of RMSE of each ablation against the single member."""
    rows = []
    for name in [n for n in table["model"].astype(str).unique() if n != ALONE]:
        for shots in _shots(table[table["model"].astype(str) == name]):
            found = compare(table, (name, shots), (ALONE, shots), draws=2)
            row = {"ablation": name, "shots": str(shots), "towers": str(found["towers"].max())}
            texts = {
                str(r["flux"]): f"{_percent(r['paired'])} (p {r['p']:.0e}; {shares(r)})"
                for r in found.to_dict("records")
            }
            rows.append(row | texts)
    return markdown(rows)
