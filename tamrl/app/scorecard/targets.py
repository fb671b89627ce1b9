"""Scorecard: what the project set out to reach and what the paper claims, beside what was measured."""

import re

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import ScorecardView
from tamrl.app.shared import components
from tamrl.app.shared.components import Origin
from tamrl.evaluation.benchmark.targets import NAME, TAMRL, verdict
from tamrl.schema import FLUXES

#: The design that targets are set for: folds by tower, stratified by land cover.
DESIGN = "igbp"
_MARKS = {True: ":material/check: met", False: ":material/close: **not met**"}
_HYPHEN = re.compile(r"(?<![\w)])-(?=\d)")


def show(view: ScorecardView) -> None:
    """Draw the tables of targets and of claims; they are of all towers, whatever the filters say."""
    scores = cache.table(view.results, "scores")
    if DESIGN not in view.results.designs or TAMRL not in set(scores["model"]):
        st.info(
            "Targets are set for TAM-RL in five folds by land cover, which these results do not have.",
            icon=":material/info:",
        )
        return
    targets, claims = cache.targets(view.results)
    with st.container(key="score_targets"):
        _tables(targets, claims)
    rows = [*({"of": "project", **row} for row in targets), *({"of": "paper", **row} for row in claims)]
    origin = Origin(view.results.source(), view.results.simulated)
    components.footer("scorecard_targets", origin, lambda: pd.DataFrame(rows).set_index(["of", NAME]))
    st.caption(
        f"All {len(view.results.sites)} towers, five folds by land cover, support the mean of the three placements; "
        "filters and protocol above do not apply here."
    )


def _tables(targets: list[dict[str, str]], claims: list[dict[str, str]]) -> None:
    """Draw both tables and say what they hold."""
    st.markdown(f"**What the project set out to reach** · {_counted(targets)}")
    st.markdown(_in_markdown(targets))
    st.caption(
        "Paired changes of errors are geometric means of the ratios at each tower; the competitor for each flux is the "
        "better of the tree models without labels. The last row is compared with values for another data set."
    )
    if claims:
        st.markdown(f"**What the paper claims** · {_counted(claims)}")
        st.markdown(_in_markdown(claims))
        st.caption(
            "The paper: RMSE 8 to 9.6 % lower and R² 19.4 to 43.8 % higher than existing products at 150 and more "
            "towers, depending on the flux (Rozanov et al. 2026, "
            "[arXiv:2603.09974](https://arxiv.org/abs/2603.09974), abstract). The lower ends are compared here with "
            "XGBoost, with which FLUXCOM-X-BASE is made, on the same towers, days and drivers: not the comparison of "
            "the paper, whose products have other drivers."
        )


def _counted(rows: list[dict[str, str]]) -> str:
    """Return how many of the verdicts are good."""
    said = [met for row in rows for flux in FLUXES if (met := verdict(row[flux])[1]) is not None]
    return f"{sum(said)} of {len(said)} met"


def _in_markdown(rows: list[dict[str, str]]) -> str:
    """Return the rows as a table in Markdown."""

    def cell(text: str) -> str:
        measured, met = verdict(text)
        return _proper(measured) + (f" · {_MARKS[met]}" if met is not None else "")

    head = ["| Target | " + " | ".join(FLUXES) + " |", "|---" * (1 + len(FLUXES)) + "|"]
    names = (_proper(row[NAME]) for row in rows)
    lines = [
        "| " + " | ".join([name[:1].upper() + name[1:], *(cell(row[f]) for f in FLUXES)]) + " |"
        for name, row in zip(names, rows, strict=True)
    ]
    return "\n".join([*head, *lines])


def _proper(text: str) -> str:
    """Return a text of the benchmark's document with true minus signs and a raised exponent."""
    return _HYPHEN.sub("\N{MINUS SIGN}", text).replace("R2", "R²")
