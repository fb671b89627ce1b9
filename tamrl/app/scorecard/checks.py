"""Scorecard: ablations, and what others published."""

from typing import Any

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import ScorecardView, shots_choice
from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import chart
from tamrl.evaluation.results import METRICS
from tamrl.figures.scorecard import checks as figures
from tamrl.figures.scorecard import names
from tamrl.figures.style import unit_label
from tamrl.schema import FLUX_UNIT, FLUXES

UNIT = unit_label(FLUX_UNIT)
#: The full single member that the ablations are compared with.
WHOLE = "tamrl-1"
#: Which of our designs stands beside which published split.
_SPLITS = {
    "igbp": ("IGBP split", ("carbonfluxbench", "igbp")),
    "koeppen": ("Köppen split", ("carbonfluxbench-koeppen", "koeppen")),
}


def ablations(view: ScorecardView) -> None:
    """Draw what each part of the model is worth."""
    if not view.results.ablated:
        st.info(
            "These results were made without ablations. `python -m tamrl bench accuracy` runs them by default.",
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
        found = cache.standing(view.question(name="ablations"), view.keys, flux, team, (WHOLE, shots))
        parts[flux] = found.set_index("model")
    # One order for all fluxes: what harms the first one most is on top, the reference last.
    first = next(iter(parts.values()))
    order = list(first.sort_values("change", ascending=view.metric.best == "high", na_position="last").index)
    for column, flux in zip(st.columns(len(columns), gap="small"), columns, strict=True):
        parts[flux] = found = parts[flux].reindex(order).dropna(subset=["shots"]).reset_index()
        figure = figures.ablations(found, flux, view.metric, WHOLE, theme.current())
        chart(column, f"scorecard-ablations_{flux}", figure, _ablations_in_words(found, flux, view))
    origin = Origin(view.results.source(), view.results.simulated)
    components.footer(f"scorecard_ablations_{shots}", origin, lambda: pd.concat(parts, names=["flux"]))
    count = max((int(found["towers"].max()) for found in parts.values() if len(found)), default=0)
    st.caption(
        f"Daily values, five folds by land cover, {asked.statistic} with 95 % bootstrap intervals, at most {count} "
        "towers; orange is worse, green is better, grey is undetermined: the interval includes zero, or there is "
        f"none. One member each. {_verdict(parts)} In the table: {names.metric_label(view.metric)}, and its change."
    )
    table = pd.concat(parts, names=["flux"]).reset_index("flux")
    wide = table.pivot(index="model", columns="flux", values=["value", "change"]).reindex(columns=FLUXES, level=1)
    wide = wide.reindex(order)
    change = (1, True, " %") if view.metric.relative else (2, True, "")
    formats = [change if kind == "change" else (3, False, "") for kind, _ in wide.columns]
    wide.columns = [f"{flux} {view.metric.label if kind == 'value' else kind}" for kind, flux in wide.columns]
    wide.index.name = "Ablation"
    sizes.table(
        components.numbers(wide, dict(zip(wide, formats, strict=True))),
        key="ablation_table",
        placeholder="",
        alt="Ablations by flux",
        column_config={wide.index.name: st.column_config.TextColumn(width=190)},
    )


def _ablations_in_words(found: pd.DataFrame, flux: str, view: ScorecardView) -> str:
    """Return the changes of one flux in words."""
    rows = found[found["model"] != WHOLE]
    said = "; ".join(f"{r['model']} {names.change_text(r['change'], view.metric)}" for _, r in rows.iterrows())
    return f"Change of {flux} {view.metric.label} by ablation. {said}. {_verdict({flux: found})}"


def _verdict(parts: dict[str, pd.DataFrame]) -> str:
    """Return in words how many of the changes of the ablations are known in their sign."""
    rows = pd.concat(list(parts.values()))
    rows = rows[rows["model"] != WHOLE]
    known = int(names.clear(rows).sum())
    if not known:
        return "None of the changes can be distinguished from zero."
    return f"{known} of the {len(rows)} changes can be distinguished from zero."


def published(view: ScorecardView) -> None:
    """Draw what others published beside ours, marked as theirs."""
    content = cache.published()
    st.info(
        f"**Published values, different data set.** Hollow marks are figures that {content['name']} gives for its own "
        "towers, drivers and days. Filled marks are our zero-shot scores on our towers. Side by side they show "
        "whether magnitudes are similar; they do not rank models.",
        icon=":material/compare_arrows:",
    )
    table = pd.concat([_theirs(content), _ours(view)], ignore_index=True)
    for column, metric in zip(st.columns(2, gap="medium"), ("r2", "rmse"), strict=True):
        figure = figures.published(table, metric, theme.current())
        chart(
            column,
            f"scorecard-published_{metric}",
            figure,
            f"Published and our {METRICS[metric].label}, zero-shot. The table below has the numbers.",
        )
    origin = Origin(f"theirs: {content['source']}; ours: {view.results.source()}", view.results.simulated)
    shown = table.assign(model=[names.look(m).label for m in table["model"]])
    components.footer("scorecard_published", origin, lambda: shown.set_index("whose"))
    _published_table(shown)
    st.caption(f"Theirs: {content['method']}. Ours: {content['statistic']}, all valid days of a tower (NEE_QC ≥ 0.7).")


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
    formats = {c: (3 if c.startswith("R²") else 2, False, "") for c in wide} | {"Our towers (n)": (0, False, "")}
    sizes.table(
        components.numbers(wide.reset_index(), formats),
        hide_index=True,
        key="published_table",
        placeholder="",
        alt="Published scores beside ours",
        column_config={"split": "Split", "flux": "Flux", "model": "Model"},
    )


def _theirs(content: dict[str, Any]) -> pd.DataFrame:
    rows = [
        {"whose": "theirs", "split": _SPLITS[split][0], "model": model, "flux": flux, "r2": pair[0], "rmse": pair[1]}
        for split, models in content["scores"].items()
        for model, fluxes in models.items()
        for flux, pair in fluxes.items()
    ]
    return pd.DataFrame(rows)


def _ours(view: ScorecardView) -> pd.DataFrame:
    """Return our zero-shot medians of the models that were published, in the design nearest to their split."""
    rows = []
    for label, designs in _SPLITS.values():
        design = next((name for name in designs if name in view.results.designs), None)
        if design is None:
            continue
        found = {}
        for metric in ("r2", "rmse"):
            what = cache.question(view.results, design, "daily", metric, view.placement)
            found[metric] = cache.summary(what, view.keys, "xgboost", False).query("shots == 0")
        both = found["r2"].merge(found["rmse"], on=["flux", "model"], suffixes=("", "_rmse"))
        both = both[both["model"].isin(["tamrl", "ct-lstm", "xgboost"])]
        rows.append(
            pd.DataFrame(
                {
                    "whose": "ours",
                    "split": label,
                    "model": both["model"],
                    "flux": both["flux"],
                    "r2": both["value"],
                    "rmse": both["value_rmse"],
                    "towers": both["towers"],
                    "design": names.DESIGN_LABELS[design],
                }
            )
        )
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
