"""Scorecard: whether intervals hold what they say, over all towers and in each class of them."""

from typing import Any

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import FIRST_SHOTS, ScorecardView, shots_choice
from tamrl.app.shared import components, sizes, theme
from tamrl.app.shared.widgets import chart, choice, legend, pick, tell
from tamrl.evaluation.coverage import NUMBERS, class_coverage, coverage
from tamrl.figures.scorecard import checks as figures
from tamrl.figures.scorecard import names
from tamrl.figures.style import unit_label
from tamrl.protocol.placements import counted
from tamrl.schema import FLUX_UNIT, FLUXES, IGBP

UNIT = unit_label(FLUX_UNIT)


def show(view: ScorecardView) -> None:
    """Draw how well the intervals hold what they say."""
    table = cache.table(view.results, "intervals")
    keep = (table["design"] == view.design) & (table["model"] == "tamrl") & table["site"].isin(view.keys)
    if view.placement != "mean":
        keep &= table["placement"] == view.placement
    rows = table[keep]
    rows = rows[counted(rows["placement"], rows["shots"])].astype({"site": str, "flux": str, "shots": int})
    if rows.empty:
        tell(
            "There are no intervals for these towers. Choose other towers, or another cross-validation scheme or "
            "placement under Protocol."
        )
        return
    towers = rows.groupby(["flux", "shots", "site"], as_index=False)[NUMBERS].mean()
    st.markdown("**Empirical coverage of the 50 % and 90 % prediction intervals**")
    stats = coverage(towers)
    tint = names.look("tamrl").colour(theme.current())
    legend([("●", tint, "90 % intervals"), ("◇", tint, "50 % intervals")], "Points")
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        figure = figures.coverage(stats[stats["flux"] == flux], flux, theme.current())
        chart(column, f"scorecard-coverage_{flux}", figure, _coverage_in_words(stats, flux))
    components.footer("scorecard_coverage", view.origin, lambda: stats.set_index("flux"))
    st.caption(
        "TAM-RL. Points are means over towers, lines reach to their quartiles; dashed: nominal coverage; shaded: 88 "
        "to 92 %. Zero-shot: all valid days; with labels: the days outside them. In the table the shares of days are "
        "means over towers, the other columns medians."
    )
    _calibration_table(stats)
    st.divider()
    _by_class(view, towers)
    st.divider()
    _spread_skill(view, towers)


def _coverage_in_words(stats: pd.DataFrame, flux: str) -> str:
    mine = stats[stats["flux"] == flux]
    texts = (
        f"{names.shots_label(r['shots'])} {100 * r['coverage90']:.0f} %, {100 * r['coverage50']:.0f} %"
        for _, r in mine.iterrows()
    )
    return f"Share of days of {flux} inside the intervals. In those of 90 % and of 50 %: {'; '.join(texts)}."


def _calibration_table(stats: pd.DataFrame) -> None:
    shown = stats[["flux", "shots", "towers", "coverage50", "coverage90", "width90", "crps", "spread", "rmse"]]
    shown = shown.sort_values(
        ["flux", "shots"], key=lambda c: c.map({f: i for i, f in enumerate(FLUXES)}.get) if c.name == "flux" else c
    )
    shown = shown.assign(coverage50=100 * shown["coverage50"], coverage90=100 * shown["coverage90"])
    number = st.column_config.NumberColumn
    share: dict[str, Any] = {"format": "%.1f %%"}
    sizes.table(
        shown,
        hide_index=True,
        key="calibration",
        alt="Coverage, width, CRPS and spread by flux and days of labels",
        column_config={
            "flux": "Flux",
            "shots": "Days of labels",
            "towers": "Towers (n)",
            "coverage50": number("In 50 %", **share),
            "coverage90": number("In 90 %", **share),
            "width90": number(f"Width of 90 % [{UNIT}]", format="%.2f"),
            "crps": number(f"CRPS [{UNIT}]", format="%.3f"),
            "spread": number(f"Spread [{UNIT}]", format="%.2f"),
            "rmse": number(f"RMSE [{UNIT}]", format="%.2f"),
        },
    )


def _by_class(view: ScorecardView, towers: pd.DataFrame) -> None:
    """Draw in which classes of towers the intervals hold what they say: a mean over all may hide both faults."""
    st.markdown("**Is the coverage the same everywhere?** · 90 % intervals by class of towers")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        texts = {"igbp": "Land cover", "climate": "Climate", "network": "Network"}
        by = pick("Towers by", "by", list(texts), "igbp", texts.get)
        shots = shots_choice(sorted(towers["shots"].unique()))
    chosen = towers[towers["shots"] == shots]
    table = class_coverage(chosen, view.sites[by])
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        mine = table[table["flux"] == flux]
        outside = [
            r["class"]
            for _, r in mine.iterrows()
            if not figures.TARGET_90[0] <= r["coverage90"] <= figures.TARGET_90[1]
        ]
        words = (
            f"Share of days of {flux} inside the 90 % intervals, {names.shots_label(shots)}, by class of towers. "
            f"Outside 88 to 92 %: {', '.join(outside) or 'none'}."
        )
        chart(
            column,
            f"scorecard-coverage_by_{by}_{flux}_{shots}",
            figures.class_coverage(mine, flux, {}, theme.current()),
            words,
        )
    components.footer(f"scorecard_coverage_{by}_{shots}", view.origin, lambda: table.set_index("flux"))
    st.caption(
        "Means over the towers of a class, lines reach to their quartiles; in brackets the number of towers. Diamonds: "
        "outside 88 to 92 %. Left of the dashed line the intervals are too narrow there, right of it too wide."
    )


def _spread_skill(view: ScorecardView, towers: pd.DataFrame) -> None:
    left, right = st.columns([1.4, 1], vertical_alignment="bottom")
    left.markdown("**Does a larger spread mean a larger error?** · by land cover")
    shots = int(choice("shots", sorted(int(s) for s in towers["shots"].unique()), FIRST_SHOTS))
    right.caption(f"{names.shots_label(shots).capitalize()}, as chosen above")
    chosen = towers[towers["shots"] == shots]
    chosen = chosen.assign(**{"class": view.sites["igbp"].reindex(chosen["site"]).to_numpy()})
    groups = chosen.groupby(["flux", "class"])
    table = groups[["spread", "rmse", "coverage90"]].median().assign(towers=groups.size()).reset_index()
    components.class_legend(view.sites.loc[chosen["site"].unique()], signs=True)
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        figure = figures.spread_skill(table[table["flux"] == flux], flux, IGBP, theme.current())
        chart(column, f"scorecard-spread_{flux}", figure, _spread_in_words(table[table["flux"] == flux], flux))
    components.footer(f"scorecard_spread_{shots}", view.origin, lambda: table.set_index("flux"))
    st.caption(
        "Medians over the towers of a class; larger points have more towers. Below the dashed line the spread is too "
        "wide, above it too narrow."
    )


def _spread_in_words(table: pd.DataFrame, flux: str) -> str:
    said = "; ".join(f"{r['class']} {r['spread']:.2f}, {r['rmse']:.2f}" for _, r in table.iterrows())
    return f"RMSE against spread of {flux} by land cover. Spread and RMSE in {UNIT}: {said}."
