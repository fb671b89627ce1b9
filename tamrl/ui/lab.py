"""The parts of the Few-shot lab that ask: which tower, which days, which settings; and the running adaptation."""

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.data.steps import Step, step_of
from tamrl.errors import TamrlError
from tamrl.figures import adaptation as figures
from tamrl.figures import series, style
from tamrl.schema import FLUXES
from tamrl.ui import components, jobs, state, theme, towers

if TYPE_CHECKING:
    from tamrl.adapt import AdaptSettings
    from tamrl.model.checkpoint import Ensemble

#: Valid days, or months, of support that are offered at most: two years.
MOST: dict[str, int] = {"1D": 730, "1MS": 24}
MOST_STEPS = 500
#: Support days, or months, at first.
FIRST: dict[str, int] = {"1D": 30, "1MS": 6}
#: Methods that take gradient steps.
TRAINED = ("modulation", "all")
#: How often the page looks at a running adaptation [s].
POLL_S = 0.8
_CHART, _PRESSED = "support_chart", "tamrl_adapt_pressed"


@dataclasses.dataclass(frozen=True)
class Request:
    """One adaptation that the user asked for; results are kept under it.

    Attributes:
        workspace: folder and version of the archive.
        model: folder and version of the checkpoint.
        site: tower.
        start: first day, or month, that may be support, ISO date.
        days: number of valid support days, or months of a monthly workspace.
        settings: method, steps, learning rate, seed.
    """

    workspace: tuple[str, int]
    model: tuple[str, int]
    site: str
    start: str
    days: int
    settings: "AdaptSettings"

    def place(self) -> tuple:
        """Return what must be equal for two results to be of the same tower and model."""
        return self.workspace, self.model, self.site


def tower_choice(table: pd.DataFrame, ensemble: "Ensemble") -> str:
    """Draw the choice of a held-out tower and return it.

    Raises:
        TamrlError: the model was trained on every tower of the workspace, and seen towers are not wanted.
    """
    seen, validation = set(ensemble.training_sites), set(ensemble.validation_sites)
    # Towers that only stopped the training come after those that had no part in it at all.
    held_out = sorted((site for site in table.index if site not in seen), key=lambda site: site in validation)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    show_seen = right.toggle("Also show towers the model was trained on", **state.bind("seen", False))
    wanted = state.get("site")
    if wanted is not None and wanted not in table.index:
        st.warning(f"{wanted} of this address is not in this workspace.", icon=":material/link_off:")
        wanted = None
    # A tower that was chosen elsewhere stays, seen or not; it is labelled.
    options = held_out + [site for site in table.index if site in seen and (show_seen or site == wanted)]
    if not options:
        raise TamrlError(
            f"All {len(table)} towers of this workspace were used to train this model, so none is held out",
            str(ensemble.path),
            "Train a model with --exclude-sites, ingest further towers, or switch on the seen towers",
        )

    def text(site: str) -> str:
        mark = " (seen in training)" if site in seen else " (validation tower)" if site in validation else ""
        return towers.label(site, table) + mark

    # At first the held-out tower with the most days to learn from and to be scored on.
    site = wanted or max(options[: len(held_out)] or options, key=lambda name: table.loc[name, "valid_days"])
    st.session_state["lab_site"] = site
    left.selectbox(
        f"Tower ({len(held_out)} of {len(table)} are held out)", options, key="lab_site",
        format_func=text, on_change=lambda: _choose_site(st.session_state["lab_site"]),
    )  # fmt: skip
    if site in validation and site not in seen:
        st.info("A validation tower: not trained on, but training stopped where such towers were predicted best.",
                icon=":material/info:")  # fmt: skip
    return site


def cautions_section(ensemble: "Ensemble", tower: xr.Dataset) -> None:
    """Say what must be known before a prediction at this tower is believed."""
    from tamrl.gaps import describe, driver_gaps
    from tamrl.predict import cautions

    gaps = driver_gaps(tower, ensemble.config.model.drivers)
    for line in [*cautions(ensemble, tower), *describe(gaps, tower, allowed=False)]:
        st.warning(line, icon=":material/visibility:")


def _choose_site(site: str) -> None:
    """Choose a tower; the support of the one before does not fit it."""
    towers.choose(site)
    state.put("start", None)


def support_section(site: str, tower: xr.Dataset) -> pd.DatetimeIndex:
    """Draw the choice of the support days, or months, by sliders and on the chart, and return them.

    Raises:
        TamrlError: the tower has no valid day or month.
    """
    from tamrl.data.sequences import valid_days
    from tamrl.protocol import support_days

    time, step = pd.DatetimeIndex(tower["time"].values), step_of(tower)
    valid = time[valid_days(tower)]
    if not len(valid):
        raise TamrlError(
            f"This tower has no valid {wording.unit(step)}, so there is nothing to adapt to or to score",
            site,
            "Choose another tower, or ingest a record whose NEE quality reaches 0.7",
        )
    start, days = _sliders(time, valid, step)
    support = support_days(tower, days, skip=int(time.searchsorted(pd.Timestamp(start))))
    flux = _support_flux(step)
    st.plotly_chart(
        series.support_chart(tower, support, flux, theme.current()), theme=None, key=f"{_CHART}_{site}_{flux}",
        config=style.config(f"{site}_support"), selection_mode=("box", "lasso"),
        on_select=lambda: _from_chart(f"{_CHART}_{site}_{flux}", valid, MOST[step]),
        alt=f"Observed {flux} of {site}; the support {wording.unit(step, 0)} are marked.",
    )  # fmt: skip
    st.caption(f"{support_text(support, step)}. Drag a box on the chart to choose others, or use the sliders.")
    return support


def support_text(support: pd.DatetimeIndex, step: Step) -> str:
    """Return in words how many days, or months, the support has, and from when to when."""
    first, last = (wording.date(when, step) for when in (support.min(), support.max()))
    return f"{wording.counted(len(support), step, 'support')} from {first} to {last}"


def support_of(request: Request, tower: xr.Dataset) -> pd.DatetimeIndex:
    """Return the support days, or months, of ``request``."""
    from tamrl.protocol import support_days

    time = pd.DatetimeIndex(tower["time"].values)
    return support_days(tower, request.days, skip=int(time.searchsorted(pd.Timestamp(request.start))))


def _sliders(time: pd.DatetimeIndex, valid: pd.DatetimeIndex, step: Step) -> tuple[datetime.date, int]:
    """Draw the sliders of the first day, or month, and of how many; return both, within the record.

    At first these are the first valid ones after 180 days of record, so that the model has weather to start from.
    """
    from tamrl.protocol import SKIP_DAYS

    low, high = valid[0].date(), valid[-1].date()
    default = min(max(low, (time[0] + pd.Timedelta(days=SKIP_DAYS)).date()), high)
    start = min(max(state.get("start", default), low), high)
    word = wording.unit(step)
    if step == "1MS":
        # A slider of dates would stop at every day; a month is one of those that are valid.
        start, default = (valid[valid >= pd.Timestamp(when)][0].date() for when in (start, default))
    left, right = st.columns(2, gap="medium")
    if low < high:
        state.put("start", start if start != default else None)
        if step == "1D":
            left.slider("First support day", low, high, format="YYYY-MM-DD", **state.bind("start", default))
        else:
            months = [when.date() for when in valid]
            left.select_slider(
                "First support month", months, format_func="{:%Y-%m}".format, **state.bind("start", default)
            )
    most = int(min(MOST[step], (valid >= pd.Timestamp(start)).sum()))
    # At a short record half of it, so that some of it is left to score.
    first = max(1, min(FIRST[step], most // 2))
    days = min(max(state.get("days", first), 1), most)
    if most > 1:
        state.put("days", days if days != first else None)
        right.slider(f"Support {word}s (valid {word}s)", 1, most, **state.bind("days", days))
    return start, days


def _support_flux(step: Step) -> str:
    """Draw the choice of the flux on the chart of the support."""
    if state.get("flux") not in FLUXES:
        state.put("flux", None)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Support {wording.unit(step, 0)}**", width="content")
        st.segmented_control("Flux", FLUXES, required=True, label_visibility="collapsed", **state.bind("flux", "NEE"))
    return state.get("flux", "NEE")


def _from_chart(key: str, valid: pd.DatetimeIndex, most: int) -> None:
    """Take the span of a box or lasso as the support."""
    chosen = selected_span(st.session_state[key].selection, valid, most)
    if chosen is not None:
        state.put("start", chosen[0])
        state.put("days", chosen[1])


def selected_span(selection: Any, valid: pd.DatetimeIndex, most: int = MOST["1D"]) -> tuple[datetime.date, int] | None:
    """Return the first valid day, or month, and how many lie inside a selection on the chart.

    Args:
        selection: streamlit's plotly selection, with ``box`` and ``lasso`` lists of ``{"x": [...]}``.
        valid: the valid days, or months, of the tower.
        most: largest number that may be chosen.

    Returns:
        None where nothing is selected or nothing valid lies inside.
    """
    shapes = [*selection.get("box", []), *selection.get("lasso", [])]
    if not shapes:
        return None
    # Streamlit hands dates over as text, or as milliseconds since 1970 where plotly did so.
    edges = [pd.Timestamp(x, unit="ms") if isinstance(x, (int, float)) else pd.Timestamp(x) for x in shapes[-1]["x"]]
    inside = valid[(valid >= min(edges)) & (valid <= max(edges))]
    return (inside[0].date(), min(len(inside), most)) if len(inside) else None


def settings_section() -> tuple["AdaptSettings", bool]:
    """Draw the choice of method, steps and learning rate; return the settings and whether Adapt was pressed."""
    from tamrl.adapt import METHODS, AdaptSettings

    standard = AdaptSettings()
    if state.get("method") not in METHODS:
        state.put("method", None)
    if state.get("steps") is not None:
        state.put("steps", min(max(state.get("steps"), 1), MOST_STEPS))
    columns = st.columns([2, 2, 3, 1.6], gap="medium", vertical_alignment="bottom")
    columns[0].selectbox(
        "Method",
        list(METHODS),
        format_func=str.capitalize,
        **state.bind("method", standard.method),
    )
    method = state.get("method", standard.method)
    fixed = method not in TRAINED
    columns[1].number_input("Steps", 1, MOST_STEPS, step=10, disabled=fixed, **state.bind("steps", standard.steps))
    rates = sorted({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, standard.learning_rate, state.get("lr", 0.1)})
    columns[2].select_slider(
        "Learning rate", rates, disabled=fixed, format_func="{:g}".format, **state.bind("lr", standard.learning_rate)
    )
    columns[3].button(
        "Adapt", type="primary", icon=":material/play_arrow:", width="stretch", key="adapt", on_click=_press
    )  # fmt: skip
    st.caption(f"{METHODS[method]}." + ("" if fixed else " The model itself is not changed for anyone else."))
    settings = dataclasses.replace(
        standard, method=method, steps=int(state.get("steps", standard.steps)),
        learning_rate=float(state.get("lr", standard.learning_rate)),
    )  # fmt: skip
    return settings, st.session_state.pop(_PRESSED, False)


def _press() -> None:
    """Remember the press until the page acts on it; the button's own value is lost when a run starts again."""
    st.session_state[_PRESSED] = True


def start(request: Request, ensemble: "Ensemble", tower: xr.Dataset, support: pd.DatetimeIndex) -> None:
    """Start the adaptation of ``request`` in the background."""
    from tamrl.adapt import adapt
    from tamrl.gaps import driver_gaps, leave_out_adapted

    def work(on_step: Any, cancelled: Any) -> Any:
        result = adapt(ensemble, tower, support, request.settings, on_step=on_step, cancelled=cancelled)
        return leave_out_adapted(result, driver_gaps(tower, ensemble.config.model.drivers))

    jobs.start(request, f"Adapting to {request.site}", work)


def running_section(request: Request) -> bool:
    """Show the running adaptation, its loss falling live, with a button that cancels it; or how it ended.

    Args:
        request: what the page shows; the end of a job for another tower is of no interest here.

    Returns:
        Whether a job is running for the place that the page shows: its result is about to come, and drawing an
        earlier one meanwhile would take the time from it.
    """
    job = jobs.current()
    if job is None:
        return False
    if job.status == "running":
        st.fragment(_live, run_every=POLL_S)()
        return job.key.place() == request.place()
    if job.key.place() != request.place():
        return False
    if job.status == "failed":
        components.show_error(job.error)
    elif job.status == "cancelled":
        st.info("The adaptation was cancelled.", icon=":material/cancel:")
    return False


def _live() -> None:
    job = jobs.current()
    if job is None or job.status != "running":
        st.rerun()
    with st.container(border=True, key="adapting"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.progress(job.progress(), text=f"{job.title}: {job.seconds():.1f} s")
        right.button("Cancel", icon=":material/stop:", on_click=job.cancel, width="stretch", key="cancel")
        history = job.history()
        if len(history):
            st.plotly_chart(
                figures.loss_figure(history, theme.current()), theme=None, key="live_loss",
                config={"displayModeBar": False}, alt="Loss of each member against the step, so far.",
            )  # fmt: skip


def result_for(request: Request) -> tuple[Request, Any] | None:
    """Return the result of ``request``, or the latest one of the same tower and model; None where there is none."""
    kept = jobs.results()
    if request in kept:
        return request, kept[request]
    same = [key for key in kept if isinstance(key, Request) and key.place() == request.place()]
    return (same[-1], kept[same[-1]]) if same else None
