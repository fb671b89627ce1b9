"""The Scorecard's frame: which scores, asked how, of which towers; the sections; what a score cannot tell."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.shared import components, sidebar, state, theme, visitor
from tamrl.app.shared.components import Origin, legend
from tamrl.errors import TamrlError
from tamrl.evaluation import results as scorecard
from tamrl.evaluation.comparison import Asked, Column
from tamrl.evaluation.results import METRICS, PLACEMENTS, SCALES, Metric, Results
from tamrl.figures.scorecard import names
from tamrl.schema import FLUXES, IGBP, KOEPPEN
from tamrl.system.access import LONGEST

TITLE = "Scorecard"
LEAD = "How well each model predicts towers that it has never seen, without labels and with days of them."
#: Number of support days that the page starts with.
FIRST_SHOTS = 30
_BOX = "Folder with scores"
#: Stands in an address for the scores of the open workspace, whose path a visitor is not told.
_OWN = "@workspace"


@dataclass(frozen=True, eq=False)
class View:
    """What the page is asked: every section reads it.

    Attributes:
        results: the results folder.
        design: how towers were held out.
        placement: of the support, or ``mean``.
        scale: at which scores are taken.
        metric: the score.
        against: model that the others are compared with.
        sites: the towers that pass the filters.
    """

    results: Results
    design: str
    placement: str
    scale: str
    metric: Metric
    against: str
    sites: pd.DataFrame

    @property
    def keys(self) -> tuple[str, ...]:
        """The codes of the towers that pass the filters."""
        return tuple(self.sites.index)

    def question(self, one: bool = False, name: str = "scores") -> tuple:
        """Return the question as the cache knows it; ``one`` asks for a score a tower."""
        design, scale = ("igbp", "daily") if name == "ablations" else (self.design, self.scale)
        return cache.question(self.results, design, scale, self.metric.name, self.placement, name, one)

    def asked(self, one: bool = False, name: str = "scores") -> Asked:
        """Return the answers for the towers that pass the filters."""
        return cache.asked(self.question(one, name), self.keys)

    def summary(self, same: bool, quick: bool = True) -> pd.DataFrame:
        """Return the statistic of every flux, model and number of shots; ``quick`` without intervals of changes."""
        return cache.summary(self.question(), self.keys, self.against, same, quick)

    def reference(self, columns: list[Column], shots: int) -> Column:
        """Return what a model at ``shots`` is compared with."""
        return scorecard.reference(columns, self.against, shots)

    def versus(self, columns: list[Column], shots: int) -> str:
        """Return the reference in words."""
        return names.column_label(self.reference(columns, shots), names.plain(columns))

    @property
    def origin(self) -> Origin:
        """Where the scores come from, and how they were asked."""
        said = [
            self.results.source(), names.DESIGN_LABELS.get(self.design, self.design).lower(),
            f"support: {names.PLACEMENT_LABELS[self.placement].lower()}",
        ]  # fmt: skip
        return Origin(" · ".join(said), self.results.simulated)


def folder_choice() -> Path:
    """Draw the choice of the results folder in the sidebar and return it; one that may not be opened is said."""
    access, own = visitor.access(), _of_workspace()
    named = _OWN if own is not None and not access.owner else str(own)
    if access.paths or own is not None:
        with st.sidebar.expander("Open other scores", icon=":material/leaderboard:"):
            if access.paths:
                st.text_input(
                    _BOX, placeholder="bundled with the app", **state.bind("scores", ""),
                    help="A results folder of `python -m tamrl bench accuracy` on the computer that runs this app.",
                )  # fmt: skip
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
        raise TamrlError("A link in this folder leads to where nothing may be opened", _BOX, "Choose another folder")
    return folder


def _of_workspace() -> Path | None:
    """Return the results folder inside the open workspace, where it has one."""
    try:
        folder = sidebar.choice().workspace.path / "scores"
    except TamrlError:
        return None
    return folder if (folder / "manifest.yaml").is_file() else None


def choice(name: str, options: Sequence[Any], default: Any) -> Any:
    """Return the choice ``name`` where it is on offer, else forget it and return the default."""
    value = state.get(name, default)
    if value not in options:
        state.put(name, None)
        value = default if default in options else next(iter(options), None)
    return value


def pick(
    label: str, name: str, options: Sequence[Any], default: Any, text: Callable[[Any], str], hidden: bool = False
) -> Any:
    """Draw a row of buttons for the choice ``name`` and return it."""
    value = choice(name, options, default)
    shown = st.segmented_control(
        label, options, format_func=text, required=True, label_visibility="collapsed" if hidden else "visible",
        **state.bind(name, value),
    )  # fmt: skip
    return value if shown is None else shown


def select(
    label: str, name: str, options: Sequence[Any], default: Any, text: Callable[[Any], str], tip: str = ""
) -> Any:
    """Draw a select box for the choice ``name`` and return it."""
    value = choice(name, options, default)
    return st.selectbox(label, options, format_func=text, help=tip or None, **state.bind(name, value))


def chart(column: st.delta_generator.DeltaGenerator, name: str, figure: go.Figure, alt: str, title: str = "") -> None:
    """Draw one figure of a row; ``components.footer`` stands below the row."""
    components.chart(column, f"scorecard-{name}", figure, alt, title)


def model_legend(models: Iterable[str]) -> None:
    """Draw the legend of models."""
    shade = theme.current()
    looks = [names.look(model) for model in names.in_order(list(models))]
    legend([(names.GLYPHS.get(x.symbol, "●"), x.colour(shade), x.label) for x in looks], "Models")


def flux_choice() -> str:
    """Draw the choice of the flux."""
    return pick("Flux", "flux", FLUXES, "GPP", str)


def shots_choice(options: Sequence[int], label: str = "Days of labels") -> int:
    """Draw the choice of the number of support days."""
    return pick(label, "shots", list(options), FIRST_SHOTS, str)


def controls(results: Results) -> View | None:
    """Draw what is asked and of which towers; None where no tower passes the filters."""
    columns = st.columns([1, 1.4, 1.6, 1.2, 1.4], gap="small", vertical_alignment="bottom")
    with columns[0]:
        metric = select("Score", "metric", list(METRICS), "rmse", lambda name: METRICS[name].label)
    with columns[1]:
        scale = select("Time scale", "scale", SCALES, "daily", names.SCALE_LABELS.get, _SCALE_TIP)
    with columns[2]:
        models = names.in_order([str(m) for m in cache.table(results, "scores")["model"].unique()])
        against = select("Compare with", "against", models, "xgboost", _reference_label, _AGAINST_TIP)
    with columns[3].popover("Protocol", icon=":material/rule:", width="stretch"):
        designs = results.designs
        design = select("Towers held out in", "design", designs, "igbp", lambda n: names.DESIGN_LABELS.get(n, n))
        options = ("mean", *PLACEMENTS)
        placement = select("Where the labels lie", "placement", options, "mean", names.PLACEMENT_LABELS.get, _PLACE_TIP)
        st.toggle(
            "Same towers in every column", **state.bind("same", False),
            help="Short records have no 365 days of labels. On: all numbers of days on the towers that have all.",
        )  # fmt: skip
    with columns[4]:
        chosen = _filters(results.sites)
    if chosen.empty:
        st.info("No tower passes these filters.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", on_click=clear_filters)
        return None
    return View(results, design, placement, scale, METRICS[metric], against, chosen)


_SCALE_TIP = (
    "Daily values; weekly and monthly means; the mean seasonal cycle; anomalies from it; annual means; one mean a "
    "tower. Site means are scored over towers."
)
_PLACE_TIP = (
    "Mean of the three: zero-shot is scored on all valid days of a tower, few-shot on the days outside the largest "
    "support, the mean of the placements. One placement: all on its days outside the support."
)
_AGAINST_TIP = (
    "At equal labels where there is such a model: few-shot TAM-RL meets XGBoost with the same days. Else zero-shot "
    "where the model works without labels, or the same number of days."
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
        kept[name] = [value for value in state.get(name, []) if value in options]
        state.put(name, kept[name] or None)
    chosen = scorecard.filter_sites(sites, **kept)
    label = f"{len(chosen)} of {len(sites)} towers" if len(chosen) < len(sites) else f"{len(sites)} towers"
    with st.popover(label, icon=":material/filter_alt:", width="stretch", key="tower_filters"):
        for name, title, field, known, text in asked:
            present = set(sites[field])
            st.multiselect(
                title, [option for option in known if option in present], format_func=text, placeholder="all",
                **state.bind(name, []),
            )  # fmt: skip
    return chosen


def clear_filters() -> None:
    """Forget every filter of towers."""
    for name in ("igbp", "climate", "network"):
        state.put(name, None)


def sections(view: View) -> None:
    """Draw the tabs; only the open one computes."""
    from tamrl.app.scorecard import checks, intervals, overview, patterns, targets, towers
    from tamrl.app.scorecard import models as scorecard_models

    drawn = {
        "Overview": overview.show,
        "Map and towers": towers.show,
        "Learning curves": scorecard_models.curves,
        "Distribution": scorecard_models.distribution,
        "Patterns": patterns.show,
        "Intervals": intervals.show,
        "Ablations": checks.ablations,
        "Published": checks.published,
        "Targets": targets.show,
    }
    opened = choice("section", list(drawn), "Overview")
    for tab, show in zip(st.tabs(list(drawn), **state.bind("section", opened)), drawn.values(), strict=True):
        if tab.open:
            with tab, components.guarded():
                show(view)
