"""The Scorecard's frame: which scores, asked how, of which towers; the sections; what a score cannot tell."""

from pathlib import Path

import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import ScorecardView
from tamrl.app.shared import components, sidebar, state, visitor
from tamrl.app.shared.widgets import select
from tamrl.errors import TamrlError
from tamrl.evaluation import results as scorecard
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import METRICS, PLACEMENTS, SCALES, Results
from tamrl.figures.scorecard import names
from tamrl.schema import IGBP, KOEPPEN
from tamrl.system.access import LONGEST

TITLE = "Scorecard"
LEAD = "How well each model predicts held-out towers, zero-shot and with labelled days."
_BOX = "Folder with scores"
#: Stands in an address for the scores of the open workspace, whose path a visitor is not told.
_OWN = "@workspace"


def folder_choice() -> Path:
    """Draw the choice of the results folder in the sidebar and return it; one that may not be opened is said."""
    access, own = visitor.access(), _of_workspace()
    named = _OWN if own is not None and not access.owner else str(own)
    if access.paths or own is not None:
        with st.sidebar.expander("Open other scores", icon=":material/leaderboard:"):
            if access.paths:
                st.text_input(
                    _BOX,
                    placeholder="bundled with the app",
                    **state.bind("scores", ""),
                    help="A results folder of `python -m tamrl bench accuracy` on the computer that runs this app.",
                )
            if own is not None and state.get("scores") != named:
                st.button("Use those of the workspace", on_click=state.put, args=("scores", named))
            if state.get("scores"):
                st.button("Back to the bundled ones", on_click=state.put, args=("scores", None))
    chosen = state.get("scores")
    if not chosen:
        return scorecard.bundled()
    if own is not None and chosen == named:
        return own
    try:
        return _named(chosen)
    except TamrlError as error:
        components.show_error(error)
        state.put("scores", None)
        return scorecard.bundled()


def _named(text: str) -> Path:
    """Return the results folder that the user named.

    Raises:
        TamrlError: it cannot be a folder, or may not be opened.
    """
    access = visitor.access()
    if access.owner and len(text) <= LONGEST and text.isprintable() and not text.startswith("~"):
        return Path(text)  # a folder that is not there is told of by what opens it
    folder = access.resolve(text, _BOX)
    if not access.holds_all(folder):
        raise TamrlError(
            "A link in this folder leads outside the folders that may be opened", _BOX, "Choose another folder"
        )
    return folder


def _of_workspace() -> Path | None:
    """Return the results folder inside the open workspace, where it has one."""
    try:
        folder = sidebar.choice().workspace.path / "scores"
    except TamrlError:
        return None
    return folder if (folder / "manifest.yaml").is_file() else None


def controls(results: Results) -> ScorecardView | None:
    """Draw what is asked and of which towers; None where no tower passes the filters."""
    columns = st.columns([1, 1.4, 1.6, 1.2, 1.4], gap="small", vertical_alignment="bottom")
    with columns[0]:
        metric = select("Score", "metric", list(METRICS), "rmse", lambda name: METRICS[name].label)
    with columns[1]:
        scale = select("Time scale", "scale", SCALES, "daily", names.SCALE_LABELS.get, _SCALE_TIP)
    with columns[2]:
        models = in_order([str(m) for m in cache.table(results, "scores")["model"].unique()])
        against = select("Compare with", "against", models, "xgboost", _reference_label, _AGAINST_TIP)
    with columns[3].popover("Protocol", icon=":material/rule:", width="stretch"):
        designs = results.designs
        design = select("Cross-validation scheme", "design", designs, "igbp", lambda n: names.DESIGN_LABELS.get(n, n))
        options = ("mean", *PLACEMENTS)
        placement = select("Support placement", "placement", options, "mean", names.PLACEMENT_LABELS.get, _PLACE_TIP)
        st.toggle(
            "Same towers in every column",
            **state.bind("same", False),
            help="Short records do not have 365 labelled days. On: every number of days at the towers that have all.",
        )
    with columns[4]:
        chosen = _filters(results.sites)
    if chosen.empty:
        st.info("No tower passes these filters.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", on_click=clear_filters)
        return None
    return ScorecardView(
        results=results,
        design=design,
        placement=placement,
        scale=scale,
        metric=METRICS[metric],
        against=against,
        sites=chosen,
    )


_SCALE_TIP = (
    "Daily values; weekly and monthly means; the mean seasonal cycle; anomalies from it; annual means; one mean a "
    "tower. Site means are scored over towers."
)
_PLACE_TIP = (
    "Mean of the three: zero-shot is scored on all valid days of a tower, few-shot on the days outside the largest "
    "support, the mean of the placements. One placement: all on its days outside the support."
)
_AGAINST_TIP = (
    "At equal labels where there is such a model: few-shot TAM-RL is compared with XGBoost given the same days. "
    "Otherwise zero-shot where the model works without labels, or the same number of days."
)


def _reference_label(model: str) -> str:
    label = names.look(model).label
    return f"{label}, zero-shot" if model == "tamrl" else label


def _filters(sites: pd.DataFrame) -> pd.DataFrame:
    """Draw the filters and return the towers that pass them."""
    asked = (
        ("igbp", "Land cover (IGBP)", "igbp", [*IGBP, "unknown"], components.class_name),
        ("climate", "Climate (Köppen)", "climate", [*KOEPPEN.values(), "unknown"], str),
        ("network", "Network", "network", sorted(sites["network"].unique()), str),
    )
    kept = {}
    for name, _, field, known, _ in asked:
        present = set(sites[field])
        options = [option for option in known if option in present]
        kept[name] = state.among(name, options)
    chosen = scorecard.filter_sites(sites, **kept)
    label = f"{len(chosen)} of {len(sites)} towers" if len(chosen) < len(sites) else f"{len(sites)} towers"
    with st.popover(label, icon=":material/filter_alt:", width="stretch", key="tower_filters"):
        for name, title, field, known, text in asked:
            present = set(sites[field])
            st.multiselect(
                title,
                [option for option in known if option in present],
                format_func=text,
                placeholder="all",
                filter_mode="contains",
                **state.bind(name, []),
            )
    return chosen


def clear_filters() -> None:
    """Forget every filter of towers."""
    for name in ("igbp", "climate", "network"):
        state.put(name, None)
