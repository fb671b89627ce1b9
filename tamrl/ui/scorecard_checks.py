"""Scorecard: calibration of intervals, ablations, and what others published."""

import pandas as pd
import streamlit as st

from tamrl.figures import scorecard_checks as figures
from tamrl.figures import scorecard_names as names
from tamrl.figures.style import unit_label
from tamrl.placements import counted
from tamrl.schema import FLUX_UNIT, FLUXES, IGBP
from tamrl.scorecard import METRICS
from tamrl.ui import components, scorecard_cache, theme
from tamrl.ui.components import Origin
from tamrl.ui.scorecard import View, legend, shots_choice
from tamrl.ui.scorecard import chart as draw

UNIT = unit_label(FLUX_UNIT)
#: The full single member that the ablations are compared with.
WHOLE = "tamrl-1"
_NUMBERS = ["coverage50", "coverage90", "width50", "width90", "crps", "spread", "rmse"]
#: Which of our designs stands beside which published split.
_SPLITS = {"igbp": ("IGBP split", ("carbonfluxbench", "igbp")), "koeppen": ("Köppen split", ("koeppen",))}


def intervals(view: View) -> None:
    """Draw how well the intervals hold what they say."""
    table = scorecard_cache.table(view.results, "intervals")
    keep = (table["design"] == view.design) & (table["model"] == "tamrl") & table["site"].isin(view.keys)
    if view.placement != "mean":
        keep &= table["placement"] == view.placement
    rows = table[keep]
    rows = rows[counted(rows["placement"], rows["shots"])].astype({"site": str, "flux": str, "shots": int})
    if rows.empty:
        st.info("There are no intervals of these towers.", icon=":material/info:")
        return
    towers = rows.groupby(["flux", "shots", "site"], as_index=False)[_NUMBERS].mean()
    st.markdown("**Do 50 % and 90 % intervals hold 50 % and 90 % of the days?**")
    stats = _coverage(towers)
    tint = names.look("tamrl").colour(theme.current())
    legend([("●", tint, "90 % intervals"), ("◇", tint, "50 % intervals")], "Points")
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        chart = figures.coverage(stats[stats["flux"] == flux], flux, theme.current())
        draw(column, f"coverage_{flux}", chart, f"Share of days of {flux} inside the intervals.")
    components.footer("scorecard_coverage", view.origin, lambda: stats.set_index("flux"))
    st.caption(
        "TAM-RL. Points are means over towers, lines reach to their quartiles; dashed: what was promised; shaded: 88 "
        "to 92 %. Zero-shot: all valid days; with labels: the days outside them. In the table the shares of days are "
        "means over towers, the other columns medians."
    )
    _calibration_table(stats)
    st.divider()
    _spread_skill(view, towers)


def _coverage(towers: pd.DataFrame) -> pd.DataFrame:
    """Return medians over towers by flux and shots; of both coverages the mean, with quartiles.

    What an interval promises is a share of all days, and that is the mean: half of the towers are always above the
    median, and it is above the promise where a few towers are missed by far.
    """
    groups = towers.groupby(["flux", "shots"])
    table = groups[_NUMBERS].median()
    for level in ("coverage50", "coverage90"):
        table[level] = groups[level].mean()
        table[f"{level}_low"], table[f"{level}_high"] = groups[level].quantile(0.25), groups[level].quantile(0.75)
    table["towers"] = groups.size()
    return table.reset_index()


def _calibration_table(stats: pd.DataFrame) -> None:
    shown = stats[["flux", "shots", "towers", "coverage50", "coverage90", "width90", "crps", "spread", "rmse"]]
    shown = shown.sort_values(["flux", "shots"], key=lambda c: c.map({f: i for i, f in enumerate(FLUXES)}.get)
                              if c.name == "flux" else c)  # fmt: skip
    shown = shown.assign(coverage50=100 * shown["coverage50"], coverage90=100 * shown["coverage90"])
    number, share = st.column_config.NumberColumn, {"format": "%.1f %%"}
    st.dataframe(
        shown, hide_index=True, key="calibration", alt="Coverage, width, CRPS and spread by flux and days of labels",
        column_config={
            "flux": "Flux", "shots": "Days of labels", "towers": "Towers (n)",
            "coverage50": number("In 50 %", **share), "coverage90": number("In 90 %", **share),
            "width90": number(f"Width of 90 % [{UNIT}]", format="%.2f"),
            "crps": number(f"CRPS [{UNIT}]", format="%.3f"),
            "spread": number(f"Spread [{UNIT}]", format="%.2f"), "rmse": number(f"RMSE [{UNIT}]", format="%.2f"),
        },
    )  # fmt: skip


def _spread_skill(view: View, towers: pd.DataFrame) -> None:
    left, right = st.columns([1.4, 1], vertical_alignment="bottom")
    left.markdown("**Does a larger spread mean a larger error?** · by land cover")
    with right:
        shots = shots_choice(sorted(towers["shots"].unique()))
    chosen = towers[towers["shots"] == shots]
    chosen = chosen.assign(**{"class": view.sites["igbp"].reindex(chosen["site"]).to_numpy()})
    groups = chosen.groupby(["flux", "class"])
    table = groups[["spread", "rmse", "coverage90"]].median().assign(towers=groups.size()).reset_index()
    components.class_legend(view.sites.loc[chosen["site"].unique()])
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        chart = figures.spread_skill(table[table["flux"] == flux], flux, IGBP, theme.current())
        draw(column, f"spread_{flux}", chart, f"RMSE against spread of {flux} by land cover.")
    components.footer(f"scorecard_spread_{shots}", view.origin, lambda: table.set_index("flux"))
    st.caption(
        "Medians over the towers of a class; larger points have more towers. Below the dashed line the spread is too "
        "wide, above it too narrow."
    )


def ablations(view: View) -> None:
    """Draw what each part of the model is worth."""
    if not view.results.ablated:
        st.info(
            "These results were made without ablations. `python -m tamrl bench accuracy` runs them unless told not to.",
            icon=":material/info:",
        )
        return
    asked = view.asked(name="ablations")
    columns = {flux: asked.columns(flux) for flux in asked.fluxes}
    options = sorted({s for known in columns.values() for _, s in known})
    if not options:
        st.info("These towers were not scored in the ablations.", icon=":material/info:")
        return
    st.markdown("**What each part is worth**: change against the full model with one member, when it is left out")
    shots = shots_choice(options)
    parts = {}
    for flux in columns:
        team = tuple(c for c in columns[flux] if c[1] == shots)
        found = scorecard_cache.standing(view.question(name="ablations"), view.keys, flux, team, (WHOLE, shots))
        parts[flux] = found.set_index("model")
    # One order for all fluxes: what harms the first one most is on top, the reference last.
    first = next(iter(parts.values()))
    order = list(first.sort_values("change", ascending=view.metric.best == "high", na_position="last").index)
    for column, flux in zip(st.columns(len(columns), gap="small"), columns, strict=True):
        parts[flux] = found = parts[flux].reindex(order).dropna(subset=["shots"]).reset_index()
        chart = figures.ablations(found, flux, view.metric, WHOLE, theme.current())
        draw(column, f"ablations_{flux}", chart, f"Change of {flux} {view.metric.label} by ablation.")
    origin = Origin(view.results.source(), view.results.simulated)
    components.footer(f"scorecard_ablations_{shots}", origin, lambda: pd.concat(parts, names=["flux"]))
    count = max((int(found["towers"].max()) for found in parts.values() if len(found)), default=0)
    st.caption(
        f"Daily values, five folds by land cover, {asked.statistic} with 95 % bootstrap intervals, at most {count} "
        "towers; orange is worse, green is better."
    )
    table = pd.concat(parts, names=["flux"]).reset_index("flux")
    wide = table.pivot(index="model", columns="flux", values=["value", "change"]).reindex(columns=FLUXES, level=1)
    wide = wide.reindex(order)
    labels = {"value": view.metric.label, "change": "change"}
    wide.columns = [f"{flux} {labels[kind]}" for kind, flux in wide.columns]
    formats = {c: st.column_config.NumberColumn(format="%.3f" if "change" not in c else "%+.2f") for c in wide}
    wide.index.name = "ablation"
    st.dataframe(wide, key="ablation_table", column_config=formats, placeholder="", alt="Ablations by flux")


def published(view: View) -> None:
    """Draw what others published beside ours, marked as theirs."""
    content = scorecard_cache.published()
    st.info(
        f"**Theirs, on another data set.** Hollow marks are figures that {content['name']} published for its own "
        "towers, drivers and days. Filled marks are our zero-shot scores on our towers. Beside each other they say "
        "whether sizes are alike; they do not rank models.", icon=":material/compare_arrows:",
    )  # fmt: skip
    table = pd.concat([_theirs(content), _ours(view)], ignore_index=True)
    for column, metric in zip(st.columns(2, gap="medium"), ("r2", "rmse"), strict=True):
        chart = figures.published(table, metric, theme.current())
        draw(column, f"published_{metric}", chart, f"Published and our {METRICS[metric].label}, zero-shot.")
    origin = Origin(f"theirs: {content['source']}; ours: {view.results.source()}", view.results.simulated)
    shown = table.assign(model=[names.look(m).label for m in table["model"]])
    components.footer("scorecard_published", origin, lambda: shown.set_index("whose"))
    _published_table(shown)
    st.caption(
        f"Theirs: {content['method']}. Ours: {content['statistic']}, all valid days of a tower (QC of at least 0.7)."
    )


def _published_table(shown: pd.DataFrame) -> None:
    """Draw theirs and ours in columns beside each other."""
    keys = ["split", "flux", "model"]
    sides = {whose: rows.set_index(keys)[["r2", "rmse"]] for whose, rows in shown.groupby("whose", sort=False)}
    wide = pd.concat(sides, axis="columns").swaplevel(axis="columns")
    wide = wide[[(metric, whose) for metric in ("r2", "rmse") for whose in sides]]
    wide.columns = [f"{METRICS[metric].label}, {whose}" for metric, whose in wide.columns]
    ours = shown[shown["whose"] == "ours"]
    if len(ours):
        wide["Our towers (n)"] = ours.set_index(keys)["towers"]
    formats = {c: st.column_config.NumberColumn(format="%.3f" if c.startswith("R²") else "%.2f") for c in wide}
    formats |= {"Our towers (n)": st.column_config.NumberColumn(format="%d"), "split": "Split", "flux": "Flux"}
    st.dataframe(
        wide.reset_index(), hide_index=True, key="published_table", placeholder="", alt="Published scores beside ours",
        column_config=formats | {"model": "Model"},
    )  # fmt: skip


def _theirs(content: dict) -> pd.DataFrame:
    rows = [
        {"whose": "theirs", "split": _SPLITS[split][0], "model": model, "flux": flux, "r2": pair[0], "rmse": pair[1]}
        for split, models in content["scores"].items()
        for model, fluxes in models.items()
        for flux, pair in fluxes.items()
    ]
    return pd.DataFrame(rows)


def _ours(view: View) -> pd.DataFrame:
    """Return our zero-shot medians of the models that were published, in the design nearest to their split."""
    rows = []
    for label, designs in _SPLITS.values():
        design = next((name for name in designs if name in view.results.designs), None)
        found = {}
        for metric in ("r2", "rmse") if design else ():
            what = scorecard_cache.question(view.results, design, "daily", metric, view.placement)
            found[metric] = scorecard_cache.summary(what, view.keys, "xgboost", False).query("shots == 0")
        if not found:
            continue
        both = found["r2"].merge(found["rmse"], on=["flux", "model"], suffixes=("", "_rmse"))
        both = both[both["model"].isin(["tamrl", "ct-lstm", "xgboost"])]
        rows.append(
            pd.DataFrame(
                {
                    "whose": "ours", "split": label, "model": both["model"], "flux": both["flux"], "r2": both["value"],
                    "rmse": both["value_rmse"], "towers": both["towers"], "design": names.DESIGN_LABELS[design],
                }
            )
        )  # fmt: skip
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
